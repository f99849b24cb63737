//! Runs the handlers of synchronous hooks and of extensions' own events.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::Value;

use super::table::{Handler, HandlerFn, HookError, Hooks, Phase};
use super::{Dispatched, Hook, HookDecl, HookEvent, Object, Outcome, Payload};
use crate::guard::{DeadlineClass, Level, MAX_DEPTH, What};
use crate::{ExtId, HandlerError, Kernel};

impl Hooks<'_> {
    /// Raises a synchronous hook. Callers that build the payload at a cost ask [`Hooks::wants`] first, or use
    /// [`Hooks::dispatch_with`].
    pub fn dispatch<H: Hook>(self, payload: H::Payload) -> Dispatched<H::Answer> {
        self.dispatch_with::<H>(move || payload)
    }

    /// Raises a synchronous hook whose payload is built only if somebody handles it.
    pub fn dispatch_with<H: Hook>(self, payload: impl FnOnce() -> H::Payload) -> Dispatched<H::Answer> {
        if !self.wants(H::DECL) {
            return Dispatched::default();
        }
        let outcome = self.run_sync(H::DECL, || Box::new(payload()));
        let answer = if outcome.answer.is_empty() {
            H::Answer::default()
        } else {
            serde_json::from_value(Value::Object(outcome.answer)).unwrap_or_else(|error| {
                let text = format!("the combined answer of `{}` has the wrong shape: {error}", H::DECL.name);
                self.0.guard().log(Level::Error, ExtId::CORE, H::DECL.name, &HandlerError::new(text));
                H::Answer::default()
            })
        };
        Dispatched {
            answer,
            appended: outcome.appended,
            refused: outcome.refused,
            consumed: outcome.consumed,
        }
    }

    /// Raises a synchronous hook with a plain object.
    pub fn dispatch_object(self, decl: &'static HookDecl, payload: Object) -> Outcome {
        if !self.wants(decl) {
            return Outcome::default();
        }
        self.run_sync(decl, || Box::new(payload))
    }

    fn run_sync(self, decl: &'static HookDecl, payload: impl FnOnce() -> Box<dyn Payload>) -> Outcome {
        let handlers = self.handlers(decl.name);
        if handlers.is_empty() {
            return Outcome::default();
        }
        let event = HookEvent::new(self.0, decl.name.into(), Some(decl), payload(), None);
        match self.deeper() {
            Ok(_depth) => run_all(self.0, &event, &handlers),
            Err(error) => self.0.guard().log(Level::Error, ExtId::CORE, decl.name, &error),
        }
        event.outcome()
    }

    /// Calls the handlers of an extension's own event, in order; `name` contains a colon.
    pub fn emit(self, name: &str, payload: Object, source: &str) -> Result<(), HandlerError> {
        if !name.contains(':') {
            return Err(HookError::NotCustom(name.to_owned()).into());
        }
        let _depth = self.deeper()?;
        let handlers = self.handlers(name);
        if handlers.is_empty() {
            return Ok(());
        }
        let event =
            HookEvent::new(self.0, name.to_owned().into(), None, Box::new(payload), Some(source.to_owned()));
        run_all(self.0, &event, &handlers);
        Ok(())
    }

    pub(super) fn deeper(self) -> Result<Depth, HandlerError> {
        let depth = self.0.0.hooks.depth.get();
        if depth.max(self.0.guard().depth()) >= MAX_DEPTH {
            return Err(HandlerError::new(format!("events nested deeper than {MAX_DEPTH}")));
        }
        self.0.0.hooks.depth.set(depth + 1);
        Ok(Depth(self.0.clone()))
    }
}

/// Counts one level of nesting for as long as it lives.
pub(super) struct Depth(Kernel);

impl Drop for Depth {
    fn drop(&mut self) {
        let depth: &Cell<usize> = &self.0.0.hooks.depth;
        depth.set(depth.get().saturating_sub(1));
    }
}

fn run_all(kernel: &Kernel, event: &HookEvent, handlers: &[Rc<Handler>]) {
    let guard = kernel.guard();
    let class = event.decl().map_or(DeadlineClass::Main, |decl| decl.class);
    let mut order = Order::default();
    // One look at the clock ends a handler's time and begins the next one's.
    let mut now = kernel.0.host.now_micros();
    let _held = guard.hold();
    for handler in handlers {
        if !order.admits(kernel, event, handler) {
            continue;
        }
        let HandlerFn::Sync(run) = &handler.run else { continue };
        let what = What { name: event.name(), place: handler.options.place.as_ref() };
        let (result, ended) = guard.stretch_at(handler.owner, class, what, now, || {
            let answer = run(event)?;
            finish(kernel, event, handler, answer)
        });
        now = ended;
        order.after(event, handler, result);
    }
}

/// Folds a handler's answer in; part of its stretch, so that a wrong answer counts as its error.
pub(super) fn finish(
    kernel: &Kernel,
    event: &HookEvent,
    handler: &Handler,
    answer: Value,
) -> Result<(), HandlerError> {
    event.fold(kernel, handler.owner, answer)?;
    let closed = event.decl().is_some_and(|decl| decl.closed);
    if closed && event.0.stopped.get() && !event.0.decided.get() {
        return Err(HandlerError::new(format!(
            "`stop()` on `{}` needs an answer that refuses",
            event.name()
        )));
    }
    Ok(())
}

/// Decides which handlers of a dispatch run.
#[derive(Default)]
pub(super) struct Order {
    /// The phase that `ev.stop()` ended.
    ended: Option<Phase>,
    /// Whether the default was suppressed before the running handler.
    consumed: bool,
}

impl Order {
    pub(super) fn admits(&mut self, kernel: &Kernel, event: &HookEvent, handler: &Handler) -> bool {
        let phase = handler.options.phase;
        let over = self.ended == Some(phase) || (event.0.decided.get() && phase != Phase::Final);
        if over || !handler.alive.get() || handler.spent.get() {
            return false;
        }
        // A suspended extension's gate stays shut: the guard refuses to enter it, and that refuses the action.
        let gate = event.decl().is_some_and(|decl| decl.closed);
        if !gate && kernel.guard().is_suspended(handler.owner) {
            return false;
        }
        if !super::filter::passes(&handler.options.filter, event) {
            return false;
        }
        self.consumed = event.consumed();
        if handler.options.once {
            handler.spent.set(true);
            kernel.unregister(handler.id);
        }
        true
    }

    pub(super) fn after(&mut self, event: &HookEvent, handler: &Handler, result: Result<(), HandlerError>) {
        if let Err(error) = result {
            if event.decl().is_some_and(|decl| decl.closed) {
                event.0.refused.borrow_mut().get_or_insert_with(|| error.to_string());
                event.0.decided.set(true);
            }
            // What a failed handler asked for is undone with its stretch.
            event.0.stopped.set(false);
            event.0.consumed.set(self.consumed);
        }
        if event.0.stopped.replace(false) {
            self.ended = Some(handler.options.phase);
        }
    }
}
