//! The columns of every table, and the statements that create them.

use super::Table;

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

/// One table: its columns, the first `key` of which are the primary key, and its indexes.
#[derive(Clone, Copy, Debug)]
pub struct TableDef {
    /// Its name in the database.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// How many of the first columns are the primary key.
    pub key: usize,
    /// Columns of further indexes, and whether they are unique.
    pub indexes: &'static [(&'static [usize], bool)],
}

/// The version of the tables' form, kept as the database's `user_version`. A file with a higher one is read only.
pub const SCHEMA_VERSION: i32 = 3;

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
    ($name:literal, $key:literal, [$($column:expr),* $(,)?], [$($index:expr),* $(,)?]) => {
        const { &TableDef { name: $name, columns: &[$($column),*], key: $key, indexes: &[$($index),*] } }
    };
}

use Kind::{Bool, Integer, Json, Real, Text};

impl Table {
    /// Returns the table's definition.
    pub const fn def(self) -> &'static TableDef {
        match self {
            Self::Debug => def!("debug", 1, [req("id", Text), text("version", "1")], []),
            Self::Files => FILES,
            Self::Presence => def!("presence", 1, [req("userId", Text), opt("cellId", Text)], []),
            Self::Metadata => def!("notebookMetadata", 1, [req("key", Text), req("value", Text)], []),
            Self::Cells => CELLS,
            Self::Outputs => OUTPUTS,
            Self::Deltas => DELTAS,
            Self::PendingClears => {
                def!("pendingClears", 1, [req("cellId", Text), req("clearedBy", Text)], [])
            }
            Self::Sessions => SESSIONS,
            Self::Queue => QUEUE,
            Self::Actors => ACTORS,
            Self::Approvals => APPROVALS,
            Self::Annotations => ANNOTATIONS,
            Self::Lanes => def!("runtimeLanes", 1, [req("sessionId", Text), req("lanes", Json)], []),
            Self::Branch => def!("selectedBranch", 1, [req("id", Text), opt("leafId", Text)], []),
            Self::Labels => def!("cellLabels", 1, [req("cellId", Text), req("label", Text)], []),
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
                1,
                [req("sessionId", Text), req("clientId", Text), req("replicaId", Text)],
                []
            ),
        }
    }
}

const FILES: &TableDef = def!(
    "files",
    1,
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
    1,
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
    [(&[3, 0], false)]
);

const OUTPUTS: &TableDef = def!(
    "outputs",
    1,
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
    [(&[1, 3], false), (&[6], false)]
);

const DELTAS: &TableDef = def!(
    "output_deltas",
    1,
    [req("id", Text), req("outputId", Text), text("delta", ""), req("sequenceNumber", Integer),],
    [(&[1, 3], true)]
);

const SESSIONS: &TableDef = def!(
    "runtimeSessions",
    1,
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
    1,
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
    [(&[1], false), (&[4], false)]
);

const ACTORS: &TableDef = def!(
    "actors",
    1,
    [req("id", Text), req("type", Text), req("displayName", Text), opt("avatar", Text),],
    []
);

const APPROVALS: &TableDef = def!(
    "toolApprovals",
    1,
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
    1,
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
    1,
    [
        req("id", Text),
        req("cellId", Text),
        req("text", Text),
        opt("attachments", Json),
        req("sentBy", Text),
        opt("takenOutput", Text),
    ],
    [(&[1], false)]
);

const TOOLS: &TableDef = def!(
    "toolCalls",
    1,
    [
        req("toolCallId", Text),
        opt("cellId", Text),
        opt("outputId", Text),
        opt("arguments", Json),
        opt("status", Text),
        opt("durationMs", Integer),
    ],
    [(&[1], false)]
);

const MODEL_USAGE: &TableDef = def!(
    "modelUsage",
    1,
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
    1,
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
    1,
    [req("queueId", Text), req("source", Text), opt("reason", Text), opt("error", Text),],
    []
);

const STATE: &TableDef =
    def!("extensionState", 2, [req("extension", Text), req("key", Text), req("value", Json),], []);

const FORKS: &TableDef =
    def!("forkedFrom", 1, [req("notebookId", Text), req("cellId", Text), opt("outputId", Text),], []);

const OUTPUT_ROLES: &TableDef = def!(
    "outputRoles",
    1,
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
        let key: Vec<&str> = self.columns[..self.key].iter().map(|c| c.name).collect();
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
        for (columns, unique) in def.indexes {
            let names: Vec<&str> = columns.iter().map(|c| def.columns[*c].name).collect();
            let unique = if *unique { "UNIQUE " } else { "" };
            statements.push(format!(
                "CREATE {unique}INDEX {}_{} ON {} ({})",
                def.name,
                names.join("_"),
                def.name,
                names.join(", ")
            ));
        }
    }
    statements
}
