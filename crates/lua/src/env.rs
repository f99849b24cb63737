//! One extension's state as the API functions see it, and the ways into its Lua code.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, Table, Value, WeakLua};
use purlin_kernel::{ErrorKind, ExtId, Handle, HandlerError, Kernel, Level, Watchdog, WeakKernel};

use crate::event::Events;
use crate::fault;
use crate::hint;
use crate::inspect::inspect;
use crate::libs::shell::Done;
use crate::names::Names;
use crate::view::Views;

/// What belongs to one loaded extension.
pub(crate) struct Env {
    kernel: WeakKernel,
    /// Whose registrations these are.
    pub(crate) ext: ExtId,
    pub(crate) name: String,
    /// The folder that `require` searches first.
    pub(crate) root: PathBuf,
    lua: RefCell<Option<WeakLua>>,
    watchdog: Rc<dyn Watchdog>,
    /// False once the extension is unloaded.
    alive: Cell<bool>,
    /// Whether the running code is a coroutine of the runtime's.
    waiting: Cell<bool>,
    pub(crate) events: Events,
    pub(crate) names: Names,
    glue: OnceCell<Table>,
    views: OnceCell<Views>,
    /// Registrations of which there is one at a time, by what they are.
    kept: RefCell<BTreeMap<&'static str, Handle>>,
    /// The windows it created, by name.
    windows: RefCell<BTreeMap<String, Handle>>,
    /// Whether the keymap's function that runs has said that the key is dealt with.
    key_consumed: Cell<bool>,
    /// Calls of tools: how many there have been, and how many are under way.
    calls: Cell<u64>,
    running: Rc<Cell<usize>>,
    /// Where code was last seen running while little memory was left; an error of memory itself has no place.
    pub(crate) crowded: RefCell<Option<(String, u32)>>,
    /// The coroutine that runs, and what the coroutines that wait for another wait for, by number.
    body: Cell<u64>,
    bodies: Cell<u64>,
    waits: RefCell<BTreeMap<u64, u64>>,
    /// How much the call of the API that runs has copied, in bytes.
    effort: Cell<usize>,
    /// Who is given each printed line, beside the log.
    printers: Rc<RefCell<Vec<(u64, PrintFn)>>>,
}

/// A call of the API copies at most so many bytes into or out of the interpreter: one text that stands in a list a
/// thousand times is little memory there, and much outside.
const MOST_EFFORT: usize = 64 * 1024 * 1024;
/// After so many bytes the deadline is looked at.
const LOOK_EVERY: usize = 64 * 1024;
/// What an item costs beside its text.
const ITEM: usize = 16;

/// Is given each line that is printed.
pub(crate) type PrintFn = Rc<dyn Fn(&str)>;

/// Ends a printer when it is dropped.
pub(crate) struct Printing {
    printers: Rc<RefCell<Vec<(u64, PrintFn)>>>,
    number: u64,
}

impl Drop for Printing {
    fn drop(&mut self) {
        self.printers.borrow_mut().retain(|(number, _)| *number != self.number);
    }
}

/// Counts a call that is under way until it is dropped.
pub(crate) struct Underway(Rc<Cell<usize>>);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Env {
    pub(crate) fn new(
        kernel: &Kernel,
        ext: ExtId,
        name: &str,
        root: PathBuf,
        watchdog: Rc<dyn Watchdog>,
    ) -> Rc<Self> {
        Rc::new(Self {
            kernel: kernel.downgrade(),
            ext,
            name: name.to_owned(),
            root,
            lua: RefCell::new(None),
            watchdog,
            alive: Cell::new(true),
            waiting: Cell::new(false),
            events: Events::default(),
            names: Names::default(),
            glue: OnceCell::new(),
            views: OnceCell::new(),
            kept: RefCell::default(),
            windows: RefCell::default(),
            key_consumed: Cell::new(false),
            calls: Cell::new(0),
            running: Rc::default(),
            crowded: RefCell::default(),
            body: Cell::new(0),
            bodies: Cell::new(0),
            waits: RefCell::default(),
            effort: Cell::new(0),
            printers: Rc::default(),
        })
    }

    /// Says which interpreter the extension runs in.
    pub(crate) fn attach(self: &Rc<Self>, lua: &Lua) {
        // A state has one extension.
        let _ = lua.set_app_data(Rc::clone(self));
        *self.lua.borrow_mut() = Some(lua.weak());
    }

    /// Keeps the functions that are written in Lua itself.
    pub(crate) fn set_glue(&self, glue: &Table) {
        // A state is prepared once.
        let _ = self.glue.set(glue.clone());
    }

    /// The functions that are written in Lua itself.
    pub(crate) fn glue(&self) -> mlua::Result<&Table> {
        self.glue.get().ok_or_else(|| mlua::Error::runtime("the extension is not set up"))
    }

    /// Keeps the metatables of views.
    pub(crate) fn set_views(&self, views: Views) {
        // A state is prepared once.
        let _ = self.views.set(views);
    }

    /// The views of buffers and windows.
    pub(crate) fn views(&self) -> mlua::Result<&Views> {
        self.views.get().ok_or_else(|| mlua::Error::runtime("the extension is not set up"))
    }

    /// Keeps the one registration of a kind; answers the one before.
    pub(crate) fn keep(&self, what: &'static str, handle: Option<Handle>) -> Option<Handle> {
        let mut kept = self.kept.borrow_mut();
        match handle {
            Some(handle) => kept.insert(what, handle),
            None => kept.remove(what),
        }
    }

    /// Remembers a window it created.
    pub(crate) fn keep_window(&self, name: &str, handle: &Handle) {
        let mut windows = self.windows.borrow_mut();
        windows.retain(|_, handle| !handle.is_stale());
        windows.insert(name.to_owned(), handle.clone());
    }

    /// A window it created, if it is still there.
    pub(crate) fn window(&self, name: &str) -> Option<Handle> {
        self.windows.borrow().get(name).filter(|handle| !handle.is_stale()).cloned()
    }

    /// Says that the key is dealt with whose map is running, if one is.
    pub(crate) fn consume_key(&self) {
        self.key_consumed.set(true);
    }

    /// Tells whether somebody has said so since it was asked last.
    pub(crate) fn take_key_consumed(&self) -> bool {
        self.key_consumed.take()
    }

    /// Begins a call of a tool: its number, and what counts it as long as it lives; nothing when `most` are under way.
    pub(crate) fn begin_call(&self, most: usize) -> Option<(u64, Underway)> {
        if self.running.get() >= most {
            return None;
        }
        self.running.set(self.running.get() + 1);
        self.calls.set(self.calls.get() + 1);
        Some((self.calls.get(), Underway(Rc::clone(&self.running))))
    }

    /// The kernel, while it lives.
    pub(crate) fn kernel(&self) -> Option<Kernel> {
        self.kernel.upgrade()
    }

    /// Whether handles of this generation still mean something.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.get()
    }

    /// Ends the generation: its handles answer `nil, "stale"` from now on, its code is not entered.
    pub(crate) fn retire(&self) {
        self.alive.set(false);
    }

    /// Whether the running stretch is past its deadline.
    #[inline]
    pub(crate) fn is_overdue(&self) -> bool {
        self.watchdog.expired()
    }

    /// Begins to count anew what a call of the API copies.
    #[inline]
    pub(crate) fn begin(&self) {
        self.effort.set(0);
    }

    /// Counts an item of so many bytes that a call copies; the error says that there is no room or no time for more.
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), String> {
        let before = self.effort.get();
        let now = before.saturating_add(bytes).saturating_add(ITEM);
        self.effort.set(now);
        if now > MOST_EFFORT {
            return Err(format!("more than {} MiB for one call", MOST_EFFORT / 1024 / 1024));
        }
        if before / LOOK_EVERY != now / LOOK_EVERY && self.is_overdue() {
            return Err("more than there is time for".to_owned());
        }
        Ok(())
    }

    /// Whether the running code may wait, as far as the runtime knows.
    pub(crate) fn can_wait(&self) -> bool {
        self.waiting.get()
    }

    /// The interpreter, while the extension is loaded.
    pub(crate) fn lua(&self) -> Result<Lua, HandlerError> {
        let unloaded =
            || HandlerError::of(ErrorKind::Cancelled, format!("extension `{}` is unloaded", self.name));
        if !self.alive.get() {
            return Err(unloaded());
        }
        self.lua.borrow().as_ref().and_then(WeakLua::try_upgrade).ok_or_else(unloaded)
    }

    /// Calls a Lua function that may not wait.
    pub(crate) fn call<R: FromLuaMulti>(
        &self,
        function: &Function,
        args: impl IntoLuaMulti,
    ) -> Result<R, HandlerError> {
        self.call_in(&self.lua()?, function, args)
    }

    /// Does the same for those who hold the interpreter already.
    pub(crate) fn call_in<R: FromLuaMulti>(
        &self,
        lua: &Lua,
        function: &Function,
        args: impl IntoLuaMulti,
    ) -> Result<R, HandlerError> {
        let _mode = self.enter(false, 0);
        function.call(args).map_err(|error| self.failed(lua, &error))
    }

    /// Calls a Lua function as a coroutine that may wait.
    ///
    /// The caller wraps the future with the kernel's guard; dropping it ends the coroutine.
    pub(crate) fn call_waiting<R: FromLuaMulti + 'static>(
        self: &Rc<Self>,
        function: Function,
        args: impl IntoLuaMulti + 'static,
    ) -> LocalBoxFuture<'static, Result<R, HandlerError>> {
        self.call_waiting_as(self.next_body(), function, args)
    }

    /// A number for a coroutine that is about to be started.
    pub(crate) fn next_body(&self) -> u64 {
        self.bodies.set(self.bodies.get() + 1);
        self.bodies.get()
    }

    /// Does what [`Env::call_waiting`] does, for a coroutine of this number.
    pub(crate) fn call_waiting_as<R: FromLuaMulti + 'static>(
        self: &Rc<Self>,
        body: u64,
        function: Function,
        args: impl IntoLuaMulti + 'static,
    ) -> LocalBoxFuture<'static, Result<R, HandlerError>> {
        let env = Rc::clone(self);
        Box::pin(async move {
            let mut call = {
                let _lua = env.lua()?;
                function.call_async::<R>(args)
            };
            std::future::poll_fn(move |context| {
                // The interpreter stays until this poll has returned, even if the code unloads itself.
                let lua = match env.lua() {
                    Ok(lua) => lua,
                    Err(error) => return std::task::Poll::Ready(Err(error)),
                };
                let _mode = env.enter(true, body);
                Pin::new(&mut call).poll(context).map_err(|error| env.failed(&lua, &error))
            })
            .await
        })
    }

    fn enter(&self, waiting: bool, body: u64) -> Mode<'_> {
        Mode { env: self, waiting: self.waiting.replace(waiting), body: self.body.replace(body) }
    }

    /// Has the coroutine that runs wait for another until the answer is dropped; nothing if that would wait for the
    /// first in turn, so that neither ever ended.
    pub(crate) fn wait_for(self: &Rc<Self>, other: u64) -> Option<Wait> {
        let own = self.body.get();
        let mut next = Some(other);
        while let Some(body) = next {
            if body == own {
                return None;
            }
            next = self.waits.borrow().get(&body).copied();
        }
        self.waits.borrow_mut().insert(own, other);
        Some(Wait { env: Rc::clone(self), own })
    }

    /// The kernel's form of an error. A table that was raised is told in words; after a memory error the garbage goes
    /// at once, so that the next handler finds room.
    pub(crate) fn failed(&self, lua: &Lua, error: &mlua::Error) -> HandlerError {
        let mut found = fault::handler_error(error);
        hint::add(&mut found, None);
        let thrown = self.glue().and_then(|glue| glue.raw_get::<Table>("thrown"));
        if let Ok(table) = thrown
            && found.message == format!("table: {:p}", table.to_pointer())
        {
            found.message = inspect(&Value::Table(table));
        }
        if found.kind == ErrorKind::Memory {
            if let Some((file, line)) = self.crowded.take().filter(|_| found.file.is_none()) {
                (found.file, found.line) = (Some(file), Some(line));
            }
            // A finalizer that fails changes nothing about the error that is told.
            let _ = lua.gc_collect();
        }
        found
    }

    /// Writes a line to the extension's log.
    pub(crate) fn log(&self, level: &str, text: &str) {
        let level = match level {
            "debug" => Level::Debug,
            "warn" => Level::Warn,
            "error" => Level::Error,
            _ => Level::Info,
        };
        let printers = self.printers.borrow().clone();
        for (_, print) in printers {
            print(text);
        }
        if let Some(kernel) = self.kernel() {
            kernel.guard().log(level, self.ext, "log", &HandlerError::new(text));
        }
    }

    /// Gives each printed line to `print` as well, as long as the extension is loaded.
    pub(crate) fn print_to(&self, print: PrintFn) {
        self.printers.borrow_mut().push((0, print));
    }

    /// Gives each printed line to `print` as well, until the answer is dropped.
    pub(crate) fn print_also(&self, print: PrintFn) -> Printing {
        self.calls.set(self.calls.get() + 1);
        let number = self.calls.get();
        self.printers.borrow_mut().push((number, print));
        Printing { printers: Rc::clone(&self.printers), number }
    }

    /// Writes what a command printed to the extension's log.
    pub(crate) fn log_output(&self, done: &Done) {
        for (level, bytes) in [("info", &done.stdout), ("error", &done.stderr)] {
            for line in String::from_utf8_lossy(bytes).lines() {
                self.log(level, line);
            }
        }
    }
}

/// Does what [`Env::spend`] does where only the interpreter is at hand.
pub(crate) fn spend(lua: &Lua, bytes: usize) -> Result<(), String> {
    lua.app_data_ref::<Rc<Env>>().map_or(Ok(()), |env| env.spend(bytes))
}

/// Makes a few small values of our own without the memory limit, under which each would cost a protected call, several
/// times what the value itself costs. No code of an author's runs meanwhile.
pub(crate) fn unmetered<T>(lua: &Lua, make: impl FnOnce() -> T) -> T {
    let _limit = lua.set_memory_limit(0).ok().map(|limit| Limit { lua, limit });
    make()
}

/// Puts the memory limit back, also when what ran without it panicked.
struct Limit<'a> {
    lua: &'a Lua,
    limit: usize,
}

impl Drop for Limit<'_> {
    fn drop(&mut self) {
        // The state has an allocator of mlua's, as it was just asked.
        let _ = self.lua.set_memory_limit(self.limit);
    }
}

/// Remembers which code there is around the running one, and whether it may wait.
struct Mode<'a> {
    env: &'a Env,
    waiting: bool,
    body: u64,
}

impl Drop for Mode<'_> {
    fn drop(&mut self) {
        self.env.waiting.set(self.waiting);
        self.env.body.set(self.body);
    }
}

/// A coroutine waits for another until this is dropped.
pub(crate) struct Wait {
    env: Rc<Env>,
    own: u64,
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.env.waits.borrow_mut().remove(&self.own);
    }
}
