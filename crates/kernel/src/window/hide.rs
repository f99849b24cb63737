//! Windows of an extension while its next generation is loaded: out of sight, and as they were if that fails.

use super::{Slot, Windows};
use crate::ExtId;

impl Windows<'_> {
    /// Takes the windows of an extension out of sight, with what they show. The focus stays with their names: a window of
    /// the same name that comes meanwhile has it.
    pub(crate) fn hide_all(self, owner: ExtId) {
        let table = &self.0.0.windows;
        let all = table.slots.take();
        let (hidden, others) = all.into_iter().partition(|(_, slot)| slot.owner == owner);
        *table.slots.borrow_mut() = others;
        *table.hidden.borrow_mut() = hidden;
    }

    /// Puts them back.
    pub(crate) fn unhide(self) {
        let hidden = self.0.0.windows.hidden.take();
        if !hidden.is_empty() {
            self.0.0.windows.slots.borrow_mut().extend(hidden);
            self.0.layout().changed();
        }
    }

    /// Closes those that are still out of sight; their names may be those of other windows by now.
    pub(crate) fn bury(self) {
        let hidden = self.0.0.windows.hidden.take();
        for (name, Slot { owner, state, .. }) in hidden {
            if let Some(id) = self.0.find_registration(owner, "window", &name) {
                self.0.forget(id);
            }
            self.0.0.windows.vacated.borrow_mut().push(state.rect);
            if self.get(&name).is_none() {
                self.leave(&name);
            }
            self.0.layout().changed();
        }
    }

    /// Tells whether a window is only out of sight, so that its name keeps the focus.
    pub(super) fn is_hidden(self, name: &str) -> bool {
        self.0.0.windows.hidden.borrow().contains_key(name)
    }
}
