//! What of the transcript is selected by the mouse, and its text.
//!
//! A selection is made of cells of laid-out lines, both ends included. Its text leaves away what only decorates (the
//! marker of a prompt, the margin of code, blanks that fill a row up) and joins rows that were one line before they were
//! wrapped.

use std::ops::Range;

use purlin_kernel::text::{Line, Token, graphemes, line_plain, line_width, wrap};

use super::{Spot, look::PROSE, reading::Reading};

/// More bytes than this are not copied.
const MOST: usize = 4 << 20;

/// What a drag extends by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Single cells.
    Cell,
    /// Words, after a double click.
    Word,
    /// Lines, after a triple click.
    Line,
}

/// A selection as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The window in which it was made.
    pub window: String,
    /// Where it began.
    pub anchor: Spot,
    /// Where the mouse is.
    pub head: Spot,
    /// What it extends by.
    pub unit: Unit,
    /// Whether there is one: a press alone selects nothing.
    pub active: bool,
    /// The edge past which the mouse is: upwards or downwards, and its column. The head follows what is scrolled in.
    pub edge: Option<(bool, usize)>,
}

impl Selection {
    /// Begins a selection at a spot.
    pub fn at(window: &str, spot: Spot, unit: Unit) -> Selection {
        let window = window.to_owned();
        Selection { window, anchor: spot, head: spot, unit, active: unit != Unit::Cell, edge: None }
    }

    /// Moves the end that follows the mouse.
    pub fn drag(&mut self, to: Spot) {
        self.active |= to != self.head;
        self.head = to;
    }

    /// Takes the first or last drawn line as the end while the mouse is past an edge.
    pub(super) fn reach_edge(&mut self, drawn: &[Option<(usize, usize)>]) {
        let Some((up, col)) = self.edge else { return };
        let mut rows = drawn.iter().filter_map(|place| *place);
        if let Some((block, line)) = if up { rows.next() } else { rows.next_back() } {
            self.drag(Spot { block, line, col });
        }
    }

    fn ends(&self) -> (Spot, Spot) {
        if self.anchor <= self.head { (self.anchor, self.head) } else { (self.head, self.anchor) }
    }

    /// Answers which cells of a line are selected.
    pub(crate) fn columns(&self, reading: &Reading<'_>, block: usize, line: usize) -> Option<Range<usize>> {
        let (first, last) = self.ends();
        let here = (block, line);
        if !self.active || here < (first.block, first.line) || here > (last.block, last.line) {
            return None;
        }
        let lines = reading.lines(block);
        let text = lines.get(line)?;
        let kind = reading.block(block).map(|block| block.kind.clone()).unwrap_or_default();
        let bounds = text_columns(text, margin(&kind, line, text));
        if self.unit == Unit::Line {
            return Some(bounds).filter(|cols| !cols.is_empty());
        }
        let mut cols = bounds.clone();
        if here == (first.block, first.line) {
            let cell = if self.unit == Unit::Word { word(text, first.col).start } else { first.col };
            cols.start = cols.start.max(cell);
        }
        if here == (last.block, last.line) {
            let end = if self.unit == Unit::Word { word(text, last.col).end } else { last.col + 1 };
            cols.end = cols.end.min(end);
        }
        (cols.start < cols.end).then_some(cols)
    }

    /// Answers the selected text; empty where nothing is selected.
    pub(crate) fn text(&self, reading: &Reading<'_>) -> String {
        let (first, last) = self.ends();
        let mut text = String::new();
        if !self.active {
            return text;
        }
        let mut blank = 0;
        for block in first.block..=last.block.min(reading.count.saturating_sub(1)) {
            let lines = reading.lines(block);
            let kind = reading.block(block).map(|block| block.kind.clone()).unwrap_or_default();
            let from = if block == first.block { first.line } else { 0 };
            let to = if block == last.block { last.line + 1 } else { lines.len() };
            if block > first.block && reading.gap(block) > 0 {
                blank += 1;
            }
            let mut before: Option<&Line> = None;
            for (at, line) in lines.iter().enumerate().take(to).skip(from) {
                let piece =
                    self.columns(reading, block, at).map_or_else(String::new, |cols| cut(line, &cols));
                let joint = before.and_then(|before| joint(&kind, before, line, reading.width));
                match joint {
                    Some(joint) if !text.is_empty() => text.push_str(joint),
                    _ if text.is_empty() && blank == 0 && before.is_none() => {}
                    _ => text.push_str(&"\n".repeat(1 + std::mem::take(&mut blank))),
                }
                text.push_str(piece.trim_end());
                before = Some(line);
                if text.len() > MOST {
                    return text;
                }
            }
        }
        text
    }
}

fn is_code(line: &Line) -> bool {
    line.iter().any(|span| span.style.is_on(Token::CodeBg))
}

/// The cells of a block's line in which the stock look has a marker, or sets off what belongs to the line above.
fn margin(kind: &str, at: usize, line: &Line) -> usize {
    let is_marked = match kind {
        "prompt" => true,
        "shell" if at == 0 => line_plain(line).starts_with("! "),
        "shell" | "tool" if at > 0 => line_plain(line).starts_with("  "),
        _ => false,
    };
    if is_marked { 2 } else { 0 }
}

/// The cells of a line that hold text: neither a marker nor a margin in front of it, nor what fills it up.
fn text_columns(line: &Line, margin: usize) -> Range<usize> {
    let end = purlin_kernel::text::width(line_plain(line).trim_end());
    let mut start = margin;
    if margin == 0 && is_code(line) {
        let mut column = 0;
        for span in line {
            column += span.width();
            if span.style.is_on(Token::CodeBg) {
                start = if span.text == " " { column } else { column - span.width() };
                break;
            }
        }
    }
    start.min(end)..end
}

/// Answers the cells of the word at a cell; of what stands between words, that cell.
fn word(line: &Line, col: usize) -> Range<usize> {
    let text = line_plain(line);
    let class = |cluster: &str| {
        cluster.chars().next().map_or(0, |first| {
            if first.is_alphanumeric() || first == '_' {
                1
            } else if first.is_whitespace() {
                2
            } else {
                // A path or an address is taken as a whole; a bracket ends it.
                match first {
                    '/' | '.' | '-' | '~' | ':' | '@' | '%' | '+' | '#' | '=' | '?' | '&' => 1,
                    _ => 3,
                }
            }
        })
    };
    let mut cells: Vec<(usize, usize, u8)> = Vec::new();
    let mut at = 0;
    for (cluster, wide) in graphemes(&text) {
        cells.push((at, at + wide, class(cluster)));
        at += wide;
    }
    let Some(here) = cells.iter().position(|(start, end, _)| (*start..*end).contains(&col)) else {
        return at..at;
    };
    let kind = cells[here].2;
    if kind == 3 {
        return cells[here].0..cells[here].1;
    }
    let start = cells[..here].iter().rposition(|(.., other)| *other != kind).map_or(0, |at| at + 1);
    let end = cells[here..].iter().position(|(.., other)| *other != kind).map_or(cells.len(), |at| here + at);
    cells[start].0..cells[end - 1].1
}

/// Answers what a line shows in some cells.
fn cut(line: &Line, cols: &Range<usize>) -> String {
    let text = line_plain(line);
    let mut at = 0;
    let mut piece = String::new();
    for (cluster, wide) in graphemes(&text) {
        if at + wide > cols.start && at < cols.end {
            piece.push_str(cluster);
        }
        at += wide;
    }
    piece
}

/// Answers what joins two rows that were one line; nothing where the line ended there.
fn joint(kind: &str, before: &Line, line: &Line, width: usize) -> Option<&'static str> {
    if !matches!(kind, "text" | "prompt" | "thinking") {
        return None;
    }
    let room = if kind == "prompt" { width } else { width.min(PROSE) };
    if is_code(before) || is_code(line) {
        // A row of code that is full to its margin goes on in the next.
        let full =
            is_code(before) && is_code(line) && line_plain(before).trim_end().len() + 1 >= line_width(before);
        return full.then_some("");
    }
    let (above, below) = (line_plain(before), line_plain(line));
    let (above, below) = (above.trim_end(), below.trim());
    let marked = below.starts_with(['•', '▎', '│', '─', '☐', '☑', '#'])
        || below.split_once(". ").is_some_and(|(number, _)| number.chars().all(|c| c.is_ascii_digit()));
    if above.is_empty() || below.is_empty() || marked || above.contains(['│', '─']) {
        return None;
    }
    let first = below.split_whitespace().next().unwrap_or_default();
    let joined = format!("{above} {first}");
    (wrap(&joined, room).len() > 1).then_some(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_at_blanks_and_brackets() {
        let line: Line = vec!["see (src/main.rs:12), 日本 go".into()];
        let shown = |col| cut(&line, &word(&line, col));
        assert_eq!(shown(0), "see");
        assert_eq!(shown(4), "(");
        assert_eq!(shown(8), "src/main.rs:12");
        assert_eq!(shown(22), "日本");
        assert_eq!(shown(200), "");
    }

    #[test]
    fn only_wrapped_rows_are_joined() {
        let line = |text: &str| -> Line { vec![text.to_owned().into()] };
        let join = |a: &str, b: &str| joint("text", &line(a), &line(b), 20);
        assert_eq!(join("a paragraph that is", "wrapped here"), Some(" "));
        assert_eq!(join("short", "line"), None);
        assert_eq!(join("a paragraph that is", "• an item"), None);
        assert_eq!(join("a paragraph that is", "12. an item"), None);
        assert_eq!(joint("tool", &line("a paragraph that is"), &line("wrapped"), 20), None);
    }
}
