//! The closed vocabularies of events and tables, and the media containers that outputs are made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A word of a closed vocabulary that this build does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {vocabulary}")]
pub struct UnknownWord {
    /// The vocabulary, by the name of its type.
    pub vocabulary: &'static str,
    /// The word that is not in it.
    pub word: String,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word of the vocabulary, in the order of its declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the word as it is written on the wire and in the tables.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord { vocabulary: stringify!($name), word: word.to_owned() }),
                }
            }
        }
    )*};
}

words! {
    /// The base schema's type of a cell.
    CellType {
        /// Code in a runtime's language.
        Code = "code",
        /// Text.
        Markdown = "markdown",
        /// A database query.
        Sql = "sql",
        /// A prompt.
        Ai = "ai",
        /// Anything else.
        Raw = "raw",
    }
    /// What executes a cell: the lane it runs in. `Note` and `Raw` are not executed.
    CellKind {
        /// The AI agent.
        Ai = "ai",
        /// A shell.
        Shell = "shell",
        /// Python.
        Python = "python",
        /// A database.
        Sql = "sql",
        /// A Lua function of an extension.
        Lua = "lua",
        /// The echo runtime.
        Echo = "echo",
        /// Text for people.
        Note = "note",
        /// Text that nothing interprets.
        Raw = "raw",
    }
    /// Where a cell stands.
    ExecutionState {
        /// Nothing is asked of it.
        Idle = "idle",
        /// Asked for and not begun.
        Queued = "queued",
        /// Running.
        Running = "running",
        /// Its last run succeeded.
        Completed = "completed",
        /// Its last run failed.
        Error = "error",
    }
    /// The kind of an output.
    OutputType {
        /// Something shown, in several representations.
        MultimediaDisplay = "multimedia_display",
        /// The value of a cell, in several representations.
        MultimediaResult = "multimedia_result",
        /// Text of a stream.
        Terminal = "terminal",
        /// Markdown.
        Markdown = "markdown",
        /// An error with its traceback.
        Error = "error",
    }
    /// Where a runtime session stands.
    RuntimeStatus {
        /// Started, not ready.
        Starting = "starting",
        /// Waiting for work.
        Ready = "ready",
        /// Executing.
        Busy = "busy",
        /// Between two runs of its kernel.
        Restarting = "restarting",
        /// Over, for good.
        Terminated = "terminated",
    }
    /// Where an entry of the execution queue stands.
    QueueStatus {
        /// Nobody has claimed it.
        Pending = "pending",
        /// Claimed.
        Assigned = "assigned",
        /// Running.
        Executing = "executing",
        /// Succeeded.
        Completed = "completed",
        /// Failed.
        Failed = "failed",
        /// Cancelled.
        Cancelled = "cancelled",
    }
    /// What kind of user an actor is.
    ActorType {
        /// A person.
        Human = "human",
        /// A runtime agent.
        RuntimeAgent = "runtime_agent",
    }
    /// A stream of a process.
    StreamName {
        /// Standard output.
        Stdout = "stdout",
        /// Standard error.
        Stderr = "stderr",
    }
    /// How an execution ended.
    CompletionStatus {
        /// It did what was asked.
        Success = "success",
        /// It failed.
        Error = "error",
        /// It was stopped.
        Cancelled = "cancelled",
    }
    /// Why a runtime session ended.
    TerminationReason {
        /// It was asked to.
        Shutdown = "shutdown",
        /// It begins again.
        Restart = "restart",
        /// It failed.
        Error = "error",
        /// It was not heard of any more.
        Timeout = "timeout",
        /// Another session took its lanes.
        Displaced = "displaced",
    }
    /// The answer to a request for a tool's approval.
    ApprovalStatus {
        /// Not answered.
        Pending = "pending",
        /// Yes, this call.
        ApprovedOnce = "approved_once",
        /// Yes, this tool from now on.
        ApprovedAlways = "approved_always",
        /// No.
        Denied = "denied",
    }
    /// How a tool call ended.
    ToolCallStatus {
        /// It did what was asked.
        Success = "success",
        /// It failed.
        Error = "error",
        /// A gate refused it.
        Blocked = "blocked",
        /// It was stopped.
        Cancelled = "cancelled",
        /// The process that ran it went away.
        Interrupted = "interrupted",
    }
    /// Who wrote a compaction's summary.
    CompactionSource {
        /// The agent.
        Core = "core",
        /// An extension.
        Extension = "extension",
    }
    /// What an output is in the history of a session.
    Role {
        /// The model's answer.
        Text = "text",
        /// The model's reasoning.
        Thinking = "thinking",
        /// A request for a tool.
        ToolCall = "tool_call",
        /// What a tool answered the model.
        ToolResult = "tool_result",
        /// What a tool printed while it ran.
        ToolOutput = "tool_output",
        /// Text put into the context beside the prompt.
        Inject = "inject",
        /// A message sent while the agent worked.
        Steer = "steer",
        /// A remark for people, which no model sees.
        Note = "note",
    }
}

impl QueueStatus {
    /// Tells whether the entry's execution is over.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What a runtime session can execute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// It executes code cells.
    pub can_execute_code: bool,
    /// It executes database queries.
    pub can_execute_sql: bool,
    /// It answers prompts.
    pub can_execute_ai: bool,
    /// The models it offers, in the form of the base schema.
    #[serde(default, deserialize_with = "crate::event::present", skip_serializing_if = "Option::is_none")]
    pub available_ai_models: Option<Value>,
}

/// Mime type of an output that is a request for a tool: `{tool_call_id, tool_name, arguments}`.
pub const TOOL_CALL_MIME: &str = "application/vnd.anode.aitool+json";
/// Mime type of an output that is a tool's answer: `{tool_call_id, status, result?}`.
pub const TOOL_RESULT_MIME: &str = "application/vnd.anode.aitool.result+json";
/// How long a runtime session's renewal is valid, in milliseconds.
pub const RUNTIME_SESSION_TIMEOUT_MS: i64 = 30_000;

/// Content of an output: inside the event, or a reference to an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", try_from = "AnyMedia", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Media {
    /// The content itself.
    Inline {
        /// Text, or any JSON for JSON mime types.
        data: Value,
        /// Facts about the content; ours are under `purlin`.
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Map<String, Value>>,
    },
    /// The content is stored outside the log.
    Artifact {
        /// The artifact, `artifact:<hash>` in the local file store.
        artifact_id: String,
        /// Facts about the content; ours are under `purlin`.
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Map<String, Value>>,
    },
}

/// A container as it is read: the fields of both kinds, so that nothing is buffered until the type is known.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyMedia {
    r#type: String,
    #[serde(default)]
    data: Value,
    artifact_id: Option<String>,
    metadata: Option<Map<String, Value>>,
}

impl TryFrom<AnyMedia> for Media {
    type Error = String;

    fn try_from(any: AnyMedia) -> Result<Self, String> {
        match (any.r#type.as_str(), any.artifact_id) {
            ("inline", _) => Ok(Self::Inline { data: any.data, metadata: any.metadata }),
            ("artifact", Some(artifact_id)) => Ok(Self::Artifact { artifact_id, metadata: any.metadata }),
            ("artifact", None) => Err("a container of an artifact has no `artifactId`".to_owned()),
            (other, _) => Err(format!("`{other}` is not a type of container")),
        }
    }
}

/// An output's content by mime type.
pub type Representations = BTreeMap<String, Media>;

impl Media {
    /// Makes an inline container of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Inline { data: Value::String(text.into()), metadata: None }
    }

    /// Makes an inline container of JSON.
    pub fn json(data: Value) -> Self {
        Self::Inline { data, metadata: None }
    }

    /// Puts our facts about the output into the container's metadata, beside what stands there.
    #[must_use]
    pub fn with_meta(mut self, meta: &OutputMeta) -> Self {
        let (Self::Inline { metadata, .. } | Self::Artifact { metadata, .. }) = &mut self;
        metadata.get_or_insert_default().insert("purlin".to_owned(), meta.to_value());
        self
    }

    /// Reads our facts about the output from the container's metadata.
    pub fn meta(&self) -> Option<OutputMeta> {
        OutputMeta::from_metadata(self.metadata()?)
    }

    /// Returns the container's metadata.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Inline { metadata, .. } | Self::Artifact { metadata, .. } => metadata.as_ref(),
        }
    }

    /// Returns the content if it is inline text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Inline { data, .. } => data.as_str(),
            Self::Artifact { .. } => None,
        }
    }
}

/// Our facts about an output, kept in a container's metadata under `purlin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputMeta {
    /// What the output is in the history.
    pub role: Role,
    /// The tool call it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The extension that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// A provider's items, kept verbatim for its next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Value>,
}

impl OutputMeta {
    /// Makes the facts of an output that has a role and nothing more.
    pub fn new(role: Role) -> Self {
        Self { role, call_id: None, extension: None, opaque: None }
    }

    /// Names the tool call that the output belongs to.
    #[must_use]
    pub fn with_call(mut self, call_id: impl Into<String>) -> Self {
        self.call_id = Some(call_id.into());
        self
    }

    /// Reads the facts from a container's metadata; `None` if there are none or they are not ours to read.
    pub fn from_metadata(metadata: &Map<String, Value>) -> Option<Self> {
        Self::deserialize(metadata.get("purlin")?).ok()
    }

    fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("role".to_owned(), Value::from(self.role.as_str()));
        for (key, text) in [("callId", &self.call_id), ("extension", &self.extension)] {
            if let Some(text) = text {
                map.insert(key.to_owned(), Value::from(text.as_str()));
            }
        }
        if let Some(opaque) = &self.opaque {
            map.insert("opaque".to_owned(), opaque.clone());
        }
        Value::Object(map)
    }
}
