//! Typed rows: what a [`Query`](crate::Query) answers, as structs.

use serde::de::DeserializeOwned;
use serde_json::Value;

mod cells;
mod log;
mod runtime;
mod session;

pub use cells::{Annotation, BranchCell, Cell, Delta, Output, OutputHead, grouped};
pub use log::LogEntry;
pub use runtime::{Approval, ExecutionNote, QueueEntry, RuntimeSession, ToolCall};
pub use session::{Compaction, Fork, Label, MetadataRow, ModelUse, StateRow, Steer};

/// Why a row cannot be read as the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of the store cannot be read: {0}")]
pub struct DecodeError(pub String);

impl From<DecodeError> for crate::StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Backend(error.to_string())
    }
}

/// A type that one row of an answer can be read as.
pub trait FromRow: Sized {
    /// Reads the row's columns in their order.
    fn from_row(row: &mut Row) -> Result<Self, DecodeError>;
}

/// A row that is read column by column.
#[derive(Debug)]
pub struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    /// Begins to read a row.
    pub fn new(values: Vec<Value>) -> Self {
        Self { values: values.into_iter() }
    }

    /// Reads the next column as it is.
    pub fn value(&mut self) -> Value {
        self.values.next().unwrap_or_default()
    }

    /// Reads text, an id or a word of a vocabulary.
    pub fn text<T: From<String>>(&mut self) -> Result<T, DecodeError> {
        match self.value() {
            Value::String(text) => Ok(text.into()),
            other => Err(DecodeError(format!("`{other}` is not text"))),
        }
    }

    /// Reads text that may be absent.
    pub fn maybe_text<T: From<String>>(&mut self) -> Result<Option<T>, DecodeError> {
        match self.value() {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.into())),
            other => Err(DecodeError(format!("`{other}` is not text"))),
        }
    }

    /// Reads a word of a vocabulary.
    pub fn word<T: std::str::FromStr<Err = crate::values::UnknownWord>>(&mut self) -> Result<T, DecodeError> {
        self.text::<String>()?.parse().map_err(|e: crate::values::UnknownWord| DecodeError(e.to_string()))
    }

    /// Reads a word that may be absent.
    pub fn maybe_word<T: std::str::FromStr<Err = crate::values::UnknownWord>>(
        &mut self,
    ) -> Result<Option<T>, DecodeError> {
        let word = self.maybe_text::<String>()?;
        word.map(|word| word.parse())
            .transpose()
            .map_err(|e: crate::values::UnknownWord| DecodeError(e.to_string()))
    }

    /// Reads a whole number.
    pub fn integer(&mut self) -> Result<i64, DecodeError> {
        let value = self.value();
        value.as_i64().ok_or_else(|| DecodeError(format!("`{value}` is not a whole number")))
    }

    /// Reads a whole number that may be absent.
    pub fn maybe_integer(&mut self) -> Result<Option<i64>, DecodeError> {
        match self.value() {
            Value::Null => Ok(None),
            value => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| DecodeError(format!("`{value}` is not a whole number"))),
        }
    }

    /// Reads a number.
    pub fn real(&mut self) -> Result<f64, DecodeError> {
        let value = self.value();
        value.as_f64().ok_or_else(|| DecodeError(format!("`{value}` is not a number")))
    }

    /// Reads a boolean.
    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        let value = self.value();
        value.as_bool().ok_or_else(|| DecodeError(format!("`{value}` is not a boolean")))
    }

    /// Reads JSON; absent is `None`.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, DecodeError> {
        match self.value() {
            Value::Null => Ok(None),
            value => serde_json::from_value(value).map(Some).map_err(|e| DecodeError(e.to_string())),
        }
    }

    /// Reads JSON of which absent is empty.
    pub fn json_or_default<T: DeserializeOwned + Default>(&mut self) -> Result<T, DecodeError> {
        Ok(self.json()?.unwrap_or_default())
    }
}
