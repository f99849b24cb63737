//! Configuration: defaults, the user's file, the project's file, `PURLIN_*` variables, flags; the later wins.
//!
//! Every setting is declared once in [`options`]; reading, checking, the nearest-name suggestion, the variables and
//! what a project may set all come from that table. A project's file may only set what is marked safe there: a
//! cloned repository must not load code or send a key elsewhere.

mod file;
mod options;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use options::{DECLARED, Declared, Shape};
use options::{Setting, Value};

use crate::report::Report;

/// The settings of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The model as `PROVIDER/MODEL`.
    pub model: Option<String>,
    /// How hard the model thinks: `off`, `low`, `medium` or `high`.
    pub thinking: Option<String>,
    /// Whether each flush before a side effect reaches the disk itself (`full`) or the system (`process`).
    pub full_durability: bool,
    /// Providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// Limits of the agent.
    pub agent: AgentLimits,
    /// Whether extensions are loaded at all.
    pub extensions_enabled: bool,
    /// The extensions to load, in order.
    pub extensions: Vec<String>,
    /// Keys and the commands they run.
    pub keys: BTreeMap<String, String>,
    /// The theme's name.
    pub theme: Option<String>,
    /// Whether the terminal reports the mouse.
    pub mouse: bool,
}

/// One `[providers.NAME]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provider {
    /// The wire format: `anthropic` or `openai-chat`.
    pub api: Option<String>,
    /// The address up to and without the endpoint's path.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// Further request headers.
    pub headers: BTreeMap<String, String>,
}

/// `[agent]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentLimits {
    /// The most tokens of one answer.
    pub max_tokens: Option<u32>,
    /// The most model requests of one prompt.
    pub max_turns: Option<u32>,
    /// How often a failed request is tried again.
    pub max_retries: Option<u32>,
    /// Text that replaces the built-in system prompt.
    pub system_prompt: Option<String>,
    /// Whether `AGENTS.md` is read.
    pub context_files: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: None,
            thinking: None,
            full_durability: false,
            providers: BTreeMap::new(),
            agent: AgentLimits::default(),
            extensions_enabled: true,
            extensions: Vec::new(),
            keys: BTreeMap::new(),
            theme: None,
            mouse: true,
        }
    }
}

/// A configuration and what is to be said about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Sentences for the person: unknown keys, settings that a project may not make.
    pub notices: Vec<String>,
}

/// Where the layers are read from.
#[derive(Clone, Debug)]
pub struct Sources<'a> {
    /// The user's file.
    pub user: PathBuf,
    /// Whether the user's file was named explicitly, so that its absence is an error.
    pub explicit: bool,
    /// The working directory, where the project's file is looked for.
    pub cwd: &'a Path,
}

/// Reads all layers but the flags.
pub fn load(sources: &Sources<'_>, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Loaded, Report> {
    let mut loaded = Loaded::default();
    if let Some(text) = file::read(&sources.user, sources.explicit)? {
        let layer = file::parse(&sources.user, &text)?;
        loaded.take(layer, &sources.user, true);
    }
    if let Some((path, text)) = project_file(sources)? {
        let layer = file::parse(&path, &text)?;
        loaded.take(layer, &path, false);
    }
    for declared in DECLARED {
        let Some(variable) = declared.variable() else { continue };
        let Some(text) = env(&variable) else { continue };
        let value = declared.variable_value(&variable, &text.to_string_lossy())?;
        loaded.config.set(&declared.path.split('.').collect::<Vec<_>>(), value, None);
    }
    Ok(loaded)
}

/// Finds the project's file: in the working directory, else in the nearest directory above it up to the repository's
/// root. Without a repository only the working directory counts.
fn project_file(sources: &Sources<'_>) -> Result<Option<(PathBuf, String)>, Report> {
    let mut candidates = Vec::new();
    for directory in sources.cwd.ancestors() {
        candidates.push(directory.join(".purlin").join("config.toml"));
        if directory.join(".git").exists() {
            break;
        }
        if directory.parent().is_none() {
            candidates.truncate(1);
        }
    }
    for path in candidates {
        // A home directory that is itself the project must not be read twice.
        if path == sources.user {
            continue;
        }
        if let Some(text) = file::read(&path, false)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

impl Loaded {
    fn take(&mut self, layer: file::Layer, path: &Path, trusted: bool) {
        self.notices.extend(layer.unknown);
        let mut refused = Vec::new();
        for Setting { path: key, value, declared } in layer.settings {
            if trusted || declared.project {
                let keys: Vec<&str> = key.iter().map(String::as_str).collect();
                self.config.set(&keys, value, path.parent());
            } else {
                refused.push(format!("`{}`", key.join(".")));
            }
        }
        if !refused.is_empty() {
            self.notices.push(format!(
                "{} sets {}, which only your own configuration may set; ignored.",
                path.display(),
                refused.join(", ")
            ));
        }
    }
}

impl Config {
    /// Sets one setting. `base` is the folder of the file it came from: paths of extensions are relative to it.
    fn set(&mut self, path: &[&str], value: Value, base: Option<&Path>) {
        match (path, value) {
            (["model"], Value::Text(text)) => self.model = Some(text),
            (["thinking"], Value::Text(text)) => self.thinking = Some(text),
            (["durability"], Value::Text(text)) => self.full_durability = text == "full",
            (["ui", "theme"], Value::Text(text)) => self.theme = Some(text),
            (["ui", "mouse"], Value::Bool(mouse)) => self.mouse = mouse,
            (["keys", key], Value::Text(command)) => {
                self.keys.insert((*key).to_owned(), command);
            }
            (["extensions", "enabled"], Value::Bool(enabled)) => self.extensions_enabled = enabled,
            (["extensions", "use"], Value::List(list)) => {
                self.extensions = list.into_iter().map(|entry| absolute(entry, base)).collect();
            }
            (["providers", name, key], value) => {
                self.providers.entry((*name).to_owned()).or_default().set(key, value);
            }
            (["providers", name, "headers", header], Value::Text(text)) => {
                self.providers
                    .entry((*name).to_owned())
                    .or_default()
                    .headers
                    .insert((*header).to_owned(), text);
            }
            (["agent", key], value) => self.agent.set(key, value),
            // The table of declared settings and this match are one list; a test walks it.
            (path, value) => unreachable!("undeclared setting {path:?} = {value:?}"),
        }
    }
}

impl Provider {
    fn set(&mut self, key: &str, value: Value) {
        let Value::Text(text) = value else { return };
        match key {
            "api" => self.api = Some(text),
            "base_url" => self.base_url = Some(text),
            _ => self.key_env = Some(text),
        }
    }
}

impl AgentLimits {
    fn set(&mut self, key: &str, value: Value) {
        match (key, value) {
            ("max_tokens", Value::Integer(n)) => self.max_tokens = Some(n),
            ("max_turns", Value::Integer(n)) => self.max_turns = Some(n),
            ("max_retries", Value::Integer(n)) => self.max_retries = Some(n),
            ("system_prompt", Value::Text(text)) => self.system_prompt = Some(text),
            ("context_files", Value::Bool(read)) => self.context_files = Some(read),
            (key, value) => unreachable!("undeclared setting agent.{key} = {value:?}"),
        }
    }
}

/// Makes the path in `path:…` absolute, relative to the folder of the configuration that names it.
fn absolute(entry: String, base: Option<&Path>) -> String {
    match (entry.strip_prefix("path:"), base) {
        (Some(path), Some(base)) if !path.starts_with('~') => format!("path:{}", base.join(path).display()),
        _ => entry,
    }
}

#[cfg(test)]
mod tests;
