//! What a model is asked: the provider-neutral form of one request.
//!
//! History is a flat list of [`Message`]s with one [`Part`] each, because that is what the store holds (one output,
//! one part) and what the hook `context` edits. The wires group neighbours of one speaker into turns.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who said a message, as a model sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The person, a tool's result, an injected or steering text.
    User,
    /// The model.
    Assistant,
}

/// The content of one message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Plain text.
    Text(String),
    /// Reasoning of the model. `opaque` is the provider's own item and is sent back verbatim to the wire that made it.
    Thinking {
        /// Readable reasoning; empty when the provider hides it.
        text: String,
        /// The provider's item with its signature.
        opaque: Option<Opaque>,
    },
    /// A tool the model asked for.
    ToolCall {
        /// Id that pairs the call with its result.
        id: String,
        /// Name of the tool.
        name: String,
        /// Arguments as the model wrote them.
        arguments: Value,
    },
    /// What a tool answered.
    ToolResult {
        /// Id of the call.
        id: String,
        /// Text for the model.
        content: String,
        /// Whether the tool failed.
        is_error: bool,
    },
}

/// A provider's item that must come back unchanged, with the wire it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opaque {
    /// Name of the wire that made it, for instance `anthropic-messages`.
    pub api: String,
    /// Provider that made it.
    pub provider: String,
    /// Model that made it.
    pub model: String,
    /// The item as received.
    pub item: Value,
}

/// One entry of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Entry id: a cell's or output's id, or one made by an extension.
    pub id: String,
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub part: Part,
}

impl Message {
    /// A text message.
    pub fn text(id: impl Into<String>, speaker: Speaker, text: impl Into<String>) -> Self {
        Self { id: id.into(), speaker, part: Part::Text(text.into()) }
    }

    /// The plain text of the message, if it has any.
    pub fn as_text(&self) -> Option<&str> {
        match &self.part {
            Part::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A tool as a model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Name the model calls.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON schema of the arguments.
    pub schema: Value,
}

/// How much a model should reason before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thinking {
    /// The model's own default, nothing is sent.
    #[default]
    Default,
    /// No reasoning where that can be chosen.
    Off,
    /// A little.
    Low,
    /// A moderate amount.
    Medium,
    /// A lot.
    High,
}

impl std::str::FromStr for Thinking {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = [Self::Default, Self::Off, Self::Low, Self::Medium, Self::High];
        let found = all.into_iter().find(|level| level.as_str() == word);
        found.ok_or_else(|| {
            format!(
                "`{word}` is no level of thinking; there are `default`, `off`, `low`, `medium` and `high`"
            )
        })
    }
}

impl Thinking {
    /// The word in configuration, metadata and hooks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Off => "off",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Tokens of reasoning that a wire with budgets is given; `None` for none.
    pub fn budget(self) -> Option<u32> {
        match self {
            Self::Default | Self::Off => None,
            Self::Low => Some(4_096),
            Self::Medium => Some(12_288),
            Self::High => Some(32_768),
        }
    }

    /// The word that wires with an effort setting use; `None` when nothing is to be sent.
    pub fn effort(self) -> Option<&'static str> {
        match self {
            Self::Default | Self::Off => None,
            Self::Low => Some("low"),
            Self::Medium => Some("medium"),
            Self::High => Some("high"),
        }
    }
}

/// One request to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Model name as its provider knows it.
    pub model: String,
    /// System prompt.
    pub system: String,
    /// History, oldest first.
    pub messages: Vec<Message>,
    /// Tools on offer, in the order in which they are sent.
    pub tools: Vec<ToolDefinition>,
    /// Upper bound of the answer in tokens.
    pub max_tokens: u32,
    /// How much to reason.
    pub thinking: Thinking,
    /// Which request of the session this is, counted from 1; a script answers by it.
    pub ordinal: u64,
}

/// Tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens that were neither read from nor written to a cache.
    pub input: i64,
    /// Tokens of the answer, reasoning included.
    pub output: i64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: i64,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: i64,
}

impl Usage {
    /// Adds another request's tokens.
    pub fn add(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
    }

    /// Tokens of the prompt, however they were billed.
    pub fn prompt(&self) -> i64 {
        self.input + self.cache_read + self.cache_write
    }
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It had finished.
    EndTurn,
    /// It waits for the results of tools.
    ToolUse,
    /// The bound on tokens was reached.
    MaxTokens,
    /// It declined to answer.
    Refusal,
    /// Anything else, in the provider's word.
    Other(String),
}

impl StopReason {
    /// The word stored as `finishReason`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::Refusal => "refusal",
            Self::Other(word) => word,
        }
    }
}

/// One thing a model's stream said.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// More of the answer.
    TextDelta(String),
    /// More reasoning.
    ThinkingDelta(String),
    /// A block of reasoning is complete; `opaque` is the item to send back.
    ThinkingDone {
        /// The provider's item, verbatim, if it has to come back.
        opaque: Option<Value>,
    },
    /// The model began to call a tool.
    ToolCallStart {
        /// Id of the call; empty when the server gives none.
        id: String,
        /// Name of the tool.
        name: String,
    },
    /// More of the arguments' JSON text.
    ToolArgsDelta(String),
    /// A call is complete.
    ToolCallDone {
        /// Id of the call; empty when the server gives none.
        id: String,
        /// Name of the tool.
        name: String,
        /// Arguments as JSON text, not yet checked.
        args_text: String,
    },
    /// Tokens so far; a later event replaces an earlier one.
    Usage(Usage),
    /// The answer is complete.
    Done {
        /// Why the model stopped.
        stop_reason: StopReason,
    },
    /// The stream is broken; nothing follows.
    Error(crate::wire::WireError),
}
