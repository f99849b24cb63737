//! The cell grid: what a surface shows, cell by cell.
//!
//! A [`Grid`] holds cells of eight bytes; what their ids stand for is in one [`Atlas`] that all grids of a kernel share.
//! Text reaches a grid through a [`Canvas`], which clips in every direction, keeps wide graphemes whole and shows
//! control characters instead of passing them on. [`diff`] answers the runs of cells in which two grids differ.
//!
//! Invariants: a cell of width 2 is followed by one of width 0 in the same row; no cell holds a control character.

mod atlas;
mod canvas;

use std::fmt;

use crate::text::{Line, Span};

pub use atlas::{Atlas, Glyph, GlyphText, StyleId};
pub use canvas::Canvas;

/// One cell of a grid. Equal cells look the same (within one atlas).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    /// What is shown.
    pub glyph: Glyph,
    /// How it looks.
    pub style: StyleId,
    /// Cells it takes: 1, or 2 for a wide grapheme, or 0 for the second cell of one.
    pub width: u8,
}

impl Cell {
    /// An empty cell in the default style.
    pub const BLANK: Cell = Cell { glyph: Glyph::BLANK, style: StyleId::DEFAULT, width: 1 };

    /// Answers an empty cell in a style.
    pub const fn blank(style: StyleId) -> Cell {
        Cell { style, ..Cell::BLANK }
    }
}

impl Default for Cell {
    fn default() -> Self {
        Cell::BLANK
    }
}

/// A rectangle of cells.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Grid {
    width: u16,
    height: u16,
    cells: Vec<Cell>,
}

impl Grid {
    /// Answers an empty grid.
    pub fn new(width: u16, height: u16) -> Grid {
        Grid { width, height, cells: vec![Cell::BLANK; usize::from(width) * usize::from(height)] }
    }

    /// Answers the number of columns.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Answers the number of rows.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Gives the grid another size and empties it; does nothing but empty it when the size is the same.
    pub fn reset(&mut self, width: u16, height: u16) {
        self.width = width;
        self.height = height;
        self.cells.clear();
        self.cells.resize(usize::from(width) * usize::from(height), Cell::BLANK);
    }

    /// Answers the cells of a row; a row outside the grid is empty.
    pub fn row(&self, row: u16) -> &[Cell] {
        if row >= self.height {
            return &[];
        }
        let start = usize::from(row) * usize::from(self.width);
        &self.cells[start..start + usize::from(self.width)]
    }

    /// Answers one cell, if it is inside.
    pub fn cell(&self, row: u16, col: u16) -> Option<Cell> {
        self.row(row).get(usize::from(col)).copied()
    }

    fn row_mut(&mut self, row: u16) -> &mut [Cell] {
        if row >= self.height {
            return &mut [];
        }
        let start = usize::from(row) * usize::from(self.width);
        &mut self.cells[start..start + usize::from(self.width)]
    }

    /// Lays cells over a row from a column on; what does not fit is cut.
    pub(crate) fn overlay(&mut self, row: u16, col: u16, cells: &[Cell]) {
        let target = self.row_mut(row);
        let start = usize::from(col).min(target.len());
        let end = (start + cells.len()).min(target.len());
        if start < end {
            target[start..end].copy_from_slice(&cells[..end - start]);
            repair(target, start, end);
        }
    }

    /// Makes one row blank.
    pub(crate) fn clear_row(&mut self, row: u16) {
        self.row_mut(row).fill(Cell::BLANK);
    }

    /// Copies `from` onto this grid with its upper left corner at a place that may lie outside; what does not fit is cut.
    pub fn blit(&mut self, from: &Grid, row: i32, col: i32) {
        for source_row in 0..from.height {
            let Ok(target_row) = u16::try_from(row + i32::from(source_row)) else { continue };
            let left = (-col).max(0) as usize;
            let source = from.row(source_row).get(left..).unwrap_or(&[]);
            let target = self.row_mut(target_row).get_mut(col.max(0) as usize..).unwrap_or(&mut []);
            let count = source.len().min(target.len());
            target[..count].copy_from_slice(&source[..count]);
            let start = col.max(0) as usize;
            repair(self.row_mut(target_row), start, start + count);
        }
    }

    /// Answers a row's text, trailing blanks included.
    pub fn row_text(&self, row: u16, atlas: &Atlas) -> String {
        self.row(row).iter().filter(|cell| cell.width > 0).fold(String::new(), |mut text, cell| {
            text.push_str(atlas.glyph(cell.glyph).as_str());
            text
        })
    }
}

impl Grid {
    /// Answers every row as spans of one style each, trailing blanks in the default style left away.
    pub fn lines(&self, atlas: &Atlas) -> Vec<Line> {
        (0..self.height).map(|row| self.line(row, atlas)).collect()
    }

    fn line(&self, row: u16, atlas: &Atlas) -> Line {
        let cells = self.row(row);
        let end = cells.iter().rposition(|cell| *cell != Cell::BLANK).map_or(0, |at| at + 1);
        let mut line = Line::new();
        let mut style = None;
        for cell in cells[..end].iter().filter(|cell| cell.width > 0) {
            let text = atlas.glyph(cell.glyph);
            match line.last_mut() {
                Some(Span { text: last, .. }) if style == Some(cell.style) => {
                    last.to_mut().push_str(text.as_str());
                }
                _ => {
                    line.push(Span::new(text.as_str().to_owned(), atlas.style(cell.style).clone()));
                    style = Some(cell.style);
                }
            }
        }
        line
    }

    /// Answers the text of every row, each without trailing blanks.
    pub fn text(&self, atlas: &Atlas) -> Vec<String> {
        (0..self.height).map(|row| self.row_text(row, atlas).trim_end_matches(' ').to_owned()).collect()
    }
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grid({}×{})", self.width, self.height)
    }
}

/// Blanks the halves of wide graphemes that writing the columns `start..end` has cut in two.
fn repair(row: &mut [Cell], start: usize, end: usize) {
    if start > 0 && start < row.len() && row[start].width != 0 && row[start - 1].width == 2 {
        row[start - 1] = Cell::blank(row[start - 1].style);
    }
    if start < row.len() && row[start].width == 0 && (start == 0 || row[start - 1].width != 2) {
        row[start] = Cell::blank(row[start].style);
    }
    if end > 0
        && end <= row.len()
        && row[end - 1].width == 2
        && row.get(end).is_none_or(|next| next.width != 0)
    {
        row[end - 1] = Cell::blank(row[end - 1].style);
    }
    if end > 0 && end < row.len() && row[end].width == 0 && row[end - 1].width != 2 {
        row[end] = Cell::blank(row[end].style);
    }
}

/// Neighbouring cells of one row in which two grids differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The row.
    pub row: u16,
    /// The first column.
    pub start: u16,
    /// The column after the last.
    pub end: u16,
}

/// Answers where `new` differs from `old`, row by row from left to right. Grids of different size differ everywhere.
///
/// A run never begins or ends inside a wide grapheme of the new grid.
pub fn diff(old: &Grid, new: &Grid) -> Vec<Run> {
    let same_size = old.width == new.width && old.height == new.height;
    let mut runs = Vec::new();
    for row in 0..new.height {
        let now = new.row(row);
        let before = if same_size { old.row(row) } else { &[] };
        if same_size && before == now {
            continue;
        }
        let mut col = 0;
        while col < now.len() {
            if before.get(col) == Some(&now[col]) {
                col += 1;
                continue;
            }
            let mut start = col;
            while start > 0 && now[start].width == 0 {
                start -= 1;
            }
            while col < now.len() && (before.get(col) != Some(&now[col]) || now[col].width == 0) {
                col += 1;
            }
            runs.push(Run { row, start: start as u16, end: col as u16 });
        }
    }
    runs
}

#[cfg(test)]
mod tests;
