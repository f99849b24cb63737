//! Changes of a buffer's text: one way in, whoever asks.

use std::rc::Rc;

use super::history::EditKind;
use super::{Buffer, Buffers};
use crate::guard::DeadlineClass;

/// What changed, for those attached to a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferChange {
    /// The buffer.
    pub buffer: String,
    /// Where the change begins, in code points.
    pub start: usize,
    /// How many code points went.
    pub removed: usize,
    /// How many came.
    pub added: usize,
    /// Whether blocks changed rather than text.
    pub blocks: bool,
}

impl BufferChange {
    pub(super) fn blocks(buffer: &str) -> Self {
        Self { buffer: buffer.to_owned(), start: 0, removed: 0, added: 0, blocks: true }
    }
}

impl Buffers<'_> {
    /// Replaces the text and puts the cursor at its end.
    pub fn set_text(self, name: &str, text: &str) -> bool {
        let end = text.chars().count();
        self.edit(name, 0..usize::MAX, text, EditKind::Other, Some(end))
    }

    /// Inserts at a position; a cursor at or after it moves along.
    pub fn insert(self, name: &str, at: usize, text: &str) -> bool {
        self.edit(name, at..at, text, EditKind::Other, None)
    }

    /// Inserts at the cursor, as typing does.
    pub fn type_text(self, name: &str, text: &str) -> bool {
        let at = self.cursor(name);
        self.edit(name, at..at, text, EditKind::Insert, Some(at + text.chars().count()))
    }

    /// Removes the text between two positions.
    pub fn delete_range(self, name: &str, start: usize, end: usize) -> bool {
        self.edit(name, start..end, "", EditKind::Other, None)
    }

    /// Replaces the text between two positions.
    pub fn replace(self, name: &str, start: usize, end: usize, text: &str) -> bool {
        self.edit(name, start..end, text, EditKind::Other, None)
    }

    /// Adds text at the end; a cursor that was there stays there.
    pub fn append_text(self, name: &str, text: &str) -> bool {
        let end = self.get(name).map_or(0, |buffer| buffer.rope.len_chars());
        self.edit(name, end..end, text, EditKind::Other, None)
    }

    /// Puts the cursor somewhere, at most at the end.
    pub fn set_cursor(self, name: &str, cursor: usize) -> bool {
        self.move_cursor(name, cursor, None)
    }

    pub(crate) fn move_cursor(self, name: &str, cursor: usize, goal: Option<usize>) -> bool {
        let Some(state) = self.get(name) else { return false };
        if state.cursor == cursor && state.goal == goal && state.history.is_sealed() {
            return true;
        }
        drop(state);
        self.change_state(name, |buffer| {
            buffer.cursor = cursor.min(buffer.rope.len_chars());
            buffer.goal = goal;
            buffer.history.seal();
        })
    }

    /// Undoes the last group of edits; false when there is none.
    pub fn undo(self, name: &str) -> bool {
        self.travel(name, |buffer| buffer.history.undo(&buffer.rope.clone(), buffer.cursor))
    }

    /// Takes the last undo back; false when there is none.
    pub fn redo(self, name: &str) -> bool {
        self.travel(name, |buffer| buffer.history.redo(&buffer.rope.clone(), buffer.cursor))
    }

    fn travel(self, name: &str, f: impl FnOnce(&mut Buffer) -> Option<(ropey::Rope, usize)>) -> bool {
        let mut change = None;
        self.change_state(name, |buffer| {
            let before = buffer.rope.len_chars();
            if let Some((rope, cursor)) = f(buffer) {
                buffer.rope = rope;
                buffer.cursor = cursor.min(buffer.rope.len_chars());
                buffer.goal = None;
                buffer.tick += 1;
                change = Some((before, buffer.rope.len_chars()));
            }
        });
        let Some((removed, added)) = change else { return false };
        self.0.marks_text_replaced(name, removed, added);
        self.announce(&BufferChange { buffer: name.to_owned(), start: 0, removed, added, blocks: false });
        true
    }

    /// Changes text; `cursor` places the cursor, absent it moves with the text around it.
    pub(crate) fn edit(
        self,
        name: &str,
        range: std::ops::Range<usize>,
        text: &str,
        kind: EditKind,
        cursor: Option<usize>,
    ) -> bool {
        let Some(length) = self.get(name).map(|buffer| buffer.rope.len_chars()) else { return false };
        let start = range.start.min(length);
        let end = range.end.clamp(start, length);
        let added = text.chars().count();
        if start == end && added == 0 {
            if let Some(cursor) = cursor {
                return self.set_cursor(name, cursor);
            }
            return true;
        }
        if added > end - start && !self.fits_quota(name, text.len()) {
            return false;
        }
        self.change_state(name, |buffer| {
            buffer.history.record(&buffer.rope.clone(), buffer.cursor, kind, start, end, text);
            buffer.rope.remove(start..end);
            buffer.rope.insert(start, text);
            let moved = match buffer.cursor {
                at if at >= end => at - (end - start) + added,
                at if at > start => start + added,
                at => at,
            };
            buffer.cursor = cursor.unwrap_or(moved).min(buffer.rope.len_chars());
            buffer.goal = None;
            buffer.tick += 1;
        });
        self.0.marks_edited(name, start, end - start, added);
        let change =
            BufferChange { buffer: name.to_owned(), start, removed: end - start, added, blocks: false };
        self.announce(&change);
        true
    }

    /// Dooms the running stretch when its extension's buffers would grow beyond their quota.
    fn fits_quota(self, name: &str, more: usize) -> bool {
        let guard = self.0.guard();
        let Some(ext) = guard.current().filter(|ext| *ext != crate::ExtId::CORE) else { return true };
        let most = guard.limits().quotas.buffer_bytes;
        let size = self.get(name).map_or(0, |buffer| buffer.rope.len_bytes());
        if size + more <= most {
            return true;
        }
        let extension = self.0.ext().name(ext);
        let text =
            format!("`{name}` would hold more than {most} bytes, the quota of extension `{extension}`");
        guard.doom(crate::HandlerError::of(crate::ErrorKind::Memory, text));
        false
    }

    /// Tells those attached, each in its own stretch.
    pub(super) fn announce(self, change: &BufferChange) {
        let attached = {
            let slots = self.0.0.buffers.slots.borrow();
            let Some(slot) = slots.get(&change.buffer) else { return };
            if slot.attached.is_empty() {
                return;
            }
            Rc::clone(&slot.attached)
        };
        for (id, owner, f) in attached.iter() {
            if self.0.is_registered(*id) {
                // The guard has recorded a failure.
                let _ = self.0.guard().stretch(*owner, DeadlineClass::Main, "on_change", || f(change));
            }
        }
    }
}
