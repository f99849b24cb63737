//! The composer: an ordinary buffer in an ordinary window, with a marker, soft wrap and a height of its own.

pub mod rows;
pub mod view;

use std::cell::Cell;

use purlin_kernel::Rope;
use purlin_kernel::{
    HandlerError, Kernel, RenderContext, Renderer, Window,
    text::{Span, Style, Token},
};
use serde_json::Value;

use view::Top;

/// The name of the composer's window and buffer.
pub const COMPOSER: &str = "composer";

/// The composer grows to so many rows.
pub const TALLEST: u16 = 12;

/// Columns of the marker and the blank after it.
const MARKER: usize = 2;

/// Draws the composer.
#[derive(Debug, Default)]
pub struct Composer {
    top: Cell<Top>,
}

/// Answers the columns that text has in a composer of this width.
pub fn text_width(width: usize) -> usize {
    width.saturating_sub(margin(width)).max(1)
}

/// A terminal of a few columns has no room for a marker.
fn margin(width: usize) -> usize {
    if width > 3 * MARKER { MARKER } else { 0 }
}

/// Answers the rows of a text as (start, end) positions in characters, as `edit.up` and `edit.down` want them.
pub fn shown_lines(rope: &Rope, window: &Window) -> Vec<(usize, usize)> {
    let wraps = window.role == COMPOSER;
    let width = if wraps { text_width(usize::from(window.rect.width)) } else { usize::MAX };
    let mut lines = Vec::new();
    for line in 0..rope.len_lines() {
        let mut text = String::from(rope.line(line));
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        let mut at = rope.line_to_char(line);
        for row in rows::rows(&text, width) {
            let end = at + text[row].chars().count();
            lines.push((at, end));
            at = end;
        }
    }
    lines
}

impl Renderer for Composer {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let Some(buffer) = cx.kernel.buf().get(&cx.window.buffer) else { return Ok(()) };
        let (width, height) = (usize::from(cx.canvas.width()), usize::from(cx.canvas.height()));
        let margin = margin(width);
        let mut top = self.top.get();
        let view = view::view(&buffer.rope, buffer.cursor, text_width(width), height, &mut top);
        self.top.set(top);
        let shell = buffer.rope.get_char(0) == Some('!');
        let token = if shell { Token::BashMode } else { Token::Accent };
        if margin > 0 {
            let more = Style::fg(Token::Muted);
            cx.canvas.spans(
                0,
                0,
                &[if view.above {
                    Span::new("↑", more.clone())
                } else {
                    Span::new("›", Style::fg(token))
                }],
            );
            if view.below {
                cx.canvas.spans(height as i32 - 1, 0, &[Span::new("↓", more)]);
            }
        }
        for (row, text) in view.rows.iter().enumerate() {
            cx.canvas.text(row as i32, margin as i32, text, &Style::default());
        }
        if buffer.rope.len_chars() == 0
            && let Some(Value::String(placeholder)) = buffer.vars.get("placeholder")
        {
            let shown = purlin_kernel::text::truncate(placeholder, text_width(width));
            cx.canvas.text(0, margin as i32, &shown, &Style::fg(Token::Muted));
        }
        let (row, col) = view.caret;
        cx.set_cursor(row as u16, (col + margin).min(width.saturating_sub(1)) as u16);
        Ok(())
    }

    fn measure(&self, kernel: &Kernel, window: &Window, width: u16) -> Option<u16> {
        let buffer = kernel.buf().get(&window.buffer)?;
        let rows =
            view::height(&buffer.rope, buffer.cursor, text_width(usize::from(width)), usize::from(TALLEST));
        Some(rows as u16)
    }
}
