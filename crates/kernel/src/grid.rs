//! A grid of cells, what is drawn on it, and the difference of two.

mod canvas;
mod cell;
mod diff;
mod pool;

pub use canvas::Canvas;
pub use cell::{Cell, Glyph, LinkId, StyleId};
pub use diff::{Run, diff, diff_rows};
pub use pool::{GlyphText, Pool};

/// A rectangle of cells; all grids of a kernel share one [`Pool`].
#[derive(Clone)]
pub struct Grid {
    width: u16,
    height: u16,
    cells: Vec<Cell>,
    pool: Pool,
}

impl Grid {
    /// Makes a blank grid.
    pub fn new(width: u16, height: u16, pool: Pool) -> Self {
        Self { width, height, cells: vec![Cell::BLANK; usize::from(width) * usize::from(height)], pool }
    }

    /// Answers the columns.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Answers the rows.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Answers the shared styles, links and long graphemes.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Answers one row; empty when it is outside.
    pub fn row(&self, row: u16) -> &[Cell] {
        let start = usize::from(row) * usize::from(self.width);
        self.cells.get(start..start + usize::from(self.width)).unwrap_or_default()
    }

    pub(crate) fn row_mut(&mut self, row: u16) -> &mut [Cell] {
        let start = usize::from(row) * usize::from(self.width);
        self.cells.get_mut(start..start + usize::from(self.width)).unwrap_or_default()
    }

    /// Answers one cell; blank when it is outside.
    pub fn cell(&self, row: u16, col: u16) -> Cell {
        self.row(row).get(usize::from(col)).copied().unwrap_or(Cell::BLANK)
    }

    /// Answers the text of one row without trailing blanks.
    pub fn row_text(&self, row: u16) -> String {
        let mut text = String::new();
        for cell in self.row(row).iter().filter(|cell| !cell.is_continuation()) {
            text.push_str(&self.pool.text(cell.glyph));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text
    }

    /// Answers the text of every row, each without trailing blanks.
    pub fn text(&self) -> Vec<String> {
        (0..self.height).map(|row| self.row_text(row)).collect()
    }

    /// Makes every cell blank.
    pub fn clear(&mut self) {
        self.cells.fill(Cell::BLANK);
    }

    /// Answers a canvas over the whole grid.
    pub fn canvas(&mut self) -> Canvas<'_> {
        Canvas::new(self)
    }
}

impl PartialEq for Grid {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width && self.height == other.height && self.cells == other.cells
    }
}

impl std::fmt::Debug for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grid").field("width", &self.width).field("text", &self.text()).finish_non_exhaustive()
    }
}
