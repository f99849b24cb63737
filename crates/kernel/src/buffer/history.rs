//! Undo and redo: each step is a group of edits with the text that takes them back, so that an edit costs what it changes
//! and never a copy of the text. Marks travel along.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use ropey::Rope;

use crate::mark::MarkEdit;

/// How many steps are kept.
const DEPTH: usize = 1000;

/// Bytes of edits that are kept; the newest step stays however large it is.
const BYTES: usize = 16 << 20;

/// A text at least as long is made into a rope at once rather than inserted into an empty one.
const LONG: usize = 1024;

/// What an edit was, for grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EditKind {
    /// Text arrived at the cursor.
    Insert,
    /// Text before or after the cursor went.
    Delete,
    /// Anything else; never grouped.
    Other,
}

/// What an edit took out.
#[derive(Debug, Clone)]
enum Text {
    Part(Box<str>),
    /// All there was, which costs a count.
    Whole(Rope),
}

impl Text {
    fn take(rope: &mut Rope, range: Range<usize>) -> Self {
        if range.is_empty() {
            return Self::Part(Box::default());
        }
        if range.len() == rope.len_chars() {
            return Self::Whole(std::mem::take(rope));
        }
        let part: String = rope.slice(range.clone()).into();
        rope.remove(range);
        Self::Part(part.into())
    }

    fn put(&self, rope: &mut Rope, at: usize) {
        match self {
            Self::Part(text) => insert(rope, at, text),
            Self::Whole(whole) if rope.len_chars() == 0 => rope.clone_from(whole),
            Self::Whole(whole) => insert(rope, at, &whole.to_string()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Part(text) => text.len(),
            Self::Whole(whole) => whole.len_bytes(),
        }
    }
}

fn insert(rope: &mut Rope, at: usize, text: &str) {
    if rope.len_chars() == 0 && text.len() >= LONG {
        *rope = Rope::from_str(text);
    } else if !text.is_empty() {
        rope.insert(at, text);
    }
}

/// One edit: how it moved the marks, and what it took out; once it is taken back, what it had put in.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) marks: MarkEdit,
    text: Text,
}

impl Edit {
    /// Puts `text` where `marks` says that something went.
    pub(super) fn make(rope: &mut Rope, marks: MarkEdit, text: &str) -> Self {
        let start = marks.shift.start;
        let gone = Text::take(rope, start..start + marks.shift.removed);
        insert(rope, start, text);
        Self { marks, text: gone }
    }

    /// Takes the edit back, or, with `again`, makes it once more.
    fn exchange(&mut self, rope: &mut Rope, again: bool) {
        let shift = self.marks.shift;
        let here = if again { shift.removed } else { shift.added };
        let other = Text::take(rope, shift.start..shift.start + here);
        self.text.put(rope, shift.start);
        self.text = other;
    }

    /// Joins an edit that goes on where this one ends; false where both must stay apart.
    fn join(&mut self, next: &Self) -> bool {
        self.text.len() == 0 && next.text.len() == 0 && self.marks.join(&next.marks)
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.marks.shift.added
    }
}

type Edits = Rc<Vec<Edit>>;

/// One state of the text.
#[derive(Debug)]
struct Step {
    cursor: usize,
    /// What led to it from the state that is older by one.
    edits: RefCell<Edits>,
    before: Option<Rc<Step>>,
    depth: usize,
    /// Bytes that its edits and those of the steps before it have moved.
    bytes: usize,
}

impl Drop for Step {
    fn drop(&mut self) {
        // Taken apart in a loop: a long chain must not recurse.
        let mut next = self.before.take();
        while let Some(step) = next {
            match Rc::try_unwrap(step) {
                Ok(mut step) => next = step.before.take(),
                Err(_) => return,
            }
        }
    }
}

/// The steps of one buffer; a clone shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    undo: Option<Rc<Step>>,
    redo: Option<Rc<Step>>,
    /// What has led from the newest step to the text as it is.
    edits: Edits,
    /// Bytes those edits have moved.
    bytes: usize,
    /// The last edit: its kind, where it ended, and whether it ended a word.
    last: Option<(EditKind, usize, bool)>,
}

impl History {
    /// Begins an edit that puts `text` at `at`, up to `end`: it is a step of its own, unless it continues the last one.
    pub(crate) fn begin(&mut self, cursor: usize, kind: EditKind, at: usize, end: usize, text: &str) {
        let blank = text.chars().next_back().is_some_and(char::is_whitespace);
        let continues = match self.last {
            Some((EditKind::Insert, last_end, after_blank)) => {
                kind == EditKind::Insert
                    && at == last_end
                    && (blank || !after_blank)
                    && text.chars().count() == 1
            }
            Some((EditKind::Delete, last_end, _)) => {
                kind == EditKind::Delete && (end == last_end || at == last_end)
            }
            _ => false,
        };
        if !continues {
            self.step(cursor);
        }
        self.redo = None;
        let ends = if kind == EditKind::Insert { at + text.chars().count() } else { at };
        self.last = Some((kind, ends, blank));
    }

    /// Ends the group of edits that belong together.
    pub(crate) fn seal(&mut self) {
        self.last = None;
    }

    /// Tells whether the next edit begins a group.
    pub(crate) fn is_sealed(&self) -> bool {
        self.last.is_none()
    }

    /// Makes the text as it is a step.
    fn step(&mut self, cursor: usize) {
        let edits = std::mem::take(&mut self.edits);
        let bytes = std::mem::take(&mut self.bytes);
        self.undo = Some(push(self.undo.take(), cursor, edits, bytes));
    }

    /// Notes the edit that was begun last.
    pub(crate) fn note(&mut self, edit: Edit) {
        self.bytes += edit.bytes();
        let edits = Rc::make_mut(&mut self.edits);
        if !edits.last_mut().is_some_and(|last| last.join(&edit)) {
            if edits.is_empty() {
                // Most steps are one edit.
                edits.reserve_exact(1);
            }
            edits.push(edit);
        }
    }

    /// Takes the last group back; answers the cursor and the edits that were taken back, which are to be handed to
    /// [`History::travelled`].
    pub(crate) fn undo(&mut self, rope: &mut Rope, cursor: usize) -> Option<(usize, Vec<Edit>)> {
        let step = self.undo.take()?;
        let edits = std::mem::replace(&mut self.edits, step.edits.borrow().clone());
        let mut taken = Rc::unwrap_or_clone(edits);
        for edit in taken.iter_mut().rev() {
            edit.exchange(rope, false);
        }
        self.redo = Some(push(self.redo.take(), cursor, Edits::default(), 0));
        self.undo.clone_from(&step.before);
        self.bytes = step.bytes - step.before.as_ref().map_or(0, |before| before.bytes);
        self.last = None;
        Some((step.cursor, taken))
    }

    /// Makes the group again that was taken back last; answers the same.
    pub(crate) fn redo(&mut self, rope: &mut Rope, cursor: usize) -> Option<(usize, Vec<Edit>)> {
        let step = self.redo.take()?;
        self.step(cursor);
        self.redo.clone_from(&step.before);
        let mut made = step.edits.borrow().to_vec();
        for edit in &mut made {
            edit.exchange(rope, true);
        }
        self.last = None;
        Some((step.cursor, made))
    }

    /// Keeps the edits that an undo or redo has just given out, once the marks have travelled with them.
    pub(crate) fn travelled(&mut self, edits: Vec<Edit>, again: bool) {
        if again {
            self.bytes = edits.iter().map(Edit::bytes).sum();
            self.edits = Rc::new(edits);
        } else if let Some(step) = &self.redo {
            *step.edits.borrow_mut() = Rc::new(edits);
        }
    }
}

fn push(before: Option<Rc<Step>>, cursor: usize, edits: Edits, bytes: usize) -> Rc<Step> {
    let long = before.as_ref().is_some_and(|step| step.depth > 2 * DEPTH || step.bytes > 2 * BYTES);
    let before = if long { before.and_then(|step| shortened(&step)) } else { before };
    let depth = before.as_ref().map_or(1, |step| step.depth + 1);
    let bytes = bytes + before.as_ref().map_or(0, |step| step.bytes);
    Rc::new(Step { cursor, edits: RefCell::new(edits), before, depth, bytes })
}

/// Copies the newest steps, half of what may be kept, so that only every so many edits pay for it.
fn shortened(newest: &Rc<Step>) -> Option<Rc<Step>> {
    let mut kept: Vec<&Step> = Vec::with_capacity(DEPTH);
    let mut next = Some(newest);
    while let Some(step) = next.filter(|step| kept.len() < DEPTH && newest.bytes - step.bytes < BYTES) {
        kept.push(step);
        next = step.before.as_ref();
    }
    let mut chain: Option<Rc<Step>> = None;
    for (depth, step) in kept.into_iter().rev().enumerate() {
        let own = step.bytes - step.before.as_ref().map_or(0, |before| before.bytes);
        let bytes = own.min(BYTES) + chain.as_ref().map_or(0, |step| step.bytes);
        chain = Some(Rc::new(Step {
            cursor: step.cursor,
            edits: step.edits.clone(),
            before: chain,
            depth: depth + 1,
            bytes,
        }));
    }
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mark::Shift;

    #[derive(Debug, Clone)]
    enum Step {
        Edit(usize, usize, String),
        Undo,
        Redo,
        /// The state before the last steps comes back, as after a failed stretch.
        Rollback,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let text = prop_oneof![Just(String::new()), "[a-zäß\n]{1,5}", "[a-z]{1500}"];
        let step = prop_oneof![
            5 => (0..60usize, prop_oneof![0..6usize, Just(usize::MAX)], text)
                .prop_map(|(at, gone, text)| Step::Edit(at, gone, text)),
            3 => Just(Step::Undo),
            2 => Just(Step::Redo),
            1 => Just(Step::Rollback),
        ];
        proptest::collection::vec(step, 0..60)
    }

    fn edit(rope: &mut Rope, history: &mut History, at: usize, gone: usize, text: &str) {
        let start = at.min(rope.len_chars());
        let removed = gone.min(rope.len_chars() - start);
        history.begin(start, EditKind::Other, start, start + removed, text);
        let shift = Shift { start, removed, added: text.chars().count() };
        let marks = MarkEdit { shift, before: Vec::new(), after: Vec::new() };
        history.note(Edit::make(rope, marks, text));
    }

    proptest! {
        #[test]
        fn undo_and_redo_go_through_the_texts_as_they_were(steps in steps()) {
            let (mut rope, mut history) = (Rope::new(), History::default());
            let (mut texts, mut at) = (vec![String::new()], 0);
            let mut saved = (rope.clone(), history.clone(), texts.clone(), at);
            for step in steps {
                match step {
                    Step::Edit(start, gone, text) => {
                        saved = (rope.clone(), history.clone(), texts.clone(), at);
                        edit(&mut rope, &mut history, start, gone, &text);
                        texts.truncate(at + 1);
                        texts.push(rope.to_string());
                        at += 1;
                    }
                    Step::Undo => {
                        let undone = history.undo(&mut rope, 0);
                        prop_assert_eq!(undone.is_some(), at > 0);
                        if let Some((_, edits)) = undone {
                            history.travelled(edits, false);
                            at -= 1;
                        }
                    }
                    Step::Redo => {
                        let redone = history.redo(&mut rope, 0);
                        prop_assert_eq!(redone.is_some(), at + 1 < texts.len());
                        if let Some((_, edits)) = redone {
                            history.travelled(edits, true);
                            at += 1;
                        }
                    }
                    Step::Rollback => (rope, history, texts, at) = saved.clone(),
                }
                prop_assert_eq!(rope.to_string(), texts[at].clone());
            }
        }
    }
}
