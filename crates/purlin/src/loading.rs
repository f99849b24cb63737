//! Loading extensions into a kernel.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use purlin_kernel::Kernel;
use purlin_runtime_native::KernelHost;

/// Makes a kernel for a run without a screen and loads the extensions; none is made where there are none.
pub fn headless(paths: &[PathBuf], say: impl FnMut(&str)) -> Option<Kernel> {
    if paths.is_empty() {
        return None;
    }
    let kernel = Kernel::new(Rc::new(KernelHost::new()));
    purlin_agent::hooks::declare_all(&kernel);
    kernel.ui().set_interactive(false);
    load(&kernel, paths, say);
    Some(kernel)
}

/// Loads the extensions in order; what cannot be loaded is said and stops nothing.
pub fn load(kernel: &Kernel, paths: &[PathBuf], mut say: impl FnMut(&str)) {
    for path in paths {
        if let Err(sentence) = load_path(kernel, path) {
            say(&sentence);
        }
    }
}

fn load_path(_kernel: &Kernel, path: &Path) -> Result<(), String> {
    Err(format!("The extension `{}` was not loaded: this build has no Lua.", path.display()))
}
