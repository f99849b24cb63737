//! Greedy wrapping of plain and styled text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Line, Span, Style, cells};

/// Where one wrapped row lies in its text, in bytes: `kept` is what is shown, `next` where the following row begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The bytes that the row shows.
    pub kept: Range<usize>,
    /// The byte at which the next row begins; blanks between the two are not shown.
    pub next: usize,
}

/// Wraps `text` to `limit` cells: greedy, after the last space or tab that fits; blanks at the end of a row and at the
/// beginning of a continuation go; a grapheme wider than the limit stands alone. A limit of 0 gives one empty row.
/// Line breaks in the text stay line breaks.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    if limit == 0 {
        return vec![String::new()];
    }
    let mut rows = Vec::new();
    for logical in text.split('\n') {
        let logical = logical.strip_suffix('\r').unwrap_or(logical);
        let first = rows.len();
        each_row(logical, limit, limit, |row| rows.push(logical[row.kept].to_owned()));
        if rows.len() == first {
            rows.push(String::new());
        }
    }
    rows
}

/// Finds the rows of one logical line (without line breaks); `first` is the room of the first row, `rest` of the others.
pub fn break_line(text: &str, first: usize, rest: usize) -> Vec<Broken> {
    let mut rows = Vec::new();
    each_row(text, first, rest, |row| rows.push(row));
    rows
}

fn each_row(text: &str, first: usize, rest: usize, mut answer: impl FnMut(Broken)) {
    let mut start = 0;
    let mut limit = first.max(1);
    while start < text.len() {
        let row = next_row(text, start, limit);
        start = row.next;
        answer(row);
        limit = rest.max(1);
    }
}

fn next_row(text: &str, start: usize, limit: usize) -> Broken {
    let mut column = 0;
    let mut after_blank = None;
    let mut end = text.len();
    for (offset, cluster) in text[start..].grapheme_indices(true) {
        let at = start + offset;
        let blank = is_blank(cluster);
        let wide = if cluster == "\t" {
            cells::TAB_WIDTH - column % cells::TAB_WIDTH
        } else {
            cells::grapheme_width(cluster)
        };
        if column + wide > limit && wide > 0 {
            end = if at == start {
                at + cluster.len()
            } else if blank {
                at
            } else {
                after_blank.unwrap_or(at)
            };
            break;
        }
        column += wide;
        // Blanks that begin the row do not count: breaking there would make an empty row.
        if blank && !text[start..at].bytes().all(|byte| byte == b' ' || byte == b'\t') {
            after_blank = Some(at + cluster.len());
        }
    }
    let kept = start..start + text[start..end].trim_end_matches([' ', '\t']).len();
    let tail = &text[end..];
    let next = end + (tail.len() - tail.trim_start_matches([' ', '\t']).len());
    Broken { kept, next }
}

fn is_blank(cluster: &str) -> bool {
    cluster == " " || cluster == "\t"
}

/// Wraps a styled line to `limit` cells, each row but the first after `hanging` (counted in the limit).
///
/// The rows break where [`wrap`] would break their text; an empty line gives one empty row.
pub fn wrap_line(line: &[Span], limit: usize, hanging: &[Span]) -> Vec<Line> {
    let text = super::line_plain(line);
    let indent = super::line_width(hanging);
    if limit == 0 || text.is_empty() {
        return vec![Line::new()];
    }
    // An indentation that leaves too little room is given up rather than shown one letter a row.
    let hanging = if indent + 4 > limit { &[] } else { hanging };
    let rest = limit - super::line_width(hanging);
    let mut rows = Vec::new();
    let mut cursor = Cursor { spans: line, index: 0, begin: 0 };
    for row in break_line(&text, limit, rest) {
        let mut cut = if rows.is_empty() { Line::new() } else { hanging.to_vec() };
        cursor.slice(row.kept, &mut cut);
        rows.push(cut);
    }
    rows
}

/// Walks a line's spans once, from left to right.
struct Cursor<'a> {
    spans: &'a [Span],
    index: usize,
    begin: usize,
}

impl Cursor<'_> {
    fn slice(&mut self, range: Range<usize>, into: &mut Line) {
        while let Some(span) = self.spans.get(self.index) {
            let end = self.begin + span.text.len();
            let from = range.start.max(self.begin);
            let to = range.end.min(end);
            if from < to {
                push(into, &span.text[from - self.begin..to - self.begin], &span.style);
            }
            if end > range.end {
                return;
            }
            self.begin = end;
            self.index += 1;
        }
    }
}

fn push(line: &mut Line, text: &str, style: &Style) {
    line.push(Span::new(text.to_owned(), style.clone()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{line_plain, width};

    #[test]
    fn wrapping_follows_the_contract() {
        let table: &[(&str, usize, &[&str])] = &[
            ("", 5, &[""]),
            ("abc", 0, &[""]),
            ("one two three", 7, &["one two", "three"]),
            ("one two three", 8, &["one two", "three"]),
            ("abcdef", 3, &["abc", "def"]),
            ("ab cdefgh", 4, &["ab", "cdef", "gh"]),
            ("a  b", 2, &["a", "b"]),
            ("a\tb", 3, &["a", "b"]),
            ("日本語", 1, &["日", "本", "語"]),
            ("日本語", 3, &["日", "本", "語"]),
            ("a\n\nb", 5, &["a", "", "b"]),
            ("tail   ", 10, &["tail"]),
            ("  indented words", 10, &["  indented", "words"]),
            ("word", 4, &["word"]),
            ("word next", 4, &["word", "next"]),
        ];
        for (text, limit, expected) in table {
            assert_eq!(wrap(text, *limit), *expected, "{text:?} at {limit}");
        }
    }

    #[test]
    fn styled_rows_keep_their_styles_and_hang() {
        let bold = Style::new().with(crate::text::Attrs::BOLD);
        let line = vec![Span::from("- "), Span::new("one two", bold.clone()), Span::from(" three")];
        let rows = wrap_line(&line, 9, &[Span::from("  ")]);
        let texts: Vec<String> = rows.iter().map(|row| line_plain(row)).collect();
        assert_eq!(texts, ["- one two", "  three"]);
        assert_eq!(rows[0][1], Span::new("one two", bold));
    }

    proptest! {
        #[test]
        fn every_row_fits_and_no_visible_character_is_lost(text in "[a-z 日é\t\u{301}👩]{0,80}", limit in 1usize..20) {
            let rows = wrap(&text, limit);
            for row in &rows {
                prop_assert!(width(row) <= limit || row.graphemes(true).count() == 1, "{row:?}");
                prop_assert!(!row.ends_with([' ', '\t']));
            }
            let strip = |s: &str| s.chars().filter(|c| !matches!(c, ' ' | '\t')).collect::<String>();
            prop_assert_eq!(strip(&rows.concat()), strip(&text));
        }

        #[test]
        fn styled_wrapping_breaks_where_plain_wrapping_does(words in proptest::collection::vec("[a-z日 ]{1,6}", 1..12), limit in 4usize..24) {
            let line: Line = words.iter().cloned().map(Span::from).collect();
            let rows: Vec<String> = wrap_line(&line, limit, &[]).iter().map(|row| line_plain(row)).collect();
            prop_assert_eq!(rows, wrap(&words.concat(), limit));
        }
    }
}
