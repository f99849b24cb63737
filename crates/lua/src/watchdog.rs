//! The watchdog: one thread that says when a stretch of extension code has run for too long.
//!
//! The main thread publishes the deadline of the stretch it is in; the thread sleeps until then
//! and publishes the time at which it woke. Code is overdue once that time has reached the
//! deadline, so the check inside the interpreter is two relaxed loads, and a late wake-up of an
//! earlier deadline can never hit a later stretch.
//!
//! The thread parks without a timeout while nothing is armed: no wake-ups when idle. While keys
//! are typed it is woken at most once per deadline, not once per key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use purlin_kernel::Watchdog;

/// No deadline, and no planned wake-up.
const NEVER: u64 = u64::MAX;
/// How often an overdue stretch that does not notice is looked at again.
const OVERDUE_POLL: Duration = Duration::from_millis(5);

/// What the main thread and the watchdog's thread share.
struct Shared {
    origin: Instant,
    /// The deadline of the armed stretch, in nanoseconds since `origin`.
    deadline: AtomicU64,
    /// The latest time at which the thread woke to find a deadline passed.
    reached: AtomicU64,
    /// When the thread will wake by itself.
    wakes_at: AtomicU64,
    stopped: AtomicBool,
}

impl Shared {
    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn watch(&self) {
        while !self.stopped.load(Ordering::SeqCst) {
            let deadline = self.deadline.load(Ordering::SeqCst);
            let now = self.now();
            let sleep = if deadline == NEVER {
                None
            } else if deadline <= now {
                self.reached.store(now, Ordering::SeqCst);
                Some(OVERDUE_POLL)
            } else {
                Some(Duration::from_nanos(deadline - now))
            };
            let wakes_at = sleep.map_or(NEVER, |sleep| now + sleep.as_nanos() as u64);
            self.wakes_at.store(wakes_at, Ordering::SeqCst);
            // The arming side stores the deadline and then looks at `wakes_at`; looking again
            // here closes the window in which it still saw the previous plan.
            if self.deadline.load(Ordering::SeqCst) < wakes_at.min(deadline) {
                continue;
            }
            match sleep {
                None => thread::park(),
                Some(sleep) => thread::park_timeout(sleep),
            }
        }
    }
}

/// A thread that interrupts extension code at its deadline.
pub struct WatchdogThread {
    shared: Arc<Shared>,
    thread: Thread,
}

impl WatchdogThread {
    /// Starts the thread, parked.
    pub fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            origin: Instant::now(),
            deadline: AtomicU64::new(NEVER),
            reached: AtomicU64::new(0),
            wakes_at: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let watched = Arc::clone(&shared);
        let handle = thread::Builder::new()
            .name("lua-watchdog".into())
            .stack_size(64 * 1024)
            .spawn(move || watched.watch())?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Whether the armed stretch is past its deadline.
    #[inline]
    pub fn is_overdue(&self) -> bool {
        self.shared.deadline.load(Ordering::Relaxed) <= self.shared.reached.load(Ordering::Relaxed)
    }
}

impl Watchdog for WatchdogThread {
    fn arm(&self, deadline_ms: u32) {
        let deadline = self.shared.now() + u64::from(deadline_ms) * 1_000_000;
        self.shared.deadline.store(deadline, Ordering::SeqCst);
        if deadline < self.shared.wakes_at.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }

    fn disarm(&self) {
        self.shared.deadline.store(NEVER, Ordering::SeqCst);
    }

    fn expired(&self) -> bool {
        self.is_overdue()
    }
}

impl Drop for WatchdogThread {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin_until_overdue(watchdog: &WatchdogThread) -> Duration {
        let start = Instant::now();
        while !watchdog.is_overdue() {
            assert!(start.elapsed() < Duration::from_secs(5), "never overdue");
            std::hint::spin_loop();
        }
        start.elapsed()
    }

    #[test]
    fn an_armed_stretch_becomes_overdue_and_a_new_one_is_not() {
        let watchdog = WatchdogThread::start().expect("thread");
        assert!(!watchdog.expired());
        watchdog.arm(10);
        assert!(spin_until_overdue(&watchdog) >= Duration::from_millis(9));
        watchdog.disarm();
        assert!(!watchdog.expired(), "nothing is armed");
        watchdog.arm(10_000);
        assert!(!watchdog.expired(), "a new stretch starts fresh");
    }

    #[test]
    fn a_shorter_deadline_replaces_a_longer_one() {
        let watchdog = WatchdogThread::start().expect("thread");
        watchdog.arm(60_000);
        watchdog.arm(5);
        spin_until_overdue(&watchdog);
        watchdog.arm(60_000);
        assert!(!watchdog.expired());
    }
}
