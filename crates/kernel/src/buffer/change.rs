//! Changes of a buffer's text: one way in, whoever asks.

use std::rc::Rc;

use super::Buffer;
use super::Buffers;
use super::history::{Edit, EditKind};
use crate::guard::DeadlineClass;
use crate::mark::Shift;

/// What changed, for those attached to a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferChange {
    /// The buffer.
    pub buffer: String,
    /// Where the change begins, in code points, or in blocks.
    pub start: usize,
    /// How many code points or blocks went.
    pub removed: usize,
    /// How many came.
    pub added: usize,
    /// Whether blocks changed rather than text; with nothing removed and nothing added, any of them may have.
    pub blocks: bool,
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

    /// Undoes the last group of edits, marks included; false when there is none.
    pub fn undo(self, name: &str) -> bool {
        self.travel(name, false)
    }

    /// Takes the last undo back; false when there is none.
    pub fn redo(self, name: &str) -> bool {
        self.travel(name, true)
    }

    fn travel(self, name: &str, again: bool) -> bool {
        let mut change = None;
        self.change_state(name, |buffer| {
            let before = buffer.rope.len_chars();
            let Buffer { history, rope, cursor, .. } = buffer;
            let step = if again { history.redo(rope, *cursor) } else { history.undo(rope, *cursor) };
            if let Some((cursor, edits)) = step {
                buffer.cursor = cursor.min(buffer.rope.len_chars());
                buffer.goal = None;
                buffer.tick += 1;
                change = Some((before, buffer.rope.len_chars(), edits));
            }
        });
        let Some((before, after, mut edits)) = change else { return false };
        if again {
            for edit in &mut edits {
                self.0.marks_travel(name, &mut edit.marks, true);
            }
        } else {
            for edit in edits.iter_mut().rev() {
                self.0.marks_travel(name, &mut edit.marks, false);
            }
        }
        let (start, removed, added) = match edits.as_slice() {
            [only] => {
                let shift = if again { only.marks.shift } else { only.marks.shift.reversed() };
                (shift.start, shift.removed, shift.added)
            }
            _ => (0, before, after),
        };
        self.change_quietly(name, |buffer| buffer.history.travelled(edits, again));
        self.announce(name, start, removed, added, false);
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
        let Some(length) = self.length(name) else { return false };
        let start = range.start.min(length);
        let end = range.end.clamp(start, length);
        let added = text.chars().count();
        if start == end && added == 0 {
            if let Some(cursor) = cursor {
                return self.set_cursor(name, cursor);
            }
            return true;
        }
        if added > end - start && !self.may_grow_here(name, text.len()) {
            return false;
        }
        let marks = self.0.marks_edited(name, Shift { start, removed: end - start, added });
        self.change_state(name, |buffer| {
            buffer.history.begin(buffer.cursor, kind, start, end, text);
            let edit = Edit::make(&mut buffer.rope, marks, text);
            buffer.history.note(edit);
            let moved = match buffer.cursor {
                at if at >= end => at - (end - start) + added,
                at if at > start => start + added,
                at => at,
            };
            buffer.cursor = cursor.unwrap_or(moved).min(length - (end - start) + added);
            buffer.goal = None;
            buffer.tick += 1;
        });
        self.announce(name, start, end - start, added, false);
        true
    }

    /// Tells those attached that a failed stretch was taken back, which may have changed all of it.
    pub(crate) fn announce_restored(self, name: &str, removed: usize) {
        let Some(buffer) = self.get(name) else { return };
        self.announce(name, 0, removed, buffer.rope.len_chars(), false);
        if !buffer.blocks.is_empty() {
            self.announce(name, 0, 0, 0, true);
        }
    }

    /// Tells those attached, each in its own stretch.
    pub(super) fn announce(self, name: &str, start: usize, removed: usize, added: usize, blocks: bool) {
        let attached = {
            let slots = self.0.0.buffers.slots.borrow();
            let Some(slot) = slots.get(name) else { return };
            if slot.attached.is_empty() {
                return;
            }
            Rc::clone(&slot.attached)
        };
        let change = &BufferChange { buffer: name.to_owned(), start, removed, added, blocks };
        for (id, owner, f) in attached.iter() {
            if self.0.is_registered(*id) {
                // The guard has recorded a failure.
                let _ = self.0.guard().stretch(*owner, DeadlineClass::Main, "on_change", || f(change));
            }
        }
    }
}
