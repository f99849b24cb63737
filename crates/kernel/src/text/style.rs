//! What a piece of text looks like, before a theme gives its tokens a meaning.

use std::{fmt, rc::Rc};

/// A colour: a token of the theme, an entry of the terminal's palette, a fixed value, or the terminal's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Color {
    /// The surface's default foreground or background.
    #[default]
    Default,
    /// A colour that the theme decides.
    Token(Token),
    /// An entry of the 256-colour palette; 0 to 15 are the terminal's own colours.
    Indexed(u8),
    /// A fixed red, green and blue.
    Rgb(u8, u8, u8),
}

impl Color {
    /// Parses `#rgb`, `#rrggbb`, a palette index (`"12"`), `default`, or the name of a theme token.
    pub fn parse(text: &str) -> Option<Color> {
        if let Some(hex) = text.strip_prefix('#') {
            return parse_hex(hex);
        }
        if text == "default" || text.is_empty() {
            return Some(Color::Default);
        }
        if let Ok(index) = text.parse::<u8>() {
            return Some(Color::Indexed(index));
        }
        Token::from_name(text).map(Color::Token)
    }
}

impl From<Token> for Color {
    fn from(token: Token) -> Self {
        Color::Token(token)
    }
}

fn parse_hex(hex: &str) -> Option<Color> {
    if !hex.is_ascii() {
        return None;
    }
    let value = u32::from_str_radix(hex, 16).ok()?;
    match hex.len() {
        6 => Some(Color::Rgb((value >> 16) as u8, (value >> 8) as u8, value as u8)),
        3 => {
            let digit = |shift: u32| ((value >> shift) & 0xf) as u8 * 17;
            Some(Color::Rgb(digit(8), digit(4), digit(0)))
        }
        _ => None,
    }
}

/// A set of text attributes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attrs(u8);

impl Attrs {
    /// No attribute.
    pub const NONE: Attrs = Attrs(0);
    /// Heavier strokes.
    pub const BOLD: Attrs = Attrs(1);
    /// Lower intensity.
    pub const DIM: Attrs = Attrs(2);
    /// Slanted.
    pub const ITALIC: Attrs = Attrs(4);
    /// A line below.
    pub const UNDERLINE: Attrs = Attrs(8);
    /// Foreground and background exchanged.
    pub const REVERSE: Attrs = Attrs(16);
    /// A line through.
    pub const STRIKE: Attrs = Attrs(32);

    /// Every single attribute with the name it has in the Lua API.
    pub const NAMES: [(&'static str, Attrs); 6] = [
        ("bold", Attrs::BOLD),
        ("dim", Attrs::DIM),
        ("italic", Attrs::ITALIC),
        ("underline", Attrs::UNDERLINE),
        ("reverse", Attrs::REVERSE),
        ("strike", Attrs::STRIKE),
    ];

    /// Tells whether every attribute of `other` is set.
    pub const fn contains(self, other: Attrs) -> bool {
        self.0 & other.0 == other.0
    }

    /// Answers the attributes of both.
    #[must_use]
    pub const fn union(self, other: Attrs) -> Attrs {
        Attrs(self.0 | other.0)
    }

    /// Answers these attributes without those of `other`.
    #[must_use]
    pub const fn without(self, other: Attrs) -> Attrs {
        Attrs(self.0 & !other.0)
    }

    /// Tells whether nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Attrs {
    type Output = Attrs;
    fn bitor(self, other: Attrs) -> Attrs {
        self.union(other)
    }
}

impl fmt::Debug for Attrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            Attrs::NAMES.iter().filter(|(_, a)| self.contains(*a)).map(|(n, _)| *n).collect();
        write!(f, "Attrs({})", names.join("|"))
    }
}

/// Which colours of a highlight group are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Everything: both colours, attributes and link.
    Whole,
    /// The colour of the glyphs.
    Fg,
    /// The colour behind them.
    Bg,
}

/// A highlight group by its name, over another style; what the group looks like is asked when it is painted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupLayer {
    /// What lies below it.
    pub under: Style,
    /// The group's name.
    pub group: Rc<str>,
    /// What is taken of it.
    pub part: Part,
    depth: u8,
}

impl GroupLayer {
    /// More groups than this on top of one another are nobody's design; of the lowest only its own colours are kept.
    const DEEPEST: u8 = 16;

    fn new(under: Style, group: Rc<str>, part: Part) -> Rc<GroupLayer> {
        let below = under.layer.as_ref().map_or(0, |layer| layer.depth);
        let under = if below < GroupLayer::DEEPEST { under } else { Style { layer: None, ..under } };
        let depth = under.layer.as_ref().map_or(0, |layer| layer.depth) + 1;
        Rc::new(GroupLayer { under, group, part, depth })
    }
}

/// How text looks: two colours, attributes and a hyperlink, and the highlight groups that these lie on.
///
/// Groups stay names until a surface paints them ([`super::theme::Theme::flatten`]): what was drawn or kept before a
/// group or the theme changed has the new colours without being drawn again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Style {
    /// Colour of the glyphs.
    pub fg: Color,
    /// Colour behind them.
    pub bg: Color,
    /// Bold, dim, italic, underline, reverse, strike.
    pub attrs: Attrs,
    /// Where a click leads (OSC 8), if anywhere.
    pub url: Option<Rc<str>>,
    /// What the fields above lie on.
    pub layer: Option<Rc<GroupLayer>>,
}

impl Style {
    /// Answers the default style: the surface's own colours and no attribute.
    pub fn new() -> Style {
        Style::default()
    }

    /// Answers a style with this foreground and nothing else.
    pub fn fg(color: impl Into<Color>) -> Style {
        Style { fg: color.into(), ..Style::default() }
    }

    /// Answers the style of a highlight group, which is looked up when it is painted.
    pub fn group(name: impl Into<Rc<str>>) -> Style {
        Style::group_part(name, Part::Whole)
    }

    /// Answers a part of the style of a highlight group, which is looked up when it is painted.
    pub fn group_part(name: impl Into<Rc<str>>, part: Part) -> Style {
        Style { layer: Some(GroupLayer::new(Style::default(), name.into(), part)), ..Style::default() }
    }

    /// Answers this style on another background.
    #[must_use]
    pub fn on(mut self, color: impl Into<Color>) -> Style {
        self.bg = color.into();
        self
    }

    /// Answers this style with another foreground.
    #[must_use]
    pub fn with_fg(mut self, color: impl Into<Color>) -> Style {
        self.fg = color.into();
        self
    }

    /// Answers this style with further attributes.
    #[must_use]
    pub fn with(mut self, attrs: Attrs) -> Style {
        self.attrs = self.attrs.union(attrs);
        self
    }

    /// Answers this style as a link.
    #[must_use]
    pub fn link(mut self, url: impl Into<Rc<str>>) -> Style {
        self.url = Some(url.into());
        self
    }

    /// Tells whether this colour was laid behind it, whatever lies above.
    pub fn is_on(&self, color: impl Into<Color>) -> bool {
        let color = color.into();
        self.bg == color || self.layer.as_ref().is_some_and(|layer| layer.under.is_on(color))
    }

    /// Lays `top` over this style: its colours and link where it has any, the attributes of both.
    #[must_use]
    pub fn patch(&self, top: &Style) -> Style {
        if let Some(layer) = &top.layer {
            let under = self.patch(&layer.under);
            let layer = if under == layer.under {
                Rc::clone(layer)
            } else {
                GroupLayer::new(under, Rc::clone(&layer.group), layer.part)
            };
            return Style { layer: Some(layer), ..top.clone() };
        }
        Style {
            fg: if top.fg == Color::Default { self.fg } else { top.fg },
            bg: if top.bg == Color::Default { self.bg } else { top.bg },
            attrs: self.attrs.union(top.attrs),
            url: top.url.clone().or_else(|| self.url.clone()),
            layer: self.layer.clone(),
        }
    }
}

impl Token {
    /// Tells whether it colours what is behind the glyphs.
    pub fn is_background(self) -> bool {
        self.name().ends_with("Bg") || matches!(self, Token::Search | Token::Selection | Token::CursorLine)
    }

    /// Answers the style of the highlight group that has its name.
    pub fn style(self) -> Style {
        if self.is_background() { Style::new().on(self) } else { Style::fg(self) }
    }
}

macro_rules! tokens {
    ($($constant:ident = $name:literal, $doc:literal;)*) => {
        /// A named colour of the theme. The names are those that `purlin.ui.theme_tokens()` lists.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(non_camel_case_types, missing_docs)]
        #[repr(u8)]
        pub enum Token { $(#[doc = $doc] $constant,)* }

        impl Token {
            /// Every token, in the order of its definition.
            pub const ALL: &'static [Token] = &[$(Token::$constant,)*];

            /// Answers the token's name in the API and in theme files.
            pub const fn name(self) -> &'static str {
                match self { $(Token::$constant => $name,)* }
            }

            /// Finds a token by its name.
            pub fn from_name(name: &str) -> Option<Token> {
                match name { $($name => Some(Token::$constant),)* _ => None }
            }
        }
    };
}

tokens! {
    Accent = "accent", "What the eye should find: the prompt marker, the chosen item.";
    BashMode = "bashMode", "The composer while its text is a shell command.";
    Border = "border", "A window's border.";
    BorderAccent = "borderAccent", "The border of what has the focus.";
    BorderMuted = "borderMuted", "A border that should hardly be seen.";
    CodeBg = "codeBg", "Background of code blocks.";
    CodeText = "codeText", "Code, inline and in blocks.";
    CustomMessageBg = "customMessageBg", "Background of notes that extensions show.";
    DiffAdd = "diffAdd", "An added line.";
    DiffDelete = "diffDelete", "A removed line.";
    Dim = "dim", "What is secondary.";
    Error = "error", "A failure.";
    Muted = "muted", "What is hardly worth reading.";
    SelectedBg = "selectedBg", "Background of the chosen item of a list.";
    Success = "success", "What went well.";
    Text = "text", "Ordinary text.";
    ThinkingText = "thinkingText", "The model's reasoning.";
    ToolErrorBg = "toolErrorBg", "Background of a failed tool call.";
    ToolPendingBg = "toolPendingBg", "Background of a running tool call.";
    ToolSuccessBg = "toolSuccessBg", "Background of a finished tool call.";
    UserMessageBg = "userMessageBg", "Background of what the person wrote.";
    Warning = "warning", "What deserves a second look.";
    Link = "link", "A hyperlink.";
    Search = "search", "Background of a search hit.";
    Selection = "selection", "Background of selected text.";
    Heading = "heading", "A heading.";
    Quote = "quote", "Quoted text.";
    CursorLine = "cursorLine", "Background of the line with the cursor.";
    SyntaxComment = "syntaxComment", "Code: a comment.";
    SyntaxKeyword = "syntaxKeyword", "Code: a keyword or an operator that is a word.";
    SyntaxString = "syntaxString", "Code: a string or a character.";
    SyntaxNumber = "syntaxNumber", "Code: a number or another constant.";
    SyntaxType = "syntaxType", "Code: a type, a class, a tag.";
    SyntaxFunction = "syntaxFunction", "Code: a function where it is defined or called.";
    SyntaxMeta = "syntaxMeta", "Code: an attribute, a macro, a preprocessor line, a key.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_parse_as_the_api_writes_them() {
        let table = [
            ("#ff8000", Some(Color::Rgb(255, 128, 0))),
            ("#f80", Some(Color::Rgb(255, 136, 0))),
            ("12", Some(Color::Indexed(12))),
            ("accent", Some(Color::Token(Token::Accent))),
            ("default", Some(Color::Default)),
            ("#ff80", None),
            ("#é0", None),
            ("nonsense", None),
        ];
        for (text, expected) in table {
            assert_eq!(Color::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn token_names_are_unique_and_round_trip() {
        for token in Token::ALL {
            assert_eq!(Token::from_name(token.name()), Some(*token));
        }
    }

    #[test]
    fn a_patch_keeps_what_the_top_leaves_open() {
        let base = Style::fg(Token::Dim).on(Token::CodeBg).with(Attrs::BOLD);
        let top = Style::fg(Color::Indexed(1)).with(Attrs::ITALIC);
        let both = base.patch(&top);
        assert_eq!(both, Style::fg(Color::Indexed(1)).on(Token::CodeBg).with(Attrs::BOLD | Attrs::ITALIC));
    }

    #[test]
    fn a_pile_of_groups_has_a_bottom() {
        let pile = (0..100_000)
            .fold(Style::fg(Token::Dim), |under, at| under.patch(&Style::group(format!("group {}", at % 7))));
        assert!(pile.layer.is_some_and(|layer| layer.depth <= GroupLayer::DEEPEST));
    }
}
