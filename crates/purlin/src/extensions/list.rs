//! `purlin extension list`: loads the extensions without a screen and prints what became of them.

use purlin_kernel::text::{Span, Style, Token, pad_right, truncate, visible, width};
use tokio::task::LocalSet;

use super::{Facts, State, bytes, milliseconds};
use crate::console::{Console, Stop};
use crate::loading;
use crate::report::Report;
use crate::sessions::finish;
use crate::start::Start;
use crate::{runtime, say};

/// Names are not wider than this while there is anything else to show.
const NAME: usize = 24;

/// What stands in a column about an extension.
type Cell = fn(&Facts) -> String;
/// A column behind the name: its head and its cells.
type Column = (&'static str, Cell);
/// A column that fits, with its width.
type Fitting = (&'static str, Cell, usize);

/// The columns, what matters most first: those that do not fit are left out.
const COLUMNS: &[Column] = &[
    ("state", |facts| facts.state.as_str().to_owned()),
    ("handlers", |facts| facts.count("handler").to_string()),
    ("commands", |facts| facts.count("command").to_string()),
    ("tools", |facts| facts.tools.to_string()),
    ("keymaps", |facts| facts.count("keymap").to_string()),
    ("errors", |facts| facts.report.errors.to_string()),
    ("memory", |facts| bytes(facts.memory())),
    ("time", |facts| milliseconds(facts.report.total_us)),
    ("timers", |facts| facts.count("timer").to_string()),
    ("jobs", |facts| facts.count("job").to_string()),
    ("calls", |facts| facts.report.calls.to_string()),
    ("strikes", |facts| facts.report.strikes.to_string()),
];

/// Prints the list; 1 as exit code where an extension was not loaded, which the list says.
pub fn run(start: &Start, json: bool) -> Result<u8, Report> {
    for notice in &start.notices {
        say::warning(notice);
    }
    let runtime = runtime::build()?;
    let facts = runtime.block_on(LocalSet::new().run_until(async { load(start) }));
    runtime.shutdown_background();
    let mut console = Console::new();
    let printed = if json { print_json(&mut console, &facts) } else { print(&mut console, &facts) };
    let is_missing = facts.iter().any(|facts| facts.state == State::Failed);
    finish(&mut console, printed.map(|()| u8::from(is_missing)))
}

fn load(start: &Start) -> Vec<Facts> {
    let loading::Around { kernel, live, .. } = loading::bare(start);
    loading::told(&kernel, say::warning);
    let shelf = loading::Shelf::new(&kernel);
    // What cannot be loaded is part of the list, as is what the guard complains of.
    shelf.load(&start.extensions, |_| {});
    live.unknown_options().iter().for_each(|problem| say::warning(problem));
    let facts = Facts::of_all(&kernel, &shelf);
    kernel.shutdown("user");
    facts
}

fn print_json(console: &mut Console, facts: &[Facts]) -> Result<(), Stop> {
    facts.iter().try_for_each(|facts| console.json(&facts.json()))
}

fn print(console: &mut Console, all: &[Facts]) -> Result<(), Stop> {
    if all.is_empty() {
        say::warning(
            "No extension is configured. `purlin -e FILE` loads one for a run, `extensions.use` for every run.",
        );
        return Ok(());
    }
    let dim = Style::fg(Token::Dim);
    let columns = console.width();
    let names = all.iter().map(|facts| width(&facts.name)).max().unwrap_or(0).clamp(4, NAME.min(columns));
    let fitting = fitting(all, columns.saturating_sub(names));
    let mut head = pad_right("name", names);
    for (title, _, room) in &fitting {
        head = format!("{head}  {}", pad_right(title, *room));
    }
    console.line(&[Span::new(truncate(&head, columns), dim.clone())])?;
    for facts in all {
        let name = pad_right(&truncate(&visible(&facts.name), names), names);
        let mut line = vec![Span::new(name, Style::fg(Token::Accent))];
        for (title, text, room) in &fitting {
            let style = match facts.state {
                State::Loaded => Style::new(),
                _ if *title == "state" => Style::fg(Token::Error),
                _ => dim.clone(),
            };
            line.push(Span::new(format!("  {}", pad_right(&text(facts), *room)), style));
        }
        console.line(&line)?;
        let wrong = facts.trouble().into_iter().map(|text| (text, Token::Error));
        let doubtful =
            facts.conflicts.iter().chain(&facts.diagnostics).map(|text| (text.clone(), Token::Warning));
        for (text, token) in wrong.chain(doubtful) {
            for line in text.lines() {
                console.line(&[Span::new(format!("  {}", visible(line)), Style::fg(token))])?;
            }
        }
    }
    Ok(())
}

/// The columns that fit, with their widths.
fn fitting(all: &[Facts], mut room: usize) -> Vec<Fitting> {
    let mut fitting = Vec::new();
    for (title, text) in COLUMNS {
        let widest = all.iter().map(|facts| width(&text(facts))).max().unwrap_or(0).max(title.len());
        if widest + 2 > room {
            break;
        }
        room -= widest + 2;
        fitting.push((*title, *text, widest));
    }
    fitting
}
