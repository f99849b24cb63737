//! Text with SGR sequences in it, as styled lines.
//!
//! [`parse`] takes what an extension hands over: SGR becomes styles, every other control character is shown.
//! [`output`] takes what a program printed to what it thought was a terminal: SGR and hyperlinks become styles, a
//! carriage return and a backspace overwrite, every other sequence is dropped.

use std::rc::Rc;

use super::{Attrs, Color, Line, Span, Style, cells};

/// Turns a text that may hold line breaks and SGR sequences into lines; other control characters are shown as `^X`.
pub fn parse(text: &str) -> Vec<Line> {
    Reader::new(false).read(text)
}

/// Turns the output of a program into lines: what a terminal would show of it without cursor movements.
pub fn output(text: &str) -> Vec<Line> {
    Reader::new(true).read(text)
}

struct Reader {
    from_program: bool,
    style: Style,
    text: String,
    line: Line,
    lines: Vec<Line>,
}

impl Reader {
    fn new(from_program: bool) -> Reader {
        Reader {
            from_program,
            style: Style::default(),
            text: String::new(),
            line: Line::new(),
            lines: Vec::new(),
        }
    }

    fn read(mut self, text: &str) -> Vec<Line> {
        let mut rest = text;
        while !rest.is_empty() {
            let plain = rest.find(|c: char| c.is_control()).unwrap_or(rest.len());
            self.text.push_str(&rest[..plain]);
            rest = &rest[plain..];
            let Some(control) = rest.chars().next() else { break };
            let used = match control {
                '\n' => self.end_line(),
                '\t' => self.tab(),
                '\u{1b}' => self.escape(rest),
                '\r' if self.from_program => self.carriage_return(rest),
                '\u{8}' if self.from_program => self.backspace(),
                _ if self.from_program => 0,
                _ => self.show(control),
            };
            rest = &rest[used.max(control.len_utf8())..];
        }
        self.flush();
        self.lines.push(self.line);
        self.lines
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.line.push(Span::new(std::mem::take(&mut self.text), self.style.clone()));
        }
    }

    fn end_line(&mut self) -> usize {
        self.flush();
        self.lines.push(std::mem::take(&mut self.line));
        1
    }

    fn tab(&mut self) -> usize {
        let column = super::line_width(&self.line) + cells::width(&self.text);
        let gap = cells::TAB_WIDTH - column % cells::TAB_WIDTH;
        self.text.extend(std::iter::repeat_n(' ', gap));
        1
    }

    /// A progress bar rewrites its line; a line ending `\r\n` does not.
    fn carriage_return(&mut self, rest: &str) -> usize {
        let after = rest.trim_start_matches('\r');
        if !after.is_empty() && !after.starts_with('\n') {
            self.text.clear();
            self.line.clear();
        }
        rest.len() - after.len()
    }

    fn backspace(&mut self) -> usize {
        self.text.pop();
        1
    }

    fn show(&mut self, control: char) -> usize {
        let mut buffer = [0; 4];
        self.text.push_str(&cells::visible(control.encode_utf8(&mut buffer)));
        control.len_utf8()
    }

    /// Handles a sequence that begins with escape; answers how many bytes it takes.
    fn escape(&mut self, rest: &str) -> usize {
        if let Some((parameters, last, used)) = control_sequence(rest) {
            if last == 'm' && !parameters.starts_with(['<', '=', '>', '?']) {
                self.flush();
                apply(&mut self.style, parameters);
                return used;
            }
            if self.from_program {
                return used;
            }
        } else if self.from_program {
            return self.other_escape(rest);
        }
        self.show('\u{1b}')
    }

    fn other_escape(&mut self, rest: &str) -> usize {
        let Some(body) = rest.strip_prefix("\u{1b}]") else {
            // Intermediates and one final character; the text of other string sequences is better shown than lost.
            let body = rest[1..].trim_start_matches(|c| matches!(c, '\u{20}'..='\u{2f}'));
            let last =
                body.chars().next().filter(|c| matches!(c, '\u{30}'..='\u{7e}')).map_or(0, char::len_utf8);
            return rest.len() - body.len() + last;
        };
        let end = body.find(['\u{7}', '\u{1b}']).unwrap_or(body.len());
        if let Some(link) = body[..end].strip_prefix("8;") {
            self.flush();
            let url = link.split_once(';').map_or("", |(_, url)| url);
            self.style.url = (!url.is_empty()).then(|| Rc::from(url));
        }
        let closed = &body[end..];
        2 + end + if closed.starts_with("\u{1b}\\") { 2 } else { usize::from(closed.starts_with('\u{7}')) }
    }
}

/// Splits `ESC [ parameters final`; answers parameters, the final character and the length, if it is complete.
fn control_sequence(text: &str) -> Option<(&str, char, usize)> {
    let body = text.strip_prefix("\u{1b}[")?;
    let end = body.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}'))?;
    let last = body[end..].chars().next().filter(|c| matches!(c, '\u{40}'..='\u{7e}'))?;
    Some((&body[..end], last, 2 + end + 1))
}

/// Applies the parameters of one SGR sequence to a style.
pub fn apply(style: &mut Style, parameters: &str) {
    let mut codes = parameters.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
    while let Some(code) = codes.next() {
        match code {
            0 => *style = Style { url: style.url.clone(), ..Style::default() },
            1 => style.attrs = style.attrs | Attrs::BOLD,
            2 => style.attrs = style.attrs | Attrs::DIM,
            3 => style.attrs = style.attrs | Attrs::ITALIC,
            4 => style.attrs = style.attrs | Attrs::UNDERLINE,
            7 => style.attrs = style.attrs | Attrs::REVERSE,
            9 => style.attrs = style.attrs | Attrs::STRIKE,
            22 => style.attrs = style.attrs.without(Attrs::BOLD | Attrs::DIM),
            23 => style.attrs = style.attrs.without(Attrs::ITALIC),
            24 => style.attrs = style.attrs.without(Attrs::UNDERLINE),
            27 => style.attrs = style.attrs.without(Attrs::REVERSE),
            29 => style.attrs = style.attrs.without(Attrs::STRIKE),
            30..=37 => style.fg = Color::Indexed((code - 30) as u8),
            38 => style.fg = extended(&mut codes).unwrap_or(style.fg),
            39 => style.fg = Color::Default,
            40..=47 => style.bg = Color::Indexed((code - 40) as u8),
            48 => style.bg = extended(&mut codes).unwrap_or(style.bg),
            49 => style.bg = Color::Default,
            90..=97 => style.fg = Color::Indexed((code - 90 + 8) as u8),
            100..=107 => style.bg = Color::Indexed((code - 100 + 8) as u8),
            _ => {}
        }
    }
}

fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<Color> {
    let byte = |value: u16| value.min(255) as u8;
    match codes.next()? {
        5 => codes.next().map(|index| Color::Indexed(byte(index))),
        2 => Some(Color::Rgb(byte(codes.next()?), byte(codes.next()?), byte(codes.next()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::line_plain;

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line_plain(line)).collect()
    }

    #[test]
    fn styles_come_from_the_sequences() {
        let lines = parse("a\u{1b}[1;31mb\u{1b}[0m\nc\u{1b}[38;2;1;2;3md\u{1b}[48;5;7me");
        assert_eq!(texts(&lines), ["ab", "cde"]);
        assert_eq!(lines[0][1].style, Style::fg(Color::Indexed(1)).with(Attrs::BOLD));
        assert_eq!(lines[1][1].style, Style::fg(Color::Rgb(1, 2, 3)));
        assert_eq!(lines[1][2].style, Style::fg(Color::Rgb(1, 2, 3)).on(Color::Indexed(7)));
    }

    #[test]
    fn an_extension_sees_its_control_characters() {
        let table = [
            ("a\u{1b}[2Jb", "a^[[2Jb"),
            ("\r", "^M"),
            ("\u{1b}", "^["),
            ("\u{1b}[31", "^[[31"),
            ("a\tb", "a   b"),
        ];
        for (text, expected) in table {
            assert_eq!(texts(&parse(text)), [expected], "{text:?}");
        }
    }

    #[test]
    fn output_of_programs_is_cleaned() {
        let table: &[(&str, &[&str])] = &[
            ("10%\r20%\r100%\ndone", &["100%", "done"]),
            ("a\r\nb\r\n", &["a", "b", ""]),
            ("\u{1b}[2K\u{1b}[1Gok\u{1b}(B", &["ok"]),
            ("\u{1b}]0;title\u{7}text", &["text"]),
            ("\u{1b}]8;;https://x.test\u{1b}\\link\u{1b}]8;;\u{1b}\\", &["link"]),
            ("ab\u{8}c\u{7}", &["ac"]),
            ("\u{1b}]0;never closed", &[""]),
        ];
        for (text, expected) in table {
            assert_eq!(texts(&output(text)), *expected, "{text:?}");
        }
        let link = &output("\u{1b}]8;;https://x.test\u{1b}\\link")[0][0];
        assert_eq!(link.style.url.as_deref(), Some("https://x.test"));
    }

    proptest! {
        #[test]
        fn nothing_that_acts_gets_through(text in "[\\x00-\\x7fé\u{9b}]{0,60}") {
            for line in parse(&text).iter().chain(output(&text).iter()) {
                prop_assert!(!line_plain(line).chars().any(char::is_control));
            }
        }
    }
}
