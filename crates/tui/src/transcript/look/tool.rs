//! Tool calls and shell commands: one line that says what happened, and as much of the output as helps.

use purlin_kernel::{
    buffer::Block,
    text::{Highlighter, Line, Span, Style, Token, line_width, sgr, visible, width, wrap_line},
};
use serde_json::Value;

use super::{Setting, bold, change, expand, fitted, text_of, unfold_hint};

/// How many lines of output are shown before it is unfolded.
const OUTPUT_LINES: usize = 5;

/// An output longer than this is cut on the screen even when unfolded.
const UNFOLDED_LINES: usize = 5_000;

/// Characters of an artifact's name that tell it from others.
const NAME: usize = 12;

/// The argument that says what a call is about, in the order of preference.
const PRINCIPAL: [&str; 8] = ["command", "cmd", "path", "file_path", "file", "pattern", "query", "url"];

/// Arguments whose text is shown below the call rather than in its line.
const BULKY: [&str; 8] =
    ["content", "old_text", "new_text", "old_string", "new_string", "edits", "patch", "diff"];

pub(super) fn lay_out(block: &Block, setting: Setting, painter: Option<&dyn Highlighter>) -> Vec<Line> {
    let name = text_of(block, "name").unwrap_or("tool");
    let args = block.meta.get("args");
    let status = Status::of(block);
    let mut head = vec![status.mark(), Span::new(format!("{} ", visible(name)), bold())];
    head.extend(arguments(args));
    let mut lines = header(head, ending(block, &status), setting);
    if setting.unfolded {
        lines.extend(long_arguments(args, setting.width));
    }
    if let Some(change) = change::lines(args, setting.width, painter) {
        lines.extend(folded(change, setting));
    }
    let part = if matches!(name, "bash" | "shell") { Part::Last } else { Part::First };
    // What a read answers is known from its file, what a change answers is shown as the change.
    let quiet = matches!(name, "read" | "edit" | "write") && !status.is_failure();
    if !quiet || setting.unfolded {
        lines.extend(output(block, setting, part, status.is_failure()));
    }
    lines
}

pub(super) fn shell(block: &Block, setting: Setting) -> Vec<Line> {
    let status = Status::of(block);
    let command = text_of(block, "command").unwrap_or("");
    let hidden = text_of(block, "hidden").is_some() || block.meta.get("hidden") == Some(&Value::Bool(true));
    // What no shell runs is told by the name of its runtime.
    let mark = match text_of(block, "runtime") {
        Some(runtime) => format!("{} ", visible(runtime)),
        None if hidden => "!! ".to_owned(),
        None => "! ".to_owned(),
    };
    let (first, more) = first_line(command);
    let mut head =
        vec![Span::new(mark, Style::fg(Token::BashMode)), Span::new(visible(first).into_owned(), bold())];
    if more {
        head.push(Span::new(" …", Style::fg(Token::Dim)));
    }
    let mut lines = header(head, ending(block, &status), setting);
    lines.extend(output(block, setting, Part::Last, false));
    if status == Status::Pending && wants_terminal(command, &block.text) {
        lines.extend(indented(&[Span::new(NO_TERMINAL, Style::fg(Token::Warning))], setting.width));
    }
    if let Some(reason) = text_of(block, "reason").filter(|_| status.is_failure()) {
        lines.extend(indented(
            &[Span::new(visible(reason).into_owned(), Style::fg(Token::Error))],
            setting.width,
        ));
    }
    lines
}

/// Said below a command that waits for what it does not get.
const NO_TERMINAL: &str = "This command has no terminal here and takes no keys; esc ends it.";

/// Programs that draw on the whole terminal or ask on it.
const FULL_SCREEN: [&str; 14] = [
    "vi", "vim", "nvim", "view", "emacs", "nano", "pico", "micro", "hx", "helix", "top", "htop", "tmux",
    "screen",
];

/// Tells whether a command that runs is one that cannot do without a terminal, or says so itself.
fn wants_terminal(command: &str, output: &str) -> bool {
    let mut words = command.split_whitespace().skip_while(|word| word.contains('=') || *word == "sudo");
    let program = words.next().unwrap_or("");
    let program = program.rsplit('/').next().unwrap_or(program);
    // What is piped into something else, or has its own input, is meant to work so.
    let alone = !command.contains(['|', '<', '>', ';', '&']);
    let said = ["not to a terminal", "not a terminal", "not a tty"];
    (alone && FULL_SCREEN.contains(&program)) || said.iter().any(|words| output.contains(words))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Status {
    Pending,
    Ok,
    Error,
    Blocked,
    Interrupted,
}

impl Status {
    fn of(block: &Block) -> Status {
        match text_of(block, "status") {
            Some("ok" | "success" | "completed") => Status::Ok,
            Some("error" | "failed") => Status::Error,
            Some("blocked") => Status::Blocked,
            Some("interrupted" | "cancelled") => Status::Interrupted,
            _ => Status::Pending,
        }
    }

    fn is_failure(&self) -> bool {
        matches!(self, Status::Error | Status::Blocked | Status::Interrupted)
    }

    fn mark(&self) -> Span {
        let (mark, token) = match self {
            Status::Pending => ("○ ", Token::Dim),
            Status::Ok => ("● ", Token::Success),
            Status::Error => ("✗ ", Token::Error),
            Status::Blocked => ("⊘ ", Token::Warning),
            Status::Interrupted => ("■ ", Token::Warning),
        };
        Span::new(mark, Style::fg(token))
    }
}

/// What stands at the end of the line: how it ended, and how long it took when that was long.
fn ending(block: &Block, status: &Status) -> Line {
    let mut ending = Line::new();
    match status {
        Status::Error => match block.meta.get("exit_code").and_then(Value::as_i64) {
            Some(code) if code != 0 => {
                ending.push(Span::new(format!("exit {code}"), Style::fg(Token::Error)));
            }
            _ => ending.push(Span::new("failed", Style::fg(Token::Error))),
        },
        Status::Blocked => ending.push(Span::new("blocked", Style::fg(Token::Warning))),
        Status::Interrupted => ending.push(Span::new("interrupted", Style::fg(Token::Warning))),
        Status::Ok | Status::Pending => {}
    }
    if let Some(ms) = block.meta.get("duration_ms").and_then(Value::as_u64).filter(|ms| *ms >= 500) {
        if !ending.is_empty() {
            ending.push(Span::from(" "));
        }
        ending.push(Span::new(duration(ms), Style::fg(Token::Muted)));
    }
    ending
}

fn duration(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{}m {:02}s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{}h {:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// One line, its ending at the right edge where there is room; when unfolded, all of what was called.
fn header(head: Line, ending: Line, setting: Setting) -> Vec<Line> {
    let needed = line_width(&ending);
    if needed == 0 {
        return vec![fitted(head, setting.width)];
    }
    let room = setting.width.saturating_sub(needed + 2);
    if room < 8 {
        return vec![fitted(head, setting.width), fitted(ending, setting.width)];
    }
    let mut line = fitted(head, room);
    line.push(Span::from("  "));
    line.extend(ending);
    vec![line]
}

/// The arguments in one line: the one that matters as it is, the others as `name=value`, dimmed.
fn arguments(args: Option<&Value>) -> Line {
    let Some(args) = args else { return Line::new() };
    let Some(fields) = args.as_object() else {
        return vec![Span::new(compact(args), Style::fg(Token::Dim))];
    };
    let principal = PRINCIPAL.iter().find(|name| fields.get(**name).is_some_and(Value::is_string));
    let mut line = Line::new();
    if let Some(text) = principal.and_then(|name| fields.get(*name)).and_then(Value::as_str) {
        let (first, more) = first_line(text.trim());
        line.push(Span::new(expand(&visible(first)), Style::default()));
        if more {
            line.push(Span::new(" …", Style::fg(Token::Dim)));
        }
    }
    for (name, value) in fields {
        if Some(&name.as_str()) == principal || BULKY.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        let gap = if line.is_empty() { "" } else { " " };
        line.push(Span::new(format!("{gap}{}={}", visible(name), compact(value)), Style::fg(Token::Dim)));
    }
    line
}

fn compact(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (first, more) = first_line(&text);
    let mut shown = expand(&visible(&purlin_kernel::text::truncate(first, 60)));
    if more && !shown.ends_with('…') {
        shown.push('…');
    }
    shown
}

/// The lines of a principal argument that its line left away.
fn long_arguments(args: Option<&Value>, width: usize) -> Vec<Line> {
    let Some(fields) = args.and_then(Value::as_object) else { return Vec::new() };
    let Some(text) = PRINCIPAL.iter().find_map(|name| fields.get(*name)).and_then(Value::as_str) else {
        return Vec::new();
    };
    let text = text.trim();
    if !first_line(text).1 && self::width(text) < width.saturating_sub(12) {
        return Vec::new();
    }
    text.split('\n')
        .flat_map(|row| indented(&[Span::new(expand(&visible(row)), Style::default())], width))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    First,
    Last,
}

fn output(block: &Block, setting: Setting, part: Part, failed: bool) -> Vec<Line> {
    let text = block.text.trim_end();
    if text.is_empty() {
        return Vec::new();
    }
    let base = if failed { Style::default() } else { Style::fg(Token::Dim) };
    let total = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let shown = setting.shown(total, OUTPUT_LINES);
    let piece = if part == Part::First { head_lines(text, shown) } else { tail_lines(text, shown) };
    let mut rows = Vec::new();
    for line in sgr::output(piece) {
        let line: Line =
            line.into_iter().map(|span| Span { style: base.patch(&span.style), ..span }).collect();
        if setting.unfolded {
            rows.extend(indented(&line, setting.width));
        } else {
            rows.push(one_row(line, setting.width));
        }
    }
    more(&mut rows, total - shown, part, setting, &artifacts(block));
    rows
}

fn folded(lines: Vec<Line>, setting: Setting) -> Vec<Line> {
    let total = lines.len();
    let shown = setting.shown(total, OUTPUT_LINES * 2);
    let mut rows = Vec::new();
    for line in lines.into_iter().take(shown) {
        if setting.unfolded {
            rows.extend(indented(&line, setting.width));
        } else {
            rows.push(one_row(line, setting.width));
        }
    }
    more(&mut rows, total - shown, Part::First, setting, &[]);
    rows
}

impl Setting {
    /// Answers how many of so many lines are shown, `few` of them while folded.
    fn shown(self, total: usize, few: usize) -> usize {
        let limit = match self {
            Setting { unfolded: false, .. } => few,
            Setting { whole: false, .. } => UNFOLDED_LINES,
            _ => return total,
        };
        // One line more than is shown, so that "1 more line" never takes the place of that line.
        if total <= limit + 1 { total } else { limit }
    }
}

/// Says how much is not shown, and where it is.
fn more(rows: &mut Vec<Line>, hidden: usize, part: Part, setting: Setting, artifacts: &[(&str, &str)]) {
    let mut said = Vec::new();
    let notice = |text: String| Span::new(text, Style::fg(Token::Muted));
    if hidden > 0 {
        let word = if hidden == 1 { "line" } else { "lines" };
        // Of what was left out nobody has counted the lines.
        let left_out: Vec<&str> = artifacts.iter().map(|(_, much)| *much).collect();
        let left_out =
            if left_out.is_empty() { String::new() } else { format!(" and {}", left_out.join(" and ")) };
        let text = format!("… {hidden} more {word}{left_out}");
        let mut line = vec![Span::from("  "), notice(text)];
        line.extend((!setting.unfolded).then(unfold_hint));
        said.push(fitted(line, setting.width));
    }
    let place =
        |command: String| indented(&[notice(format!("all of it: purlin session {command}"))], setting.width);
    if hidden > 0 && setting.unfolded && artifacts.is_empty() {
        said.extend(place("show --full".to_owned()));
    }
    for (name, _) in artifacts {
        said.extend(place(format!("artifact {name}")));
    }
    if part == Part::First { rows.extend(said) } else { drop(rows.splice(0..0, said)) }
}

/// The artifacts that hold the whole of an output: the beginning of each one's name, and how much is left out of the log.
fn artifacts(block: &Block) -> Vec<(&str, &str)> {
    let listed = block.meta.get("artifacts").and_then(Value::as_array).into_iter().flatten();
    listed
        .filter_map(|artifact| {
            let name = artifact["reference"].as_str()?.trim_start_matches("artifact:");
            Some((name.get(..NAME).unwrap_or(name), artifact["left_out"].as_str()?))
        })
        .collect()
}

fn one_row(mut line: Line, width: usize) -> Line {
    line.insert(0, Span::from("  "));
    fitted(line, width)
}

fn indented(line: &[Span], width: usize) -> Vec<Line> {
    let mut whole = vec![Span::from("  ")];
    whole.extend(line.iter().cloned());
    wrap_line(&whole, width, &[Span::from("  ")])
}

/// Answers the first line of a text and whether there are more.
fn first_line(text: &str) -> (&str, bool) {
    text.split_once('\n').map_or((text, false), |(first, rest)| (first, !rest.trim().is_empty()))
}

fn head_lines(text: &str, count: usize) -> &str {
    let end = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(count.saturating_sub(1));
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// Answers the last lines of a text.
fn tail_lines(text: &str, count: usize) -> &str {
    let begin =
        text.bytes().enumerate().rev().filter(|(_, byte)| *byte == b'\n').nth(count.saturating_sub(1));
    &text[begin.map_or(0, |(at, _)| at + 1)..]
}
