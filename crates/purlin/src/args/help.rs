//! The pages of `--help`, made from the declarations and set for the width at hand.

use std::ffi::OsString;

use clap::{Arg, Command};
use purlin_runtime_native::serve::page;

use super::command_of;

/// The commands that have others below them.
const PARENTS: [&str; 4] = ["extension", "runtime", "session", "store"];

/// Reads `help` among the commands as `--help`: `purlin help session show` is `purlin session show --help`.
pub(super) fn asked(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let word = |at: usize| arguments.get(at).and_then(|argument| argument.to_str());
    let at = match (word(1), word(2)) {
        (Some("help"), _) => 1,
        (Some(parent), Some("help")) if PARENTS.contains(&parent) => 2,
        _ => return arguments,
    };
    arguments.remove(at);
    arguments.push("--help".into());
    arguments
}

/// The page of the command that the parser's own page is about.
pub(super) fn page(mut root: Command, theirs: &str, columns: usize) -> String {
    root.build();
    let path = command_of(theirs);
    let command =
        path.split(' ').skip(1).fold(&root, |command, word| command.find_subcommand(word).unwrap_or(command));
    let usage = theirs.lines().find(|line| line.starts_with("Usage:")).unwrap_or_default();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = page::prose(&format!("{about}\n\n{usage}\n"), columns);
    let commands = command.get_subcommands().map(|below| {
        (below.get_name().to_owned(), below.get_about().map(ToString::to_string).unwrap_or_default())
    });
    let (arguments, options): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().partition(|arg| arg.is_positional());
    let arguments = arguments.into_iter().map(|arg| (arg.to_string(), description(arg)));
    let options = options.into_iter().map(|arg| (option(arg), description(arg)));
    for (title, rows) in [
        ("Commands", commands.collect::<Vec<_>>()),
        ("Arguments", arguments.collect()),
        ("Options", options.collect()),
    ] {
        if !rows.is_empty() {
            text = format!("{text}\n{title}:\n{}", page::entries(&rows, columns));
        }
    }
    match command.get_after_help() {
        Some(after) => format!("{text}\n{}", page::prose(&after.to_string(), columns)),
        None => text,
    }
}

/// An option as it is typed, the long forms below each other.
fn option(arg: &Arg) -> String {
    let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    format!("{short}{arg}")
}

fn description(arg: &Arg) -> String {
    let about = match arg.get_id().as_str() {
        "help" => "Prints this and leaves".to_owned(),
        "version" => "Prints the version and leaves".to_owned(),
        _ => arg.get_help().map(ToString::to_string).unwrap_or_default(),
    };
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    // A switch has one too, which says nothing.
    if defaults.is_empty() || !arg.get_action().takes_values() {
        return about;
    }
    format!("{about} [default: {}]", defaults.join(", "))
}
