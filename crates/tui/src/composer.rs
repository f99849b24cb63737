//! The composer: an ordinary buffer in an ordinary window, with a marker, soft wrap and a height of its own.

mod marks;
pub mod rows;
pub mod view;

use std::cell::Cell;

use purlin_kernel::Rope;
use purlin_kernel::{
    Buffer, HandlerError, Kernel, Rect, RenderContext, Renderer, Window,
    text::{Span, Style, Token},
};
use serde_json::Value;

use marks::Decor;
use view::{Row, Text, Top};

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

/// Answers the position of the text that is nearest to a row and column of the composer's window.
pub(crate) fn position(buffer: &Buffer, composer: &Composer, inner: Rect, place: (u16, u16)) -> usize {
    let width = usize::from(inner.width);
    let mut top = composer.top.get();
    let decor = Decor::default();
    let text = Text { rope: &buffer.rope, width: text_width(width), decor: &decor };
    let view = view::view(&text, buffer.cursor, usize::from(inner.height), &mut top);
    let rows: Vec<&Row> = view.rows.iter().filter(|row| row.start.is_some()).collect();
    let Some(row) = rows.get(usize::from(place.0).min(rows.len().saturating_sub(1))) else {
        return buffer.cursor;
    };
    let col = usize::from(place.1).saturating_sub(margin(width));
    let whole = 0..row.text.len();
    let byte = rows::position(&row.text, std::slice::from_ref(&whole), 0, col);
    let position = row.start.unwrap_or(0) + row.text[..byte].chars().count();
    // The place after the last character of a row that goes on is shown at the beginning of the next.
    let over = !row.ends && byte == row.text.len() && byte > 0;
    position - usize::from(over)
}

impl Renderer for Composer {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let Some(buffer) = cx.kernel.buf().get(&cx.window.buffer) else { return Ok(()) };
        let (width, height) = (usize::from(cx.canvas.width()), usize::from(cx.canvas.height()));
        let decor = Decor::of(cx.kernel, &cx.window.buffer);
        let margin = margin(width);
        let mut top = self.top.get();
        let text = Text { rope: &buffer.rope, width: text_width(width), decor: &decor };
        let view = view::view(&text, buffer.cursor, height, &mut top);
        self.top.set(top);
        let shell = buffer.rope.get_char(0) == Some('!');
        let token = if shell { Token::BashMode } else { Token::Accent };
        if margin > 0 {
            let more = Style::fg(Token::Muted);
            let marker =
                if view.above { Span::new("↑", more.clone()) } else { Span::new("›", Style::fg(token)) };
            cx.canvas.spans(0, 0, &[marker]);
            if view.below {
                cx.canvas.spans(height as i32 - 1, 0, &[Span::new("↓", more)]);
            }
        }
        for (row, shown) in view.rows.iter().enumerate() {
            decor.draw(cx, shown, row as i32, margin);
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
        let decor = Decor::of(kernel, &window.buffer);
        let text = Text { rope: &buffer.rope, width: text_width(usize::from(width)), decor: &decor };
        // What is being written about stays in sight.
        let (_, screen) = kernel.layout().size();
        let most = if screen == 0 { TALLEST } else { (screen / 2).clamp(1, TALLEST) };
        Some(view::height(&text, buffer.cursor, usize::from(most)) as u16)
    }
}
