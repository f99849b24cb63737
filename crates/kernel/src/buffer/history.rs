//! Undo and redo: ropes are snapshots, so a step costs a count. Beside them stand the edits in between, by which marks
//! travel along.

use std::cell::RefCell;
use std::rc::Rc;

use ropey::Rope;

use crate::mark::MarkEdit;

/// How many steps are kept.
const DEPTH: usize = 1000;

/// Bytes of edits that are kept; the newest step stays however large it is.
const BYTES: usize = 16 << 20;

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

type Edits = Rc<Vec<MarkEdit>>;

/// One state of the text.
#[derive(Debug)]
struct Step {
    rope: Rope,
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
    /// Records the text before an edit, unless the edit continues the last one.
    pub(crate) fn record(
        &mut self,
        rope: &Rope,
        cursor: usize,
        kind: EditKind,
        at: usize,
        end: usize,
        text: &str,
    ) {
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
            self.step(rope, cursor);
        }
        self.bytes += text.len() + (end - at);
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
    fn step(&mut self, rope: &Rope, cursor: usize) {
        let edits = std::mem::take(&mut self.edits);
        let bytes = std::mem::take(&mut self.bytes);
        self.undo = Some(push(self.undo.take(), rope.clone(), cursor, edits, bytes));
    }

    /// Notes how the edit recorded last has moved the marks.
    pub(crate) fn note(&mut self, edit: MarkEdit) {
        let edits = Rc::make_mut(&mut self.edits);
        if !edits.last_mut().is_some_and(|last| last.join(&edit)) {
            edits.push(edit);
        }
    }

    /// Exchanges the text for the one before the last group; answers it, the cursor, and the edits to take back.
    pub(crate) fn undo(&mut self, rope: &Rope, cursor: usize) -> Option<(Rope, usize, Vec<MarkEdit>)> {
        let step = self.undo.take()?;
        let edits = std::mem::replace(&mut self.edits, step.edits.borrow().clone());
        let taken = edits.to_vec();
        self.redo = Some(push(self.redo.take(), rope.clone(), cursor, edits, 0));
        self.undo.clone_from(&step.before);
        self.bytes = step.bytes - step.before.as_ref().map_or(0, |before| before.bytes);
        self.last = None;
        Some((step.rope.clone(), step.cursor, taken))
    }

    /// Takes an undo back; answers the text, the cursor, and the edits to make again.
    pub(crate) fn redo(&mut self, rope: &Rope, cursor: usize) -> Option<(Rope, usize, Vec<MarkEdit>)> {
        let step = self.redo.take()?;
        self.step(rope, cursor);
        self.redo.clone_from(&step.before);
        self.edits = step.edits.borrow().clone();
        self.last = None;
        Some((step.rope.clone(), step.cursor, self.edits.to_vec()))
    }

    /// Replaces the edits that an undo or redo has just given out by what they have become.
    pub(crate) fn travelled(&mut self, edits: Vec<MarkEdit>, again: bool) {
        if again {
            self.edits = Rc::new(edits);
        } else if let Some(step) = &self.redo {
            *step.edits.borrow_mut() = Rc::new(edits);
        }
    }
}

fn push(before: Option<Rc<Step>>, rope: Rope, cursor: usize, edits: Edits, bytes: usize) -> Rc<Step> {
    let long = before.as_ref().is_some_and(|step| step.depth > 2 * DEPTH || step.bytes > 2 * BYTES);
    let before = if long { before.and_then(|step| shortened(&step)) } else { before };
    let depth = before.as_ref().map_or(1, |step| step.depth + 1);
    let bytes = bytes + before.as_ref().map_or(0, |step| step.bytes);
    Rc::new(Step { rope, cursor, edits: RefCell::new(edits), before, depth, bytes })
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
            rope: step.rope.clone(),
            cursor: step.cursor,
            edits: step.edits.clone(),
            before: chain,
            depth: depth + 1,
            bytes,
        }));
    }
    chain
}
