//! The full-screen terminal: kernel and screen on the main thread, a session behind them.
//!
//! The first frame is drawn before the store is opened; what is typed meanwhile is in the composer. From then on the
//! terminal, like any other surface, commits to the store and watches it.

mod approvals;
mod commands;
mod desk;
mod diagnostics;
mod draft;
mod git;
mod lanes;
mod lists;
mod queued;
mod settle;
mod status;

use std::io::IsTerminal as _;
use std::rc::Rc;

use futures_channel::mpsc;
use purlin_kernel::text::{Line, Span, Style, Token};
use purlin_kernel::{ExtId, Kernel, Level};
use purlin_runtime_native::{KernelHost, Paths};
use purlin_tui::{App, AppOptions, Exit, History, Screen, ScreenOptions, ThemeChoice};
use tokio::task::{JoinHandle, LocalSet};

use crate::args::{Options, Which};
use crate::config::Config;
use crate::loading::Shelf;
use crate::notes::Notes;
use crate::report::{Kind, Report};
use crate::session::{self, sentence};
use crate::start::{Start, variable};
use crate::{hooks, keep, keys, loading, lua, runtime, themes};
use desk::{Around, Desk};

/// Runs the terminal until the person leaves; the exit code if nothing failed.
pub fn run(start: Start, options: &Options) -> Result<u8, Report> {
    demand_terminal()?;
    // A wrong id is said where it was typed, before the screen is taken over.
    let which = match &options.session {
        Which::Id(id) => Which::Id(session::find(&start.paths, id)?.as_str().to_owned()),
        other => other.clone(),
    };
    let runtime = runtime::build()?;
    let code = runtime.block_on(LocalSet::new().run_until(terminal(start, options, which)));
    runtime.shutdown_background();
    code
}

async fn terminal(start: Start, options: &Options, which: Which) -> Result<u8, Report> {
    let kernel = Kernel::new(Rc::new(KernelHost::new()));
    purlin_agent::hooks::declare_all(&kernel);
    hooks::declare_all(&kernel);
    hooks::tell_suspensions(&kernel);
    let state = keep::wire(&kernel, &start.paths, &start.cwd, start.writes);
    let live = start.read.begin(&kernel, &start.cwd);
    let history = if which == Which::Ephemeral || !start.config.history {
        History::in_memory()
    } else {
        History::open(start.paths.state.join("history.jsonl"))
    };
    let screen_options = ScreenOptions {
        history,
        welcome: welcome(&start),
        placeholder: "Ask anything, `!` runs a command, `/` lists commands".to_owned(),
    };
    let screen = Screen::install(&kernel, screen_options)
        .map_err(|error| Report::new(Kind::Internal, format!("The screen could not be set up: {error}.")))?;
    let theme = theme(&start.config, &start.paths);
    let (events, stream) = mpsc::unbounded();
    let (config, extensions) = (start.config.clone(), start.extensions.clone());
    let mut problems = start.notices.clone();
    problems.extend(keys::prepare(&kernel, &config));
    let around = Around { state, live, notes: Notes::wire(&kernel), shelf: Shelf::new(&kernel) };
    let desk = Desk::new(kernel.clone(), screen.clone(), start, options, events, around);
    diagnostics::begin(&desk);
    commands::register(&desk);
    lua::serve(&kernel, desk.cwd());
    let weak = desk.downgrade();
    loading::report(&kernel, move |message| {
        if let Some(desk) = weak.upgrade() {
            desk.say(message, Level::Warn);
        }
    });
    // Extensions find what the session keeps for them already while they are loaded.
    let early = (!extensions.is_empty()).then(|| desk.open_early(&which)).flatten();
    desk.shelf().load(&extensions, |failure| problems.push(failure.to_owned()));
    problems.extend(keys::put(&kernel, &config));
    problems.extend(desk.live().unknown_options());
    tell(&kernel, &problems);
    let watching = settle::watch(&desk);

    let opening = tokio::task::spawn_local(desk.clone().open(which, early));
    let app = AppOptions {
        theme,
        mouse: config.mouse,
        refresh: Box::new({
            let desk = desk.clone();
            move || desk.refresh()
        }),
        farewell: Box::new({
            let desk = desk.clone();
            let kernel = kernel.clone();
            move || join(desk.farewell(), &kernel.parting().text)
        }),
        ..AppOptions::default()
    };
    let exit = App::run(&screen, app, stream).await;
    opening.abort();
    watching.iter().for_each(JoinHandle::abort);
    desk.close().await;
    if let Some(report) = desk.take_failure() {
        return Err(report);
    }
    match exit {
        Ok(exit) => Ok(exit_code(exit, &kernel)),
        Err(error) => {
            let report = Report::new(Kind::System, sentence(&error.to_string()));
            Err(report.hint("Without a terminal, `purlin -p PROMPT` answers on standard output."))
        }
    }
}

/// The exit code of a program whose screen was left in this way.
pub(crate) fn exit_code(exit: Exit, kernel: &Kernel) -> u8 {
    match exit {
        Exit::Quit => kernel.parting().code,
        Exit::Signal(number) => 128 + number as u8,
        Exit::Hangup => 129,
    }
}

/// What the session leaves on the terminal, and what an extension that ended the program wants said.
fn join(farewell: String, parting: &str) -> String {
    if farewell.is_empty() || parting.is_empty() {
        return farewell + parting;
    }
    format!("{farewell}\n\n{parting}")
}

/// Refuses to draw where nobody can see it, or where what is piped in would be ignored.
fn demand_terminal() -> Result<(), Report> {
    let refuse = |why: &str, how: &str| Err(Report::new(Kind::Usage, why).hint(how));
    if !std::io::stdin().is_terminal() {
        return refuse(
            "Standard input is not a terminal.",
            "`purlin -p -` answers a prompt from standard input, `purlin -p PROMPT` one from the command line.",
        );
    }
    if !std::io::stdout().is_terminal() {
        return refuse(
            "Standard output is not a terminal.",
            "`purlin -p PROMPT` answers on standard output.",
        );
    }
    if variable("TERM").is_some_and(|term| term == "dumb") {
        return refuse(
            "This terminal cannot be drawn on (`TERM` is `dumb`).",
            "`purlin -p PROMPT` answers on standard output.",
        );
    }
    Ok(())
}

/// Says all that was found wrong at the start in one notice: a later one would take the place of the earlier.
fn tell(kernel: &Kernel, problems: &[String]) {
    if !problems.is_empty() {
        kernel.ui().notify(ExtId::CORE, problems.join("\n"), Level::Warn);
    }
}

/// The theme of the configuration; one that does not exist was said at the start.
pub(crate) fn theme(config: &Config, paths: &Paths) -> ThemeChoice {
    let name = config.theme.as_deref().unwrap_or("auto");
    themes::find(name, &paths.config).unwrap_or_default()
}

/// What an empty transcript shows.
fn welcome(start: &Start) -> Vec<Line> {
    let dim = |text: String| vec![Span::new(text, Style::fg(Token::Dim))];
    let mut lines = vec![
        vec![
            Span::new("Purlin ", Style::fg(Token::Accent)),
            Span::new(env!("CARGO_PKG_VERSION"), Style::fg(Token::Dim)),
        ],
        dim("enter sends · ctrl+j is a new line · esc interrupts · /help lists everything".to_owned()),
    ];
    if start.settings.model.provider == "echo" {
        let how = "No key was found, so `echo` answers: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or fill";
        lines.push(dim(format!("{how} {}.", start.paths.config.join("auth.toml").display())));
    }
    lines
}
