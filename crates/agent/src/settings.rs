//! What an agent is configured with: plain values, made by whoever reads files and environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use purlin_notebook::Durability;

use crate::model::{ModelLimits, ModelRef};
use crate::request::Thinking;

/// A key or token; its text never shows in debug output or messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text; white space around it is dropped.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The text itself, for the one header it belongs in.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing but white space was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Which wire a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Anthropic Messages.
    AnthropicMessages,
    /// OpenAI Chat Completions.
    OpenAiChat,
}

impl Api {
    /// The name used in configuration, hooks and stored items.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnthropicMessages => crate::wire::anthropic::API,
            Self::OpenAiChat => crate::wire::openai_chat::API,
        }
    }

    /// Reads the configured name; `anthropic` and `openai` are accepted as well.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "anthropic" | "anthropic-messages" => Some(Self::AnthropicMessages),
            "openai" | "openai-chat" | "openai-completions" => Some(Self::OpenAiChat),
            _ => None,
        }
    }
}

/// One configured provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    /// Wire it speaks.
    pub api: Api,
    /// URL that the wire's path is appended to, without a trailing slash.
    pub base_url: String,
    /// Key, if one was found.
    pub key: Option<Secret>,
    /// Whether requests make no sense without a key.
    pub needs_key: bool,
    /// Environment variable in which a key is looked for; named in messages.
    pub key_env: String,
    /// File in which a key is looked for; named in messages.
    pub key_file: String,
    /// Further headers, sent with each request.
    pub headers: BTreeMap<String, String>,
    /// Limits of models that the built-in table does not know or knows wrongly.
    pub models: BTreeMap<String, ModelLimits>,
}

impl ProviderConfig {
    /// A provider at `base_url` without a key.
    pub fn new(api: Api, base_url: impl Into<String>) -> Self {
        let mut base_url = base_url.into();
        while base_url.ends_with('/') {
            base_url.pop();
        }
        Self {
            api,
            base_url,
            key: None,
            needs_key: false,
            key_env: String::new(),
            key_file: "auth.toml".to_owned(),
            headers: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    /// The providers that need no configuration: `anthropic`, `openai` and a local `ollama`.
    pub fn built_in() -> BTreeMap<String, Self> {
        let keyed = |api, url: &str, env: &str| Self {
            needs_key: true,
            key_env: env.to_owned(),
            ..Self::new(api, url)
        };
        BTreeMap::from([
            (
                "anthropic".to_owned(),
                keyed(Api::AnthropicMessages, "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
            ),
            ("openai".to_owned(), keyed(Api::OpenAiChat, "https://api.openai.com/v1", "OPENAI_API_KEY")),
            ("ollama".to_owned(), Self::new(Api::OpenAiChat, "http://127.0.0.1:11434/v1")),
        ])
    }

    /// Limits of a model of this provider.
    pub fn limits(&self, model: &str) -> ModelLimits {
        self.models.get(model).copied().unwrap_or_else(|| ModelLimits::of(model))
    }
}

/// When and how long to wait before a failed request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts of one request, the first included.
    pub max_attempts: u32,
    /// Wait before the second attempt; doubles from there.
    pub base: Duration,
    /// Longest wait of our own choosing.
    pub cap: Duration,
    /// Longest `Retry-After` that is obeyed; a longer one ends the request.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            patience: Duration::from_secs(300),
        }
    }
}

/// Everything an agent is configured with.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Model of sessions that name none.
    pub model: ModelRef,
    /// Providers by name, built-in ones included.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Replaces the built-in system prompt.
    pub system_prompt: Option<String>,
    /// Stands after the system prompt.
    pub append_system_prompt: Option<String>,
    /// How much models reason.
    pub thinking: Thinking,
    /// Bound on one answer; `None` takes the model's.
    pub max_tokens: Option<u32>,
    /// How failed requests are repeated.
    pub retry: Retry,
    /// Directory of sessions that name none.
    pub cwd: PathBuf,
    /// The person's own instructions, read before the project's `AGENTS.md`.
    pub user_context_file: Option<PathBuf>,
    /// Whether `AGENTS.md` files are read.
    pub context_files: bool,
    /// Requests of one prompt at most; a model that calls tools for ever stops there.
    pub max_turns: u32,
    /// What a tool's start must have survived before the tool runs.
    pub durability: Durability,
}

impl Settings {
    /// Settings that work with no configuration at all.
    pub fn new(cwd: PathBuf) -> Self {
        Self {
            model: ModelRef::echo(),
            providers: ProviderConfig::built_in(),
            system_prompt: None,
            append_system_prompt: None,
            thinking: Thinking::Default,
            max_tokens: None,
            retry: Retry::default(),
            cwd,
            user_context_file: None,
            context_files: true,
            max_turns: 200,
            durability: Durability::Process,
        }
    }

    /// Limits of a model, whatever provider it has.
    pub fn limits(&self, model: &ModelRef) -> ModelLimits {
        self.providers
            .get(&model.provider)
            .map_or_else(|| ModelLimits::of(&model.model), |p| p.limits(&model.model))
    }
}

/// Settings that may change while an agent runs; each prompt takes those of its start.
#[derive(Clone, Debug)]
pub struct SharedSettings(Arc<RwLock<Arc<Settings>>>);

impl SharedSettings {
    /// Shares settings.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(settings))))
    }

    /// The settings as they are now.
    pub fn get(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the settings; running prompts keep theirs.
    pub fn set(&self, settings: Settings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

impl From<Settings> for SharedSettings {
    fn from(settings: Settings) -> Self {
        Self::new(settings)
    }
}
