//! Marks: annotations of text that move with edits.

mod log;
mod store;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

pub(crate) use log::MarkEdit;
pub(crate) use store::{MarkStore, Shift};

use crate::text::{Line, Span};
use crate::{ErrorKind, ExtId, HandlerError, Kernel};
use log::Entry;

/// Families are never forgotten, so there are no more than this.
const MOST_SPACES: usize = 4096;
/// The longest name of one, in bytes.
const LONGEST_SPACE: usize = 256;

/// Names a family of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(pub u32);

/// Where a mark's own text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum VirtPos {
    /// Behind the line's text.
    #[default]
    Eol,
    /// In front of the mark's position; the rest of the line moves on.
    Inline,
    /// Over the text that begins at the mark's position.
    Overlay,
    /// At the right edge of the window.
    RightAlign,
}

impl VirtPos {
    /// Finds one by the name extensions write.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "eol" => Self::Eol,
            "inline" => Self::Inline,
            "overlay" => Self::Overlay,
            "right_align" => Self::RightAlign,
            _ => return None,
        })
    }

    /// Answers the name extensions write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eol => "eol",
            Self::Inline => "inline",
            Self::Overlay => "overlay",
            Self::RightAlign => "right_align",
        }
    }
}

/// What a mark shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MarkOptions {
    /// Where it ends, exclusive; absent = it is a point.
    pub end: Option<usize>,
    /// The highlight group of its text.
    pub hl: Option<Rc<str>>,
    /// Text of its own, shown with the buffer's.
    pub virt_text: Line,
    /// Where that is shown.
    pub virt_text_pos: VirtPos,
    /// Lines shown below the line it begins in.
    pub virt_lines: Vec<Line>,
    /// Shown at the left edge, in front of the line it begins in; at most two cells.
    pub sign: Option<Span>,
    /// Where a click on its text leads.
    pub url: Option<Rc<str>>,
    /// Higher is drawn over lower.
    pub priority: i32,
    /// Whether it goes away with the next frame.
    pub ephemeral: bool,
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
    /// Where it ends, exclusive; absent = it is a point.
    pub end: Option<usize>,
    /// What it shows; the `end` and `id` in it are those it was set with.
    pub options: Rc<MarkOptions>,
    /// Who made it.
    pub owner: ExtId,
}

#[derive(Default)]
pub(crate) struct MarkTable {
    spaces: RefCell<Vec<String>>,
    buffers: RefCell<BTreeMap<String, Entry>>,
    next: Cell<u64>,
    /// How many each extension has.
    counts: RefCell<BTreeMap<ExtId, usize>>,
    /// What goes away with the next frame.
    ephemeral: RefCell<Vec<(String, Namespace, u64)>>,
}

/// Sets and reads marks; made by [`Kernel::mark`].
#[derive(Clone, Copy, Debug)]
pub struct MarksOf<'k>(&'k Kernel);

impl MarksOf<'_> {
    /// Answers the family of a name; the same name is the same family.
    ///
    /// There are at most 4,096 of at most 256 bytes: another one dooms the running stretch and answers the first.
    pub fn namespace(self, name: &str) -> Namespace {
        let mut spaces = self.0.0.marks.spaces.borrow_mut();
        if name.len() > LONGEST_SPACE
            || (spaces.len() >= MOST_SPACES && !spaces.iter().any(|known| known == name))
        {
            let text = format!(
                "at most {MOST_SPACES} namespaces with names of at most {LONGEST_SPACE} bytes are kept"
            );
            self.0.guard().doom(HandlerError::of(ErrorKind::Memory, text));
            return Namespace(0);
        }
        let at = spaces.iter().position(|known| known == name).unwrap_or_else(|| {
            spaces.push(name.to_owned());
            spaces.len() - 1
        });
        Namespace(at as u32)
    }

    /// Tells whether a number is that of a family.
    pub fn is_namespace(self, ns: Namespace) -> bool {
        usize::try_from(ns.0).is_ok_and(|at| at < self.0.0.marks.spaces.borrow().len())
    }

    /// Lists the names of the families, in the order in which they arose; a family's number is its place.
    pub fn namespaces(self) -> Vec<String> {
        self.0.0.marks.spaces.borrow().clone()
    }

    /// Sets a mark, or moves the one that `options.id` numbers; answers its number.
    ///
    /// Positions behind the text's end are taken as the end; in a projection they count its blocks. It is an error when
    /// there is no such buffer, and when the owner's quota is used up.
    pub fn set(
        self,
        owner: ExtId,
        buffer: &str,
        ns: Namespace,
        start: usize,
        options: MarkOptions,
    ) -> Result<u64, HandlerError> {
        let Some(length) = self.positions(buffer) else {
            return Err(HandlerError::new(format!("there is no buffer `{buffer}`")));
        };
        self.check_quota(owner, buffer, ns, options.id)?;
        let table = &self.0.0.marks;
        let id = options.id.unwrap_or_else(|| {
            table.next.set(table.next.get() + 1);
            table.next.get()
        });
        // Numbers that callers chose are not given out again.
        table.next.set(table.next.get().max(id));
        let start = start.min(length);
        let end = options.end.map(|end| end.clamp(start, length));
        if options.ephemeral {
            table.ephemeral.borrow_mut().push((buffer.to_owned(), ns, id));
        }
        let mark = Mark { id, ns, start, end, options: Rc::new(options), owner };
        self.change(buffer, |entry| entry.put(mark));
        self.0.win().buffer_changed(buffer);
        Ok(id)
    }

    /// Answers the last position that a mark of a buffer can have.
    fn positions(self, buffer: &str) -> Option<usize> {
        match self.0.buf().source(buffer) {
            Some(source) => Some(source.len()),
            None => self.0.buf().length(buffer),
        }
    }

    fn check_quota(
        self,
        owner: ExtId,
        buffer: &str,
        ns: Namespace,
        id: Option<u64>,
    ) -> Result<(), HandlerError> {
        if owner == ExtId::CORE {
            return Ok(());
        }
        let most = self.0.guard().limits().quotas.marks;
        if self.count(owner) < most {
            return Ok(());
        }
        let moves = id.is_some_and(|id| self.by_id(buffer, ns, id).is_some_and(|mark| mark.owner == owner));
        if moves {
            return Ok(());
        }
        let name = self.0.ext().name(owner);
        let error = HandlerError::of(
            ErrorKind::Memory,
            format!("extension `{name}` already has {most} marks, its quota"),
        );
        // A loop that goes on in spite of the error must not go on for ever.
        self.0.guard().doom(error.clone());
        Err(error)
    }

    /// Counts the marks of an extension.
    pub fn count(self, owner: ExtId) -> usize {
        self.0.0.marks.counts.borrow().get(&owner).copied().unwrap_or(0)
    }

    /// Tells whether a buffer has any mark.
    pub fn is_marked(self, buffer: &str) -> bool {
        self.0.0.marks.buffers.borrow().get(buffer).is_some_and(|entry| !entry.store.is_empty())
    }

    /// Answers one mark.
    pub fn by_id(self, buffer: &str, ns: Namespace, id: u64) -> Option<Mark> {
        self.0.0.marks.buffers.borrow().get(buffer)?.store.get(ns, id)
    }

    /// Answers the marks of a family that touch a range, by position.
    pub fn get(self, buffer: &str, ns: Namespace, range: Range<usize>) -> Vec<Mark> {
        self.select(buffer, &range, |mark| mark.ns == ns)
    }

    /// Answers the marks of all families that touch a range, by position.
    pub fn all(self, buffer: &str, range: Range<usize>) -> Vec<Mark> {
        self.select(buffer, &range, |_| true)
    }

    /// Tells whether a mark that touches a range passes a test.
    pub(crate) fn any(self, buffer: &str, range: &Range<usize>, test: impl Fn(&Mark) -> bool) -> bool {
        let buffers = self.0.0.marks.buffers.borrow();
        let mut found = false;
        if let Some(entry) = buffers.get(buffer) {
            entry.store.each(range, |mark| found = found || test(&mark));
        }
        found
    }

    fn select(self, buffer: &str, range: &Range<usize>, test: impl Fn(&Mark) -> bool) -> Vec<Mark> {
        let buffers = self.0.0.marks.buffers.borrow();
        let Some(entry) = buffers.get(buffer) else { return Vec::new() };
        let mut found = Vec::new();
        entry.store.each(range, |mark| {
            if test(&mark) {
                found.push(mark);
            }
        });
        found.sort_by_key(|mark| (mark.start, mark.options.priority, mark.id));
        found
    }

    /// Takes one mark away; false when there is none.
    pub fn del(self, buffer: &str, ns: Namespace, id: u64) -> bool {
        let removed = self.change(buffer, |entry| entry.remove(ns, id)).unwrap_or(false);
        if removed {
            self.0.win().buffer_changed(buffer);
        }
        removed
    }

    /// Takes a family's marks that begin in a range away; answers how many.
    pub fn clear(self, buffer: &str, ns: Namespace, range: Range<usize>) -> usize {
        let gone = self.change(buffer, |entry| entry.extract(&range, |mark| mark.ns == ns)).unwrap_or(0);
        if gone > 0 {
            self.0.win().buffer_changed(buffer);
        }
        gone
    }

    /// Changes the marks of a buffer, remembered for a rollback, and keeps count; `None` when there is no such buffer.
    fn change<T>(self, buffer: &str, f: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let table = &self.0.0.marks;
        let mut buffers = table.buffers.borrow_mut();
        if !buffers.contains_key(buffer) {
            if !self.0.buf().exists(buffer) {
                return None;
            }
            buffers.insert(buffer.to_owned(), Entry::default());
        }
        let entry = buffers.get_mut(buffer)?;
        if let Some(log) = entry.begin(self.0) {
            let name = buffer.to_owned();
            self.0.on_rollback(move |kernel| {
                if let Some(entry) = kernel.0.marks.buffers.borrow_mut().get_mut(&name) {
                    entry.roll_back(&log.take());
                    kernel.0.marks.account(entry);
                }
                kernel.win().buffer_changed(&name);
            });
        }
        let answer = f(entry);
        table.account(entry);
        Some(answer)
    }
}

impl MarkTable {
    /// Takes the changes of an entry's counts over.
    fn account(&self, entry: &mut Entry) {
        let mut counts = self.counts.borrow_mut();
        for (owner, change) in entry.counted.drain(..) {
            let count = counts.entry(owner).or_default();
            *count = count.saturating_add_signed(change);
        }
    }
}

impl Kernel {
    /// Sets and reads marks.
    pub fn mark(&self) -> MarksOf<'_> {
        MarksOf(self)
    }

    /// Moves marks after an edit: those behind it shift, those inside what went fall onto its start. Answers what an
    /// undo needs to bring them back.
    pub(crate) fn marks_edited(&self, buffer: &str, shift: Shift) -> MarkEdit {
        self.shift_points(buffer, shift);
        let has = self.0.marks.buffers.borrow().get(buffer).is_some_and(|entry| !entry.store.is_empty());
        let lost = if has { self.mark().change(buffer, |entry| entry.shift(shift)) } else { None };
        MarkEdit { shift, before: lost.unwrap_or_default(), after: Vec::new() }
    }

    /// Takes the movement of marks by an edit back, or, with `again`, makes it once more.
    pub(crate) fn marks_travel(&self, buffer: &str, edit: &mut MarkEdit, again: bool) {
        let (shift, places) =
            if again { (edit.shift, &edit.after) } else { (edit.shift.reversed(), &edit.before) };
        self.shift_points(buffer, shift);
        let lost = self.mark().change(buffer, |entry| {
            let lost = entry.shift(shift);
            entry.restore(places);
            lost
        });
        let lost = lost.unwrap_or_default();
        if again {
            edit.before = lost;
        } else {
            edit.after = lost;
        }
    }

    /// Takes the marks of a buffer that is deleted out.
    pub(crate) fn marks_take(&self, buffer: &str) -> Option<MarkStore> {
        let entry = self.0.marks.buffers.borrow_mut().remove(buffer)?;
        self.count_store(&entry.store, -1);
        Some(entry.store)
    }

    /// Gives a buffer that is restored its marks back.
    pub(crate) fn marks_give(&self, buffer: &str, store: MarkStore) {
        self.count_store(&store, 1);
        self.0.marks.buffers.borrow_mut().insert(buffer.to_owned(), Entry::of(store));
    }

    fn count_store(&self, store: &MarkStore, sign: isize) {
        let mut counts = self.0.marks.counts.borrow_mut();
        store.each(&(0..usize::MAX), |mark| {
            let count = counts.entry(mark.owner).or_default();
            *count = count.saturating_add_signed(sign);
        });
    }

    /// Takes every mark of an extension away.
    pub(crate) fn marks_unload(&self, owner: ExtId) {
        if self.mark().count(owner) == 0 {
            return;
        }
        let names: Vec<String> = self.0.marks.buffers.borrow().keys().cloned().collect();
        for name in names {
            let all = 0..usize::MAX;
            let gone = self.mark().change(&name, |entry| entry.extract(&all, |mark| mark.owner == owner));
            if gone.is_some_and(|gone| gone > 0) {
                self.win().buffer_changed(&name);
            }
        }
    }

    /// Takes away what was set for one frame, once it is drawn; what the frame shows of it stays until it is redrawn.
    pub(crate) fn drop_ephemeral_marks(&self) {
        let gone = self.0.marks.ephemeral.take();
        for (buffer, ns, id) in gone {
            let ephemeral = self.mark().by_id(&buffer, ns, id).is_some_and(|mark| mark.options.ephemeral);
            if ephemeral {
                self.mark().change(&buffer, |entry| entry.remove(ns, id));
            }
        }
    }
}
