//! The rows above the composer that show what waits for the agent to take it up.

use std::rc::Rc;

use purlin_kernel::text::{Span, Style, Token, line_truncate, visible};
use purlin_kernel::{HandlerError, Kernel, RenderContext, Renderer, Window};
use purlin_notebook::Tables;
use purlin_tui::QUEUED;

use super::desk::Desk;

/// The most rows; what does not fit is counted in the last one.
const TALLEST: usize = 3;

/// Draws one dim row for each message that waits.
#[derive(Debug)]
struct Rows;

/// The rows of the window's buffer, which holds one message a line.
fn rows(kernel: &Kernel) -> Vec<String> {
    let text = kernel.buf().text(QUEUED);
    let mut rows: Vec<String> = text.lines().map(|line| format!("queued: {line}")).collect();
    if rows.len() > TALLEST {
        let more = rows.len() + 1 - TALLEST;
        rows.truncate(TALLEST - 1);
        rows.push(format!("queued: {more} more"));
    }
    rows
}

impl Renderer for Rows {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let width = usize::from(cx.canvas.width());
        for (row, text) in rows(cx.kernel).into_iter().enumerate() {
            let line =
                line_truncate(vec![Span::new(visible(&text).into_owned(), Style::fg(Token::Dim))], width);
            cx.canvas.spans(row as i32, 0, &line);
        }
        Ok(())
    }

    fn measure(&self, kernel: &Kernel, _: &Window, _: u16) -> Option<u16> {
        Some(rows(kernel).len() as u16)
    }
}

/// Gives the window its rows.
pub fn begin(desk: &Desk) {
    desk.kernel().win().set_stock_renderer(QUEUED, Rc::new(Rows));
    let weak = desk.downgrade();
    desk.screen().on_waiting(move || {
        if let Some(desk) = weak.upgrade() {
            update(&desk);
        }
    });
}

/// The tables whose changes may change the rows.
pub fn tables() -> Tables {
    Tables::STEERS | Tables::QUEUE
}

/// Shows what waits: for the agent to take it up, or for what was submitted before it.
pub fn update(desk: &Desk) {
    let steers = desk.peek().map(|open| open.session.waiting_steers()).unwrap_or_default();
    let waiting = steers.into_iter().map(|steer| steer.text).chain(desk.screen().waiting());
    let lines: Vec<String> =
        waiting.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let kernel = desk.kernel();
    let text = lines.join("\n");
    if kernel.buf().text(QUEUED) != text {
        kernel.buf().set_text(QUEUED, &text);
        kernel.win().set(QUEUED, |window| window.visible = !text.is_empty());
    }
}
