//! `purlin runtime echo|shell|agent`: one runtime as a process of its own.

mod agent;

use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;

use purlin_notebook::{CellKind, Durability};
use purlin_runtime_native::serve::{Flag, Place, Program, page};
use purlin_runtime_native::{EchoHandler, ShellHandler};

use crate::args::Options;
use crate::config::{self, Config, Sources};
use crate::report::{Kind, Report};
use crate::start::variable;

const ABOUT: &str = "\
Runs a runtime as a process of its own, on a session of this machine.

Usage: purlin runtime <KIND> [OPTIONS]

Kinds:
";

/// The kinds with what they do.
const KINDS: [(&str, &str); 3] = [
    ("agent", "Answers prompts, with the model and the extensions of the configuration"),
    ("shell", "Executes `!` commands"),
    ("echo", "Answers echo cells with their own text"),
];

const EXAMPLES: &str = "
`purlin runtime KIND --help` lists the options.

Examples:
  purlin runtime shell
  purlin runtime agent --notebook 3f2a --model ollama/qwen3
";

fn help() -> String {
    let columns = page::columns();
    let kinds = KINDS.map(|(kind, about)| (kind.to_owned(), about.to_owned()));
    page::prose(ABOUT, columns) + &page::entries(&kinds, columns) + &page::prose(EXAMPLES, columns)
}

/// What every `purlin runtime` takes beside [`purlin_runtime_native::serve::FLAGS`].
pub const FLAGS: &[Flag] =
    &[further("config", None, Some("FILE"), "Reads this configuration file instead of yours")];

/// What `purlin runtime agent` takes beside those.
pub const AGENT_FLAGS: &[Flag] = &[
    further("model", None, Some("PROVIDER/MODEL"), "Uses this model, for this session from now on"),
    further("extension", Some('e'), Some("PATH"), "Loads this extension; may be given several times"),
    further("no-extensions", None, None, "Loads none of the configured extensions; -e still counts"),
];

const fn further(
    long: &'static str,
    short: Option<char>,
    value: Option<&'static str>,
    help: &'static str,
) -> Flag {
    Flag { long, short, variables: &[], value, help }
}

/// Runs the runtime that is named first; the exit code if there is one.
pub(crate) fn run(arguments: &[OsString], options: &Options) -> Result<u8, Report> {
    let usage = |message: String| {
        Err(Report::new(Kind::Usage, message).hint("`purlin runtime --help` says what there is."))
    };
    let Some((kind, rest)) = arguments.split_first() else {
        return usage("`purlin runtime` needs one of `agent`, `shell` and `echo`.".to_owned());
    };
    let program = match kind.to_str() {
        Some("-h" | "--help" | "help") => {
            crate::say::print(&help());
            return Ok(0);
        }
        Some("agent") => Program::new("agent", "Answers the prompts of a session, in a process of its own.")
            .flags(AGENT_FLAGS)
            .lane_with(CellKind::Ai, agent::make),
        Some("shell") => {
            Program::new("shell", "Executes the `!` commands of a session, in a process of its own.")
                .lane_with(CellKind::Shell, |place| async move {
                    configure(&place)?;
                    Ok(Rc::new(ShellHandler::new(place.cwd)) as _)
                })
        }
        Some("echo") => Program::new(
            "echo",
            "Answers the echo cells of a session with their own text, in a process of its own.",
        )
        .lane_with(CellKind::Echo, |place| async move {
            configure(&place)?;
            Ok(Rc::new(EchoHandler) as _)
        }),
        _ => {
            let kind = kind.to_string_lossy();
            let near = purlin_kernel::nearest(&kind, ["agent", "shell", "echo"]);
            let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
            return usage(format!(
                "There is no runtime `{kind}`; there are `agent`, `shell` and `echo`.{near}"
            ));
        }
    };
    let name = format!("purlin runtime {}", kind.to_string_lossy());
    Ok(program.named(&name).flags(FLAGS).run(shared(options).chain(rest.iter().cloned()).collect()))
}

/// What stood before `runtime` and counts for it, before its own arguments, which win.
fn shared(options: &Options) -> impl Iterator<Item = OsString> {
    let joined = |name: &str, value: &Option<PathBuf>| {
        let value = value.as_ref()?;
        let mut argument = OsString::from(name);
        argument.push(value);
        Some(argument)
    };
    joined("--cwd=", &options.cwd).into_iter().chain(joined("--config=", &options.config))
}

/// Reads the configuration, and heeds what counts for every runtime.
fn configure(place: &Place) -> Result<Config, String> {
    let named = place.settings.value("config").map(PathBuf::from);
    let named = named.or_else(|| variable("PURLIN_CONFIG").map(PathBuf::from));
    let sources = Sources {
        explicit: named.is_some(),
        user: named.unwrap_or_else(|| place.paths.config.join("config.toml")),
        cwd: &place.cwd,
    };
    let loaded = config::load(&sources, &variable).map_err(|report| report.to_string())?;
    for notice in &loaded.notices {
        place.console.say(notice);
    }
    heed(place, &loaded.config);
    Ok(loaded.config)
}

fn heed(place: &Place, config: &Config) {
    if config.full_durability {
        place.durability.set(Durability::Disk);
    }
    place.max_artifact_bytes.set(config.max_artifact_bytes);
}
