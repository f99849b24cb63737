//! The pen a terminal holds: colours, attributes and link of what is printed next.

use std::rc::Rc;

use purlin_kernel::text::{
    Attrs,
    theme::{Ink, Paint},
};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pen {
    paint: Paint,
    url: Option<Rc<str>>,
    /// Whether the terminal may hold something else.
    unknown: bool,
}

impl Pen {
    pub(super) fn unknown() -> Pen {
        Pen { unknown: true, ..Pen::default() }
    }

    /// Appends the cheapest sequence after which the terminal holds this pen.
    pub(super) fn set(&mut self, paint: &Paint, url: Option<&Rc<str>>, out: &mut Vec<u8>) {
        if self.unknown {
            out.extend_from_slice(b"\x1b[0m\x1b]8;;\x1b\\");
            *self = Pen::default();
        }
        if self.paint != *paint {
            let whole = codes(&Paint::default(), paint);
            let change = codes(&self.paint, paint);
            if *paint == Paint::default() {
                out.extend_from_slice(b"\x1b[m");
            } else if change.len() <= whole.len() + 2 {
                sequence("", &change, out);
            } else {
                sequence("0;", &whole, out);
            }
            self.paint = *paint;
        }
        if self.url.as_ref() != url {
            let target = url.map_or("", |url| url);
            out.extend_from_slice(b"\x1b]8;;");
            out.extend(target.bytes().filter(|byte| (0x20..0x7f).contains(byte)));
            out.extend_from_slice(b"\x1b\\");
            self.url = url.cloned();
        }
    }
}

fn sequence(first: &str, codes: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[");
    out.extend_from_slice(first.as_bytes());
    out.extend_from_slice(codes.trim_end_matches(';').as_bytes());
    out.push(b'm');
}

/// Answers the SGR codes, each with a semicolon, that lead from one paint to another.
fn codes(from: &Paint, to: &Paint) -> String {
    const ON: [(Attrs, &str, &str); 6] = [
        (Attrs::BOLD, "1;", "22;"),
        (Attrs::DIM, "2;", "22;"),
        (Attrs::ITALIC, "3;", "23;"),
        (Attrs::UNDERLINE, "4;", "24;"),
        (Attrs::REVERSE, "7;", "27;"),
        (Attrs::STRIKE, "9;", "29;"),
    ];
    let mut codes = String::new();
    let mut held = from.attrs;
    for (attr, _, off) in ON {
        if held.contains(attr) && !to.attrs.contains(attr) {
            codes.push_str(off);
            held = held.without(attr);
            if off == "22;" {
                held = held.without(Attrs::BOLD | Attrs::DIM);
            }
        }
    }
    for (attr, on, _) in ON {
        if to.attrs.contains(attr) && !held.contains(attr) {
            codes.push_str(on);
        }
    }
    ink(from.fg, to.fg, 30, &mut codes);
    ink(from.bg, to.bg, 40, &mut codes);
    codes
}

fn ink(from: Ink, to: Ink, base: u8, codes: &mut String) {
    if from == to {
        return;
    }
    let text = match to {
        Ink::Default => format!("{};", base + 9),
        Ink::Indexed(index @ 0..=7) => format!("{};", base + index),
        Ink::Indexed(index @ 8..=15) => format!("{};", base + 60 + index - 8),
        Ink::Indexed(index) => format!("{};5;{index};", base + 8),
        Ink::Rgb(r, g, b) => format!("{};2;{r};{g};{b};", base + 8),
    };
    codes.push_str(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(from: &Paint, to: &Paint) -> String {
        let mut pen = Pen { paint: *from, ..Pen::default() };
        let mut out = Vec::new();
        pen.set(to, None, &mut out);
        String::from_utf8(out).expect("SGR is ASCII")
    }

    #[test]
    fn the_cheapest_change_is_sent() {
        let plain = Paint::default();
        let red = Paint { fg: Ink::Indexed(1), ..plain };
        let bold = Paint { attrs: Attrs::BOLD, ..plain };
        let both = Paint { attrs: Attrs::BOLD | Attrs::DIM, fg: Ink::Rgb(1, 2, 3), ..plain };
        let table = [
            (plain, plain, ""),
            (plain, red, "\x1b[31m"),
            (red, plain, "\x1b[m"),
            (red, bold, "\x1b[0;1m"),
            (bold, both, "\x1b[2;38;2;1;2;3m"),
            (both, bold, "\x1b[0;1m"),
            (plain, Paint { bg: Ink::Indexed(9), ..plain }, "\x1b[101m"),
            (plain, Paint { bg: Ink::Indexed(200), ..plain }, "\x1b[48;5;200m"),
        ];
        for (from, to, expected) in table {
            assert_eq!(bytes(&from, &to), expected, "{from:?} to {to:?}");
        }
    }
}
