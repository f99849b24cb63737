//! Folds one handler's answer into what the others answered.

use serde_json::Value;

use super::{AnswerField, Combine, HookDecl, HookEvent, Object};
use crate::{ExtId, HandlerError, Kernel};

/// What came of raising a hook.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The answered fields, combined; append fields are in `appended`.
    pub answer: Object,
    /// Every answer to an append field: extension, field, value; in order.
    pub appended: Vec<(String, String, Value)>,
    /// Why the action is refused because a handler failed.
    pub refused: Option<String>,
    /// Whether the default action is suppressed.
    pub consumed: bool,
}

impl Outcome {
    /// Answers the reason if the action must not happen: a failed gate, `block` or `cancel`.
    pub fn blocked(&self) -> Option<String> {
        if let Some(reason) = &self.refused {
            return Some(reason.clone());
        }
        let decided =
            ["block", "cancel"].iter().any(|field| self.answer.get(*field) == Some(&Value::Bool(true)));
        decided.then(|| {
            let reason =
                self.answer.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
            reason.unwrap_or("blocked by extension").to_owned()
        })
    }

    /// Answers the values of one append field, in order.
    pub fn appended(&self, field: &str) -> Vec<Value> {
        self.appended.iter().filter(|(_, name, _)| name == field).map(|(_, _, value)| value.clone()).collect()
    }

    /// Answers a combined field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.answer.get(field)
    }

    /// Answers a combined field that is a string.
    pub fn str(&self, field: &str) -> Option<&str> {
        self.answer.get(field).and_then(Value::as_str)
    }
}

/// What came of dispatching a typed hook.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dispatched<A> {
    /// The combined answer.
    pub answer: A,
    /// Every answer to an append field: extension, field, value; in order.
    pub appended: Vec<(String, String, Value)>,
    /// Why the action is refused because a handler failed.
    pub refused: Option<String>,
    /// Whether the default action is suppressed.
    pub consumed: bool,
}

impl HookEvent {
    /// Takes the outcome out of a finished event.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome {
            answer: self.0.answer.take(),
            appended: self.0.appended.take(),
            refused: self.0.refused.take(),
            consumed: self.0.consumed.get(),
        }
    }

    /// Folds in one handler's answer; an error is a misuse that its author should hear of.
    pub(super) fn fold(&self, kernel: &Kernel, ext: ExtId, answer: Value) -> Result<(), HandlerError> {
        let Some(decl) = self.0.decl else { return Ok(()) };
        let fields = match answer {
            Value::Null => return Ok(()),
            Value::Bool(flag) => return self.fold_flag(kernel, ext, decl, flag),
            Value::Object(fields) => fields,
            other => {
                let found = if other.is_array() { "a list" } else { "a plain value" };
                return Err(HandlerError::new(format!(
                    "`{}` takes a table as answer, got {found}",
                    decl.name
                )));
            }
        };
        if decl.is_observer() {
            if !fields.is_empty() {
                kernel.hook().complain_once(ext, decl.name, "this hook takes no answer");
            }
            return Ok(());
        }
        Self::check(decl, &fields)?;
        if let Some(unknown) = unknown(decl, &fields) {
            // The word that is written wrong may be the one that refuses.
            if decl.closed {
                return Err(HandlerError::new(unknown));
            }
            kernel.hook().complain_once(ext, decl.name, &unknown);
        }
        self.fold_fields(kernel, ext, decl, fields);
        Ok(())
    }

    fn fold_flag(
        &self,
        kernel: &Kernel,
        ext: ExtId,
        decl: &HookDecl,
        flag: bool,
    ) -> Result<(), HandlerError> {
        if decl.answer.iter().any(|field| field.combine == Combine::Mark) {
            if flag {
                self.consume();
            }
        } else if flag {
            if decl.is_observer() {
                kernel.hook().complain_once(ext, decl.name, "this hook takes no answer");
                return Ok(());
            }
            return Err(HandlerError::new(format!("`{}` takes a table as answer, got true", decl.name)));
        }
        Ok(())
    }

    fn check(decl: &HookDecl, fields: &Object) -> Result<(), HandlerError> {
        for (name, value) in fields {
            let Some(field) = decl.answer.iter().find(|field| field.name == name) else { continue };
            if !value.is_null() && !field.ty.accepts(value) {
                let expected = field.ty.name();
                return Err(HandlerError::new(format!(
                    "answer field `{name}` of `{}` must be a {expected}",
                    decl.name
                )));
            }
        }
        Ok(())
    }

    fn fold_fields(&self, kernel: &Kernel, ext: ExtId, decl: &HookDecl, fields: Object) {
        let decides = fields.iter().any(|(name, value)| {
            decl.answer
                .iter()
                .any(|field| field.name == name && field.combine == Combine::Stop && stops(field, value))
        });
        let already = self.0.decided.get();
        if decides && !already {
            // A reason that came with an answer which did not decide must not explain this one.
            let mut answer = self.0.answer.borrow_mut();
            for field in decl.answer.iter().filter(|field| field.combine == Combine::Detail) {
                answer.remove(field.name);
            }
        }
        for (name, value) in fields {
            let field = decl.answer.iter().find(|field| field.name == name);
            if let Some(field) = field.filter(|_| !value.is_null()) {
                self.fold_field(kernel, ext, field, value, already);
            }
        }
        if decides {
            self.0.decided.set(true);
        }
    }

    fn fold_field(&self, kernel: &Kernel, ext: ExtId, field: &AnswerField, value: Value, already: bool) {
        match field.combine {
            Combine::Stop | Combine::Detail if already => {}
            Combine::Stop | Combine::Detail => {
                self.0.answer.borrow_mut().insert(field.name.to_owned(), value);
            }
            Combine::Mark => {
                if value == Value::Bool(true) {
                    self.consume();
                }
            }
            Combine::Replace | Combine::Patch => {
                let mut payload = self.0.payload.borrow_mut();
                if let Some(text) = field.text {
                    payload.set(text, Value::String(value.to_string()));
                }
                payload.set(field.name, value.clone());
                self.0.answer.borrow_mut().insert(field.name.to_owned(), value);
            }
            Combine::Append => {
                let name = kernel.ext().name(ext);
                self.0.appended.borrow_mut().push((name, field.name.to_owned(), value));
            }
        }
    }
}

/// Says which field of an answer the hook does not know, if there is one.
fn unknown(decl: &HookDecl, fields: &Object) -> Option<String> {
    let name = fields.keys().find(|name| decl.answer.iter().all(|field| field.name != name.as_str()))?;
    let known = super::nearest(name, decl.answer.iter().map(|field| field.name));
    let hint = known.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
    Some(format!("unknown answer field `{name}`{hint}"))
}

fn stops(field: &AnswerField, value: &Value) -> bool {
    if field.decides.is_empty() {
        return !matches!(value, Value::Null | Value::Bool(false));
    }
    value.as_str().is_some_and(|value| field.decides.contains(&value))
}
