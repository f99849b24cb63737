//! Questions to a store: a closed set, answered by SQL in a database and by maps in memory.

use crate::ids::{CellId, OutputId, QueueId, RuntimeSessionId};
use crate::tables::{Kind, Scalar, Table};
use crate::values::QueueStatus;
use serde_json::Value;

mod columns;
mod shape;
mod sql;

pub use columns::OutColumn;
pub(crate) use shape::{Shape, Sorted};
pub(crate) use sql::Asked;
pub use sql::Compiled;

/// A question about the tables or the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Every cell, in cell order.
    Cells,
    /// One cell.
    Cell(CellId),
    /// The outputs of a cell, by position.
    OutputsOf(CellId),
    /// The cell that is last in cell order.
    LastCell,
    /// One output.
    Output(OutputId),
    /// The outputs of one cell or of all, by cell and position, without their content.
    OutputHeads {
        /// The cell.
        cell: Option<CellId>,
    },
    /// What was appended to an output after a number, by number.
    DeltasAfter {
        /// The output.
        output: OutputId,
        /// The last number that is known; -1 for all.
        seq: i64,
    },
    /// Every annotation, in the order of its writing.
    Annotations,
    /// The annotation of a cell.
    Annotation(CellId),
    /// The cells of a branch, root first, each with its annotation.
    BranchPath {
        /// The last cell; without it the selected leaf, or else the newest cell.
        leaf: Option<CellId>,
    },
    /// The selected branch.
    SelectedBranch,
    /// Entries of the execution queue, in log order.
    Queue {
        /// Those of one status.
        status: Option<QueueStatus>,
    },
    /// One entry of the execution queue.
    QueueEntry(QueueId),
    /// The queue entries of a cell, in log order.
    QueueOf(CellId),
    /// Every runtime session with its lanes, in log order.
    RuntimeSessions,
    /// The lanes of a runtime session; no row if it announced none.
    Lanes(RuntimeSessionId),
    /// Facts about the notebook.
    Metadata,
    /// State of an extension.
    State {
        /// The extension.
        extension: String,
        /// One key; without it all.
        key: Option<String>,
    },
    /// The messages sent while a cell ran, in log order.
    Steers(CellId),
    /// The tool calls of a cell, in log order.
    ToolCalls(CellId),
    /// One tool call.
    ToolCall(String),
    /// What model requests used, in log order.
    ModelUsage,
    /// Labels of cells.
    Labels,
    /// Requests for approval, in log order.
    Approvals,
    /// Compactions, in log order.
    Compactions,
    /// What is noted of an execution.
    ExecutionNote(QueueId),
    /// Where the notebook was forked from.
    Forks,
    /// A whole table by its primary key, for dumps.
    Table(Table),
    /// The log after a rowid.
    LogSince {
        /// The last rowid that is known; 0 for the beginning.
        rowid: i64,
        /// At most so many entries.
        limit: usize,
    },
    /// The log after a rowid, events of some wire names only.
    LogNamed {
        /// The wire names.
        names: &'static [&'static str],
        /// The last rowid that is known; 0 for the beginning.
        rowid: i64,
        /// At most so many entries.
        limit: usize,
    },
    /// The rowid of the log's last entry, 0 if it is empty.
    LastRowid,
}

/// The answer to a [`Query`]: rows of normalised values.
///
/// Booleans are booleans, JSON is JSON, absent is `null`, dates are ISO text.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Rows {
    /// The names of the columns.
    pub columns: &'static [OutColumn],
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Reads every row as a typed one.
    pub fn decode<T: crate::rows::FromRow>(self) -> Result<Vec<T>, crate::rows::DecodeError> {
        self.rows.into_iter().map(|row| T::from_row(&mut crate::rows::Row::new(row))).collect()
    }
}

impl Kind {
    /// Turns a stored value into JSON as rows show it: the one place where 0/1 and the text `null` are normalised.
    pub fn normalise(self, value: Scalar) -> Value {
        match (self, value) {
            (_, Scalar::Null) => Value::Null,
            (Self::Bool, Scalar::Integer(flag)) => Value::Bool(flag != 0),
            (Self::Real, Scalar::Integer(number)) => Value::from(number as f64),
            (_, Scalar::Integer(number)) => Value::from(number),
            (_, Scalar::Real(number)) => Value::from(number),
            (_, Scalar::Text(text)) => self.normalise_text(&text),
        }
    }

    /// As [`Kind::normalise`], for text that is at hand without a copy.
    pub fn normalise_text(self, text: &str) -> Value {
        match self {
            Self::Json => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
            _ => Value::from(text),
        }
    }
}
