//! `cargo xtask bench`: the release build beside `nvim`, in the same run, as ratios.
//!
//! Both programs are started in the same kind of pseudo-terminal, by turns, so that a noisy moment falls on both.
//! What counts is the ratio; absolute numbers are information about this machine. The command builds what it
//! measures, then runs itself again as a release build, so that its own work costs little.

mod claim;
mod coalesce;
mod lua;
mod machine;
mod measure;
mod process;
mod renderer;
mod replay;
mod report;
mod rows;
mod search;
mod store;
mod subject;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rows::Bench;

use crate::workspace::{Workspace, run as run_command};

/// What the command line asks for.
#[derive(Default)]
struct Options {
    print_only: bool,
    quick: bool,
    only: Option<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--print" => options.print_only = true,
                "--quick" => options.quick = true,
                "--only" => {
                    let name = arguments.next().context("`--only` needs the name of a group")?;
                    if !rows::GROUPS.contains(&name.as_str()) {
                        bail!("there is no group `{name}`; there are: {}", rows::GROUPS.join(", "));
                    }
                    options.only = Some(name.clone());
                }
                other => bail!("`bench` has no option `{other}`"),
            }
        }
        Ok(options)
    }

    fn needs_program(&self) -> bool {
        self.only.as_deref().is_none_or(|only| !rows::WITHOUT_PROGRAM.contains(&only))
    }

    fn wants(&self, group: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == group)
    }
}

/// Measures and writes the table of `docs/bench.md`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let release = workspace.target().join("release");
    if cfg!(debug_assertions) {
        // One after the other: together they would be built with the features that either of them asks for.
        for package in options.needs_program().then_some("purlin").into_iter().chain(["xtask"]) {
            run_command(&mut workspace.cargo(&["build", "--release", "--package", package]))?;
        }
        let mut again = std::process::Command::new(release.join("xtask"));
        return run_command(again.arg("bench").args(arguments).current_dir(workspace.root()));
    }
    let scratch = Scratch::new()?;
    let program = release.join("purlin");
    if options.needs_program() && !program.exists() {
        bail!("the release build of purlin is missing: `{}`", program.display());
    }
    let mut bench = Bench::new(workspace, &program, &scratch.folder, options.quick)?;
    let table = bench.measure(&|group| options.wants(group))?;
    let text = report::render(&table, &machine::describe());
    println!("{text}");
    if options.only.is_none() && !options.print_only {
        let file = workspace.root().join("docs/bench.md");
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// A folder for the homes of the measured programs, removed at the end.
struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("purlin-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).context("cannot make a folder for the measurements")?;
        Ok(Self { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that cannot be removed is the temporary folder's business.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
