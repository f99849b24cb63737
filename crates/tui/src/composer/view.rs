//! Which rows of the composer are shown, and where in them the caret is.

use std::ops::Range;

use purlin_kernel::Rope;

use super::rows::{place, position, rows};

/// Where the first shown row is: a logical line and a row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Top {
    line: usize,
    row: usize,
}

/// What of a text is shown in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The text of each row.
    pub rows: Vec<String>,
    /// Row (of those shown) and column of the caret.
    pub caret: (usize, usize),
    /// Whether text lies above what is shown.
    pub above: bool,
    /// Whether text lies below.
    pub below: bool,
}

/// One logical line and its rows.
struct Laid {
    text: String,
    rows: Vec<Range<usize>>,
}

impl Laid {
    fn new(rope: &Rope, line: usize, width: usize) -> Laid {
        let text = text_of(rope, line);
        let rows = rows(&text, width);
        Laid { text, rows }
    }
}

fn text_of(rope: &Rope, line: usize) -> String {
    let mut text = String::from(rope.line(line));
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
}

/// Answers how many rows the text and its caret take, at most `most`.
pub fn height(rope: &Rope, cursor: usize, width: usize, most: usize) -> usize {
    let mut count = 0;
    let caret = caret(rope, cursor, width);
    for line in 0..rope.len_lines() {
        let laid = Laid::new(rope, line, width);
        let own = laid.rows.len().max(if line == caret.line { caret.row + 1 } else { 0 });
        count += own;
        if count >= most {
            return most;
        }
    }
    count.max(1)
}

/// Where the caret is in the whole text.
struct Caret {
    line: usize,
    row: usize,
    column: usize,
}

fn caret(rope: &Rope, cursor: usize, width: usize) -> Caret {
    let cursor = cursor.min(rope.len_chars());
    let line = rope.char_to_line(cursor);
    let laid = Laid::new(rope, line, width);
    let byte = rope.char_to_byte(cursor) - rope.line_to_byte(line);
    let (row, column) = place(&laid.text, &laid.rows, width, byte.min(laid.text.len()));
    Caret { line, row, column }
}

/// Answers what is shown in `height` rows, scrolled as little as keeps the caret in sight.
pub fn view(rope: &Rope, cursor: usize, width: usize, height: usize, top: &mut Top) -> View {
    let height = height.max(1);
    let caret = caret(rope, cursor, width);
    let lowest = Top { line: caret.line, row: caret.row };
    let highest = up(rope, width, lowest, height - 1);
    *top = (*top).clamp(highest, lowest);
    let mut shown =
        View { rows: Vec::new(), caret: (0, caret.column), above: *top > Top::default(), below: false };
    let mut at = *top;
    while at.line < rope.len_lines() {
        let laid = Laid::new(rope, at.line, width);
        let count = laid.rows.len().max(if at.line == caret.line { caret.row + 1 } else { 0 });
        for row in at.row..count {
            if shown.rows.len() == height {
                shown.below = true;
                return shown;
            }
            if at.line == caret.line && row == caret.row {
                shown.caret.0 = shown.rows.len();
            }
            shown.rows.push(
                laid.rows.get(row).map_or_else(String::new, |range| laid.text[range.clone()].to_owned()),
            );
        }
        at = Top { line: at.line + 1, row: 0 };
    }
    // Text that has become shorter leaves no empty rows below while there is some above.
    let missing = height - shown.rows.len();
    if shown.above && missing > 0 {
        *top = up(rope, width, *top, missing);
        return view(rope, cursor, width, height, &mut top.clone());
    }
    shown
}

/// Goes `count` rows up, at most to the beginning.
fn up(rope: &Rope, width: usize, from: Top, count: usize) -> Top {
    let mut at = from;
    let mut left = count;
    while left > at.row {
        if at.line == 0 {
            return Top::default();
        }
        left -= at.row + 1;
        at.line -= 1;
        at.row = Laid::new(rope, at.line, width).rows.len() - 1;
    }
    Top { row: at.row - left, ..at }
}

/// Answers the caret's position one row up or down at the column nearest to `column`; `None` at the first or last row.
pub fn vertical(
    rope: &Rope,
    cursor: usize,
    width: usize,
    down: bool,
    column: Option<usize>,
) -> Option<(usize, usize)> {
    let caret = caret(rope, cursor, width);
    let column = column.unwrap_or(caret.column);
    let laid = Laid::new(rope, caret.line, width);
    let (line, row) = match (down, caret.row) {
        (false, 0) => {
            let line = caret.line.checked_sub(1)?;
            (line, Laid::new(rope, line, width).rows.len() - 1)
        }
        (false, row) => (caret.line, row - 1),
        (true, row) if row + 1 < laid.rows.len() => (caret.line, row + 1),
        (true, _) if caret.line + 1 < rope.len_lines() => (caret.line + 1, 0),
        (true, _) => return None,
    };
    let target = Laid::new(rope, line, width);
    let byte = position(&target.text, &target.rows, row, column);
    Some((rope.byte_to_char(rope.line_to_byte(line) + byte), column))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, cursor: usize, width: usize, height: usize) -> View {
        view(&Rope::from_str(text), cursor, width, height, &mut Top::default())
    }

    #[test]
    fn the_caret_is_always_in_sight() {
        let text = "one\ntwo\nthree\nfour";
        let seen = shown(text, text.chars().count(), 10, 2);
        assert_eq!(seen.rows, ["three", "four"]);
        assert_eq!((seen.caret, seen.above, seen.below), ((1, 4), true, false));
        let seen = shown(text, 0, 10, 2);
        assert_eq!(seen.rows, ["one", "two"]);
        assert_eq!((seen.caret, seen.above, seen.below), ((0, 0), false, true));
    }

    #[test]
    fn a_full_row_leaves_the_caret_below() {
        let seen = shown("abc", 3, 3, 4);
        assert_eq!((seen.rows.len(), seen.caret), (2, (1, 0)));
        assert_eq!(height(&Rope::from_str("abc"), 3, 3, 12), 2);
        assert_eq!(height(&Rope::from_str("abc"), 1, 3, 12), 1);
    }

    #[test]
    fn motions_keep_their_column() {
        let rope = Rope::from_str("abcdef\nx\nabcdef");
        let (first, column) = vertical(&rope, 4, 20, true, None).expect("a line below");
        assert_eq!((first, column), (8, 4));
        let (second, _) = vertical(&rope, first, 20, true, Some(column)).expect("a line below");
        assert_eq!(second, 13);
        assert_eq!(vertical(&rope, second, 20, true, None), None);
        assert_eq!(vertical(&rope, 2, 20, false, None), None);
        assert_eq!(vertical(&rope, 2, 3, true, None).map(|(at, _)| at), Some(5));
    }

    proptest! {
        #[test]
        fn any_text_and_size_show_the_caret(text in "[ab日 \n]{0,60}", cursor in 0usize..60, width in 1usize..12, height in 1usize..6, line in 0usize..5) {
            let rope = Rope::from_str(&text);
            let mut top = Top { line, row: 0 };
            let seen = view(&rope, cursor, width, height, &mut top);
            prop_assert!(seen.rows.len() <= height && !seen.rows.is_empty());
            prop_assert!(seen.caret.0 < seen.rows.len());
            prop_assert!(seen.caret.1 < width.max(1));
        }
    }
}
