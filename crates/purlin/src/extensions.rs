//! What the extensions do and cost: `purlin extension list`, and the facts that `/extensions` shows.

mod facts;
mod list;

pub use facts::{Facts, State, bytes, milliseconds};

use crate::args::ExtensionCommand;
use crate::report::Report;
use crate::start::Start;

/// Carries out a command; the exit code if nothing failed.
pub fn run(start: &Start, command: &ExtensionCommand) -> Result<u8, Report> {
    match command {
        ExtensionCommand::List { json } => list::run(start, *json),
    }
}
