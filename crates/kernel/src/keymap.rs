//! Keymaps: one trie for built-in, configured and extension maps.

mod resolve;
mod trie;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::guard::{DeadlineClass, What};
use crate::key::{Key, KeyCode, KeyEvent, KeyParseError};
use crate::{ExtId, Handle, HandlerError, Kernel, RegId};

pub(crate) use resolve::Resolved;
use trie::Trie;

/// Where a map applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Everywhere.
    Global,
    /// While the focused window, its buffer or its role has this name.
    Focus(String),
    /// While the focused window shows this buffer.
    Buffer(String),
    /// While this window is focused.
    Window(String),
    /// While the focused window has this role.
    Role(String),
    /// Where any of these applies.
    AnyOf(Vec<Target>),
}

/// What a key handler answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyAnswer {
    /// The key is dealt with.
    #[default]
    Consumed,
    /// The next map, or the default, has it.
    Pass,
    /// These keys are pressed instead; maps of the same handler do not see them.
    Remap(Vec<Key>),
    /// No map has it, but the default.
    Default,
}

/// What a key handler is called with.
#[derive(Debug, Clone)]
pub struct KeyContext {
    /// The last key of the sequence.
    pub event: KeyEvent,
    /// The whole sequence.
    pub keys: Vec<Key>,
    /// The focused window, if any.
    pub window: Option<String>,
    /// Its buffer, if any.
    pub buffer: Option<String>,
}

/// The code of a key handler.
pub type KeyFn = Rc<dyn Fn(&KeyContext) -> Result<KeyAnswer, HandlerError>>;
/// A condition on a map.
pub type WhenFn = Rc<dyn Fn() -> bool>;

/// What a map does.
#[derive(Clone)]
pub enum Action {
    /// Runs a command; the text after the first blank is its arguments.
    Command(String),
    /// Calls a handler.
    Callback(KeyFn),
}

impl Action {
    /// Names a command to run.
    pub fn command(name: impl Into<String>) -> Self {
        Self::Command(name.into())
    }

    /// Wraps a handler.
    pub fn callback(f: impl Fn(&KeyContext) -> Result<KeyAnswer, HandlerError> + 'static) -> Self {
        Self::Callback(Rc::new(f))
    }
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command(name) => f.debug_tuple("Command").field(name).finish(),
            Self::Callback(_) => f.write_str("Callback"),
        }
    }
}

/// Whose maps go first: the person's, then the extensions', then the built-in ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Layer {
    /// Built in.
    Builtin,
    /// Of an extension.
    #[default]
    Extension,
    /// Of the configuration.
    User,
}

/// How a map is registered.
#[derive(Clone, Default)]
pub struct KeymapOptions {
    /// Higher first within a layer.
    pub priority: i32,
    /// What it does.
    pub desc: String,
    /// Only while this holds.
    pub when: Option<WhenFn>,
    /// Only in this mode of the kernel; absent = in every.
    pub mode: Option<String>,
    /// Where it was written, where known.
    pub place: Option<crate::Place>,
    /// Whether it fires at once though a longer sequence begins with it.
    pub nowait: bool,
    /// Whose map it is.
    pub layer: Layer,
}

impl KeymapOptions {
    /// Options of a built-in map.
    pub fn builtin() -> Self {
        Self { layer: Layer::Builtin, ..Self::default() }
    }
}

impl std::fmt::Debug for KeymapOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeymapOptions").field("layer", &self.layer).finish_non_exhaustive()
    }
}

/// Why a map was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// The keys are not understood.
    #[error(transparent)]
    Key(#[from] KeyParseError),
    /// The way out is not for mapping.
    #[error("`ctrl+c` cannot be mapped: pressed twice it always quits")]
    Reserved,
}

impl From<KeymapError> for HandlerError {
    fn from(error: KeymapError) -> Self {
        Self::new(error.to_string())
    }
}

/// A map of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// Where it applies.
    pub target: Target,
    /// The keys.
    pub lhs: String,
    /// The command to run, with its arguments; absent = the keys do what they do without any map.
    pub command: Option<String>,
    /// What it is for.
    pub desc: String,
    /// Where it was written, where known.
    pub place: Option<crate::Place>,
}

/// Two maps of different owners for the same keys in the same place, of which the second never runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapConflict {
    /// The keys.
    pub lhs: String,
    /// Where both apply.
    pub target: Target,
    /// Who has them.
    pub holder: ExtId,
    /// Who wanted them as well.
    pub other: ExtId,
}

pub(crate) struct Map {
    pub(crate) id: RegId,
    pub(crate) owner: ExtId,
    /// Its place among those for the same keys.
    pub(crate) seat: RegId,
    pub(crate) target: Target,
    pub(crate) keys: Vec<Key>,
    pub(crate) action: Action,
    pub(crate) options: KeymapOptions,
}

/// One line of the list of keymaps.
#[derive(Debug, Clone)]
pub struct KeymapListing {
    /// The sequence in its comparable spelling.
    pub lhs: String,
    /// Where it applies.
    pub target: Target,
    /// What it does.
    pub action: Action,
    /// What it is for.
    pub desc: String,
    /// Whose it is.
    pub layer: Layer,
    /// Higher first.
    pub priority: i32,
    /// The mode it is for.
    pub mode: Option<String>,
    /// Where it was written, where known.
    pub place: Option<crate::Place>,
    /// Who added it.
    pub owner: ExtId,
}

pub(crate) struct KeymapTable {
    trie: RefCell<Trie>,
    pending: RefCell<Vec<KeyEvent>>,
    since: Cell<u64>,
    timeout: Cell<u64>,
    leader: Cell<Key>,
    /// The maps of the configuration.
    configured: RefCell<Vec<Handle>>,
}

impl Default for KeymapTable {
    fn default() -> Self {
        Self {
            trie: RefCell::default(),
            pending: RefCell::default(),
            since: Cell::new(0),
            timeout: Cell::new(500),
            leader: Cell::new(Key { code: KeyCode::Char('\\'), mods: crate::key::Mods::NONE }),
            configured: RefCell::default(),
        }
    }
}

/// Sets, lists and resolves keymaps; made by [`Kernel::keymap`].
#[derive(Clone, Copy, Debug)]
pub struct Keymaps<'k>(pub(crate) &'k Kernel);

impl Keymaps<'_> {
    /// Adds a map. Of two that differ in nothing the one that was there first goes first; that is a diagnostic which names
    /// both. ctrl+c is refused to all but the built-in layer, and pressed twice it quits all the same.
    pub fn set(
        self,
        owner: ExtId,
        target: Target,
        lhs: &str,
        action: Action,
        options: KeymapOptions,
    ) -> Result<Handle, KeymapError> {
        let keys = self.parse(lhs)?;
        if options.layer != Layer::Builtin && keys.iter().any(|key| key.is_ctrl_c()) {
            return Err(KeymapError::Reserved);
        }
        let id = self.0.next_reg();
        let seat = self.0.ext().seat(owner, "keymap", lhs, id);
        let map = Rc::new(Map { id, owner, seat, target, keys, action, options });
        self.report_conflict(&map);
        let unlinked = map.clone();
        let texts = map.options.desc.len() + 16 * map.keys.len();
        Ok(self.0.register_sized(
            id,
            owner,
            "keymap",
            lhs,
            texts,
            move |kernel| kernel.0.keymaps.trie.borrow_mut().insert(map.clone()),
            move |kernel| kernel.0.keymaps.trie.borrow_mut().remove(&unlinked),
        ))
    }

    fn parse(self, lhs: &str) -> Result<Vec<Key>, KeyParseError> {
        if !lhs.contains("<leader>") {
            return Key::parse(lhs);
        }
        let leader = self.0.0.keymaps.leader.get();
        Key::parse(&lhs.replace("<leader>", &format!(" {leader} ")))
    }

    fn report_conflict(self, map: &Map) {
        let other = {
            let trie = self.0.0.keymaps.trie.borrow();
            let other = trie.exact(&map.keys).iter().find(|other| same_place(other, map));
            // A new generation of an extension takes over what the old one had, which was told of the conflict.
            other.filter(|_| map.seat == map.id).map(|other| other.owner)
        };
        if let Some(holder) = other {
            let keys = spell(&map.keys);
            let (holder, loser) = (self.0.ext().name(holder), self.0.ext().name(map.owner));
            let text = format!(
                "`{keys}` is already mapped by `{holder}`, which goes first; the map of `{loser}` does not run"
            );
            self.0.guard().warn(map.owner, "keymap", text);
        }
    }

    /// Takes away the maps of `owner` for these keys and this target.
    pub fn del(self, owner: ExtId, target: &Target, lhs: &str) -> Result<usize, KeymapError> {
        let keys = self.parse(lhs)?;
        let ids: Vec<RegId> = {
            let trie = self.0.0.keymaps.trie.borrow();
            let maps = trie.exact(&keys);
            maps.iter().filter(|map| map.owner == owner && map.target == *target).map(|map| map.id).collect()
        };
        for id in &ids {
            self.0.unregister(*id);
        }
        Ok(ids.len())
    }

    /// Lists the maps, by sequence, then in the order in which they are tried.
    pub fn list(self) -> Vec<KeymapListing> {
        let trie = self.0.0.keymaps.trie.borrow();
        trie.all()
            .into_iter()
            .map(|map| KeymapListing {
                lhs: spell(&map.keys),
                target: map.target.clone(),
                action: map.action.clone(),
                desc: map.options.desc.clone(),
                layer: map.options.layer,
                priority: map.options.priority,
                mode: map.options.mode.clone(),
                place: map.options.place.clone(),
                owner: map.owner,
            })
            .collect()
    }

    /// Lists maps that never run since another has their keys.
    pub fn conflicts(self) -> Vec<KeymapConflict> {
        let trie = self.0.0.keymaps.trie.borrow();
        let all = trie.all();
        let mut found = Vec::new();
        for (at, map) in all.iter().enumerate() {
            let before = all[..at].iter().rev().take_while(|other| other.keys == map.keys);
            let holder = before.filter(|other| other.owner != map.owner && same_place(other, map)).last();
            found.extend(holder.map(|holder| KeymapConflict {
                lhs: spell(&map.keys),
                target: map.target.clone(),
                holder: holder.owner,
                other: map.owner,
            }));
        }
        found
    }

    /// Puts the maps of the configuration in force, in place of those it had before; answers what is wrong with them, each
    /// in words that begin with the place and name the keys. What is not wrong is in force all the same.
    pub fn configure(self, bindings: Vec<KeyBinding>) -> Vec<String> {
        let before = self.0.0.keymaps.configured.take();
        before.iter().for_each(Handle::del);
        let mut problems = Vec::new();
        let mut handles = Vec::new();
        for KeyBinding { target, lhs, command, desc, place } in bindings {
            let at = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            let action = match command {
                Some(line) => {
                    let name = line.split_once(' ').map_or(line.as_str(), |(name, _)| name);
                    let name = name.strip_prefix('/').unwrap_or(name);
                    if self.0.command().get(name).is_none() {
                        let near = self.0.command().nearest_of_all(name);
                        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                        problems.push(format!("{at}`{lhs}` runs `{name}`, which is no command{hint}"));
                    }
                    Action::Command(line.strip_prefix('/').unwrap_or(&line).to_owned())
                }
                None => Action::callback(|_| Ok(KeyAnswer::Default)),
            };
            let options = KeymapOptions { layer: Layer::User, desc, place, ..KeymapOptions::default() };
            match self.set(ExtId::CORE, target, &lhs, action, options) {
                Ok(handle) => handles.push(handle),
                Err(error) => problems.push(format!("{at}`{lhs}` cannot be mapped: {error}")),
            }
        }
        *self.0.0.keymaps.configured.borrow_mut() = handles;
        problems
    }

    /// Presses keys as if they had been typed.
    pub fn feed(self, keys: &str) -> Result<(), KeymapError> {
        for key in self.parse(keys)? {
            self.0.input(crate::Input::Key(key.into()));
        }
        Ok(())
    }

    /// Answers the keys of an unfinished sequence; empty when none is.
    pub fn pending(self) -> String {
        let pending = self.0.0.keymaps.pending.borrow();
        spell(&pending.iter().map(|event| event.key).collect::<Vec<_>>())
    }

    /// Sets how long an unfinished sequence waits, in milliseconds (default 500).
    pub fn set_timeout(self, ms: u64) {
        self.0.0.keymaps.timeout.set(ms);
    }

    /// Sets the key that `<leader>` stands for in maps made from now on (default `\`).
    pub fn set_leader(self, key: Key) {
        self.0.0.keymaps.leader.set(key);
    }
}

fn same_place(a: &Map, b: &Map) -> bool {
    a.target == b.target
        && a.options.layer == b.options.layer
        && a.options.priority == b.options.priority
        && a.options.mode == b.options.mode
        && a.options.when.is_none()
        && b.options.when.is_none()
}

fn spell(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl Kernel {
    /// Sets, lists and resolves keymaps.
    pub fn keymap(&self) -> Keymaps<'_> {
        Keymaps(self)
    }

    /// Answers the mode that maps may be bound to, which is `mode` of the context, too: the variable `mode` of the focused
    /// buffer, if that is a text.
    pub fn mode(&self) -> Option<String> {
        let window = self.win().focused()?;
        self.buf().var(&window.buffer, "mode")?.as_str().map(str::to_owned)
    }

    /// Runs a map's action; true when the key is dealt with.
    pub(crate) fn run_map(&self, map: &Map, context: &KeyContext) -> KeyAnswer {
        match &map.action {
            Action::Command(line) => {
                let (name, args) = line.split_once(' ').unwrap_or((line, ""));
                self.command().invoke(name, args);
                KeyAnswer::Consumed
            }
            Action::Callback(f) => {
                let what = format!("keymap `{}`", spell(&map.keys));
                let what = What { name: &what, place: map.options.place.as_ref() };
                // The guard has recorded a failure; the key then counts as dealt with, as if the map were a command
                // that failed, so that a broken map does not also type its key.
                self.guard().stretch(map.owner, DeadlineClass::Key, what, || f(context)).unwrap_or_default()
            }
        }
    }
}
