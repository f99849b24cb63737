//! Input: keys, pastes, the mouse, sizes and focus, on their way through hooks and keymaps to the focused buffer.

use std::cell::Cell;

use serde_json::json;

use crate::hooks::Object;
use crate::hooks::terminal::{FocusChange, KeyPayload, KeyPress, Mouse, Paste};
use crate::key::KeyEvent;
use crate::keymap::Resolved;
use crate::{Buffer, Kernel, Window};

/// Two presses of ctrl+c within this time quit, in milliseconds.
pub const QUIT_WINDOW_MS: u64 = 1500;

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// A button went down.
    Press,
    /// A button came up.
    Release,
    /// It moved with a button down.
    Drag,
    /// It moved.
    Move,
    /// The wheel turned up.
    WheelUp,
    /// The wheel turned down.
    WheelDown,
}

/// A button of the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each variant is the button of that name")]
pub enum MouseButton {
    #[default]
    None,
    Left,
    Middle,
    Right,
}

/// Something the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MouseEvent {
    /// What it did.
    pub kind: MouseKind,
    /// With which button.
    pub button: MouseButton,
    /// The row on the screen.
    pub row: u16,
    /// The column on the screen.
    pub col: u16,
    /// Modifiers held.
    pub mods: crate::Mods,
}

/// What arrives from a surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key press.
    Key(KeyEvent),
    /// A bracketed paste.
    Paste(String),
    /// Something the mouse did.
    Mouse(MouseEvent),
    /// The screen's new size in columns and rows.
    Resize(u16, u16),
    /// The terminal gained or lost the focus.
    Focus(bool),
}

#[derive(Default)]
pub(crate) struct InputState {
    last_ctrl_c: Cell<Option<u64>>,
    /// The key that is being dealt with.
    pressed: Cell<Option<crate::Key>>,
}

impl Kernel {
    /// Takes one input in; true when something dealt with it, so that the surface's own default is not wanted.
    pub fn input(&self, input: Input) -> bool {
        match input {
            Input::Key(event) => {
                let before = self.0.input.pressed.replace(Some(event.key));
                let taken = self.ui().within_key(|| self.key(event));
                self.0.input.pressed.set(before);
                taken
            }
            Input::Paste(text) => self.paste(&text),
            Input::Mouse(event) => self.mouse(event),
            Input::Resize(..) => {
                // The hook fires with the frame that has the new size: a burst of sizes is one.
                self.layout().changed();
                true
            }
            Input::Focus(gained) => {
                self.hook().dispatch_with::<FocusChange>(|| {
                    let window = self.win().focused().map(|window| window.name.clone()).unwrap_or_default();
                    let (from, to) =
                        if gained { ("terminal".to_owned(), window) } else { (window, String::new()) };
                    Object::from_iter([("from".to_owned(), json!(from)), ("to".to_owned(), json!(to))])
                });
                true
            }
        }
    }

    fn key(&self, event: KeyEvent) -> bool {
        if event.key.is_ctrl_c() && self.second_ctrl_c() {
            // Nothing in between: this is the way out of a session whose extensions misbehave.
            if self.command().get("quit").is_some() {
                self.command().invoke("quit", "");
            }
            self.quit();
            return true;
        }
        if !event.key.is_ctrl_c() {
            self.0.input.last_ctrl_c.set(None);
            self.ui().dismiss_at_key();
        }
        if self.ui().key(&event) {
            return true;
        }
        if self.hook().dispatch_with::<KeyPress>(|| KeyPayload(event.clone())).consumed {
            return true;
        }
        match self.keymap().resolve(event, 0) {
            Resolved::Done => true,
            Resolved::Default(events) => self.default_keys(&events),
        }
    }

    fn second_ctrl_c(&self) -> bool {
        let now = self.now();
        let last = self.0.input.last_ctrl_c.replace(Some(now));
        last.is_some_and(|last| now.saturating_sub(last) < QUIT_WINDOW_MS)
    }

    /// Types the text of keys that no map wanted.
    pub(crate) fn default_keys(&self, events: &[KeyEvent]) -> bool {
        let mut typed = false;
        for event in events {
            let text = event.text();
            if !text.is_empty()
                && let Some(buffer) = self.focused_editable()
            {
                self.transact(|| self.buf().type_text(&buffer, &text));
                typed = true;
            }
        }
        typed
    }

    fn paste(&self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        // Like a key in between: what was pasted is not to be lost to the next ctrl+c.
        self.0.input.last_ctrl_c.set(None);
        self.ui().dismiss_at_key();
        if self.ui().paste(&text) {
            return true;
        }
        self.keymap().finish();
        let dispatched =
            self.hook().dispatch_with::<Paste>(|| Object::from_iter([("text".to_owned(), json!(text))]));
        if dispatched.consumed {
            return true;
        }
        let text = dispatched.answer.text.unwrap_or(text);
        let Some(buffer) = self.focused_editable() else { return false };
        self.transact(|| {
            let at = self.buf().cursor(&buffer);
            self.buf().insert(&buffer, at, &text)
        })
    }

    fn mouse(&self, event: MouseEvent) -> bool {
        let below = self.win().at(event.row, event.col);
        let consumed = self
            .hook()
            .dispatch_with::<Mouse>(|| {
                Object::from_iter([
                    ("kind".to_owned(), json!(event.kind.name())),
                    ("button".to_owned(), json!(event.button_name())),
                    ("row".to_owned(), json!(event.row)),
                    ("col".to_owned(), json!(event.col)),
                    ("window".to_owned(), json!(below.as_ref().map(|window| window.name.clone()))),
                ])
            })
            .consumed;
        if consumed {
            return true;
        }
        if matches!(event.kind, MouseKind::WheelUp | MouseKind::WheelDown)
            && self.ui().wheel(event.kind == MouseKind::WheelUp)
        {
            return true;
        }
        // Where clicking means something else, such as selecting, a window says `click_focus = false`.
        let takes = |window: &Window| window.vars.get("click_focus") != Some(&json!(false));
        if let (MouseKind::Press, Some(window)) = (event.kind, &below)
            && takes(window)
            && !self.ui().has_dialog()
        {
            self.win().focus(&window.name);
        }
        false
    }

    /// Answers the key that is being dealt with; absent where no key is.
    pub fn pressed_key(&self) -> Option<crate::Key> {
        self.0.input.pressed.get()
    }

    /// Answers the buffer that typing changes: the focused window's, if it is editable text.
    pub fn focused_editable(&self) -> Option<String> {
        let window = self.win().focused()?;
        let buffer = self.buf().get(&window.buffer)?;
        (buffer.editable && self.buf().source(&window.buffer).is_none()).then(|| window.buffer.clone())
    }

    /// Answers the focused window and its buffer.
    pub fn focused_buffer(&self) -> Option<(std::rc::Rc<Window>, std::rc::Rc<Buffer>)> {
        let window = self.win().focused()?;
        let buffer = self.buf().get(&window.buffer)?;
        Some((window, buffer))
    }

    /// Runs the kernel's own changes as one transaction.
    fn transact<T>(&self, f: impl FnOnce() -> T) -> T {
        self.tx_begin();
        let value = f();
        self.tx_commit();
        value
    }
}

impl MouseKind {
    /// Answers the word that extensions see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Press => "press",
            Self::Release => "release",
            Self::Drag => "drag",
            Self::Move => "move",
            Self::WheelUp | Self::WheelDown => "wheel",
        }
    }
}

impl MouseEvent {
    fn button_name(&self) -> &'static str {
        match (self.kind, self.button) {
            (MouseKind::WheelUp, _) => "up",
            (MouseKind::WheelDown, _) => "down",
            (_, MouseButton::Left) => "left",
            (_, MouseButton::Middle) => "middle",
            (_, MouseButton::Right) => "right",
            (_, MouseButton::None) => "",
        }
    }
}
