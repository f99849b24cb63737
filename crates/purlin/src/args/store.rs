//! `purlin store …`: the care of the files that sessions are kept in.

use clap::{ArgMatches, Command};

/// What is to be done with the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreCommand {
    /// Make the index anew (`reindex`).
    Reindex,
}

/// Declares `store` and what is below it.
pub(super) fn command() -> Command {
    Command::new("store")
        .about("Cares for the files that sessions are kept in")
        .subcommand_required(true)
        .arg_required_else_help(false)
        .disable_help_subcommand(true)
        .subcommands([reindex()])
}

fn reindex() -> Command {
    Command::new("reindex")
        .about("Makes the index of all sessions anew")
        .after_help(
            "The index serves the list and the search. It is made from the sessions and may be deleted at any time; it \
             keeps itself up to date, so this is needed only to be rid of every trace of deleted sessions.\n\n\
             Examples:\n  purlin store reindex",
        )
}

/// Reads what was asked.
pub(super) fn request(matches: &ArgMatches) -> Option<StoreCommand> {
    matches.subcommand().filter(|(name, _)| *name == "reindex").map(|_| StoreCommand::Reindex)
}
