//! How a text that is being edited falls into rows: soft-wrapped, with a place for every character and the caret.
//!
//! Unlike [`purlin_kernel::text::wrap`] nothing is trimmed: blanks at the end of a row hang there, so that every
//! position of the text is somewhere on the screen.

use std::ops::Range;

use purlin_kernel::text::{TAB_WIDTH, grapheme_width};
use unicode_segmentation::UnicodeSegmentation as _;

/// Answers the byte ranges of the rows of one logical line (without its line break); at least one row.
pub fn rows(line: &str, width: usize) -> Vec<Range<usize>> {
    rows_with(line, width, &|_| 0)
}

/// Answers the same where further cells are taken in front of some characters, counted from the line's beginning.
pub(crate) fn rows_with(line: &str, width: usize, inserted: &dyn Fn(usize) -> usize) -> Vec<Range<usize>> {
    let width = width.max(1);
    let mut rows = Vec::new();
    let (mut start, mut column, mut after_blank) = (0, 0, None);
    let mut position = 0;
    for (at, cluster) in line.grapheme_indices(true) {
        let wide = cells(cluster, column) + inserted(position).min(width - 1);
        position += cluster.chars().count();
        let blank = matches!(cluster, " " | "\t");
        // Twice where a break after a blank leaves a rest that is still too long.
        while column + wide > width && !blank && at > start {
            let cut = after_blank.filter(|cut| *cut > start).unwrap_or(at);
            rows.push(start..cut);
            column = columns(&line[cut..at]);
            start = cut;
            after_blank = None;
        }
        column += wide;
        if blank {
            after_blank = Some(at + cluster.len());
        }
    }
    rows.push(start..line.len());
    rows
}

/// Answers the row and column of a byte position of a line that falls into these rows.
pub fn place(line: &str, rows: &[Range<usize>], width: usize, position: usize) -> (usize, usize) {
    let row = rows.iter().rposition(|row| row.start <= position).unwrap_or(0);
    let column = columns(&line[rows[row].start..position.max(rows[row].start)]);
    if column < width {
        return (row, column);
    }
    // The caret stands after a full row: at its end when text follows, else where the next character will appear.
    let at_end = position == line.len() && row + 1 == rows.len();
    if at_end && !line[rows[row].clone()].ends_with([' ', '\t']) {
        (row + 1, 0)
    } else {
        (row, width.saturating_sub(1))
    }
}

/// Answers the byte position of a line that is nearest to a row and column.
pub fn position(line: &str, rows: &[Range<usize>], row: usize, column: usize) -> usize {
    let Some(range) = rows.get(row) else { return line.len() };
    let mut at = 0;
    let text = &line[range.clone()];
    for (offset, cluster) in text.grapheme_indices(true) {
        let wide = cells(cluster, at);
        if at + wide > column {
            return range.start + offset;
        }
        at += wide;
    }
    // The position after the last character of a row that goes on is shown at the beginning of the next.
    if row + 1 < rows.len() {
        range.start + text.grapheme_indices(true).next_back().map_or(0, |(offset, _)| offset)
    } else {
        range.end
    }
}

/// Answers the cells of a text that begins at column 0.
pub fn columns(text: &str) -> usize {
    text.graphemes(true).fold(0, |column, cluster| column + cells(cluster, column))
}

fn cells(cluster: &str, column: usize) -> usize {
    if cluster == "\t" { TAB_WIDTH - column % TAB_WIDTH } else { grapheme_width(cluster) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str, width: usize) -> Vec<&str> {
        rows(line, width).into_iter().map(|row| &line[row]).collect()
    }

    #[test]
    fn rows_break_after_blanks_and_lose_nothing() {
        let table: &[(&str, usize, &[&str])] = &[
            ("", 5, &[""]),
            ("hello", 5, &["hello"]),
            ("hello world", 6, &["hello ", "world"]),
            ("hello  world", 5, &["hello  ", "world"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("日本語", 4, &["日本", "語"]),
            ("日", 1, &["日"]),
        ];
        for (line, width, expected) in table {
            assert_eq!(shown(line, *width), *expected, "{line:?} at {width}");
        }
    }

    #[test]
    fn the_caret_has_a_place() {
        let line = "hello world";
        let rows = rows(line, 6);
        for (at, expected) in [(0, (0, 0)), (5, (0, 5)), (6, (1, 0)), (11, (1, 5))] {
            assert_eq!(place(line, &rows, 6, at), expected, "{at}");
        }
        let full = super::rows("abcdef", 3);
        assert_eq!(place("abcdef", &full, 3, 6), (2, 0));
        assert_eq!(place("日本", &super::rows("日本", 10), 10, 3), (0, 2));
    }

    proptest! {
        #[test]
        fn rows_partition_the_line(line in "[ab日 \t]{0,40}", width in 1usize..12) {
            let found = rows(&line, width);
            let mut next = 0;
            for row in &found {
                prop_assert_eq!(row.start, next);
                next = row.end;
                prop_assert!(columns(line[row.clone()].trim_end()) <= width.max(2));
            }
            prop_assert_eq!(next, line.len());
        }

        #[test]
        fn a_place_leads_back_to_its_position(line in "[ab日 ]{0,40}", width in 2usize..12, index in 0usize..40) {
            let found = rows(&line, width);
            let positions: Vec<usize> = line.grapheme_indices(true).map(|(at, _)| at).collect();
            if let Some(at) = positions.get(index) {
                let (row, column) = place(&line, &found, width, *at);
                if column < width - 1 {
                    prop_assert_eq!(position(&line, &found, row, column), *at);
                }
            }
        }
    }
}
