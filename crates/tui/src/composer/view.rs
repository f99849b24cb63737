//! Which rows of the composer are shown, and where in them the caret is.

use std::ops::Range;

use purlin_kernel::{Rope, text::Line};

use super::{
    marks::Decor,
    rows::{place, rows_with},
};

/// Where the first shown row is: a logical line and a row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Top {
    line: usize,
    row: usize,
}

/// A text that is edited, the columns it has, and what marks add to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) rope: &'a Rope,
    pub(crate) width: usize,
    pub(crate) decor: &'a Decor,
}

/// One shown row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Row {
    /// Its text.
    pub(crate) text: String,
    /// The position of its first character; absent for a line that a mark puts below.
    pub(crate) start: Option<usize>,
    /// Whether it is the last row of its line.
    pub(crate) ends: bool,
    /// What a mark puts below the line.
    pub(crate) virt: Option<Line>,
}

/// What of a text is shown in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// Row (of those shown) and column of the caret.
    pub(crate) caret: (usize, usize),
    /// Whether text lies above what is shown.
    pub(crate) above: bool,
    /// Whether text lies below.
    pub(crate) below: bool,
}

/// One logical line and its rows.
struct Laid {
    text: String,
    rows: Vec<Range<usize>>,
    /// Lines that marks put below it.
    below: Vec<Line>,
    /// The position of its first character.
    start: usize,
}

impl Laid {
    fn new(text: &Text<'_>, line: usize) -> Laid {
        let own = text_of(text.rope, line);
        let start = text.rope.line_to_char(line);
        let end = start + own.chars().count();
        let rows = rows_with(&own, text.width, &|at| text.decor.inline_width(start + at));
        Laid { below: text.decor.below(start, end), text: own, rows, start }
    }

    /// Counts its rows, with what marks put below.
    fn height(&self, caret: Option<usize>) -> usize {
        self.own(caret) + self.below.len()
    }

    fn own(&self, caret: Option<usize>) -> usize {
        self.rows.len().max(caret.map_or(0, |row| row + 1))
    }

    /// Answers one of its rows; `own` is how many it has itself.
    fn row(&self, row: usize, own: usize) -> Row {
        if let Some(virt) = row.checked_sub(own) {
            return Row { virt: self.below.get(virt).cloned(), ..Row::default() };
        }
        let Some(range) = self.rows.get(row) else {
            // The caret stands below a full row.
            let start = Some(self.start + self.text.chars().count());
            return Row { start, ends: true, ..Row::default() };
        };
        let start = self.start + self.text[..range.start].chars().count();
        Row {
            text: self.text[range.clone()].to_owned(),
            start: Some(start),
            ends: row + 1 == self.rows.len(),
            virt: None,
        }
    }
}

fn text_of(rope: &Rope, line: usize) -> String {
    let mut text = String::from(rope.line(line));
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
}

/// Answers how many rows the text and its caret take, at most `most`.
pub(crate) fn height(text: &Text<'_>, cursor: usize, most: usize) -> usize {
    let mut count = 0;
    let caret = caret(text, cursor);
    for line in 0..text.rope.len_lines() {
        let laid = Laid::new(text, line);
        count += laid.height((line == caret.line).then_some(caret.row));
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

fn caret(text: &Text<'_>, cursor: usize) -> Caret {
    let rope = text.rope;
    let cursor = cursor.min(rope.len_chars());
    let line = rope.char_to_line(cursor);
    let laid = Laid::new(text, line);
    let byte = (rope.char_to_byte(cursor) - rope.line_to_byte(line)).min(laid.text.len());
    let (row, column) = place(&laid.text, &laid.rows, text.width, byte);
    let from = laid.rows.get(row).map_or(laid.text.len(), |range| range.start);
    let shown = laid.text[from.min(byte)..byte].chars().count();
    let first = laid.start + laid.text[..from.min(byte)].chars().count();
    let inserted: usize = (first..=first + shown).map(|at| text.decor.inline_width(at)).sum();
    Caret { line, row, column: (column + inserted).min(text.width.saturating_sub(1)) }
}

/// Answers what is shown in `height` rows, scrolled as little as keeps the caret in sight.
pub(crate) fn view(text: &Text<'_>, cursor: usize, height: usize, top: &mut Top) -> View {
    let height = height.max(1);
    let caret = caret(text, cursor);
    let lowest = Top { line: caret.line, row: caret.row };
    let highest = up(text, lowest, height - 1);
    *top = (*top).clamp(highest, lowest);
    let mut shown =
        View { rows: Vec::new(), caret: (0, caret.column), above: *top > Top::default(), below: false };
    let mut at = *top;
    while at.line < text.rope.len_lines() {
        let laid = Laid::new(text, at.line);
        let here = (at.line == caret.line).then_some(caret.row);
        let own = laid.own(here);
        for row in at.row..laid.height(here) {
            if shown.rows.len() == height {
                shown.below = true;
                return shown;
            }
            if here == Some(row) {
                shown.caret.0 = shown.rows.len();
            }
            shown.rows.push(laid.row(row, own));
        }
        at = Top { line: at.line + 1, row: 0 };
    }
    // Text that has become shorter leaves no empty rows below while there is some above.
    let missing = height - shown.rows.len();
    if shown.above && missing > 0 {
        *top = up(text, *top, missing);
        return view(text, cursor, height, &mut top.clone());
    }
    shown
}

/// Goes `count` rows up, at most to the beginning.
fn up(text: &Text<'_>, from: Top, count: usize) -> Top {
    let mut at = from;
    let mut left = count;
    while left > at.row {
        if at.line == 0 {
            return Top::default();
        }
        left -= at.row + 1;
        at.line -= 1;
        at.row = Laid::new(text, at.line).height(None) - 1;
    }
    Top { row: at.row - left, ..at }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, cursor: usize, width: usize, height: usize) -> View {
        let (rope, decor) = (Rope::from_str(text), Decor::default());
        view(&Text { rope: &rope, width, decor: &decor }, cursor, height, &mut Top::default())
    }

    fn texts(view: &View) -> Vec<&str> {
        view.rows.iter().map(|row| row.text.as_str()).collect()
    }

    #[test]
    fn the_caret_is_always_in_sight() {
        let text = "one\ntwo\nthree\nfour";
        let seen = shown(text, text.chars().count(), 10, 2);
        assert_eq!(texts(&seen), ["three", "four"]);
        assert_eq!((seen.caret, seen.above, seen.below), ((1, 4), true, false));
        let seen = shown(text, 0, 10, 2);
        assert_eq!(texts(&seen), ["one", "two"]);
        assert_eq!((seen.caret, seen.above, seen.below), ((0, 0), false, true));
    }

    #[test]
    fn a_full_row_leaves_the_caret_below() {
        let seen = shown("abc", 3, 3, 4);
        assert_eq!((seen.rows.len(), seen.caret), (2, (1, 0)));
        let (rope, decor) = (Rope::from_str("abc"), Decor::default());
        let text = Text { rope: &rope, width: 3, decor: &decor };
        assert_eq!((height(&text, 3, 12), height(&text, 1, 12)), (2, 1));
    }

    proptest! {
        #[test]
        fn any_text_and_size_show_the_caret(text in "[ab日 \n]{0,60}", cursor in 0usize..60, width in 1usize..12, height in 1usize..6, line in 0usize..5) {
            let rope = Rope::from_str(&text);
            let (mut top, decor) = (Top { line, row: 0 }, Decor::default());
            let seen = view(&Text { rope: &rope, width, decor: &decor }, cursor, height, &mut top);
            prop_assert!(seen.rows.len() <= height && !seen.rows.is_empty());
            prop_assert!(seen.caret.0 < seen.rows.len());
            prop_assert!(seen.caret.1 < width.max(1));
        }
    }
}
