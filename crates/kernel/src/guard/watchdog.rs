//! What stops code that does not come back; supplied by an adapter that can interrupt its interpreter.

use super::Guard;

/// How late a countdown may end, in microseconds: within it one countdown serves handlers that follow one another, so
/// that a handler costs no atomic store and no look at a clock of its own.
const SLACK: u64 = 1_000;

/// Counts down beside the running code; one countdown at a time, a new one replaces the old.
pub trait Watchdog {
    /// Starts a countdown of `deadline_ms` milliseconds.
    fn arm(&self, deadline_ms: u32);

    /// Ends the countdown.
    fn disarm(&self);

    /// Tells whether the countdown has run out.
    fn expired(&self) -> bool;
}

impl Guard<'_> {
    /// Makes the countdown end at `deadline`, or up to a millisecond later; `now` is the time, both in microseconds.
    pub(super) fn watch(self, deadline: u64, now: u64) {
        let state = &self.0.0.guard;
        if (deadline..=deadline + SLACK).contains(&state.armed.get()) {
            return;
        }
        if let Some(watchdog) = state.watchdog.borrow().as_ref() {
            state.armed.set(deadline + SLACK);
            watchdog.arm(((deadline + SLACK).saturating_sub(now) / 1000).max(1) as u32);
        }
    }

    /// Ends the countdown, unless something runs under it or is about to.
    pub(super) fn unwatch(self) {
        let state = &self.0.0.guard;
        let counts = state.frames.borrow().last().is_some_and(|frame| frame.deadline.is_some());
        if counts || state.held.get() > 0 || state.armed.replace(0) == 0 {
            return;
        }
        if let Some(watchdog) = state.watchdog.borrow().as_ref() {
            watchdog.disarm();
        }
    }

    /// Keeps the countdown between the stretches that follow, until the answer is dropped.
    pub(crate) fn hold(&self) -> Held<'_> {
        let held = &self.0.0.guard.held;
        held.set(held.get() + 1);
        Held(*self)
    }
}

/// Keeps the countdown between stretches that follow one another.
pub(crate) struct Held<'k>(Guard<'k>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let held = &self.0.0.0.guard.held;
        held.set(held.get().saturating_sub(1));
        self.0.unwatch();
    }
}
