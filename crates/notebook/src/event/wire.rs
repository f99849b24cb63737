//! Conversion of events to and from the wire: a name and its arguments as JSON.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Event;

/// Why something on the wire is not an event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The name is known and the arguments are not what it takes.
    #[error("the arguments of `{name}` cannot be read: {why}")]
    Arguments {
        /// The event's wire name.
        name: String,
        /// What is wrong with them.
        why: String,
    },
}

/// The wire names that this build knows, in the order of their declaration.
pub const NAMES: &[&str] = &[
    "v1.Debug",
    "v1.FileUploaded",
    "v1.FileDeleted",
    "v2.FileDeleted",
    "v1.NotebookInitialized",
    "v1.NotebookTitleChanged",
    "v1.NotebookMetadataSet",
    "v1.CellCreated",
    "v2.CellCreated",
    "v1.CellSourceChanged",
    "v1.CellTypeChanged",
    "v1.CellDeleted",
    "v1.CellMoved",
    "v2.CellMoved",
    "v1.CellSourceVisibilityToggled",
    "v1.CellOutputVisibilityToggled",
    "v1.CellAiContextVisibilityToggled",
    "v1.PresenceSet",
    "v1.RuntimeSessionStarted",
    "v1.RuntimeSessionStatusChanged",
    "v1.RuntimeSessionTerminated",
    "v1.RuntimeSessionRenewal",
    "v1.ExecutionRequested",
    "v1.MultipleExecutionRequested",
    "v1.ExecutionAssigned",
    "v1.ExecutionStarted",
    "v1.ExecutionCompleted",
    "v1.ExecutionCancelled",
    "v1.AllExecutionsCancelled",
    "v1.MultimediaDisplayOutputAdded",
    "v1.MultimediaDisplayOutputUpdated",
    "v1.MultimediaResultOutputAdded",
    "v1.TerminalOutputAdded",
    "v1.TerminalOutputAppended",
    "v2.TerminalOutputAppended",
    "v1.MarkdownOutputAdded",
    "v1.MarkdownOutputAppended",
    "v2.MarkdownOutputAppended",
    "v1.ErrorOutputAdded",
    "v1.CellOutputsCleared",
    "v1.AllOutputsCleared",
    "v1.AiSettingsChanged",
    "v1.SqlConnectionChanged",
    "v1.SqlResultVariableChanged",
    "v1.ActorProfileSet",
    "v1.ToolApprovalRequested",
    "v1.ToolApprovalResponded",
    "purlin.v1.CellAnnotated",
    "purlin.v1.LanesAnnounced",
    "purlin.v1.BranchSelected",
    "purlin.v1.CellLabelled",
    "purlin.v1.SteerSent",
    "purlin.v1.SteerTaken",
    "purlin.v1.ToolCallStarted",
    "purlin.v1.ToolCallEnded",
    "purlin.v1.ModelUsed",
    "purlin.v1.Compacted",
    "purlin.v1.ExecutionReleased",
    "purlin.v1.ExecutionNoted",
    "purlin.v1.StateSet",
    "purlin.v1.ForkedFrom",
];

impl Event {
    /// Returns the wire name.
    pub fn name(&self) -> &str {
        match self {
            Self::Debug { .. } => "v1.Debug",
            Self::FileUploaded { .. } => "v1.FileUploaded",
            Self::FileDeleted { .. } => "v1.FileDeleted",
            Self::FileDeleted2 { .. } => "v2.FileDeleted",
            Self::NotebookInitialized { .. } => "v1.NotebookInitialized",
            Self::NotebookTitleChanged { .. } => "v1.NotebookTitleChanged",
            Self::NotebookMetadataSet { .. } => "v1.NotebookMetadataSet",
            Self::CellCreated { .. } => "v1.CellCreated",
            Self::CellCreated2 { .. } => "v2.CellCreated",
            Self::CellSourceChanged { .. } => "v1.CellSourceChanged",
            Self::CellTypeChanged { .. } => "v1.CellTypeChanged",
            Self::CellDeleted { .. } => "v1.CellDeleted",
            Self::CellMoved { .. } => "v1.CellMoved",
            Self::CellMoved2 { .. } => "v2.CellMoved",
            Self::CellSourceVisibilityToggled { .. } => "v1.CellSourceVisibilityToggled",
            Self::CellOutputVisibilityToggled { .. } => "v1.CellOutputVisibilityToggled",
            Self::CellAiContextVisibilityToggled { .. } => "v1.CellAiContextVisibilityToggled",
            Self::PresenceSet { .. } => "v1.PresenceSet",
            Self::RuntimeSessionStarted { .. } => "v1.RuntimeSessionStarted",
            Self::RuntimeSessionStatusChanged { .. } => "v1.RuntimeSessionStatusChanged",
            Self::RuntimeSessionTerminated { .. } => "v1.RuntimeSessionTerminated",
            Self::RuntimeSessionRenewal { .. } => "v1.RuntimeSessionRenewal",
            Self::ExecutionRequested { .. } => "v1.ExecutionRequested",
            Self::MultipleExecutionRequested { .. } => "v1.MultipleExecutionRequested",
            Self::ExecutionAssigned { .. } => "v1.ExecutionAssigned",
            Self::ExecutionStarted { .. } => "v1.ExecutionStarted",
            Self::ExecutionCompleted { .. } => "v1.ExecutionCompleted",
            Self::ExecutionCancelled { .. } => "v1.ExecutionCancelled",
            Self::AllExecutionsCancelled { .. } => "v1.AllExecutionsCancelled",
            Self::MultimediaDisplayOutputAdded { .. } => "v1.MultimediaDisplayOutputAdded",
            Self::MultimediaDisplayOutputUpdated { .. } => "v1.MultimediaDisplayOutputUpdated",
            Self::MultimediaResultOutputAdded { .. } => "v1.MultimediaResultOutputAdded",
            Self::TerminalOutputAdded { .. } => "v1.TerminalOutputAdded",
            Self::TerminalOutputAppended { .. } => "v1.TerminalOutputAppended",
            Self::TerminalOutputAppended2 { .. } => "v2.TerminalOutputAppended",
            Self::MarkdownOutputAdded { .. } => "v1.MarkdownOutputAdded",
            Self::MarkdownOutputAppended { .. } => "v1.MarkdownOutputAppended",
            Self::MarkdownOutputAppended2 { .. } => "v2.MarkdownOutputAppended",
            Self::ErrorOutputAdded { .. } => "v1.ErrorOutputAdded",
            Self::CellOutputsCleared { .. } => "v1.CellOutputsCleared",
            Self::AllOutputsCleared { .. } => "v1.AllOutputsCleared",
            Self::AiSettingsChanged { .. } => "v1.AiSettingsChanged",
            Self::SqlConnectionChanged { .. } => "v1.SqlConnectionChanged",
            Self::SqlResultVariableChanged { .. } => "v1.SqlResultVariableChanged",
            Self::ActorProfileSet { .. } => "v1.ActorProfileSet",
            Self::ToolApprovalRequested { .. } => "v1.ToolApprovalRequested",
            Self::ToolApprovalResponded { .. } => "v1.ToolApprovalResponded",
            Self::CellAnnotated { .. } => "purlin.v1.CellAnnotated",
            Self::LanesAnnounced { .. } => "purlin.v1.LanesAnnounced",
            Self::BranchSelected { .. } => "purlin.v1.BranchSelected",
            Self::CellLabelled { .. } => "purlin.v1.CellLabelled",
            Self::SteerSent { .. } => "purlin.v1.SteerSent",
            Self::SteerTaken { .. } => "purlin.v1.SteerTaken",
            Self::ToolCallStarted { .. } => "purlin.v1.ToolCallStarted",
            Self::ToolCallEnded { .. } => "purlin.v1.ToolCallEnded",
            Self::ModelUsed { .. } => "purlin.v1.ModelUsed",
            Self::Compacted { .. } => "purlin.v1.Compacted",
            Self::ExecutionReleased { .. } => "purlin.v1.ExecutionReleased",
            Self::ExecutionNoted { .. } => "purlin.v1.ExecutionNoted",
            Self::StateSet { .. } => "purlin.v1.StateSet",
            Self::ForkedFrom { .. } => "purlin.v1.ForkedFrom",
            Self::Unknown { name, .. } => name,
        }
    }

    /// Tells whether this build knows the wire name, so that its tables follow the event.
    pub fn is_known(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// Returns the arguments as JSON.
    pub fn args(&self) -> Value {
        if let Self::Unknown { args, .. } = self {
            return args.clone();
        }
        let mut wire = serde_json::to_value(self).unwrap_or_default();
        wire.get_mut("args").map(Value::take).unwrap_or_default()
    }

    /// Returns the arguments as the JSON text that a log keeps.
    ///
    /// Numbers that JSON cannot express are written `null`; a commit refuses them before.
    pub fn args_text(&self) -> String {
        if let Self::Unknown { args, .. } = self {
            return args.to_string();
        }
        let Ok(mut text) = serde_json::to_string(self) else { return "null".to_owned() };
        // The arguments stand between `{"name":"…","args":` and the last brace.
        text.truncate(text.len() - 1);
        text.drain(.."{\"name\":\"\",\"args\":".len() + self.name().len());
        text
    }

    /// Reads an event from its name and arguments. An unknown name becomes [`Event::Unknown`].
    pub fn from_wire(name: &str, args: Value) -> Result<Self, EventError> {
        if !Self::is_known(name) {
            return Ok(Self::Unknown { name: name.to_owned(), args });
        }
        Self::deserialize(Parts { name, args: Some(no_void(args)) }).map_err(|why| unreadable(name, &why))
    }

    /// Reads an event from its name and the JSON text of its arguments, as a log keeps them.
    ///
    /// What this build cannot read (an unknown name, arguments of a later form) becomes [`Event::Unknown`]: a log
    /// written by somebody else is kept whole and never refused.
    pub fn from_log(name: &str, args: &str) -> Self {
        if Self::is_known(name) {
            let mut json = serde_json::Deserializer::from_str(args);
            match Self::deserialize(Parts { name, args: Some(&mut json) }) {
                Ok(event) => return event,
                Err(why) if !is_void(name) => {
                    tracing::warn!(name, %why, "an event's arguments cannot be read");
                }
                Err(_) => return Self::AllExecutionsCancelled {},
            }
        }
        let args = serde_json::from_str(args).unwrap_or_else(|_| Value::from(args));
        Self::Unknown { name: name.to_owned(), args }
    }
}

/// The base schema writes an event without arguments with none at all, or `null`.
fn no_void(args: Value) -> Value {
    if args.is_null() { Value::Object(serde_json::Map::new()) } else { args }
}

fn is_void(name: &str) -> bool {
    name == "v1.AllExecutionsCancelled"
}

fn unreadable(name: &str, why: &serde_json::Error) -> EventError {
    EventError::Arguments { name: name.to_owned(), why: why.to_string() }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Unknown { name, args } = self {
            let mut wire = serializer.serialize_struct("Event", 2)?;
            wire.serialize_field("name", name)?;
            wire.serialize_field("args", args)?;
            return wire.end();
        }
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            name: String,
            #[serde(default)]
            args: Value,
        }
        let Wire { name, args } = Wire::deserialize(deserializer)?;
        Self::from_wire(&name, args).map_err(de::Error::custom)
    }
}

/// An event in two parts, read without joining them: the name comes first, so that nothing is buffered.
struct Parts<'a, A> {
    name: &'a str,
    args: Option<A>,
}

impl<'de, A: Deserializer<'de, Error = serde_json::Error>> Deserializer<'de> for Parts<'_, A> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(PartsMap { name: Some(self.name), args: self.args })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct PartsMap<'a, A> {
    name: Option<&'a str>,
    args: Option<A>,
}

impl<'de, A: Deserializer<'de, Error = serde_json::Error>> MapAccess<'de> for PartsMap<'_, A> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let key = match (self.name, &self.args) {
            (Some(_), _) => "name",
            (None, Some(_)) => "args",
            (None, None) => return Ok(None),
        };
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        if let Some(name) = self.name.take() {
            let name: StrDeserializer<'_, Self::Error> = name.into_deserializer();
            return seed.deserialize(name);
        }
        match self.args.take() {
            Some(args) => seed.deserialize(args),
            None => Err(de::Error::custom("the event has no arguments")),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.args_text())
    }
}
