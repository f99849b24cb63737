//! The list of commands and keys: `/help`.

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
    let known = kernel.command().list();
    for map in kernel.keymap().list().into_iter().filter(|map| !map.desc.is_empty()) {
        let run = match map.action {
            Action::Command(line) => Some(line),
            Action::Callback(_) => None,
        };
        // A key of the configuration has no words of its own: those of its command say what it does.
        let command = known.iter().find(|command| run.as_ref() == Some(&command.name));
        let about = command.filter(|command| !command.desc.is_empty()).map(|command| command.desc.clone());
        let about = about.unwrap_or(map.desc);
        match entries.iter_mut().find(|entry| entry.run == run && entry.about == about) {
            Some(same) if same.label.split(", ").any(|key| key == map.lhs) => {}
            Some(same) => same.label = format!("{}, {}", same.label, map.lhs),
            None => entries.push(Entry { label: map.lhs, about, run }),
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
