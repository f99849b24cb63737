//! Blocks of code: on a background of their own, highlighted where somebody knows the language.

use super::block::NARROWEST;
use crate::text::{Highlighter, Line, Span, Style, Token, cells, span::spaces};

/// Answers the rows of a code block as they can be shown: control characters visible, tabs as blanks.
pub(super) fn rows(text: &str) -> impl Iterator<Item = String> + '_ {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .map(|row| expand_tabs(&cells::visible(row.trim_end_matches('\r')), 0))
}

/// Lays out code, one cell of its background on each side; a row that is too long goes on in the next.
pub(super) fn lay_out(text: &str, label: &str, width: usize, painter: Option<&dyn Highlighter>) -> Vec<Line> {
    let ground = Style::new().on(Token::CodeBg);
    let margin = usize::from(width > NARROWEST);
    let room = width - 2 * margin;
    let mut lines = Vec::new();
    let mut row = |text: Line| {
        let used: usize = text.iter().map(Span::width).sum();
        let mut line = Line::new();
        if margin > 0 {
            line.push(Span::new(" ", ground.clone()));
        }
        line.extend(text);
        let rest = width.saturating_sub(used + margin);
        if rest > 0 {
            line.push(Span::new(spaces(rest), ground.clone()));
        }
        lines.push(line);
    };
    if !label.is_empty() {
        let label = cells::fit(&cells::visible(label), room).into_owned();
        row(vec![Span::new(label, ground.clone().with_fg(Token::Muted))]);
    }
    let colored = painter.filter(|_| !label.is_empty()).and_then(|painter| painter.glance(text, label));
    let colored = colored.unwrap_or_default();
    let plain = ground.clone().with_fg(Token::CodeText);
    for (at, source) in rows(text).enumerate() {
        let line = match colored.get(at) {
            Some(spans) => shown(spans, &ground),
            None => vec![Span::new(source, plain.clone())],
        };
        for piece in broken(&line, room) {
            row(piece);
        }
    }
    lines
}

/// Answers highlighted spans on the block's background, as they can be shown.
fn shown(spans: &[Span], ground: &Style) -> Line {
    let mut column = 0;
    let mut line = Line::new();
    for span in spans {
        let text = expand_tabs(&cells::visible(span.text.trim_end_matches(['\r', '\n'])), column);
        column += cells::width(&text);
        line.push(Span::new(text, ground.patch(&span.style)));
    }
    line
}

/// Cuts a line into pieces that fit; at least one piece, each with at least one grapheme.
fn broken(line: &[Span], room: usize) -> Vec<Line> {
    let mut pieces = vec![Line::new()];
    let mut used = 0;
    for span in line {
        let mut rest: &str = &span.text;
        while !rest.is_empty() {
            let mut end = cells::fit(rest, room.saturating_sub(used)).len();
            if end == 0 && used == 0 {
                end = cells::graphemes(rest).next().map_or(rest.len(), |(cluster, _)| cluster.len());
            }
            if end > 0 {
                let (piece, after) = rest.split_at(end);
                used += cells::width(piece);
                rest = after;
                if let Some(last) = pieces.last_mut() {
                    last.push(Span::new(piece.to_owned(), span.style.clone()));
                }
            }
            if !rest.is_empty() {
                pieces.push(Line::new());
                used = 0;
            }
        }
    }
    pieces
}

/// Puts blanks in the place of tabs, for a text that begins at a column.
fn expand_tabs(text: &str, column: usize) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut pieces = text.split('\t');
    if let Some(first) = pieces.next() {
        expanded.push_str(first);
    }
    for piece in pieces {
        let gap = cells::TAB_WIDTH - (column + cells::width(&expanded)) % cells::TAB_WIDTH;
        expanded.extend(std::iter::repeat_n(' ', gap));
        expanded.push_str(piece);
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{line_plain, line_width};

    /// Every digit is a number; nothing else is known.
    struct Digits;

    impl Highlighter for Digits {
        fn lines(&self, code: &str, language: &str) -> Option<Vec<Line>> {
            let number = Style::fg(Token::SyntaxNumber);
            let line = |row: &str| {
                row.chars()
                    .map(|c| {
                        let style = if c.is_ascii_digit() { number.clone() } else { Style::default() };
                        Span::new(c.to_string(), style)
                    })
                    .collect()
            };
            (language == "digits").then(|| code.lines().map(line).collect())
        }
    }

    fn plain(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line_plain(line).trim_end().to_owned()).collect()
    }

    #[test]
    fn highlighting_changes_colours_and_nothing_else() {
        let table = ["a1\tb2\n\n日本3\n", "1\u{1b}[2J", "", "a long row of 12345 words that is cut\n"];
        for text in table {
            for width in [1, 3, 9, 12, 40] {
                let painted = lay_out(text, "digits", width, Some(&Digits));
                let bare = lay_out(text, "digits", width, None);
                assert_eq!(plain(&painted), plain(&bare), "{text:?} at {width}");
                assert!(painted.iter().all(|line| line_width(line) <= width.max(2)), "{text:?} at {width}");
            }
        }
        let painted = lay_out("a1", "digits", 20, Some(&Digits));
        let one = painted[1].iter().find(|span| span.text == "1").expect("it is there");
        assert_eq!(one.style, Style::fg(Token::SyntaxNumber).on(Token::CodeBg));
    }
}
