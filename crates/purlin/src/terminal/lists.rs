//! Lists to look through and choose from: `/help` and `/extensions`.

use purlin_kernel::{Action, CommandKind, ExtId, HandlerError, Kernel, SelectItem, SelectOptions};

use super::desk::Desk;

/// Lists the commands and keys; a chosen command is run.
pub async fn help(desk: &Desk) -> Result<(), HandlerError> {
    let kernel = desk.kernel().clone();
    let mut items = Vec::new();
    let mut runs = Vec::new();
    for command in kernel.command().list().into_iter().filter(|command| command.kind == CommandKind::Slash) {
        let arguments = if command.args.is_empty() { String::new() } else { format!(" {}", command.args) };
        items.push(SelectItem { label: format!("/{}{arguments}", command.name), detail: command.desc });
        runs.push(Some(command.name));
    }
    for map in kernel.keymap().list().into_iter().filter(|map| !map.desc.is_empty()) {
        let run = match map.action {
            Action::Command(line) => Some(line),
            Action::Callback(_) => None,
        };
        items.push(SelectItem { label: map.lhs, detail: map.desc });
        runs.push(run);
    }
    let options = SelectOptions { prompt: "Commands and keys".to_owned(), items, ..SelectOptions::default() };
    let answer = kernel.ui().select(ExtId::CORE, options).await;
    // Closing the list is no error.
    let chosen =
        answer.ok().and_then(|answer| answer.index()).and_then(|index| runs.get(index).cloned()).flatten();
    if let Some(line) = chosen {
        let (name, arguments) = line.split_once(' ').unwrap_or((&line, ""));
        kernel.command().invoke(name, arguments);
    }
    Ok(())
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
