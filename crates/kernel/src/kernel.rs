//! The kernel itself: one reference-counted heart, shared by everything on its thread.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use crate::hooks::terminal;
use crate::{ExtId, Host};
use crate::{
    buffer, command, config, ext, frame, guard, highlight, hooks, input, job, keymap, layout, mark, option,
    port, registry, state, task, timer, tx, ui, window,
};

/// The programmable heart; a clone is another handle of the same kernel.
#[derive(Clone)]
pub struct Kernel(pub(crate) Rc<Inner>);

/// A handle that does not keep the kernel alive.
#[derive(Clone)]
pub struct WeakKernel(Weak<Inner>);

pub(crate) struct Inner {
    pub(crate) host: Rc<dyn Host>,
    pub(crate) tx: tx::UndoLog,
    pub(crate) registry: registry::Registry,
    pub(crate) guard: guard::GuardState,
    pub(crate) hooks: hooks::HookTable,
    pub(crate) port: port::PortState,
    pub(crate) exts: ext::ExtTable,
    pub(crate) commands: command::CommandTable,
    pub(crate) buffers: buffer::BufferTable,
    pub(crate) marks: mark::MarkTable,
    pub(crate) windows: window::WindowTable,
    pub(crate) layout: layout::LayoutState,
    pub(crate) frames: frame::FrameState,
    pub(crate) highlights: highlight::HighlightTable,
    pub(crate) keymaps: keymap::KeymapTable,
    pub(crate) input: input::InputState,
    pub(crate) timers: timer::TimerTable,
    pub(crate) tasks: task::TaskTable,
    pub(crate) jobs: job::JobTable,
    pub(crate) ui: ui::UiState,
    pub(crate) state: state::StateTable,
    pub(crate) options: option::OptionTable,
    pub(crate) config: config::ConfigTable,
    pub(crate) edit_lines: RefCell<Option<crate::VisualLines>>,
    pub(crate) context: RefCell<crate::hooks::Object>,
    wake: Wake,
}

type WakeFn = Rc<dyn Fn()>;
type TopicFn = Rc<dyn Fn(Topic)>;

#[derive(Default)]
struct Wake {
    callback: RefCell<Option<WakeFn>>,
    topics: RefCell<Vec<(crate::RegId, TopicFn)>>,
    quit: Cell<bool>,
    parting: RefCell<Parting>,
}

/// What a program that ends leaves behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parting {
    /// The exit code of the process.
    pub code: u8,
    /// Text for standard output; nothing is written if it is empty.
    pub text: String,
}

/// What changed, for those who draw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The keys of an unfinished sequence.
    Pending,
    /// The stack of dialogs or one of them.
    Dialogs,
    /// The list of notifications.
    Notifications,
    /// The guard's log of messages.
    Messages,
    /// The focused window.
    Focus,
    /// The commands, keymaps or typed registrations.
    Registrations,
    /// The theme or a highlight group.
    Theme,
    /// A segment of the status line.
    Status,
    /// The process is asked to end.
    Quit,
}

impl Kernel {
    /// Makes a kernel over a host, with the terminal hooks declared and the edit commands registered.
    pub fn new(host: Rc<dyn Host>) -> Self {
        let kernel = Self(Rc::new(Inner {
            host,
            tx: tx::UndoLog::default(),
            registry: registry::Registry::default(),
            guard: guard::GuardState::default(),
            hooks: hooks::HookTable::new(),
            port: port::PortState::new(),
            exts: ext::ExtTable::default(),
            commands: command::CommandTable::default(),
            buffers: buffer::BufferTable::default(),
            marks: mark::MarkTable::default(),
            windows: window::WindowTable::default(),
            layout: layout::LayoutState::default(),
            frames: frame::FrameState::default(),
            highlights: highlight::HighlightTable::default(),
            keymaps: keymap::KeymapTable::default(),
            input: input::InputState::default(),
            timers: timer::TimerTable::default(),
            tasks: task::TaskTable::default(),
            jobs: job::JobTable::default(),
            ui: ui::UiState::default(),
            state: state::StateTable::default(),
            options: option::OptionTable::default(),
            config: config::ConfigTable::default(),
            edit_lines: RefCell::default(),
            context: RefCell::default(),
            wake: Wake::default(),
        }));
        for decl in terminal::ALL {
            kernel.hook().declare(decl);
        }
        crate::edit::register(&kernel);
        kernel
    }

    /// Answers a handle that does not keep the kernel alive.
    pub fn downgrade(&self) -> WeakKernel {
        WeakKernel(Rc::downgrade(&self.0))
    }

    /// Answers the host.
    pub fn host(&self) -> Rc<dyn Host> {
        self.0.host.clone()
    }

    /// Answers the monotonic clock in milliseconds.
    pub fn now(&self) -> u64 {
        self.0.host.now_mono()
    }

    /// Answers a value of the context that handlers see, such as `cwd`; the product fills it.
    pub fn context(&self, name: &str) -> Option<serde_json::Value> {
        match name {
            "mode" => self.mode().map(serde_json::Value::String),
            name => self.0.context.borrow().get(name).cloned(),
        }
    }

    /// Answers the whole context.
    pub fn context_all(&self) -> crate::hooks::Object {
        let mut context = self.0.context.borrow().clone();
        context.extend(self.mode().map(|mode| ("mode".to_owned(), serde_json::Value::String(mode))));
        context
    }

    /// Sets a value of the context; null removes it.
    pub fn set_context(&self, name: &str, value: serde_json::Value) {
        let mut context = self.0.context.borrow_mut();
        if value.is_null() {
            context.remove(name);
        } else {
            context.insert(name.to_owned(), value);
        }
    }

    /// Calls `f` whenever something became dirty or due that the main loop should look at.
    pub fn on_wake(&self, f: Rc<dyn Fn()>) {
        *self.0.wake.callback.borrow_mut() = Some(f);
    }

    /// Calls the wake callback.
    pub(crate) fn wake(&self) {
        let callback = self.0.wake.callback.borrow().clone();
        if let Some(callback) = callback {
            callback();
        }
    }

    /// Calls `f` with what changed, until the handle is deleted.
    pub fn on_change(&self, owner: ExtId, f: Rc<dyn Fn(Topic)>) -> crate::Handle {
        let id = self.next_reg();
        self.register(
            id,
            owner,
            "listener",
            "change",
            move |kernel| kernel.0.wake.topics.borrow_mut().push((id, f.clone())),
            move |kernel| kernel.0.wake.topics.borrow_mut().retain(|(other, _)| *other != id),
        )
    }

    /// Tells listeners what changed, and the main loop that something did.
    pub(crate) fn changed(&self, topic: Topic) {
        let listeners = self.0.wake.topics.borrow().clone();
        for (_, listener) in listeners {
            listener(topic);
        }
        self.wake();
    }

    /// Asks the process to end; the main loop asks [`Kernel::quit_requested`].
    pub fn quit(&self) {
        self.0.wake.quit.set(true);
        self.changed(Topic::Quit);
    }

    /// Asks the process to end and says what it leaves behind; the latest counts.
    pub fn quit_with(&self, parting: Parting) {
        *self.0.wake.parting.borrow_mut() = parting;
        self.quit();
    }

    /// Answers what the process leaves behind when it ends.
    pub fn parting(&self) -> Parting {
        self.0.wake.parting.borrow().clone()
    }

    /// Tells whether the process should end.
    pub fn quit_requested(&self) -> bool {
        self.0.wake.quit.get()
    }

    /// Answers when, on the monotonic clock in milliseconds, [`Kernel::run_due`] has something to do next.
    pub fn next_deadline(&self) -> Option<u64> {
        [self.timer().next_due(), self.keymap().next_due(), self.ui().next_due()].into_iter().flatten().min()
    }

    /// Runs what is due: timers, the end of key sequences, dialogs' and notices' ends.
    pub fn run_due(&self) {
        self.keymap().expire();
        self.ui().expire();
        self.timer().run_due();
    }

    /// Ends every wait with `shutdown` and raises the `shutdown` hook; called once by the main loop.
    pub fn shutdown(&self, reason: &str) {
        use serde_json::{Map, Value};
        self.hook().dispatch_with::<terminal::Shutdown>(|| {
            Map::from_iter([("reason".to_owned(), Value::String(reason.to_owned()))])
        });
        self.ui().close_all(crate::Reason::Shutdown);
        self.last_words(None);
        self.job().kill_all();
    }
}

impl WeakKernel {
    /// Answers the kernel if it still lives.
    pub fn upgrade(&self) -> Option<Kernel> {
        self.0.upgrade().map(Kernel)
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kernel")
    }
}

impl std::fmt::Debug for WeakKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WeakKernel")
    }
}
