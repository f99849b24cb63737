//! Rows about the session as a whole: metadata, steering, usage, compaction, state, labels, forks.

use serde_json::Value;

use super::{DecodeError, FromRow, Row};
use crate::ids::{CellId, NotebookId, OutputId, QueueId};
use crate::values::CompactionSource;

/// A fact about the notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRow {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl FromRow for MetadataRow {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self { key: row.text()?, value: row.text()? })
    }
}

/// A message sent while a cell ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steer {
    /// Its id.
    pub id: String,
    /// The cell that ran.
    pub cell_id: CellId,
    /// The message.
    pub text: String,
    /// Artifacts sent with it.
    pub attachments: Vec<String>,
    /// Who sent it.
    pub by: String,
    /// The output in which the agent took it up; `None` while it waits.
    pub taken: Option<OutputId>,
}

impl FromRow for Steer {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            cell_id: row.text()?,
            text: row.text()?,
            attachments: row.json_or_default()?,
            by: row.text()?,
            taken: row.maybe_text()?,
        })
    }
}

/// What one model request used, in tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUse {
    /// Its id.
    pub id: String,
    /// The cell.
    pub cell_id: CellId,
    /// The execution.
    pub queue_id: QueueId,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Tokens read.
    pub input: i64,
    /// Tokens written.
    pub output: i64,
    /// Tokens read from the provider's cache.
    pub cache_read: i64,
    /// Tokens written to the provider's cache.
    pub cache_write: i64,
    /// Price in millionths of a dollar, where it is known.
    pub cost_micros: Option<i64>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
}

impl FromRow for ModelUse {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            cell_id: row.text()?,
            queue_id: row.text()?,
            provider: row.text()?,
            model: row.text()?,
            input: row.integer()?,
            output: row.integer()?,
            cache_read: row.integer()?,
            cache_write: row.integer()?,
            cost_micros: row.maybe_integer()?,
            finish_reason: row.maybe_text()?,
        })
    }
}

/// A summary that stands for the older part of a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Compaction {
    /// Its id.
    pub id: String,
    /// The leaf at which it was made.
    pub leaf_id: CellId,
    /// The summary.
    pub summary: String,
    /// The first entry that stays beside it.
    pub first_kept_id: String,
    /// The tokens of the context before.
    pub tokens_before: i64,
    /// Who wrote it.
    pub source: CompactionSource,
    /// Further facts.
    pub details: Option<Value>,
}

impl FromRow for Compaction {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            leaf_id: row.text()?,
            summary: row.text()?,
            first_kept_id: row.text()?,
            tokens_before: row.integer()?,
            source: row.word()?,
            details: row.json()?,
        })
    }
}

/// A piece of an extension's state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateRow {
    /// The extension.
    pub extension: String,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Value,
}

impl FromRow for StateRow {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self { extension: row.text()?, key: row.text()?, value: row.value() })
    }
}

/// A label of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The cell.
    pub cell_id: CellId,
    /// The label.
    pub label: String,
}

impl FromRow for Label {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self { cell_id: row.text()?, label: row.text()? })
    }
}

/// Where the notebook was forked from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The notebook.
    pub notebook_id: NotebookId,
    /// The cell in it.
    pub cell_id: CellId,
    /// The output of that cell.
    pub output_id: Option<OutputId>,
}

impl FromRow for Fork {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self { notebook_id: row.text()?, cell_id: row.text()?, output_id: row.maybe_text()? })
    }
}
