//! The marks of a buffer with what a rollback needs: each change's own inverse, so that a stretch costs what it changes
//! and not what there is.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::store::{MarkStore, Shift, Was};
use super::{Mark, Namespace};
use crate::{ExtId, Kernel};

/// How an edit moved marks, for undo and redo.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarkEdit {
    pub(crate) shift: Shift,
    /// Where those were before that moving back would not bring back.
    pub(crate) before: Vec<Was>,
    /// Where those were after, as an undo found them.
    pub(crate) after: Vec<Was>,
}

impl MarkEdit {
    /// Joins an edit that goes on where this one ends; false where both must stay apart.
    pub(crate) fn join(&mut self, next: &Self) -> bool {
        let plain = self.before.is_empty() && next.before.is_empty();
        let typed = self.shift.removed == 0 && next.shift.removed == 0;
        if plain && typed && next.shift.start == self.shift.start + self.shift.added {
            self.shift.added += next.shift.added;
            return true;
        }
        false
    }
}

/// The inverse of one change.
pub(super) enum Inverse {
    Remove(Namespace, u64),
    Put(Mark),
    Shift(Shift, Vec<Was>),
    Restore(Vec<Was>),
}

type Log = Rc<RefCell<Vec<Inverse>>>;

/// The marks of one buffer.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) store: MarkStore,
    /// The stretch whose log is the open one.
    touched: Cell<u64>,
    log: Option<Log>,
    /// Whose number of marks changed by how much, until the table has taken it over.
    pub(super) counted: Vec<(ExtId, isize)>,
}

impl Entry {
    pub(super) fn of(store: MarkStore) -> Self {
        Self { store, ..Self::default() }
    }

    /// Opens a log with a stretch's first change; answers it then, for the rollback.
    pub(super) fn begin(&mut self, kernel: &Kernel) -> Option<Log> {
        if kernel.is_unrecorded() {
            self.touched.set(0);
            self.log = None;
            return None;
        }
        kernel.first_touch(&self.touched).then(|| {
            let log = Log::default();
            self.log = Some(log.clone());
            log
        })
    }

    fn note(&self, inverse: impl FnOnce() -> Inverse) {
        if let Some(log) = &self.log {
            log.borrow_mut().push(inverse());
        }
    }

    pub(super) fn put(&mut self, mark: Mark) {
        let (owner, key) = (mark.owner, (mark.ns, mark.id));
        let before = self.store.put(mark);
        self.counted.push((owner, 1));
        match before {
            Some(before) => {
                self.counted.push((before.owner, -1));
                self.note(|| Inverse::Put(before));
            }
            None => self.note(|| Inverse::Remove(key.0, key.1)),
        }
    }

    pub(super) fn remove(&mut self, ns: Namespace, id: u64) -> bool {
        let Some(mark) = self.store.remove(ns, id) else { return false };
        self.counted.push((mark.owner, -1));
        self.note(|| Inverse::Put(mark));
        true
    }

    pub(super) fn extract(&mut self, range: &Range<usize>, test: impl Fn(&Mark) -> bool) -> usize {
        let gone = self.store.extract(range, test);
        let count = gone.len();
        for mark in gone {
            self.counted.push((mark.owner, -1));
            self.note(|| Inverse::Put(mark));
        }
        count
    }

    pub(super) fn shift(&mut self, shift: Shift) -> Vec<Was> {
        let lost = self.store.shift(shift);
        self.note(|| Inverse::Shift(shift, lost.clone()));
        lost
    }

    pub(super) fn restore(&mut self, places: &[Was]) {
        if places.is_empty() {
            return;
        }
        let now = places.iter().filter_map(|was| {
            let mark = self.store.get(was.key.0, was.key.1)?;
            Some(Was { key: was.key, start: mark.start, end: mark.end })
        });
        let now: Vec<Was> = now.collect();
        self.store.restore(places);
        self.note(|| Inverse::Restore(now));
    }

    pub(super) fn roll_back(&mut self, log: &[Inverse]) {
        for inverse in log.iter().rev() {
            match inverse {
                Inverse::Remove(ns, id) => {
                    if let Some(mark) = self.store.remove(*ns, *id) {
                        self.counted.push((mark.owner, -1));
                    }
                }
                Inverse::Put(mark) => {
                    self.counted.push((mark.owner, 1));
                    if let Some(before) = self.store.put(mark.clone()) {
                        self.counted.push((before.owner, -1));
                    }
                }
                Inverse::Shift(shift, lost) => {
                    self.store.unshift(*shift, lost);
                }
                Inverse::Restore(places) => self.store.restore(places),
            }
        }
        self.touched.set(0);
        self.log = None;
    }
}
