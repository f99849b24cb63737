//! The status line: segments that give way, the least important first, where the terminal is narrow.
//!
//! The segments are variables of the buffer `status`, so that everybody can set them: `{text | spans, priority, align}`
//! with `align` `left` or `right`; those that extensions keep with the kernel stand among them. Text in the buffer itself
//! takes the place of all segments.

use purlin_kernel::{
    HandlerError, Kernel, Object, RenderContext, Renderer,
    text::{Line, Span, Style, Token, line_truncate, line_width, sgr},
};
use serde_json::{Value, json};

use crate::hooks::line_of;

/// The name of the status line's window and buffer.
pub const STATUS: &str = "status";

/// One part of the status line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segment {
    /// What it says.
    pub text: String,
    /// Its colour, as a theme token's name; empty = dim.
    pub fg: String,
    /// Higher stays longer when the terminal is narrow, and stands further left.
    pub priority: i64,
    /// Whether it stands at the right edge.
    pub right: bool,
}

impl Segment {
    fn to_value(&self) -> Value {
        let align = if self.right { "right" } else { "left" };
        let fg = if self.fg.is_empty() { Token::Dim.name() } else { &self.fg };
        json!({ "spans": [{ "text": self.text, "fg": fg }], "priority": self.priority, "align": align })
    }
}

/// Sets a segment; an empty text takes it away.
pub fn set(kernel: &Kernel, key: &str, segment: &Segment) {
    let value = if segment.text.is_empty() { Value::Null } else { segment.to_value() };
    let changed = kernel.buf().var(STATUS, key).unwrap_or(Value::Null) != value;
    if changed {
        kernel.buf().set_var(STATUS, key, value);
        kernel.win().mark_dirty(STATUS);
    }
}

/// Draws the status line.
#[derive(Debug, Default)]
pub struct Status;

struct Part {
    line: Line,
    priority: i64,
    right: bool,
}

impl Part {
    fn read(value: &Value) -> Option<Part> {
        let fields: &Object = value.as_object()?;
        let line: Line = match (fields.get("spans"), fields.get("text")) {
            (Some(spans), _) => line_of(spans).into_iter().flatten().collect(),
            (None, Some(Value::String(text))) => dimmed(sgr::parse(text).into_iter().flatten().collect()),
            _ => return None,
        };
        let priority = fields.get("priority").and_then(Value::as_i64).unwrap_or(0);
        let right = fields.get("align").and_then(Value::as_str) == Some("right");
        (!line.is_empty()).then_some(Part { line, priority, right })
    }
}

fn dimmed(line: Line) -> Line {
    let base = Style::fg(Token::Dim);
    line.into_iter().map(|span| Span { style: base.patch(&span.style), ..span }).collect()
}

/// Joins the parts of one side.
fn joined(parts: &[Part], right: bool) -> Line {
    let mut line = Line::new();
    for part in parts.iter().filter(|part| part.right == right) {
        if !line.is_empty() {
            line.push(Span::new(" · ", Style::fg(Token::Muted)));
        }
        line.extend(part.line.iter().cloned());
    }
    line
}

/// A part that gives way is cut where at least so many cells are left for it.
const LEGIBLE: usize = 10;

/// Chooses the parts that fit side by side, and answers both sides.
fn fit(mut parts: Vec<Part>, width: usize) -> (Line, Line) {
    parts.sort_by_key(|part| std::cmp::Reverse(part.priority));
    let used = |parts: &[Part]| {
        let (left, right) = (joined(parts, false), joined(parts, true));
        let gap = if left.is_empty() || right.is_empty() { 0 } else { 2 };
        line_width(&left) + line_width(&right) + gap
    };
    let mut gone: Option<Part> = None;
    while used(&parts) > width && parts.len() > 1 {
        gone = parts.pop();
    }
    if let Some(mut cut) = gone.filter(|part| !part.right) {
        let own = line_width(&cut.line);
        parts.push(Part { line: cut.line.clone(), ..cut });
        let room = (width + own).saturating_sub(used(&parts));
        parts.pop();
        if room >= LEGIBLE {
            cut.line = line_truncate(cut.line, room);
            parts.push(cut);
        }
    }
    (joined(&parts, false), joined(&parts, true))
}

impl Renderer for Status {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let width = usize::from(cx.canvas.width());
        let Some(buffer) = cx.kernel.buf().get(&cx.window.buffer) else { return Ok(()) };
        let text = buffer.text();
        let (left, mut right) = if text.is_empty() {
            let own = buffer.vars.values().filter_map(Part::read);
            let kept = cx.kernel.ui().status().into_iter().map(|segment| Part {
                line: dimmed(segment.spans),
                priority: i64::from(segment.priority),
                right: false,
            });
            fit(own.chain(kept).filter(|part| !part.line.is_empty()).collect(), width.saturating_sub(1))
        } else {
            (dimmed(sgr::parse(&text).into_iter().next().unwrap_or_default()), Line::new())
        };
        let pending = cx.kernel.keymap().pending();
        if !pending.is_empty() {
            right = vec![Span::new(format!("{pending} …"), Style::fg(Token::Accent))];
        }
        let end = cx.canvas.spans(0, 0, &line_truncate(left, width));
        let col = width.saturating_sub(line_width(&right)) as i32;
        if col > end {
            cx.canvas.spans(0, col, &right);
        }
        Ok(())
    }

    fn measure(&self, _: &Kernel, _: &purlin_kernel::Window, _: u16) -> Option<u16> {
        Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_kernel::text::line_plain;

    fn part(text: &'static str, priority: i64, right: bool) -> Part {
        Part { line: vec![text.into()], priority, right }
    }

    #[test]
    fn the_least_important_gives_way_first() {
        let parts = || {
            vec![
                part("model", 30, false),
                part("~/dir", 20, false),
                part("12k", 10, true),
                part("ready", 40, true),
            ]
        };
        let shown = |width| {
            let (left, right) = fit(parts(), width);
            (line_plain(&left), line_plain(&right))
        };
        assert_eq!(shown(40), ("model · ~/dir".into(), "ready · 12k".into()));
        assert_eq!(shown(24), ("model · ~/dir".into(), "ready".into()));
        assert_eq!(shown(14), ("model".into(), "ready".into()));
        assert_eq!(shown(6), (String::new(), "ready".into()));
        let parts =
            vec![part("provider/a-long-model", 30, false), part("working · esc interrupts", 40, true)];
        let (left, right) = fit(parts, 39);
        let expected = ("provider/a-l…".to_owned(), "working · esc interrupts".to_owned());
        assert_eq!((line_plain(&left), line_plain(&right)), expected, "what is long is cut");
    }
}
