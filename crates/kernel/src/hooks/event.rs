//! What a handler is called with.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{HookDecl, HookMode, Object};
use crate::{Kernel, WeakKernel};

/// What a hook carries; fields are evaluated when they are asked for.
pub trait Payload: 'static {
    /// Answers a field, or nothing when there is none of that name.
    fn field(&self, name: &str) -> Option<Value>;

    /// Replaces a field, as a handler's answer asked.
    fn set(&mut self, name: &str, value: Value);

    /// Lists the fields it has; empty where the declaration says them.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Payload for Object {
    fn field(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }

    fn set(&mut self, name: &str, value: Value) {
        self.insert(name.to_owned(), value);
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

impl Payload for () {
    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn set(&mut self, _: &str, _: Value) {}
}

/// One firing of a hook, as its handlers see it.
#[derive(Clone)]
pub struct HookEvent(pub(super) Rc<EventState>);

pub(super) struct EventState {
    kernel: WeakKernel,
    pub(super) name: Cow<'static, str>,
    pub(super) decl: Option<&'static HookDecl>,
    pub(super) payload: RefCell<Box<dyn Payload>>,
    pub(super) answer: RefCell<Object>,
    pub(super) appended: RefCell<Vec<(String, String, Value)>>,
    pub(super) source: Option<String>,
    pub(super) consumed: Cell<bool>,
    pub(super) stopped: Cell<bool>,
    /// Set by the answer that decided; later stop answers are not looked at.
    pub(super) decided: Cell<bool>,
    pub(super) refused: RefCell<Option<String>>,
}

impl HookEvent {
    pub(super) fn new(
        kernel: &Kernel,
        name: Cow<'static, str>,
        decl: Option<&'static HookDecl>,
        payload: Box<dyn Payload>,
        source: Option<String>,
    ) -> Self {
        Self(Rc::new(EventState {
            kernel: kernel.downgrade(),
            name,
            decl,
            payload: RefCell::new(payload),
            answer: RefCell::new(Map::new()),
            appended: RefCell::new(Vec::new()),
            source,
            consumed: Cell::new(false),
            stopped: Cell::new(false),
            decided: Cell::new(false),
            refused: RefCell::new(None),
        }))
    }

    /// Answers the hook's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Answers the hook's declaration; an extension's own event has none.
    pub fn decl(&self) -> Option<&'static HookDecl> {
        self.0.decl
    }

    /// Answers a field of the payload as the handlers before left it, or one that every terminal hook has:
    /// `working`, `focus`, `context`.
    pub fn get(&self, field: &str) -> Option<Value> {
        let own = self.0.payload.borrow().field(field);
        own.or_else(|| self.shared(field))
    }

    fn shared(&self, field: &str) -> Option<Value> {
        if self.0.decl?.mode != HookMode::Sync {
            return None;
        }
        let kernel = self.0.kernel.upgrade()?;
        match field {
            "working" => Some(kernel.context("working").unwrap_or(Value::Bool(false))),
            "context" => Some(Value::Object(kernel.context_all())),
            "focus" => {
                let window = kernel.win().focused()?;
                let kind = if kernel.ui().has_dialog() { "dialog" } else { "window" };
                Some(
                    json!({ "kind": kind, "window": window.name, "buffer": window.buffer, "role": window.role }),
                )
            }
            _ => None,
        }
    }

    /// Tells whether both are the same firing.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Lists the names of the payload's fields.
    pub fn fields(&self) -> Vec<String> {
        let names = self.0.payload.borrow().names();
        match self.0.decl {
            Some(decl) if names.is_empty() => {
                decl.payload.iter().map(|field| field.name.to_owned()).collect()
            }
            _ => names,
        }
    }

    /// Answers the sender of an extension's own event.
    pub fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// Answers what the handlers so far have answered, combined.
    pub fn answer_so_far(&self) -> Object {
        self.0.answer.borrow().clone()
    }

    /// Tells whether a handler has suppressed the default action.
    pub fn consumed(&self) -> bool {
        self.0.consumed.get()
    }

    /// Suppresses the default action, as answering `true` does.
    pub fn consume(&self) {
        self.0.consumed.set(true);
    }

    /// Ends the phase after this handler.
    pub fn stop(&self) {
        self.0.stopped.set(true);
    }

    /// Answers why the action is refused, if an error in a handler refused it.
    pub fn refused(&self) -> Option<String> {
        self.0.refused.borrow().clone()
    }
}

impl std::fmt::Debug for HookEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookEvent").field("name", &self.0.name).finish_non_exhaustive()
    }
}
