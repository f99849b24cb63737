//! What the tokens mean: two built-in themes, overrides, and colours for terminals of every depth.

mod file;
mod groups;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Attrs, Color, Style, Token};
use crate::highlight::HighlightSpec;

pub use file::ThemeError;

/// How many colours a surface can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None: attributes alone tell things apart (`NO_COLOR`).
    Mono,
    /// The terminal's own sixteen.
    Ansi16,
    /// The 256-colour palette.
    Ansi256,
    /// Red, green and blue with eight bits each.
    TrueColor,
}

impl Depth {
    /// Reads the depth from the environment: `NO_COLOR`, `COLORTERM`, `TERM`.
    ///
    /// ```
    /// use purlin_kernel::text::theme::Depth;
    /// let env = |name: &str| (name == "TERM").then(|| "xterm-256color".to_owned());
    /// assert_eq!(Depth::from_env(&env), Depth::Ansi256);
    /// ```
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Depth {
        if env("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Depth::Mono;
        }
        let term = env("TERM").unwrap_or_default();
        let color_term = env("COLORTERM").unwrap_or_default();
        if term == "dumb" {
            Depth::Mono
        } else if color_term == "truecolor" || color_term == "24bit" || term.ends_with("-direct") {
            Depth::TrueColor
        } else if term.contains("256color")
            || ["xterm-kitty", "alacritty", "foot", "xterm-ghostty", "wezterm"].contains(&term.as_str())
        {
            Depth::Ansi256
        } else {
            Depth::Ansi16
        }
    }
}

/// A colour that a surface can show as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ink {
    /// The surface's own.
    #[default]
    Default,
    /// An entry of its palette.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// A style as a surface can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Paint {
    /// Colour of the glyphs.
    pub fg: Ink,
    /// Colour behind them.
    pub bg: Ink,
    /// Attributes, those that stand in for missing colours included.
    pub attrs: Attrs,
}

/// The meaning of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The colour where 256 colours or more can be shown.
    pub rich: Ink,
    /// The colour where sixteen can be shown.
    pub basic: Ink,
    /// Attributes that always belong to the token.
    pub attrs: Attrs,
    /// Attributes that stand in where the surface shows no colour for it.
    pub stand_in: Attrs,
}

impl Entry {
    const PLAIN: Entry =
        Entry { rich: Ink::Default, basic: Ink::Default, attrs: Attrs::NONE, stand_in: Attrs::NONE };

    const fn new(rgb: u32, basic: u8) -> Entry {
        Entry { rich: rgb_ink(rgb), basic: Ink::Indexed(basic), ..Entry::PLAIN }
    }

    /// A background that only rich surfaces show.
    const fn subtle(rgb: u32) -> Entry {
        Entry { rich: rgb_ink(rgb), ..Entry::PLAIN }
    }

    const fn attrs(mut self, attrs: Attrs) -> Entry {
        self.attrs = attrs;
        self
    }

    const fn stand_in(mut self, attrs: Attrs) -> Entry {
        self.stand_in = attrs;
        self
    }
}

const fn rgb_ink(rgb: u32) -> Ink {
    Ink::Rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// The meaning of every token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: Rc<str>,
    entries: Vec<Entry>,
    groups: BTreeMap<String, HighlightSpec>,
}

impl Theme {
    /// The built-in theme for dark backgrounds.
    pub fn dark() -> Theme {
        Theme::of("dark", dark)
    }

    /// The built-in theme for light backgrounds.
    pub fn light() -> Theme {
        Theme::of("light", light)
    }

    /// Finds a built-in theme by its name.
    pub fn named(name: &str) -> Option<Theme> {
        match name {
            "dark" => Some(Theme::dark()),
            "light" => Some(Theme::light()),
            _ => None,
        }
    }

    fn of(name: &str, entry: fn(Token) -> Entry) -> Theme {
        let entries = Token::ALL.iter().map(|token| entry(*token)).collect();
        Theme { name: name.into(), entries, groups: BTreeMap::new() }
    }

    /// Answers the theme's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Answers a highlight group that the theme defines.
    pub fn group(&self, name: &str) -> Option<&HighlightSpec> {
        self.groups.get(name)
    }

    /// Lists the names of the highlight groups that the theme defines.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// Answers what a token means.
    pub fn entry(&self, token: Token) -> Entry {
        // `entries` holds one entry for each token, in the order of the enumeration.
        self.entries[token as usize]
    }

    /// Gives a token another meaning.
    pub fn set(&mut self, token: Token, entry: Entry) {
        self.entries[token as usize] = entry;
    }

    /// Gives a token another colour at every depth; a reference to another token takes that token's meaning.
    pub fn set_color(&mut self, token: Token, color: Color) {
        let entry = self.meaning(self.entry(token), color);
        self.set(token, entry);
    }

    /// Answers an entry with another colour at every depth.
    fn meaning(&self, mut entry: Entry, color: Color) -> Entry {
        match color {
            Color::Token(other) => entry = self.entry(other),
            Color::Default => (entry.rich, entry.basic) = (Ink::Default, Ink::Default),
            Color::Indexed(index) => {
                entry.rich = Ink::Indexed(index);
                entry.basic = at_depth(entry.rich, Depth::Ansi16);
            }
            Color::Rgb(r, g, b) => {
                entry.rich = Ink::Rgb(r, g, b);
                entry.basic = at_depth(entry.rich, Depth::Ansi16);
            }
        }
        entry
    }

    /// Answers a style as a surface of this depth can show it, its groups looked up.
    pub fn resolve(&self, style: &Style, depth: Depth) -> Paint {
        let style = self.flatten(style);
        let (fg, fg_attrs) = self.ink(style.fg, depth);
        let (bg, bg_attrs) = self.ink(style.bg, depth);
        Paint { fg, bg, attrs: style.attrs | fg_attrs | bg_attrs }
    }

    fn ink(&self, color: Color, depth: Depth) -> (Ink, Attrs) {
        match color {
            Color::Default => (Ink::Default, Attrs::NONE),
            Color::Indexed(index) => (at_depth(Ink::Indexed(index), depth), Attrs::NONE),
            Color::Rgb(r, g, b) => (at_depth(Ink::Rgb(r, g, b), depth), Attrs::NONE),
            Color::Token(token) => {
                let entry = self.in_force(token);
                let ink = if depth <= Depth::Ansi16 { entry.basic } else { entry.rich };
                let ink = at_depth(ink, depth);
                let stand_in = if ink == Ink::Default { entry.stand_in } else { Attrs::NONE };
                (ink, entry.attrs | stand_in)
            }
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Theme::dark()
    }
}

fn dark(token: Token) -> Entry {
    match token {
        Token::Accent => Entry::new(0x8a_b4f8, 12).stand_in(Attrs::BOLD),
        Token::BashMode | Token::SyntaxKeyword => Entry::new(0xc5_8fd6, 13).stand_in(Attrs::BOLD),
        Token::Border => Entry::new(0x4d_535e, 8).stand_in(Attrs::DIM),
        Token::BorderAccent | Token::SyntaxFunction => Entry::new(0x8a_b4f8, 12),
        Token::BorderMuted => Entry::new(0x36_3b44, 8).stand_in(Attrs::DIM),
        Token::CodeBg => Entry::subtle(0x20_2329),
        Token::CodeText => Entry::new(0xc9_bfa3, 6),
        Token::CustomMessageBg => Entry::subtle(0x27_2430),
        Token::DiffAdd => Entry::new(0x86_c691, 2),
        Token::DiffDelete => Entry::new(0xe0_7a80, 1),
        Token::Dim => Entry::subtle(0x86_8d9a).stand_in(Attrs::DIM),
        Token::Error => Entry::new(0xf0_7b80, 9).stand_in(Attrs::BOLD),
        Token::Muted => Entry::subtle(0x63_6a76).stand_in(Attrs::DIM),
        Token::SelectedBg => Entry::subtle(0x2e_3542).stand_in(Attrs::REVERSE),
        Token::Success => Entry::new(0x8f_c58c, 2),
        Token::Text => Entry::PLAIN,
        Token::ThinkingText => Entry::subtle(0x86_8d9a).attrs(Attrs::ITALIC).stand_in(Attrs::DIM),
        Token::ToolErrorBg => Entry::subtle(0x2c_2023),
        Token::ToolPendingBg => Entry::subtle(0x22_252b),
        Token::ToolSuccessBg => Entry::subtle(0x20_2629),
        Token::UserMessageBg => Entry::subtle(0x25_2931),
        Token::Warning => Entry::new(0xe3_c078, 3).stand_in(Attrs::BOLD),
        Token::Link => Entry::new(0x8a_b4f8, 12).attrs(Attrs::UNDERLINE),
        Token::Search => Entry::new(0x5c_4d20, 3).stand_in(Attrs::REVERSE),
        Token::Selection => Entry::subtle(0x37_4a6b).stand_in(Attrs::REVERSE),
        Token::Heading => Entry::PLAIN.attrs(Attrs::BOLD),
        Token::Quote => Entry::subtle(0xa0_a7b3).stand_in(Attrs::DIM),
        Token::CursorLine => Entry::subtle(0x21_242a),
        Token::SyntaxComment => Entry::subtle(0x7d_8592).attrs(Attrs::ITALIC).stand_in(Attrs::DIM),
        Token::SyntaxString => Entry::new(0x9c_c48a, 2),
        Token::SyntaxNumber => Entry::new(0xdb_a46c, 3),
        Token::SyntaxType => Entry::new(0x7f_c4c9, 6),
        Token::SyntaxMeta => Entry::new(0xd4_a0b0, 5),
    }
}

fn light(token: Token) -> Entry {
    match token {
        Token::Accent => Entry::new(0x1f_5fbf, 4).stand_in(Attrs::BOLD),
        Token::BashMode | Token::SyntaxKeyword => Entry::new(0x8a_3a9e, 5).stand_in(Attrs::BOLD),
        Token::Border => Entry::new(0xb4_bac4, 7).stand_in(Attrs::DIM),
        Token::BorderAccent | Token::SyntaxFunction => Entry::new(0x1f_5fbf, 4),
        Token::BorderMuted => Entry::new(0xd5_d9e0, 7).stand_in(Attrs::DIM),
        Token::CodeBg => Entry::subtle(0xf1_f2f4),
        Token::CodeText => Entry::new(0x6f_5317, 6),
        Token::CustomMessageBg => Entry::subtle(0xf3_eff8),
        Token::DiffAdd | Token::Success | Token::SyntaxString => Entry::new(0x1e_7a34, 2),
        Token::DiffDelete => Entry::new(0xb3_2b33, 1),
        Token::Dim => Entry::subtle(0x69_717d).stand_in(Attrs::DIM),
        Token::Error => Entry::new(0xb8_2a32, 1).stand_in(Attrs::BOLD),
        Token::Muted => Entry::subtle(0x8d_949f).stand_in(Attrs::DIM),
        Token::SelectedBg => Entry::subtle(0xdd_e6f5).stand_in(Attrs::REVERSE),
        Token::Text => Entry::PLAIN,
        Token::ThinkingText => Entry::subtle(0x69_717d).attrs(Attrs::ITALIC).stand_in(Attrs::DIM),
        Token::ToolErrorBg => Entry::subtle(0xfb_eced),
        Token::ToolPendingBg => Entry::subtle(0xf3_f4f6),
        Token::ToolSuccessBg => Entry::subtle(0xf0_f5f1),
        Token::UserMessageBg => Entry::subtle(0xee_f1f6),
        Token::Warning => Entry::new(0x8a_6100, 3).stand_in(Attrs::BOLD),
        Token::Link => Entry::new(0x1f_5fbf, 4).attrs(Attrs::UNDERLINE),
        Token::Search => Entry::new(0xf6_e3a1, 3).stand_in(Attrs::REVERSE),
        Token::Selection => Entry::subtle(0xc9_dbf7).stand_in(Attrs::REVERSE),
        Token::Heading => Entry::PLAIN.attrs(Attrs::BOLD),
        Token::Quote => Entry::subtle(0x56_5e6a).stand_in(Attrs::DIM),
        Token::CursorLine => Entry::subtle(0xf5_f6f8),
        Token::SyntaxComment => Entry::subtle(0x6b_7380).attrs(Attrs::ITALIC).stand_in(Attrs::DIM),
        Token::SyntaxNumber => Entry::new(0x9a_5b00, 3),
        Token::SyntaxType => Entry::new(0x0f_6e78, 6),
        Token::SyntaxMeta => Entry::new(0xa0_365f, 5),
    }
}

/// Answers the nearest colour that a surface of this depth can show.
pub fn at_depth(ink: Ink, depth: Depth) -> Ink {
    match (ink, depth) {
        (_, Depth::Mono) | (Ink::Default, _) => Ink::Default,
        (Ink::Rgb(r, g, b), Depth::Ansi256) => Ink::Indexed(nearest_256(r, g, b)),
        (Ink::Rgb(r, g, b), Depth::Ansi16) => Ink::Indexed(nearest_16(r, g, b)),
        (Ink::Indexed(index @ 16..), Depth::Ansi16) => {
            let (r, g, b) = palette(index);
            Ink::Indexed(nearest_16(r, g, b))
        }
        (ink, _) => ink,
    }
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];
const BASIC: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

fn palette(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => BASIC[usize::from(index)],
        16..=231 => {
            let cell = usize::from(index - 16);
            (CUBE[cell / 36], CUBE[cell / 6 % 6], CUBE[cell % 6])
        }
        232.. => {
            let level = 8 + (index - 232) * 10;
            (level, level, level)
        }
    }
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    let step = |value: u8| (0..6).min_by_key(|i| CUBE[*i].abs_diff(value)).unwrap_or(0) as u8;
    let cube = 16 + 36 * step(r) + 6 * step(g) + step(b);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let gray = 232 + (mean.saturating_sub(3) / 10).min(23) as u8;
    let wanted = (r, g, b);
    if distance(palette(gray), wanted) < distance(palette(cube), wanted) { gray } else { cube }
}

fn nearest_16(r: u8, g: u8, b: u8) -> u8 {
    (0..16u8).min_by_key(|index| distance(palette(*index), (r, g, b))).unwrap_or(7)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let part = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    part(a.0, b.0) + part(a.1, b.1) + part(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Part;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_environment_decides_the_depth() {
        let table: &[(&[(&str, &str)], Depth)] = &[
            (&[], Depth::Ansi16),
            (&[("TERM", "xterm-256color")], Depth::Ansi256),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Depth::TrueColor),
            (&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Depth::Mono),
            (&[("NO_COLOR", ""), ("TERM", "xterm-256color")], Depth::Ansi256),
            (&[("TERM", "dumb")], Depth::Mono),
            (&[("TERM", "linux")], Depth::Ansi16),
        ];
        for (pairs, expected) in table {
            assert_eq!(Depth::from_env(&env(pairs)), *expected, "{pairs:?}");
        }
    }

    #[test]
    fn without_colour_attributes_stand_in() {
        let theme = Theme::dark();
        for token in Token::ALL {
            let paint = theme.resolve(&Style::fg(*token).on(*token), Depth::Mono);
            assert_eq!((paint.fg, paint.bg), (Ink::Default, Ink::Default), "{token:?}");
        }
        assert_eq!(theme.resolve(&Style::fg(Token::Dim), Depth::Mono).attrs, Attrs::DIM);
        assert_eq!(theme.resolve(&Style::new().on(Token::SelectedBg), Depth::Ansi16).attrs, Attrs::REVERSE);
    }

    #[test]
    fn colours_come_down_to_the_nearest() {
        assert_eq!(at_depth(Ink::Rgb(255, 0, 0), Depth::Ansi256), Ink::Indexed(196));
        assert_eq!(at_depth(Ink::Rgb(250, 5, 5), Depth::Ansi16), Ink::Indexed(9));
        assert_eq!(at_depth(Ink::Indexed(196), Depth::Ansi16), Ink::Indexed(9));
        assert_eq!(at_depth(Ink::Indexed(3), Depth::Ansi16), Ink::Indexed(3));
        assert_eq!(at_depth(Ink::Rgb(1, 2, 3), Depth::TrueColor), Ink::Rgb(1, 2, 3));
    }

    #[test]
    fn groups_are_looked_up_when_a_style_is_painted() {
        let spec = |style: Style| HighlightSpec { link: None, style };
        let mut theme = Theme::dark();
        theme.set_group("todo", spec(Style::fg(Color::Rgb(1, 2, 3)).with(Attrs::BOLD)));
        theme.set_group(
            "later",
            HighlightSpec { link: Some("todo".into()), style: Style::new().with(Attrs::ITALIC) },
        );
        let paint = |theme: &Theme, style: &Style| theme.resolve(style, Depth::TrueColor);
        let over = Style::new().on(Color::Rgb(9, 9, 9)).patch(&Style::group("later"));
        let expected =
            Paint { fg: Ink::Rgb(1, 2, 3), bg: Ink::Rgb(9, 9, 9), attrs: Attrs::BOLD | Attrs::ITALIC };
        assert_eq!(paint(&theme, &over), expected);
        assert_eq!(paint(&theme, &over.patch(&Style::group("no such group"))), expected);
        let part = Style::group_part("later", Part::Fg);
        assert_eq!(paint(&theme, &part), Paint { fg: Ink::Rgb(1, 2, 3), ..Paint::default() });
        theme.set_group("todo", spec(Style::fg(Color::Rgb(4, 5, 6))));
        assert_eq!(paint(&theme, &over).fg, Ink::Rgb(4, 5, 6));
    }

    #[test]
    fn a_token_looks_like_the_group_of_its_name() {
        let spec = |style: Style| HighlightSpec { link: None, style };
        let mut theme = Theme::dark();
        let error = theme.entry(Token::Error).rich;
        theme.set_group("accent", spec(Style::fg(Token::Error).with(Attrs::BOLD)));
        theme.set_group("selectedBg", spec(Style::fg(Color::Rgb(7, 7, 7)).on(Color::Rgb(8, 8, 8))));
        let style = Style::fg(Token::Accent).on(Token::SelectedBg);
        let paint = theme.resolve(&style, Depth::TrueColor);
        assert_eq!(paint, Paint { fg: error, bg: Ink::Rgb(8, 8, 8), attrs: Attrs::BOLD });
        assert_eq!(theme.resolve(&style, Depth::Mono).attrs, Attrs::BOLD | Attrs::REVERSE);
        // Two that name each other end; so do colours that name groups in a circle.
        theme.set_group("error", spec(Style::fg(Token::Accent)));
        assert_ne!(theme.resolve(&style, Depth::TrueColor).fg, Ink::Default);
        let circle = Style::group_part("a", Part::Fg).patch(&Style::group_part("a", Part::Bg));
        theme.set_group("a", HighlightSpec { link: Some("a".into()), style: circle.clone() });
        assert_eq!(theme.resolve(&circle, Depth::TrueColor), Paint::default());
    }

    #[test]
    fn a_token_takes_another_colour() {
        let mut theme = Theme::light();
        theme.set_color(Token::Accent, Color::Token(Token::Error));
        assert_eq!(theme.entry(Token::Accent), theme.entry(Token::Error));
        theme.set_color(Token::Accent, Color::Rgb(255, 255, 255));
        assert_eq!(theme.entry(Token::Accent).basic, Ink::Indexed(15));
    }
}
