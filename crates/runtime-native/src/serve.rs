//! A runtime as a program of its own: command line, store, host, signals and messages around a handler.
//!
//! [`Program`] is what `purlin runtime echo` and `purlin runtime shell` are made of, and all that a new runtime needs:
//!
//! ```no_run
//! use purlin_notebook::CellKind;
//! use purlin_runtime_core::{Outcome, handler_fn};
//! use purlin_runtime_native::serve::Program;
//!
//! fn main() -> std::process::ExitCode {
//!     let shout = handler_fn(|cx| async move {
//!         cx.stdout(&cx.source().to_uppercase());
//!         Ok(Outcome::done())
//!     });
//!     Program::new("shout", "Puts the text of echo cells out in capitals.").lane(CellKind::Echo, shout).main()
//! }
//! ```
//!
//! The program takes its lanes from whoever holds them, executes until it is told to end or is displaced itself, and
//! ends with everything settled. `docs/runtimes.md` tells the whole story.

mod console;
mod flags;
pub mod page;
mod run;
mod secret;
mod settings;

use std::cell::Cell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use purlin_notebook::{Capabilities, CellKind, Durability};
use purlin_runtime_core::{Handler, Logger};

use crate::{Paths, SqliteNotebook, sessions};

pub use console::Console;
pub use flags::{FLAGS, Flag};
pub use secret::{Secret, TOKEN_VARIABLES};
pub use settings::{Settings, runtime_id};

/// Makes the handler of a lane once the session is open; the error is a sentence for people.
type MakeHandler = Box<dyn FnOnce(Place) -> LocalBoxFuture<'static, Result<Rc<dyn Handler>, String>>>;

/// Where a runtime works, for handlers that want to know. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the program was told.
    pub settings: Rc<Settings>,
    /// The directories of this installation.
    pub paths: Paths,
    /// The session, open.
    pub notebook: SqliteNotebook,
    /// The session's directory, or the process's own where that is gone.
    pub cwd: PathBuf,
    /// What the person hears.
    pub console: Console,
    /// What a start must have survived before its handler is called; `Process` if nobody demands more.
    pub durability: Rc<Cell<Durability>>,
    /// How many bytes of one output are kept at most.
    pub max_artifact_bytes: Rc<Cell<u64>>,
}

/// A runtime as a program.
pub struct Program {
    name: Option<String>,
    runtime_type: String,
    about: String,
    lanes: Vec<(CellKind, MakeHandler)>,
    flags: Vec<Flag>,
    defaults: Vec<(&'static str, String)>,
}

impl Program {
    /// Makes a program of a runtime type, with one sentence that says what it does.
    pub fn new(runtime_type: &str, about: &str) -> Self {
        Self {
            name: None,
            runtime_type: runtime_type.to_owned(),
            about: about.to_owned(),
            lanes: Vec::new(),
            flags: FLAGS.to_vec(),
            defaults: vec![("runtime-type", runtime_type.to_owned())],
        }
    }

    /// Names the command in its help and before its messages; its file's name if this is not called.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Executes a lane with a handler.
    #[must_use]
    pub fn lane(self, lane: CellKind, handler: Rc<dyn Handler>) -> Self {
        self.lane_with(lane, |_| async { Ok(handler) })
    }

    /// Executes a lane with a handler that is made once the session is open; the error is a sentence for people.
    #[must_use]
    pub fn lane_with<F, Fut>(mut self, lane: CellKind, make: F) -> Self
    where
        F: FnOnce(Place) -> Fut + 'static,
        Fut: Future<Output = Result<Rc<dyn Handler>, String>> + 'static,
    {
        self.lanes.push((lane, Box::new(|place| Box::pin(make(place)))));
        self
    }

    /// Gives a flag a default, which the command line and the environment win over.
    #[must_use]
    pub fn default_value(mut self, flag: &'static str, value: impl Into<String>) -> Self {
        self.defaults.retain(|(name, _)| *name != flag);
        self.defaults.push((flag, value.into()));
        self
    }

    /// Takes further flags; [`Settings::value`] tells what was given, on the command line or by a variable of the flag.
    #[must_use]
    pub fn flags(mut self, flags: &[Flag]) -> Self {
        // The help stays last.
        let help = self.flags.len().saturating_sub(1);
        self.flags.splice(help..help, flags.iter().copied());
        self
    }

    /// Runs the program with this process's arguments, environment and directory, and answers its exit code.
    pub fn main(mut self) -> ExitCode {
        let mut arguments = std::env::args_os();
        let file = arguments.next().and_then(|path| Some(Path::new(&path).file_name()?.to_str()?.to_owned()));
        self.name = self.name.or(file);
        ExitCode::from(self.run(arguments.collect()))
    }

    /// Runs the program with these arguments, its name not among them, and answers its exit code.
    pub fn run(self, arguments: Vec<OsString>) -> u8 {
        let name = self.name.clone().unwrap_or_else(|| self.runtime_type.clone());
        let logger = Logger::from_env(&|name| std::env::var(name).ok());
        let console = Console::new(&name, *logger.as_ref().unwrap_or(&Logger::off()));
        let given = match flags::parse(&self.flags, arguments) {
            Ok(given) => given,
            Err(problems) => return console.refuse(&problems, Some(&name)),
        };
        if given.contains_key("help") {
            console::print(&flags::help(&name, &self.about, &self.flags, page::columns()));
            return 0;
        }
        let paths = match Paths::from_env(&|name| std::env::var_os(name).filter(|value| !value.is_empty())) {
            Ok(paths) => paths,
            Err(error) => return console.refuse(&[format!("{error}.")], None),
        };
        let cwd = match directory(given.get("cwd").and_then(|values| values.last())) {
            Ok(cwd) => cwd,
            Err(problem) => return console.refuse(&[problem], None),
        };
        let settings = settings::resolve(&settings::Sources {
            flags: &self.flags,
            given,
            variable: &|name| std::env::var(name).ok(),
            defaults: &self.defaults,
            newest: &|| sessions::latest_for(&paths, &cwd).map(|session| session.id.as_str().to_owned()),
        });
        match (settings, logger) {
            (Ok(settings), Ok(_)) => {
                for warning in &settings.warnings {
                    console.say(warning);
                }
                run::run(self.lanes, settings, paths, &console)
            }
            (settings, logger) => {
                let problems = settings.err().into_iter().flatten().chain(logger.err());
                console.refuse(&problems.collect::<Vec<_>>(), Some(&name))
            }
        }
    }
}

/// The directory to work in; one that was asked for becomes the process's own.
fn directory(asked: Option<&String>) -> Result<PathBuf, String> {
    let shown = asked.map_or(".", String::as_str);
    let failed = |error: std::io::Error| format!("The directory `{shown}` cannot be worked in: {error}.");
    let cwd = Path::new(shown).canonicalize().map_err(failed)?;
    std::env::set_current_dir(&cwd).map_err(failed)?;
    Ok(cwd)
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("runtime_type", &self.runtime_type).finish_non_exhaustive()
    }
}

/// What a runtime of these lanes can execute, in the words of the base schema.
pub fn capabilities(lanes: impl IntoIterator<Item = CellKind>) -> Capabilities {
    let mut capabilities = Capabilities::default();
    for lane in lanes {
        match lane {
            CellKind::Ai => capabilities.can_execute_ai = true,
            CellKind::Sql => capabilities.can_execute_sql = true,
            CellKind::Shell | CellKind::Python | CellKind::Lua | CellKind::Echo => {
                capabilities.can_execute_code = true;
            }
            CellKind::Note | CellKind::Raw => {}
        }
    }
    capabilities
}
