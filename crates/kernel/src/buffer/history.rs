//! Undo and redo: ropes are snapshots, so a step costs a count.

use std::rc::Rc;

use ropey::Rope;

/// How many steps are kept.
const DEPTH: usize = 1000;

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

#[derive(Debug)]
struct Step {
    rope: Rope,
    cursor: usize,
    before: Option<Rc<Step>>,
    depth: usize,
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
            self.undo = Some(push(self.undo.take(), rope.clone(), cursor));
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

    /// Exchanges the text for the one before the last group.
    pub(crate) fn undo(&mut self, rope: &Rope, cursor: usize) -> Option<(Rope, usize)> {
        let step = self.undo.take()?;
        self.redo = Some(push(self.redo.take(), rope.clone(), cursor));
        self.undo.clone_from(&step.before);
        self.last = None;
        Some((step.rope.clone(), step.cursor))
    }

    /// Takes an undo back.
    pub(crate) fn redo(&mut self, rope: &Rope, cursor: usize) -> Option<(Rope, usize)> {
        let step = self.redo.take()?;
        self.undo = Some(push(self.undo.take(), rope.clone(), cursor));
        self.redo.clone_from(&step.before);
        self.last = None;
        Some((step.rope.clone(), step.cursor))
    }
}

fn push(before: Option<Rc<Step>>, rope: Rope, cursor: usize) -> Rc<Step> {
    let depth = before.as_ref().map_or(1, |step| step.depth + 1);
    let before = if depth > 2 * DEPTH { before.map(|step| shortened(&step)) } else { before };
    let depth = before.as_ref().map_or(1, |step| step.depth + 1);
    Rc::new(Step { rope, cursor, before, depth })
}

/// Copies the newest steps; every two thousandth edit pays for it.
fn shortened(newest: &Rc<Step>) -> Rc<Step> {
    let mut kept = Vec::with_capacity(DEPTH);
    let mut next = Some(newest);
    while let Some(step) = next.filter(|_| kept.len() < DEPTH) {
        kept.push((step.rope.clone(), step.cursor));
        next = step.before.as_ref();
    }
    let mut chain: Option<Rc<Step>> = None;
    for (depth, (rope, cursor)) in kept.into_iter().rev().enumerate() {
        chain = Some(Rc::new(Step { rope, cursor, before: chain, depth: depth + 1 }));
    }
    chain.unwrap_or_else(|| newest.clone())
}
