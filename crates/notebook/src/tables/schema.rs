//! The columns of every table, and the statements that create them.

use super::{Scalar, Table};
use crate::OutputId;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; ids, words of a vocabulary and ISO dates too.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A boolean as 0 or 1.
    Bool,
    /// JSON as text.
    Json,
}

/// A column's value where an insert does not give one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Nothing; the column may be null.
    Null,
    /// The insert must give a value.
    Required,
    /// A text.
    Text(&'static str),
    /// A number.
    Integer(i64),
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table and in rows.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its value where none is given.
    pub default: Literal,
}

/// One table: its columns and its indexes.
#[derive(Clone, Copy, Debug)]
pub struct TableDef {
    /// Its name in the database.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// Places of the columns that are the primary key.
    pub key: &'static [usize],
    /// Places of the columns of further indexes.
    pub indexes: &'static [&'static [usize]],
    /// A column that is unique as well.
    pub unique: Option<UniqueWhere>,
}

/// A column whose texts are unique among the rows that meet a condition; the other rows have no entry in its index.
#[derive(Clone, Copy, Debug)]
pub struct UniqueWhere {
    /// Its place.
    pub column: usize,
    /// The condition for a database.
    pub sql: &'static str,
    /// The same condition for the values of a row.
    pub holds: fn(&[Scalar]) -> bool,
}

/// The version of the tables' form, kept as the database's `user_version`. A file with a higher one is read only.
pub const SCHEMA_VERSION: i32 = 4;

const fn req(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, default: Literal::Required }
}

const fn opt(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, default: Literal::Null }
}

const fn int(name: &'static str, kind: Kind, value: i64) -> Column {
    Column { name, kind, default: Literal::Integer(value) }
}

const fn text(name: &'static str, value: &'static str) -> Column {
    Column { name, kind: Kind::Text, default: Literal::Text(value) }
}

macro_rules! def {
    ($name:literal, $key:expr, [$($column:expr),* $(,)?], [$($index:expr),* $(,)?]) => {
        const {
            &TableDef {
                name: $name,
                columns: &[$($column),*],
                key: &$key,
                indexes: &[$($index),*],
                unique: None,
            }
        }
    };
}

use Kind::{Bool, Integer, Json, Real, Text};

impl Table {
    /// Returns the table's definition.
    pub const fn def(self) -> &'static TableDef {
        match self {
            Self::Debug => def!("debug", [0], [req("id", Text), text("version", "1")], []),
            Self::Files => FILES,
            Self::Presence => def!("presence", [0], [req("userId", Text), opt("cellId", Text)], []),
            Self::Metadata => def!("notebookMetadata", [0], [req("key", Text), req("value", Text)], []),
            Self::Cells => CELLS,
            Self::Outputs => OUTPUTS,
            Self::Deltas => DELTAS,
            Self::PendingClears => {
                def!("pendingClears", [0], [req("cellId", Text), req("clearedBy", Text)], [])
            }
            Self::Sessions => SESSIONS,
            Self::Queue => QUEUE,
            Self::Actors => ACTORS,
            Self::Approvals => APPROVALS,
            Self::Annotations => ANNOTATIONS,
            Self::Lanes => def!("runtimeLanes", [0], [req("sessionId", Text), req("lanes", Json)], []),
            Self::Branch => def!("selectedBranch", [0], [req("id", Text), opt("leafId", Text)], []),
            Self::Labels => def!("cellLabels", [0], [req("cellId", Text), req("label", Text)], []),
            Self::Steers => STEERS,
            Self::Tools => TOOLS,
            Self::ModelUsage => MODEL_USAGE,
            Self::Compactions => COMPACTIONS,
            Self::ExecutionNotes => EXECUTION_NOTES,
            Self::State => STATE,
            Self::Forks => FORKS,
            Self::OutputRoles => OUTPUT_ROLES,
            Self::Replicas => def!(
                "runtimeReplicas",
                [0],
                [req("sessionId", Text), req("clientId", Text), req("replicaId", Text)],
                []
            ),
        }
    }
}

const FILES: &TableDef = def!(
    "files",
    [0],
    [
        req("fileName", Text),
        req("mimeType", Text),
        req("artifactId", Text),
        opt("createdAt", Text),
        req("createdBy", Text),
        opt("deletedAt", Text),
        opt("fileUrl", Text),
    ],
    []
);

const CELLS: &TableDef = def!(
    "cells",
    [0],
    [
        req("id", Text),
        req("cellType", Text),
        text("source", ""),
        opt("fractionalIndex", Text),
        opt("executionCount", Integer),
        text("executionState", "idle"),
        opt("assignedRuntimeSession", Text),
        opt("lastExecutionDurationMs", Integer),
        opt("sqlConnectionId", Text),
        opt("sqlResultVariable", Text),
        opt("aiProvider", Text),
        opt("aiModel", Text),
        opt("aiSettings", Json),
        int("sourceVisible", Bool, 1),
        int("outputVisible", Bool, 1),
        int("aiContextVisible", Bool, 1),
        req("createdBy", Text),
    ],
    [&[3, 0]]
);

const OUTPUTS: &TableDef = def!(
    "outputs",
    [0],
    [
        req("id", Text),
        req("cellId", Text),
        req("outputType", Text),
        req("position", Real),
        opt("streamName", Text),
        opt("executionCount", Integer),
        opt("displayId", Text),
        opt("data", Text),
        opt("artifactId", Text),
        opt("mimeType", Text),
        opt("metadata", Json),
        opt("representations", Json),
    ],
    [&[1, 3], &[6]]
);

/// Text that is appended is most of what a session commits, so a delta costs one entry of an index besides its row: its
/// id has an entry of its own only where it is not the one that follows from output and number.
const DELTAS: &TableDef = &TableDef {
    name: "output_deltas",
    columns: &[req("id", Text), req("outputId", Text), text("delta", ""), req("sequenceNumber", Integer)],
    key: &[1, 3],
    indexes: &[],
    unique: Some(UniqueWhere {
        column: 0,
        sql: "id <> substr(outputId, -17) || '.' || sequenceNumber",
        holds: has_foreign_id,
    }),
};

/// Tells whether the id of a delta is another than [`OutputId::delta`] makes.
fn has_foreign_id(row: &[Scalar]) -> bool {
    let [Scalar::Text(id), Scalar::Text(output), _, Scalar::Integer(number)] = row else { return true };
    !OutputId::is_delta(output, *number, id)
}

const SESSIONS: &TableDef = def!(
    "runtimeSessions",
    [0],
    [
        req("sessionId", Text),
        req("runtimeId", Text),
        text("runtimeType", "python3"),
        req("status", Text),
        int("isActive", Bool, 1),
        int("canExecuteCode", Bool, 0),
        int("canExecuteSql", Bool, 0),
        int("canExecuteAi", Bool, 0),
        opt("availableAiModels", Json),
        opt("lastRenewedAt", Text),
        opt("expiresAt", Text),
    ],
    []
);

const QUEUE: &TableDef = def!(
    "executionQueue",
    [0],
    [
        req("id", Text),
        req("cellId", Text),
        req("executionCount", Integer),
        req("requestedBy", Text),
        text("status", "pending"),
        opt("assignedRuntimeSession", Text),
        opt("startedAt", Text),
        opt("completedAt", Text),
        opt("executionDurationMs", Integer),
    ],
    [&[1], &[4]]
);

const ACTORS: &TableDef = def!(
    "actors",
    [0],
    [req("id", Text), req("type", Text), req("displayName", Text), opt("avatar", Text),],
    []
);

const APPROVALS: &TableDef = def!(
    "toolApprovals",
    [0],
    [
        req("toolCallId", Text),
        req("cellId", Text),
        req("toolName", Text),
        req("status", Text),
        opt("approvedBy", Text),
        req("requestedAt", Text),
        opt("respondedAt", Text),
    ],
    []
);

const ANNOTATIONS: &TableDef = def!(
    "cellAnnotations",
    [0],
    [
        req("cellId", Text),
        req("kind", Text),
        int("hidden", Bool, 0),
        opt("parentId", Text),
        opt("afterOutput", Text),
        opt("extension", Text),
        opt("attachments", Json),
        int("prepared", Bool, 0),
        opt("preparedText", Text),
        opt("data", Json),
    ],
    []
);

const STEERS: &TableDef = def!(
    "steers",
    [0],
    [
        req("id", Text),
        req("cellId", Text),
        req("text", Text),
        opt("attachments", Json),
        req("sentBy", Text),
        opt("takenOutput", Text),
    ],
    [&[1]]
);

const TOOLS: &TableDef = def!(
    "toolCalls",
    [0],
    [
        req("toolCallId", Text),
        opt("cellId", Text),
        opt("outputId", Text),
        opt("arguments", Json),
        opt("status", Text),
        opt("durationMs", Integer),
    ],
    [&[1]]
);

const MODEL_USAGE: &TableDef = def!(
    "modelUsage",
    [0],
    [
        req("id", Text),
        req("cellId", Text),
        req("queueId", Text),
        req("provider", Text),
        req("model", Text),
        req("input", Integer),
        req("output", Integer),
        req("cacheRead", Integer),
        req("cacheWrite", Integer),
        opt("costMicros", Integer),
        opt("finishReason", Text),
    ],
    []
);

const COMPACTIONS: &TableDef = def!(
    "compactions",
    [0],
    [
        req("id", Text),
        req("leafId", Text),
        req("summary", Text),
        req("firstKeptId", Text),
        req("tokensBefore", Integer),
        req("source", Text),
        opt("details", Json),
    ],
    []
);

const EXECUTION_NOTES: &TableDef = def!(
    "executionNotes",
    [0],
    [req("queueId", Text), req("source", Text), opt("reason", Text), opt("error", Text),],
    []
);

const STATE: &TableDef =
    def!("extensionState", [0, 1], [req("extension", Text), req("key", Text), req("value", Json),], []);

const FORKS: &TableDef =
    def!("forkedFrom", [0], [req("notebookId", Text), req("cellId", Text), opt("outputId", Text),], []);

const OUTPUT_ROLES: &TableDef = def!(
    "outputRoles",
    [0],
    [req("outputId", Text), req("role", Text), opt("callId", Text), int("opaque", Bool, 0)],
    []
);

impl TableDef {
    /// Returns the place of a column, if the table has it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    fn create(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(Column::declaration).collect();
        let key: Vec<&str> = self.key.iter().map(|place| self.columns[*place].name).collect();
        format!(
            "CREATE TABLE {} ({}, PRIMARY KEY ({})) STRICT",
            self.name,
            columns.join(", "),
            key.join(", ")
        )
    }
}

impl Column {
    fn declaration(&self) -> String {
        let kind = match self.kind {
            Text | Json => "TEXT",
            Integer | Bool => "INTEGER",
            Real => "REAL",
        };
        let rest = match self.default {
            Literal::Null => String::new(),
            Literal::Required => " NOT NULL".to_owned(),
            Literal::Text(text) => format!(" NOT NULL DEFAULT '{text}'"),
            Literal::Integer(number) => format!(" NOT NULL DEFAULT {number}"),
        };
        format!("\"{}\" {kind}{rest}", self.name)
    }
}

/// Returns the SQL statements that create every table and its indexes in an empty database.
pub fn create_statements() -> Vec<String> {
    let mut statements = Vec::new();
    for table in Table::ALL {
        let def = table.def();
        statements.push(def.create());
        for places in def.indexes {
            let names: Vec<&str> = places.iter().map(|place| def.columns[*place].name).collect();
            statements.push(format!(
                "CREATE INDEX {}_{} ON {} ({})",
                def.name,
                names.join("_"),
                def.name,
                names.join(", ")
            ));
        }
        if let Some(unique) = &def.unique {
            let (table, column) = (def.name, def.columns[unique.column].name);
            statements.push(format!(
                "CREATE UNIQUE INDEX {table}_{column} ON {table} ({column}) WHERE {}",
                unique.sql
            ));
        }
    }
    statements
}
