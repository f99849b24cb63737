//! Purlin: the facade that other programs embed, and what the `purlin` binary is made of.
//!
//! This crate is the only one that knows all the others. It reads the command line and the configuration, opens a
//! session's store, starts the runtime agent on its own thread, and lets a surface (the full-screen terminal, or the
//! headless run of `-p`) commit to and watch that store. It holds no logic that a floor below could hold.
//!
//! * [`args`]: the command line, parsed into a [`args::Request`].
//! * [`config`]: the layers of configuration, every setting declared once.
//! * [`runtimes`]: runtimes as processes of their own.
//! * [`report`]: what a person reads when something fails.
//!
//! The principal entry is [`run`], which carries out a request and answers the exit code.

mod agent_thread;
pub mod args;
mod auth;
mod bare;
pub mod config;
mod console;
mod drafts;
mod extensions;
mod files;
mod headless;
pub mod hooks;
mod journal;
mod keep;
mod keys;
mod loading;
mod logging;
mod lua;
mod models;
mod notes;
pub mod report;
mod runtime;
pub mod runtimes;
mod say;
mod session;
mod sessions;
mod start;
mod stores;
mod terminal;
mod themes;

use std::ffi::OsString;
use std::io::Write as _;

use args::{Request, Stop};
use purlin_runtime_native::serve::page;
use report::Report;

/// Carries out a command line, the program's name first, and answers the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let request = match args::parse(arguments, page::columns()) {
        Ok(request) => request,
        Err(Stop::Text(text)) => {
            // A reader that has left has read what it wanted.
            drop(std::io::stdout().write_all(text.as_bytes()));
            return 0;
        }
        Err(Stop::Usage(message)) => {
            say::error(message);
            return 2;
        }
    };
    carry_out(&request).unwrap_or_else(|report| {
        say::error(&report);
        report.exit_code()
    })
}

fn carry_out(request: &Request) -> Result<u8, Report> {
    match request {
        Request::Terminal(options) => terminal::run(start::gather(options)?, options),
        Request::Bare { arguments, options } => bare::run(options, arguments),
        Request::Print { prompt, json, options } => {
            let start = start::gather(options)?;
            headless::run(start, options, prompt, *json)
        }
        Request::Extension(command, options) => extensions::run(&start::gather(options)?, command),
        Request::Lua { file, arguments, options } => lua::run(&start::gather(options)?, file, arguments),
        Request::Session(command, options) => sessions::run(command, options),
        Request::Store(command, _) => stores::run(command),
        Request::Runtime(arguments, options) => runtimes::run(arguments, options),
    }
}
