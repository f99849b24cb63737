//! What must be on the machine before anything is built or tested, and how to get it.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{
    wasm::TARGET,
    workspace::{Workspace, installed, output, run},
};

/// Checks the programs that every build calls.
pub(crate) fn compilers() -> Result<()> {
    for (program, what) in [("cc", "a C compiler"), ("c++", "a C++ compiler")] {
        if !installed(program) {
            bail!("the build needs {what} as `{program}` (on Debian: `apt-get install build-essential`)");
        }
    }
    Ok(())
}

/// Installs the compiler's wasm target when it is missing, and checks for the program that runs it.
pub(crate) fn wasm(workspace: &Workspace) -> Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(workspace.root()))?;
    let library = std::path::Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET);
    if !library.is_dir() {
        if !installed("rustup") {
            bail!(
                "the tests need the compiler's target `{TARGET}`: install it from where your Rust compiler came from"
            );
        }
        run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(workspace.root()))?;
    }
    if !installed("node") {
        bail!("the tests need Node 18 or newer as `node` (on Debian: `apt-get install nodejs`)");
    }
    Ok(())
}
