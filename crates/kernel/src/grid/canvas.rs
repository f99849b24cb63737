//! Draws text onto a part of a grid, cut off at its edges.

use unicode_segmentation::UnicodeSegmentation;

use super::cell::{Cell, Glyph, LinkId, StyleId};
use super::{Grid, Pool};
use crate::layout::Rect;
use crate::text::{Span, Style};

/// A rectangle of a grid to draw on; rows and columns count from its top left.
pub struct Canvas<'g> {
    grid: &'g mut Grid,
    area: Rect,
}

impl<'g> Canvas<'g> {
    pub(super) fn new(grid: &'g mut Grid) -> Self {
        let area = Rect::new(0, 0, grid.width, grid.height);
        Self { grid, area }
    }

    /// Answers the columns.
    pub fn width(&self) -> u16 {
        self.area.width
    }

    /// Answers the rows.
    pub fn height(&self) -> u16 {
        self.area.height
    }

    /// Answers a canvas over a part of this one, cut off at its edges.
    pub fn part(&mut self, rect: Rect) -> Canvas<'_> {
        let moved = Rect {
            x: self.area.x.saturating_add(rect.x),
            y: self.area.y.saturating_add(rect.y),
            ..rect
        };
        Canvas { area: moved.intersect(&self.area), grid: self.grid }
    }

    /// Numbers a style for the calls that take numbers.
    pub fn style(&self, style: &Style) -> (StyleId, LinkId) {
        self.grid.pool.intern(style)
    }

    /// Answers the shared tables.
    pub fn pool(&self) -> &Pool {
        &self.grid.pool
    }

    /// Draws text from a row and column on; answers the column behind it. Control characters are shown as `^X`,
    /// tabs as blanks up to the next multiple of four.
    pub fn text(&mut self, row: u16, col: u16, text: &str, style: &Style) -> u16 {
        let (hl, link) = self.grid.pool.intern(style);
        self.text_id(row, col, text, hl, link)
    }

    /// Draws text in a style given by number; answers the column behind it.
    pub fn text_id(&mut self, row: u16, col: u16, text: &str, hl: StyleId, link: LinkId) -> u16 {
        let mut col = col;
        if text.is_ascii() {
            for byte in text.bytes() {
                if col >= self.area.width {
                    break;
                }
                col = self.put_ascii(row, col, byte, hl, link);
            }
            return col;
        }
        for grapheme in text.graphemes(true) {
            if col >= self.area.width {
                break;
            }
            col = self.put(row, col, grapheme, hl, link);
        }
        col
    }

    fn put_ascii(&mut self, row: u16, col: u16, byte: u8, hl: StyleId, link: LinkId) -> u16 {
        match byte {
            b'\t' => self.blanks(row, col, 4 - col % 4, hl, link),
            0..=31 | 127 => {
                let col = self.cell(row, col, Cell { glyph: Glyph::ascii(b'^'), hl, link, width: 1 });
                self.cell(row, col, Cell { glyph: Glyph::ascii(byte ^ 0x40), hl, link, width: 1 })
            }
            _ => self.cell(row, col, Cell { glyph: Glyph::ascii(byte), hl, link, width: 1 }),
        }
    }

    /// Draws one grapheme; answers the column behind it. A wide one that does not fit becomes blanks.
    pub fn put(&mut self, row: u16, col: u16, grapheme: &str, hl: StyleId, link: LinkId) -> u16 {
        if let [byte] = grapheme.as_bytes() {
            return self.put_ascii(row, col, *byte, hl, link);
        }
        if grapheme.chars().next().is_some_and(char::is_control) {
            // C1 controls have no caret form that people know.
            return self.cell(row, col, Cell { glyph: self.grid.pool.glyph("\u{fffd}"), hl, link, width: 1 });
        }
        let width = crate::text::width(grapheme) as u16;
        match width {
            0 => col,
            1 => self.cell(row, col, Cell { glyph: self.grid.pool.glyph(grapheme), hl, link, width: 1 }),
            _ if col.saturating_add(2) > self.area.width => self.blanks(row, col, 1, hl, link),
            _ => {
                let glyph = self.grid.pool.glyph(grapheme);
                let next = self.cell(row, col, Cell { glyph, hl, link, width: 2 });
                self.raw(row, next, Cell { glyph: Glyph::CONTINUATION, hl, link, width: 0 });
                next + 1
            }
        }
    }

    fn blanks(&mut self, row: u16, col: u16, count: u16, hl: StyleId, link: LinkId) -> u16 {
        (0..count).fold(col, |col, _| self.cell(row, col, Cell { glyph: Glyph::SPACE, hl, link, width: 1 }))
    }

    /// Puts one cell; answers the next column. What it breaks of wide graphemes becomes blank.
    fn cell(&mut self, row: u16, col: u16, cell: Cell) -> u16 {
        self.raw(row, col, cell);
        col.saturating_add(1)
    }

    fn raw(&mut self, row: u16, col: u16, cell: Cell) {
        if row >= self.area.height || col >= self.area.width {
            return;
        }
        let at = usize::from(self.area.x + col);
        let cells = self.grid.row_mut(self.area.y + row);
        mend(cells, at, cell.is_continuation());
        if let Some(slot) = cells.get_mut(at) {
            *slot = cell;
        }
    }

    /// Draws spans one after another; answers the column behind them.
    pub fn spans(&mut self, row: u16, col: u16, spans: &[Span]) -> u16 {
        spans.iter().fold(col, |col, span| self.text(row, col, &span.text, &span.style))
    }

    /// Draws text and fills the rest of the row in the same style.
    pub fn line(&mut self, row: u16, col: u16, text: &str, style: &Style) {
        let end = self.text(row, col, text, style);
        self.fill(Rect::new(end, row, self.area.width.saturating_sub(end), 1), style);
    }

    /// Fills a rectangle with blanks of a style.
    pub fn fill(&mut self, rect: Rect, style: &Style) {
        let (hl, link) = self.grid.pool.intern(style);
        for row in rect.y..rect.y.saturating_add(rect.height).min(self.area.height) {
            for col in rect.x..rect.x.saturating_add(rect.width).min(self.area.width) {
                self.cell(row, col, Cell { glyph: Glyph::SPACE, hl, link, width: 1 });
            }
        }
    }

    /// Makes everything blank.
    pub fn clear(&mut self) {
        self.fill(Rect::new(0, 0, self.area.width, self.area.height), &Style::default());
    }

    /// Draws a box along the edges.
    pub fn border(&mut self, style: &Style) {
        let (width, height) = (self.area.width, self.area.height);
        if width < 2 || height < 2 {
            return;
        }
        let (right, bottom) = (width - 1, height - 1);
        let bar = "─".repeat(usize::from(width - 2));
        self.text(0, 0, &format!("╭{bar}╮"), style);
        self.text(bottom, 0, &format!("╰{bar}╯"), style);
        for row in 1..bottom {
            self.text(row, 0, "│", style);
            self.text(row, right, "│", style);
        }
    }

    /// Copies a whole grid here, cut off at the edges.
    pub fn blit(&mut self, row: u16, col: u16, from: &Grid) {
        for y in 0..from.height() {
            for (x, cell) in from.row(y).iter().enumerate() {
                self.raw(row.saturating_add(y), col.saturating_add(x as u16), *cell);
            }
        }
    }
}

/// Blanks the halves of wide graphemes that a new cell at `at` leaves behind.
fn mend(cells: &mut [Cell], at: usize, continues: bool) {
    let blank = |cell: Cell| Cell { glyph: Glyph::SPACE, width: 1, ..cell };
    let Some(old) = cells.get(at).copied() else { return };
    if old.width == 0 && !continues && at > 0 {
        cells[at - 1] = blank(cells[at - 1]);
    }
    if old.width == 2
        && let Some(next) = cells.get_mut(at + 1)
    {
        *next = blank(*next);
    }
}

impl std::fmt::Debug for Canvas<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canvas").field("area", &self.area).finish_non_exhaustive()
    }
}
