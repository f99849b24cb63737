//! The command line of a runtime: declared flags, and the parser that knows nothing else.

use std::collections::BTreeMap;
use std::ffi::OsString;

use purlin_kernel::nearest;

use super::page;
use super::secret::TOKEN_VARIABLES;

/// One value that a runtime takes from its command line or its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The long form, without its dashes; also the value's name.
    pub long: &'static str,
    /// The short form, without its dash.
    pub short: Option<char>,
    /// The variables that set it, the one that wins first.
    pub variables: &'static [&'static str],
    /// What stands for the value in the help; absent for a switch.
    pub value: Option<&'static str>,
    /// One sentence for people.
    pub help: &'static str,
}

/// What every runtime takes, in the order of the help.
pub const FLAGS: &[Flag] = &[
    Flag {
        long: "notebook",
        short: Some('n'),
        variables: &["NOTEBOOK_ID"],
        value: Some("ID"),
        help: "The session to serve, or a part of its id that no other has; the newest of the directory if absent",
    },
    Flag {
        long: "client-id",
        short: Some('c'),
        variables: &[],
        value: Some("USER"),
        help: "The user for whom the runtime acts; `local` if absent",
    },
    Flag {
        long: "runtime-id",
        short: Some('r'),
        variables: &["RUNTIME_ID"],
        value: Some("ID"),
        help: "The runtime's name; `TYPE-runtime-PID` if absent",
    },
    Flag {
        long: "runtime-type",
        short: Some('T'),
        variables: &["RUNTIME_TYPE"],
        value: Some("TYPE"),
        help: "The kind of runtime, for people",
    },
    Flag {
        long: "image-artifact-threshold",
        short: None,
        variables: &["IMAGE_ARTIFACT_THRESHOLD_BYTES"],
        value: Some("BYTES"),
        help: "PNG images of more bytes are kept outside the log; 6144 if absent",
    },
    Flag {
        long: "heartbeat-interval",
        short: None,
        variables: &[],
        value: Some("MS"),
        help: "Milliseconds between signs of life, 1000 to 3600000; 15000 if absent. A local store needs none",
    },
    Flag {
        long: "auth-token",
        short: Some('t'),
        variables: TOKEN_VARIABLES,
        value: Some("@FILE"),
        help: "The file of the token for a sync server. A token itself is better put into a variable than here",
    },
    Flag {
        long: "sync-url",
        short: Some('s'),
        variables: &["LIVESTORE_SYNC_URL"],
        value: Some("URL"),
        help: "A sync server's address; this version serves the local store only and refuses it",
    },
    python(
        "runtime-python-path",
        &["RUNTIME_PYTHON_PATH"],
        Some("PATH"),
        "The Python to run; of no effect in a runtime that runs no Python",
    ),
    python(
        "runtime-env-path",
        &["RUNTIME_ENV_PATH"],
        Some("DIR"),
        "The environment that Python runs in; of no effect in a runtime that runs no Python",
    ),
    python(
        "runtime-package-manager",
        &["RUNTIME_PACKAGE_MANAGER"],
        Some("NAME"),
        "What installs packages there; of no effect in a runtime that runs no Python",
    ),
    python(
        "runtime-env-externally-managed",
        &["RUNTIME_ENV_EXTERNALLY_MANAGED"],
        None,
        "Says that somebody else looks after that environment; of no effect in a runtime that runs no Python",
    ),
    Flag {
        long: "cwd",
        short: None,
        variables: &[],
        value: Some("DIR"),
        help: "Works in this directory, whose newest session is served where none is named",
    },
    Flag { long: "help", short: Some('h'), variables: &[], value: None, help: "Prints this and leaves" },
];

/// What launchers of this family of runtimes pass to all of them. Only a runtime that runs Python has a use for it;
/// the others accept it, and say so.
const fn python(
    long: &'static str,
    variables: &'static [&'static str],
    value: Option<&'static str>,
    help: &'static str,
) -> Flag {
    Flag { long, short: None, variables, value, help }
}

/// The flags of [`python`].
pub(super) const OF_PYTHON: &[&str] =
    &["runtime-python-path", "runtime-env-path", "runtime-package-manager", "runtime-env-externally-managed"];

impl Flag {
    /// How the flag is named in a message: with its value, and with the variables that set it.
    pub fn describe(&self) -> String {
        let value = self.value.map(|value| format!(" {value}")).unwrap_or_default();
        let variables: Vec<String> = self.variables.iter().map(|name| format!("`{name}`")).collect();
        match &variables[..] {
            [] => format!("`--{}{value}`", self.long),
            [one] => format!("`--{}{value}` or the variable {one}", self.long),
            many => format!("`--{}{value}` or one of the variables {}", self.long, many.join(", ")),
        }
    }
}

/// Values by the names of their flags.
pub(super) type Given = BTreeMap<&'static str, Vec<String>>;

/// Reads a command line, without the program's name. Every mistake in it is a sentence of the error.
pub(super) fn parse(flags: &[Flag], arguments: Vec<OsString>) -> Result<Given, Vec<String>> {
    let mut given = Given::new();
    let mut problems = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(argument) = argument.to_str() else {
            problems.push("An argument is not valid UTF-8.".to_owned());
            continue;
        };
        let (flag, joined) = match find(flags, argument) {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                // What follows an unknown option is most likely its value, and no mistake of its own.
                arguments.next_if(|next| !next.to_string_lossy().starts_with('-'));
                continue;
            }
        };
        let value = match (flag.value, joined) {
            (None, None) => Ok(String::new()),
            (None, Some(_)) => Err("takes no value"),
            (Some(_), Some(joined)) => Ok(joined),
            (Some(_), None) => arguments
                .next_if(|next| !next.to_string_lossy().starts_with('-'))
                .map(|next| next.to_string_lossy().into_owned())
                .ok_or("needs a value"),
        };
        match value {
            Ok(value) => given.entry(flag.long).or_default().push(value),
            Err(why) => problems.push(format!("`--{}` {why}.", flag.long)),
        }
    }
    if problems.is_empty() { Ok(given) } else { Err(problems) }
}

/// Finds the flag of an argument, and the value that is joined to it: `--long=value`, `-s=value` or `-svalue`.
fn find<'a>(flags: &'a [Flag], argument: &str) -> Result<(&'a Flag, Option<String>), String> {
    if let Some(long) = argument.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let found = flags.iter().find(|flag| flag.long == name);
        return found.map(|flag| (flag, value)).ok_or_else(|| {
            let near = nearest(name, flags.iter().map(|flag| flag.long));
            let near = near.map(|near| format!(" Did you mean `--{near}`?")).unwrap_or_default();
            format!("There is no option `--{name}`.{near}")
        });
    }
    let mut characters = argument.strip_prefix('-').unwrap_or_default().chars();
    let Some(short) = characters.next() else {
        return Err(format!("There is no argument `{argument}`."));
    };
    let rest = characters.as_str();
    let value = (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest).to_owned());
    let found = flags.iter().find(|flag| flag.short == Some(short));
    // What follows may be a secret, and is not repeated.
    found.map(|flag| (flag, value)).ok_or_else(|| format!("There is no option `-{short}`."))
}

/// The text of `--help`, for so many columns.
pub(super) fn help(program: &str, about: &str, flags: &[Flag], columns: usize) -> String {
    let rows: Vec<(String, String)> = flags.iter().map(row).collect();
    let head = page::prose(&format!("{about}\n\nUsage: {program} [OPTIONS]\n\nOptions:\n"), columns);
    let foot = format!(
        "\nThe command line wins over the environment.\n\
         Exit codes: 0 done, 1 failed, 2 usage, 3 displaced by another runtime, 129 hung up, 130 interrupted, 143 terminated.\n\n\
         Examples:\n  {program}\n  {program} --notebook 3f2a\n  {program} --cwd ~/src 2> log\n"
    );
    head + &page::entries(&rows, columns) + &page::prose(&foot, columns)
}

fn row(flag: &Flag) -> (String, String) {
    let short = flag.short.map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let value = flag.value.map(|value| format!(" <{value}>")).unwrap_or_default();
    let variables =
        if flag.variables.is_empty() { String::new() } else { format!(" [{}]", flag.variables.join(", ")) };
    (format!("{short}--{}{value}", flag.long), format!("{}{variables}", flag.help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Given, Vec<String>> {
        parse(FLAGS, line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn row_073_long_short_and_joined_forms_say_the_same() {
        for line in ["--notebook abc", "--notebook=abc", "-n abc", "-n=abc", "-nabc"] {
            let given = read(line).unwrap_or_default();
            assert_eq!(given.get("notebook").map(Vec::as_slice), Some(&["abc".to_owned()][..]), "{line}");
        }
        assert_eq!(read("--client-id= -h").map(|given| given["client-id"].clone()), Ok(vec![String::new()]));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let problems = read("--notebok x -q extra --runtime-id -T --help=no").unwrap_err();
        assert_eq!(
            problems,
            [
                "There is no option `--notebok`. Did you mean `--notebook`?",
                "There is no option `-q`.",
                "`--runtime-id` needs a value.",
                "`--runtime-type` needs a value.",
                "`--help` takes no value.",
            ]
        );
        assert_eq!(read("stray").unwrap_err(), ["There is no argument `stray`."]);
    }

    #[test]
    fn the_help_breaks_no_word_and_names_every_flag() {
        for columns in [40, 60, 100, 120] {
            let help = help("purlin runtime shell", "Executes `!` commands.", FLAGS, columns);
            let widest = help.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= columns, "{columns}: {help}");
            let words: Vec<&str> = help.split_whitespace().collect();
            for flag in FLAGS {
                assert!(flag.help.split(' ').all(|word| words.contains(&word)), "{columns}: {help}");
                assert!(flag.variables.iter().all(|name| help.contains(name)), "{columns}: {help}");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let longs: std::collections::BTreeSet<_> = FLAGS.iter().map(|flag| flag.long).collect();
        let shorts: std::collections::BTreeSet<_> = FLAGS.iter().filter_map(|flag| flag.short).collect();
        assert_eq!(longs.len(), FLAGS.len());
        assert_eq!(shorts.len(), FLAGS.iter().filter(|flag| flag.short.is_some()).count());
    }
}
