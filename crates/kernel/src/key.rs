//! Keys: how they are written, read and compared.

use std::fmt;
use std::rc::Rc;

/// Modifiers held with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mods {
    /// Control.
    pub ctrl: bool,
    /// Alt or option.
    pub alt: bool,
    /// Shift; never set on a printable character, whose case and symbol say it.
    pub shift: bool,
    /// Command, super or windows.
    pub meta: bool,
}

impl Mods {
    /// No modifier.
    pub const NONE: Self = Self { ctrl: false, alt: false, shift: false, meta: false };
    /// Control alone.
    pub const CTRL: Self = Self { ctrl: true, ..Self::NONE };
    /// Alt alone.
    pub const ALT: Self = Self { alt: true, ..Self::NONE };
    /// Shift alone.
    pub const SHIFT: Self = Self { shift: true, ..Self::NONE };
}

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the key of that name")]
pub enum KeyCode {
    /// A printable character as typed.
    Char(char),
    Escape,
    Enter,
    Tab,
    Backspace,
    Delete,
    Insert,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    /// A function key, 1 to 24.
    F(u8),
    /// In a keymap: whatever key.
    Any,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("escape", KeyCode::Escape),
    ("enter", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
    ("esc", KeyCode::Escape),
    ("cr", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("bs", KeyCode::Backspace),
    ("del", KeyCode::Delete),
    ("ins", KeyCode::Insert),
    ("pageup", KeyCode::PageUp),
    ("page_up", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("page_down", KeyCode::PageDown),
    ("pgdown", KeyCode::PageDown),
    ("plus", KeyCode::Char('+')),
    ("minus", KeyCode::Char('-')),
    ("lt", KeyCode::Char('<')),
    ("gt", KeyCode::Char('>')),
    ("bar", KeyCode::Char('|')),
    ("bslash", KeyCode::Char('\\')),
];

/// The characters shift makes on the keyboard most layouts descend from.
const SHIFTED: &[(char, char)] = &[
    ('1', '!'),
    ('2', '@'),
    ('3', '#'),
    ('4', '$'),
    ('5', '%'),
    ('6', '^'),
    ('7', '&'),
    ('8', '*'),
    ('9', '('),
    ('0', ')'),
    ('-', '_'),
    ('=', '+'),
    ('[', '{'),
    (']', '}'),
    ('\\', '|'),
    (';', ':'),
    ('\'', '"'),
    (',', '<'),
    ('.', '>'),
    ('/', '?'),
    ('`', '~'),
];

impl KeyCode {
    /// Answers the key's name: the character itself, or a word such as `enter`.
    pub fn name(self) -> String {
        match self {
            Self::Char(' ') => "space".into(),
            Self::Char(c) => c.to_string(),
            Self::F(n) => format!("f{n}"),
            Self::Any => "*".into(),
            code => NAMED.iter().find(|(_, known)| *known == code).map_or("", |(name, _)| name).to_owned(),
        }
    }

    /// The words that are names of keys, other spellings included.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }

    /// Reads the name of a key: a character, or a word such as `enter` or `esc`.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let mut chars = name.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Some(Self::Char(c));
        }
        let lower = name.to_lowercase();
        if let Some(number) = lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
            return (1..=24).contains(&number).then_some(Self::F(number));
        }
        NAMED.iter().find(|(known, _)| *known == lower).map(|(_, code)| *code)
    }
}

/// A key with its modifiers, in the one spelling that compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The key.
    pub code: KeyCode,
    /// What is held with it.
    pub mods: Mods,
}

/// Why a key's spelling is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyParseError {
    /// Nothing was written.
    #[error("the key is empty")]
    Empty,
    /// A name or modifier is unknown.
    #[error("`{part}` is not a key (in `{text}`)")]
    Unknown {
        /// The part that is not understood.
        part: String,
        /// The whole spelling.
        text: String,
    },
}

impl Key {
    /// Makes a key in its comparable spelling.
    pub fn new(code: KeyCode, mods: Mods) -> Self {
        Self { code, mods }.normal()
    }

    /// Makes a key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self::new(code, Mods::NONE)
    }

    /// Folds shift into printable characters: shift+a alone is `A`, shift+/ is `?`; with another modifier letters
    /// stay small and keep their shift.
    fn normal(mut self) -> Self {
        let KeyCode::Char(c) = self.code else { return self };
        if c.is_alphabetic() {
            if self.mods.ctrl || self.mods.meta {
                // Terminals without the newer protocol cannot tell ctrl+S from ctrl+s; shift is written out.
                self.code = KeyCode::Char(c.to_lowercase().next().unwrap_or(c));
            } else if self.mods.shift {
                self.code = KeyCode::Char(c.to_uppercase().next().unwrap_or(c));
                self.mods.shift = false;
            }
        } else if self.mods.shift && c != ' ' {
            if let Some((_, shifted)) = SHIFTED.iter().find(|(plain, _)| *plain == c) {
                self.code = KeyCode::Char(*shifted);
            }
            self.mods.shift = false;
        }
        self
    }

    /// Reads a sequence: keys apart by blanks, `<…>` around a key where wanted, aliases and cases as people write.
    pub fn parse(text: &str) -> Result<Vec<Self>, KeyParseError> {
        if text == " " {
            return Ok(vec![Self::plain(KeyCode::Char(' '))]);
        }
        let mut keys = Vec::new();
        for word in text.split_whitespace() {
            let mut rest = word;
            while !rest.is_empty() {
                let (part, tail) = split_angle(rest);
                keys.push(parse_one(part, text)?);
                rest = tail;
            }
        }
        if keys.is_empty() { Err(KeyParseError::Empty) } else { Ok(keys) }
    }

    /// Reads exactly one key.
    pub fn parse_single(text: &str) -> Result<Self, KeyParseError> {
        match Self::parse(text)?.as_slice() {
            [key] => Ok(*key),
            _ => Err(KeyParseError::Unknown { part: text.to_owned(), text: text.to_owned() }),
        }
    }

    /// Tells whether it is ctrl+c.
    pub fn is_ctrl_c(self) -> bool {
        self.code == KeyCode::Char('c') && self.mods.ctrl && !self.mods.alt && !self.mods.meta
    }
}

/// Splits `<…>` or everything off the front.
fn split_angle(text: &str) -> (&str, &str) {
    if let Some(end) = text.strip_prefix('<').and_then(|rest| rest.find('>'))
        && end > 0
    {
        return (&text[1..=end], &text[end + 2..]);
    }
    match text.char_indices().skip(1).find(|(_, c)| *c == '<') {
        // `a<cr>` is two keys, `ctrl+<` is one.
        Some((at, _)) if text[at..].contains('>') && !text[..at].ends_with(['+', '-']) => text.split_at(at),
        _ => (text, ""),
    }
}

fn parse_one(part: &str, text: &str) -> Result<Key, KeyParseError> {
    let mut mods = Mods::default();
    let mut rest = part;
    while let Some(at) = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at) {
        let (name, tail) = (&rest[..at], &rest[at + 1..]);
        if tail.is_empty() {
            break;
        }
        match name.to_lowercase().as_str() {
            "ctrl" | "control" | "c" => mods.ctrl = true,
            "alt" | "option" | "opt" | "a" | "m" => mods.alt = true,
            "shift" | "s" => mods.shift = true,
            "meta" | "cmd" | "command" | "super" | "win" | "d" => mods.meta = true,
            _ => break,
        }
        rest = tail;
    }
    if rest == "*" && mods == Mods::default() {
        return Ok(Key { code: KeyCode::Any, mods });
    }
    let code = KeyCode::from_name(rest)
        .ok_or_else(|| KeyParseError::Unknown { part: rest.to_owned(), text: text.to_owned() })?;
    let code = match code {
        // Ctrl+S as people write it means the S key, without shift.
        KeyCode::Char(c) if (mods.ctrl || mods.meta) && c.is_alphabetic() => {
            KeyCode::Char(c.to_lowercase().next().unwrap_or(c))
        }
        code => code,
    };
    Ok(Key::new(code, mods))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.mods.shift, "shift+"),
            (self.mods.ctrl, "ctrl+"),
            (self.mods.alt, "alt+"),
            (self.mods.meta, "meta+"),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        f.write_str(&self.code.name())
    }
}

/// A key press as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvent {
    /// The key.
    pub key: Key,
    /// The text it inserts where that is more than its character, as input methods may say.
    pub text: Option<Rc<str>>,
}

impl KeyEvent {
    /// Makes the press of a key.
    pub fn new(key: Key) -> Self {
        Self { key, text: None }
    }

    /// Answers what it would insert; empty for named keys and with ctrl, alt or meta held.
    pub fn text(&self) -> String {
        if let Some(text) = &self.text {
            return text.to_string();
        }
        match self.key.code {
            KeyCode::Char(c) if !(self.key.mods.ctrl || self.key.mods.alt || self.key.mods.meta) => {
                c.to_string()
            }
            _ => String::new(),
        }
    }
}

impl From<Key> for KeyEvent {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}
