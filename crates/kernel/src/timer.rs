//! Timers: the main loop sleeps until the next is due; nothing ticks idly.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, json};

use crate::guard::DeadlineClass;
use crate::hooks::terminal::Tick;
use crate::{ExtId, Handle, HandlerError, Kernel, RegId};

/// No interval is shorter, in milliseconds.
pub const MIN_INTERVAL_MS: u64 = 10;

/// The code of a timer.
pub type TimerFn = Rc<dyn Fn() -> Result<(), HandlerError>>;

#[derive(Clone)]
struct Timer {
    owner: ExtId,
    every: Option<u64>,
    run: TimerFn,
}

#[derive(Default)]
pub(crate) struct TimerTable {
    /// By due time, then registration.
    due: RefCell<BTreeMap<(u64, RegId), Timer>>,
}

/// Starts timers; made by [`Kernel::timer`].
#[derive(Clone, Copy, Debug)]
pub struct Timers<'k>(&'k Kernel);

impl Timers<'_> {
    /// Calls `run` once, `ms` from now.
    pub fn defer(self, owner: ExtId, ms: u64, run: TimerFn) -> Result<Handle, HandlerError> {
        self.start(owner, ms, None, run)
    }

    /// Calls `run` every `ms`, at least 10, first `ms` from now.
    pub fn interval(self, owner: ExtId, ms: u64, run: TimerFn) -> Result<Handle, HandlerError> {
        let every = ms.max(MIN_INTERVAL_MS);
        self.start(owner, every, Some(every), run)
    }

    fn start(self, owner: ExtId, ms: u64, every: Option<u64>, run: TimerFn) -> Result<Handle, HandlerError> {
        self.0.check_quota(owner, "timer", "timers", self.0.guard().limits().quotas.timers)?;
        let id = self.0.next_reg();
        let due = self.0.now() + ms;
        let timer = Timer { owner, every, run };
        let handle = self.0.register(
            id,
            owner,
            "timer",
            every.map_or("defer", |_| "interval"),
            move |kernel| {
                kernel.0.timers.due.borrow_mut().insert((due, id), timer.clone());
            },
            move |kernel| {
                let removed = {
                    let mut due = kernel.0.timers.due.borrow_mut();
                    let key = due.keys().find(|(_, other)| *other == id).copied();
                    key.and_then(|key| due.remove(&key))
                };
                drop(removed);
            },
        );
        self.0.wake();
        Ok(handle)
    }

    /// Answers when the next timer is due, in milliseconds of the monotonic clock.
    pub fn next_due(self) -> Option<u64> {
        self.0.0.timers.due.borrow().keys().next().map(|(due, _)| *due)
    }

    /// Runs every timer that is due now, each once; what they start runs later.
    pub(crate) fn run_due(self) {
        let now = self.0.now();
        let mut ready = Vec::new();
        {
            let mut due = self.0.0.timers.due.borrow_mut();
            while let Some(first) = due.first_entry().filter(|entry| entry.key().0 <= now) {
                ready.push(first.remove_entry());
            }
        }
        if ready.is_empty() {
            return;
        }
        self.0.hook().dispatch_with::<Tick>(|| Map::from_iter([("now".to_owned(), json!(now))]));
        // Intervals are put back before anything runs, so that a timer may stop itself or another.
        for ((_, id), timer) in &ready {
            if let Some(every) = timer.every {
                self.0.0.timers.due.borrow_mut().insert((now + every, *id), timer.clone());
            }
        }
        for ((_, id), timer) in ready {
            if !self.0.is_registered(id) {
                continue;
            }
            // Also one that a suspended extension misses is over.
            if timer.every.is_none() {
                self.0.forget(id);
            }
            if self.0.guard().is_suspended(timer.owner) {
                continue;
            }
            // The guard has recorded a failure.
            let _ = self.0.guard().stretch(timer.owner, DeadlineClass::Main, "timer", || (timer.run)());
        }
    }
}

impl Kernel {
    /// Starts timers.
    pub fn timer(&self) -> Timers<'_> {
        Timers(self)
    }
}
