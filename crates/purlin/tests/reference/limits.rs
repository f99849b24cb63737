//! The page of limits: the guard's own numbers, and what single functions refuse.

use std::fmt::Write as _;

use purlin_kernel::{DeadlineClass, Limits};

use crate::pages::{self, MADE};

/// What runs under each class of deadline, and the setting of its hard limit.
const DEADLINES: [(DeadlineClass, &str, &str); 4] = [
    (DeadlineClass::Key, "`key`, `mouse`, `paste`, keymaps, what completes a word", "key_hard_ms"),
    (
        DeadlineClass::Render,
        "`render`, `transcript_render`, renderers of windows and tools",
        "render_hard_ms",
    ),
    (
        DeadlineClass::Main,
        "everything else: handlers, commands, tools, timers, functions of jobs and buffers",
        "main_hard_ms",
    ),
    (DeadlineClass::Load, "loading: the file and what it returns", "load_hard_ms"),
];

const MIB: usize = 1 << 20;

/// What the figures of memory count.
const MEMORY: &str = "
## Memory

`/extensions` and `purlin extension list` show as memory what the values of an extension take, with those that nobody reaches any more
and that were not collected yet, and what its buffers hold.

The interpreter takes memory in pages, each for values of one size, and fills many of them never. The quota counts these pages;
`/extensions` names them for a chosen extension, and `extension list --json` as `memory_bytes`, beside `value_bytes` and `buffer_bytes`. The
process grows by what of them was written to, which lies between the two; [the benchmarks](../../bench.md) measure it for two
hundred small extensions. What Purlin itself keeps for an extension, such as its handlers and windows, is not among these bytes.
";

/// Writes the page.
pub fn page() -> String {
    let limits = Limits::default();
    let mut page = format!("# Limits\n{MADE}");
    page.push_str(
        "\nOne extension cannot freeze or fill the program. The numbers hold where the [configuration](../../configuration.md) says nothing else.\n",
    );
    deadlines(&limits, &mut page);
    quotas(&limits, &mut page);
    page.push_str(MEMORY);
    page.push_str("\n## Functions\n\nWhat single functions refuse:\n\n");
    for function in purlin_lua::functions() {
        for error in function.errors.iter().filter(|error| error.contains(|c: char| c.is_ascii_digit())) {
            let _ = writeln!(page, "- {}: {error}", pages::link(function));
        }
    }
    page
}

/// A setting by its whole name; the configuration must know it.
fn named(setting: &str) -> String {
    let name = format!("extensions.limits.{setting}");
    let page = include_str!("../../../../docs/configuration.md");
    assert!(page.contains(&format!("`{name}`")), "docs/configuration.md knows `{name}`");
    format!("`{name}`")
}

fn deadlines(limits: &Limits, page: &mut String) {
    page.push_str("\n## Time\n\nThe clock runs while Lua computes and stands while it waits, for a disk as well. What is stopped cannot catch it with `pcall`.\n\n");
    page.push_str("| what runs | is said | is stopped | setting |\n|---|---|---|---|\n");
    for (class, what, setting) in DEADLINES {
        let limit = limits.of(class);
        let (soft, hard) = (limit.soft_ms, limit.hard_ms);
        let _ = writeln!(page, "| {what} | {soft} ms | {hard} ms | {} |", named(setting));
    }
    let _ = writeln!(
        page,
        "\nA gate that may wait has {} s as a whole (`extensions.limits.gate_ms`), or its `timeout_ms`; while a dialog of its extension is open the clock stands. \
         What calls another handler, as `emit` does, shares what is left of its own time.\n\n\
         {} stops (`extensions.limits.hard_stops`), or {} errors within a minute (`errors_per_minute`), suspend the extension; `/extensions` says so and can resume it.",
        limits.gate_ms / 1000,
        limits.hard_stops,
        limits.errors_per_minute
    );
}

fn quotas(limits: &Limits, page: &mut String) {
    let quotas = &limits.quotas;
    let mib = |bytes: usize| format!("{} MiB", bytes / MIB);
    let rows = [
        ("memory of the interpreter", mib(quotas.memory_bytes), "memory_mib"),
        ("text and blocks in its buffers", mib(quotas.buffer_bytes), "buffers_mib"),
        ("state, in each scope", mib(quotas.state_bytes), "state_mib"),
        ("marks", quotas.marks.to_string(), "marks"),
        ("windows", quotas.windows.to_string(), "windows"),
        ("timers", quotas.timers.to_string(), "timers"),
        ("running jobs", quotas.jobs.to_string(), "jobs"),
        ("running tasks", quotas.tasks.to_string(), "tasks"),
    ];
    page.push_str("\n## Quotas\n\nWhat would go beyond one raises an error.\n\n");
    page.push_str("| each extension may have | at most | setting |\n|---|---|---|\n");
    for (what, most, setting) in rows {
        let _ = writeln!(page, "| {what} | {most} | {} |", named(setting));
    }
}
