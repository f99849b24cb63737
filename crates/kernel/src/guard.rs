//! The one wrapper through which foreign code is entered.
//!
//! A *stretch* runs one uninterrupted piece of an extension's code: inside a transaction, under a deadline, with
//! panics caught and every failure attributed to extension, hook and place. Three hard stops, or ten errors within
//! a minute, suspend the extension.

mod cancel;
mod limits;
mod record;
mod watchdog;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

pub use cancel::CancelToken;
pub use limits::{DeadlineClass, Limit, LimitSetting, Limits, Quotas};
pub use record::{ExtReport, Level, LogMessage, MemoryFn, MemoryUse, Worst};
pub use watchdog::Watchdog;

use crate::{ErrorKind, ExtId, HandlerError, Kernel, LBF, Place};
use record::ExtRecord;

/// How deep stretches may nest.
pub const MAX_DEPTH: usize = 32;

#[derive(Default)]
pub(crate) struct GuardState {
    limits: RefCell<Limits>,
    watchdog: RefCell<Option<Rc<dyn Watchdog>>>,
    frames: RefCell<Vec<Frame>>,
    /// When the watchdog's countdown ends, in microseconds; 0 while none runs.
    armed: Cell<u64>,
    /// How many dispatches keep the countdown for their next handler.
    held: Cell<usize>,
    /// By the extension's number; present while it is loaded.
    records: RefCell<Vec<Option<Rc<ExtRecord>>>>,
    log: RefCell<std::collections::VecDeque<LogMessage>>,
    cancel: RefCell<Option<CancelToken>>,
    on_suspend: RefCell<Vec<SuspendFn>>,
    logged: Cell<u64>,
}

/// Hears of a suspension and its reason.
pub type SuspendFn = Rc<dyn Fn(ExtId, &str)>;

/// What is entered, for diagnostics: the hook, command or callback, and where it was written.
#[derive(Debug, Clone, Copy)]
pub struct What<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it was written, where known.
    pub place: Option<&'a Place>,
}

impl<'a> From<&'a str> for What<'a> {
    fn from(name: &'a str) -> Self {
        Self { name, place: None }
    }
}

impl<'a> From<&'a String> for What<'a> {
    fn from(name: &'a String) -> Self {
        Self { name, place: None }
    }
}

struct Frame {
    ext: ExtId,
    /// Why the stretch fails even if its code says that it went well.
    doomed: Option<HandlerError>,
    /// Microseconds of the monotonic clock; none for the kernel's own code.
    deadline: Option<u64>,
    /// Microseconds that it waited for a disk or the like, which are not its own.
    waited: u64,
}

/// Enters foreign code and keeps its record; made by [`Kernel::guard`].
#[derive(Clone, Copy)]
pub struct Guard<'k>(pub(crate) &'k Kernel);

impl Guard<'_> {
    /// Runs one piece of `ext`'s code: its changes apply whole or, when it fails, not at all.
    ///
    /// `what` names the hook, command or callback in diagnostics.
    pub fn stretch<'a, T>(
        self,
        ext: ExtId,
        class: DeadlineClass,
        what: impl Into<What<'a>>,
        f: impl FnOnce() -> Result<T, HandlerError>,
    ) -> Result<T, HandlerError> {
        self.stretch_at(ext, class, what.into(), self.0.0.host.now_micros(), f).0
    }

    /// Does the same from a time that was just read, and answers the time at its end as well, both in microseconds: those
    /// who run one stretch after another look at the clock once for each.
    pub(crate) fn stretch_at<T>(
        self,
        ext: ExtId,
        class: DeadlineClass,
        what: What<'_>,
        started: u64,
        f: impl FnOnce() -> Result<T, HandlerError>,
    ) -> (Result<T, HandlerError>, u64) {
        let record = self.record(ext);
        if let Some(error) = self.refuse(ext, record.as_deref()) {
            if error.kind != ErrorKind::Cancelled {
                self.log(Level::Error, ext, what.name, &error);
            }
            return (Err(error), started);
        }
        let state = &self.0.0.guard;
        self.open(ext, class, started);
        self.0.tx_begin();
        let result =
            catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| Err(panic_error(payload.as_ref())));
        let (doomed, waited) =
            state.frames.borrow_mut().pop().map_or((None, 0), |frame| (frame.doomed, frame.waited));
        let result = doomed.map_or(result, Err);
        match &result {
            // What the code of another extension did on the way is that extension's, however the outer one ends.
            Ok(_) if ext != ExtId::CORE && self.current() != Some(ext) => self.0.tx_settle(),
            Ok(_) => self.0.tx_commit(),
            Err(_) => self.0.tx_rollback(),
        }
        let ended = self.0.0.host.now_micros();
        let took = ended.saturating_sub(started).saturating_sub(waited);
        self.close(matches!(&result, Err(e) if e.kind.is_hard_stop()), took, ended);
        if let Some(record) = record {
            self.account(ext, &record, class, what, took, result.as_ref().err());
        } else if let Err(error) = &result {
            self.log(Level::Error, ext, what.name, error);
        }
        (result, ended)
    }

    /// Wraps a future of `ext`'s code so that each poll is one stretch.
    pub fn future<T: 'static>(
        self,
        ext: ExtId,
        class: DeadlineClass,
        what: impl Into<String>,
        future: LBF<Result<T, HandlerError>>,
    ) -> LBF<Result<T, HandlerError>> {
        self.future_at(ext, class, what, None, future)
    }

    /// Does the same for code of which it is known where it was written.
    pub fn future_at<T: 'static>(
        self,
        ext: ExtId,
        class: DeadlineClass,
        what: impl Into<String>,
        place: Option<Place>,
        future: LBF<Result<T, HandlerError>>,
    ) -> LBF<Result<T, HandlerError>> {
        let what: String = what.into();
        let kernel = self.0.downgrade();
        let token = self.current_cancel();
        let mut future: Pin<Box<dyn Future<Output = Result<T, HandlerError>>>> = future;
        Box::pin(std::future::poll_fn(move |cx| {
            let Some(kernel) = kernel.upgrade() else {
                return Poll::Ready(Err(HandlerError::of(ErrorKind::Cancelled, "the kernel is gone")));
            };
            let guard = kernel.guard();
            let outer = guard.swap_cancel(token.clone());
            let entered = What { name: &what, place: place.as_ref() };
            let polled = guard.stretch(ext, class, entered, || match future.as_mut().poll(cx) {
                Poll::Pending => Ok(None),
                Poll::Ready(Ok(value)) => Ok(Some(value)),
                Poll::Ready(Err(error)) => Err(error),
            });
            guard.swap_cancel(outer);
            match polled {
                Ok(None) => Poll::Pending,
                Ok(Some(value)) => Poll::Ready(Ok(value)),
                Err(error) => Poll::Ready(Err(error)),
            }
        }))
    }

    /// Runs what waits for a disk: the time it takes is held against none of the stretches that are open.
    pub(crate) fn waiting<T>(self, f: impl FnOnce() -> T) -> T {
        if self.0.0.guard.frames.borrow().is_empty() {
            return f();
        }
        let begun = self.0.0.host.now_micros();
        let answer = f();
        let now = self.0.0.host.now_micros();
        let waited = now.saturating_sub(begun);
        let deadline = {
            let mut frames = self.0.0.guard.frames.borrow_mut();
            for frame in frames.iter_mut() {
                frame.waited += waited;
                frame.deadline = frame.deadline.map(|deadline| deadline + waited);
            }
            frames.last().and_then(|frame| frame.deadline)
        };
        if let Some(deadline) = deadline {
            self.watch(deadline, now);
        }
        answer
    }

    /// Answers how many stretches are open, one in the other.
    pub(crate) fn depth(self) -> usize {
        self.0.0.guard.frames.borrow().len()
    }

    /// Answers the extension whose code is running, if any is.
    pub fn current(self) -> Option<ExtId> {
        self.0.0.guard.frames.borrow().last().map(|frame| frame.ext)
    }

    /// Makes the running stretch fail, whatever its code does next.
    pub fn doom(self, error: HandlerError) {
        if let Some(frame) = self.0.0.guard.frames.borrow_mut().last_mut() {
            frame.doomed.get_or_insert(error);
        }
    }

    /// Tells whether the running stretch is over its hard limit; long host functions ask every 64 KiB.
    pub fn expired(self) -> bool {
        let state = &self.0.0.guard;
        let deadline = match state.frames.borrow().last() {
            Some(frame) if frame.doomed.is_some() => return true,
            Some(Frame { deadline: Some(deadline), .. }) => *deadline,
            _ => return false,
        };
        let by_thread = state.watchdog.borrow().as_ref().is_some_and(|watchdog| watchdog.expired());
        by_thread || self.0.0.host.now_micros() >= deadline
    }

    /// Answers the token that ends the waits of the running handler, if what it works for can go away.
    pub fn current_cancel(self) -> Option<CancelToken> {
        self.0.0.guard.cancel.borrow().clone()
    }

    /// Makes `token` the one that waits begun from now on listen to, and answers the one before.
    pub fn swap_cancel(self, token: Option<CancelToken>) -> Option<CancelToken> {
        std::mem::replace(&mut *self.0.0.guard.cancel.borrow_mut(), token)
    }

    /// Answers the limits in force.
    pub fn limits(self) -> Limits {
        self.0.0.guard.limits.borrow().clone()
    }

    /// Replaces the limits, as configuration asks.
    pub fn set_limits(self, limits: Limits) {
        *self.0.0.guard.limits.borrow_mut() = limits;
    }

    /// Supplies the thread that interrupts code over its limit; a stretch that runs already is under it from now on.
    pub fn set_watchdog(self, watchdog: Rc<dyn Watchdog>) {
        *self.0.0.guard.watchdog.borrow_mut() = Some(watchdog);
        let deadline = self.0.0.guard.frames.borrow().last().and_then(|frame| frame.deadline);
        if let Some(deadline) = deadline {
            self.watch(deadline, self.0.0.host.now_micros());
        }
    }

    /// Answers that thread, if an adapter has supplied it.
    pub fn watchdog(self) -> Option<Rc<dyn Watchdog>> {
        self.0.0.guard.watchdog.borrow().clone()
    }

    fn refuse(self, ext: ExtId, record: Option<&ExtRecord>) -> Option<HandlerError> {
        if record.is_some_and(ExtRecord::is_suspended) {
            let name = self.0.ext().name(ext);
            let message =
                format!("extension `{name}` is suspended; resume it with `/extensions resume {name}`");
            return Some(HandlerError::of(ErrorKind::Cancelled, message));
        }
        (self.depth() >= MAX_DEPTH).then(|| HandlerError::new("nested deeper than 32 handlers"))
    }

    fn open(self, ext: ExtId, class: DeadlineClass, now: u64) {
        let state = &self.0.0.guard;
        let deadline = {
            let mut frames = state.frames.borrow_mut();
            let outer = frames.last().and_then(|frame| frame.deadline);
            let own = (ext != ExtId::CORE).then(|| now + state.limits.borrow().of(class).hard_ms * 1000);
            let deadline = match (own, outer) {
                (Some(own), Some(outer)) => Some(own.min(outer)),
                (own, outer) => own.or(outer),
            };
            frames.push(Frame { ext, doomed: None, deadline, waited: 0 });
            deadline
        };
        if let Some(deadline) = deadline {
            self.watch(deadline, now);
        }
    }

    /// Gives the watchdog back to the stretch around the one that ended. The time an inner handler wasted until
    /// it was stopped is not held against the outer one: the strike goes to the innermost that was computing.
    fn close(self, stopped: bool, took: u64, now: u64) {
        let outer = {
            let mut frames = self.0.0.guard.frames.borrow_mut();
            frames.last_mut().map(|frame| {
                if let (true, Some(deadline)) = (stopped, frame.deadline.as_mut()) {
                    *deadline += took;
                }
                frame.deadline
            })
        };
        if stopped {
            // It ran out; the next stretch begins a new one.
            self.0.0.guard.armed.set(0);
        }
        match outer.flatten() {
            Some(deadline) => self.watch(deadline, now),
            None => self.unwatch(),
        }
    }
}

fn panic_error(payload: &(dyn std::any::Any + Send)) -> HandlerError {
    let text = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    HandlerError::of(ErrorKind::Panic, format!("panicked: {text}"))
}

impl Kernel {
    /// Enters foreign code and answers what it has cost.
    pub fn guard(&self) -> Guard<'_> {
        Guard(self)
    }
}
