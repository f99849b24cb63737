//! How many cells a text takes: grapheme clusters, wide and ambiguous characters, tabs, control characters.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Distance between tab stops, in cells.
pub const TAB_WIDTH: usize = 4;

/// Iterates over the grapheme clusters of `text` with the cells each takes (tabs as if at column 0).
pub fn graphemes(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.graphemes(true).map(|cluster| (cluster, grapheme_width(cluster)))
}

/// Answers the cells of one grapheme cluster: 0, 1 or 2; a control character takes 2 (`^X`), a tab [`TAB_WIDTH`].
///
/// Ambiguous characters count as narrow, as terminals do by default. A cluster is never wider than two cells.
pub fn grapheme_width(cluster: &str) -> usize {
    let bytes = cluster.as_bytes();
    if let [byte] = bytes {
        return match byte {
            b'\t' => TAB_WIDTH,
            b'\n' | b'\r' => 0,
            0..=31 | 127 => 2,
            _ => 1,
        };
    }
    if cluster == "\r\n" {
        return 0;
    }
    if cluster.chars().next().is_some_and(char::is_control) {
        // The C1 controls are two bytes long and shown as one replacement character.
        return 1;
    }
    UnicodeWidthStr::width(cluster).min(2)
}

/// Answers the cells that `text` takes when it begins at column 0.
pub fn width(text: &str) -> usize {
    width_from(text, 0)
}

/// Answers the column after `text` when it begins at column `start` (tabs reach to the next stop).
pub fn width_from(text: &str, start: usize) -> usize {
    if text.bytes().all(|byte| (32..127).contains(&byte)) {
        return start + text.len();
    }
    let mut column = start;
    for cluster in text.graphemes(true) {
        column += if cluster == "\t" { TAB_WIDTH - column % TAB_WIDTH } else { grapheme_width(cluster) };
    }
    column
}

/// Answers the longest beginning of `text` that takes at most `limit` cells.
pub fn fit(text: &str, limit: usize) -> Cow<'_, str> {
    let mut column = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        let wide = if cluster == "\t" { TAB_WIDTH - column % TAB_WIDTH } else { grapheme_width(cluster) };
        if column + wide > limit {
            return Cow::Borrowed(&text[..at]);
        }
        column += wide;
    }
    Cow::Borrowed(text)
}

/// Cuts `text` to `limit` cells; where something had to go it ends in `…`. A limit of 1 gives `…`, of 0 nothing.
pub fn truncate(text: &str, limit: usize) -> String {
    match limit {
        0 => String::new(),
        _ if width_at_most(text, limit) => text.to_owned(),
        1 => "…".to_owned(),
        _ => {
            let mut cut = fit(text, limit - 1).into_owned();
            cut.push('…');
            cut
        }
    }
}

/// Cuts `text` to `limit` cells without an ellipsis, or fills it with spaces up to them.
pub fn pad_right(text: &str, limit: usize) -> String {
    let mut padded = fit(text, limit).into_owned();
    let used = width(&padded);
    padded.extend(std::iter::repeat_n(' ', limit.saturating_sub(used)));
    padded
}

/// Answers `text` with every control character but line breaks and tabs shown as `^X` (C1 controls as `�`), and
/// bidirectional overrides as `�`: what arrives from outside can be seen, and never acts.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(must_show) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if !must_show(character) {
            shown.push(character);
        } else if character.is_ascii() {
            shown.push('^');
            shown.push((character as u8 ^ 0x40) as char);
        } else {
            shown.push('\u{fffd}');
        }
    }
    Cow::Owned(shown)
}

fn must_show(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Stops as soon as the limit is exceeded, so that a giant text costs only what fits.
fn width_at_most(text: &str, limit: usize) -> bool {
    fit(text, limit).len() == text.len()
}

/// Answers the beginning of a text: at most so many bytes, cut between characters.
pub fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_between_characters() {
        assert_eq!((head("aä", 2), head("aä", 3), head("ä", 1), head("", 5)), ("a", "aä", "", ""));
    }

    #[test]
    fn widths_count_whole_graphemes() {
        let table = [
            ("", 0),
            ("abc", 3),
            ("日本", 4),
            ("e\u{301}", 1),
            ("👩‍👩‍👧", 2),
            ("🇩🇪", 2),
            ("a\tb", 5),
            ("\t", 4),
            ("\u{1b}", 2),
            ("±", 1),
            ("a\nb", 2),
        ];
        for (text, expected) in table {
            assert_eq!(width(text), expected, "{text:?}");
        }
    }

    #[test]
    fn truncation_follows_the_contract() {
        let table = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("日本語", 4, "日…"),
            ("", 3, ""),
        ];
        for (text, limit, expected) in table {
            assert_eq!(truncate(text, limit), expected, "{text:?} to {limit}");
        }
        assert_eq!(pad_right("ab", 4), "ab  ");
        assert_eq!(pad_right("abcd", 3), "abc");
        assert_eq!(pad_right("日本", 3), "日 ");
    }

    #[test]
    fn controls_are_shown() {
        assert_eq!(visible("a\u{1b}[2J\u{7f}"), "a^[[2J^?");
        assert_eq!(visible("ok\n\tok"), "ok\n\tok");
        assert_eq!(visible("\u{9b}\u{202e}"), "\u{fffd}\u{fffd}");
    }
}
