//! The hooks that the kernel raises itself.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AnswerField, Field, Hook, HookDecl, Object, Payload, Ty};
use crate::guard::DeadlineClass::{Key as KeyClass, Main, Render as RenderClass};
use crate::key::KeyEvent;

/// The answer of an observer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct NoAnswer {}

macro_rules! hook {
    ($name:ident, $decl:ident, $payload:ty, $answer:ty, $doc:literal, $expr:expr) => {
        static $decl: HookDecl = $expr.doc($doc);
        #[doc = $doc]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Hook for $name {
            const DECL: &'static HookDecl = &$decl;
            type Payload = $payload;
            type Answer = $answer;
        }
    };
}

hook!(
    Startup,
    STARTUP,
    (),
    NoAnswer,
    "Fires once, before the first frame is drawn.",
    HookDecl::sync("startup", Main)
);
hook!(
    Shutdown,
    SHUTDOWN,
    Object,
    NoAnswer,
    "Fires once, before the process ends.",
    HookDecl::sync("shutdown", Main).payload(&[Field::one_of(
        "reason",
        &["user", "signal", "error"],
        "Who or what ends it"
    )])
);
hook!(
    Tick,
    TICK,
    Object,
    NoAnswer,
    "Fires when a timer is due or something animates.",
    HookDecl::sync("tick", Main).payload(&[Field::new(
        "now",
        Ty::Int,
        "Milliseconds of the monotonic clock."
    )])
);
hook!(
    Resize,
    RESIZE,
    Object,
    NoAnswer,
    "Fires after the terminal's size has settled, and once at start.",
    HookDecl::sync("resize", Main)
        .payload(&[Field::new("width", Ty::Int, "Columns."), Field::new("height", Ty::Int, "Rows."),])
);
hook!(
    KeyPress,
    KEY,
    KeyPayload,
    NoAnswer,
    "Fires on every key press; consuming it suppresses keymaps and editing.",
    HookDecl::sync("key", KeyClass)
        .payload(&[
            Field::key("key", "The printable character as typed, else the key's name."),
            Field::new("text", Ty::Str, "What it would insert."),
            Field::new("ctrl", Ty::Bool, "Whether control is held."),
            Field::new("alt", Ty::Bool, "Whether alt is held."),
            Field::new("shift", Ty::Bool, "Whether shift is held."),
            Field::new("meta", Ty::Bool, "Whether meta is held."),
        ])
        .answer(&[AnswerField::mark("consume"), AnswerField::mark("consumed"), AnswerField::mark("handled")])
);
hook!(
    Paste,
    PASTE,
    Object,
    TextAnswer,
    "Fires on a bracketed paste; consuming it suppresses the insertion.",
    HookDecl::sync("paste", KeyClass).payload(&[Field::new("text", Ty::Str, "What was pasted.")]).answer(&[
        AnswerField::mark("consume"),
        AnswerField::mark("handled"),
        AnswerField::replace("text", Ty::Str),
    ])
);
hook!(
    Mouse,
    MOUSE,
    Object,
    NoAnswer,
    "Fires on a press, release, drag or wheel; consuming it suppresses selection, scroll and focus.",
    HookDecl::sync("mouse", KeyClass)
        .payload(&[
            Field::one_of("kind", &["press", "release", "drag", "move", "wheel"], "What the mouse did"),
            Field::one_of(
                "button",
                &["left", "middle", "right", "up", "down", ""],
                "The button, or where the wheel turned"
            ),
            Field::new("row", Ty::Int, "Row on the screen."),
            Field::new("col", Ty::Int, "Column on the screen."),
            Field::new("window", Ty::Str, "The window below it, if any."),
        ])
        .answer(&[AnswerField::mark("consume"), AnswerField::mark("handled")])
);
hook!(
    FocusChange,
    FOCUS_CHANGE,
    Object,
    NoAnswer,
    "Fires when the focused window changes, or the terminal gains or loses the focus.",
    HookDecl::sync("focus_change", Main).payload(&[
        Field::new("from", Ty::Str, "The window that had it; `terminal` when the terminal regains it."),
        Field::new("to", Ty::Str, "The window that has it; empty when the terminal lost it."),
    ])
);
hook!(
    Render,
    RENDER,
    Object,
    NoAnswer,
    "Fires on each drawn frame.",
    HookDecl::sync("render", RenderClass).payload(&[
        Field::new("width", Ty::Int, "Columns."),
        Field::new("height", Ty::Int, "Rows."),
        Field::new("frame", Ty::Int, "The frame's number."),
    ])
);

/// Every hook of this module.
pub static ALL: [&HookDecl; 9] =
    [&STARTUP, &SHUTDOWN, &TICK, &RESIZE, &KEY, &PASTE, &MOUSE, &FOCUS_CHANGE, &RENDER];

/// A rewritten text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TextAnswer {
    /// The text as the last handler left it; absent = unchanged.
    pub text: Option<String>,
}

/// A key press whose fields are made when they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPayload(pub KeyEvent);

impl Payload for KeyPayload {
    fn field(&self, name: &str) -> Option<Value> {
        let mods = self.0.key.mods;
        Some(match name {
            "key" => json!(self.0.key.code.name()),
            "text" => json!(self.0.text()),
            "ctrl" => json!(mods.ctrl),
            "alt" => json!(mods.alt),
            "shift" => json!(mods.shift),
            "meta" => json!(mods.meta),
            _ => return None,
        })
    }

    fn set(&mut self, _: &str, _: Value) {}
}
