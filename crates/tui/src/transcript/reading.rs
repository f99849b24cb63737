//! What is read of the transcript for one frame, or for one look at it: blocks as laid-out lines, and the way between them.

use std::rc::Rc;

use purlin_kernel::{Block, Kernel, Mark, text::Line};

use super::{Shared, cache::Replaced, look, look::Setting, marks, view::View};
use crate::hooks::{BlockPayload, TranscriptRender};

/// The distance to the end is counted through so many blocks; what lies beyond is estimated.
const COUNTED: usize = 256;

/// Rows of a block whose rows are not counted.
const ESTIMATE: usize = 4;

/// A row of the transcript: a block and a row of it, the empty row before it included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) block: usize,
    pub(super) row: usize,
}

/// What is read during one frame.
pub(crate) struct Reading<'a> {
    pub(super) kernel: &'a Kernel,
    pub(super) buffer: &'a str,
    view: &'a View,
    shared: &'a Shared,
    pub(super) width: usize,
    pub(crate) count: usize,
    /// Whether somebody may draw a block otherwise.
    custom: bool,
    marks: Vec<Mark>,
    /// Columns that signs take at the left.
    pub(super) gutter: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        kernel: &'a Kernel,
        buffer: &'a str,
        view: &'a View,
        shared: &'a Shared,
        width: usize,
    ) -> Reading<'a> {
        let custom = kernel.hook().wants(<TranscriptRender as purlin_kernel::Hook>::DECL);
        let count = kernel.buf().block_count(buffer);
        let marks = marks::of(kernel, buffer, count);
        let gutter = marks::gutter(&marks, width);
        Reading { kernel, buffer, view, shared, width: width - gutter, count, custom, marks, gutter }
    }

    pub(crate) fn block(&self, index: usize) -> Option<Rc<Block>> {
        self.kernel.buf().blocks(self.buffer, index..index + 1).pop()
    }

    pub(super) fn revision(&self) -> u64 {
        self.kernel
            .buf()
            .source(self.buffer)
            .map_or_else(|| self.kernel.buf().tick(self.buffer), |source| source.revision())
    }

    /// Answers the marks of a block.
    pub(super) fn marks(&self, index: usize) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(move |mark| {
            mark.start == index || (mark.start < index && mark.end.is_some_and(|end| index < end))
        })
    }

    /// Answers the lines of a block as they are shown.
    pub(crate) fn lines(&self, index: usize) -> Rc<Vec<Line>> {
        let lines = self.unmarked(index);
        if self.marks.is_empty() || self.marks(index).next().is_none() || lines.is_empty() {
            return lines;
        }
        Rc::new(marks::applied(&lines, self.marks(index), index, self.width))
    }

    fn unmarked(&self, index: usize) -> Rc<Vec<Line>> {
        let Some(block) = self.block(index).filter(|block| !block.hidden) else { return Rc::default() };
        let unfolded = self.shared.is_unfolded(&block.id);
        let setting = Setting { width: self.width, unfolded, whole: false };
        let ask = |block: &Block, width: usize| {
            let payload = || BlockPayload::new(block.clone(), width);
            let missed = self.missed();
            let dispatched = self.kernel.hook().dispatch_with::<TranscriptRender>(payload);
            let lines = dispatched.answer.into_lines(self.kernel, width)?;
            Some(Replaced { lines, waits: missed != self.missed() })
        };
        // The hook may look at the transcript: nothing is borrowed while it runs.
        let replaced = if self.custom && !self.view.cache.borrow().holds(&block, setting) {
            ask(&block, self.width)
        } else {
            None
        };
        let syntax = self.shared.syntax.borrow().clone();
        self.view.cache.borrow_mut().lines(&block, setting, replaced, syntax.as_deref())
    }

    /// Counts what was asked of the highlighter and not ready.
    fn missed(&self) -> u64 {
        self.shared.syntax.borrow().as_ref().map_or(0, |syntax| syntax.missed())
    }

    /// Empty rows before a block.
    pub(super) fn gap(&self, index: usize) -> usize {
        let Some(before) = index.checked_sub(1) else { return 0 };
        let pair = self.kernel.buf().blocks(self.buffer, before..index + 1);
        match pair.as_slice() {
            [before, block] => usize::from(!block.hidden && !look::follows_closely(before, block)),
            _ => 0,
        }
    }

    pub(super) fn rows(&self, index: usize) -> usize {
        self.gap(index) + self.lines(index).len()
    }

    /// The place after the last line.
    pub(super) fn end(&self) -> Place {
        Place { block: self.count, row: 0 }
    }

    /// Answers how many rows there are from a place to the end; far from the end, about how many.
    pub(super) fn below(&self, place: Place) -> usize {
        let counted = self.count.min(place.block + COUNTED);
        let rows: usize = (place.block..counted).map(|block| self.rows(block)).sum();
        (rows + (self.count - counted) * ESTIMATE).saturating_sub(place.row)
    }

    /// Goes `rows` up from a place, at most to the beginning.
    pub(super) fn up(&self, from: Place, rows: usize) -> Place {
        let mut place = from;
        let mut left = rows;
        while left > place.row {
            left -= place.row;
            let Some(block) = place.block.checked_sub(1) else { return Place { block: 0, row: 0 } };
            place = Place { block, row: self.rows(block) };
        }
        Place { row: place.row - left, ..place }
    }

    /// Goes `rows` down from a place, at most to the end.
    pub(super) fn down(&self, from: Place, rows: usize) -> Place {
        let mut place = from;
        let mut left = rows;
        while place.block < self.count {
            let rest = self.rows(place.block).saturating_sub(place.row);
            if left < rest {
                return Place { row: place.row + left, ..place };
            }
            left -= rest;
            place = Place { block: place.block + 1, row: 0 };
        }
        self.end()
    }
}
