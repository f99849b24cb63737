//! Who draws a window, and what with.

use std::rc::Rc;

use super::Window;
use crate::grid::{Canvas, Grid};
use crate::{HandlerError, Kernel};

/// Draws windows.
pub trait Renderer {
    /// Draws the window onto the context's canvas, which is blank at first and exactly as large as the window.
    ///
    /// When it fails, the stock renderer draws instead.
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError>;

    /// Answers the height the window would like at a width, for layout items that have bounds instead of a size.
    fn measure(&self, _kernel: &Kernel, _window: &Window, _width: u16) -> Option<u16> {
        None
    }
}

/// What a renderer draws with.
pub struct RenderContext<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// The window as it stands; its rectangle is current.
    pub window: Rc<Window>,
    /// Where to draw; everything outside is cut off.
    pub canvas: Canvas<'a>,
    /// With `wrap`: what would have been drawn.
    pub previous: Option<&'a Grid>,
    /// Whether the window has the focus.
    pub focused: bool,
    pub(crate) cursor: Option<(u16, u16)>,
}

impl RenderContext<'_> {
    /// With `wrap`: what would have been drawn, as spans, row by row.
    pub fn previous_lines(&self) -> Option<Vec<crate::text::Line>> {
        self.previous.map(|grid| self.canvas.lines_of(grid))
    }

    /// Puts the cursor at a row and column of the window.
    pub fn set_cursor(&mut self, row: u16, col: u16) {
        self.cursor = Some((row, col));
    }
}

impl std::fmt::Debug for RenderContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderContext").field("window", &self.window.name).finish_non_exhaustive()
    }
}
