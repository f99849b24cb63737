//! `purlin extension …` and `purlin lua FILE`.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use super::flag;

/// What is asked about the extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtensionCommand {
    /// What they are and cost (`list`).
    List {
        /// Whether to print one JSON object per extension.
        json: bool,
    },
}

/// Declares `extension` and what is below it.
pub(super) fn command() -> Command {
    Command::new("extension")
        .about("Looks at the extensions of the configuration and of -e")
        .subcommand_required(true)
        .arg_required_else_help(false)
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("list")
                .about("Loads the extensions and lists what each has registered, its cost and its errors")
                .arg(flag("json", "Prints one JSON object per extension and line"))
                .after_help("Exit codes: 0 all are loaded, 1 one is not, 2 usage.\n\nExamples:\n  purlin extension list\n  purlin -e gate.lua extension list --json"),
        )
}

/// Declares `lua`.
pub(super) fn lua() -> Command {
    Command::new("lua")
        .about("Runs a Lua file with the API of extensions and prints the value it answers")
        .arg(
            Arg::new("FILE")
                .required(true)
                .help("The file; `-` reads from standard input")
                .value_parser(clap::value_parser!(PathBuf)),
        )
        .arg(Arg::new("ARGS").num_args(0..).last(true).help("What the file is told: `purlin.args`"))
        .after_help(
            "Exit codes: 0 done, 1 the file failed, 2 usage.\n\n\
             Examples:\n  purlin lua check.lua\n  purlin lua count.lua -- src tests\n  echo 'return 1 + 1' | purlin lua -",
        )
}

/// Reads what was asked.
pub(super) fn request(matches: &ArgMatches) -> Option<ExtensionCommand> {
    let (name, found) = matches.subcommand()?;
    Some(match name {
        "list" => ExtensionCommand::List { json: found.get_flag("json") },
        _ => return None,
    })
}
