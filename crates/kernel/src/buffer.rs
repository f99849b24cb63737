//! Buffers: text on a rope with a cursor, blocks, variables, change ticks and undo.
//!
//! A buffer is copied on write behind an `Rc`, so reading one, and remembering it for a rollback, costs a count.
//! A buffer with a [`BlockSource`] is a projection: its blocks come from there, by range.

mod blocks;
mod change;
pub(crate) mod history;
mod shown;
mod usage;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ropey::Rope;
use serde_json::Value;

pub use blocks::{Block, BlockSource};
pub use change::BufferChange;
pub(crate) use history::{EditKind, History};
pub use shown::Shown;
pub(crate) use usage::json_bytes;

use crate::hooks::Object;
use crate::{ExtId, Handle, HandlerError, Kernel, RegId};

/// A longer title is cut, in bytes.
const LONGEST_LABEL: usize = 4096;

/// One buffer as it stands; positions are zero-based Unicode code points.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// Its text.
    pub rope: Rope,
    /// Where the cursor is.
    pub cursor: usize,
    /// A short title.
    pub label: String,
    /// What extensions attach to it.
    pub metadata: Rc<Object>,
    /// Its variables.
    pub vars: Rc<BTreeMap<String, Value>>,
    /// Its own blocks; those of a source are not among them.
    pub blocks: Rc<Vec<Rc<Block>>>,
    /// Rises with every change of text or blocks.
    pub tick: u64,
    /// Whether typing changes it.
    pub editable: bool,
    /// Where a vertical motion wants the cursor, in cells.
    pub(crate) goal: Option<usize>,
    pub(crate) history: History,
    /// What its blocks, and its variables and metadata, take.
    block_bytes: usize,
    extra_bytes: usize,
}

impl Buffer {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            rope: Rope::new(),
            cursor: 0,
            label: String::new(),
            metadata: Rc::default(),
            vars: Rc::default(),
            blocks: Rc::default(),
            tick: 0,
            editable: true,
            goal: None,
            history: History::default(),
            block_bytes: 0,
            extra_bytes: 0,
        }
    }

    /// Answers the whole text.
    pub fn text(&self) -> String {
        self.rope.to_string()
    }

    /// Counts the lines; an empty text has one.
    pub fn line_count(&self) -> usize {
        self.rope.len_lines()
    }
}

pub(crate) type ChangeFn = Rc<dyn Fn(&BufferChange) -> Result<(), HandlerError>>;

pub(crate) struct Slot {
    pub(crate) owner: ExtId,
    pub(crate) state: Rc<Buffer>,
    pub(crate) source: Option<Rc<dyn BlockSource>>,
    /// What appending to a projection does.
    append: Option<AppendFn>,
    /// Blocks that are shown otherwise than they are.
    shown: Rc<shown::Overrides>,
    /// The window whose cursor the buffer's is.
    pub(crate) holder: Option<String>,
    attached: Rc<Vec<(RegId, ExtId, ChangeFn)>>,
    /// The stretch that has already remembered this buffer.
    touched: Cell<u64>,
}

impl Slot {
    fn new(owner: ExtId, name: &str) -> Self {
        Self {
            owner,
            state: Rc::new(Buffer::new(name)),
            source: None,
            append: None,
            shown: Rc::default(),
            holder: None,
            attached: Rc::default(),
            touched: Cell::new(0),
        }
    }
}

/// What a deleted buffer was.
type Kept = (Slot, Option<crate::mark::MarkStore>);

/// Takes what is appended to a projection: who appends, and what.
pub type AppendFn = Rc<dyn Fn(ExtId, Block) -> Result<(), String>>;

#[derive(Default)]
pub(crate) struct BufferTable {
    pub(crate) slots: RefCell<BTreeMap<String, Slot>>,
    pub(crate) kill_ring: RefCell<Vec<String>>,
    /// Bytes that each owner's buffers take.
    usage: RefCell<BTreeMap<ExtId, usize>>,
}

/// Creates, reads and changes buffers; made by [`Kernel::buf`].
#[derive(Clone, Copy, Debug)]
pub struct Buffers<'k>(pub(crate) &'k Kernel);

impl Buffers<'_> {
    /// Lists the buffers' names, sorted.
    pub fn list(self) -> Vec<String> {
        self.0.0.buffers.slots.borrow().keys().cloned().collect()
    }

    /// Answers a buffer as it stands.
    pub fn get(self, name: &str) -> Option<Rc<Buffer>> {
        self.0.0.buffers.slots.borrow().get(name).map(|slot| slot.state.clone())
    }

    /// Tells whether a buffer exists.
    pub fn exists(self, name: &str) -> bool {
        self.0.0.buffers.slots.borrow().contains_key(name)
    }

    /// Counts the code points of a buffer that exists.
    pub(crate) fn length(self, name: &str) -> Option<usize> {
        self.0.0.buffers.slots.borrow().get(name).map(|slot| slot.state.rope.len_chars())
    }

    /// Creates a buffer; one that exists is left as it is. Deleting the handle deletes the buffer.
    pub fn create(self, owner: ExtId, name: &str) -> Handle {
        self.may_grow(owner, name, usage::EMPTY);
        let id = self.0.next_reg();
        let (linked, unlinked) = (name.to_owned(), name.to_owned());
        let fresh = !self.exists(name);
        // What a deleted buffer held, for a rollback of the deletion.
        let kept: Rc<RefCell<Option<Kept>>> = Rc::default();
        let restore = kept.clone();
        self.0.register(
            id,
            owner,
            "buffer",
            name,
            move |kernel| {
                let (slot, marks) = restore.take().unwrap_or_else(|| (Slot::new(owner, &linked), None));
                if let Some(marks) = marks {
                    kernel.marks_give(&linked, marks);
                }
                kernel.buf().link(&linked, slot);
            },
            move |kernel| {
                if fresh {
                    let slot = kernel.buf().unlink(&unlinked);
                    *kept.borrow_mut() = slot.map(|slot| (slot, kernel.marks_take(&unlinked)));
                    kernel.win().buffer_changed(&unlinked);
                }
            },
        )
    }

    /// Deletes a buffer of an extension; a built-in one is emptied instead. False when there is none.
    pub fn delete(self, name: &str) -> bool {
        let Some(owner) = self.0.0.buffers.slots.borrow().get(name).map(|slot| slot.owner) else {
            return false;
        };
        match self.0.find_registration(owner, "buffer", name) {
            Some(id) if owner != ExtId::CORE => self.0.unregister(id),
            _ => {
                self.reset(name);
            }
        }
        true
    }

    /// Empties a buffer and takes title, metadata and other presentations of its blocks away; its source, variables and
    /// those attached stay. False when there is none.
    pub fn reset(self, name: &str) -> bool {
        self.change_state(name, |buffer| {
            buffer.label.clear();
            buffer.metadata = Rc::default();
        });
        self.clear(name)
    }

    /// Empties text and blocks, shows the blocks of a projection as they are again, and puts the cursor at the start.
    pub fn clear(self, name: &str) -> bool {
        self.unshow_where(name, |_| true);
        let cleared = self.set_text(name, "");
        if self.get(name).is_some_and(|buffer| !buffer.blocks.is_empty()) {
            self.set_blocks(name, Vec::new());
        }
        cleared
    }

    /// Answers the text; empty for an unknown buffer.
    pub fn text(self, name: &str) -> String {
        self.get(name).map(|buffer| buffer.text()).unwrap_or_default()
    }

    /// Answers the cursor; 0 for an unknown buffer.
    pub fn cursor(self, name: &str) -> usize {
        self.get(name).map_or(0, |buffer| buffer.cursor)
    }

    /// Counts the lines; 1 for an unknown buffer.
    pub fn line_count(self, name: &str) -> usize {
        self.get(name).map_or(1, |buffer| buffer.line_count())
    }

    /// Answers the change counter.
    pub fn tick(self, name: &str) -> u64 {
        self.get(name).map_or(0, |buffer| buffer.tick)
    }

    /// Sets what is attached to a buffer; answers whether it exists.
    pub fn set_metadata(self, name: &str, metadata: Object) -> bool {
        let grown: usize = metadata.values().map(usage::json_bytes).sum();
        self.may_grow_here(name, grown)
            && self.change_state(name, |buffer| {
                buffer.metadata = Rc::new(metadata);
                buffer.measure_extras();
            })
    }

    /// Sets the title.
    pub fn set_label(self, name: &str, label: &str) -> bool {
        self.change_state(name, |buffer| {
            crate::text::head(label, LONGEST_LABEL).clone_into(&mut buffer.label);
        })
    }

    /// Says whether typing changes it.
    pub fn set_editable(self, name: &str, editable: bool) -> bool {
        self.change_state(name, |buffer| buffer.editable = editable)
    }

    /// Answers a variable.
    pub fn var(self, name: &str, var: &str) -> Option<Value> {
        self.get(name)?.vars.get(var).cloned()
    }

    /// Sets a variable; null removes it.
    pub fn set_var(self, name: &str, var: &str, value: Value) -> bool {
        let grown = usage::json_bytes(&value) + var.len();
        self.may_grow_here(name, grown)
            && self.change_state(name, |buffer| {
                let vars = Rc::make_mut(&mut buffer.vars);
                let before =
                    if value.is_null() { vars.remove(var) } else { vars.insert(var.to_owned(), value) };
                let gone = before.map_or(0, |value| usage::json_bytes(&value) + var.len());
                buffer.extra_bytes = (buffer.extra_bytes + grown).saturating_sub(gone);
            })
    }

    /// Calls `f` after each change of the buffer's text or blocks.
    pub fn attach(self, owner: ExtId, name: &str, f: ChangeFn) -> Handle {
        let id = self.0.next_reg();
        let (linked, unlinked) = (name.to_owned(), name.to_owned());
        self.0.register(
            id,
            owner,
            "attached",
            name,
            move |kernel| {
                if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&linked) {
                    Rc::make_mut(&mut slot.attached).push((id, owner, f.clone()));
                }
            },
            move |kernel| {
                if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&unlinked) {
                    Rc::make_mut(&mut slot.attached).retain(|(other, ..)| *other != id);
                }
            },
        )
    }

    /// Changes a buffer's fields, remembered for a rollback, and marks its windows dirty.
    pub(crate) fn change_state(self, name: &str, f: impl FnOnce(&mut Buffer)) -> bool {
        if !self.change_quietly(name, f) {
            return false;
        }
        self.0.win().buffer_changed(name);
        true
    }

    /// Does the same, but nothing that is seen changes.
    pub(crate) fn change_quietly(self, name: &str, f: impl FnOnce(&mut Buffer)) -> bool {
        let table = &self.0.0.buffers;
        let mut slots = table.slots.borrow_mut();
        let Some(slot) = slots.get_mut(name) else { return false };
        if self.0.first_touch(&slot.touched) {
            let (before, name) = (slot.state.clone(), name.to_owned());
            self.0.on_rollback(move |kernel| {
                if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&name) {
                    kernel.0.buffers.account(slot.owner, slot.state.size(), before.size());
                    let undone = std::mem::replace(&mut slot.state, before);
                    slot.touched.set(0);
                    if undone.tick != slot.state.tick {
                        // No two texts have one tick, and those attached have heard of the text that goes.
                        Rc::make_mut(&mut slot.state).tick = undone.tick + 1;
                        kernel.restored(&name, undone.rope.len_chars());
                    }
                }
                kernel.win().buffer_changed(&name);
            });
        }
        let before = slot.state.size();
        f(Rc::make_mut(&mut slot.state));
        table.account(slot.owner, before, slot.state.size());
        true
    }
}

impl Kernel {
    /// Creates, reads and changes buffers.
    pub fn buf(&self) -> Buffers<'_> {
        Buffers(self)
    }
}
