//! What the guard remembers of each extension, and what it says about it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::{DeadlineClass, Guard, SuspendFn, What};
use crate::{ExtId, HandlerError, Place, Topic};

/// How many messages are kept.
const LOG_LENGTH: usize = 1000;
/// How many timings of an extension are kept for its percentile.
const TIMINGS: usize = 512;

/// So many bytes of a message are kept: it may quote what an author gave, however long that is.
const LONGEST: usize = 4096;

fn clipped(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    format!("{}… ({} bytes)", crate::text::head(text, LONGEST), text.len())
}

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the curious.
    Debug,
    /// For everyone.
    Info,
    /// Something deserves attention.
    Warn,
    /// Something failed.
    Error,
}

/// One line of `/messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMessage {
    /// Milliseconds of the monotonic clock.
    pub at: u64,
    /// How serious it is.
    pub level: Level,
    /// Whose code it is about.
    pub ext: ExtId,
    /// The extension's name.
    pub extension: String,
    /// The hook, command or callback.
    pub what: String,
    /// What happened.
    pub text: String,
    /// The source file, where known.
    pub file: Option<String>,
    /// The line, one-based, where known.
    pub line: Option<u32>,
}

/// The longest stretch of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worst {
    /// How long it took, in microseconds.
    pub us: u64,
    /// The hook, command or callback.
    pub what: String,
    /// Where that was written, where known.
    pub place: Option<Place>,
}

/// What one extension has done and cost so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtReport {
    /// The extension.
    pub ext: ExtId,
    /// Its name.
    pub name: String,
    /// Whether it is suspended.
    pub suspended: bool,
    /// How many stretches of it ran.
    pub calls: u64,
    /// Their time together, in microseconds.
    pub total_us: u64,
    /// The 99th percentile of the latest 512, in microseconds.
    pub p99_us: u64,
    /// The longest.
    pub worst: Option<Worst>,
    /// How many failed.
    pub errors: u64,
    /// How many were stopped by force.
    pub hard_stops: u32,
    /// How many of those count towards its suspension.
    pub strikes: u32,
    /// The memory of its interpreter now.
    pub memory: MemoryUse,
    /// Bytes of its buffers.
    pub buffer_bytes: usize,
    /// Its marks.
    pub marks: usize,
    /// How many handlers, commands, keymaps, timers, jobs and so on it has, by kind.
    pub kinds: BTreeMap<&'static str, usize>,
    /// The latest error.
    pub last_error: Option<HandlerError>,
    /// What it has registered, as (kind, label).
    pub registered: Vec<(&'static str, String)>,
}

/// The memory of an extension's interpreter, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// What its values take, those included that nobody reaches any more and that were not collected yet.
    pub values: usize,
    /// What it has taken for values of each size and not filled yet included; the quota bounds it.
    pub taken: usize,
}

/// Answers what memory an extension's interpreter takes now.
pub type MemoryFn = Rc<dyn Fn() -> MemoryUse>;

/// The record of one extension that is loaded.
#[derive(Default)]
pub(super) struct ExtRecord {
    suspended: Cell<bool>,
    spent: RefCell<Spent>,
    memory: RefCell<Option<MemoryFn>>,
}

impl ExtRecord {
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.get()
    }
}

/// What it has done and what that cost.
#[derive(Default)]
struct Spent {
    calls: u64,
    total_us: u64,
    timings: VecDeque<u32>,
    worst: Option<Worst>,
    errors: u64,
    hard_stops: u32,
    strikes: u32,
    recent: VecDeque<u64>,
    last_error: Option<HandlerError>,
}

impl Spent {
    fn p99(&self) -> u64 {
        let mut sorted: Vec<u32> = self.timings.iter().copied().collect();
        sorted.sort_unstable();
        let at = (sorted.len() * 99 / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).copied().unwrap_or(0).into()
    }

    fn add(&mut self, what: What<'_>, took: u64) {
        self.calls += 1;
        self.total_us += took;
        if self.timings.len() == TIMINGS {
            self.timings.pop_front();
        }
        self.timings.push_back(took.min(u64::from(u32::MAX)) as u32);
        if self.worst.as_ref().is_none_or(|worst| took > worst.us) {
            self.worst = Some(Worst { us: took, what: what.name.to_owned(), place: what.place.cloned() });
        }
    }
}

impl Guard<'_> {
    /// Reports on every extension that is loaded, in load order.
    pub fn report(self) -> Vec<ExtReport> {
        self.0.ext().list().into_iter().map(|loaded| self.report_of(loaded.id)).collect()
    }

    /// Reports on one extension.
    pub fn report_of(self, ext: ExtId) -> ExtReport {
        let common = ExtReport {
            ext,
            name: self.0.ext().name(ext),
            registered: self.0.registered(ext),
            kinds: self.0.counts_of(ext),
            buffer_bytes: self.0.buf().usage(ext),
            marks: self.0.mark().count(ext),
            ..ExtReport::default()
        };
        let Some(record) = self.record(ext) else { return common };
        // Called without a borrow of the record: an adapter may ask its interpreter.
        let memory = record.memory.borrow().clone();
        let memory = memory.map_or_else(MemoryUse::default, |memory| memory());
        let spent = record.spent.borrow();
        ExtReport {
            suspended: record.suspended.get(),
            calls: spent.calls,
            total_us: spent.total_us,
            p99_us: spent.p99(),
            worst: spent.worst.clone(),
            errors: spent.errors,
            hard_stops: spent.hard_stops,
            strikes: spent.strikes,
            memory,
            last_error: spent.last_error.clone(),
            ..common
        }
    }

    /// Says how the memory of an extension's interpreter is found; called by its adapter.
    pub fn on_memory(self, ext: ExtId, memory: MemoryFn) {
        if let Some(record) = self.record(ext) {
            *record.memory.borrow_mut() = Some(memory);
        }
    }

    pub(super) fn record(self, ext: ExtId) -> Option<Rc<ExtRecord>> {
        self.0.0.guard.records.borrow().get(ext.0 as usize)?.clone()
    }

    /// Begins the record of an extension whose number was just given out.
    pub(crate) fn begin(self, ext: ExtId) {
        let mut records = self.0.0.guard.records.borrow_mut();
        let at = ext.0 as usize;
        if records.len() <= at {
            records.resize(at + 1, None);
        }
        records[at] = Some(Rc::default());
    }

    /// Forgets an extension that was unloaded.
    pub(crate) fn forget(self, ext: ExtId) {
        // Dropped outside the borrow: what tells its memory may own state whose drop calls back.
        let gone = self.0.0.guard.records.borrow_mut().get_mut(ext.0 as usize).and_then(Option::take);
        drop(gone);
    }

    /// Lists the latest thousand messages, oldest first.
    pub fn messages(self) -> Vec<LogMessage> {
        self.0.0.guard.log.borrow().iter().cloned().collect()
    }

    /// Writes a message that is about `ext`'s code.
    pub fn log(self, level: Level, ext: ExtId, what: &str, error: &HandlerError) {
        let state = &self.0.0.guard;
        let message = LogMessage {
            at: self.0.0.host.now_mono(),
            level,
            ext,
            extension: self.0.ext().name(ext),
            what: what.into(),
            text: clipped(&error.message),
            file: error.file.clone(),
            line: error.line,
        };
        tracing::debug!(extension = %message.extension, what, error = %error, "extension message");
        {
            let mut log = state.log.borrow_mut();
            if log.len() == LOG_LENGTH {
                log.pop_front();
            }
            log.push_back(message);
        }
        state.logged.set(state.logged.get() + 1);
        self.0.changed(Topic::Messages);
    }

    /// Writes a diagnostic in plain words.
    pub fn warn(self, ext: ExtId, what: &str, text: impl Into<String>) {
        self.log(Level::Warn, ext, what, &HandlerError::new(text));
    }

    /// Counts the messages written so far.
    pub fn logged(self) -> u64 {
        self.0.0.guard.logged.get()
    }

    /// Tells whether `ext` is suspended.
    pub fn is_suspended(self, ext: ExtId) -> bool {
        let records = self.0.0.guard.records.borrow();
        records.get(ext.0 as usize).and_then(Option::as_ref).is_some_and(|record| record.suspended.get())
    }

    /// Lets a suspended extension run again, with a clean record of strikes.
    pub fn resume(self, ext: ExtId) {
        if let Some(record) = self.record(ext) {
            record.suspended.set(false);
            let mut spent = record.spent.borrow_mut();
            spent.strikes = 0;
            spent.recent.clear();
        }
        self.0.win().mark_all_dirty();
    }

    /// Stops calling `ext`'s code until it is resumed, and says why.
    pub fn suspend(self, ext: ExtId, reason: &str) {
        if self.record(ext).is_none_or(|record| record.suspended.replace(true)) {
            return;
        }
        let name = self.0.ext().name(ext);
        let notice =
            format!("Extension `{name}` is suspended: {reason}. Resume it with `/extensions resume {name}`.");
        self.warn(ext, "suspend", notice.clone());
        self.0.ui().notify(ext, notice, Level::Warn);
        self.0.ui().close_of(ext, crate::Reason::Unload);
        self.0.win().mark_all_dirty();
        let listeners = self.0.0.guard.on_suspend.borrow().clone();
        for listener in listeners {
            listener(ext, reason);
        }
    }

    /// Calls `f` with the extension and the reason whenever one is suspended.
    pub fn on_suspend(self, f: SuspendFn) {
        self.0.0.guard.on_suspend.borrow_mut().push(f);
    }

    /// Records a failure that did not arise in a stretch, such as a gate that took too long.
    pub fn strike(self, ext: ExtId, what: &str, error: &HandlerError) {
        if ext == ExtId::CORE {
            self.log(Level::Error, ext, what, error);
        } else {
            self.failed(ext, what, error);
        }
    }

    /// Notes what a stretch has cost, and how it failed.
    pub(super) fn account(
        self,
        ext: ExtId,
        record: &ExtRecord,
        class: DeadlineClass,
        what: What<'_>,
        took: u64,
        error: Option<&HandlerError>,
    ) {
        record.spent.borrow_mut().add(what, took);
        let soft = self.0.0.guard.limits.borrow().of(class).soft_ms;
        let is_slow = took > soft * 1000;
        if (error.is_none() && !is_slow) || self.record(ext).is_none() {
            // All is well, or it has unloaded itself in this stretch.
            return;
        }
        if let Some(error) = error {
            self.failed(ext, what.name, error);
        } else {
            let place = what.place.map(|place| format!(" ({place})")).unwrap_or_default();
            let text = format!("took {} ms; more than {soft} ms is slow here{place}", took / 1000);
            self.warn(ext, what.name, text);
        }
    }

    fn failed(self, ext: ExtId, what: &str, error: &HandlerError) {
        self.log(Level::Error, ext, what, error);
        let reason = {
            let Some(record) = self.record(ext) else { return };
            let limits = self.0.0.guard.limits.borrow();
            let now = self.0.0.host.now_mono();
            let mut record = record.spent.borrow_mut();
            record.errors += 1;
            record.last_error = Some(error.clone());
            record.recent.push_back(now);
            while record.recent.front().is_some_and(|at| at + 60_000 < now) {
                record.recent.pop_front();
            }
            if error.kind.is_hard_stop() {
                record.hard_stops += 1;
                record.strikes += 1;
            }
            if record.strikes >= limits.hard_stops {
                Some(format!("it had to be stopped {} times, last in {what}", record.strikes))
            } else if record.recent.len() >= limits.errors_per_minute {
                Some(format!("{} errors within a minute, last in {what}: {error}", record.recent.len()))
            } else {
                None
            }
        };
        if let Some(reason) = reason {
            self.suspend(ext, &reason);
        }
    }
}
