//! Lists to look through and choose from: `/help` and `/extensions`.

use purlin_kernel::{Action, CommandKind, ExtId, HandlerError, Kernel, SelectItem, SelectOptions};

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
    let mut entries = commands(&kernel);
    entries.extend(keys(&kernel));
    let item = |entry: &Entry| SelectItem { label: entry.label.clone(), detail: entry.about.clone() };
    let items = entries.iter().map(item).collect();
    let options = SelectOptions { prompt: "Commands and keys".to_owned(), items, ..SelectOptions::default() };
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
            Some(same) => same.label = format!("{}, {}", same.label, map.lhs),
            None => entries.push(Entry { label: map.lhs, about: map.desc, run }),
        }
    }
    let rank =
        |entry: &Entry| match entry.run.as_deref().map(|run| run.split_once('.').map(|(family, _)| family)) {
            Some(None) => 0,
            Some(Some("prompt" | "composer")) => 1,
            Some(Some("history")) => 2,
            Some(Some("transcript")) => 3,
            Some(Some("edit")) => 5,
            None | Some(Some(_)) => 4,
        };
    entries.sort_by_key(rank);
    entries
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
                if report.errors > 0 {
                    detail.push(format!("{} errors", report.errors));
                }
                if let Some(error) = &report.last_error {
                    detail.push(format!("last: {error}"));
                }
            }
            SelectItem { label: extension.name, detail: detail.join(" · ") }
        })
        .collect()
}
