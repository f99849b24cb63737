//! Raises asynchronous hooks: handlers are futures, run one after another.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;

use super::dispatch::{Order, finish};
use super::table::{Handler, HandlerFn, Hooks};
use super::{HookDecl, HookEvent, Object, Outcome};
use crate::guard::{CancelToken, DeadlineClass};
use crate::{ErrorKind, ExtId, HandlerError, Kernel, LBF};

/// How long a handler may clean up after its turn was closed.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// How many events wait for one extension before the oldest are dropped.
const LONGEST_QUEUE: usize = 10_000;

/// What waits for an extension's observers.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<(HookEvent, Rc<Handler>)>,
    running: bool,
}

impl Hooks<'_> {
    /// Raises a hook by name and waits for all of its handlers.
    pub fn raise(self, name: &str, payload: Object) -> LBF<Outcome> {
        self.raise_cancellable(name, payload, self.0.guard().current_cancel().unwrap_or_default())
    }

    /// Does the same; when `token` is cancelled, every wait of the handlers ends with `user`.
    pub fn raise_cancellable(self, name: &str, payload: Object, token: CancelToken) -> LBF<Outcome> {
        let Some(decl) = self.decl(name) else { return Box::pin(async { Outcome::default() }) };
        if !self.wants(decl) {
            return Box::pin(async { Outcome::default() });
        }
        let handlers = self.handlers(decl.name);
        if handlers.is_empty() {
            return Box::pin(async { Outcome::default() });
        }
        let event = HookEvent::new(self.0, decl.name.into(), Some(decl), Box::new(payload), None);
        let kernel = self.0.clone();
        Box::pin(async move {
            kernel.hook().let_observers_begin(&handlers).await;
            let mut order = Order::default();
            for handler in handlers.iter() {
                if !order.admits(&kernel, &event, handler) {
                    continue;
                }
                let bound = Some(kernel.guard().limits().gate_ms);
                // One handler may have changed what the next is asked about.
                let token =
                    decl.about.map_or_else(|| token.clone(), |about| token.with_about(&about(&event)));
                let result = run_one(&kernel, decl, &event, handler, &token, bound).await;
                order.after(&event, handler, result);
            }
            event.outcome()
        })
    }

    /// Gives the observers of these extensions that wait since before one turn, so that each extension sees the hooks
    /// in the order in which they were raised. One that waits itself is overtaken: observers hold nobody up.
    async fn let_observers_begin(self, handlers: &[Rc<Handler>]) {
        let waiting = {
            let queues = self.0.0.hooks.queues.borrow();
            handlers
                .iter()
                .any(|handler| queues.get(&handler.owner).is_some_and(|queue| !queue.waiting.is_empty()))
        };
        if !waiting {
            return;
        }
        let mut turned = false;
        std::future::poll_fn(move |cx| {
            if std::mem::replace(&mut turned, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    /// Tells observers without waiting for them: each extension works its queue off in order, beside the caller.
    #[expect(clippy::needless_pass_by_value, reason = "a payload is handed over, as everywhere")]
    pub fn observe(self, decl: &'static HookDecl, payload: Object) {
        if !self.wants(decl) {
            return;
        }
        let handlers = self.handlers(decl.name);
        if handlers.is_empty() {
            return;
        }
        for handler in handlers.iter() {
            let start = {
                let mut queues = self.0.0.hooks.queues.borrow_mut();
                let queue = queues.entry(handler.owner).or_default();
                if queue.join(decl, handler, &payload) {
                    continue;
                }
                if queue.waiting.len() >= LONGEST_QUEUE {
                    queue.waiting.pop_front();
                    let text = format!("more than {LONGEST_QUEUE} events wait; the oldest are not told");
                    self.complain_once(handler.owner, decl.name, &text);
                }
                // Each queue has an event of its own: what joins one must not change what another has begun.
                let event =
                    HookEvent::new(self.0, decl.name.into(), Some(decl), Box::new(payload.clone()), None);
                queue.waiting.push_back((event, handler.clone()));
                !std::mem::replace(&mut queue.running, true)
            };
            if start {
                let kernel = self.0.clone();
                let owner = handler.owner;
                self.0.spawn(ExtId::CORE, Box::pin(async move { work_off(&kernel, owner).await }));
            }
        }
    }
}

impl Queue {
    /// Joins an event to the newest waiting one where only its coalesced fields differ.
    fn join(&mut self, decl: &'static HookDecl, handler: &Rc<Handler>, payload: &Object) -> bool {
        if decl.coalesce.is_empty() {
            return false;
        }
        // What was told in between must stay in between.
        let mut newest = self.waiting.iter_mut().rev().take_while(|(event, _)| event.name() == decl.name);
        let Some((event, _)) = newest.find(|(_, other)| other.id == handler.id) else { return false };
        let mut waiting = event.0.payload.borrow_mut();
        let joins = |name: &String| decl.coalesce.contains(&name.as_str());
        let same =
            payload.iter().all(|(name, value)| joins(name) || waiting.field(name).as_ref() == Some(value));
        if !same {
            return false;
        }
        for (name, value) in payload.iter().filter(|(name, _)| joins(name)) {
            let before = waiting.field(name).unwrap_or_default();
            let text =
                format!("{}{}", before.as_str().unwrap_or_default(), value.as_str().unwrap_or_default());
            waiting.set(name, Value::String(text));
        }
        true
    }
}

async fn work_off(kernel: &Kernel, owner: ExtId) {
    loop {
        let next = {
            let mut queues = kernel.0.hooks.queues.borrow_mut();
            let queue = queues.entry(owner).or_default();
            let next = queue.waiting.pop_front();
            if next.is_none() {
                queues.remove(&owner);
            }
            next
        };
        let Some((event, handler)) = next else { return };
        let Some(decl) = event.decl() else { continue };
        let mut order = Order::default();
        if order.admits(kernel, &event, &handler) {
            // The guard has recorded a failure; an observer has no one else to tell.
            let _ = run_one(kernel, decl, &event, &handler, &CancelToken::new(), None).await;
        }
    }
}

/// Runs one handler to its end, its time limit, or the end of its turn. `bound` is the limit in milliseconds of a
/// handler that states none; who waits in a queue of its own holds nobody up and has none.
async fn run_one(
    kernel: &Kernel,
    decl: &'static HookDecl,
    event: &HookEvent,
    handler: &Rc<Handler>,
    token: &CancelToken,
    bound: Option<u64>,
) -> Result<(), HandlerError> {
    let body = body(kernel, event, handler);
    let outer = kernel.guard().swap_cancel(Some(token.clone()));
    let place = handler.options.place.clone();
    let future = kernel.guard().future_at(handler.owner, DeadlineClass::Main, decl.name, place, body);
    kernel.guard().swap_cancel(outer);
    let limit = Box::pin(limit(kernel.clone(), decl.name, handler.clone(), token.clone(), bound));
    match select(future, limit).await {
        Either::Left((result, _)) => result,
        Either::Right((error, _)) => {
            if error.kind != ErrorKind::Cancelled {
                kernel.guard().strike(handler.owner, decl.name, &error);
            }
            Err(error)
        }
    }
}

fn body(kernel: &Kernel, event: &HookEvent, handler: &Rc<Handler>) -> LBF<Result<(), HandlerError>> {
    let (kernel, event, handler) = (kernel.clone(), event.clone(), handler.clone());
    Box::pin(async move {
        let answer: Value = match &handler.run {
            HandlerFn::Sync(run) => run(&event)?,
            HandlerFn::Async(run) => run(event.clone()).await?,
        };
        finish(&kernel, &event, &handler, answer)
    })
}

/// Completes with the reason why a handler is not waited for any longer.
async fn limit(
    kernel: Kernel,
    hook: &'static str,
    handler: Rc<Handler>,
    token: CancelToken,
    bound: Option<u64>,
) -> HandlerError {
    let host = kernel.host();
    let gate = handler.options.timeout_ms;
    let over = async {
        let Some(wait) = gate.or(bound) else { return std::future::pending().await };
        loop {
            host.sleep(Duration::from_millis(wait)).await;
            if gate.is_some() || !kernel.ui().has_dialog_of(handler.owner) {
                return wait;
            }
        }
    };
    let closed = async {
        token.cancelled().await;
        host.sleep(CLEAN_UP).await;
    };
    match select(Box::pin(over), Box::pin(closed)).await {
        Either::Left((ms, _)) => {
            HandlerError::of(ErrorKind::Error, format!("a handler of `{hook}` did not answer within {ms} ms"))
        }
        Either::Right(_) => HandlerError::of(ErrorKind::Cancelled, "the turn was closed"),
    }
}
