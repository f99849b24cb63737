//! `cargo xtask bench`: the release build beside `nvim`, in the same run, as ratios.

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// Measures and writes the table of `docs/bench.md`.
pub(crate) fn run(_workspace: &Workspace, _arguments: &[String]) -> Result<()> {
    bail!("nothing is measured yet")
}
