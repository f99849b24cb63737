//! The undo log: every change of kernel state made in a stretch can be taken back, and only that stretch's.
//!
//! Stretches nest strictly (a handler may emit a hook whose handlers run inside it). A stretch that ends well
//! hands its entries to the one around it, if that is of the same extension: what another's handler did stays. One that
//! fails runs them, newest first. Outside a stretch nothing is recorded.

use std::cell::{Cell, RefCell};

use crate::Kernel;

/// Takes one change back.
pub(crate) type Inverse = Box<dyn FnOnce(&Kernel)>;

/// The log of all open stretches.
#[derive(Default)]
pub(crate) struct UndoLog {
    entries: RefCell<Vec<Inverse>>,
    marks: RefCell<Vec<Mark>>,
    next_epoch: Cell<u64>,
    undoing: Cell<bool>,
    /// Buffers that were brought back, each with the length of the text that went.
    restored: RefCell<Vec<(String, usize)>>,
    telling: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Mark {
    start: usize,
    epoch: u64,
}

impl UndoLog {
    /// Answers the number of the innermost open stretch; 0 when none is open.
    pub(crate) fn epoch(&self) -> u64 {
        if self.undoing.get() {
            return 0;
        }
        self.marks.borrow().last().map_or(0, |mark| mark.epoch)
    }

    fn begin(&self) {
        let epoch = self.next_epoch.get() + 1;
        self.next_epoch.set(epoch);
        self.marks.borrow_mut().push(Mark { start: self.entries.borrow().len(), epoch });
    }

    fn commit(&self) {
        let outermost = {
            let mut marks = self.marks.borrow_mut();
            marks.pop();
            marks.is_empty()
        };
        if outermost {
            // Dropped outside the borrow: an entry may own state whose drop calls back.
            let dropped = std::mem::take(&mut *self.entries.borrow_mut());
            drop(dropped);
        }
    }

    fn settle(&self) {
        let Some(mark) = self.marks.borrow_mut().pop() else { return };
        // Most stretches change nothing; `split_off` would allocate for each.
        if self.entries.borrow().len() > mark.start {
            // Dropped outside the borrow, as above.
            let dropped = self.entries.borrow_mut().split_off(mark.start);
            drop(dropped);
        }
    }

    fn rollback(&self, kernel: &Kernel) {
        let Some(mark) = self.marks.borrow_mut().pop() else { return };
        let was = self.undoing.replace(true);
        let taken = self.entries.borrow_mut().split_off(mark.start);
        for inverse in taken.into_iter().rev() {
            inverse(kernel);
        }
        self.undoing.set(was);
    }
}

impl Kernel {
    /// Opens a stretch.
    pub(crate) fn tx_begin(&self) {
        self.0.tx.begin();
    }

    /// Ends the innermost stretch and keeps its changes.
    pub(crate) fn tx_commit(&self) {
        self.0.tx.commit();
    }

    /// Ends the innermost stretch and keeps its changes, even if the one around it fails.
    pub(crate) fn tx_settle(&self) {
        self.0.tx.settle();
    }

    /// Ends the innermost stretch and takes its changes back.
    pub(crate) fn tx_rollback(&self) {
        self.0.tx.rollback(self);
        // What fails while it is told, again and again, must not be told again and again.
        if self.0.tx.telling.replace(true) {
            return;
        }
        let restored = self.0.tx.restored.take();
        for (name, removed) in &restored {
            self.buf().announce_restored(name, *removed);
        }
        self.0.tx.restored.take();
        self.0.tx.telling.set(false);
    }

    /// Notes that a buffer was brought back to what it was.
    pub(crate) fn restored(&self, name: &str, removed: usize) {
        self.0.tx.restored.borrow_mut().push((name.to_owned(), removed));
    }

    /// Records how to take back a change that is about to be made.
    pub(crate) fn on_rollback(&self, inverse: impl FnOnce(&Kernel) + 'static) {
        if self.0.tx.epoch() != 0 {
            self.0.tx.entries.borrow_mut().push(Box::new(inverse));
        }
    }

    /// Tells whether changes need no inverse: no stretch is open, or one is being taken back.
    pub(crate) fn is_unrecorded(&self) -> bool {
        self.0.tx.epoch() == 0
    }

    /// Tells whether `last` was recorded in the innermost stretch, and makes it so.
    ///
    /// State that keeps whole snapshots asks this to record only the first of a stretch.
    pub(crate) fn first_touch(&self, last: &Cell<u64>) -> bool {
        let epoch = self.0.tx.epoch();
        epoch != 0 && last.replace(epoch) != epoch
    }
}
