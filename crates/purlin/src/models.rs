//! From configuration, environment and key file to the agent's settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use purlin_agent::model::ModelRef;
use purlin_agent::provider::{ProviderError, provider_for};
use purlin_agent::request::Thinking;
use purlin_agent::settings::{Api, ProviderConfig, Retry, Settings};

use crate::auth::{self, Keys};
use crate::config::{Config, Provider};
use crate::report::{Kind, Report};

/// The models that are taken when none is named, by the provider whose key is found first.
const DEFAULTS: &[(&str, &str)] = &[("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5")];

/// What the settings are made from.
pub struct Parts<'a> {
    /// The layers of configuration.
    pub config: &'a Config,
    /// The model of the command line.
    pub model: Option<&'a str>,
    /// The keys of `auth.toml`.
    pub keys: &'a Keys,
    /// Where that file is, for messages.
    pub key_file: &'a Path,
    /// The folder of the configuration, where the person's own `AGENTS.md` is.
    pub config_dir: &'a Path,
    /// The working directory.
    pub cwd: PathBuf,
}

/// Makes the agent's settings.
pub fn settings(parts: &Parts<'_>, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Settings, Report> {
    let config = parts.config;
    let mut settings = Settings::new(parts.cwd.clone());
    for (name, provider) in &config.providers {
        let built_in = settings.providers.remove(name);
        settings.providers.insert(name.clone(), merge(name, provider, built_in)?);
    }
    for (name, provider) in &mut settings.providers {
        provider.key = auth::key(name, &provider.key_env, parts.keys, env);
        provider.key_file = parts.key_file.display().to_string();
    }
    settings.model = match parts.model.or(config.model.as_deref()) {
        Some(text) => reference(text, parts.model.is_some())?,
        None => default_model(&settings),
    };
    settings.system_prompt.clone_from(&config.agent.system_prompt);
    settings.thinking = match config.thinking.as_deref() {
        Some("off") => Thinking::Off,
        Some("low") => Thinking::Low,
        Some("medium") => Thinking::Medium,
        Some("high") => Thinking::High,
        _ => Thinking::Default,
    };
    settings.max_tokens = config.agent.max_tokens;
    settings.context_files = config.agent.context_files.unwrap_or(true);
    settings.user_context_file = Some(parts.config_dir.join("AGENTS.md"));
    if let Some(retries) = config.agent.max_retries {
        settings.retry = Retry { max_attempts: retries + 1, ..settings.retry };
    }
    if let Some(turns) = config.agent.max_turns {
        settings.max_turns = turns;
    }
    Ok(settings)
}

/// The models that can be named without asking a server: `echo`, the configured one, and those of providers with a key.
pub fn known(settings: &Settings) -> Vec<String> {
    let mut names = vec![ModelRef::echo().to_string(), settings.model.to_string()];
    names.extend(defaults(settings).map(|model| model.to_string()));
    names.sort();
    names.dedup();
    names
}

/// Why this model cannot answer, as far as can be known without asking a server.
pub fn problem(model: &ModelRef, settings: &Settings) -> Option<String> {
    if let Err(error) = provider_for(model, settings) {
        return Some(error.to_string());
    }
    let config = settings.providers.get(&model.provider)?;
    let has_key = config.key.as_ref().is_some_and(|key| !key.is_empty());
    if !config.needs_key || has_key {
        return None;
    }
    let (provider, env, file) = (model.provider.clone(), config.key_env.clone(), config.key_file.clone());
    Some(ProviderError::NoKey { provider, env, file }.to_string())
}

/// The default models of the providers that have a key.
fn defaults(settings: &Settings) -> impl Iterator<Item = ModelRef> {
    let has_key =
        |provider: &str| settings.providers.get(provider).is_some_and(|config| config.key.is_some());
    DEFAULTS
        .iter()
        .filter(move |(provider, _)| has_key(provider))
        .map(|(provider, model)| ModelRef { provider: (*provider).to_owned(), model: (*model).to_owned() })
}

/// The model of the first provider whose key is there, else `echo`.
fn default_model(settings: &Settings) -> ModelRef {
    defaults(settings).next().unwrap_or_else(ModelRef::echo)
}

fn reference(text: &str, flag: bool) -> Result<ModelRef, Report> {
    text.parse().map_err(|error| {
        let (kind, place) = if flag { (Kind::Usage, "`--model`") } else { (Kind::Config, "`model`") };
        Report::new(kind, format!("{place}: {error}."))
    })
}

/// Lays a configured provider over the built-in one of the same name.
fn merge(
    name: &str,
    provider: &Provider,
    built_in: Option<ProviderConfig>,
) -> Result<ProviderConfig, Report> {
    let incomplete = |what: &str| {
        let message = format!("`[providers.{name}]` needs `{what}`.");
        Report::new(Kind::Config, message)
            .hint(format!("For a local server: `[providers.{name}] api = \"openai-chat\", base_url = \"http://localhost:11434/v1\"`."))
    };
    let api = provider.api.as_deref().and_then(Api::parse).or(built_in.as_ref().map(|config| config.api));
    let url = provider.base_url.clone().or(built_in.as_ref().map(|config| config.base_url.clone()));
    let mut merged = ProviderConfig::new(
        api.ok_or_else(|| incomplete("api"))?,
        url.ok_or_else(|| incomplete("base_url"))?,
    );
    if let Some(built_in) = built_in {
        // A redirected built-in provider may be a local server, which then asks for a key itself if it wants one.
        merged.needs_key = built_in.needs_key && provider.base_url.is_none();
        merged.key_env = built_in.key_env;
    }
    if let Some(variable) = &provider.key_env {
        merged.key_env.clone_from(variable);
        merged.needs_key = true;
    }
    merged.headers.clone_from(&provider.headers);
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use purlin_agent::settings::Secret;

    use super::*;

    fn make(config: &Config, model: Option<&str>, env: &[(&str, &str)]) -> Result<Settings, Report> {
        let parts = Parts {
            config,
            model,
            keys: &Keys::new(),
            key_file: Path::new("/c/auth.toml"),
            config_dir: Path::new("/c"),
            cwd: "/w".into(),
        };
        settings(&parts, &|name| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn without_a_key_echo_answers_and_with_one_its_provider() {
        let config = Config::default();
        assert_eq!(make(&config, None, &[]).unwrap().model, ModelRef::echo());
        let settings = make(&config, None, &[("OPENAI_API_KEY", "k")]).unwrap();
        assert_eq!(settings.model.provider, "openai");
        let both = make(&config, None, &[("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")]).unwrap();
        assert_eq!(both.model.provider, "anthropic");
        assert_eq!(both.providers["anthropic"].key, Some(Secret::new("k")));
    }

    #[test]
    fn the_flag_wins_over_the_configuration() {
        let config = Config { model: Some("ollama/a".into()), ..Config::default() };
        assert_eq!(make(&config, None, &[]).unwrap().model.to_string(), "ollama/a");
        assert_eq!(make(&config, Some("ollama/b"), &[]).unwrap().model.to_string(), "ollama/b");
        let report = make(&config, Some("nonsense"), &[]).expect_err("no provider");
        assert_eq!(report.exit_code(), 2);
        assert!(report.to_string().contains("`nonsense`"), "{report}");
    }

    #[test]
    fn a_configured_provider_is_complete_or_says_what_is_missing() {
        let local = Provider { base_url: Some("http://h/v1/".into()), ..Provider::default() };
        let config =
            Config { providers: BTreeMap::from([("local".into(), local.clone())]), ..Config::default() };
        let message = make(&config, None, &[]).expect_err("no api").to_string();
        assert!(message.contains("`[providers.local]` needs `api`"), "{message}");
        let local = Provider { api: Some("openai-chat".into()), key_env: Some("K".into()), ..local };
        let config = Config { providers: BTreeMap::from([("local".into(), local)]), ..Config::default() };
        let made = make(&config, None, &[("K", "v")]).unwrap();
        assert_eq!(made.providers["local"].base_url, "http://h/v1");
        assert_eq!(made.providers["local"].key, Some(Secret::new("v")));
    }
}
