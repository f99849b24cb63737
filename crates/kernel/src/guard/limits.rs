//! How long foreign code may compute and how much it may own.

/// Which deadline applies to a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineClass {
    /// Keys, mouse, paste and editors' key handlers.
    Key,
    /// The `render` hook and every renderer.
    Render,
    /// Everything else on the main thread.
    Main,
    /// Loading: the file and its setup.
    Load,
}

/// A soft and a hard limit in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Above it a diagnostic is written.
    pub soft_ms: u64,
    /// At it the code is interrupted.
    pub hard_ms: u64,
}

/// What one extension may own at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Bytes of text and blocks in its buffers.
    pub buffer_bytes: usize,
    /// Marks.
    pub marks: usize,
    /// Windows.
    pub windows: usize,
    /// Timers.
    pub timers: usize,
    /// Running processes.
    pub jobs: usize,
    /// Running tasks.
    pub tasks: usize,
    /// Bytes of the state it keeps in each scope.
    pub state_bytes: usize,
    /// Bytes of the interpreter's memory; enforced by the adapter.
    pub memory_bytes: usize,
}

/// All limits of the guard; the defaults are those of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For [`DeadlineClass::Key`].
    pub key: Limit,
    /// For [`DeadlineClass::Render`].
    pub render: Limit,
    /// For [`DeadlineClass::Main`].
    pub main: Limit,
    /// For [`DeadlineClass::Load`].
    pub load: Limit,
    /// How long an asynchronous gate may take as a whole while no dialog of its extension is open.
    pub gate_ms: u64,
    /// How many hard stops suspend an extension.
    pub hard_stops: u32,
    /// How many errors within a minute suspend it.
    pub errors_per_minute: usize,
    /// What it may own.
    pub quotas: Quotas,
}

impl Limits {
    /// Answers the limit of a class.
    pub fn of(&self, class: DeadlineClass) -> Limit {
        match class {
            DeadlineClass::Key => self.key,
            DeadlineClass::Render => self.render,
            DeadlineClass::Main => self.main,
            DeadlineClass::Load => self.load,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key: Limit { soft_ms: 10, hard_ms: 50 },
            render: Limit { soft_ms: 8, hard_ms: 30 },
            main: Limit { soft_ms: 50, hard_ms: 250 },
            load: Limit { soft_ms: 250, hard_ms: 2000 },
            gate_ms: 30_000,
            hard_stops: 3,
            errors_per_minute: 10,
            quotas: Quotas::default(),
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            buffer_bytes: 64 << 20,
            marks: 200_000,
            windows: 256,
            timers: 1_000,
            jobs: 32,
            tasks: 1_000,
            state_bytes: 4 << 20,
            memory_bytes: 64 << 20,
        }
    }
}
