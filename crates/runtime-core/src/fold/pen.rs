//! Colours and attributes of text, as far as they have to be told from each other.

use std::fmt::Write as _;

/// A colour as a sequence names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Colour {
    #[default]
    Default,
    /// One of the sixteen, by its code (30 to 37, 90 to 97; 10 more for the background).
    Named(u16),
    Indexed(u16),
    Rgb(u16, u16, u16),
}

/// How text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pen {
    /// Bit `n` stands for attribute `n`: bold, dim, italic, underline, blink, fast, reverse, hidden, struck.
    attributes: u16,
    foreground: Colour,
    background: Colour,
}

impl Pen {
    /// Changes the pen by the codes of an SGR sequence.
    pub(super) fn apply(&mut self, codes: &[u16]) {
        let mut codes = codes.iter().copied();
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1..=9 => self.attributes |= 1 << code,
                22 => self.attributes &= !(1 << 1 | 1 << 2),
                23..=25 | 27..=29 => self.attributes &= !(1 << (code - 20)),
                30..=37 | 90..=97 => self.foreground = Colour::Named(code),
                40..=47 | 100..=107 => self.background = Colour::Named(code),
                38 => self.foreground = extended(&mut codes),
                48 => self.background = extended(&mut codes),
                58 => drop(extended(&mut codes)),
                39 => self.foreground = Colour::Default,
                49 => self.background = Colour::Default,
                _ => {}
            }
        }
    }

    /// Writes the sequence that makes this pen of another one; nothing if they are the same.
    pub(super) fn write_after(self, before: Self, text: &mut String) {
        if self == before {
            return;
        }
        text.push_str("\x1b[0");
        for attribute in (1..=9).filter(|n| self.attributes & 1 << n != 0) {
            // Writing to a string cannot fail, here and below.
            let _ = write!(text, ";{attribute}");
        }
        for (colour, base) in [(self.foreground, 38), (self.background, 48)] {
            // As above.
            let _ = match colour {
                Colour::Default => Ok(()),
                Colour::Named(code) => write!(text, ";{code}"),
                Colour::Indexed(index) => write!(text, ";{base};5;{index}"),
                Colour::Rgb(r, g, b) => write!(text, ";{base};2;{r};{g};{b}"),
            };
        }
        text.push('m');
    }
}

fn extended(codes: &mut impl Iterator<Item = u16>) -> Colour {
    let mut next = || codes.next().unwrap_or_default();
    match next() {
        5 => Colour::Indexed(next()),
        2 => Colour::Rgb(next(), next(), next()),
        _ => Colour::Default,
    }
}
