//! The command line: one declared list of options, parsed into a [`Request`].
//!
//! Nothing here reads a file or the environment. What the words mean together (which flags exclude each other) is
//! decided here too, so that everything behind it works on a request that makes sense.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

mod extension;
mod help;
mod session;
mod store;

pub use extension::ExtensionCommand;
pub use session::{HITS, SessionCommand};
pub use store::StoreCommand;

/// What the person asked for on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Open the full-screen terminal.
    Terminal(Options),
    /// Run one program that draws the screen itself (`--bare`).
    Bare {
        /// What it is told: the words behind `--`.
        arguments: Vec<String>,
        /// Its file is the only extension; of the rest, directory and configuration count.
        options: Options,
    },
    /// Answer one prompt and leave (`-p`).
    Print {
        /// The prompt, or where to read it from.
        prompt: Prompt,
        /// Whether to print one JSON line per notebook event instead of the answer's text.
        json: bool,
        /// The options both surfaces share.
        options: Options,
    },
    /// Look at sessions, or delete some (`session …`).
    Session(SessionCommand, Options),
    /// Care for the files that sessions are kept in (`store …`).
    Store(StoreCommand, Options),
    /// Look at the extensions (`extension …`).
    Extension(ExtensionCommand, Options),
    /// Run a Lua file and print what it answers (`lua FILE`); `-` is standard input.
    Lua {
        /// The file.
        file: PathBuf,
        /// What it is told, `purlin.args`.
        arguments: Vec<String>,
        /// Its extensions and configuration count.
        options: Options,
    },
    /// Run a runtime as a process of its own (`runtime …`); its arguments are its own affair.
    Runtime(Vec<OsString>, Options),
}

/// Where the prompt of `-p` comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// The argument itself.
    Text(String),
    /// Standard input, to its end (`-p -`).
    Stdin,
}

/// Which session to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// A new one, whose file appears with its first commit.
    #[default]
    New,
    /// The newest of the working directory (`--continue`).
    Latest,
    /// The one with this id (`--resume`).
    Id(String),
    /// A new one that is never written to disk (`--no-session`).
    Ephemeral,
}

/// What the surfaces share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which session to open.
    pub session: Which,
    /// The model as `PROVIDER/MODEL`, `echo` or `script:FILE`; it wins over every configuration.
    pub model: Option<String>,
    /// Extensions for this run only, in order.
    pub extensions: Vec<PathBuf>,
    /// Whether the extensions of the configuration stay unloaded.
    pub no_extensions: bool,
    /// The working directory; the process's own if absent.
    pub cwd: Option<PathBuf>,
    /// The configuration file to read instead of the user's.
    pub config: Option<PathBuf>,
}

/// Why there is no request to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The person asked for this text (`--help`, `--version`): standard output, exit code 0.
    Text(String),
    /// The arguments make no sense: standard error, exit code 2.
    Usage(String),
}

/// Parses the arguments, the program's name first; help is set for so many columns.
pub fn parse(arguments: impl IntoIterator<Item = OsString>, columns: usize) -> Result<Request, Stop> {
    let arguments = session::with_exclusions(help::asked(arguments.into_iter().collect()));
    let matches = command().try_get_matches_from(arguments).map_err(|error| stop(&error, columns))?;
    let options = options(&matches)?;
    let asked = matches.subcommand().and_then(|(name, found)| match name {
        "runtime" => {
            let arguments = found.get_many::<OsString>("ARGUMENTS").unwrap_or_default().cloned().collect();
            Some(Request::Runtime(arguments, options.clone()))
        }
        "lua" => {
            let file = found.get_one::<PathBuf>("FILE").cloned().unwrap_or_default();
            let arguments = found.get_many::<String>("ARGS").unwrap_or_default().cloned().collect();
            Some(Request::Lua { file, arguments, options: options.clone() })
        }
        "extension" => extension::request(found).map(|asked| Request::Extension(asked, options.clone())),
        "session" => session::request(found).map(|asked| Request::Session(asked, options.clone())),
        _ => store::request(found).map(|asked| Request::Store(asked, options.clone())),
    });
    if let Some(request) = asked {
        return Ok(request);
    }
    if matches.get_flag("bare") {
        let arguments = matches.get_many::<String>("ARGS").unwrap_or_default().cloned().collect();
        return match options.extensions.len() {
            1 => Ok(Request::Bare { arguments, options }),
            _ => Err(Stop::Usage("`--bare` runs one program: `purlin --bare -e FILE [-- ARGS]`.".into())),
        };
    }
    match text(&matches, "print") {
        Some(prompt) => {
            let prompt = if prompt == "-" { Prompt::Stdin } else { Prompt::Text(prompt) };
            Ok(Request::Print { prompt, json: matches.get_flag("json"), options })
        }
        None => Ok(Request::Terminal(options)),
    }
}

fn command() -> Command {
    Command::new("purlin")
        .bin_name("purlin")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A programmable agent for the terminal. Without `-p` it opens full-screen in this directory.")
        .after_help(AFTER_HELP)
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(false)
        .args([
            value(
                "print",
                "PROMPT",
                "Answers this prompt on standard output and leaves; `-` reads it from standard input",
            )
            .short('p'),
            flag("json", "With -p: prints one JSON line per notebook event instead of the answer")
                .requires("print"),
            flag("continue", "Continues the newest session of this directory")
                .short('c')
                .conflicts_with_all(["resume", "no-session"]),
            value(
                "resume",
                "ID",
                "Continues the session with this id; any part of the id that no other has is enough",
            )
            .short('r')
            .conflicts_with("no-session"),
            value(
                "model",
                "PROVIDER/MODEL",
                "Uses this model; `echo` and `script:FILE` need neither key nor network",
            ),
            flag("no-session", "Writes nothing to disk"),
            value("extension", "PATH", "Loads this extension for this run; may be given several times")
                .short('e')
                .action(ArgAction::Append)
                .value_parser(clap::value_parser!(PathBuf)),
            flag("no-extensions", "Loads none of the configured extensions; -e still counts"),
            flag("bare", "Runs the one program of -e without session, agent and stock screen")
                .conflicts_with_all([
                    "print",
                    "json",
                    "continue",
                    "resume",
                    "no-session",
                    "model",
                    "no-extensions",
                ]),
            Arg::new("ARGS")
                .help("What the program of --bare is told")
                .last(true)
                .num_args(0..)
                .requires("bare"),
            value("cwd", "DIR", "Works in this directory")
                .global(true)
                .value_parser(clap::value_parser!(PathBuf)),
            value("config", "FILE", "Reads this configuration file instead of the user's")
                .global(true)
                .value_parser(clap::value_parser!(PathBuf)),
        ])
        .subcommand(
            Command::new("runtime")
                .about("Runs a runtime, `echo`, `shell` or `agent`, as a process of its own")
                .disable_help_flag(true)
                .arg(
                    Arg::new("ARGUMENTS")
                        .num_args(0..)
                        .trailing_var_arg(true)
                        .allow_hyphen_values(true)
                        .value_parser(clap::value_parser!(OsString)),
                ),
        )
        .subcommands([session::command(), store::command(), extension::command(), extension::lua()])
}

const AFTER_HELP: &str = "\
Examples:
  purlin
  purlin -p \"What does this project do?\"
  git diff | purlin -p -
  purlin --continue --model anthropic/claude-sonnet-4-5

`purlin help COMMAND` tells of a command.
Exit codes: 0 done, 1 failed, 2 usage, 129 hung up, 130 interrupted, 141 nobody reads the output,
143 terminated.
Configuration: $XDG_CONFIG_HOME/purlin/config.toml, then .purlin/config.toml of the project, PURLIN_* variables, flags.";

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn value(name: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(placeholder)
        .help(help)
        .action(ArgAction::Set)
        .allow_hyphen_values(name == "print")
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

fn options(matches: &ArgMatches) -> Result<Options, Stop> {
    let session = if matches.get_flag("continue") {
        Which::Latest
    } else if let Some(id) = text(matches, "resume") {
        if id.is_empty() {
            return Err(Stop::Usage(
                "`--resume` needs the id of a session; `purlin session list` shows them.".into(),
            ));
        }
        Which::Id(id)
    } else if matches.get_flag("no-session") {
        Which::Ephemeral
    } else {
        Which::New
    };
    Ok(Options {
        session,
        model: text(matches, "model"),
        extensions: matches.get_many::<PathBuf>("extension").unwrap_or_default().cloned().collect(),
        no_extensions: matches.get_flag("no-extensions"),
        cwd: matches.get_one::<PathBuf>("cwd").cloned(),
        config: matches.get_one::<PathBuf>("config").cloned(),
    })
}

/// Turns the parser's error into one sentence, with a suggestion where there is a near one.
fn stop(error: &clap::Error, columns: usize) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp => return Stop::Text(help::page(command(), &error.to_string(), columns)),
        ErrorKind::DisplayVersion => return Stop::Text(error.to_string()),
        _ => {}
    }
    let quoted = |kind| match error.get(kind) {
        Some(ContextValue::String(value)) => Some(value.clone()),
        Some(ContextValue::Strings(values)) => Some(values.join("`, `")),
        _ => None,
    };
    let argument = quoted(ContextKind::InvalidArg).unwrap_or_default();
    let mut message = match error.kind() {
        ErrorKind::UnknownArgument => format!("There is no option or argument `{argument}`."),
        ErrorKind::InvalidSubcommand => {
            format!("There is no command `{}`.", quoted(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingSubcommand => format!(
            "`{}` needs one of `{}`.",
            quoted(ContextKind::InvalidSubcommand).unwrap_or_default(),
            quoted(ContextKind::ValidSubcommand).unwrap_or_default()
        ),
        ErrorKind::ArgumentConflict => {
            format!(
                "`{argument}` and `{}` exclude each other.",
                quoted(ContextKind::PriorArg).unwrap_or_default()
            )
        }
        ErrorKind::MissingRequiredArgument => format!("`{argument}` is missing."),
        ErrorKind::InvalidValue => format!("`{argument}` needs a value."),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(|why| format!(": {why}")).unwrap_or_default();
            let value = quoted(ContextKind::InvalidValue).unwrap_or_default();
            format!("`{value}` cannot be the value of `{argument}`{why}.")
        }
        ErrorKind::InvalidUtf8 => "An argument is not valid UTF-8.".to_owned(),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue] {
        if let Some(near) = quoted(kind) {
            message = format!("{message} Did you mean `{near}`?");
        }
    }
    // What may stand for a value is said already.
    if error.kind() != ErrorKind::ValueValidation {
        message = format!("{message} `{} --help` lists them all.", command_of(&error.to_string()));
    }
    Stop::Usage(message)
}

/// The words of the command that a parser's message is about, such as `purlin session show`; its line of usage has them.
fn command_of(message: &str) -> String {
    let usage = message.lines().find(|line| line.contains("Usage:")).unwrap_or_default();
    let words = usage.split_whitespace().skip_while(|word| *word != "purlin");
    let command: Vec<&str> = words.take_while(|word| !word.starts_with(['[', '<', '-'])).collect();
    if command.is_empty() { "purlin".to_owned() } else { command.join(" ") }
}

/// A whole number, `least` or more.
fn number(name: &'static str, placeholder: &'static str, help: &'static str, least: u64) -> Arg {
    let read = move |text: &str| match text.parse::<u64>() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(format!("it takes a whole number, {least} or more")),
    };
    // A negative number is a wrong value rather than an unknown option.
    value(name, placeholder, help).value_parser(read).allow_negative_numbers(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, Stop> {
        super::parse(std::iter::once("purlin").chain(line.split_whitespace()).map(OsString::from), 100)
    }

    #[test]
    fn a_mistake_names_the_help_of_its_own_command() {
        let told = |line: &str| match parse(line) {
            Err(Stop::Usage(message)) => message,
            other => panic!("{line}: {other:?}"),
        };
        assert!(told("session show --foo").ends_with("`purlin session show --help` lists them all."));
        assert!(told("session foo").ends_with("`purlin session --help` lists them all."));
        assert!(told("--foo").ends_with("`purlin --help` lists them all."));
    }

    #[test]
    fn no_argument_opens_the_terminal_with_a_new_session() {
        assert_eq!(parse(""), Ok(Request::Terminal(Options::default())));
    }

    #[test]
    fn every_option_arrives() {
        let options = Options {
            session: Which::Id("abc".into()),
            model: Some("anthropic/x".into()),
            extensions: vec!["a.lua".into(), "b".into()],
            no_extensions: true,
            cwd: Some("/tmp".into()),
            config: Some("c.toml".into()),
        };
        let line =
            "-r abc --model anthropic/x -e a.lua --extension b --no-extensions --cwd /tmp --config c.toml";
        assert_eq!(parse(line), Ok(Request::Terminal(options.clone())));
        assert_eq!(
            parse(&format!("{line} -p - --json")),
            Ok(Request::Print { prompt: Prompt::Stdin, json: true, options })
        );
    }

    #[test]
    fn a_prompt_may_begin_with_a_dash() {
        let Ok(Request::Print { prompt, .. }) = parse("-p -5") else { panic!("not a print request") };
        assert_eq!(prompt, Prompt::Text("-5".into()));
    }

    #[test]
    fn what_is_asked_about_sessions_arrives() {
        let asked = |line: &str| match parse(line) {
            Ok(Request::Session(asked, _)) => asked,
            other => panic!("{line:?} → {other:?}"),
        };
        let list = SessionCommand::List { here: false, limit: None, json: false };
        assert_eq!(asked("session list"), list);
        let list = SessionCommand::List { here: true, limit: Some(3), json: true };
        assert_eq!(asked("session list --here --limit 3 --json"), list);
        assert_eq!(asked("session show"), SessionCommand::Show { id: None, full: false });
        let log = SessionCommand::Log { id: Some("0190".into()), since: 7, follow: true, json: true };
        assert_eq!(asked("session log 0190 --since 7 -f --json"), log);
        let words = vec!["disk".into(), "-test".into(), "-host".into()];
        let search = SessionCommand::Search { words, limit: 5, json: true };
        assert_eq!(asked("session search disk -test -host --limit 5 --json"), search);
        let words = vec!["-x".into(), "--json".into()];
        let search = SessionCommand::Search { words, limit: HITS, json: false };
        assert_eq!(asked("session search -x -- --json"), search);
        let delete = SessionCommand::Delete { ids: vec!["a".into(), "b".into()], yes: true };
        assert_eq!(asked("session delete a b --yes"), delete);
        let Ok(Request::Session(_, options)) = parse("session show 0190 --config x --cwd y") else {
            panic!("not a session request")
        };
        assert_eq!((options.config, options.cwd), (Some("x".into()), Some("y".into())));
    }

    #[test]
    fn what_is_asked_about_the_store_arrives() {
        for (line, expected) in [
            ("store check", StoreCommand::Check { id: None }),
            ("store repair x", StoreCommand::Repair { id: "x".into() }),
            ("store stats --json", StoreCommand::Stats { id: None, json: true }),
            ("store gc --dry-run", StoreCommand::Gc { dry_run: true }),
            ("store reindex", StoreCommand::Reindex),
        ] {
            assert_eq!(parse(line), Ok(Request::Store(expected, Options::default())), "{line:?}");
        }
    }

    #[test]
    fn every_command_below_another_has_help_with_an_example() {
        for parent in [session::command(), store::command(), extension::command()] {
            for command in parent.get_subcommands() {
                let line = format!("{} {} --help", parent.get_name(), command.get_name());
                let Err(Stop::Text(help)) = parse(&line) else { panic!("{line:?} is no help") };
                let example = format!("\n  purlin {} {}", parent.get_name(), command.get_name());
                assert!(help.contains("Examples:") && help.contains(&example), "{help}");
            }
        }
    }

    #[test]
    fn what_is_asked_about_lua_and_extensions_arrives() {
        let list = Request::Extension(ExtensionCommand::List { json: true }, Options::default());
        assert_eq!(parse("extension list --json"), Ok(list));
        let options = Options { extensions: vec!["a.lua".into()], ..Options::default() };
        let lua = |file: &str, arguments: &[&str], options: &Options| {
            let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
            Ok(Request::Lua { file: file.into(), arguments, options: options.clone() })
        };
        assert_eq!(parse("-e a.lua lua x.lua"), lua("x.lua", &[], &options));
        assert_eq!(parse("lua -"), lua("-", &[], &Options::default()));
        assert_eq!(parse("lua - -- a --model b"), lua("-", &["a", "--model", "b"], &Options::default()));
    }

    #[test]
    fn what_follows_runtime_is_the_runtimes() {
        let line = "--cwd /tmp runtime shell -n abc --help --cwd=/ -e x";
        let Ok(Request::Runtime(arguments, options)) = parse(line) else { panic!("not a runtime") };
        assert_eq!(arguments, ["shell", "-n", "abc", "--help", "--cwd=/", "-e", "x"]);
        assert_eq!(options.cwd, Some("/tmp".into()));
        assert!(matches!(parse("runtime -h"), Ok(Request::Runtime(arguments, _)) if arguments == ["-h"]));
    }

    #[test]
    fn a_bare_program_has_one_file_and_its_own_arguments() {
        let Ok(Request::Bare { arguments, options }) = parse("--bare -e app.lua --cwd /tmp -- a --model x")
        else {
            panic!("not a bare program")
        };
        assert_eq!(arguments, ["a", "--model", "x"]);
        let expected =
            Options { extensions: vec!["app.lua".into()], cwd: Some("/tmp".into()), ..Options::default() };
        assert_eq!(options, expected);
        for (line, expected) in [
            ("--bare", "`--bare` runs one program"),
            ("--bare -e a.lua -e b.lua", "`--bare` runs one program"),
            ("--bare -e a.lua -p x", "exclude each other"),
            ("--bare -e a.lua -c", "exclude each other"),
            ("-e a.lua -- x", "`--bare` is missing"),
        ] {
            let Err(Stop::Usage(message)) = parse(line) else { panic!("{line:?} was accepted") };
            assert!(message.contains(expected), "{line:?} → {message}");
        }
    }

    #[test]
    fn usage_errors_are_one_line_that_names_the_word() {
        for (line, expected) in [
            ("--modle x", "There is no option or argument `--modle`. Did you mean `--model`?"),
            ("-c -r x", "exclude each other"),
            ("-c --no-session", "exclude each other"),
            ("--json", "`--print <PROMPT>` is missing"),
            ("-p", "needs a value"),
            ("session", "`purlin session` needs one of `list`, `show`"),
            ("store", "`purlin store` needs one of `check`, `repair`"),
            ("store repair", "`<ID>` is missing"),
            ("session shwo", "Did you mean `show`?"),
            ("session search", "`<WORDS>...` is missing"),
            ("lua", "`<FILE>` is missing"),
            ("extension", "`purlin extension` needs one of `list`"),
            (
                "session log --since x",
                "`x` cannot be the value of `--since <ROWID>`: it takes a whole number, 0 or more.",
            ),
            (
                "session log --since -5",
                "`-5` cannot be the value of `--since <ROWID>`: it takes a whole number",
            ),
            (
                "session list --limit 0",
                "`0` cannot be the value of `--limit <N>`: it takes a whole number, 1 or",
            ),
            ("session search x --limit 0", "it takes a whole number, 1 or more"),
            ("help nonesuch", "`nonesuch`"),
            ("hello", "`hello`"),
        ] {
            let Err(Stop::Usage(message)) = parse(line) else { panic!("{line:?} was accepted") };
            assert!(message.contains(expected), "{line:?} → {message}");
            assert_eq!(message.lines().count(), 1, "{line:?} → {message}");
        }
    }

    #[test]
    fn the_word_help_asks_for_help() {
        for (line, same) in [
            ("help", "--help"),
            ("help session", "session --help"),
            ("session help", "session --help"),
            ("help session show", "session show --help"),
            ("store help gc", "store gc --help"),
        ] {
            assert_eq!(parse(line), parse(same), "{line:?}");
            assert!(matches!(parse(line), Err(Stop::Text(_))), "{line:?}");
        }
        for line in ["help runtime shell", "runtime help shell"] {
            let Ok(Request::Runtime(arguments, _)) = parse(line) else { panic!("{line:?} is no runtime") };
            assert_eq!(arguments, ["shell", "--help"], "{line:?}");
        }
        assert!(matches!(
            parse("session search help"),
            Ok(Request::Session(SessionCommand::Search { words, .. }, _)) if words == ["help"]
        ));
    }

    #[test]
    fn help_breaks_no_word_on_a_narrow_terminal() {
        let mut lines = vec!["--help".to_owned()];
        for parent in [session::command(), store::command()] {
            lines.push(format!("{} --help", parent.get_name()));
            lines.extend(
                parent
                    .get_subcommands()
                    .map(|below| format!("{} {} --help", parent.get_name(), below.get_name())),
            );
        }
        for line in lines {
            let arguments = || std::iter::once("purlin").chain(line.split_whitespace()).map(OsString::from);
            let page = |columns| match super::parse(arguments(), columns) {
                Err(Stop::Text(page)) => page,
                other => panic!("{line}: {other:?}"),
            };
            let wide = page(120);
            for columns in [40, 60, 80] {
                let narrow = page(columns);
                let widest = narrow.lines().map(|row| row.chars().count()).max().unwrap_or(0);
                assert!(widest <= columns, "{line} at {columns}:\n{narrow}");
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(words(&narrow), words(&wide), "{line} at {columns}");
            }
            assert!(wide.contains("Examples:\n  purlin"), "{wide}");
        }
    }

    #[test]
    fn help_and_version_are_texts() {
        assert!(matches!(parse("--help"), Err(Stop::Text(text)) if text.contains("--no-session")));
        assert!(matches!(parse("--version"), Err(Stop::Text(text)) if text.starts_with("purlin ")));
    }
}
