//! What a run needs before it opens anything: directories, configuration, keys, the agent's settings.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use purlin_agent::settings::Settings;
use purlin_kernel::Kernel;
use purlin_runtime_native::Paths;

use crate::args::{Options, Which};
use crate::config::{self, Config, Live, Loaded, Sources};
use crate::models::{self, Parts};
use crate::report::{Kind, Report};
use crate::session::sentence;
use crate::{auth, logging, themes};

/// Everything that was read at the start.
pub struct Start {
    /// The directories of this installation.
    pub paths: Paths,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The settings of all layers.
    pub config: Config,
    /// What was read, for what goes on with it while the program runs.
    pub read: Read,
    /// The agent's settings.
    pub settings: Settings,
    /// The extensions to load, in order.
    pub extensions: Vec<PathBuf>,
    /// Whether anything may be written to disk (`--no-session` says no).
    pub writes: bool,
    /// Sentences for the person, said once.
    pub notices: Vec<String>,
}

/// The configuration as it was read, and from where.
pub struct Read {
    loaded: Loaded,
    user: PathBuf,
    explicit: bool,
    model: Option<String>,
}

impl Read {
    /// Lets extensions read and change the configuration.
    pub fn begin(&self, kernel: &Kernel, cwd: &Path) -> Live {
        let sources = Sources { user: self.user.clone(), explicit: self.explicit, cwd };
        Live::new(kernel, &sources, self.loaded.clone(), self.model.clone())
    }
}

/// Reads the environment, the configuration and the keys.
pub fn gather(options: &Options) -> Result<Start, Report> {
    let env = variable;
    let cwd = working_directory(options.cwd.as_deref())?;
    let paths = paths(&env)?;
    if options.session != Which::Ephemeral {
        let level = env("PURLIN_LOG").and_then(|level| level.into_string().ok());
        logging::begin(paths.log_file(), level.as_deref());
    }
    let named = options.config.clone().or_else(|| env("PURLIN_CONFIG").map(PathBuf::from));
    let sources = Sources {
        explicit: named.is_some(),
        user: named.unwrap_or_else(|| paths.config.join("config.toml")),
        cwd: &cwd,
    };
    let loaded = config::load(&sources, &env)?;
    let settings = agent_settings(&loaded.config, options.model.as_deref(), &paths, &cwd)?;
    let mut notices = loaded.notices.clone();
    // Said in every run, as an unknown setting is.
    notices.extend(loaded.config.theme.as_deref().and_then(|name| themes::find(name, &paths.config).err()));
    let extensions = extensions(options, &loaded.config, &env, &mut notices);
    let config = loaded.config.clone();
    let read = Read { loaded, user: sources.user, explicit: sources.explicit, model: options.model.clone() };
    let writes = options.session != Which::Ephemeral;
    Ok(Start { paths, cwd, config, read, settings, extensions, writes, notices })
}

/// Makes the agent's settings of the configuration, the model of the command line and the keys.
pub fn agent_settings(
    config: &Config,
    model: Option<&str>,
    paths: &Paths,
    cwd: &Path,
) -> Result<Settings, Report> {
    let key_file = paths.config.join("auth.toml");
    let keys = auth::read(&key_file)?;
    let parts = Parts {
        config,
        model,
        keys: &keys,
        key_file: &key_file,
        config_dir: &paths.config,
        cwd: cwd.to_owned(),
    };
    models::settings(&parts, &variable)
}

/// A variable of the environment; an empty one counts as absent.
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The directories of this installation.
pub fn paths(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Paths, Report> {
    Paths::from_env(env).map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))
}

/// The working directory: the one asked for, else the process's own.
pub fn working_directory(asked: Option<&Path>) -> Result<PathBuf, Report> {
    let shown = asked.unwrap_or(Path::new("."));
    let failed = |why: String| {
        Report::new(Kind::Usage, format!("The directory `{}` cannot be worked in: {why}.", shown.display()))
    };
    let cwd = shown.canonicalize().map_err(|error| failed(error.to_string()))?;
    if !cwd.is_dir() {
        return Err(failed("it is not a directory".to_owned()));
    }
    if asked.is_some() {
        // Tools and extensions start processes; they begin where the person said.
        env::set_current_dir(&cwd).map_err(|error| failed(error.to_string()))?;
    }
    Ok(cwd)
}

/// The extensions of the configuration and of the command line, without the ones this version cannot fetch.
pub fn extensions(
    options: &Options,
    config: &Config,
    env: &dyn Fn(&str) -> Option<OsString>,
    notices: &mut Vec<String>,
) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if config.extensions_enabled && !options.no_extensions {
        for entry in &config.extensions {
            match entry.strip_prefix("path:") {
                Some(path) => found.push(expand(path, env)),
                None => notices.push(format!(
                    "The extension `{entry}` is not loaded: this version loads `path:` entries only."
                )),
            }
        }
    }
    found.extend(options.extensions.iter().cloned());
    let mut once = Vec::new();
    for path in found {
        let path = path.canonicalize().unwrap_or(path);
        if !once.contains(&path) {
            once.push(path);
        }
    }
    once
}

/// Replaces a leading `~` by the home directory.
fn expand(path: &str, env: &dyn Fn(&str) -> Option<OsString>) -> PathBuf {
    match (path.strip_prefix("~/"), env("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}
