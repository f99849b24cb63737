//! What a runtime says to the person who started it: on standard error, but for the help.
#![allow(
    clippy::print_stderr,
    reason = "a runtime as a program has nobody above it who could say what it has to say"
)]

use std::fmt;
use std::io::Write as _;
use std::rc::Rc;

use purlin_kernel::text::visible;
use purlin_runtime_core::{Level, Record};

/// The messages of a program. Clones are the same console.
#[derive(Clone)]
pub struct Console {
    name: Rc<str>,
}

impl Console {
    /// Makes the console of a program; its log is as the environment says.
    pub(super) fn new(program: &str) -> Self {
        // `purlin runtime shell` speaks as `purlin`.
        Self { name: program.split(' ').next().unwrap_or_default().into() }
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
        let record = Record::new(level, "runtime", message);
        self.say(record.message);
    }
}

/// Prints what was asked for on standard output.
pub(super) fn print(text: &str) {
    // A reader that has left has read what it wanted.
    drop(std::io::stdout().write_all(text.as_bytes()));
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("name", &self.name).finish()
    }
}
