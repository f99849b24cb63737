//! `purlin session …`: looking at sessions, and deleting them.

use std::ffi::OsString;

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{flag, number, text, value};

/// What is asked about sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCommand {
    /// Which there are (`list`).
    List {
        /// Only those begun in the working directory.
        here: bool,
        /// At most so many; all if absent.
        limit: Option<usize>,
        /// Whether to print one JSON object per session.
        json: bool,
    },
    /// What was said in one (`show`).
    Show {
        /// Which; the newest of the working directory if absent.
        id: Option<String>,
        /// Whether nothing is folded.
        full: bool,
    },
    /// A large output, or which there are (`artifact`).
    Artifact {
        /// The beginning of its name; those of the session are listed if absent.
        name: Option<String>,
        /// Whose artifacts are listed; those of the newest session of the working directory if absent.
        session: Option<String>,
        /// Where it is written; standard output if absent.
        output: Option<PathBuf>,
        /// Whether to list one JSON object per artifact.
        json: bool,
    },
    /// The events of one (`log`).
    Log {
        /// Which; the newest of the working directory if absent.
        id: Option<String>,
        /// Only events after this row of the log.
        since: i64,
        /// Whether to go on with what is committed from now on.
        follow: bool,
        /// Whether to print each event as it is on the wire.
        json: bool,
    },
    /// The tables of one (`dump`).
    Dump {
        /// Which; the newest of the working directory if absent.
        id: Option<String>,
    },
    /// Whether the tables of one follow from its log (`replay`).
    Replay {
        /// Which; the newest of the working directory if absent.
        id: Option<String>,
    },
    /// Where something was said (`search`).
    Search {
        /// What to look for, as typed.
        words: Vec<String>,
        /// At most so many hits.
        limit: usize,
        /// Whether to print one JSON object per hit.
        json: bool,
    },
    /// Delete some (`delete`).
    Delete {
        /// Which; at least one.
        ids: Vec<String>,
        /// Whether to do it without asking.
        yes: bool,
    },
}

/// How many hits a search shows unless somebody asks for another number.
pub const HITS: usize = 50;

const OF_DIRECTORY: &str =
    "The session: its id, or any part of it that no other has [default: the newest of this directory]";

/// Declares `session` and what is below it.
pub(super) fn command() -> Command {
    Command::new("session")
        .about("Lists, shows, searches and deletes sessions")
        .subcommand_required(true)
        .arg_required_else_help(false)
        .disable_help_subcommand(true)
        .subcommands([list(), show(), artifact(), log(), dump(), replay(), search(), delete()])
        .after_help(
            "Examples:\n  purlin session list --here\n  purlin session show 3f2a | less\n  purlin session search migration\n\n\
             `purlin session COMMAND --help` has examples of each.",
        )
}

fn list() -> Command {
    Command::new("list")
        .about("Lists the sessions, the newest first")
        .args([
            flag("here", "Lists only the sessions begun in this directory"),
            number("limit", "N", "Lists at most N sessions", 1),
            flag("json", "Prints one JSON object per session and line"),
        ])
        .after_help(
            "On a terminal the table fits its width; in a pipe each line begins with the whole id and nothing is cut.\n\n\
             Examples:\n  purlin session list --here\n  purlin session list --json | head -n 3",
        )
}

fn show() -> Command {
    Command::new("show")
        .about("Prints what was said and done in a session")
        .args([id(), flag("full", "Prints reasoning and tool output whole, which is folded otherwise")])
        .after_help(
            "Of an output of more than 64 KiB the session has the beginning and the end; `purlin session artifact` prints \
             all of it.\nColours appear on a terminal only, and never where `NO_COLOR` is set.\n\n\
             Examples:\n  purlin session show\n  purlin session show 3f2a --full | less",
        )
}

fn artifact() -> Command {
    Command::new("artifact")
        .about("Prints a large output whole, or lists those of a session")
        .args([
            Arg::new("NAME").help(
                "The artifact: its name or the beginning of it, at least 4 characters [default: lists those of the session]",
            ),
            value("session", "ID", "Lists those of this session [default: the newest of this directory]")
                .conflicts_with("NAME"),
            value("output", "FILE", "Writes it to this file instead of standard output")
                .short('o')
                .requires("NAME")
                .value_parser(clap::value_parser!(PathBuf)),
            flag("json", "Lists one JSON object per artifact and line").conflicts_with("NAME"),
        ])
        .after_help(
            "In a pipe and in a file it is what was put out, byte by byte; on a terminal nothing in it acts on the terminal.\n\n\
             Examples:\n  purlin session artifact\n  purlin session artifact 3fa2b71c | less\n  \
             purlin session artifact 3fa2b71c -o build.log",
        )
}

fn log() -> Command {
    Command::new("log")
        .about("Prints the events of a session, one per line")
        .args([
            id(),
            number("since", "ROWID", "Prints only events after this row of the log", 0).default_value("0"),
            flag("follow", "Goes on with what is committed from now on, by any process").short('f'),
            flag("json", "Prints each event as JSON: its row, its name and arguments as on the wire"),
        ])
        .after_help(
            "Examples:\n  purlin session log\n  purlin session log 3f2a --follow --json | grep ToolCall",
        )
}

fn dump() -> Command {
    Command::new("dump")
        .about("Prints the tables of a session in a form that is equal for equal tables")
        .arg(id())
        .after_help("Examples:\n  purlin session dump > before.txt")
}

fn replay() -> Command {
    Command::new("replay")
        .about("Makes the tables of a session anew from its log, in memory and in SQLite, and compares")
        .arg(id())
        .after_help(
            "The session is not changed. Exit codes: 0 the tables follow from the log, 1 they do not.\n\n\
             Examples:\n  purlin session replay\n  purlin session replay 3f2a",
        )
}

fn search() -> Command {
    Command::new("search")
        .about("Finds words in the prompts and outputs of all sessions, the newest first")
        .args([
            Arg::new("WORDS")
                .required(true)
                .action(ArgAction::Append)
                .help("All of these must occur: word, pre*, \"a phrase\", -without"),
            number("limit", "N", "Prints at most N hits", 1).default_value("50"),
            flag("json", "Prints one JSON object per hit and line"),
        ])
        .after_help(
            "Case and accents do not matter. An argument with spaces is a phrase.\n\
             Exit codes: 0 something was found, 1 nothing was.\n\n\
             Examples:\n  purlin session search migration\n  purlin session search \"disk full\" sqlite -test\n  \
             purlin session search 'sess*' --limit 5 --json",
        )
}

fn delete() -> Command {
    Command::new("delete")
        .about("Deletes sessions with their drafts")
        .args([
            Arg::new("ID")
                .required(true)
                .action(ArgAction::Append)
                .help("The sessions: ids, or parts of ids that no other has"),
            flag("yes", "Deletes without asking").short('y'),
        ])
        .after_help(
            "Asks on a terminal; without one it needs `--yes`. A session that is open in another process stays.\n\
             Exit codes: 0 all were deleted, 1 not all were, 2 an id is too short, or `--yes` is missing.\n\n\
             Examples:\n  purlin session delete 3f2a\n  purlin session delete 3f2a 90bc --yes",
        )
}

/// What stands in place of the hyphen of an excluded word while the arguments are parsed: a hyphen is an option there.
const WITHOUT: char = '\u{2212}';

/// Lets `purlin session search` have words that begin with a hyphen, as those have that must not occur.
pub(super) fn with_exclusions(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = arguments.into_iter().collect();
    let Some(search) = all.windows(2).position(|pair| pair[0] == "session" && pair[1] == "search") else {
        return all;
    };
    for argument in all[search + 2..].iter_mut().take_while(|argument| *argument != "--") {
        let word = argument.to_str().and_then(|text| text.strip_prefix('-'));
        if let Some(word) = word.filter(|word| !word.is_empty() && !word.starts_with('-') && *word != "h") {
            *argument = format!("{WITHOUT}{word}").into();
        }
    }
    all
}

fn id() -> Arg {
    Arg::new("ID").help(OF_DIRECTORY)
}

/// Reads what was asked.
pub(super) fn request(matches: &ArgMatches) -> Option<SessionCommand> {
    let (name, found) = matches.subcommand()?;
    let id = || text(found, "ID");
    Some(match name {
        "list" => SessionCommand::List {
            here: found.get_flag("here"),
            limit: whole(found, "limit"),
            json: found.get_flag("json"),
        },
        "show" => SessionCommand::Show { id: id(), full: found.get_flag("full") },
        "artifact" => SessionCommand::Artifact {
            name: text(found, "NAME"),
            session: text(found, "session"),
            output: found.get_one::<PathBuf>("output").cloned(),
            json: found.get_flag("json"),
        },
        "log" => SessionCommand::Log {
            id: id(),
            since: whole(found, "since").unwrap_or(i64::MAX),
            follow: found.get_flag("follow"),
            json: found.get_flag("json"),
        },
        "dump" => SessionCommand::Dump { id: id() },
        "replay" => SessionCommand::Replay { id: id() },
        "search" => SessionCommand::Search {
            words: many(found, "WORDS")
                .into_iter()
                .map(|word| word.strip_prefix(WITHOUT).map_or(word.clone(), |rest| format!("-{rest}")))
                .collect(),
            limit: whole(found, "limit").unwrap_or(HITS),
            json: found.get_flag("json"),
        },
        "delete" => SessionCommand::Delete { ids: many(found, "ID"), yes: found.get_flag("yes") },
        _ => return None,
    })
}

/// A number in the type that is wanted; one that is too large for it is as good as no bound.
fn whole<T: TryFrom<u64>>(matches: &ArgMatches, name: &str) -> Option<T> {
    matches.get_one::<u64>(name).and_then(|number| T::try_from(*number).ok())
}

fn many(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).unwrap_or_default().cloned().collect()
}
