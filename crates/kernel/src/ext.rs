//! Extensions: loading, unloading, and what they register that other crates define.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::guard::DeadlineClass;
use crate::{
    Action, CommandSpec, Handle, HandlerError, HandlerFn, HookError, Kernel, KeymapError, KeymapOptions,
    OnOptions, RegId, Target, Topic,
};

/// What of an old generation goes on while the new one is loaded.
const LASTING: [&str; 6] = ["job", "task", "timer", "animation", "window", "renderer"];

/// What is found by a name that several may want.
const SEATED: [&str; 3] = ["command", "keymap", "registration"];

/// Names an extension; numbers rise in load order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExtId(pub u32);

impl ExtId {
    /// The owner of everything built in.
    pub const CORE: Self = Self(0);
}

/// One unit of added behaviour.
pub trait Extension {
    /// Answers its name, as people write it.
    fn name(&self) -> &str;

    /// Registers what it adds; on an error everything registered so far is taken away again.
    fn load(&mut self, registrar: &mut Registrar<'_>) -> Result<(), HandlerError>;

    /// Lets go of what it holds, after its registrations are gone.
    fn unload(&mut self) {}
}

/// Something another crate defines and extensions may add, such as a tool.
pub trait Registration: 'static {
    /// Answers its name.
    fn name(&self) -> String;

    /// Answers how many bytes its other texts take, which count towards the quota of who adds it.
    fn bytes(&self) -> usize {
        0
    }
}

/// Registers on behalf of one extension.
#[derive(Debug)]
pub struct Registrar<'k> {
    kernel: &'k Kernel,
    ext: ExtId,
}

impl<'k> Registrar<'k> {
    /// Registers for `ext` in a kernel.
    pub fn new(kernel: &'k Kernel, ext: ExtId) -> Self {
        Self { kernel, ext }
    }

    /// Answers the kernel.
    pub fn kernel(&self) -> &'k Kernel {
        self.kernel
    }

    /// Answers the extension being loaded.
    pub fn ext(&self) -> ExtId {
        self.ext
    }

    /// Adds a hook handler.
    pub fn on(&mut self, hook: &str, options: OnOptions, run: HandlerFn) -> Result<Handle, HookError> {
        self.kernel.hook().on(self.ext, hook, options, run)
    }

    /// Adds a command.
    pub fn command(&mut self, spec: CommandSpec) -> Handle {
        self.kernel.command().create(self.ext, spec)
    }

    /// Adds a keymap.
    pub fn keymap(
        &mut self,
        target: Target,
        lhs: &str,
        action: Action,
        options: KeymapOptions,
    ) -> Result<Handle, KeymapError> {
        self.kernel.keymap().set(self.ext, target, lhs, action, options)
    }

    /// Adds something another crate defines.
    pub fn add<T: Registration>(&mut self, registration: T) -> Handle {
        self.kernel.ext().add(self.ext, registration)
    }
}

/// Why an extension was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("extension `{name}` was not loaded: {source}")]
pub struct LoadError {
    /// The extension's name.
    pub name: String,
    /// What failed.
    pub source: HandlerError,
}

/// One loaded extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedExtension {
    /// Its number.
    pub id: ExtId,
    /// Its name.
    pub name: String,
}

/// Places by kind and name.
type Seats = BTreeMap<(&'static str, String), RegId>;
/// Number, place in the order, owner, value.
type Typed = (RegId, RegId, ExtId, Rc<dyn Any>);

#[derive(Default)]
pub(crate) struct ExtTable {
    next: Cell<u32>,
    names: RefCell<BTreeMap<ExtId, Rc<str>>>,
    /// Places in the load order of those that replaced another; everyone else's is its number.
    ranks: RefCell<BTreeMap<ExtId, u32>>,
    /// Places in the order of names that a generation has taken over, by kind and name; see [`Extensions::seat`].
    seats: RefCell<BTreeMap<ExtId, Seats>>,
    loaded: RefCell<BTreeMap<ExtId, Box<dyn Extension>>>,
    typed: RefCell<HashMap<TypeId, Vec<Typed>>>,
}

/// Loads and unloads extensions; made by [`Kernel::ext`].
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'k>(&'k Kernel);

impl Extensions<'_> {
    /// Loads an extension: its `load` is one stretch, so a failure leaves nothing behind.
    pub fn load(self, extension: Box<dyn Extension>) -> Result<ExtId, LoadError> {
        let name = extension.name().to_owned();
        let ext = self.reserve(&name);
        self.load_as(ext, name, extension)
    }

    /// Loads a new generation of an extension in the place of the old one, which is unloaded when that went well; when it
    /// did not, everything is as before. What the old one's jobs, tasks, timers and animations do goes on until then, and
    /// its windows keep what they show, though the new one does not see them.
    pub fn replace(self, old: ExtId, extension: Box<dyn Extension>) -> Result<ExtId, LoadError> {
        let name = extension.name().to_owned();
        let ext = self.reserve(&name);
        let rank = self.rank(old);
        self.0.0.exts.ranks.borrow_mut().insert(ext, rank);
        let seats = self.seats_of(old);
        self.0.0.exts.seats.borrow_mut().insert(ext, seats);
        self.0.win().hide_all(old);
        self.0.tx_begin();
        // Names are free for the new one: buffers, commands. What runs or shows by itself stays for now.
        self.0.unregister_where(old, |kind| !LASTING.contains(&kind));
        let loaded = self.load_as(ext, name, extension);
        if loaded.is_ok() {
            self.0.tx_commit();
            self.0.win().bury();
            self.unload(old);
        } else {
            self.0.tx_rollback();
            self.0.win().unhide();
        }
        loaded
    }

    /// Answers an extension's place in the load order.
    pub(crate) fn rank(self, ext: ExtId) -> u32 {
        self.0.0.exts.ranks.borrow().get(&ext).copied().unwrap_or(ext.0)
    }

    /// Answers the place of a registration among those of one name: the first in time goes first, and a new generation of
    /// an extension keeps the place that the old one had under that name.
    pub(crate) fn seat(self, owner: ExtId, kind: &'static str, name: &str, id: RegId) -> RegId {
        let seats = self.0.0.exts.seats.borrow();
        let kept = seats.get(&owner).and_then(|seats| seats.get(&(kind, name.to_owned())));
        kept.copied().unwrap_or(id)
    }

    /// Answers the places that an extension's names have, for its next generation.
    fn seats_of(self, ext: ExtId) -> Seats {
        let mut seats = self.0.0.exts.seats.borrow().get(&ext).cloned().unwrap_or_default();
        for (id, kind, label) in self.0.registrations_of(ext, |kind| SEATED.contains(&kind)) {
            seats.entry((kind, label)).or_insert(id);
        }
        seats
    }

    fn forget(self, ext: ExtId) {
        let table = &self.0.0.exts;
        table.names.borrow_mut().remove(&ext);
        table.ranks.borrow_mut().remove(&ext);
        table.seats.borrow_mut().remove(&ext);
        self.0.guard().forget(ext);
    }

    fn load_as(
        self,
        ext: ExtId,
        name: String,
        mut extension: Box<dyn Extension>,
    ) -> Result<ExtId, LoadError> {
        let kernel = self.0;
        let result = kernel
            .guard()
            .stretch(ext, DeadlineClass::Load, "load", || extension.load(&mut Registrar::new(kernel, ext)));
        match result {
            Ok(()) => {
                kernel.0.exts.loaded.borrow_mut().insert(ext, extension);
                kernel.changed(Topic::Registrations);
                Ok(ext)
            }
            Err(source) => {
                self.take_away(ext);
                extension.unload();
                self.forget(ext);
                Err(LoadError { name, source })
            }
        }
    }

    /// Reserves a number and a name for code that registers without an [`Extension`] value.
    pub fn reserve(self, name: &str) -> ExtId {
        let table = &self.0.0.exts;
        let id = ExtId(table.next.get() + 1);
        table.next.set(id.0);
        table.names.borrow_mut().insert(id, name.into());
        self.0.guard().begin(id);
        id
    }

    /// Unloads an extension: everything it registered goes, its waits end with `unload`.
    pub fn unload(self, ext: ExtId) {
        if ext == ExtId::CORE {
            return;
        }
        self.take_away(ext);
        let extension = self.0.0.exts.loaded.borrow_mut().remove(&ext);
        if let Some(mut extension) = extension {
            extension.unload();
        }
        self.forget(ext);
        self.0.changed(Topic::Registrations);
    }

    fn take_away(self, ext: ExtId) {
        self.0.ui().close_of(ext, crate::Reason::Unload);
        self.0.last_words(Some(ext));
        self.0.unregister_all(ext);
        self.0.marks_unload(ext);
        self.0.shown_unload(ext);
    }

    /// Lists what is loaded, in load order.
    pub fn list(self) -> Vec<LoadedExtension> {
        let names = self.0.0.exts.names.borrow();
        let mut list: Vec<_> =
            names.iter().map(|(id, name)| LoadedExtension { id: *id, name: name.to_string() }).collect();
        list.sort_by_key(|loaded| (self.rank(loaded.id), loaded.id));
        list
    }

    /// Answers an extension's name; `purlin` for what is built in.
    pub fn name(self, ext: ExtId) -> String {
        if ext == ExtId::CORE {
            return "purlin".into();
        }
        let names = self.0.0.exts.names.borrow();
        names.get(&ext).map_or_else(|| format!("#{}", ext.0), ToString::to_string)
    }

    /// Finds a loaded extension by its name; the latest, where two share one.
    pub fn find(self, name: &str) -> Option<ExtId> {
        let names = self.0.0.exts.names.borrow();
        names.iter().rev().find(|(_, known)| &***known == name).map(|(id, _)| *id)
    }

    /// Tells whether an extension is loaded or loading.
    pub fn is_loaded(self, ext: ExtId) -> bool {
        ext == ExtId::CORE || self.0.0.exts.names.borrow().contains_key(&ext)
    }

    /// Adds something another crate defines.
    pub fn add<T: Registration>(self, owner: ExtId, registration: T) -> Handle {
        let id = self.0.next_reg();
        let label = registration.name();
        let seat = self.seat(owner, "registration", &label, id);
        let texts = registration.bytes();
        let value: Rc<T> = Rc::new(registration);
        self.0.register_sized(
            id,
            owner,
            "registration",
            label,
            texts,
            move |kernel| {
                let mut typed = kernel.0.exts.typed.borrow_mut();
                let list = typed.entry(TypeId::of::<T>()).or_default();
                let at = list.partition_point(|(_, other, ..)| *other < seat);
                list.insert(at, (id, seat, owner, value.clone()));
                drop(typed);
                kernel.changed(Topic::Registrations);
            },
            move |kernel| {
                let removed = {
                    let mut typed = kernel.0.exts.typed.borrow_mut();
                    let list = typed.entry(TypeId::of::<T>()).or_default();
                    list.iter().position(|(other, ..)| *other == id).map(|at| list.remove(at))
                };
                drop(removed);
                kernel.changed(Topic::Registrations);
            },
        )
    }

    /// Lists what was added of one type, in order of registration; a new generation's are in the places of the old one's.
    pub fn registrations<T: Registration>(self) -> Vec<(ExtId, Rc<T>)> {
        let typed = self.0.0.exts.typed.borrow();
        let list = typed.get(&TypeId::of::<T>()).into_iter().flatten();
        list.filter_map(|(.., owner, value)| Some((*owner, value.clone().downcast::<T>().ok()?))).collect()
    }

    /// Calls `f` whenever something was added or taken away.
    pub fn on_registrations_changed(self, owner: ExtId, f: Rc<dyn Fn()>) -> Handle {
        self.0.on_change(
            owner,
            Rc::new(move |topic| {
                if topic == Topic::Registrations {
                    f();
                }
            }),
        )
    }
}

impl Kernel {
    /// Loads and unloads extensions.
    pub fn ext(&self) -> Extensions<'_> {
        Extensions(self)
    }
}
