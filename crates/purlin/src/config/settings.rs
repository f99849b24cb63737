//! The settings of one run as values, and how one setting is taken in.

use std::collections::BTreeMap;
use std::path::Path;

use purlin_kernel::Limits;
use purlin_runtime_native::artifacts::MAX_ARTIFACT_BYTES;
use serde_json::Value as Json;

use super::options::Value;

/// The settings of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The model as `PROVIDER/MODEL`.
    pub model: Option<String>,
    /// How hard the model thinks: `off`, `low`, `medium` or `high`.
    pub thinking: Option<String>,
    /// Whether each flush before a side effect reaches the disk itself (`full`) or the system (`process`).
    pub full_durability: bool,
    /// How many bytes of one output are kept outside the log at most.
    pub max_artifact_bytes: u64,
    /// Providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// Limits of the agent.
    pub agent: AgentLimits,
    /// Whether extensions are loaded at all.
    pub extensions_enabled: bool,
    /// The extensions to load, in order.
    pub extensions: Vec<String>,
    /// What is chosen of the options of extensions, by extension and option.
    pub options: BTreeMap<(String, String), Json>,
    /// What extensions may take of time and memory.
    pub limits: Limits,
    /// Keys and the commands they run, in the order of the files.
    pub keys: Vec<KeySetting>,
    /// The theme: `auto`, a name, or the path of a file.
    pub theme: Option<String>,
    /// Whether the terminal reports the mouse.
    pub mouse: bool,
    /// Whether sent prompts are kept for the up key.
    pub history: bool,
    /// The key that `<leader>` stands for.
    pub leader: Option<String>,
    /// How long an unfinished sequence of keys waits, in milliseconds.
    pub key_timeout_ms: Option<u32>,
}

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The window, buffer or role that must be focused; everywhere without it.
    pub target: Option<String>,
    /// The key, or the sequence of keys.
    pub keys: String,
    /// The command with its arguments; without one the keys do what they do without any map.
    pub command: Option<String>,
    /// File and line, where it comes from a file.
    pub place: Option<(String, u32)>,
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
            max_artifact_bytes: MAX_ARTIFACT_BYTES,
            providers: BTreeMap::new(),
            agent: AgentLimits::default(),
            extensions_enabled: true,
            extensions: Vec::new(),
            options: BTreeMap::new(),
            limits: Limits::default(),
            keys: Vec::new(),
            theme: None,
            mouse: true,
            history: true,
            leader: None,
            key_timeout_ms: None,
        }
    }
}

/// The line of a file that a setting comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// The file.
    pub file: &'a Path,
    /// The line, from 1.
    pub line: u32,
}

impl Config {
    /// Sets one setting. Paths in it are relative to the folder of the file it comes from.
    pub(super) fn set(&mut self, path: &[&str], value: Value, origin: Option<Origin<'_>>) {
        let base = origin.and_then(|origin| origin.file.parent());
        match (path, value) {
            (["model"], Value::Text(text)) => self.model = Some(text),
            (["thinking"], Value::Text(text)) => self.thinking = Some(text),
            (["durability"], Value::Text(text)) => self.full_durability = text == "full",
            (["max_artifact_bytes"], Value::Integer(bytes)) => self.max_artifact_bytes = bytes.into(),
            (["ui", key], value) => self.set_ui(key, value, base),
            (["keys", keys], value) => self.set_key(None, keys, value, origin),
            (["keys", target, keys], value) => self.set_key(Some(*target), keys, value, origin),
            (["extensions", "enabled"], Value::Bool(enabled)) => self.extensions_enabled = enabled,
            (["extensions", "use"], Value::List(list)) => {
                self.extensions = list.into_iter().map(|entry| absolute(entry, base)).collect();
            }
            (["extensions", "options", extension, option], Value::Any(value)) => {
                self.options.insert(((*extension).to_owned(), (*option).to_owned()), value);
            }
            (["extensions", "limits", key], Value::Integer(number)) => {
                // The declarations are those of the kernel; a test compares them.
                let set = self.limits.set(key, u64::from(number));
                debug_assert_eq!(set, Ok(()));
            }
            (["providers", name, key], value) => {
                self.providers.entry((*name).to_owned()).or_default().set(key, value);
            }
            (["providers", name, "headers", header], Value::Text(text)) => {
                let provider = self.providers.entry((*name).to_owned()).or_default();
                provider.headers.insert((*header).to_owned(), text);
            }
            (["agent", key], value) => self.agent.set(key, value),
            // The table of declared settings and this match are one list; a test walks it.
            (path, value) => unreachable!("undeclared setting {path:?} = {value:?}"),
        }
    }

    fn set_ui(&mut self, key: &str, value: Value, base: Option<&Path>) {
        match (key, value) {
            ("theme", Value::Text(text)) => self.theme = Some(theme(text, base)),
            ("mouse", Value::Bool(mouse)) => self.mouse = mouse,
            ("history", Value::Bool(history)) => self.history = history,
            ("leader", Value::Text(text)) => self.leader = Some(text),
            ("key_timeout_ms", Value::Integer(ms)) => self.key_timeout_ms = Some(ms),
            (key, value) => unreachable!("undeclared setting ui.{key} = {value:?}"),
        }
    }

    fn set_key(&mut self, target: Option<&str>, keys: &str, value: Value, origin: Option<Origin<'_>>) {
        let setting = KeySetting {
            target: target.filter(|target| *target != "global").map(str::to_owned),
            keys: keys.to_owned(),
            command: match value {
                Value::Text(command) => Some(command),
                _ => None,
            },
            place: origin.map(|origin| (origin.file.display().to_string(), origin.line)),
        };
        self.keys.retain(|other| (&other.target, &other.keys) != (&setting.target, &setting.keys));
        self.keys.push(setting);
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

/// Makes the path of a theme's file absolute; a name stays a name.
fn theme(text: String, base: Option<&Path>) -> String {
    let is_path = crate::themes::is_path(&text) && !text.starts_with('~');
    match base {
        Some(base) if is_path => base.join(text).display().to_string(),
        _ => text,
    }
}
