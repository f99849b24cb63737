//! What was said, what failed and what is slow: `/messages`, `/extensions`, `/keys`.

use purlin_kernel::text::{Line, Span, Style, Token, visible};
use purlin_kernel::{
    Action, ExtId, HandlerError, Kernel, KeymapListing, Layer, OverlayBody, OverlayOptions, SelectItem,
    SelectOptions, Target,
};
use purlin_tui::Segment;

use super::desk::Desk;
use super::settle;
use crate::extensions::{Facts, State, bytes};
use crate::journal::Journal;
use crate::loading::shown;

/// Begins to write down what is said, and shows in the status line that something failed until somebody looks.
pub fn begin(desk: &Desk) {
    let weak = desk.downgrade();
    let journal = Journal::begin(desk.kernel(), move |problems| {
        if let Some(desk) = weak.upgrade() {
            segment(&desk, problems);
        }
    });
    desk.keep_journal(journal);
}

fn segment(desk: &Desk, problems: usize) {
    let text = match problems {
        0 => String::new(),
        1 => "1 problem · /messages".to_owned(),
        more => format!("{more} problems · /messages"),
    };
    desk.screen()
        .set_segment("problems", &Segment { text, fg: "warning".to_owned(), priority: 27, right: true });
}

/// Shows what was said and logged, the newest last.
pub async fn messages(desk: &Desk) -> Result<Option<String>, HandlerError> {
    let Some(lines) = desk.journal().look() else {
        return Ok(Some("Nothing was said or logged yet.".to_owned()));
    };
    segment(desk, 0);
    let body = OverlayBody::Lines(lines);
    show(desk.kernel(), OverlayOptions { title: "Messages".to_owned(), body, at_end: true, ..wide() }).await;
    Ok(None)
}

/// As wide as a list to choose from: rows of diagnostics are long.
fn wide() -> OverlayOptions {
    OverlayOptions { whole_width: true, ..OverlayOptions::default() }
}

async fn show(kernel: &Kernel, options: OverlayOptions) -> Option<String> {
    // Closing it is no error.
    let answer = kernel.ui().overlay(ExtId::CORE, options).await.ok()?;
    (!answer.cancelled && !answer.action.is_empty()).then_some(answer.action)
}

/// Lists the extensions; a chosen one is shown with all that is known of it.
pub async fn extensions(desk: &Desk) -> Result<Option<String>, HandlerError> {
    let all = Facts::of_all(desk.kernel(), desk.shelf());
    if all.is_empty() {
        return Ok(Some("No extension is loaded. `purlin -e FILE` loads one.".to_owned()));
    }
    let items =
        all.iter().map(|facts| SelectItem { label: facts.name.clone(), detail: summary(facts) }).collect();
    let options = SelectOptions { prompt: "Extensions".to_owned(), items, ..SelectOptions::default() };
    let answer = desk.kernel().ui().select(ExtId::CORE, options).await;
    // Closing the list is no error.
    let Some(facts) = answer.ok().and_then(|answer| answer.index()).and_then(|index| all.get(index)) else {
        return Ok(None);
    };
    extension(desk, facts).await
}

/// Shows one extension, and does with it what is chosen.
async fn extension(desk: &Desk, facts: &Facts) -> Result<Option<String>, HandlerError> {
    let mut actions = vec!["Close".to_owned()];
    if facts.state == State::Suspended {
        actions.push("Resume".to_owned());
    }
    if facts.path.is_some() {
        actions.push("Reload".to_owned());
    }
    let body = OverlayBody::Lines(described(desk, facts));
    let options = OverlayOptions { title: facts.name.clone(), body, actions, ..wide() };
    let done = match show(desk.kernel(), options).await.as_deref() {
        Some("Resume") => desk.shelf().resume(&facts.name),
        Some("Reload") => settle::reload(desk, Some(&facts.name)),
        _ => return Ok(None),
    };
    done.map(Some).map_err(HandlerError::new)
}

/// A few words: that something is wrong, and what it has. The rest is shown of the one that is chosen.
fn summary(facts: &Facts) -> String {
    let mut words = Vec::new();
    match facts.state {
        State::Loaded if facts.failure.is_some() => words.push("not reloaded".to_owned()),
        State::Loaded => {}
        State::Suspended | State::Failed => words.push(facts.state.as_str().to_owned()),
    }
    let counted = [
        (facts.report.errors, "error", "errors"),
        (u64::from(facts.report.strikes), "strike", "strikes"),
        (facts.conflicts.len() as u64, "conflict", "conflicts"),
        (facts.diagnostics.len() as u64, "warning", "warnings"),
    ];
    for (count, one, many) in counted.into_iter().filter(|(count, ..)| *count > 0) {
        words.push(format!("{count} {}", if count == 1 { one } else { many }));
    }
    if facts.ext.is_some() {
        words.push(facts.registered());
    }
    words.retain(|word| !word.is_empty());
    words.join(" · ")
}

/// All that is known of an extension.
fn described(desk: &Desk, facts: &Facts) -> Vec<Line> {
    let report = &facts.report;
    let mut rows: Vec<(&str, String)> = vec![("state", facts.state.as_str().to_owned())];
    let mut row = |name: &'static str, text: String| {
        if !text.is_empty() {
            rows.push((name, text));
        }
    };
    row("about", facts.description.clone());
    row("version", facts.version.clone());
    row("file", facts.path.as_ref().map(|path| shown(path, &desk.cwd())).unwrap_or_default());
    row("has", facts.registered());
    row("calls", if facts.ext.is_some() { report.calls.to_string() } else { String::new() });
    row("time", facts.time());
    row("memory", if facts.ext.is_some() { memory(facts) } else { String::new() });
    row("errors", if report.errors > 0 { report.errors.to_string() } else { String::new() });
    row("strikes", if report.strikes > 0 { report.strikes.to_string() } else { String::new() });
    row("trouble", facts.trouble().unwrap_or_default());
    for conflict in &facts.conflicts {
        row("conflict", conflict.clone());
    }
    for diagnostic in &facts.diagnostics {
        row("warning", diagnostic.clone());
    }
    let named = |name: &str| Span::new(format!("{name:<10}"), Style::fg(Token::Dim));
    let mut lines: Vec<Line> = rows
        .into_iter()
        .map(|(name, text)| vec![named(name), Span::from(visible(&text).into_owned())])
        .collect();
    lines.extend(options(desk.kernel(), &facts.name));
    // Its options stand above with their values.
    let mut registered = report.registered.iter().filter(|(kind, _)| *kind != "option").peekable();
    if registered.peek().is_some() {
        lines.push(Line::new());
        lines.extend(
            registered.map(|(kind, label)| vec![named(kind), Span::from(visible(label).into_owned())]),
        );
    }
    lines
}

fn memory(facts: &Facts) -> String {
    let report = &facts.report;
    let (values, taken) = (bytes(report.memory.values), bytes(report.memory.taken));
    let (buffers, marks) = (bytes(report.buffer_bytes), report.marks);
    format!("{values} of values (the interpreter took {taken} for them), {buffers} in buffers, {marks} marks")
}

/// The extension's options with their values, but for secret ones.
fn options(kernel: &Kernel, extension: &str) -> Vec<Line> {
    let own = kernel.option().list().into_iter().filter(|option| option.extension == extension);
    let lines = own.map(|option| {
        let value = option.value.map_or_else(|| "(secret)".to_owned(), |value| value.to_string());
        let text = format!("{} = {} ({})", option.spec.name, visible(&value), option.source.as_str());
        vec![Span::new("option    ", Style::fg(Token::Dim)), Span::from(text)]
    });
    lines.collect()
}

/// Lists every key with what it runs and whose it is; a chosen one that runs a command runs it.
pub async fn keys(desk: &Desk) -> Result<Option<String>, HandlerError> {
    let kernel = desk.kernel();
    let mut maps = kernel.keymap().list();
    // One's own first, then those of extensions; within these by place and by key.
    let whose = |map: &KeymapListing| match map.layer {
        Layer::User => 0,
        Layer::Extension => 1,
        Layer::Builtin => 2,
    };
    maps.sort_by_cached_key(|map| {
        (
            whose(map),
            map.target != Target::Global,
            place(&map.target),
            map.lhs.to_lowercase(),
            map.lhs.clone(),
        )
    });
    let conflicts = kernel.keymap().conflicts();
    let items = maps.iter().map(|map| {
        let lost = conflicts
            .iter()
            .find(|conflict| {
                conflict.lhs == map.lhs && conflict.target == map.target && conflict.other == map.owner
            })
            .map(|conflict| format!("never runs: `{}` has it", kernel.ext().name(conflict.holder)));
        SelectItem { label: label(map), detail: detail(kernel, map, lost) }
    });
    let prompt = "Keys (type to filter)".to_owned();
    let options = SelectOptions { prompt, items: items.collect(), ..SelectOptions::default() };
    let answer = kernel.ui().select(ExtId::CORE, options).await;
    let chosen = answer.ok().and_then(|answer| answer.index()).and_then(|index| maps.get(index));
    if let Some(Action::Command(line)) = chosen.map(|map| &map.action) {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        kernel.command().invoke(name, arguments);
    }
    Ok(None)
}

fn label(map: &KeymapListing) -> String {
    match &map.target {
        Target::Global => map.lhs.clone(),
        target => format!("{} in {}", map.lhs, place(target)),
    }
}

fn place(target: &Target) -> String {
    match target {
        Target::Global => "every window".to_owned(),
        Target::Focus(name) | Target::Buffer(name) | Target::Window(name) | Target::Role(name) => {
            name.clone()
        }
        Target::AnyOf(all) => all.iter().map(place).collect::<Vec<_>>().join(", "),
    }
}

fn detail(kernel: &Kernel, map: &KeymapListing, lost: Option<String>) -> String {
    let does = match &map.action {
        Action::Command(line) if map.desc.is_empty() => line.clone(),
        Action::Callback(_) if map.desc.is_empty() => "a function".to_owned(),
        _ => map.desc.clone(),
    };
    let whose = match map.layer {
        Layer::Builtin => "built in".to_owned(),
        Layer::User => "yours".to_owned(),
        Layer::Extension => kernel.ext().name(map.owner),
    };
    let at = map.place.as_ref().map(ToString::to_string);
    let mode = map.mode.as_ref().map(|mode| format!("mode {mode}"));
    [lost, Some(does), mode, Some(whose), at].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
