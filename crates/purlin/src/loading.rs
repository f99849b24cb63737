//! Loading extensions into a kernel.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use purlin_agent::ToolCatalog;
use purlin_agent::tools::serve_tools;
use purlin_kernel::{Handle, Kernel};
use purlin_lua::LuaExtension;
use purlin_runtime_native::KernelHost;
use tokio::task::JoinHandle;

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
        load_path(kernel, path, &mut say);
    }
}

fn load_path(kernel: &Kernel, path: &Path, say: &mut impl FnMut(&str)) {
    let found = match LuaExtension::all_from_path(path) {
        Ok(found) => found,
        Err(error) => return say(&format!("An extension was not loaded: {error}.")),
    };
    for extension in found {
        if let Err(error) = kernel.ext().load(Box::new(extension)) {
            say(&format!("The {error}."));
        }
    }
}

/// Keeps the kernel's port and the tools of extensions served for the agent's thread.
pub struct Serving {
    tools: Handle,
    task: JoinHandle<()>,
}

impl Serving {
    /// Begins to serve; it ends when dropped.
    pub fn begin(kernel: &Kernel, catalog: &ToolCatalog) -> Self {
        let tools = serve_tools(kernel, catalog);
        Self { tools, task: tokio::task::spawn_local(kernel.serve_port()) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
        self.tools.del();
    }
}
