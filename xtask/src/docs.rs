//! `cargo xtask docs`: what the documentation shows is run, parsed or loaded.
//!
//! The words after a fence's language say what happens to it:
//!
//! | fence | check |
//! |---|---|
//! | `sh test` | runs in an empty folder with the built `purlin` and the Rust examples on the path; must succeed |
//! | `toml` | parses |
//! | `toml config` | parses, and `purlin --config` accepts it |
//! | `toml script` | parses, and `purlin --model script:` plays it |
//! | `lua` | loads as an extension without a complaint |
//! | `lua NAME.lua` | the same, and is that file for what follows on the page; with `more` it is added to the file's end |
//! | `lua fragment` | nothing: part of something larger |
//! | `try` | is typed and looked at in a terminal, as [`session`] reads it |
//!
//! A page that names files has one folder and one home for all of its snippets; on other pages each has its own.
//! Every file and folder of `examples/` is checked like a snippet of its kind.

mod session;
mod snippet;
mod stage;

use std::{fmt::Write as _, path::Path, rc::Rc};

use anyhow::{Result, bail};
use snippet::Snippet;
use stage::Stage;

use crate::workspace::{Workspace, run};

/// Checks the snippets of README, `docs/` and `examples/`.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    run(&mut workspace.cargo(&["build", "--package", "purlin", "--bins", "--examples"]))?;
    let snippets = collect(workspace)?;
    let mut failures = String::new();
    let mut checked = 0;
    for page in snippets.chunk_by(|a, b| a.file == b.file) {
        let shared = page.iter().any(|snippet| snippet.name().is_some());
        let stage = shared.then(|| Stage::new(workspace)).transpose()?.map(Rc::new);
        for snippet in page {
            let stage = || stage.clone().map_or_else(|| Stage::new(workspace).map(Rc::new), Ok);
            match check_one(workspace, snippet, stage) {
                Ok(true) => checked += 1,
                Ok(false) => {}
                Err(error) => write!(failures, "\n  {}:{}: {error:#}", snippet.file.display(), snippet.line)?,
            }
        }
    }
    if !failures.is_empty() {
        bail!("the documentation shows what does not work{failures}");
    }
    println!("docs: {checked} of {} snippets checked, all work", snippets.len());
    Ok(())
}

/// Writes the pages and stubs that are made from declarations; the test that compares them is the one that can write them.
pub(crate) fn write_reference(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(&["test", "--quiet", "--package", "purlin", "--test", "reference"]);
    run(command.env("PURLIN_WRITE_REFERENCE", "1"))
}

fn collect(workspace: &Workspace) -> Result<Vec<Snippet>> {
    let mut snippets = Vec::new();
    for file in workspace.files()? {
        let extension = file.extension().and_then(|extension| extension.to_str());
        if extension == Some("md") && (file == Path::new("README.md") || file.starts_with("docs")) {
            snippets.extend(snippet::parse(&file, &workspace.read(&file)?));
        } else if file.starts_with("examples") {
            snippets.extend(snippet::example(&file, || workspace.read(&file))?);
        }
    }
    Ok(snippets)
}

/// Checks one snippet; answers whether there was anything to check.
fn check_one(
    workspace: &Workspace,
    snippet: &Snippet,
    stage: impl Fn() -> Result<Rc<Stage>>,
) -> Result<bool> {
    let marked = |word: &str| snippet.marks.iter().any(|mark| mark == word);
    match snippet.language.as_str() {
        "sh" | "bash" if marked("test") => stage()?.shell(&snippet.text)?,
        "toml" => {
            toml::from_str::<toml::Table>(&snippet.text)?;
            if marked("config") {
                stage()?.configuration(&snippet.text)?;
            }
            if marked("script") {
                stage()?.script(&snippet.text)?;
            }
        }
        "lua" if marked("file") => stage()?.extension_at(&workspace.root().join(&snippet.file))?,
        "lua" if !marked("fragment") => match snippet.name() {
            Some(name) => stage()?.extension_named(name, &snippet.text, marked("more"))?,
            None => stage()?.extension(&snippet.text)?,
        },
        "try" => stage()?.session(&snippet.text)?,
        _ => return Ok(false),
    }
    Ok(true)
}
