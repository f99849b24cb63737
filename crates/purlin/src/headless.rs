//! The headless run (`-p`): commits one prompt, watches the store, prints the answer.
//!
//! It never talks to the agent. If another process holds the session's lanes, that one answers and this one watches.

mod answer;
mod output;

use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use futures_util::StreamExt;
use purlin_agent::{Session, SessionOptions, SharedSettings, Source, Submitted, ToolCatalog};
use purlin_kernel::Kernel;
use purlin_notebook::{Event, LogEntry, Store, StoreExt, Tables};
use purlin_runtime_native::NativeHost;
use purlin_runtime_native::signals::{Asked, Signals};
use tokio::task::LocalSet;

use crate::agent_thread::{AgentThread, Parts, Word};
use crate::args::{Options, Prompt, Which};
use crate::loading::{self, Serving};
use crate::report::{Kind, Report};
use crate::session::{self, Client, Opened, sentence};
use crate::start::Start;
use crate::{keys, models, runtime, say};
use answer::{Answer, End};
use output::Output;

/// What is written of an execution whose runtime went away.
const LOST: &str = "runtime lost";
/// How many entries of the log are read at once.
const PAGE: usize = 4096;

/// Answers one prompt; the exit code if nothing failed.
pub fn run(start: Start, options: &Options, prompt: &Prompt, json: bool) -> Result<u8, Report> {
    let prompt = read(prompt)?;
    hint(&prompt);
    for notice in start.notices.iter().chain(&keys::unreadable(&start.config)) {
        say::warning(notice);
    }
    let runtime = runtime::build()?;
    let code = runtime.block_on(LocalSet::new().run_until(answer(start, options, prompt, json)));
    runtime.shutdown_background();
    code
}

/// Says so where a prompt looks like something that only the terminal understands.
fn hint(prompt: &str) {
    let first = prompt.split_whitespace().next().unwrap_or_default();
    let is_command = first.strip_prefix('/').is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_')
    });
    if prompt.lines().count() == 1 && (is_command || prompt.starts_with('!')) {
        say::warning(&format!(
            "`{first}` goes to the model as it is: `/` and `!` mean something in the terminal only."
        ));
    }
}

fn read(prompt: &Prompt) -> Result<String, Report> {
    match prompt {
        Prompt::Text(text) => Ok(text.clone()),
        Prompt::Stdin => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map_err(|error| {
                Report::new(Kind::System, format!("Standard input cannot be read: {error}."))
            })?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
    }
}

async fn answer(start: Start, options: &Options, prompt: String, json: bool) -> Result<u8, Report> {
    let mut signals = Signals::listen()
        .map_err(|error| Report::new(Kind::System, format!("Signals cannot be heard: {error}.")))?;
    can_answer(&start, options)?;
    let host = Rc::new(NativeHost::new());
    let Opened { notebook, resumed, notice } =
        session::open(&start.paths, &start.cwd, &options.session, &*host)?;
    if let Some(notice) = notice {
        say::warning(&notice);
    }
    let store: Rc<dyn Store> =
        Rc::new(notebook.store().map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?);
    let loaded = loading::headless(&start, say::warning, |state| state.attach(Rc::clone(&store)));
    let kernel = loaded.as_ref().map(|loaded| loaded.kernel.clone());
    let catalog = ToolCatalog::new();
    let _serving = kernel.as_ref().map(|kernel| Serving::begin(kernel, &catalog));
    let chosen = options.model.is_some().then(|| start.settings.model.clone());
    let session = Session::new(
        Rc::new(Client(notebook.client())),
        Rc::clone(&store),
        kernel.clone(),
        SessionOptions { by: "local".into(), cwd: start.cwd.clone(), model: chosen.clone(), host },
    );
    if let Some(loaded) = &loaded {
        loaded.open(&session);
    }
    if let (true, Some(model)) = (resumed, chosen) {
        session.set_model(model, "cli").await.map_err(|error| unsent(&error))?;
    }
    loading::publish(kernel.as_ref(), &session, &start.settings.model);
    session.announce("resume", None);
    let mut agent = AgentThread::spawn(Parts {
        notebook: notebook.clone(),
        paths: start.paths.clone(),
        cwd: session.cwd(),
        settings: SharedSettings::new(start.settings),
        port: kernel.as_ref().map(Kernel::port),
        catalog,
        full_durability: start.config.full_durability,
        max_artifact_bytes: start.config.max_artifact_bytes,
    })
    .map_err(|error| {
        Report::new(Kind::System, format!("The agent's thread could not be started: {error}."))
    })?;

    let code = ask(&session, &store, &mut agent, &mut signals, &prompt, json).await;
    agent.stop().await;
    session.close("user");
    if let Some(kernel) = kernel {
        kernel.shutdown(if code.is_ok() { "user" } else { "error" });
    }
    crate::session::index(&start.paths, &notebook);
    notebook.close();
    code
}

/// Refuses a model that cannot answer before anything is kept: a new session would hold nothing but the failure. One that
/// goes on may be answered by another process, unless a model was named for it here.
fn can_answer(start: &Start, options: &Options) -> Result<(), Report> {
    let goes_on = matches!(options.session, Which::Id(_) | Which::Latest);
    if goes_on && options.model.is_none() {
        return Ok(());
    }
    match models::problem(&start.settings.model, &start.settings) {
        Some(problem) => Err(Report::new(Kind::Provider, sentence(&problem))),
        None => Ok(()),
    }
}

async fn ask(
    session: &Session,
    store: &Rc<dyn Store>,
    agent: &mut AgentThread,
    signals: &mut Signals,
    prompt: &str,
    json: bool,
) -> Result<u8, Report> {
    let mut row =
        store.last_rowid().map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?;
    let submitted = tokio::select! {
        submitted = session.submit(prompt, Source::Cli, Vec::new()) => submitted,
        asked = signals.next() => return Ok(asked.exit_code()),
    };
    let (cell, queue) = match submitted.map_err(|error| unsent(&error))? {
        Submitted::Prompt { cell, queue } => (cell, queue),
        Submitted::Steer { .. } | Submitted::Handled => return Ok(0),
    };
    agent.begin();
    let mut answer = Answer::new(json, cell, queue);
    let mut output = Output::default();
    let mut changes = store.watch(Tables::LOG);
    let mut leaving: Option<Asked> = None;
    let mut failure = std::pin::pin!(agent.failure());
    let mut trouble = agent.words().filter_map(|word| {
        // That another process answers is as good; this one watches.
        std::future::ready(if let Word::Trouble(message) = word { Some(message) } else { None })
    });
    loop {
        tokio::select! {
            tick = changes.next(), if !output.is_busy() && answer.end().is_none() => {
                if tick.is_none() {
                    return Err(Report::new(Kind::System, "The session was closed before the answer was complete."));
                }
                take(&mut answer, &**store, &mut row)?;
                let ending = if answer.end().is_some() { answer.ending() } else { "" };
                let printed = answer.printed() + ending;
                if let Some(code) = unread(output.put(printed.into_bytes()))? {
                    return Ok(code);
                }
            }
            written = output.written() => {
                if let Some(code) = unread(written)? {
                    return Ok(code);
                }
                // A page may have been left unread while the output was busy.
                changes = store.watch(Tables::LOG);
            }
            // A person would make room and wait; a run without one ends and says why.
            Some(message) = trouble.next() => return Err(Report::new(Kind::System, message)),
            message = &mut failure => return Err(Report::new(Kind::System, message)),
            asked = signals.next() => {
                if leaving.is_some() || asked != Asked::Interrupt {
                    // What runs is cancelled and settled while the agent stops.
                    return Ok(asked.exit_code());
                }
                leaving = Some(asked);
                session.interrupt("interrupted by the person").await.map_err(|error| unsent(&error))?;
            }
        }
        if let (Some(end), false) = (answer.end(), output.is_busy()) {
            return leave(end.clone(), leaving);
        }
    }
}

/// Reads what is new.
fn take(answer: &mut Answer, store: &dyn Store, row: &mut i64) -> Result<(), Report> {
    loop {
        let entries = store
            .log_since(*row, PAGE)
            .map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?;
        let Some(last) = entries.last() else { return Ok(()) };
        *row = last.rowid;
        answer.take(&entries);
        waits(&entries, store);
        if entries.len() < PAGE || answer.end().is_some() {
            return Ok(());
        }
    }
}

/// Says how a tool that waits for approval can be given it.
fn waits(entries: &[LogEntry], store: &dyn Store) {
    for entry in entries {
        if let Event::ToolApprovalRequested { tool_name, .. } = &entry.event {
            let id = store.identity().store_id;
            say::warning(&format!(
                "`{tool_name}` waits for approval, at most a minute: `purlin --resume {id}` in another terminal asks you."
            ));
        }
    }
}

/// Answers the exit code of a run whose output nobody reads any more, which is that of any program in a pipe: it is no
/// failure worth a message.
fn unread(written: io::Result<()>) -> Result<Option<u8>, Report> {
    match written {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Some(128 + 13)),
        Err(error) => Err(Report::new(Kind::System, format!("Standard output cannot be written: {error}."))),
    }
}

fn leave(end: End, leaving: Option<Asked>) -> Result<u8, Report> {
    match (end, leaving) {
        (_, Some(asked)) => Ok(asked.exit_code()),
        (End::Done, None) => Ok(0),
        (End::Cancelled, None) => Ok(130),
        (End::Failed(message), None) => {
            let message = message.unwrap_or_else(|| "the run failed without a message".to_owned());
            if message == LOST {
                let report = Report::new(
                    Kind::System,
                    "The runtime that was answering is lost: its process has ended.",
                );
                return Err(report.hint("What it had said is kept in the session; send the prompt again."));
            }
            Err(Report::new(Kind::Provider, sentence(&message)))
        }
    }
}

fn unsent(error: &purlin_agent::SessionError) -> Report {
    Report::new(Kind::System, sentence(&error.to_string()))
}
