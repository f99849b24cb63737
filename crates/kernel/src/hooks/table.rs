//! Who handles what: declarations, handlers in order of dispatch, registration.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use serde_json::Value;

use super::{Hook, HookDecl, HookEvent, HookMode, Object, nearest};
use crate::{ExtId, Handle, HandlerError, Kernel, LBF, Level};

/// A longer diagnostic is cut, in bytes.
const LONGEST_COMPLAINT: usize = 1024;
/// After so many different ones no more are told.
const MOST_COMPLAINTS: usize = 4096;

/// When a handler runs relative to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum Phase {
    /// Before the others.
    Early,
    /// The ordinary place.
    #[default]
    Normal,
    /// After the others; nothing skips it.
    Final,
}

/// A handler that answers at once.
pub type SyncFn = Rc<dyn Fn(&HookEvent) -> Result<Value, HandlerError>>;
/// A handler that may wait.
pub type AsyncFn = Rc<dyn Fn(HookEvent) -> LBF<Result<Value, HandlerError>>>;

/// The code of a handler.
#[derive(Clone)]
pub enum HandlerFn {
    /// Answers at once.
    Sync(SyncFn),
    /// May wait; only on asynchronous hooks.
    Async(AsyncFn),
}

impl HandlerFn {
    /// Wraps a function that answers at once.
    pub fn sync(f: impl Fn(&HookEvent) -> Result<Value, HandlerError> + 'static) -> Self {
        Self::Sync(Rc::new(f))
    }

    /// Wraps a function that answers a future.
    pub fn future<F>(f: impl Fn(HookEvent) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Value, HandlerError>> + 'static,
    {
        Self::Async(Rc::new(move |event| Box::pin(f(event))))
    }
}

/// How a handler is registered.
#[derive(Debug, Clone, Default)]
pub struct OnOptions {
    /// Higher first within a phase.
    pub priority: i32,
    /// Early, normal or final.
    pub phase: Phase,
    /// Whether it ends after its first run.
    pub once: bool,
    /// How long an asynchronous gate may take as a whole, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// What it is for.
    pub desc: String,
    /// Where it was written, where known.
    pub place: Option<crate::Place>,
    /// Payload field → the value, or the list of values, for which it runs.
    pub filter: Object,
}

/// Why a handler could not be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// There is no such hook.
    #[error("unknown hook `{name}`{}", .nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The known name closest to it.
        nearest: Option<String>,
    },
    /// A handler of a synchronous hook may not wait.
    #[error("`{0}` is synchronous: its handlers may not wait")]
    MayNotWait(String),
    /// Custom events are emitted under a name with a colon.
    #[error("`{0}` is not a custom event: its name needs a `:`")]
    NotCustom(String),
}

impl From<HookError> for HandlerError {
    fn from(error: HookError) -> Self {
        Self::new(error.to_string())
    }
}

/// One line of `hook.list()`.
#[derive(Debug, Clone, Copy)]
pub struct HookListing {
    /// The declaration.
    pub decl: &'static HookDecl,
    /// How many handlers it has.
    pub handlers: usize,
}

pub(super) struct Handler {
    pub(super) id: crate::RegId,
    pub(super) owner: ExtId,
    /// The owner's place in the load order.
    rank: u32,
    pub(super) options: OnOptions,
    pub(super) run: HandlerFn,
    pub(super) alive: Cell<bool>,
    /// Set when a `once` handler starts, so that a dispatch inside its own does not run it again.
    pub(super) spent: Cell<bool>,
}

impl Handler {
    fn order(&self) -> (Phase, std::cmp::Reverse<i32>, u32, u64) {
        (self.options.phase, std::cmp::Reverse(self.options.priority), self.rank, self.id.0)
    }
}

type Handlers = Rc<Vec<Rc<Handler>>>;

pub(crate) struct HookTable {
    decls: RefCell<BTreeMap<&'static str, &'static HookDecl>>,
    aliases: RefCell<HashMap<&'static str, &'static str>>,
    handlers: RefCell<HashMap<Rc<str>, Handlers>>,
    complained: RefCell<HashSet<(ExtId, String, String)>>,
    pub(super) queues: RefCell<BTreeMap<ExtId, super::raise::Queue>>,
    pub(super) depth: Cell<usize>,
    pub(crate) interest: super::Interest,
    /// Counts registrations and their ends.
    revision: Cell<u64>,
}

impl HookTable {
    pub(crate) fn new() -> Self {
        Self {
            decls: RefCell::default(),
            aliases: RefCell::default(),
            handlers: RefCell::default(),
            complained: RefCell::default(),
            queues: RefCell::default(),
            depth: Cell::new(0),
            interest: super::Interest::new(),
            revision: Cell::new(0),
        }
    }
}

/// Declares, registers and raises hooks; made by [`Kernel::hook`].
#[derive(Clone, Copy)]
pub struct Hooks<'k>(pub(super) &'k Kernel);

impl Hooks<'_> {
    /// Makes a hook known; declaring it again does nothing.
    pub fn declare(self, decl: &'static HookDecl) {
        let table = &self.0.0.hooks;
        table.decls.borrow_mut().entry(decl.name).or_insert(decl);
        for alias in decl.aliases {
            table.aliases.borrow_mut().entry(alias).or_insert(decl.name);
        }
    }

    /// Answers the declaration of a hook by its name or an alias.
    pub fn decl(self, name: &str) -> Option<&'static HookDecl> {
        let table = &self.0.0.hooks;
        let decls = table.decls.borrow();
        decls.get(name).copied().or_else(|| {
            let real = *table.aliases.borrow().get(name)?;
            decls.get(real).copied()
        })
    }

    /// Lists every declared hook by name.
    pub fn list(self) -> Vec<HookListing> {
        let decls: Vec<_> = self.0.0.hooks.decls.borrow().values().copied().collect();
        decls.into_iter().map(|decl| HookListing { decl, handlers: self.handlers(decl.name).len() }).collect()
    }

    /// Tells whether somebody handles a hook or custom event.
    pub fn has_handlers(self, name: &str) -> bool {
        let name = self.decl(name).map_or(name, |decl| decl.name);
        !self.handlers(name).is_empty()
    }

    /// Tells whether a hook may have handlers: one relaxed load.
    pub fn wants(self, decl: &HookDecl) -> bool {
        self.0.0.hooks.interest.wants(decl)
    }

    /// Answers a number that changes whenever a handler of any hook is added or goes.
    pub fn revision(self) -> u64 {
        self.0.0.hooks.revision.get()
    }

    /// Tells the same by type.
    pub fn wants_hook<H: Hook>(self) -> bool {
        self.wants(H::DECL)
    }

    /// Registers a handler under a hook's name, an alias, or a custom name with a colon.
    pub fn on(
        self,
        owner: ExtId,
        name: &str,
        options: OnOptions,
        run: HandlerFn,
    ) -> Result<Handle, HookError> {
        let decl = self.decl(name);
        if decl.is_none() && !name.contains(':') {
            let decls = self.0.0.hooks.decls.borrow();
            let aliases = self.0.0.hooks.aliases.borrow();
            let known = decls.keys().chain(aliases.keys()).copied();
            let nearest = nearest(name, known).map(str::to_owned);
            return Err(HookError::Unknown { name: name.to_owned(), nearest });
        }
        if let (HandlerFn::Async(_), true) = (&run, decl.is_none_or(|decl| decl.mode == HookMode::Sync)) {
            return Err(HookError::MayNotWait(name.to_owned()));
        }
        if let Some(decl) = decl {
            for complaint in super::filter::complaints(decl, &options.filter) {
                let complaint = match &options.place {
                    Some(place) => HandlerError::new(complaint).at(&*place.file, place.line),
                    None => HandlerError::new(complaint),
                };
                self.0.guard().log(Level::Warn, owner, decl.name, &complaint);
            }
        }
        let key: Rc<str> = decl.map_or(name, |decl| decl.name).into();
        let id = self.0.next_reg();
        let rank = self.0.ext().rank(owner);
        let (alive, spent) = (Cell::new(false), Cell::new(false));
        let handler = Rc::new(Handler { id, owner, rank, options, run, alive, spent });
        let (in_key, in_handler) = (key.clone(), handler.clone());
        let label = key.to_string();
        Ok(self.0.register(
            id,
            owner,
            "handler",
            label,
            move |kernel| kernel.hook().link(&in_key, &in_handler),
            move |kernel| kernel.hook().unlink(&key, &handler),
        ))
    }

    fn link(self, name: &Rc<str>, handler: &Rc<Handler>) {
        let mut table = self.0.0.hooks.handlers.borrow_mut();
        let list = Rc::make_mut(table.entry(name.clone()).or_default());
        let at = list.partition_point(|other| other.order() <= handler.order());
        list.insert(at, handler.clone());
        self.0.0.hooks.revision.update(|count| count + 1);
        handler.spent.set(false);
        if !handler.alive.replace(true) {
            self.0.0.hooks.interest.add(super::interest::slot_of(name));
        }
    }

    fn unlink(self, name: &Rc<str>, handler: &Rc<Handler>) {
        let mut table = self.0.0.hooks.handlers.borrow_mut();
        if let Some(list) = table.get_mut(name) {
            Rc::make_mut(list).retain(|other| other.id != handler.id);
            self.0.0.hooks.revision.update(|count| count + 1);
        }
        if handler.alive.replace(false) {
            self.0.0.hooks.interest.remove(super::interest::slot_of(name));
        }
    }

    /// Answers the handlers as they stand; what registers later runs from the next dispatch.
    pub(super) fn handlers(self, name: &str) -> Handlers {
        self.0.0.hooks.handlers.borrow().get(name).cloned().unwrap_or_default()
    }

    /// Writes a diagnostic the first time it arises for this extension and hook.
    pub fn complain_once(self, ext: ExtId, hook: &str, text: &str) {
        let text = crate::text::head(text, LONGEST_COMPLAINT);
        let fresh = {
            let mut complained = self.0.0.hooks.complained.borrow_mut();
            complained.len() < MOST_COMPLAINTS && complained.insert((ext, hook.to_owned(), text.to_owned()))
        };
        if fresh {
            self.0.guard().warn(ext, hook, text);
        }
    }
}

impl Kernel {
    /// Declares, registers and raises hooks.
    pub fn hook(&self) -> Hooks<'_> {
        Hooks(self)
    }
}
