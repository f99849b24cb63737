//! What a runtime says to the person who started it: on standard error, but for the help.
#![allow(
    clippy::print_stderr,
    reason = "a runtime as a program has nobody above it who could say what it has to say"
)]

use std::fmt;
use std::io::Write as _;
use std::rc::Rc;

use purlin_kernel::text::visible;
use purlin_runtime_core::{Level, Logger, Record};

use crate::{LogSink, console_log};

/// The messages of a program, and its log. Clones are the same console.
#[derive(Clone)]
pub struct Console {
    name: Rc<str>,
    log: LogSink,
}

impl Console {
    /// Makes the console of a program.
    pub(super) fn new(program: &str, logger: Logger) -> Self {
        // `purlin runtime shell` speaks as `purlin`.
        let name = program.split(' ').next().unwrap_or_default().into();
        Self { name, log: console_log(logger) }
    }

    /// What takes the lines of the log.
    pub fn log(&self) -> LogSink {
        Rc::clone(&self.log)
    }

    /// Says a sentence to the person.
    pub fn say(&self, message: &str) {
        // A server's words may be part of it: what they hold must not act on the terminal.
        eprintln!("{}: {}", self.name, visible(message));
    }

    /// Says why the program does not start, and answers the exit code of a wrong use.
    pub(super) fn refuse(&self, problems: &[String], program: Option<&str>) -> u8 {
        let mut message = match problems {
            [one] => one.clone(),
            many => format!("The runtime cannot be started:\n  {}", many.join("\n  ")),
        };
        if let Some(program) = program {
            let gap = if problems.len() == 1 { ' ' } else { '\n' };
            message = format!("{message}{gap}`{program} --help` lists what there is.");
        }
        self.say(&message);
        2
    }

    /// Writes a line into the log.
    pub(super) fn news(&self, level: Level, message: &str) {
        (self.log)(&Record::new(level, "runtime", message));
    }
}

/// Prints what was asked for on standard output.
pub(super) fn print(text: &str) {
    // A reader that has left has read what it wanted.
    drop(std::io::stdout().write_all(text.as_bytes()));
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("name", &self.name).finish_non_exhaustive()
    }
}
