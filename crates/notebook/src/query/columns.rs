//! The columns of every answer.

use super::Query;
use crate::tables::{Column, Kind, Literal, Table};

/// A column of an answer.
pub type OutColumn = Column;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, default: Literal::Null }
}

/// Columns of the log.
const LOG: &[Column] = &[
    column("rowid", Kind::Integer),
    column("batch", Kind::Integer),
    column("seq", Kind::Integer),
    column("name", Kind::Text),
    column("args", Kind::Text),
    column("clientId", Kind::Text),
    column("sessionId", Kind::Text),
    column("at", Kind::Integer),
];

const LAST: &[Column] = &[column("rowid", Kind::Integer)];

const fn joined<const N: usize>(first: &[Column], second: &[Column]) -> [Column; N] {
    let mut all = [column("", Kind::Text); N];
    let mut place = 0;
    while place < N {
        all[place] = if place < first.len() { first[place] } else { second[place - first.len()] };
        place += 1;
    }
    all
}

const CELL: &[Column] = Table::Cells.def().columns;
const ANNOTATION: &[Column] = Table::Annotations.def().columns;
const BRANCH: &[Column] = &joined::<{ CELL.len() + ANNOTATION.len() }>(CELL, ANNOTATION);
const HEADS: &[Column] = &[
    column("id", Kind::Text),
    column("cellId", Kind::Text),
    column("outputType", Kind::Text),
    column("position", Kind::Real),
    column("streamName", Kind::Text),
    column("displayId", Kind::Text),
    column("role", Kind::Text),
    column("callId", Kind::Text),
    column("opaque", Kind::Bool),
];
const SESSION: &[Column] = Table::Sessions.def().columns;
const SESSIONS: &[Column] = &joined::<{ SESSION.len() + 1 }>(SESSION, &[column("lanes", Kind::Json)]);

impl Query {
    /// Returns the columns of the answer.
    pub fn columns(&self) -> &'static [OutColumn] {
        match self {
            Self::BranchPath { .. } => BRANCH,
            Self::RuntimeSessions => SESSIONS,
            Self::LastCell => CELL,
            Self::OutputHeads { .. } => HEADS,
            Self::LogSince { .. } | Self::LogNamed { .. } => LOG,
            Self::LastRowid => LAST,
            other => other.table().map_or(&[], |table| table.def().columns),
        }
    }

    /// Returns the table that the rows come from, where they are rows of one table.
    pub fn table(&self) -> Option<Table> {
        Some(match self {
            Self::Cells | Self::Cell(_) => Table::Cells,
            Self::OutputsOf(_) | Self::Output(_) => Table::Outputs,
            Self::DeltasAfter { .. } => Table::Deltas,
            Self::Annotations | Self::Annotation(_) => Table::Annotations,
            Self::SelectedBranch => Table::Branch,
            Self::Queue { .. } | Self::QueueEntry(_) | Self::QueueOf(_) => Table::Queue,
            Self::Lanes(_) => Table::Lanes,
            Self::Metadata => Table::Metadata,
            Self::State { .. } => Table::State,
            Self::Steers(_) => Table::Steers,
            Self::ToolCalls(_) | Self::ToolCall(_) => Table::Tools,
            Self::ModelUsage => Table::ModelUsage,
            Self::Labels => Table::Labels,
            Self::Approvals => Table::Approvals,
            Self::Compactions => Table::Compactions,
            Self::ExecutionNote(_) => Table::ExecutionNotes,
            Self::Forks => Table::Forks,
            Self::Table(table) => *table,
            Self::BranchPath { .. }
            | Self::RuntimeSessions
            | Self::LogSince { .. }
            | Self::LogNamed { .. }
            | Self::LastRowid
            | Self::LastCell
            | Self::OutputHeads { .. } => {
                return None;
            }
        })
    }
}
