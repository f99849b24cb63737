//! `purlin store …`: the care of the files that sessions are kept in.

use clap::{Arg, ArgMatches, Command};

use super::{flag, text};

/// What is to be done with the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreCommand {
    /// Look whether they are sound (`check`).
    Check {
        /// One session; all if absent.
        id: Option<String>,
    },
    /// Save what can be read of a damaged one (`repair`).
    Repair {
        /// The session.
        id: String,
    },
    /// Count (`stats`).
    Stats {
        /// One session, event by event name; all if absent.
        id: Option<String>,
        /// Whether to print one JSON object per session.
        json: bool,
    },
    /// Remove artifacts that no session refers to (`gc`).
    Gc {
        /// Whether only to say what would be removed.
        dry_run: bool,
    },
    /// Make the index anew (`reindex`).
    Reindex,
}

/// Declares `store` and what is below it.
pub(super) fn command() -> Command {
    Command::new("store")
        .about("Checks, repairs, counts and sweeps the files that sessions are kept in")
        .subcommand_required(true)
        .arg_required_else_help(false)
        .disable_help_subcommand(true)
        .subcommands([check(), repair(), stats(), gc(), reindex()])
        .after_help(
            "Examples:\n  purlin store check\n  purlin store repair 3f2a\n  purlin store gc --dry-run\n\n\
             `purlin store COMMAND --help` has examples of each.",
        )
}

fn check() -> Command {
    Command::new("check")
        .about("Looks whether files, logs, tables and artifacts are sound; changes nothing")
        .arg(Arg::new("ID").help("The session: its id, or any part of it that no other has [default: all]"))
        .after_help(
            "Exit codes: 0 all is sound, 1 something is not.\n\n\
             Examples:\n  purlin store check\n  purlin store check 3f2a",
        )
}

fn repair() -> Command {
    Command::new("repair")
        .about("Saves what can be read of a damaged session; the damaged file is kept aside")
        .arg(Arg::new("ID").required(true).help(
            "The session, also one whose file was kept aside: its id, or any part of it that no other has",
        ))
        .after_help("Examples:\n  purlin store repair 3f2a")
}

fn stats() -> Command {
    Command::new("stats")
        .about("Counts sessions, events, bytes and artifacts")
        .args([
            Arg::new("ID")
                .help("One session, with its events by name: its id, or any part of it that no other has"),
            flag("json", "Prints one JSON object per session and line"),
        ])
        .after_help("Examples:\n  purlin store stats\n  purlin store stats 3f2a")
}

fn gc() -> Command {
    Command::new("gc")
        .about("Removes artifacts that no session refers to any more")
        .arg(flag("dry-run", "Only says what would be removed"))
        .after_help(
            "What was written within the last day stays, since a session may be about to refer to it. Where a session \
             cannot be read nothing is removed.\n\n\
             Examples:\n  purlin store gc --dry-run\n  purlin store gc",
        )
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
    let (name, found) = matches.subcommand()?;
    Some(match name {
        "check" => StoreCommand::Check { id: text(found, "ID") },
        "repair" => StoreCommand::Repair { id: text(found, "ID").unwrap_or_default() },
        "stats" => StoreCommand::Stats { id: text(found, "ID"), json: found.get_flag("json") },
        "gc" => StoreCommand::Gc { dry_run: found.get_flag("dry-run") },
        "reindex" => StoreCommand::Reindex,
        _ => return None,
    })
}
