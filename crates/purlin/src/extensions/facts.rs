//! What is known of one extension.

use std::path::PathBuf;

use purlin_agent::ToolRegistration;
use purlin_kernel::{ExtId, ExtReport, Kernel, Level, LogMessage};
use serde_json::{Value, json};

use crate::loading::{Shelf, is_remark, place_of};

/// How an extension stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Loaded,
    /// It failed too often and is not called until it is resumed.
    Suspended,
    /// It could not be loaded.
    Failed,
}

impl State {
    /// The word that people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Suspended => "suspended",
            Self::Failed => "not loaded",
        }
    }
}

/// One extension: where it comes from, what it has registered, what it cost.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Its number in the kernel, if it is loaded.
    pub ext: Option<ExtId>,
    /// The file or folder it was loaded from, if it was.
    pub path: Option<PathBuf>,
    /// The version in its manifest; empty without one.
    pub version: String,
    /// What its manifest says it is for.
    pub description: String,
    /// How it stands.
    pub state: State,
    /// Why it was not loaded, or not loaded anew.
    pub failure: Option<String>,
    /// How many tools it has.
    pub tools: usize,
    /// Names and keys of its own that another has, so that they never run, each as words.
    pub conflicts: Vec<String>,
    /// What the guard has to complain of besides, the oldest first, each with the hook or call that it is about.
    pub diagnostics: Vec<String>,
    /// What the guard knows.
    pub report: ExtReport,
}

impl Facts {
    /// Collects the facts of all extensions: those of files in their order, then the others that the kernel knows.
    pub fn of_all(kernel: &Kernel, shelf: &Shelf) -> Vec<Self> {
        let tools = kernel.ext().registrations::<ToolRegistration>();
        let conflicts = kernel.keymap().conflicts();
        let messages = kernel.guard().messages();
        let common = |name: String, ext: Option<ExtId>| {
            let report = ext.map(|ext| kernel.guard().report_of(ext)).unwrap_or_default();
            let own = conflicts.iter().filter(|conflict| Some(conflict.other) == ext);
            let words = own
                .map(|conflict| format!("`{}` is `{}`'s", conflict.lhs, kernel.ext().name(conflict.holder)));
            let complaints =
                messages.iter().filter(|message| Some(message.ext) == ext && is_complaint(message));
            let (names, others): (Vec<_>, Vec<_>) = complaints.partition(|message| is_of_a_name(message));
            let words = words.chain(names.into_iter().map(|message| message.text.clone()));
            Self {
                name,
                ext,
                path: None,
                version: String::new(),
                description: String::new(),
                state: match ext {
                    None => State::Failed,
                    Some(_) if report.suspended => State::Suspended,
                    Some(_) => State::Loaded,
                },
                failure: None,
                tools: tools.iter().filter(|(owner, _)| Some(*owner) == ext).count(),
                conflicts: words.collect(),
                diagnostics: others.into_iter().map(worded).collect(),
                report,
            }
        };
        let kept = shelf.list();
        let of_files: Vec<ExtId> = kept.iter().filter_map(|kept| kept.ext).collect();
        let mut all: Vec<Self> = kept
            .into_iter()
            .map(|kept| Self {
                path: Some(kept.path),
                version: kept.version,
                description: kept.description,
                failure: kept.failure,
                ..common(kept.name, kept.ext)
            })
            .collect();
        let others = kernel.ext().list().into_iter().filter(|loaded| !of_files.contains(&loaded.id));
        all.extend(others.map(|loaded| common(loaded.name, Some(loaded.id))));
        all
    }

    /// How many things of a kind it has registered.
    pub fn count(&self, kind: &str) -> usize {
        self.report.kinds.get(kind).copied().unwrap_or(0)
    }

    /// Bytes of what it keeps: the values of its interpreter and its buffers.
    pub fn memory(&self) -> usize {
        self.report.memory.values + self.report.buffer_bytes
    }

    /// What has gone wrong with it last, if anything has.
    pub fn trouble(&self) -> Option<String> {
        self.failure.clone().or_else(|| self.report.last_error.as_ref().map(ToString::to_string))
    }

    /// What it has registered, as words; empty if nothing.
    pub fn registered(&self) -> String {
        const KINDS: [(&str, &str, &str); 5] = [
            ("handler", "handler", "handlers"),
            ("command", "command", "commands"),
            ("keymap", "keymap", "keymaps"),
            ("timer", "timer", "timers"),
            ("job", "job", "jobs"),
        ];
        let mut counts: Vec<(usize, &str, &str)> =
            KINDS.iter().map(|(kind, one, many)| (self.count(kind), *one, *many)).collect();
        counts.insert(2, (self.tools, "tool", "tools"));
        let words = counts.into_iter().filter(|(count, ..)| *count > 0);
        let words: Vec<String> =
            words.map(|(n, one, many)| format!("{n} {}", if n == 1 { one } else { many })).collect();
        words.join(", ")
    }

    /// How long its code ran, and where longest, as words; empty if it never ran.
    pub fn time(&self) -> String {
        let report = &self.report;
        let Some(worst) = &report.worst else { return String::new() };
        let place = worst.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
        let [total, p99, longest] = [report.total_us, report.p99_us, worst.us].map(milliseconds);
        format!("{total}, p99 {p99}, worst {longest} in `{}`{place}", worst.what)
    }

    /// All of it, for programs.
    pub fn json(&self) -> Value {
        let report = &self.report;
        let worst = report.worst.as_ref().map(|worst| {
            json!({ "us": worst.us, "what": worst.what, "place": worst.place.as_ref().map(ToString::to_string) })
        });
        json!({
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "path": self.path.as_ref().map(|path| path.display().to_string()),
            "state": self.state.as_str(),
            "failure": self.failure,
            "handlers": self.count("handler"),
            "commands": self.count("command"),
            "tools": self.tools,
            "keymaps": self.count("keymap"),
            "timers": self.count("timer"),
            "jobs": self.count("job"),
            "calls": report.calls,
            "total_us": report.total_us,
            "p99_us": report.p99_us,
            "worst": worst,
            "errors": report.errors,
            "strikes": report.strikes,
            "value_bytes": report.memory.values,
            "memory_bytes": report.memory.taken,
            "buffer_bytes": report.buffer_bytes,
            "marks": report.marks,
            "last_error": report.last_error.as_ref().map(ToString::to_string),
            "conflicts": self.conflicts,
            "diagnostics": self.diagnostics,
            "registered": report.registered,
        })
    }
}

/// Whether a message tells of something that its author should mend. What failed is told by the counts and the last error, and
/// of a key that another has the list of keys knows more.
fn is_complaint(message: &LogMessage) -> bool {
    message.level == Level::Warn
        && !is_remark(message)
        && !matches!(message.what.as_str(), "log" | "suspend" | "keymap")
}

/// Whether a message tells of a name that another has.
fn is_of_a_name(message: &LogMessage) -> bool {
    matches!(message.what.as_str(), "command" | "tool") && message.text.contains("is already a ")
}

fn worded(message: &LogMessage) -> String {
    let place = place_of(message).map(|place| format!(" ({place})")).unwrap_or_default();
    format!("{}: {}{place}", message.what, message.text)
}

/// Microseconds as milliseconds with one digit.
pub fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

/// Bytes as KiB or MiB.
pub fn bytes(count: usize) -> String {
    match count {
        0..1_048_576 => format!("{} KiB", count.div_ceil(1024)),
        _ => format!("{}.{} MiB", count >> 20, ((count & 0xf_ffff) * 10) >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_stay_short() {
        assert_eq!([0, 99, 1_250, 250_000].map(milliseconds), ["0.0 ms", "0.0 ms", "1.2 ms", "250.0 ms"]);
        assert_eq!(
            [0, 1, 2048, 1 << 20, 3 << 19].map(bytes),
            ["0 KiB", "1 KiB", "2 KiB", "1.0 MiB", "1.5 MiB"]
        );
    }
}
