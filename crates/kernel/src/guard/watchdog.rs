//! What stops code that does not come back; supplied by an adapter that can interrupt its interpreter.

/// Counts down beside the running code; one countdown at a time, a new one replaces the old.
pub trait Watchdog {
    /// Starts a countdown of `deadline_ms` milliseconds; dropping the answer ends it.
    fn arm(&self, deadline_ms: u32) -> Armed;

    /// Tells whether the countdown has run out.
    fn expired(&self) -> bool;
}

/// A running countdown.
pub struct Armed(Option<Box<dyn FnOnce()>>);

impl Armed {
    /// Wraps what ends the countdown.
    pub fn new(disarm: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(disarm)))
    }

    /// Lets the countdown run on without this token.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(disarm) = self.0.take() {
            disarm();
        }
    }
}

impl std::fmt::Debug for Armed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Armed")
    }
}
