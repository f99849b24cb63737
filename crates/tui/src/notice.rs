//! The line between transcript and composer: a rule, or what has to be said now.

use purlin_kernel::{
    HandlerError, Kernel, Level, Notice, RenderContext, Renderer, Window,
    text::{Line, Span, Style, Token, line_width, visible, wrap_line},
};

/// The name of the line's window and buffer.
pub const NOTICE: &str = "notice";

/// A message takes at most so many rows.
const TALLEST: usize = 4;

/// On a terminal with fewer rows there is no rule.
const LOWEST: u16 = 8;

/// Draws the rule and the notices.
#[derive(Debug, Default)]
pub struct NoticeLine;

fn style(notice: &Notice) -> Style {
    match notice.level {
        Level::Error => Style::fg(Token::Error),
        Level::Warn => Style::fg(Token::Warning),
        _ => Style::fg(Token::Dim),
    }
}

/// Answers the rows of all notices, oldest first; where they are too many, of the newest.
fn rows(kernel: &Kernel, width: usize) -> Vec<Line> {
    let (_, height) = kernel.layout().size();
    let most = usize::from(height / 3).max(TALLEST);
    let mut notices = kernel.ui().notifications();
    let mut said = std::collections::HashSet::new();
    // What is said again is said once, where it was said last.
    notices.reverse();
    notices.retain(|notice| said.insert(notice.text.clone()));
    let mut shown: Vec<Vec<Line>> = Vec::new();
    let mut left = most;
    for notice in &notices {
        let rows = rows_of(notice, width);
        if rows.len() > left {
            break;
        }
        left -= rows.len();
        shown.push(rows);
    }
    shown.into_iter().rev().flatten().collect()
}

fn rows_of(notice: &Notice, width: usize) -> Vec<Line> {
    let style = style(notice);
    let mut rows: Vec<Line> = Vec::new();
    for source in visible(notice.text.trim()).split('\n') {
        rows.extend(wrap_line(&[Span::new(source.to_owned(), style.clone())], width.max(1), &[]));
    }
    if rows.len() > TALLEST {
        rows.truncate(TALLEST);
        if let Some(last) = rows.last_mut() {
            let mut cut = purlin_kernel::text::line_truncate(std::mem::take(last), width.saturating_sub(1));
            cut.push(Span::new("…", style));
            *last = cut;
        }
    }
    rows
}

/// Answers how many rows the notices take at a width; 0 without any.
pub(crate) fn height(kernel: &Kernel, width: u16) -> u16 {
    rows(kernel, usize::from(width)).len() as u16
}

impl Renderer for NoticeLine {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let width = usize::from(cx.canvas.width());
        let rule = Style::fg(Token::BorderMuted);
        let rows = rows(cx.kernel, width);
        if rows.is_empty() {
            cx.canvas.text(0, 0, &"─".repeat(width), &rule);
        }
        for (row, line) in rows.iter().enumerate() {
            cx.canvas.spans(row as i32, 0, line);
        }
        // A short message leaves the rule standing beside it.
        if let [line] = rows.as_slice() {
            let used = line_width(line) + 1;
            cx.canvas.text(0, used as i32, &"─".repeat(width.saturating_sub(used)), &rule);
        }
        Ok(())
    }

    fn measure(&self, kernel: &Kernel, _: &Window, width: u16) -> Option<u16> {
        let rows = rows(kernel, usize::from(width)).len() as u16;
        let (_, height) = kernel.layout().size();
        Some(rows.max(u16::from(height >= LOWEST)))
    }
}
