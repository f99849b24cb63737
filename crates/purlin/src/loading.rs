//! Loading extensions into a kernel.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use purlin_agent::tools::serve_tools;
use purlin_agent::{ModelRef, Session, ToolCatalog};
use purlin_kernel::{ExtId, Handle, Kernel, Level, LogMessage, Topic};
use purlin_lua::LuaExtension;
use purlin_runtime_native::{KernelHost, Paths};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::keep;

/// Makes a kernel for a run without a screen and loads the extensions; none is made where there are none.
///
/// What extensions tell the person, and what the guard has to say about them, goes to `say` at once.
pub fn headless(paths: &[PathBuf], places: &Paths, cwd: &Path, say: fn(&str)) -> Option<Kernel> {
    if paths.is_empty() {
        return None;
    }
    let kernel = Kernel::new(Rc::new(KernelHost::new()));
    purlin_agent::hooks::declare_all(&kernel);
    purlin_tui::hooks::declare_all(&kernel);
    kernel.ui().set_interactive(false);
    kernel.set_context("cwd", json!(cwd.display().to_string()));
    keep::wire(&kernel, places, cwd);
    let told = Cell::new(0);
    let weak = kernel.downgrade();
    kernel.on_change(
        ExtId::CORE,
        Rc::new(move |topic| {
            let Some(kernel) = weak.upgrade().filter(|_| topic == Topic::Notifications) else { return };
            for notice in kernel.ui().notifications().into_iter().filter(|notice| notice.id > told.get()) {
                told.set(notice.id);
                say(&notice.text);
            }
        }),
    );
    // What an extension says while it loads is said as well.
    load(&kernel, paths, say);
    report(&kernel, say);
    Some(kernel)
}

/// Publishes which session and model a run without a screen is about, as the `ctx` of its extensions has it.
pub fn publish(kernel: Option<&Kernel>, session: &Session, usual: &ModelRef) {
    let Some(kernel) = kernel else { return };
    let model = session.model().unwrap_or_else(|| usual.clone());
    kernel.set_context("session_id", json!(session.id().as_str()));
    kernel.set_context("model", json!(model.to_string()));
}

/// Says what the guard writes down about extensions from now on: an error once, however often it comes again.
pub fn report(kernel: &Kernel, say: impl Fn(&str) + 'static) {
    let read = Cell::new(kernel.guard().logged());
    let said = RefCell::new(BTreeSet::new());
    let weak = kernel.downgrade();
    kernel.on_change(
        ExtId::CORE,
        Rc::new(move |topic| {
            let Some(kernel) = weak.upgrade().filter(|_| topic == Topic::Messages) else { return };
            let logged = kernel.guard().logged();
            let new = logged - read.replace(logged);
            let messages = kernel.guard().messages();
            for message in messages.iter().skip(messages.len().saturating_sub(new as usize)) {
                // Whoever is suspended is told of by a notice already.
                // What a command answers is shown where it was called.
                let told = message.what == "suspend" || message.what.starts_with("command `");
                let worth = message.level >= Level::Warn && !told;
                if worth
                    && said.borrow_mut().insert((message.ext, message.what.clone(), message.text.clone()))
                {
                    say(&describe(message));
                }
            }
        }),
    );
}

fn describe(message: &LogMessage) -> String {
    let place = match (&message.file, message.line) {
        (Some(file), Some(line)) => format!(" ({file}:{line})"),
        (Some(file), None) => format!(" ({file})"),
        _ => String::new(),
    };
    format!("Extension `{}`, {}: {}{place}", message.extension, message.what, message.text)
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
