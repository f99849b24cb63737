//! Standard output of the commands that print and leave: what fits a terminal's width, and colours only there.
//!
//! Whatever a model or a program has said may hold sequences that act on a terminal. Nothing gets past this module with
//! them: text is made visible, JSON escapes them.

use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal as _, Read, StdoutLock, Write};
use std::os::fd::AsFd as _;

use purlin_kernel::text::theme::{Depth, Ink, Paint, Theme};
use purlin_kernel::text::{Attrs, Span, visible, wrap_line};
use rustix::termios::tcgetwinsize;

use crate::report::{Kind, Report};
use crate::start::variable;

/// Columns where there is no terminal to ask; nothing is cut there, but prose is wrapped.
const ELSEWHERE: usize = 120;

/// Why printing ends.
#[derive(Debug)]
pub enum Stop {
    /// Something failed.
    Failed(Report),
    /// The reader of a pipe has left: it has read what it wanted.
    Unread,
}

impl From<Report> for Stop {
    fn from(report: Report) -> Self {
        Self::Failed(report)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Unread;
        }
        Self::Failed(Report::new(Kind::System, format!("Standard output cannot be written: {error}.")))
    }
}

/// Standard output.
pub struct Console {
    out: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
    width: usize,
    depth: Depth,
    theme: Theme,
}

impl Console {
    /// Looks at what standard output is.
    pub fn new() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let columns = tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
        let width = if is_terminal && columns > 0 { columns } else { ELSEWHERE };
        // The terminal's own sixteen colours fit its background, whichever it is.
        let depth = Depth::from_env(&|name| variable(name)?.into_string().ok()).min(Depth::Ansi16);
        Self { out: BufWriter::new(stdout.lock()), is_terminal, width, depth, theme: Theme::dark() }
    }

    /// Tells whether a person sees the output at once.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The columns to fill.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Prints a line in the colours of the terminal, or plain in a pipe. Blanks at its end are left out.
    pub fn line(&mut self, line: &[Span]) -> Result<(), Stop> {
        let last = line.iter().rposition(|span| !span.text.trim_end().is_empty());
        for (index, span) in line.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = visible(&span.text);
            let text = if Some(index) == last { text.trim_end() } else { &*text };
            let paint = self.theme.resolve(&span.style, self.depth);
            if self.is_terminal && paint != Paint::default() {
                write!(self.out, "\x1b[{}m{text}\x1b[m", codes(&paint))?;
            } else {
                self.out.write_all(text.as_bytes())?;
            }
        }
        Ok(self.out.write_all(b"\n")?)
    }

    /// Prints a line that is wrapped where it does not fit a terminal, with so many blanks before what follows.
    pub fn wrapped(&mut self, line: &[Span], indent: usize) -> Result<(), Stop> {
        if !self.is_terminal {
            return self.line(line);
        }
        let rows = wrap_line(line, self.width, &[Span::from(" ".repeat(indent))]);
        rows.iter().try_for_each(|row| self.line(row))
    }

    /// Prints bytes as they are.
    pub fn bytes(&mut self, from: &mut dyn Read) -> Result<(), Stop> {
        io::copy(from, &mut self.out)?;
        Ok(())
    }

    /// Prints a JSON value on a line of its own.
    pub fn json(&mut self, value: &serde_json::Value) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{}", escaped(&value.to_string()))?)
    }

    /// Prints lines of text and JSON as they are in a pipe; on a terminal nothing in them acts on it.
    pub fn raw(&mut self, text: &str) -> Result<(), Stop> {
        if self.is_terminal {
            self.out.write_all(escaped(text).as_bytes())?;
        } else {
            self.out.write_all(text.as_bytes())?;
        }
        Ok(())
    }

    /// Hands over what was printed.
    pub fn flush(&mut self) -> Result<(), Stop> {
        Ok(self.out.flush()?)
    }
}

/// Waits until nobody can read standard output any more; never completes where that cannot be known.
pub async fn unread() {
    let stdout = io::stdout();
    let watched = stdout.as_fd().try_clone_to_owned().ok();
    match watched.filter(|_| !stdout.is_terminal()) {
        Some(stdout) => purlin_runtime_native::unread(stdout).await,
        None => std::future::pending().await,
    }
}

/// Escapes in JSON what would act on a terminal and JSON allows in texts.
fn escaped(json: &str) -> String {
    let acts = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if acts(character) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{:04x}", character as u32);
        } else {
            text.push(character);
        }
    }
    text
}

/// The SGR codes of a paint.
fn codes(paint: &Paint) -> String {
    const ATTRS: [(Attrs, &str); 6] = [
        (Attrs::BOLD, "1"),
        (Attrs::DIM, "2"),
        (Attrs::ITALIC, "3"),
        (Attrs::UNDERLINE, "4"),
        (Attrs::REVERSE, "7"),
        (Attrs::STRIKE, "9"),
    ];
    let attrs =
        ATTRS.iter().filter(|(attr, _)| paint.attrs.contains(*attr)).map(|(_, code)| (*code).to_owned());
    let inks = [(paint.fg, 30), (paint.bg, 40)].into_iter().filter_map(|(ink, base)| match ink {
        Ink::Indexed(index @ 0..8) => Some((base + u16::from(index)).to_string()),
        Ink::Indexed(index @ 8..16) => Some((base + 52 + u16::from(index)).to_string()),
        _ => None,
    });
    attrs.chain(inks).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_in_json() {
        let json = serde_json::json!({"text": "\u{1b}[31m\u{9b}2J\u{202e}é\n"}).to_string();
        let shown = escaped(&json);
        assert_eq!(shown, r#"{"text":"\u001b[31m\u009b2J\u202eé\n"}"#);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            serde_json::json!({
                "text": "\u{1b}[31m\u{9b}2J\u{202e}é\n"
            })
        );
    }

    #[test]
    fn a_paint_is_written_in_sixteen_colours() {
        let paint = |fg, attrs| Paint { fg, attrs, ..Paint::default() };
        assert_eq!(codes(&paint(Ink::Indexed(1), Attrs::BOLD)), "1;31");
        assert_eq!(codes(&paint(Ink::Indexed(12), Attrs::NONE)), "94");
        assert_eq!(codes(&Paint { bg: Ink::Indexed(8), ..Paint::default() }), "100");
    }
}
