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

/// One number of the limits, as configuration names it below `extensions.limits`.
#[derive(Debug, Clone, Copy)]
pub struct LimitSetting {
    /// Its name, which ends in its unit where it has one.
    pub name: &'static str,
    /// What it limits, one sentence.
    pub doc: &'static str,
    /// The greatest number that may be set; the least is 1.
    pub most: u64,
    read: fn(&Limits) -> u64,
    write: fn(&mut Limits, u64),
}

impl LimitSetting {
    /// Answers the number in some limits.
    pub fn get(&self, limits: &Limits) -> u64 {
        (self.read)(limits)
    }
}

/// So long may nothing take, in milliseconds: ten minutes.
const MOST_MS: u64 = 600_000;
/// More bytes than this, in MiB, are no quota.
const MOST_MIB: u64 = 65_536;
const MOST: u64 = 100_000_000;
const MIB: u64 = 1 << 20;

macro_rules! setting {
    ($name:literal, $most:expr, $doc:literal, $($field:ident).+ : $type:ty) => {
        setting!($name, $most, $doc, $($field).+ : $type, 1)
    };
    ($name:literal, $most:expr, $doc:literal, $($field:ident).+ : $type:ty, $unit:expr) => {
        LimitSetting {
            name: $name,
            doc: $doc,
            most: $most,
            read: |limits| limits.$($field).+ as u64 / $unit,
            write: |limits, value| limits.$($field).+ = (value * $unit) as $type,
        }
    };
}

/// Every limit that configuration can set.
#[expect(clippy::cast_lossless, reason = "one macro serves fields of every width")]
static SETTINGS: [LimitSetting; 19] = [
    setting!("key_soft_ms", MOST_MS, "How long a handler of a key, a paste or the mouse may compute before it is a diagnostic.", key.soft_ms: u64),
    setting!("key_hard_ms", MOST_MS, "How long it may compute before it is interrupted.", key.hard_ms: u64),
    setting!("render_soft_ms", MOST_MS, "How long a renderer may compute before it is a diagnostic.", render.soft_ms: u64),
    setting!("render_hard_ms", MOST_MS, "How long a renderer may compute before it is interrupted.", render.hard_ms: u64),
    setting!("main_soft_ms", MOST_MS, "How long any other code may compute between two waits before it is a diagnostic.", main.soft_ms: u64),
    setting!("main_hard_ms", MOST_MS, "How long any other code may compute between two waits before it is interrupted.", main.hard_ms: u64),
    setting!("load_soft_ms", MOST_MS, "How long loading may take before it is a diagnostic.", load.soft_ms: u64),
    setting!("load_hard_ms", MOST_MS, "How long loading may take before it is interrupted.", load.hard_ms: u64),
    setting!("gate_ms", MOST_MS, "How long a gate that waits may take as a whole while no dialog of its extension is open.", gate_ms: u64),
    setting!("hard_stops", MOST, "How many interruptions suspend an extension.", hard_stops: u32),
    setting!("errors_per_minute", MOST, "How many errors within a minute suspend it.", errors_per_minute: usize),
    setting!("memory_mib", MOST_MIB, "Memory of an extension's interpreter; counts for what is loaded from then on.", quotas.memory_bytes: usize, MIB),
    setting!("buffers_mib", MOST_MIB, "Text and blocks in an extension's buffers.", quotas.buffer_bytes: usize, MIB),
    setting!("state_mib", MOST_MIB, "What an extension keeps as state in each scope.", quotas.state_bytes: usize, MIB),
    setting!("marks", MOST, "Marks of an extension.", quotas.marks: usize),
    setting!("windows", MOST, "Windows of an extension.", quotas.windows: usize),
    setting!("timers", MOST, "Timers of an extension.", quotas.timers: usize),
    setting!("jobs", MOST, "Processes an extension runs at a time.", quotas.jobs: usize),
    setting!("tasks", MOST, "Tasks an extension runs at a time.", quotas.tasks: usize),
];

impl Limits {
    /// Lists what configuration can set, in the order in which people read it.
    pub fn settings() -> &'static [LimitSetting] {
        &SETTINGS
    }

    /// Sets one limit by its name; the error is a sentence that names it and what is expected.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), String> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let near = crate::nearest(name, SETTINGS.iter().map(|setting| setting.name));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("there is no limit `{name}`{hint}"));
        };
        if !(1..=setting.most).contains(&value) {
            return Err(format!("`{name}` takes a number from 1 to {}, got {value}", setting.most));
        }
        (setting.write)(self, value);
        Ok(())
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_set_by_its_name_and_is_what_was_set() {
        let mut limits = Limits::default();
        let before: Vec<u64> = Limits::settings().iter().map(|setting| setting.get(&limits)).collect();
        assert_eq!(
            before,
            [10, 50, 8, 30, 50, 250, 250, 2000, 30_000, 3, 10, 64, 64, 4, 200_000, 256, 1_000, 32, 1_000],
            "the contract's"
        );
        for (number, setting) in (2..).zip(Limits::settings()) {
            limits.set(setting.name, number).expect(setting.name);
        }
        for (number, setting) in (2..).zip(Limits::settings()) {
            assert_eq!(setting.get(&limits), number, "{}", setting.name);
        }
        assert_eq!(limits.quotas.memory_bytes, 13 << 20);
    }

    #[test]
    fn a_wrong_name_or_number_is_told() {
        let mut limits = Limits::default();
        assert_eq!(limits.set("mark", 1), Err("there is no limit `mark`; did you mean `marks`?".into()));
        assert_eq!(limits.set("jobs", 0), Err("`jobs` takes a number from 1 to 100000000, got 0".into()));
        assert_eq!(limits, Limits::default());
    }
}
