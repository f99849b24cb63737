//! From the difference of two grids to the bytes that make a terminal show it.
//!
//! The encoder remembers where the terminal's cursor is and which pen it holds, and emits the cheapest sequence that
//! it knows: a step over unchanged cells, an incremental SGR, an erase to the end of the line. It never clears the
//! screen, and it leaves the cursor at the caret, where input methods look for it.

mod pen;

use std::{io::Write as _, rc::Rc};

use purlin_kernel::{
    grid::{Atlas, Cell, Glyph, Grid, StyleId, diff},
    text::{
        Attrs,
        theme::{Depth, Ink, Paint, Theme},
    },
};

use pen::Pen;

/// What the terminal is known to understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// How many colours it shows.
    pub depth: Depth,
    /// Whether it holds back a frame until it is complete (DEC mode 2026).
    pub synchronized: bool,
    /// Whether hyperlinks (OSC 8) may be sent; terminals that do not know them ignore them.
    pub links: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Abilities { depth: Depth::Ansi16, synchronized: false, links: true }
    }
}

/// How a style is shown on this terminal.
#[derive(Debug, Clone)]
struct Look {
    paint: Paint,
    url: Option<Rc<str>>,
}

/// Turns frames into bytes for one terminal.
#[derive(Debug)]
pub struct Encoder {
    abilities: Abilities,
    theme: Theme,
    shown: Grid,
    columns: u16,
    generation: u64,
    looks: Vec<Option<Look>>,
    pen: Pen,
    /// Where the terminal's cursor is, when that is certain.
    at: Option<(u16, u16)>,
    caret: Option<(u16, u16)>,
    caret_visible: bool,
}

impl Encoder {
    /// Answers an encoder for a terminal that shows nothing yet.
    pub fn new(abilities: Abilities, theme: Theme) -> Encoder {
        Encoder {
            abilities,
            theme,
            shown: Grid::default(),
            columns: 0,
            generation: 0,
            looks: Vec::new(),
            pen: Pen::default(),
            at: None,
            caret: None,
            caret_visible: true,
        }
    }

    /// Answers what the terminal is taken to understand.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Changes what the terminal is taken to understand; a change of depth draws everything anew.
    pub fn set_abilities(&mut self, abilities: Abilities) {
        if abilities.depth != self.abilities.depth || abilities.links != self.abilities.links {
            self.forget();
        }
        self.abilities = abilities;
    }

    /// Changes the theme; everything is drawn anew.
    pub fn set_theme(&mut self, theme: Theme) {
        if theme != self.theme {
            self.theme = theme;
            self.forget();
        }
    }

    /// Tells whether the terminal is not known to show anything.
    pub fn is_blank(&self) -> bool {
        self.shown.width() == 0
    }

    /// Forgets what the terminal shows (after a suspension, or when something else wrote to it).
    pub fn forget(&mut self) {
        self.shown = Grid::default();
        self.looks.clear();
        self.pen = Pen::unknown();
        self.at = None;
        self.caret = None;
    }

    /// Appends the bytes that turn what is shown into `next`, with the cursor at `caret` (row, column) or hidden.
    ///
    /// Appends nothing when the terminal shows it already. Answers whether it appended something.
    pub fn encode(
        &mut self,
        next: &Grid,
        atlas: &Atlas,
        caret: Option<(u16, u16)>,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.generation != atlas.generation() {
            self.generation = atlas.generation();
            self.forget();
        }
        let resized = (self.shown.width(), self.shown.height()) != (next.width(), next.height());
        let runs = diff(&self.shown, next);
        let caret = caret.filter(|(row, col)| *row < next.height() && *col < next.width());
        if runs.is_empty() && caret == self.caret && self.caret_visible == caret.is_some() && !resized {
            return false;
        }
        if resized {
            // Where a terminal leaves its cursor and its wrapping after a resize is its own affair.
            self.at = None;
        }
        self.columns = next.width();
        self.begin(out, !runs.is_empty());
        for run in &runs {
            let cells = &next.row(run.row)[usize::from(run.start)..usize::from(run.end)];
            self.run(run.row, run.start, cells, atlas, out);
        }
        self.end(caret, out, !runs.is_empty());
        self.shown.clone_from(next);
        true
    }

    fn begin(&mut self, out: &mut Vec<u8>, draws: bool) {
        if !draws {
            return;
        }
        if self.abilities.synchronized {
            out.extend_from_slice(b"\x1b[?2026h");
        } else if self.caret_visible {
            self.caret_visible = false;
            out.extend_from_slice(b"\x1b[?25l");
        }
    }

    fn end(&mut self, caret: Option<(u16, u16)>, out: &mut Vec<u8>, drew: bool) {
        if drew {
            // Nothing that the terminal does by itself (a resize, a scroll) shall take over our colours or links.
            self.pen.set(&Paint::default(), None, out);
        }
        if let Some((row, col)) = caret {
            self.go(row, col, out);
        }
        if caret.is_some() != self.caret_visible {
            self.caret_visible = caret.is_some();
            out.extend_from_slice(if self.caret_visible { b"\x1b[?25h" } else { b"\x1b[?25l" });
        }
        self.caret = caret;
        if drew && self.abilities.synchronized {
            out.extend_from_slice(b"\x1b[?2026l");
        }
    }

    /// Answers how a style is shown; resolved once for each id.
    fn look(&mut self, id: StyleId, atlas: &Atlas) -> &Look {
        let index = id.index();
        if self.looks.len() <= index {
            self.looks.resize(index + 1, None);
        }
        let (theme, depth, links) = (&self.theme, self.abilities.depth, self.abilities.links);
        self.looks[index].get_or_insert_with(|| {
            let style = theme.flatten(atlas.style(id));
            Look { paint: theme.resolve(&style, depth), url: style.url.clone().filter(|_| links) }
        })
    }

    fn run(&mut self, row: u16, col: u16, cells: &[Cell], atlas: &Atlas, out: &mut Vec<u8>) {
        let reaches_end = usize::from(col) + cells.len() == usize::from(self.columns);
        let blank_from = if reaches_end { self.blank_from(cells, atlas) } else { cells.len() };
        // Erasing to the end of the line costs three bytes.
        let erases = cells.len() - blank_from > 3;
        let printed = if erases { &cells[..blank_from] } else { cells };
        if !printed.is_empty() {
            self.go(row, col, out);
            self.cells(printed, atlas, out);
        }
        if erases {
            self.go(row, col + blank_from as u16, out);
            self.pen.set(&Paint::default(), None, out);
            out.extend_from_slice(b"\x1b[K");
        }
    }

    /// Answers from where on the cells look like erased ones.
    fn blank_from(&mut self, cells: &[Cell], atlas: &Atlas) -> usize {
        const SHOWN: Attrs = Attrs::REVERSE.union(Attrs::UNDERLINE).union(Attrs::STRIKE);
        let blanks = cells.iter().rev().take_while(|cell| {
            let Look { paint, url } = self.look(cell.style, atlas);
            let bare = paint.bg == Ink::Default && paint.attrs.without(SHOWN) == paint.attrs;
            cell.glyph == Glyph::BLANK && cell.width == 1 && bare && url.is_none()
        });
        cells.len() - blanks.count()
    }

    fn cells(&mut self, cells: &[Cell], atlas: &Atlas, out: &mut Vec<u8>) {
        for cell in cells.iter().filter(|cell| cell.width > 0) {
            let mut pen = std::mem::take(&mut self.pen);
            let look = self.look(cell.style, atlas);
            pen.set(&look.paint, look.url.as_ref(), out);
            self.pen = pen;
            let glyph = atlas.glyph(cell.glyph);
            out.extend_from_slice(glyph.as_str().as_bytes());
            let Some((row, col)) = self.at else { continue };
            let next = col + u16::from(cell.width);
            // After the last column the cursor waits in a state that terminals treat differently.
            self.at = (next < self.columns).then_some((row, next));
            if !glyph.is_single() && next < self.columns {
                // Terminals disagree on the width of clusters: say where the next cell is.
                self.at = None;
                self.go(row, next, out);
            }
        }
    }

    fn go(&mut self, row: u16, col: u16, out: &mut Vec<u8>) {
        if self.at == Some((row, col)) {
            return;
        }
        let written = match self.at {
            Some((at_row, at_col)) if at_row == row && at_col < col => match col - at_col {
                1 => write!(out, "\x1b[C"),
                steps => write!(out, "\x1b[{steps}C"),
            },
            Some((at_row, _)) if at_row < row && col == 0 && row - at_row <= 2 => {
                write!(out, "\r{}", &"\n\n"[..usize::from(row - at_row)])
            }
            Some((at_row, at_col)) if at_row == row && at_col > col && col == 0 => write!(out, "\r"),
            _ if col == 0 && row == 0 => write!(out, "\x1b[H"),
            _ if col == 0 => write!(out, "\x1b[{}H", row + 1),
            _ => write!(out, "\x1b[{};{}H", row + 1, col + 1),
        };
        debug_assert!(written.is_ok(), "writing to a vector cannot fail");
        self.at = Some((row, col));
    }
}

#[cfg(test)]
mod tests;
