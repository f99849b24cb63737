//! Which window has the focus, and whose cursor its buffer's is.

use std::rc::Rc;

use serde_json::json;

use super::{Window, Windows};
use crate::hooks::Object;
use crate::hooks::terminal::FocusChange;
use crate::{Kernel, Topic};

impl Windows<'_> {
    /// Answers the window with the focus.
    pub fn focused(self) -> Option<Rc<Window>> {
        let name = self.0.0.windows.focused.borrow().clone()?;
        self.get(&name)
    }

    /// Gives a window the focus; false when it cannot have it.
    pub fn focus(self, name: &str) -> bool {
        let Some(window) = self.get(name).filter(|window| window.focusable && window.visible) else {
            return false;
        };
        self.take_cursor(&window);
        self.set_focus(Some(window.name.clone()));
        true
    }

    /// Takes the focus from a window that goes away and gives it to the topmost that can have it.
    pub(super) fn leave(self, name: &str) {
        let had = self.0.0.windows.focused.borrow().as_deref() == Some(name) && !self.is_hidden(name);
        if had {
            let heir = self.list().into_iter().rev().find(|w| w.focusable && w.visible && w.name != name);
            if let Some(heir) = &heir {
                self.take_cursor(heir);
            }
            self.set_focus(heir.map(|window| window.name.clone()));
        }
    }

    /// Makes the buffer's cursor that of a window which gets the focus; the one that had it keeps its own.
    fn take_cursor(self, window: &Window) {
        let kernel = self.0;
        let (holder, cursor) = {
            let mut slots = kernel.0.buffers.slots.borrow_mut();
            let Some(slot) = slots.get_mut(&window.buffer) else { return };
            if slot.holder.as_deref() == Some(&window.name) {
                return;
            }
            (slot.holder.replace(window.name.clone()), slot.state.cursor)
        };
        let (buffer, before) = (window.buffer.clone(), holder.clone());
        kernel.on_rollback(move |kernel| {
            if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&buffer) {
                slot.holder = before;
            }
        });
        let shared = holder.filter(|name| self.get(name).is_some_and(|other| other.buffer == window.buffer));
        if let Some(other) = shared {
            self.set(&other, |other| other.point = cursor);
            kernel.buf().change_state(&window.buffer, |buffer| {
                buffer.cursor = window.point.min(buffer.rope.len_chars());
            });
        }
    }

    fn set_focus(self, to: Option<String>) {
        let from = self.0.0.windows.focused.replace(to.clone());
        if from == to {
            return;
        }
        self.mark_name_dirty(from.as_deref());
        self.mark_name_dirty(to.as_deref());
        let before = from.clone();
        self.0.on_rollback(move |kernel| {
            *kernel.0.windows.focused.borrow_mut() = before;
        });
        self.0.changed(Topic::Focus);
        self.0.hook().dispatch_with::<FocusChange>(|| {
            Object::from_iter([
                ("from".to_owned(), json!(from.unwrap_or_default())),
                ("to".to_owned(), json!(to.unwrap_or_default())),
            ])
        });
    }

    fn mark_name_dirty(self, name: Option<&str>) {
        if let Some(name) = name {
            self.mark_dirty(name);
        }
    }

    /// Answers a window's cursor in its buffer, in code points.
    pub fn point(self, window: &Window) -> usize {
        let slots = self.0.0.buffers.slots.borrow();
        let Some(slot) = slots.get(&window.buffer) else { return 0 };
        let shared = slot.holder.as_ref().is_some_and(|holder| {
            *holder != window.name && self.get(holder).is_some_and(|other| other.buffer == window.buffer)
        });
        if shared { window.point.min(slot.state.rope.len_chars()) } else { slot.state.cursor }
    }

    /// Fixes a window's cursor at a row and column inside it, or leaves it to its renderer again.
    pub fn set_cursor(self, name: &str, cursor: Option<(u16, u16)>) -> bool {
        self.set(name, |window| window.pinned = cursor)
    }

    /// Answers row and column of a window's cursor inside it.
    pub fn cursor(self, name: &str) -> Option<(u16, u16)> {
        let window = self.get(name)?;
        window.pinned.or(window.cursor)
    }
}

impl Kernel {
    /// Moves the cursors of windows along with an edit of their buffer.
    pub(crate) fn shift_points(&self, buffer: &str, shift: crate::mark::Shift) {
        for slot in self.0.windows.slots.borrow_mut().values_mut() {
            if slot.state.point > shift.start && slot.state.buffer == buffer {
                let point = shift.begin(slot.state.point);
                Rc::make_mut(&mut slot.state).point = point;
            }
        }
    }
}
