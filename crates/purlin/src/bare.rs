//! A program that is no chat (`--bare`): the kernel, the terminal and one file, nothing else.
//!
//! There is no session and no agent, and nothing is written to disk: state that the program keeps lives as long as the
//! process. Of the configuration only `[ui]` and `[extensions.limits]` count, and those of `[keys]` whose command exists
//! here. What stands behind `--` on the command line is `purlin.args`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use purlin_kernel::{ExtId, Kernel, Level, LogMessage, Topic};
use purlin_lua::LuaExtension;
use purlin_runtime_native::{KernelHost, Paths};
use purlin_tui::{App, AppOptions, Bare};
use serde_json::json;
use tokio::task::LocalSet;

use crate::args::Options;
use crate::config::{self, Config, Sources};
use crate::report::{Kind, Report};
use crate::session::sentence;
use crate::start::{self, variable};
use crate::{keep, keys, runtime, say, terminal};

/// Runs the program until it ends or the person leaves; the exit code is the program's.
pub fn run(options: &Options, arguments: &[String]) -> Result<u8, Report> {
    demand_terminal()?;
    let cwd = start::working_directory(options.cwd.as_deref())?;
    let paths = start::paths(&variable)?;
    let config = configuration(options, &cwd, &paths)?;
    let runtime = runtime::build()?;
    let kernel = Kernel::new(Rc::new(KernelHost::new()));
    kernel.set_context("cwd", json!(cwd.display().to_string()));
    kernel.set_context("args", json!(arguments));
    kernel.guard().set_limits(config.limits.clone());
    keep::wire_environment(&kernel);
    let code = runtime.block_on(LocalSet::new().run_until(program(&kernel, options, config, &paths)));
    runtime.shutdown_background();
    code
}

async fn program(kernel: &Kernel, options: &Options, config: Config, paths: &Paths) -> Result<u8, Report> {
    let stage = Bare::install(kernel)
        .map_err(|error| Report::new(Kind::Internal, format!("The screen could not be set up: {error}.")))?;
    if let Some(problem) = keys::prepare(kernel, &config) {
        kernel.ui().notify(ExtId::CORE, problem, Level::Warn);
    }
    let stopped = end_when_suspended(kernel);
    for path in &options.extensions {
        load(kernel, path)?;
    }
    if let Some(why) = stopped.borrow().clone() {
        return Err(Report::new(Kind::Extension, why));
    }
    if kernel.quit_requested() {
        // It has nothing to show: a mistake in its arguments, for instance.
        let parting = kernel.parting();
        if !parting.text.is_empty() {
            say::print(&format!("{}\n", parting.text));
        }
        return Ok(parting.code);
    }
    for problem in map_keys(kernel, config.clone()) {
        kernel.ui().notify(ExtId::CORE, problem, Level::Warn);
    }
    tell_what_fails(kernel);
    let parting = kernel.clone();
    let app = AppOptions {
        theme: terminal::theme(&config, paths),
        mouse: config.mouse,
        farewell: Box::new(move || parting.parting().text),
        ..AppOptions::default()
    };
    let ended = App::run(&stage, app, futures_util::stream::pending()).await;
    if let Some(why) = stopped.borrow().clone() {
        return Err(Report::new(Kind::Extension, why));
    }
    match ended {
        Ok(exit) => Ok(terminal::exit_code(exit, kernel)),
        Err(error) => Err(no_terminal(&error.to_string())),
    }
}

/// Ends the run when the program is suspended, which leaves nobody to answer a key; the answer then holds why.
fn end_when_suspended(kernel: &Kernel) -> Rc<RefCell<Option<String>>> {
    let why: Rc<RefCell<Option<String>>> = Rc::default();
    let (told, weak) = (Rc::clone(&why), kernel.downgrade());
    kernel.guard().on_suspend(Rc::new(move |ext, reason| {
        let Some(kernel) = weak.upgrade() else { return };
        let name = kernel.ext().name(ext);
        told.borrow_mut().get_or_insert_with(|| format!("The program `{name}` was ended: {reason}."));
        kernel.quit();
    }));
    why
}

/// Loads the program; it is one file or folder, and an error in it is the end.
fn load(kernel: &Kernel, path: &std::path::Path) -> Result<(), Report> {
    let failed = |why: String| Report::new(Kind::Extension, why);
    let found = LuaExtension::from_path(path)
        .map_err(|error| failed(format!("The program was not loaded: {error}.")))?;
    kernel.ext().load(Box::new(found)).map_err(|error| failed(format!("The {error}.")))?;
    Ok(())
}

/// What the configuration says about the screen and the keys.
fn configuration(options: &Options, cwd: &std::path::Path, paths: &Paths) -> Result<Config, Report> {
    let env = variable;
    let named = options.config.clone().or_else(|| env("PURLIN_CONFIG").map(Into::into));
    let sources = Sources {
        explicit: named.is_some(),
        user: named.unwrap_or_else(|| paths.config.join("config.toml")),
        cwd,
    };
    config::load(&sources, &env).map(|loaded| loaded.config)
}

/// Maps the keys of the configuration that mean something here: a key that would run a command of the chat is the
/// program's.
fn map_keys(kernel: &Kernel, mut config: Config) -> Vec<String> {
    config.keys.retain(|setting| {
        let command = setting.command.as_deref().unwrap_or_default();
        let name = command.trim().trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        setting.command.is_none() || kernel.command().get(name).is_some()
    });
    keys::put(kernel, &config)
}

/// Shows what fails in the program from now on. What only takes long is no matter of the person's.
fn tell_what_fails(kernel: &Kernel) {
    let read = Cell::new(kernel.guard().logged());
    let weak = kernel.downgrade();
    kernel.on_change(
        ExtId::CORE,
        Rc::new(move |topic| {
            let Some(kernel) = weak.upgrade().filter(|_| topic == Topic::Messages) else { return };
            let logged = kernel.guard().logged();
            let new = usize::try_from(logged - read.replace(logged)).unwrap_or(usize::MAX);
            let messages = kernel.guard().messages();
            let new = messages.iter().skip(messages.len().saturating_sub(new));
            // A suspension is told by a notice of its own, a line that the program logs is no failure.
            let failed = |message: &&LogMessage| {
                message.level == Level::Error && !["suspend", "log"].contains(&&*message.what)
            };
            for message in new.filter(failed) {
                kernel.ui().notify(ExtId::CORE, describe(message), Level::Error);
            }
        }),
    );
}

fn describe(message: &LogMessage) -> String {
    let place = match (&message.file, message.line) {
        (Some(file), Some(line)) => format!(" ({file}:{line})"),
        _ => String::new(),
    };
    format!("{}: {}{place}", message.what, message.text)
}

/// Refuses where there is nothing to draw on, before the program has begun. Standard input and output may be pipes.
fn demand_terminal() -> Result<(), Report> {
    if variable("TERM").is_some_and(|term| term == "dumb") {
        return Err(no_terminal("this terminal cannot be drawn on (`TERM` is `dumb`)"));
    }
    match std::fs::File::open("/dev/tty") {
        Ok(_) => Ok(()),
        Err(error) => Err(no_terminal(&format!("there is no terminal to draw on: {error}"))),
    }
}

fn no_terminal(why: &str) -> Report {
    let report = Report::new(Kind::System, sentence(why));
    report.hint("`purlin --bare` runs programs that draw on a terminal; start it in one.")
}
