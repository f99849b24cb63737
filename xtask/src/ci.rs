//! `cargo xtask test` and `cargo xtask ci`.

use std::time::Instant;

use anyhow::Result;

use crate::{
    docs, layers, needs, tidy, wasm,
    workspace::{Workspace, run},
};

/// Installs what the tests need and runs all of them.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    needs::compilers()?;
    needs::wasm(workspace)?;
    step("tests of all crates", || run(&mut workspace.cargo(&["test", "--workspace", "--no-fail-fast"])))?;
    step("portable crates on wasm", || wasm::check(workspace))?;
    step("documentation", || docs::check(workspace))
}

/// Runs everything that CI checks, the quick checks first.
pub(crate) fn ci(workspace: &Workspace) -> Result<()> {
    step("formatting", || run(&mut workspace.cargo(&["fmt", "--all", "--check"])))?;
    step("layers", || layers::check(workspace))?;
    step("tidy", || tidy::check(workspace))?;
    step("clippy", || {
        run(&mut workspace.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    test(workspace)
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let begun = Instant::now();
    work()?;
    println!("== {name}: passed in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}
