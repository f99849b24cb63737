//! Drawing on a part of a grid.

use unicode_segmentation::UnicodeSegmentation;

use super::{Atlas, Cell, Grid, StyleId, repair};
use crate::text::{Color, Line, Span, Style, TAB_WIDTH, grapheme_width, visible};
use crate::window::Border;

/// A clipped view on a grid. Rows and columns count from its upper left corner and may lie outside of it.
#[derive(Debug)]
pub struct Canvas<'a> {
    grid: &'a mut Grid,
    atlas: &'a mut Atlas,
    top: i32,
    left: i32,
    width: i32,
    height: i32,
}

impl<'a> Canvas<'a> {
    /// Answers a canvas on the whole of a grid.
    pub fn new(grid: &'a mut Grid, atlas: &'a mut Atlas) -> Canvas<'a> {
        let (width, height) = (i32::from(grid.width), i32::from(grid.height));
        Canvas { grid, atlas, top: 0, left: 0, width, height }
    }

    /// Answers a canvas on a part of this one, cut to it.
    pub fn part(&mut self, row: i32, col: i32, height: i32, width: i32) -> Canvas<'_> {
        let top = row.clamp(0, self.height);
        let left = col.clamp(0, self.width);
        let bottom = row.saturating_add(height.max(0)).clamp(top, self.height);
        let right = col.saturating_add(width.max(0)).clamp(left, self.width);
        Canvas {
            grid: self.grid,
            atlas: self.atlas,
            top: self.top + top,
            left: self.left + left,
            width: right - left,
            height: bottom - top,
        }
    }

    /// Answers what another grid of the same atlas shows, as spans, row by row.
    pub fn lines_of(&self, grid: &Grid) -> Vec<Line> {
        grid.lines(self.atlas)
    }

    /// Answers the number of columns.
    pub fn width(&self) -> u16 {
        self.width as u16
    }

    /// Answers the number of rows.
    pub fn height(&self) -> u16 {
        self.height as u16
    }

    /// Answers the id under which the atlas keeps a style.
    pub fn style_id(&mut self, style: &Style) -> StyleId {
        self.atlas.style_id(style)
    }

    /// Draws text and answers the column after it, whether or not that is inside.
    pub fn text(&mut self, row: i32, col: i32, text: &str, style: &Style) -> i32 {
        let style = self.atlas.style_id(style);
        self.draw(row, col, text, style)
    }

    /// Draws text and fills the rest of the row in its style.
    pub fn text_row(&mut self, row: i32, col: i32, text: &str, style: &Style) {
        let end = self.text(row, col, text, style);
        self.fill(row, end, 1, self.width - end, style);
    }

    /// Draws spans one after another and answers the column after them.
    pub fn spans(&mut self, row: i32, col: i32, spans: &[Span]) -> i32 {
        spans.iter().fold(col, |col, span| self.text(row, col, &span.text, &span.style))
    }

    /// Makes a region blank in a style.
    pub fn fill(&mut self, row: i32, col: i32, height: i32, width: i32, style: &Style) {
        let cell = Cell::blank(self.atlas.style_id(style));
        self.region(row, col, height, width, |cells| cells.fill(cell));
    }

    /// Makes everything blank in the default style.
    pub fn clear(&mut self) {
        self.fill(0, 0, self.height, self.width, &Style::default());
    }

    /// Lays a style over what a region shows: its colours where it has any, its attributes in addition.
    pub fn tint(&mut self, row: i32, col: i32, height: i32, width: i32, style: &Style) {
        let Some((rows, cols)) = self.inside(row, col, height, width) else { return };
        for row in rows {
            for col in cols.clone() {
                let id = self.grid.row(row)[col].style;
                let patched = self.atlas.style(id).patch(style);
                self.grid.row_mut(row)[col].style = self.atlas.style_id(&patched);
            }
        }
    }

    /// Draws a rounded border along the edge, with a title on it where there is room.
    pub fn frame(&mut self, style: &Style, title: &[Span]) {
        self.border(Border::Rounded, style, title);
    }

    /// Draws a border along the edge, with a title on it where there is room.
    pub fn border(&mut self, border: Border, style: &Style, title: &[Span]) {
        let (right, bottom) = (self.width - 1, self.height - 1);
        let Some([across, down, top_left, top_right, bottom_left, bottom_right]) = border.characters() else {
            return;
        };
        if right < 1 || bottom < 1 {
            return;
        }
        let line = across.repeat((right - 1) as usize);
        for (row, start, end) in [(0, top_left, top_right), (bottom, bottom_left, bottom_right)] {
            self.text(row, 0, start, style);
            self.text(row, 1, &line, style);
            self.text(row, right, end, style);
        }
        for row in 1..bottom {
            self.text(row, 0, down, style);
            self.text(row, right, down, style);
        }
        if !title.is_empty() && right > 5 {
            let mut top = self.part(0, 2, 1, right - 3);
            let end = top.text(0, 0, " ", style);
            let end = top.spans(0, end, title);
            top.text(0, end, " ", style);
        }
    }

    /// Draws one line over everything, upright or lying.
    pub fn line(&mut self, upright: bool, style: &Style) {
        let (rows, text) = if upright {
            (self.height, "│".to_owned())
        } else {
            (1, "─".repeat(self.width.max(0) as usize))
        };
        for row in 0..rows {
            self.text(row, 0, &text, style);
        }
    }

    fn draw(&mut self, row: i32, col: i32, text: &str, style: StyleId) -> i32 {
        let text = visible(text);
        let mut at = col;
        for cluster in text.graphemes(true) {
            if cluster == "\t" {
                let end = at + TAB_WIDTH as i32 - (at - col).rem_euclid(TAB_WIDTH as i32);
                self.put(row, at, end, Cell::blank(style));
                at = end;
                continue;
            }
            let width = grapheme_width(cluster) as i32;
            if width == 0 {
                continue;
            }
            // What lies beyond the right edge is not looked at: a giant line costs what is shown.
            if at >= self.width {
                return at + 1;
            }
            let glyph = self.atlas.glyph_of(cluster);
            self.put(row, at, at + width, Cell { glyph, style, width: width as u8 });
            at += width;
        }
        at
    }

    /// Writes one grapheme, or blanks, into the columns `start..end` as far as they are inside.
    fn put(&mut self, row: i32, start: i32, end: i32, cell: Cell) {
        let whole = start >= 0 && end <= self.width;
        let blank = Cell::blank(cell.style);
        let wide = cell.width == 2;
        self.region(row, start, 1, end - start, |cells| match cells {
            [head, tail] if wide && whole => {
                *head = cell;
                *tail = Cell { width: 0, ..blank };
            }
            [single] if whole && !wide => *single = cell,
            cells => cells.fill(blank),
        });
    }

    fn inside(
        &self,
        row: i32,
        col: i32,
        height: i32,
        width: i32,
    ) -> Option<(std::ops::Range<u16>, std::ops::Range<usize>)> {
        let top = row.clamp(0, self.height);
        let bottom = row.saturating_add(height).clamp(0, self.height);
        let left = col.clamp(0, self.width);
        let right = col.saturating_add(width).clamp(0, self.width);
        if top >= bottom || left >= right {
            return None;
        }
        let rows = (self.top + top) as u16..(self.top + bottom) as u16;
        Some((rows, (self.left + left) as usize..(self.left + right) as usize))
    }

    fn region(&mut self, row: i32, col: i32, height: i32, width: i32, mut write: impl FnMut(&mut [Cell])) {
        let Some((rows, cols)) = self.inside(row, col, height, width) else { return };
        for row in rows {
            let cells = self.grid.row_mut(row);
            write(&mut cells[cols.clone()]);
            repair(cells, cols.start, cols.end);
        }
    }
}

impl Canvas<'_> {
    /// Fills the whole canvas with a background.
    pub fn background(&mut self, color: impl Into<Color>) {
        let style = Style::new().on(color);
        self.fill(0, 0, self.height, self.width, &style);
    }
}
