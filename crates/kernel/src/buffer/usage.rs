//! How much memory the buffers of each extension take, and the quota.

use serde_json::Value;

use super::{Block, BufferTable, Buffers, Slot};
use crate::{Buffer, ErrorKind, ExtId, HandlerError};

/// What an empty buffer counts for, so that many of them are not free.
pub(super) const EMPTY: usize = 1024;

impl Buffer {
    /// Answers roughly how many bytes it takes, without counting them anew.
    pub(super) fn size(&self) -> usize {
        EMPTY + self.rope.len_bytes() + self.block_bytes + self.extra_bytes
    }

    pub(super) fn measure_blocks(&mut self) {
        self.block_bytes = self.blocks.iter().map(|block| block_bytes(block)).sum();
    }

    pub(super) fn measure_extras(&mut self) {
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.len() + json_bytes(value)).sum();
        let vars: usize = self.vars.iter().map(|(key, value)| key.len() + json_bytes(value)).sum();
        self.extra_bytes = metadata + vars;
    }
}

/// Answers roughly what a block takes.
pub(super) fn block_bytes(block: &Block) -> usize {
    let fields = block.id.len() + block.kind.len() + block.role.len() + block.text.len();
    let meta: usize = block.meta.iter().map(|(key, value)| key.len() + json_bytes(value)).sum();
    200 + fields + meta
}

/// Answers roughly what a value takes.
pub(crate) fn json_bytes(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(json_bytes).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| 32 + key.len() + json_bytes(value)).sum(),
        _ => 0,
    }
}

impl BufferTable {
    pub(super) fn account(&self, owner: ExtId, before: usize, after: usize) {
        if before != after {
            let mut usage = self.usage.borrow_mut();
            let bytes = usage.entry(owner).or_default();
            *bytes = bytes.saturating_sub(before).saturating_add(after);
        }
    }
}

impl Buffers<'_> {
    /// Answers how many bytes the buffers of an extension take: texts, blocks, variables and metadata.
    pub fn usage(self, owner: ExtId) -> usize {
        self.0.0.buffers.usage.borrow().get(&owner).copied().unwrap_or(0)
    }

    pub(super) fn link(self, name: &str, slot: Slot) {
        let table = &self.0.0.buffers;
        let mut slots = table.slots.borrow_mut();
        if !slots.contains_key(name) {
            table.account(slot.owner, 0, slot.state.size());
            slots.insert(name.to_owned(), slot);
        }
    }

    pub(super) fn unlink(self, name: &str) -> Option<Slot> {
        let slot = self.0.0.buffers.slots.borrow_mut().remove(name)?;
        self.0.0.buffers.account(slot.owner, slot.state.size(), 0);
        Some(slot)
    }

    /// Dooms the running stretch when a buffer would grow beyond what may be: its owner pays for it; whoever writes into
    /// a built-in one pays for that in addition to its own.
    pub(super) fn may_grow_here(self, name: &str, more: usize) -> bool {
        let (owner, size) = {
            let slots = self.0.0.buffers.slots.borrow();
            let Some(slot) = slots.get(name) else { return true };
            (slot.owner, slot.state.size())
        };
        if owner != ExtId::CORE {
            return self.may_grow(owner, name, more);
        }
        let Some(writer) = self.0.guard().current() else { return true };
        self.may_grow(writer, name, size + more)
    }

    /// Does the same for a buffer that `payer` pays for.
    pub(super) fn may_grow(self, payer: ExtId, name: &str, more: usize) -> bool {
        if payer == ExtId::CORE {
            return true;
        }
        let guard = self.0.guard();
        let most = guard.limits().quotas.buffer_bytes;
        if self.usage(payer).saturating_add(more) <= most {
            return true;
        }
        let extension = self.0.ext().name(payer);
        let text = format!(
            "with `{name}` the buffers of extension `{extension}` would hold more than {most} bytes, its quota"
        );
        guard.doom(HandlerError::of(ErrorKind::Memory, text));
        false
    }
}
