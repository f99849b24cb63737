//! `provider/model` as people write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A model by its provider and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelRef {
    /// Name of the provider, for instance `anthropic`.
    pub provider: String,
    /// Name of the model there; for `script` the path of its file, for `echo` empty.
    pub model: String,
}

/// A model of each built-in provider, for messages.
const EXAMPLES: [(&str, &str); 3] =
    [("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5"), ("ollama", "qwen3")];

/// A text that names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelRefError {
    /// Nothing was given.
    #[error("no model was named; write `PROVIDER/MODEL`, `echo` or `script:FILE`")]
    Empty,
    /// A provider where a model belongs.
    #[error("`{0}` is a provider and names no model; write `{0}/MODEL`, for instance `{0}/{1}`")]
    OnlyProvider(String, &'static str),
    /// The provider is missing and cannot be guessed.
    #[error("`{0}` names no provider; write `PROVIDER/MODEL`, for instance `ollama/{0}`")]
    NoProvider(String),
    /// A provider without a model.
    #[error("`{0}/` names no model; write `{0}/MODEL`")]
    NoModel(String),
    /// `script:` without a file.
    #[error("`script:` needs the path of a TOML file after the colon")]
    NoScript,
}

impl ModelRef {
    /// The model that needs no key and no network.
    pub fn echo() -> Self {
        Self { provider: "echo".to_owned(), model: String::new() }
    }
}

impl FromStr for ModelRef {
    type Err = ModelRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let of =
            |provider: &str, model: &str| Self { provider: provider.to_owned(), model: model.to_owned() };
        match text {
            "" => return Err(ModelRefError::Empty),
            "echo" | "echo/echo" => return Ok(Self::echo()),
            _ => {}
        }
        if let Some(file) = text.strip_prefix("script:") {
            return if file.trim().is_empty() {
                Err(ModelRefError::NoScript)
            } else {
                Ok(of("script", file))
            };
        }
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => Ok(of(provider, model)),
            Some((provider, "")) if !provider.is_empty() => Err(ModelRefError::NoModel(provider.to_owned())),
            // Names that only one provider uses need not repeat it.
            None if text.starts_with("claude") => Ok(of("anthropic", text)),
            None if ["gpt-", "o1", "o3", "o4", "chatgpt"].iter().any(|start| text.starts_with(start)) => {
                Ok(of("openai", text))
            }
            _ => Err(match EXAMPLES.iter().find(|(provider, _)| *provider == text) {
                Some((provider, model)) => ModelRefError::OnlyProvider((*provider).to_owned(), model),
                None => ModelRefError::NoProvider(text.to_owned()),
            }),
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.provider.as_str() {
            "script" => write!(f, "script:{}", self.model),
            provider if self.model.is_empty() => f.write_str(provider),
            provider => write!(f, "{provider}/{}", self.model),
        }
    }
}

impl TryFrom<String> for ModelRef {
    type Error = ModelRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(model: ModelRef) -> Self {
        model.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_round_trip() {
        for (text, provider, model, shown) in [
            ("echo", "echo", "", "echo"),
            ("script:/a b/c.toml", "script", "/a b/c.toml", "script:/a b/c.toml"),
            ("anthropic/claude-x", "anthropic", "claude-x", "anthropic/claude-x"),
            ("openrouter/meta/llama-3", "openrouter", "meta/llama-3", "openrouter/meta/llama-3"),
            ("claude-x", "anthropic", "claude-x", "anthropic/claude-x"),
            ("gpt-9", "openai", "gpt-9", "openai/gpt-9"),
        ] {
            let parsed: ModelRef = text.parse().expect(text);
            assert_eq!((parsed.provider.as_str(), parsed.model.as_str()), (provider, model), "{text}");
            assert_eq!(parsed.to_string(), shown);
        }
        assert_eq!("".parse::<ModelRef>(), Err(ModelRefError::Empty));
        assert_eq!("llama".parse::<ModelRef>(), Err(ModelRefError::NoProvider("llama".into())));
        assert_eq!("openai/".parse::<ModelRef>(), Err(ModelRefError::NoModel("openai".into())));
        assert_eq!("script:".parse::<ModelRef>(), Err(ModelRefError::NoScript));
    }
}
