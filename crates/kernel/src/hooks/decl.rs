//! The declaration of a hook: one description from which dispatch, checks, documents and stubs come.

use serde_json::Value;

use super::Payload;
use crate::guard::DeadlineClass;

/// Whether handlers of a hook may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookMode {
    /// On the frame path: handlers may not wait.
    Sync,
    /// Handlers are futures, run one after another.
    Async,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    /// `true` or `false`.
    Bool,
    /// A string.
    Str,
    /// A whole number.
    Int,
    /// Any number.
    Num,
    /// A list.
    List,
    /// A table with named fields.
    Map,
    /// Anything.
    Any,
}

impl Ty {
    /// Tells whether `value` is of this type.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::Str => value.is_string(),
            Self::Int => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
            Self::Num => value.is_number(),
            Self::List => value.is_array() || value.as_object().is_some_and(serde_json::Map::is_empty),
            Self::Map => value.is_object() || value.as_array().is_some_and(Vec::is_empty),
            Self::Any => true,
        }
    }

    /// Answers its name as people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Str => "string",
            Self::Int => "integer",
            Self::Num => "number",
            Self::List => "list",
            Self::Map => "table",
            Self::Any => "any",
        }
    }
}

/// How the answers of several handlers to one field become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// The first decides and ends the phases `early` and `normal`.
    Stop,
    /// The default action is suppressed; later handlers still run.
    Mark,
    /// Chained: each handler sees the value as the previous ones left it.
    Replace,
    /// Replaced field by field; absent = unchanged.
    Patch,
    /// All kept, in order, labelled with the extension.
    Append,
    /// Goes with the stop field of the same answer, such as a reason.
    Detail,
}

/// Which values of its type a field can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Any.
    Open,
    /// These strings.
    Of(&'static [&'static str]),
    /// The names of keys, as [`KeyCode::name`](crate::key::KeyCode::name) answers them.
    Keys,
}

/// A field of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// Which values it can have; a filter that wants another is told.
    pub values: Values,
    doc: &'static str,
}

impl Field {
    /// Declares a payload field; `doc` is one sentence.
    pub const fn new(name: &'static str, ty: Ty, doc: &'static str) -> Self {
        Self { name, ty, values: Values::Open, doc }
    }

    /// Declares a field that has one of these strings; `doc` is a sentence without its end, which names them.
    pub const fn one_of(name: &'static str, values: &'static [&'static str], doc: &'static str) -> Self {
        Self { name, ty: Ty::Str, values: Values::Of(values), doc }
    }

    /// Declares a field that has the name of a key.
    pub const fn key(name: &'static str, doc: &'static str) -> Self {
        Self { name, ty: Ty::Str, values: Values::Keys, doc }
    }

    /// Answers what it says, as one sentence.
    pub fn doc(&self) -> String {
        match self.values {
            Values::Of(values) => format!("{}: {}.", self.doc, listed(values)),
            Values::Open | Values::Keys => self.doc.to_owned(),
        }
    }
}

/// Lists values for people: `a`, `b` or `c`.
pub(super) fn listed(values: &[&str]) -> String {
    let mut words: Vec<String> = values
        .iter()
        .map(|value| if value.is_empty() { "empty".to_owned() } else { format!("`{value}`") })
        .collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} or {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// A field of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerField {
    /// Its name.
    pub name: &'static str,
    /// How several become one.
    pub combine: Combine,
    /// Its type.
    pub ty: Ty,
    /// For a stop field: the values that decide; empty = everything but null and `false`.
    pub decides: &'static [&'static str],
    /// The field of the payload that has the same as JSON text; it follows this one.
    pub text: Option<&'static str>,
}

impl AnswerField {
    /// Declares an answer field.
    pub const fn new(name: &'static str, combine: Combine, ty: Ty) -> Self {
        Self { name, combine, ty, decides: &[], text: None }
    }

    /// Declares a stop field.
    pub const fn stop(name: &'static str, ty: Ty) -> Self {
        Self::new(name, Combine::Stop, ty)
    }

    /// Declares a string field of which only `values` stop.
    pub const fn stop_on(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { decides: values, ..Self::new(name, Combine::Stop, Ty::Str) }
    }

    /// Declares a field that suppresses the default.
    pub const fn mark(name: &'static str) -> Self {
        Self::new(name, Combine::Mark, Ty::Bool)
    }

    /// Declares a chained field.
    pub const fn replace(name: &'static str, ty: Ty) -> Self {
        Self::new(name, Combine::Replace, ty)
    }

    /// Names the field of the payload that has the same as JSON text.
    #[must_use]
    pub const fn with_text(self, field: &'static str) -> Self {
        Self { text: Some(field), ..self }
    }

    /// Declares a patched field.
    pub const fn patch(name: &'static str, ty: Ty) -> Self {
        Self::new(name, Combine::Patch, ty)
    }

    /// Declares a collected field.
    pub const fn append(name: &'static str, ty: Ty) -> Self {
        Self::new(name, Combine::Append, ty)
    }

    /// Declares what goes with a stop field.
    pub const fn detail(name: &'static str, ty: Ty) -> Self {
        Self::new(name, Combine::Detail, ty)
    }
}

/// The declaration of a hook; built with [`HookDecl::new`] as a `static` or `const`.
#[derive(Debug, Clone, Copy)]
pub struct HookDecl {
    /// Its name.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Whether handlers may wait.
    pub mode: HookMode,
    /// Which deadline applies between two waits.
    pub class: DeadlineClass,
    /// Whether an error in a handler refuses the action (⛔).
    pub closed: bool,
    /// What handlers read.
    pub payload: &'static [Field],
    /// What they may answer; empty = an observer.
    pub answer: &'static [AnswerField],
    /// When it fires, one sentence.
    pub doc: &'static str,
    /// Fields of an observer that are joined while they wait for a slow extension.
    pub coalesce: &'static [&'static str],
    /// Says for people what an event is about; questions asked in its turn show that.
    pub about: Option<fn(&super::HookEvent) -> String>,
    pub(crate) slot: u16,
}

impl HookDecl {
    /// Declares a hook without fields.
    pub const fn new(name: &'static str, mode: HookMode, class: DeadlineClass) -> Self {
        let slot = super::interest::slot_of(name);
        Self {
            name,
            aliases: &[],
            mode,
            class,
            closed: false,
            payload: &[],
            answer: &[],
            doc: "",
            coalesce: &[],
            about: None,
            slot,
        }
    }

    /// Declares a synchronous hook.
    pub const fn sync(name: &'static str, class: DeadlineClass) -> Self {
        Self::new(name, HookMode::Sync, class)
    }

    /// Declares an asynchronous hook.
    pub const fn future(name: &'static str) -> Self {
        Self::new(name, HookMode::Async, DeadlineClass::Main)
    }

    /// Makes an error in a handler refuse the action.
    #[must_use]
    pub const fn closed(mut self) -> Self {
        self.closed = true;
        self
    }

    /// Adds other names.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Says what handlers read.
    #[must_use]
    pub const fn payload(mut self, payload: &'static [Field]) -> Self {
        self.payload = payload;
        self
    }

    /// Says what handlers may answer.
    #[must_use]
    pub const fn answer(mut self, answer: &'static [AnswerField]) -> Self {
        self.answer = answer;
        self
    }

    /// Joins the text of these fields while events wait for a slow observer.
    #[must_use]
    pub const fn coalesce(mut self, fields: &'static [&'static str]) -> Self {
        self.coalesce = fields;
        self
    }

    /// Says for people what an event is about, which questions asked in its turn show.
    #[must_use]
    pub const fn about(mut self, about: fn(&super::HookEvent) -> String) -> Self {
        self.about = Some(about);
        self
    }

    /// Says when it fires.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Tells whether no answer is expected.
    pub fn is_observer(&self) -> bool {
        self.answer.is_empty()
    }
}

/// A hook as a type, so that a wrong answer does not compile.
pub trait Hook {
    /// Its declaration.
    const DECL: &'static HookDecl;
    /// What handlers read.
    type Payload: Payload;
    /// What handlers answered, combined.
    type Answer: serde::de::DeserializeOwned + Default;
}
