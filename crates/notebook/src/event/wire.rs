//! Conversion of events to and from the wire: a name and its arguments as JSON.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Event, surrogates};

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

macro_rules! names {
    ($($variant:ident $name:literal,)*) => {
        /// The wire names that this build knows, in the order of their declaration.
        pub const NAMES: &[&str] = &[$($name),*];

        impl Event {
            /// Returns the wire name.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                    Self::Unknown { name, .. } => name,
                }
            }

            /// Tells whether this build knows the wire name, so that its tables follow the event.
            pub fn is_known(name: &str) -> bool {
                matches!(name, $($name)|*)
            }
        }
    };
}

names! {
    Debug "v1.Debug",
    FileUploaded "v1.FileUploaded",
    FileDeleted "v1.FileDeleted",
    FileDeleted2 "v2.FileDeleted",
    NotebookInitialized "v1.NotebookInitialized",
    NotebookTitleChanged "v1.NotebookTitleChanged",
    NotebookMetadataSet "v1.NotebookMetadataSet",
    CellCreated "v1.CellCreated",
    CellCreated2 "v2.CellCreated",
    CellSourceChanged "v1.CellSourceChanged",
    CellTypeChanged "v1.CellTypeChanged",
    CellDeleted "v1.CellDeleted",
    CellMoved "v1.CellMoved",
    CellMoved2 "v2.CellMoved",
    CellSourceVisibilityToggled "v1.CellSourceVisibilityToggled",
    CellOutputVisibilityToggled "v1.CellOutputVisibilityToggled",
    CellAiContextVisibilityToggled "v1.CellAiContextVisibilityToggled",
    PresenceSet "v1.PresenceSet",
    RuntimeSessionStarted "v1.RuntimeSessionStarted",
    RuntimeSessionStatusChanged "v1.RuntimeSessionStatusChanged",
    RuntimeSessionTerminated "v1.RuntimeSessionTerminated",
    RuntimeSessionRenewal "v1.RuntimeSessionRenewal",
    ExecutionRequested "v1.ExecutionRequested",
    MultipleExecutionRequested "v1.MultipleExecutionRequested",
    ExecutionAssigned "v1.ExecutionAssigned",
    ExecutionStarted "v1.ExecutionStarted",
    ExecutionCompleted "v1.ExecutionCompleted",
    ExecutionCancelled "v1.ExecutionCancelled",
    AllExecutionsCancelled "v1.AllExecutionsCancelled",
    MultimediaDisplayOutputAdded "v1.MultimediaDisplayOutputAdded",
    MultimediaDisplayOutputUpdated "v1.MultimediaDisplayOutputUpdated",
    MultimediaResultOutputAdded "v1.MultimediaResultOutputAdded",
    TerminalOutputAdded "v1.TerminalOutputAdded",
    TerminalOutputAppended "v1.TerminalOutputAppended",
    TerminalOutputAppended2 "v2.TerminalOutputAppended",
    MarkdownOutputAdded "v1.MarkdownOutputAdded",
    MarkdownOutputAppended "v1.MarkdownOutputAppended",
    MarkdownOutputAppended2 "v2.MarkdownOutputAppended",
    ErrorOutputAdded "v1.ErrorOutputAdded",
    CellOutputsCleared "v1.CellOutputsCleared",
    AllOutputsCleared "v1.AllOutputsCleared",
    AiSettingsChanged "v1.AiSettingsChanged",
    SqlConnectionChanged "v1.SqlConnectionChanged",
    SqlResultVariableChanged "v1.SqlResultVariableChanged",
    ActorProfileSet "v1.ActorProfileSet",
    ToolApprovalRequested "v1.ToolApprovalRequested",
    ToolApprovalResponded "v1.ToolApprovalResponded",
    CellAnnotated "purlin.v1.CellAnnotated",
    LanesAnnounced "purlin.v1.LanesAnnounced",
    BranchSelected "purlin.v1.BranchSelected",
    CellLabelled "purlin.v1.CellLabelled",
    SteerSent "purlin.v1.SteerSent",
    SteerTaken "purlin.v1.SteerTaken",
    ToolCallStarted "purlin.v1.ToolCallStarted",
    ToolCallEnded "purlin.v1.ToolCallEnded",
    ModelUsed "purlin.v1.ModelUsed",
    Compacted "purlin.v1.Compacted",
    ExecutionReleased "purlin.v1.ExecutionReleased",
    ExecutionNoted "purlin.v1.ExecutionNoted",
    StateSet "purlin.v1.StateSet",
    ForkedFrom "purlin.v1.ForkedFrom",
}

impl Event {
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
    /// written by somebody else is kept whole and never refused. [`UnknownNames`](super::UnknownNames) tells of it.
    pub fn from_log(name: &str, args: &str) -> Self {
        if Self::is_known(name) {
            let mut json = serde_json::Deserializer::from_str(args);
            match Self::deserialize(Parts { name, args: Some(&mut json) }) {
                Ok(event) if json.end().is_ok() => return event,
                Err(_) if is_void(name) => return Self::AllExecutionsCancelled {},
                // The other applications write lone surrogates, which their tables show as U+FFFD.
                _ => {
                    if let Some(event) =
                        surrogates::read(args).and_then(|args| Self::from_wire(name, args).ok())
                    {
                        return event;
                    }
                }
            }
        }
        let args = serde_json::from_str(args).unwrap_or_else(|_| Value::from(args));
        Self::Unknown { name: name.to_owned(), args }
    }
}

/// Writes a number as JavaScript does: without a fraction where it has none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
pub(super) fn number<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Beyond 2^53 not every whole number is one of these.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= WHOLE {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// Reads a value that is there, so that `null` is read back as `null` and not as nothing.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
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
