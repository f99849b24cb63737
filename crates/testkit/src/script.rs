//! Scripted model answers: the TOML that `--model script:FILE` plays, with what only a server can do wrong beside it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A whole script: turn n answers request n, the last turn repeats.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The key a request must carry; without one every request is let in.
    #[serde(default)]
    pub key: Option<String>,
    /// The answers in order.
    #[serde(default, rename = "turn")]
    pub turns: Vec<Turn>,
}

/// One answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// What the model says.
    pub text: String,
    /// What the model thinks first.
    pub thinking: String,
    /// Characters per delta.
    pub chunk: usize,
    /// Milliseconds before each delta.
    pub delay_ms: u64,
    /// The tools it calls, after the text.
    #[serde(rename = "tool")]
    pub tools: Vec<ToolCall>,
    /// An answer that is an HTTP error instead.
    pub error: Option<Failure>,
    /// The connection breaks after this many bytes of the body.
    pub cut_after: Option<usize>,
    /// The body is this text instead of a stream.
    pub garbage: Option<String>,
    /// The headers are sent, then nothing, until the client leaves.
    pub hang: bool,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            text: String::new(),
            thinking: String::new(),
            chunk: 12,
            delay_ms: 0,
            tools: Vec::new(),
            error: None,
            cut_after: None,
            garbage: None,
            hang: false,
        }
    }
}

/// One tool call of a turn.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments; a text is sent as it stands, so that it may be malformed JSON.
    #[serde(default)]
    pub args: Value,
}

impl ToolCall {
    /// The arguments as the JSON text on the wire.
    pub fn arguments(&self) -> String {
        match &self.args {
            Value::String(text) => text.clone(),
            Value::Null => "{}".to_owned(),
            value => value.to_string(),
        }
    }
}

/// An HTTP error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The status code.
    pub status: u16,
    /// The message in the body.
    #[serde(default)]
    pub message: String,
    /// Seconds for the `Retry-After` header.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

impl Script {
    /// Parses a script.
    pub fn parse(text: &str) -> Result<Self, String> {
        let script: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if script.turns.is_empty() { Err("the script has no [[turn]]".to_owned()) } else { Ok(script) }
    }

    /// A script whose every answer is this text.
    pub fn saying(text: &str) -> Self {
        Self { key: None, turns: vec![Turn { text: text.to_owned(), ..Turn::default() }] }
    }

    /// The turn that answers request `n`, counted from 0.
    pub fn turn(&self, n: usize) -> Turn {
        self.turns.get(n).or(self.turns.last()).cloned().unwrap_or_default()
    }
}

/// Splits a text into pieces of `size` characters.
pub(crate) fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect()
}

/// Request headers by lower-case name.
pub type Headers = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_turn_repeats() {
        let script = Script::parse("[[turn]]\ntext = 'a'\n[[turn]]\ntext = 'b'\nchunk = 1").unwrap();
        let texts: Vec<String> = (0..4).map(|n| script.turn(n).text).collect();
        assert_eq!(texts, ["a", "b", "b", "b"]);
    }

    #[test]
    fn an_unknown_field_is_named() {
        assert!(Script::parse("[[turn]]\ntxt = 'a'").unwrap_err().contains("txt"));
    }
}
