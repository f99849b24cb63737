//! The line between transcript and composer: a rule, or what has to be said now.
//!
//! The rule also says who has the keyboard when it is the transcript. Another look may do without it: where the window's
//! variable [`RULE`] is false, the line takes no row while nothing has to be said. Where a layout has no place for the
//! line, the notices float (see [`NOTICES`]).

use purlin_kernel::{
    HandlerError, Kernel, Level, Notice, RenderContext, Renderer, Window,
    text::{Line, Span, Style, Token, visible, wrap_line},
};
use serde_json::Value;

use crate::transcript::TRANSCRIPT;

/// The name of the line's window and buffer.
pub const NOTICE: &str = "notice";

/// The name of the window in which notices float where the layout has no place for them.
pub const NOTICES: &str = "notices";

/// The variable of the window that says whether there is a rule; there is one without it.
pub const RULE: &str = "rule";

/// So many messages are shown at a time, the newest.
const MOST: usize = 3;

/// What can be done while the transcript has the keyboard, the shorter ones for narrow screens.
const READS: [&str; 3] = [
    " transcript · ↑↓ scroll · / searches · y copies · tab goes back ",
    " transcript · tab goes back ",
    " transcript ",
];

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
    for notice in notices.iter().take(MOST) {
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

fn has_rule(window: &Window) -> bool {
    window.vars.get(RULE) != Some(&Value::Bool(false))
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
        if rows.is_empty() && has_rule(&cx.window) {
            cx.canvas.text(0, 0, &"─".repeat(width), &rule);
            let reads = cx.kernel.win().focused().is_some_and(|window| window.name == TRANSCRIPT);
            let fits = |text: &&str| purlin_kernel::text::width(text) + 4 <= width;
            if let Some(text) = READS.iter().copied().find(fits).filter(|_| reads) {
                cx.canvas.text(0, 2, text, &Style::fg(Token::Accent));
            }
        }
        for (row, line) in rows.iter().enumerate() {
            cx.canvas.spans(row as i32, 0, line);
        }
        Ok(())
    }

    fn measure(&self, kernel: &Kernel, window: &Window, width: u16) -> Option<u16> {
        let rows = rows(kernel, usize::from(width)).len() as u16;
        let (_, height) = kernel.layout().size();
        Some(rows.max(u16::from(height >= LOWEST && has_rule(window))))
    }
}
