//! How one block of the transcript looks: from its content to lines of a given width.

mod change;
mod tool;

use purlin_kernel::{
    buffer::Block,
    text::{
        Attrs, Highlighter, Line, Span, Style, Token, line_width, markdown::markdown_with, sgr, visible,
        wrap_line,
    },
};

/// How many lines of reasoning are shown before it is unfolded.
pub(crate) const THINKING_LINES: usize = 4;

/// How many lines of what was sent in place of a prompt are shown before it is unfolded.
const SENT_LINES: usize = 3;

/// Prose is wrapped at this width on a wider terminal: longer lines are hard to follow.
pub(crate) const PROSE: usize = 120;

/// What is known about showing a block besides the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Columns to fill, at least 1.
    pub width: usize,
    /// Whether everything is shown that folding would leave away.
    pub unfolded: bool,
    /// Whether an output of any length is shown to its end when unfolded, as no screen could.
    pub whole: bool,
}

impl Setting {
    /// Answers the columns that prose fills.
    pub fn prose(self) -> usize {
        self.width.min(PROSE)
    }
}

/// Lays out a whole block. Streaming markdown is laid out by [`super::cache::Cache`], which keeps what is finished.
pub fn lay_out(block: &Block, setting: Setting) -> Vec<Line> {
    lay_out_with(block, setting, None)
}

/// Lays out a whole block, with code as the highlighter has it ready.
pub fn lay_out_with(block: &Block, setting: Setting, painter: Option<&dyn Highlighter>) -> Vec<Line> {
    match block.kind.as_str() {
        "prompt" => prompt(block, setting),
        "text" => markdown_with(&block.text, setting.prose(), painter),
        "thinking" => thinking(block, setting),
        "tool" => tool::lay_out(block, setting, painter),
        "shell" => tool::shell(block, setting),
        "error" => error(block, setting.width),
        _ => note(block, setting.width),
    }
}

/// Tells whether a block follows the one before it without an empty line.
pub fn follows_closely(before: &Block, block: &Block) -> bool {
    before.kind == "tool" && block.kind == "tool"
}

/// What the person wrote, on a band of its own, behind the composer's marker; below it what was sent instead, if an extension
/// has changed it.
fn prompt(block: &Block, setting: Setting) -> Vec<Line> {
    let width = setting.width;
    let band = Style::new().on(Token::UserMessageBg);
    let marker = [Span::new("› ", band.clone().with_fg(Token::Accent))];
    let gap = [Span::new("  ", band.clone())];
    let mut lines = Vec::new();
    for source in visible(block.text.trim_end()).split('\n') {
        let mut line: Line = if lines.is_empty() { marker.to_vec() } else { gap.to_vec() };
        line.push(Span::new(expand(source), band.clone()));
        lines.extend(wrap_line(&line, width, &gap));
    }
    if let Some(sent) = text_of(block, "sent") {
        lines.extend(sent_instead(sent, setting, &band));
    }
    lines.into_iter().map(|line| filled(line, width, &band)).collect()
}

/// The text that models read in place of a prompt, dimmed: its first lines, all when unfolded.
fn sent_instead(sent: &str, setting: Setting, band: &Style) -> Vec<Line> {
    let dim = band.clone().with_fg(Token::Dim);
    let width = setting.width.saturating_sub(2).max(1);
    let enough = if setting.unfolded { usize::MAX } else { (width + 1) * (SENT_LINES + 1) * 4 };
    let head = head_bytes(sent.trim_end(), enough);
    let mut lines = plain(&format!("sent as: {head}"), width, &dim);
    if !setting.unfolded && (lines.len() > SENT_LINES || head.len() < sent.trim_end().len()) {
        lines.truncate(SENT_LINES - 1);
        let more = format!("… more{}", unfold_hint().text);
        lines.push(vec![Span::new(more, band.clone().with_fg(Token::Muted))]);
    }
    lines
        .into_iter()
        .map(|mut line| {
            line.insert(0, Span::new("  ", band.clone()));
            line
        })
        .collect()
}

/// Reasoning, dimmed: its last lines while it grows, its first ones afterwards, all when unfolded.
fn thinking(block: &Block, setting: Setting) -> Vec<Line> {
    let style = Style::fg(Token::ThinkingText);
    let width = setting.prose();
    let text = block.text.trim();
    if setting.unfolded {
        return plain(text, width, &style);
    }
    let limit = THINKING_LINES;
    // A row is at least as long as the width, but for breaks: so many bytes are more than enough for the rows shown.
    let enough = (width + 1) * (limit + 1) * 4;
    if block.streaming {
        let tail = tail_bytes(text, enough);
        let mut lines = plain(tail, width, &style);
        let surplus = lines.len().saturating_sub(limit);
        lines.drain(..surplus);
        return lines;
    }
    let head = head_bytes(text, enough);
    let mut lines = plain(head, width, &style);
    if lines.len() > limit || head.len() < text.len() {
        let hidden = if head.len() < text.len() {
            "… more".to_owned()
        } else {
            format!("… {} more lines", lines.len() - (limit - 1))
        };
        lines.truncate(limit - 1);
        lines.push(vec![Span::new(hidden, Style::fg(Token::Muted)), unfold_hint()]);
    }
    lines.into_iter().map(|line| fitted(line, width)).collect()
}

fn error(block: &Block, width: usize) -> Vec<Line> {
    let mark = Span::new("✗ ", Style::fg(Token::Error));
    let mut lines = Vec::new();
    for source in visible(block.text.trim()).split('\n') {
        let mut line = vec![if lines.is_empty() { mark.clone() } else { Span::from("  ") }];
        line.push(Span::new(expand(source), Style::fg(Token::Error)));
        lines.extend(wrap_line(&line, width, &[Span::from("  ")]));
    }
    if let Some(hint) = text_of(block, "hint") {
        let line = [Span::from("  "), Span::new(visible(hint).into_owned(), Style::fg(Token::Dim))];
        lines.extend(wrap_line(&line, width, &[Span::from("  ")]));
    }
    lines
}

/// A note of an extension or of the program, and every kind that this screen does not know.
fn note(block: &Block, width: usize) -> Vec<Line> {
    let style = match text_of(block, "level") {
        Some("error") => Style::fg(Token::Error),
        Some("warn" | "warning") => Style::fg(Token::Warning),
        _ => Style::fg(Token::Dim),
    };
    let mut lines = Vec::new();
    for source in sgr::parse(block.text.trim_end()) {
        let line: Line =
            source.into_iter().map(|span| Span { style: style.patch(&span.style), ..span }).collect();
        lines.extend(wrap_line(&line, width, &[]));
    }
    lines
}

/// Wraps plain text in one style.
pub(crate) fn plain(text: &str, width: usize, style: &Style) -> Vec<Line> {
    let mut lines = Vec::new();
    for source in visible(text).split('\n') {
        lines.extend(wrap_line(&[Span::new(expand(source), style.clone())], width, &[]));
    }
    lines
}

pub(crate) fn unfold_hint() -> Span {
    Span::new(" (ctrl+o)", Style::fg(Token::Muted))
}

/// Cuts a line at the width, with an ellipsis.
pub(crate) fn fitted(line: Line, width: usize) -> Line {
    purlin_kernel::text::line_truncate(line, width)
}

pub(crate) fn text_of<'a>(block: &'a Block, field: &str) -> Option<&'a str> {
    block.meta.get(field).and_then(|value| value.as_str()).filter(|text| !text.is_empty())
}

pub(crate) fn bold() -> Style {
    Style::new().with(Attrs::BOLD)
}

fn filled(mut line: Line, width: usize, style: &Style) -> Line {
    let free = width.saturating_sub(line_width(&line));
    if free > 0 {
        line.push(Span::new(" ".repeat(free), style.clone()));
    }
    line
}

pub(crate) fn expand(text: &str) -> String {
    if text.contains('\t') { text.replace('\t', "    ") } else { text.to_owned() }
}

fn head_bytes(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

fn tail_bytes(text: &str, limit: usize) -> &str {
    let begin = text.len().saturating_sub(limit);
    let begin = (begin..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(begin);
    &text[begin..]
}
