//! Drawing from outside of a renderer: operations onto a window's cells, kept until that window is drawn anew.
//!
//! Operations are queued in the order in which they are called, taken back with a failed stretch, and carried out with the
//! next frame, after the renderers.

use std::cell::{Cell, RefCell};

use super::{Ownership, Windows};
use crate::grid::{Atlas, Canvas, Grid};
use crate::text::{Line, Style, Token};
use crate::{ErrorKind, ExtId, HandlerError};

/// So many operations between two frames are a runaway.
const MOST: usize = 100_000;

/// Bytes of text between two frames that are a runaway.
const MOST_BYTES: usize = 32 << 20;

/// One operation; rows and columns count from the window's upper left corner, inside its border, and may lie outside.
#[derive(Debug, Clone, PartialEq)]
pub enum DrawOp {
    /// Makes everything blank.
    Clear,
    /// Makes a region blank in a style.
    ClearRegion {
        /// Its first row.
        row: i32,
        /// Its first column.
        col: i32,
        /// Rows.
        height: i32,
        /// Columns.
        width: i32,
        /// Its style.
        style: Style,
    },
    /// Draws text and fills the rest of the row in its style.
    Text {
        /// The row.
        row: i32,
        /// The column.
        col: i32,
        /// The text.
        text: String,
        /// Its style.
        style: Style,
    },
    /// Draws lines below one another and fills the rest of each row in a style, which is also that of unstyled text.
    Lines {
        /// The first row.
        row: i32,
        /// The column.
        col: i32,
        /// The lines.
        lines: Vec<Line>,
        /// The style.
        style: Style,
    },
    /// Draws spans and nothing behind them.
    Spans {
        /// The row.
        row: i32,
        /// The column.
        col: i32,
        /// The spans.
        spans: Line,
    },
    /// Draws a line along the window's edge.
    Box {
        /// Its style.
        style: Style,
        /// What stands on its upper side.
        title: Line,
    },
    /// Puts the cursor somewhere, until the window is drawn anew.
    Cursor {
        /// The row.
        row: u16,
        /// The column.
        col: u16,
    },
}

impl DrawOp {
    fn bytes(&self) -> usize {
        let spans = |line: &Line| line.iter().map(|span| span.text.len() + 64).sum::<usize>();
        match self {
            Self::Text { text, .. } => text.len(),
            Self::Lines { lines, .. } => lines.iter().map(spans).sum(),
            Self::Spans { spans: line, .. } | Self::Box { title: line, .. } => spans(line),
            Self::Clear | Self::ClearRegion { .. } | Self::Cursor { .. } => 0,
        }
    }

    fn paint(&self, canvas: &mut Canvas<'_>) {
        let width = i32::from(canvas.width());
        match self {
            Self::Clear => canvas.clear(),
            Self::ClearRegion { row, col, height, width, style } => {
                canvas.fill(*row, *col, *height, *width, style);
            }
            Self::Text { row, col, text, style } => canvas.text_row(*row, *col, text, style),
            Self::Lines { row, col, lines, style } => {
                for (row, line) in (*row..).zip(lines) {
                    canvas.fill(row, *col, 1, width.saturating_sub(*col), style);
                    line.iter()
                        .fold(*col, |col, span| canvas.text(row, col, &span.text, &style.patch(&span.style)));
                }
            }
            Self::Spans { row, col, spans } => {
                canvas.spans(*row, *col, spans);
            }
            Self::Box { style, title } => {
                let style = if *style == Style::default() { Style::fg(Token::Border) } else { style.clone() };
                canvas.frame(&style, title);
            }
            Self::Cursor { .. } => {}
        }
    }
}

/// What waits to be drawn.
#[derive(Default)]
pub(crate) struct Queue {
    ops: RefCell<Vec<(String, DrawOp)>>,
    bytes: Cell<usize>,
    touched: Cell<u64>,
}

impl Windows<'_> {
    /// Draws onto a window with the next frame; what it draws stays until the window is drawn anew.
    ///
    /// It is an error when there is no such window, or when far more is drawn between two frames than can be meant.
    pub fn draw(self, owner: ExtId, name: &str, op: DrawOp) -> Result<(), HandlerError> {
        if !self.0.0.windows.slots.borrow().contains_key(name) {
            return Err(HandlerError::new(format!("there is no window `{name}`")));
        }
        let queue = &self.0.0.windows.queue;
        let bytes = queue.bytes.get() + op.bytes();
        if queue.ops.borrow().len() >= MOST || bytes > MOST_BYTES {
            let extension = self.0.ext().name(owner);
            let text = format!("`{extension}` draws more between two frames than any screen shows");
            let error = HandlerError::of(ErrorKind::Memory, text);
            self.0.guard().doom(error.clone());
            return Err(error);
        }
        if self.0.first_touch(&queue.touched) {
            let (length, bytes) = (queue.ops.borrow().len(), queue.bytes.get());
            self.0.on_rollback(move |kernel| {
                let queue = &kernel.0.windows.queue;
                queue.ops.borrow_mut().truncate(length);
                queue.bytes.set(bytes);
                queue.touched.set(0);
            });
        }
        queue.bytes.set(bytes);
        queue.ops.borrow_mut().push((name.to_owned(), op));
        if !self.0.0.windows.any_dirty.replace(true) {
            self.0.wake();
        }
        Ok(())
    }

    /// Draws several operations, as far as the first that is an error.
    pub fn draw_all(self, owner: ExtId, ops: Vec<(String, DrawOp)>) -> Result<(), HandlerError> {
        ops.into_iter().try_for_each(|(name, op)| self.draw(owner, &name, op))
    }

    /// Has one window, or all, drawn anew by who draws them: what was drawn from outside goes.
    pub fn redraw(self, name: Option<&str>) {
        {
            let mut slots = self.0.0.windows.slots.borrow_mut();
            for (own, slot) in slots.iter_mut() {
                if name.is_none_or(|name| name == own) {
                    slot.dirty = true;
                    slot.wiped = true;
                }
            }
        }
        self.0.0.windows.any_dirty.set(true);
        self.0.wake();
    }

    /// Carries out what waits; called after the renderers. Answers the windows that were drawn on.
    pub(crate) fn paint_queue(self, atlas: &mut Atlas) -> Vec<String> {
        let queue = &self.0.0.windows.queue;
        queue.bytes.set(0);
        let ops = queue.ops.take();
        let mut painted: Vec<String> = Vec::new();
        let mut slots = self.0.0.windows.slots.borrow_mut();
        for (name, op) in &ops {
            let Some(slot) = slots.get_mut(name) else { continue };
            let Some(surface) = slot.surface.as_mut() else { continue };
            paint(surface, atlas, op);
            let state = std::rc::Rc::make_mut(&mut slot.state);
            if let DrawOp::Cursor { row, col } = op {
                state.cursor = Some((*row, *col));
            } else if state.ownership == Ownership::Stock {
                state.ownership = Ownership::Overlay;
            }
            if painted.last() != Some(name) {
                painted.push(name.clone());
            }
        }
        painted
    }
}

fn paint(surface: &mut Grid, atlas: &mut Atlas, op: &DrawOp) {
    op.paint(&mut Canvas::new(surface, atlas));
}
