//! `cargo xtask wasm`: the portable crates compile for the browser, and their suite runs there too.

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, installed, output, run};

const TARGET: &str = "wasm32-unknown-unknown";
const PORTABLE: &[&str] = &["purlin-notebook", "purlin-runtime-core", "purlin-kernel"];

/// Installs the compiler's wasm target when it is missing, and says what else is.
pub(crate) fn prepare(workspace: &Workspace) -> Result<()> {
    let sysroot = output(
        std::process::Command::new("rustc").args(["--print", "sysroot"]).current_dir(workspace.root()),
    )?;
    let library = std::path::Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET);
    if !library.is_dir() {
        if !installed("rustup") {
            bail!(
                "the tests need the compiler's target `{TARGET}`: install it from where your Rust compiler came from"
            );
        }
        run(std::process::Command::new("rustup")
            .args(["target", "add", TARGET])
            .current_dir(workspace.root()))?;
    }
    if !installed("node") {
        bail!("the tests need Node 18 or newer as `node` (on Debian: `apt-get install nodejs`)");
    }
    Ok(())
}

/// Checks the portable crates for wasm.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    prepare(workspace)?;
    let mut arguments = vec!["check", "--target", TARGET];
    for name in PORTABLE {
        arguments.extend(["-p", name]);
    }
    run(&mut workspace.cargo(&arguments)).context("a portable crate does not compile for wasm")
}
