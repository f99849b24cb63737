//! Blocks that are shown otherwise than they are: whoever owns them keeps what is stored.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Block, Buffers};
use crate::{ExtId, Kernel};

/// How a block is shown instead.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// As this one; id and time stay those of the block.
    As(Block),
    /// Not at all.
    Hidden,
}

#[derive(Debug, Clone)]
pub(super) struct Override {
    owner: ExtId,
    shown: Shown,
    /// Differs for each override, so that what is cached of the block is made anew.
    revision: u64,
}

/// By the block's id.
pub(super) type Overrides = BTreeMap<String, Override>;

impl Override {
    /// Answers the block as it is to be shown.
    pub(super) fn apply(&self, block: &Rc<Block>) -> Rc<Block> {
        let revision = block.revision.rotate_left(32) ^ self.revision.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Rc::new(match &self.shown {
            Shown::Hidden => Block { hidden: true, revision, ..(**block).clone() },
            Shown::As(other) => Block {
                id: block.id.clone(),
                created_at: block.created_at,
                streaming: block.streaming,
                hidden: false,
                revision,
                ..other.clone()
            },
        })
    }
}

impl Buffers<'_> {
    /// Has a block of a buffer shown otherwise until it is cleared, its extension is unloaded or the buffer is reset; what
    /// is stored stays. False when there is no such buffer.
    pub fn show_block(self, owner: ExtId, name: &str, id: &str, shown: Shown) -> bool {
        let bytes = match &shown {
            Shown::As(block) => super::usage::block_bytes(block),
            Shown::Hidden => 64,
        };
        if !self.may_grow(owner, name, bytes) {
            return false;
        }
        let revision = self.0.next_reg().0;
        self.change_shown(name, |overrides| {
            overrides.insert(id.to_owned(), Override { owner, shown, revision });
        })
    }

    /// Shows a block as it is again; false when it was.
    pub fn unshow_block(self, name: &str, id: &str) -> bool {
        self.unshow_where(name, |(other, _)| other == id)
    }

    /// Shows every block as it is that an extension has shown otherwise.
    pub fn unshow_all(self, owner: ExtId, name: &str) -> bool {
        self.unshow_where(name, |(_, other)| other == owner)
    }

    pub(super) fn unshow_where(self, name: &str, test: impl Fn((&str, ExtId)) -> bool) -> bool {
        let any = {
            let slots = self.0.0.buffers.slots.borrow();
            slots.get(name).is_some_and(|slot| slot.shown.iter().any(|(id, o)| test((id, o.owner))))
        };
        any && self.change_shown(name, |overrides| overrides.retain(|id, o| !test((id, o.owner))))
    }

    fn change_shown(self, name: &str, f: impl FnOnce(&mut Overrides)) -> bool {
        {
            let mut slots = self.0.0.buffers.slots.borrow_mut();
            let Some(slot) = slots.get_mut(name) else { return false };
            let before = slot.shown.clone();
            f(Rc::make_mut(&mut slot.shown));
            let name = name.to_owned();
            self.0.on_rollback(move |kernel| {
                if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&name) {
                    slot.shown = before;
                }
                kernel.win().buffer_changed(&name);
            });
        }
        self.change_state(name, |buffer| buffer.tick += 1);
        self.announce(name, 0, 0, 0, true);
        true
    }

    /// Answers blocks as they are to be shown.
    pub(super) fn as_shown(self, name: &str, mut blocks: Vec<Rc<Block>>) -> Vec<Rc<Block>> {
        let slots = self.0.0.buffers.slots.borrow();
        let Some(slot) = slots.get(name).filter(|slot| !slot.shown.is_empty()) else { return blocks };
        for block in &mut blocks {
            if let Some(over) = slot.shown.get(&block.id) {
                *block = over.apply(block);
            }
        }
        blocks
    }
}

impl Kernel {
    /// Takes every other presentation of an extension away.
    pub(crate) fn shown_unload(&self, owner: ExtId) {
        for name in self.buf().list() {
            self.buf().unshow_all(owner, &name);
        }
    }
}
