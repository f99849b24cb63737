//! The wires: how providers' HTTP APIs are spoken, without doing any I/O.
//!
//! Each wire has `encode`, which turns a [`Request`](crate::Request) into a body and headers, and a `Decoder` that is
//! pushed bytes as they come and answers [`ModelEvent`](crate::ModelEvent)s. Any split of the bytes gives the same
//! events; a stream that stops anywhere ends in exactly one error after everything that did come; garbage is an error,
//! never a panic.

pub mod anthropic;
pub mod openai_chat;
pub mod sse;

use serde_json::Value;

use crate::request::ModelEvent;

/// What went wrong inside a stream that HTTP had accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The connection closed before the answer was complete.
    #[error("the stream ended early, {0}")]
    EndedEarly(String),
    /// Bytes that are not what this wire sends.
    #[error("the server sent something that is not a model's answer: {0}")]
    Garbage(String),
    /// The provider reported an error inside the stream.
    #[error("{message} ({kind})")]
    Provider {
        /// The provider's word for the error, for instance `overloaded_error`.
        kind: String,
        /// The provider's message.
        message: String,
    },
    /// One event was larger than any real answer.
    #[error("one event of the stream is larger than {0} bytes")]
    TooLarge(usize),
}

impl WireError {
    /// Whether the same request may well succeed when sent again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::EndedEarly(_) => true,
            Self::Provider { kind, .. } => {
                matches!(
                    kind.as_str(),
                    "overloaded_error" | "api_error" | "rate_limit_error" | "server_error" | "timeout_error"
                ) || kind.parse().is_ok_and(is_transient_status)
            }
            Self::Garbage(_) | Self::TooLarge(_) => false,
        }
    }
}

/// Whether a request that was answered with this HTTP status may well succeed when sent again.
pub(crate) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429 | 500..=599)
}

/// An id or name in the characters that every server takes: others would make it refuse the whole history for ever,
/// and models do invent names, and servers ids, that another server refuses.
pub(crate) fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    text.chars().map(plain).collect()
}

/// The name of a tool that was called, as every server takes it.
pub(crate) fn tool_name(name: &str) -> String {
    let mut name = plain(name);
    name.truncate(64);
    name
}

/// The encoded form of a request: everything but the secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// JSON body.
    pub payload: Value,
    /// Headers without those that carry a secret.
    pub headers: Vec<(String, String)>,
}

/// A decoder of either wire.
#[derive(Debug)]
pub enum Decoder {
    /// Anthropic Messages.
    Anthropic(anthropic::Decoder),
    /// OpenAI Chat Completions.
    OpenAiChat(openai_chat::Decoder),
}

impl Decoder {
    /// Takes the next bytes of the body and answers what they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<ModelEvent> {
        match self {
            Self::Anthropic(decoder) => decoder.push(bytes),
            Self::OpenAiChat(decoder) => decoder.push(bytes),
        }
    }

    /// Ends the stream; answers an error event unless the answer was complete.
    pub fn finish(&mut self) -> Vec<ModelEvent> {
        match self {
            Self::Anthropic(decoder) => decoder.finish(),
            Self::OpenAiChat(decoder) => decoder.finish(),
        }
    }
}

/// Describes how far a broken stream had come, for the message of [`WireError::EndedEarly`].
pub(crate) fn progress(characters: usize, calls: usize) -> String {
    match (characters, calls) {
        (0, 0) => "before the model had said anything".to_owned(),
        (n, 0) => format!("after {n} characters of the answer"),
        (n, calls) => {
            format!("after {n} characters and {calls} tool call{}", if calls == 1 { "" } else { "s" })
        }
    }
}

/// The first characters of something unexpected, on one line, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
    let line = line.trim().to_owned();
    if text.chars().count() > 160 { format!("`{line}…`") } else { format!("`{line}`") }
}

/// Finds the message in an error body, whatever shape the server gave it.
pub fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return if text.trim().is_empty() {
            "no explanation was given".to_owned()
        } else {
            excerpt(text.trim())
        };
    };
    let value =
        if let Value::Array(items) = &value { items.first().cloned().unwrap_or(Value::Null) } else { value };
    let candidates =
        [value.pointer("/error/message"), value.get("message"), value.get("error"), value.get("detail")];
    let message = candidates.into_iter().flatten().find_map(Value::as_str);
    message.map_or_else(|| excerpt(&value.to_string()), str::to_owned)
}
