//! Pieces of styled text, and lines of them.

use std::borrow::Cow;

use super::{Style, cells};

/// A piece of text in one style. Its text holds no line break.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// What is shown.
    pub text: Cow<'static, str>,
    /// How it looks.
    pub style: Style,
}

impl Span {
    /// Answers a span of `text` in `style`.
    pub fn new(text: impl Into<Cow<'static, str>>, style: Style) -> Span {
        Span { text: text.into(), style }
    }

    /// Answers the span's width in terminal cells, as if it began at column 0.
    pub fn width(&self) -> usize {
        cells::width(&self.text)
    }
}

impl From<&'static str> for Span {
    fn from(text: &'static str) -> Self {
        Span::new(text, Style::default())
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Span::new(text, Style::default())
    }
}

/// One row of spans, from left to right.
pub type Line = Vec<Span>;

/// Answers a line of one unstyled span; an empty text gives an empty line.
pub fn plain(text: impl Into<Cow<'static, str>>) -> Line {
    styled(text, Style::default())
}

/// Answers a line of one span; an empty text gives an empty line.
pub fn styled(text: impl Into<Cow<'static, str>>, style: Style) -> Line {
    let text = text.into();
    if text.is_empty() { Vec::new() } else { vec![Span { text, style }] }
}

const BLANKS: &str = "                                                                                ";

/// Answers `count` spaces; no allocation up to eighty.
pub(crate) fn spaces(count: usize) -> Cow<'static, str> {
    BLANKS.get(..count).map_or_else(|| Cow::Owned(" ".repeat(count)), Cow::Borrowed)
}

/// Answers a line's width in terminal cells.
pub fn line_width(line: &[Span]) -> usize {
    line.iter().fold(0, |column, span| cells::width_from(&span.text, column))
}

/// Answers a line's text without its styles.
pub fn line_plain(line: &[Span]) -> String {
    line.iter().map(|span| span.text.as_ref()).collect()
}

/// Cuts a line to `width` cells; where something had to go, the last cell shows `…` in the style of what was cut.
pub fn line_truncate(line: Line, width: usize) -> Line {
    if line_width(&line) <= width {
        return line;
    }
    if width == 0 {
        return Vec::new();
    }
    let mut kept = Line::new();
    let mut used = 0;
    for span in line {
        let room = width - 1 - used;
        let wide = span.width();
        if wide <= room {
            used += wide;
            kept.push(span);
            continue;
        }
        let mut text = cells::fit(&span.text, room).into_owned();
        text.push('…');
        kept.push(Span::new(text, span.style));
        return kept;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_ends_in_an_ellipsis_and_fits() {
        let line = vec![Span::from("abc"), Span::from("日本語")];
        for width in 0..10 {
            let cut = line_truncate(line.clone(), width);
            assert!(line_width(&cut) <= width, "{width}: {cut:?}");
        }
        assert_eq!(line_plain(&line_truncate(line.clone(), 6)), "abc日…");
        assert_eq!(line_truncate(line.clone(), 9), line);
    }
}
