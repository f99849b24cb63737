//! The transcript: a window on the blocks of a session, read from the end or from where the person has scrolled to.
//!
//! A frame looks only at the blocks that it shows. While the window follows the end it is filled from the last block
//! upwards; once scrolled, the first shown line is the anchor, so that what arrives below moves nothing.

pub mod cache;
pub mod look;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use purlin_kernel::{
    Block, HandlerError, Kernel, RenderContext, Renderer,
    text::{Line, Span, Style, Token, line_width, wrap_line},
    window::Scroll,
};

use crate::hooks::{BlockPayload, TranscriptRender};
use cache::Cache;
use look::Setting;

/// The name of the transcript's window and buffer.
pub const TRANSCRIPT: &str = "transcript";

/// A scroll step of at least this many rows goes to the beginning without laying out what lies between.
pub const FAR: usize = 1 << 24;

/// The distance to the end is counted through so many blocks; what lies beyond is estimated.
const COUNTED: usize = 256;

/// Rows of a block whose rows are not counted.
const ESTIMATE: usize = 4;

/// Draws the transcript.
pub struct Transcript {
    cache: RefCell<Cache>,
    top: Cell<Option<Place>>,
    seen: Cell<Scroll>,
    width: Cell<usize>,
    unfolded: RefCell<BTreeSet<String>>,
    all_unfolded: Cell<bool>,
    made_for: Cell<(bool, u64)>,
    welcome: RefCell<Vec<Line>>,
    /// The number of blocks when the person scrolled away from the end.
    left_at: Cell<(usize, u64)>,
}

/// A line of the transcript: a block and a row of it, the empty row before it included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: usize,
    row: usize,
}

/// What is read during one frame.
struct Reading<'a> {
    kernel: &'a Kernel,
    buffer: &'a str,
    view: &'a Transcript,
    width: usize,
    count: usize,
    custom: bool,
}

impl Transcript {
    /// Answers a renderer that shows `welcome` while there is nothing else.
    pub fn new(welcome: Vec<Line>) -> Transcript {
        Transcript {
            cache: RefCell::default(),
            top: Cell::new(None),
            seen: Cell::new(Scroll { offset: 0, follow: true }),
            width: Cell::new(0),
            unfolded: RefCell::default(),
            all_unfolded: Cell::new(false),
            made_for: Cell::new((false, 0)),
            welcome: RefCell::new(welcome),
            left_at: Cell::new((0, 0)),
        }
    }

    /// Changes what is shown while there is nothing else.
    pub fn set_welcome(&self, welcome: Vec<Line>) {
        *self.welcome.borrow_mut() = welcome;
    }

    /// Folds everything, or unfolds it.
    pub fn toggle_fold(&self) {
        self.all_unfolded.set(!self.all_unfolded.get());
        self.unfolded.borrow_mut().clear();
    }

    /// Folds or unfolds one block.
    pub fn toggle_block(&self, id: &str) {
        let mut unfolded = self.unfolded.borrow_mut();
        if !unfolded.remove(id) {
            unfolded.insert(id.to_owned());
        }
    }

    /// Tells whether the window follows the end.
    pub fn is_following(&self) -> bool {
        self.top.get().is_none()
    }

    fn is_unfolded(&self, id: &str) -> bool {
        self.all_unfolded.get() != self.unfolded.borrow().contains(id)
    }

    /// Follows what the person or an extension did to the window's scroll state since the last frame.
    fn follow_scroll(&self, reading: &Reading<'_>, scroll: Scroll, height: usize) {
        let seen = self.seen.replace(scroll);
        if scroll == seen {
            return;
        }
        if scroll.offset == 0 {
            self.top.set(None);
            return;
        }
        let from = self.top.get().unwrap_or_else(|| reading.up(reading.end(), height));
        let to = if scroll.offset >= seen.offset {
            let rows = scroll.offset - seen.offset;
            if rows >= FAR { Place { block: 0, row: 0 } } else { reading.up(from, rows) }
        } else {
            reading.down(from, seen.offset - scroll.offset)
        };
        if self.top.get().is_none() {
            self.left_at.set((reading.count, reading.revision()));
        }
        let last = reading.up(reading.end(), height);
        self.top.set((to < last).then_some(to));
    }

    /// Keeps the anchor where it is when the width has changed: at the same part of the same block.
    fn follow_width(&self, reading: &Reading<'_>) {
        let before = self.width.replace(reading.width);
        let Some(top) = self.top.get().filter(|_| before != reading.width && before > 0) else { return };
        // Rows are as many times fewer as the width is greater; a block's text does not change with it.
        let rows = reading.rows(top.block);
        let row = (top.row * before / reading.width.max(1)).min(rows.saturating_sub(1));
        self.top.set(Some(Place { row, ..top }));
    }

    fn draw(&self, cx: &mut RenderContext<'_>, reading: &Reading<'_>, height: usize) -> bool {
        let begin = self.top.get().unwrap_or_else(|| reading.up(reading.end(), height));
        let mut row = 0;
        let mut place = begin;
        while row < height && place.block < reading.count {
            let gap = reading.gap(place.block);
            let lines = reading.lines(place.block);
            for index in place.row..gap + lines.len() {
                if row == height {
                    break;
                }
                if let Some(line) = index.checked_sub(gap).and_then(|index| lines.get(index)) {
                    cx.canvas.spans(row as i32, 0, line);
                }
                row += 1;
            }
            place = Place { block: place.block + 1, row: 0 };
        }
        place.block < reading.count || row == height
    }

    fn is_marked(&self, cx: &RenderContext<'_>) -> bool {
        self.top.get().is_some() && cx.canvas.height() >= 3 && cx.canvas.width() >= 16
    }

    /// Says at the lower edge that there is more below, and whether it is new.
    fn draw_marker(&self, cx: &mut RenderContext<'_>, reading: &Reading<'_>) {
        if !self.is_marked(cx) {
            return;
        }
        let news = self.left_at.get() != (reading.count, reading.revision());
        let (text, token) =
            if news { (" ↓ new output ", Token::Accent) } else { (" ↓ end ", Token::Dim) };
        let span = Span::new(text, Style::fg(token).on(Token::SelectedBg));
        let width = line_width(std::slice::from_ref(&span)) as i32;
        let (row, col) = (i32::from(cx.canvas.height()) - 1, i32::from(cx.canvas.width()) - width);
        cx.canvas.spans(row, col, &[span]);
    }

    fn draw_welcome(&self, cx: &mut RenderContext<'_>) {
        let width = usize::from(cx.canvas.width()).max(1);
        let welcome = self.welcome.borrow();
        for (row, line) in welcome.iter().flat_map(|line| wrap_line(line, width, &[])).enumerate() {
            cx.canvas.spans(row as i32, 0, &line);
        }
    }

    /// Writes back what the frame made of the scroll state; done only where it differs, since it asks for a frame.
    fn report(&self, cx: &RenderContext<'_>, reading: &Reading<'_>, height: usize) {
        let wanted = match self.top.get() {
            None => Scroll { offset: 0, follow: true },
            Some(top) => Scroll { offset: reading.below(top).saturating_sub(height).max(1), follow: false },
        };
        if wanted != self.seen.replace(wanted) {
            cx.kernel.win().scroll(&cx.window.name, |scroll| *scroll = wanted);
        }
    }
}

impl Renderer for Transcript {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let kernel = cx.kernel.clone();
        let window = Rc::clone(&cx.window);
        let (width, height) = (usize::from(cx.canvas.width()), usize::from(cx.canvas.height()));
        let custom = kernel.hook().wants(<TranscriptRender as purlin_kernel::Hook>::DECL);
        let made_for = (custom, kernel.theme_revision());
        if self.made_for.replace(made_for) != made_for {
            self.cache.borrow_mut().clear();
        }
        let count = kernel.buf().block_count(&window.buffer);
        if count == 0 {
            self.top.set(None);
            self.draw_welcome(cx);
            return Ok(());
        }
        if let Some(top) = self.top.get().filter(|top| top.block >= count) {
            self.top.set((top.block == 0).then_some(top));
        }
        let reading = Reading { kernel: &kernel, buffer: &window.buffer, view: self, width, count, custom };
        self.follow_width(&reading);
        self.follow_scroll(&reading, window.scroll, height);
        // The marker has a row of its own: it covers no text.
        let shown = height - usize::from(self.is_marked(cx));
        if !self.draw(cx, &reading, shown) {
            // What was read has become shorter: there is no empty room below the last line.
            self.top.set(None);
            cx.canvas.clear();
            self.draw(cx, &reading, height);
        }
        self.draw_marker(cx, &reading);
        self.report(cx, &reading, height);
        Ok(())
    }
}

impl Reading<'_> {
    fn block(&self, index: usize) -> Option<Rc<Block>> {
        self.kernel.buf().blocks(self.buffer, index..index + 1).pop()
    }

    fn revision(&self) -> u64 {
        self.kernel
            .buf()
            .source(self.buffer)
            .map_or_else(|| self.kernel.buf().tick(self.buffer), |source| source.revision())
    }

    fn lines(&self, index: usize) -> Rc<Vec<Line>> {
        let Some(block) = self.block(index).filter(|block| !block.hidden) else { return Rc::default() };
        let unfolded = self.view.is_unfolded(&block.id);
        let setting = Setting { width: self.width, unfolded, whole: false };
        let ask = |block: &Block, width: usize| {
            let payload = || BlockPayload { block: block.clone(), width };
            self.kernel.hook().dispatch_with::<TranscriptRender>(payload).answer.into_lines(width)
        };
        // The hook may look at the transcript: nothing is borrowed while it runs.
        let replaced = if self.custom && !self.view.cache.borrow().holds(&block, setting) {
            ask(&block, self.width)
        } else {
            None
        };
        self.view.cache.borrow_mut().lines(&block, setting, replaced)
    }

    /// Empty rows before a block.
    fn gap(&self, index: usize) -> usize {
        let Some(before) = index.checked_sub(1) else { return 0 };
        let pair = self.kernel.buf().blocks(self.buffer, before..index + 1);
        match pair.as_slice() {
            [before, block] => usize::from(!block.hidden && !look::follows_closely(before, block)),
            _ => 0,
        }
    }

    fn rows(&self, index: usize) -> usize {
        self.gap(index) + self.lines(index).len()
    }

    /// The place after the last line.
    fn end(&self) -> Place {
        Place { block: self.count, row: 0 }
    }

    /// Answers how many rows there are from a place to the end; far from the end, about how many.
    fn below(&self, place: Place) -> usize {
        let counted = self.count.min(place.block + COUNTED);
        let rows: usize = (place.block..counted).map(|block| self.rows(block)).sum();
        (rows + (self.count - counted) * ESTIMATE).saturating_sub(place.row)
    }

    /// Goes `rows` up from a place, at most to the beginning.
    fn up(&self, from: Place, rows: usize) -> Place {
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
    fn down(&self, from: Place, rows: usize) -> Place {
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
