//! Markdown that grows, as styled lines of a given width.
//!
//! A streamed answer is appended with [`Markdown::push`]. Every top-level block that another block has followed is
//! finished: it is laid out once and never looked at again, so that a chunk costs its block and not the whole answer.
//! The last block, and an unfinished last line, are laid out anew each time.
//!
//! Each block is laid out on its own, with the link definitions that stand before its end. Hence the lines are a
//! function of the text alone: however the text was split into chunks, they are the same.
//!
//! ```
//! use purlin_kernel::text::{line_plain, markdown::Markdown};
//! let mut answer = Markdown::new();
//! answer.push("# Ti");
//! answer.push("tle\n\nSome *text*.");
//! let shown: Vec<String> = answer.lines(40).iter().map(|line| line_plain(line)).collect();
//! assert_eq!(shown, ["Title", "", "Some text."]);
//! ```

mod block;
mod code;
mod inline;
mod split;
mod table;

use super::{Highlighter, Line};

/// A markdown text that is laid out as it grows.
#[derive(Debug, Default)]
pub struct Markdown {
    source: String,
    /// Bytes of `source` whose blocks are finished.
    finished: usize,
    /// Bytes of `source` that have been looked through for finished blocks.
    seen: usize,
    definitions: split::Definitions,
    width: usize,
    lines: Vec<Line>,
    /// How many of `lines` belong to finished blocks.
    settled: usize,
    stale: bool,
}

impl Markdown {
    /// Answers an empty text.
    pub fn new() -> Markdown {
        Markdown::default()
    }

    /// Answers a text that is already whole.
    pub fn of(text: &str) -> Markdown {
        let mut markdown = Markdown::new();
        markdown.push(text);
        markdown
    }

    /// Appends a chunk; nothing is laid out before [`Markdown::lines`] asks for it.
    pub fn push(&mut self, chunk: &str) {
        self.source.push_str(chunk);
        self.stale |= !chunk.is_empty();
    }

    /// Answers the text so far.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Makes the text equal to `text`: appends the difference when it has only grown, else starts again.
    pub fn update(&mut self, text: &str) {
        if text.len() >= self.source.len() && text.as_bytes().starts_with(self.source.as_bytes()) {
            let grown = self.source.len();
            self.push(&text[grown..]);
        } else {
            *self = Markdown::of(text);
        }
    }

    /// Answers how many lines belong to finished blocks, and so stay as they are until the width changes.
    pub fn settled(&self) -> usize {
        self.settled
    }

    /// Lays out what is new and answers all lines, each at most `width` cells wide (but for one wide grapheme).
    pub fn lines(&mut self, width: usize) -> &[Line] {
        self.lines_with(width, None)
    }

    /// Has everything laid out anew the next time, because what the lines were made with has changed.
    pub fn forget_lines(&mut self) {
        self.width = 0;
    }

    /// Does the same as [`Markdown::lines`], with code as the highlighter has it ready.
    pub fn lines_with(&mut self, width: usize, painter: Option<&dyn Highlighter>) -> &[Line] {
        let width = width.max(1);
        if width != self.width {
            self.width = width;
            self.finished = 0;
            self.seen = 0;
            self.settled = 0;
            self.lines.clear();
            self.definitions = split::Definitions::default();
            self.stale = true;
        }
        if self.stale {
            self.stale = false;
            self.lines.truncate(self.settled);
            self.finish_blocks(painter);
            self.settled = self.lines.len();
            let open = self.finished..self.source.len();
            let mut definitions = self.definitions.clone();
            for range in split::blocks(&self.source[open.clone()], &self.definitions).ranges {
                let slice = &self.source[open.start + range.start..open.start + range.end];
                lay_out(slice, width, painter, &mut definitions, &mut self.lines);
            }
        }
        &self.lines
    }

    /// Moves the blocks that a complete line of another block has followed into `lines`.
    fn finish_blocks(&mut self, painter: Option<&dyn Highlighter>) {
        let fresh = &self.source.as_bytes()[self.seen..];
        let Some(newline) = fresh.iter().rposition(|byte| *byte == b'\n') else { return };
        let complete = self.seen + newline + 1;
        self.seen = complete;
        let start = self.finished;
        let mut found = split::blocks(&self.source[start..complete], &self.definitions).ranges;
        found.pop();
        for range in found {
            let slice = &self.source[start + range.start..start + range.end];
            lay_out(slice, self.width, painter, &mut self.definitions, &mut self.lines);
            self.finished = start + range.end;
        }
    }
}

fn lay_out(
    slice: &str,
    width: usize,
    painter: Option<&dyn Highlighter>,
    definitions: &mut split::Definitions,
    lines: &mut Vec<Line>,
) {
    let laid = block::lay_out(slice, width, painter, definitions);
    if !lines.is_empty() && !laid.is_empty() {
        lines.push(Line::new());
    }
    lines.extend(laid);
}

/// Answers the lines of a whole markdown text at `width` cells.
pub fn markdown(text: &str, width: usize) -> Vec<Line> {
    markdown_with(text, width, None)
}

/// Answers the same, with code as the highlighter has it ready.
pub fn markdown_with(text: &str, width: usize, painter: Option<&dyn Highlighter>) -> Vec<Line> {
    let mut whole = Markdown::of(text);
    whole.lines_with(width, painter);
    whole.lines
}

#[cfg(test)]
mod tests;
