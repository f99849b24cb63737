//! Marks: annotations of text that move with edits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::text::Span;
use crate::{ExtId, HandlerError, Kernel};

/// Names a family of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(pub u32);

/// What a mark shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MarkOptions {
    /// Where it ends, exclusive; absent = it is a point.
    pub end: Option<usize>,
    /// The highlight group of its text.
    pub hl: Option<String>,
    /// Text shown beside the buffer's.
    pub virt_text: Vec<Span>,
    /// Higher is drawn over lower.
    pub priority: i32,
    /// Moves the mark of this number instead of making one.
    pub id: Option<u64>,
}

/// One mark as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Numbers it.
    pub id: u64,
    /// Its family.
    pub ns: Namespace,
    /// Where it begins, in code points.
    pub start: usize,
    /// What it shows; `end` is kept current.
    pub options: MarkOptions,
    /// Who made it.
    pub owner: ExtId,
}

/// The marks of one buffer, by family and number.
pub(crate) type Marks = BTreeMap<(Namespace, u64), Mark>;

#[derive(Default)]
pub(crate) struct MarkTable {
    spaces: RefCell<Vec<String>>,
    buffers: RefCell<BTreeMap<String, Entry>>,
    next: Cell<u64>,
}

#[derive(Default)]
struct Entry {
    marks: Rc<Marks>,
    touched: Cell<u64>,
}

/// Sets and reads marks; made by [`Kernel::mark`].
#[derive(Clone, Copy, Debug)]
pub struct MarksOf<'k>(&'k Kernel);

impl MarksOf<'_> {
    /// Answers the family of a name; the same name is the same family.
    pub fn namespace(self, name: &str) -> Namespace {
        let mut spaces = self.0.0.marks.spaces.borrow_mut();
        let at = spaces.iter().position(|known| known == name).unwrap_or_else(|| {
            spaces.push(name.to_owned());
            spaces.len() - 1
        });
        Namespace(at as u32)
    }

    /// Sets a mark, or moves the one that `options.id` numbers; answers its number.
    pub fn set(
        self,
        owner: ExtId,
        buffer: &str,
        ns: Namespace,
        start: usize,
        options: MarkOptions,
    ) -> Result<u64, HandlerError> {
        let Some(length) = self.0.buf().get(buffer).map(|buffer| buffer.rope.len_chars()) else {
            return Err(HandlerError::new(format!("there is no buffer `{buffer}`")));
        };
        let most = self.0.guard().limits().quotas.marks;
        let table = &self.0.0.marks;
        let full = table.buffers.borrow().get(buffer).is_some_and(|entry| entry.marks.len() >= most);
        if owner != ExtId::CORE && full && options.id.is_none() {
            return Err(HandlerError::of(
                crate::ErrorKind::Memory,
                format!("`{buffer}` already has {most} marks"),
            ));
        }
        let id = options.id.unwrap_or_else(|| {
            table.next.set(table.next.get() + 1);
            table.next.get()
        });
        let start = start.min(length);
        let end = options.end.map(|end| end.clamp(start, length));
        let mark = Mark { id, ns, start, options: MarkOptions { end, id: None, ..options }, owner };
        self.change(buffer, |marks| {
            marks.insert((ns, id), mark);
        });
        Ok(id)
    }

    /// Answers the marks of a family that touch a range, by position.
    pub fn get(self, buffer: &str, ns: Namespace, range: std::ops::Range<usize>) -> Vec<Mark> {
        self.select(buffer, range, |mark| mark.ns == ns)
    }

    /// Answers the marks of all families that touch a range, by position.
    pub fn all(self, buffer: &str, range: std::ops::Range<usize>) -> Vec<Mark> {
        self.select(buffer, range, |_| true)
    }

    fn select(self, buffer: &str, range: std::ops::Range<usize>, test: impl Fn(&Mark) -> bool) -> Vec<Mark> {
        let buffers = self.0.0.marks.buffers.borrow();
        let Some(entry) = buffers.get(buffer) else { return Vec::new() };
        let touches =
            |mark: &Mark| mark.start < range.end && mark.options.end.unwrap_or(mark.start) >= range.start;
        let mut found: Vec<Mark> = entry.marks.values().filter(|m| test(m) && touches(m)).cloned().collect();
        found.sort_by_key(|mark| (mark.start, mark.options.priority, mark.id));
        found
    }

    /// Takes one mark away; false when there is none.
    pub fn del(self, buffer: &str, ns: Namespace, id: u64) -> bool {
        let exists =
            self.0.0.marks.buffers.borrow().get(buffer).is_some_and(|e| e.marks.contains_key(&(ns, id)));
        if exists {
            self.change(buffer, |marks| {
                marks.remove(&(ns, id));
            });
        }
        exists
    }

    /// Takes a family's marks that begin in a range away.
    pub fn clear(self, buffer: &str, ns: Namespace, range: std::ops::Range<usize>) {
        self.change(buffer, |marks| {
            marks.retain(|(space, _), mark| *space != ns || !range.contains(&mark.start));
        });
    }

    fn change(self, buffer: &str, f: impl FnOnce(&mut Marks)) {
        {
            let mut buffers = self.0.0.marks.buffers.borrow_mut();
            let entry = buffers.entry(buffer.to_owned()).or_default();
            if self.0.first_touch(&entry.touched) {
                let (before, name) = (entry.marks.clone(), buffer.to_owned());
                self.0.on_rollback(move |kernel| {
                    kernel
                        .0
                        .marks
                        .buffers
                        .borrow_mut()
                        .insert(name, Entry { marks: before, touched: Cell::new(0) });
                });
            }
            f(Rc::make_mut(&mut entry.marks));
        }
        self.0.win().buffer_changed(buffer);
    }
}

impl Kernel {
    /// Sets and reads marks.
    pub fn mark(&self) -> MarksOf<'_> {
        MarksOf(self)
    }

    fn has_marks(&self, buffer: &str) -> bool {
        self.0.marks.buffers.borrow().get(buffer).is_some_and(|entry| !entry.marks.is_empty())
    }

    /// Moves marks after an edit: those behind it shift, those inside what went fall onto its start.
    pub(crate) fn marks_edited(&self, buffer: &str, start: usize, removed: usize, added: usize) {
        if !self.has_marks(buffer) {
            return;
        }
        let moved = |at: usize, sticks: bool| match at {
            at if at < start || (at == start && sticks) => at,
            at if at >= start + removed => at - removed + added,
            _ => start,
        };
        self.mark().change(buffer, |marks| {
            for mark in marks.values_mut() {
                // A range keeps what is typed at its start outside, and what is typed at its end as well.
                mark.start = moved(mark.start, false);
                mark.options.end = mark.options.end.map(|end| moved(end, true).max(mark.start));
            }
        });
    }

    /// Keeps marks inside a text that was exchanged as a whole.
    pub(crate) fn marks_text_replaced(&self, buffer: &str, _removed: usize, length: usize) {
        if !self.has_marks(buffer) {
            return;
        }
        self.mark().change(buffer, |marks| {
            for mark in marks.values_mut() {
                mark.start = mark.start.min(length);
                mark.options.end = mark.options.end.map(|end| end.clamp(mark.start, length));
            }
        });
    }

    /// Takes the marks of a buffer that is deleted out.
    pub(crate) fn marks_take(&self, buffer: &str) -> Option<Rc<Marks>> {
        self.0.marks.buffers.borrow_mut().remove(buffer).map(|entry| entry.marks)
    }

    /// Gives a buffer that is restored its marks back.
    pub(crate) fn marks_give(&self, buffer: &str, marks: Rc<Marks>) {
        let entry = Entry { marks, touched: Cell::new(0) };
        self.0.marks.buffers.borrow_mut().insert(buffer.to_owned(), entry);
    }

    /// Takes every mark of an extension away.
    pub(crate) fn marks_unload(&self, owner: ExtId) {
        let names: Vec<String> = self.0.marks.buffers.borrow().keys().cloned().collect();
        for name in names {
            self.mark().change(&name, |marks| marks.retain(|_, mark| mark.owner != owner));
        }
    }
}
