//! From the bytes of a terminal to keys, pastes, mouse events and replies.
//!
//! Pastes are cut out here, in one pass and with a limit, before the parser of escape sequences sees the rest. What may
//! be the beginning of a sequence (a lone escape, `ESC [`) is held until more arrives or the owner's short timer ends;
//! then it was a key.

use std::borrow::Cow;

use purlin_kernel::key::{Key, KeyCode, KeyEvent, Mods};
use termina::{
    Event, Parser,
    escape::{
        csi::{Csi, DecModeSetting, DecPrivateMode, DecPrivateModeCode, Device, Keyboard, Mode},
        osc::Osc,
    },
    event as term,
};

/// A paste longer than this is cut: nobody reads it, and the prompt it would make no model takes.
pub const PASTE_LIMIT: usize = 1024 * 1024;

const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// The forms in which terminals send ctrl+c.
const CTRL_C: [&[u8]; 3] = [b"\x03", b"\x1b[99;5u", b"\x1b[27;5;99~"];

/// What has arrived from the terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A key was pressed (or repeats).
    Key(KeyEvent),
    /// Text was pasted; `cut` bytes of it were over the limit and are gone.
    Paste {
        /// The text, at most [`PASTE_LIMIT`] bytes.
        text: String,
        /// How many bytes did not fit.
        cut: usize,
    },
    /// The mouse did something.
    Mouse(term::MouseEvent),
    /// The terminal got or lost the focus.
    Focus(bool),
    /// The terminal answered a question.
    Reply(Reply),
}

/// What a terminal says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It knows the kitty keyboard protocol.
    KittyKeyboard,
    /// Whether it can hold back a frame until it is complete.
    Synchronized(bool),
    /// Its background colour is light, or dark.
    Background {
        /// Whether dark text reads well on it.
        light: bool,
    },
    /// The answer that every terminal gives: earlier questions without an answer will get none.
    Attributes,
}

/// Reads a terminal's bytes.
#[derive(Debug, Default)]
pub struct Input {
    parser: Parser,
    held: Vec<u8>,
    paste: Option<Paste>,
}

#[derive(Debug, Default)]
struct Paste {
    text: Vec<u8>,
    cut: usize,
}

impl Paste {
    fn push(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(PASTE_LIMIT - self.text.len());
        self.text.extend_from_slice(&bytes[..fits]);
        self.cut += bytes.len() - fits;
    }
}

impl Input {
    /// Answers a reader that has seen nothing.
    pub fn new() -> Input {
        Input::default()
    }

    /// Takes bytes and hands on what they mean.
    pub fn feed(&mut self, bytes: &[u8], answer: &mut dyn FnMut(Incoming)) {
        // A paste whose end was lost on the way would swallow every key: ctrl+c, arriving by itself, ends it.
        if self.paste.is_some() && CTRL_C.contains(&bytes) {
            self.held.clear();
            self.end_paste(answer);
        }
        if self.held.is_empty() {
            return self.split(bytes, answer);
        }
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(bytes);
        self.split(&whole, answer);
    }

    /// Tells whether a key may be held that only a short silence tells from the beginning of a sequence.
    pub fn is_pending(&self) -> bool {
        self.paste.is_none() && !self.held.is_empty()
    }

    /// Ends the wait: what is held was a key.
    pub fn expire(&mut self, answer: &mut dyn FnMut(Incoming)) {
        if !self.is_pending() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let mut held = held.as_slice();
        // The parser would take two of them for one.
        if held.starts_with(b"\x1b\x1b") {
            answer(Incoming::Key(Key::new(KeyCode::Escape, Mods::default()).into()));
            held = &held[1..];
        }
        match held {
            [0x1b, letter] => {
                let mods = Mods { shift: letter.is_ascii_uppercase(), ..Mods::ALT };
                answer(Incoming::Key(Key::new(KeyCode::Char(char::from(*letter)), mods).into()));
            }
            held => self.parse(held, answer),
        }
    }

    fn split(&mut self, mut bytes: &[u8], answer: &mut dyn FnMut(Incoming)) {
        while !bytes.is_empty() {
            if let Some(paste) = &mut self.paste {
                let Some(end) = find(bytes, PASTE_END) else {
                    let kept = partial(bytes, PASTE_END);
                    paste.push(&bytes[..bytes.len() - kept]);
                    self.held.extend_from_slice(&bytes[bytes.len() - kept..]);
                    return;
                };
                paste.push(&bytes[..end]);
                bytes = &bytes[end + PASTE_END.len()..];
                self.end_paste(answer);
                continue;
            }
            let begin = find(bytes, PASTE_BEGIN);
            let keys =
                begin.unwrap_or_else(|| bytes.len() - partial(bytes, PASTE_BEGIN).max(doubtful(bytes)));
            if keys > 0 {
                self.parse(&bytes[..keys], answer);
            }
            let Some(begin) = begin else {
                self.held.extend_from_slice(&bytes[keys..]);
                return;
            };
            self.paste = Some(Paste::default());
            bytes = &bytes[begin + PASTE_BEGIN.len()..];
        }
    }

    fn end_paste(&mut self, answer: &mut dyn FnMut(Incoming)) {
        let Some(paste) = self.paste.take() else { return };
        let text = String::from_utf8_lossy(&paste.text);
        // Terminals send the line breaks of a paste as carriage returns.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        answer(Incoming::Paste { text, cut: paste.cut });
    }

    /// Parses bytes in which an escape may stand before a whole sequence: the parser would take both escapes for a key
    /// and the rest for letters.
    fn parse(&mut self, mut bytes: &[u8], answer: &mut dyn FnMut(Incoming)) {
        while let Some(at) = doubled(bytes) {
            self.parse_single(&bytes[..at], answer);
            let rest = &bytes[at + 1..];
            let end = sequence_end(rest);
            let mut seen = Vec::new();
            self.parse_single(&rest[..end], &mut |incoming| seen.push(incoming));
            // Many terminals send alt with a key so; where it cannot be meant, both keys were pressed.
            if let [Incoming::Key(event)] = seen.as_slice()
                && !event.key.mods.alt
                && event.key.code != KeyCode::Tab
            {
                let key = Key::new(event.key.code, Mods { alt: true, ..event.key.mods });
                seen = vec![Incoming::Key(key.into())];
            } else {
                seen.insert(0, Incoming::Key(Key::new(KeyCode::Escape, Mods::default()).into()));
            }
            seen.into_iter().for_each(&mut *answer);
            bytes = &rest[end..];
        }
        self.parse_single(bytes, answer);
    }

    fn parse_single(&mut self, bytes: &[u8], answer: &mut dyn FnMut(Incoming)) {
        if bytes.is_empty() {
            return;
        }
        self.parser.parse(&other_keys(bytes), false);
        while let Some(event) = self.parser.pop() {
            if let Some(incoming) = translate(event) {
                answer(incoming);
            }
        }
    }
}

/// Rewrites the keys of `modifyOtherKeys` (`ESC [ 27 ; modifier ; code ~`), which the parser does not know, into the
/// form of the kitty protocol (`ESC [ code ; modifier u`), which it does.
fn other_keys(bytes: &[u8]) -> Cow<'_, [u8]> {
    const BEGIN: &[u8] = b"\x1b[27;";
    let mut rewritten = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, BEGIN) {
        let body = &rest[at + BEGIN.len()..];
        let Some(end) = body.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';') else { break };
        rewritten.extend_from_slice(&rest[..at]);
        let mut parts = body[..end].splitn(2, |byte| *byte == b';');
        match (body[end], parts.next(), parts.next()) {
            (b'~', Some(modifier), Some(code)) => {
                rewritten.extend_from_slice(b"\x1b[");
                rewritten.extend_from_slice(code);
                rewritten.push(b';');
                rewritten.extend_from_slice(modifier);
                rewritten.push(b'u');
            }
            _ => rewritten.extend_from_slice(&rest[at..=at + BEGIN.len() + end]),
        }
        rest = &body[end + 1..];
    }
    if rest.len() == bytes.len() {
        return Cow::Borrowed(bytes);
    }
    rewritten.extend_from_slice(rest);
    Cow::Owned(rewritten)
}

/// Finds a marker; cheap on long texts, which hold few escapes.
fn find(bytes: &[u8], marker: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(escape) = bytes[from..].iter().position(|byte| *byte == 0x1b) {
        let at = from + escape;
        if bytes[at..].starts_with(marker) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Answers how many of the last bytes may be the beginning of the marker.
fn partial(bytes: &[u8], marker: &[u8]) -> usize {
    (1..marker.len()).rev().find(|count| bytes.ends_with(&marker[..*count])).unwrap_or(0)
}

/// Answers how many of the last bytes are either a key or the beginning of a sequence.
fn doubtful(bytes: &[u8]) -> usize {
    match bytes {
        [.., 0x1b, 0x1b, b'[' | b'O'] => 3,
        [.., 0x1b, 0x1b | b'[' | b']' | b'O' | b'P' | b'_' | b'^' | b'X'] => 2,
        [.., 0x1b] => 1,
        _ => 0,
    }
}

/// Answers where an escape stands before one that begins the sequence of a key.
fn doubled(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| matches!(three, [0x1b, 0x1b, b'[' | b'O']))
}

/// Answers how long the sequence is with which the bytes begin; all of them where its end is not there yet.
fn sequence_end(bytes: &[u8]) -> usize {
    let last = match bytes.get(1) {
        Some(b'O') => Some(2),
        _ => bytes.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 2),
    };
    last.map_or(bytes.len(), |last| (last + 1).min(bytes.len()))
}

fn translate(event: Event) -> Option<Incoming> {
    match event {
        Event::Key(event) => key(event).map(Incoming::Key),
        Event::Mouse(event) => Some(Incoming::Mouse(event)),
        Event::Paste(text) => Some(Incoming::Paste { text, cut: 0 }),
        Event::FocusIn => Some(Incoming::Focus(true)),
        Event::FocusOut => Some(Incoming::Focus(false)),
        Event::Csi(csi) => reply(&csi).map(Incoming::Reply),
        Event::Osc(osc) => background(&osc).map(Incoming::Reply),
        Event::WindowResized(_) | Event::Dcs(_) => None,
    }
}

fn key(event: term::KeyEvent) -> Option<KeyEvent> {
    if event.kind == term::KeyEventKind::Release {
        return None;
    }
    let held = |modifier| event.modifiers.contains(modifier);
    let mut mods = Mods {
        ctrl: held(term::Modifiers::CONTROL),
        alt: held(term::Modifiers::ALT),
        shift: held(term::Modifiers::SHIFT),
        meta: held(term::Modifiers::SUPER) || held(term::Modifiers::META),
    };
    let code = match event.code {
        term::KeyCode::Char(character) => KeyCode::Char(character),
        term::KeyCode::Enter => KeyCode::Enter,
        term::KeyCode::Backspace => KeyCode::Backspace,
        term::KeyCode::Tab => KeyCode::Tab,
        term::KeyCode::BackTab => {
            mods.shift = true;
            KeyCode::Tab
        }
        term::KeyCode::Escape => KeyCode::Escape,
        term::KeyCode::Left => KeyCode::Left,
        term::KeyCode::Right => KeyCode::Right,
        term::KeyCode::Up => KeyCode::Up,
        term::KeyCode::Down => KeyCode::Down,
        term::KeyCode::Home => KeyCode::Home,
        term::KeyCode::End => KeyCode::End,
        term::KeyCode::PageUp => KeyCode::PageUp,
        term::KeyCode::PageDown => KeyCode::PageDown,
        term::KeyCode::Insert => KeyCode::Insert,
        term::KeyCode::Delete => KeyCode::Delete,
        term::KeyCode::Function(number @ 1..=24) => KeyCode::F(number),
        _ => return None,
    };
    Some(Key::new(code, mods).into())
}

fn reply(csi: &Csi) -> Option<Reply> {
    match csi {
        Csi::Keyboard(Keyboard::ReportFlags(_)) => Some(Reply::KittyKeyboard),
        Csi::Mode(Mode::ReportDecPrivateMode {
            mode: DecPrivateMode::Code(DecPrivateModeCode::SynchronizedOutput),
            setting,
        }) => Some(Reply::Synchronized(!matches!(
            setting,
            DecModeSetting::NotRecognized | DecModeSetting::PermanentlyReset
        ))),
        Csi::Device(Device::DeviceAttributes(())) => Some(Reply::Attributes),
        _ => None,
    }
}

/// Reads the answer to the question for the background colour.
fn background(osc: &Osc<'_>) -> Option<Reply> {
    let text = osc.to_string();
    let value = text.split("]11;rgb:").nth(1)?;
    let mut parts = value.split(['/', '\x1b', '\x07']).map(|part| {
        let digits = part.get(..2).unwrap_or(part);
        u32::from_str_radix(digits, 16).ok()
    });
    let (r, g, b) = (parts.next()??, parts.next()??, parts.next()??);
    Some(Reply::Background { light: 299 * r + 587 * g + 114 * b > 128_000 })
}

#[cfg(test)]
mod tests;
