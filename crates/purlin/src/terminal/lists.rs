//! Lists to look through and choose from: `/help` and `/extensions`.

use purlin_kernel::{Action, CommandKind, ExtId, ExtReport, HandlerError, Kernel, SelectItem, SelectOptions};

use super::desk::Desk;

/// One line of the help: what is shown, and the command that it runs.
struct Entry {
    label: String,
    about: String,
    run: Option<String>,
}

/// Lists the commands and keys; a chosen one is run.
pub async fn help(desk: &Desk) -> Result<(), HandlerError> {
    let kernel = desk.kernel().clone();
    let mut entries = keys(&kernel);
    // The keys that everybody needs, then the commands, then the other keys.
    let first = entries.iter().take_while(|entry| rank(entry) < FIRST.len()).count();
    let rest = entries.split_off(first);
    entries.extend(commands(&kernel));
    entries.extend(rest);
    let item = |entry: &Entry| SelectItem { label: entry.label.clone(), detail: entry.about.clone() };
    let items = entries.iter().map(item).collect();
    let options = SelectOptions {
        prompt: "Commands and keys (type to filter)".to_owned(),
        items,
        ..SelectOptions::default()
    };
    let answer = kernel.ui().select(ExtId::CORE, options).await;
    // Closing the list is no error.
    let chosen = answer.ok().and_then(|answer| answer.index()).and_then(|index| entries.get(index));
    if let Some(line) = chosen.and_then(|entry| entry.run.as_deref()) {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        kernel.command().invoke(name, arguments);
    }
    Ok(())
}

fn commands(kernel: &Kernel) -> Vec<Entry> {
    let slash = kernel.command().list().into_iter().filter(|command| command.kind == CommandKind::Slash);
    slash
        .map(|command| {
            let arguments =
                if command.args.is_empty() { String::new() } else { format!(" {}", command.args) };
            Entry {
                label: format!("/{}{arguments}", command.name),
                about: command.desc,
                run: Some(command.name),
            }
        })
        .collect()
}

/// The keys by what they do: what sends and stops first, editing last.
fn keys(kernel: &Kernel) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for map in kernel.keymap().list().into_iter().filter(|map| !map.desc.is_empty()) {
        let run = match map.action {
            Action::Command(line) => Some(line),
            Action::Callback(_) => None,
        };
        match entries.iter_mut().find(|entry| entry.run == run && entry.about == map.desc) {
            Some(same) if same.label.split(", ").any(|key| key == map.lhs) => {}
            Some(same) => same.label = format!("{}, {}", same.label, map.lhs),
            None => entries.push(Entry { label: map.lhs, about: map.desc, run }),
        }
    }
    entries.sort_by_key(rank);
    entries
}

/// What the keys that everybody needs do, the most important first.
const FIRST: [&str; 5] = ["submit", "edit.newline", "escape", "prompt.cancel", "transcript.fold"];

/// Orders the keys: those of [`FIRST`], then by family, editing last.
fn rank(entry: &Entry) -> usize {
    let run = entry.run.as_deref().unwrap_or("");
    if let Some(at) = FIRST.iter().position(|command| *command == run) {
        return at;
    }
    let family = match run.split_once('.').map(|(family, _)| family) {
        Some("prompt" | "composer" | "history") => 1,
        Some("transcript") => 2,
        Some("edit") => 4,
        _ => 3,
    };
    FIRST.len() + family
}

/// Lists the loaded extensions with what they did, and those that were not loaded.
pub async fn extensions(desk: &Desk) -> Result<Option<String>, HandlerError> {
    let kernel = desk.kernel().clone();
    let mut items = loaded(&kernel);
    items.extend(
        desk.failures().into_iter().map(|failure| SelectItem { label: failure, detail: String::new() }),
    );
    if items.is_empty() {
        return Ok(Some("No extension is loaded. `purlin -e FILE` loads one.".to_owned()));
    }
    let options = SelectOptions { prompt: "Extensions".to_owned(), items, ..SelectOptions::default() };
    // Nothing follows from the choice: the list is for looking.
    let _ = kernel.ui().select(ExtId::CORE, options).await;
    Ok(None)
}

/// What an extension has registered, of the kinds that people know.
fn has(report: &ExtReport) -> Option<String> {
    let kinds = [
        ("handler", "handlers"),
        ("command", "commands"),
        ("registration", "tools"),
        ("keymap", "keymaps"),
        ("timer", "timers"),
        ("job", "jobs"),
    ];
    let counted = kinds.iter().filter_map(|(kind, plural)| {
        let count = report.kinds.get(kind).copied().filter(|count| *count > 0)?;
        Some(format!("{count} {plural}"))
    });
    let counted = counted.collect::<Vec<_>>().join(", ");
    (!counted.is_empty()).then_some(counted)
}

/// How long its code ran, and where longest.
fn took(report: &ExtReport) -> Option<String> {
    let worst = report.worst.as_ref()?;
    let ms = |us: u64| format!("{}.{} ms", us / 1000, us % 1000 / 100);
    let place = worst.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    let (total, p99, longest) = (ms(report.total_us), ms(report.p99_us), ms(worst.us));
    Some(format!("{total}, p99 {p99}, worst {longest} in `{}`{place}", worst.what))
}

fn loaded(kernel: &Kernel) -> Vec<SelectItem> {
    let reports = kernel.guard().report();
    kernel
        .ext()
        .list()
        .into_iter()
        .map(|extension| {
            let report = reports.iter().find(|report| report.ext == extension.id);
            let mut detail = Vec::new();
            if let Some(report) = report {
                if report.suspended {
                    detail.push(format!("suspended; `/extensions resume {}` resumes it", extension.name));
                }
                detail.push(format!("{} calls", report.calls));
                detail.extend(has(report));
                detail.extend(took(report));
                if report.errors > 0 {
                    detail.push(format!("{} errors", report.errors));
                }
                if report.strikes > 0 {
                    detail.push(format!("stopped {} times", report.strikes));
                }
                let bytes = report.memory_bytes + report.buffer_bytes;
                if bytes > 0 {
                    detail.push(format!("{} KiB", bytes.div_ceil(1024)));
                }
                if let Some(error) = &report.last_error {
                    detail.push(format!("last: {error}"));
                }
            }
            SelectItem { label: extension.name, detail: detail.join(" · ") }
        })
        .collect()
}
