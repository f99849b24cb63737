//! `cargo xtask tidy`: the written rules that no lint knows.
//!
//! A rule looks at one file and answers findings; this file walks the tree and prints them all, so that one run
//! shows everything there is to mend.

mod contract;
mod rules;
mod source;
mod text;

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, bail};
use source::Source;

use crate::workspace::Workspace;

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Counted from one.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Finding {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// Checks every file of the workspace.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let files = workspace.files()?;
    let mut message = String::new();
    let mut count = 0;
    let mut held = contract::Held::default();
    for file in &files {
        for finding in check_file(workspace, file, &mut held)? {
            write!(message, "\n  {}:{}: {}", file.display(), finding.line, finding.message)?;
            count += 1;
        }
    }
    if let Some(finding) = held.missing() {
        write!(message, "\n  crates: {}", finding.message)?;
        count += 1;
    }
    if count > 0 {
        bail!("{count} places to tidy{message}");
    }
    println!("tidy: {} files, nothing to mend", files.len());
    Ok(())
}

fn check_file(workspace: &Workspace, file: &Path, held: &mut contract::Held) -> Result<Vec<Finding>> {
    let mut findings = rules::names(file);
    if !text::is_text(file) {
        return Ok(findings);
    }
    let content = workspace.read(file)?;
    findings.extend(text::check(&content));
    if file.extension().is_some_and(|extension| extension == "rs") {
        let source = Source::parse(file, &content);
        findings.extend(rules::crate_comment(file, &source));
        findings.extend(rules::check(&source));
        held.read(file, &source);
    }
    findings.sort_by_key(|finding| finding.line);
    Ok(findings)
}
