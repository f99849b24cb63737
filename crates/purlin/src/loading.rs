//! Loading extensions into a kernel, and a kernel for runs without a screen.

mod shelf;
mod watching;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use purlin_agent::tools::serve_tools;
use purlin_agent::{ModelRef, Session, ToolCatalog};
use purlin_kernel::{ExtId, Handle, Kernel, Level, LogMessage, Topic};
use purlin_runtime_native::KernelHost;
use purlin_tui::transcript::TRANSCRIPT;
use serde_json::json;
use tokio::task::JoinHandle;

pub use shelf::Shelf;

use crate::config::Live;
use crate::keep::{self, SessionState};
use crate::notes::Notes;
use crate::start::Start;
use crate::{hooks, keys, lua, notes};

/// A kernel without a screen and without extensions, and what stands around it.
pub struct Around {
    /// The kernel.
    pub kernel: Kernel,
    /// Where the state of the session is kept.
    pub state: SessionState,
    /// Where notes go.
    pub notes: Notes,
    /// The configuration.
    pub live: Live,
}

/// A kernel for a run without a screen, and what belongs to it.
pub struct Headless {
    /// The kernel, with the extensions loaded.
    pub kernel: Kernel,
    /// Where the state of the session is kept.
    pub state: SessionState,
    /// Where notes go.
    pub notes: Notes,
}

impl Headless {
    /// Gives extensions the session: its state, its notes, its transcript.
    pub fn open(&self, session: &Session) {
        self.state.open(session);
        self.notes.open(session);
        notes::project(&self.kernel, session);
    }
}

/// Makes a kernel for a run without a screen, with everything that extensions may ask for; none is loaded yet.
pub fn bare(start: &Start) -> Around {
    let kernel = Kernel::new(Rc::new(KernelHost::new()));
    purlin_agent::hooks::declare_all(&kernel);
    purlin_tui::hooks::declare_all(&kernel);
    hooks::declare_all(&kernel);
    hooks::tell_suspensions(&kernel);
    kernel.ui().set_interactive(false);
    kernel.set_context("cwd", json!(start.cwd.display().to_string()));
    let state = keep::wire(&kernel, &start.paths, &start.cwd, start.writes);
    let live = start.read.begin(&kernel, &start.cwd);
    // A leader that is no key is told by the terminal, which has a use for it.
    let _ = keys::prepare(&kernel, &start.config);
    kernel.buf().create(ExtId::CORE, TRANSCRIPT);
    let notes = Notes::wire(&kernel);
    Around { kernel, state, notes, live }
}

/// Makes a kernel for a run without a screen and loads the extensions; none is made where there are none.
///
/// What extensions tell the person, and what the guard has to say about them, goes to `say` at once. `attach` is called
/// before the first is loaded.
pub fn headless(start: &Start, say: fn(&str), attach: impl FnOnce(&SessionState)) -> Option<Headless> {
    if start.extensions.is_empty() {
        return None;
    }
    let Around { kernel, state, notes, live } = bare(start);
    attach(&state);
    told(&kernel, say);
    report(&kernel, say);
    // What an extension says while it loads is said as well.
    Shelf::new(&kernel).load(&start.extensions, say);
    live.unknown_options().iter().for_each(|problem| say(problem));
    lua::serve(&kernel, start.cwd.clone());
    Some(Headless { kernel, state, notes })
}

/// Says what extensions tell the person.
pub fn told(kernel: &Kernel, say: fn(&str)) {
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
            for message in unread(&kernel, &read) {
                let worth = message.level >= Level::Warn && !is_told(&message) && !is_remark(&message);
                if worth
                    && said.borrow_mut().insert((message.ext, message.what.clone(), message.text.clone()))
                {
                    say(&describe(&message));
                }
            }
        }),
    );
}

/// Whether a message is said by others: a suspension by a notice, that of loading by whoever loads, what fails of a command or
/// of typed Lua where it was asked for; what was logged is for those who look.
fn is_told(message: &LogMessage) -> bool {
    let what = message.what.as_str();
    let is_load = what == "load" && message.level == Level::Error;
    is_load || matches!(what, "suspend" | "log") || is_answer(message)
}

/// Whether a message repeats what whoever asked was answered: the failure of a command, or of Lua that was typed.
pub fn is_answer(message: &LogMessage) -> bool {
    message.what.starts_with("command `") || (message.extension == lua::NAME && message.what == lua::NAME)
}

/// Whether a message only remarks that something took long, which is no problem of the person's.
pub fn is_remark(message: &LogMessage) -> bool {
    message.level == Level::Warn
        && message.text.starts_with("took ")
        && message.text.contains(" is slow here")
}

/// The messages that were written since `read` was what it is.
pub fn unread(kernel: &Kernel, read: &Cell<u64>) -> Vec<LogMessage> {
    let logged = kernel.guard().logged();
    let new = logged - read.replace(logged);
    let messages = kernel.guard().messages();
    let skip = messages.len().saturating_sub(usize::try_from(new).unwrap_or(usize::MAX));
    messages.into_iter().skip(skip).collect()
}

/// File and line of a message, where known.
pub fn place_of(message: &LogMessage) -> Option<String> {
    let file = message.file.as_ref()?;
    Some(message.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")))
}

fn describe(message: &LogMessage) -> String {
    let place = place_of(message).map(|place| format!(" ({place})")).unwrap_or_default();
    format!("Extension `{}`, {}: {}{place}", message.extension, message.what, message.text)
}

/// Keeps the kernel's port and the tools of extensions served for the agent's thread, and their timers running.
pub struct Serving {
    tools: Handle,
    tasks: [JoinHandle<()>; 2],
}

impl Serving {
    /// Begins to serve; it ends when dropped.
    pub fn begin(kernel: &Kernel, catalog: &ToolCatalog) -> Self {
        let tools = serve_tools(kernel, catalog);
        let port = tokio::task::spawn_local(kernel.serve_port());
        Self { tools, tasks: [port, tokio::task::spawn_local(keep_time(kernel))] }
    }
}

/// Runs what is due, as the main loop of a screen would; sleeps until the next.
pub fn keep_time(kernel: &Kernel) -> impl Future<Output = ()> + use<> {
    let woken = Rc::new(tokio::sync::Notify::new());
    let waker = Rc::clone(&woken);
    kernel.on_wake(Rc::new(move || waker.notify_one()));
    let weak = kernel.downgrade();
    async move {
        loop {
            let Some(kernel) = weak.upgrade() else { return };
            let host = kernel.host();
            let wait = kernel.next_deadline().map(|due| due.saturating_sub(kernel.now()));
            drop(kernel);
            match wait {
                Some(ms) => {
                    let due = host.sleep(std::time::Duration::from_millis(ms));
                    tokio::select! {
                        () = due => {
                            let Some(kernel) = weak.upgrade() else { return };
                            kernel.run_due();
                        }
                        () = woken.notified() => {}
                    }
                }
                None => woken.notified().await,
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.tools.del();
    }
}

/// The words for a file or folder, relative to where the program works if it lies there.
pub fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}
