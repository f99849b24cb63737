//! `cargo xtask wasm`: the portable crates compile for the browser, and their suite runs there too.

use anyhow::{Context, Result};

use crate::{
    needs,
    workspace::{Workspace, run},
};

/// The compiler's name for the browser.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// What must compile for wasm.
const PORTABLE: &[&str] = &["purlin-notebook", "purlin-runtime-core", "purlin-kernel"];
/// Whose tests run there too, the same ones as natively.
const RUN_THERE: &[&str] = &["purlin-notebook", "purlin-runtime-core"];

/// Checks the portable crates for wasm, and runs the suites that are written for it.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    needs::wasm(workspace)?;
    run(&mut workspace.cargo(&with_packages(&["check", "--target", TARGET], PORTABLE)))
        .context("a portable crate does not compile for wasm")?;
    // As a list, so that a folder with a blank in its name stays one argument.
    let program = toml::Value::from(workspace.root().join("xtask/wasm/run.mjs").display().to_string());
    let runner = format!("target.{TARGET}.runner = ['node', {program}]");
    let arguments = ["test", "--config", &runner, "--target", TARGET, "--lib", "--tests"];
    run(&mut workspace.cargo(&with_packages(&arguments, RUN_THERE))).context("a test fails as wasm")
}

fn with_packages<'a>(arguments: &[&'a str], packages: &[&'a str]) -> Vec<&'a str> {
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    arguments.iter().copied().chain(packages).collect()
}
