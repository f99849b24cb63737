//! A query as one SQL text and the values it is asked with.
//!
//! The same text serves every SQLite database that holds the tables, LiveStore's too. Texts are written once, so that a
//! query costs no formatting and a database finds its prepared statement by a text that never changes.

use std::sync::LazyLock;

use super::Query;
use super::columns::{ANNOTATION, BRANCH, CELL, HEADS, LAST, LOG, OutColumn, SESSION, SESSIONS};
use super::shape::{Shape, Sorted, list};
use crate::tables::{Bind, Column, Table};

use Sorted::{By, Key, Log};

/// A query ready for a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled<'a> {
    /// The SQL text. Equal queries have equal texts, so statements can be kept.
    pub sql: &'static str,
    /// The values of its placeholders.
    pub binds: Vec<Bind<'a>>,
    /// The columns of the answer.
    pub columns: &'static [OutColumn],
}

/// How a query is answered.
pub(crate) enum Asked<'a> {
    /// By rows of one table, with the values of the question.
    Rows(&'static Shape, Vec<Bind<'a>>),
    /// By a text of its own.
    Text(&'static str, Vec<Bind<'a>>, &'static [Column]),
}

macro_rules! shapes {
    ($($name:ident = $table:ident, $equals:expr, $order:expr;)*) => {
        $(static $name: Shape = Shape::new(Table::$table, &$equals, $order);)*
    };
}

shapes! {
    CELLS = Cells, [], By(&["fractionalIndex", "id"]);
    CELL_BY_ID = Cells, ["id"], Log;
    OUTPUTS_OF = Outputs, ["cellId"], By(&["position"]);
    OUTPUT = Outputs, ["id"], Log;
    ANNOTATIONS = Annotations, [], Log;
    ANNOTATION_OF = Annotations, ["cellId"], Log;
    SELECTED = Branch, [], Log;
    QUEUE = Queue, [], Log;
    QUEUE_BY_STATUS = Queue, ["status"], Log;
    QUEUE_ENTRY = Queue, ["id"], Log;
    QUEUE_OF = Queue, ["cellId"], Log;
    LANES = Lanes, ["sessionId"], Log;
    METADATA = Metadata, [], Key;
    STATE = State, ["extension"], Key;
    STATE_BY_KEY = State, ["extension", "key"], Key;
    STEERS = Steers, ["cellId"], Log;
    TOOL_CALLS = Tools, ["cellId"], Log;
    TOOL_CALL = Tools, ["toolCallId"], Log;
    MODEL_USAGE = ModelUsage, [], Log;
    LABELS = Labels, [], Key;
    APPROVALS = Approvals, [], Log;
    COMPACTIONS = Compactions, [], Log;
    EXECUTION_NOTE = ExecutionNotes, ["queueId"], Log;
    FORKS = Forks, [], Log;
}

static DELTAS: Shape =
    Shape::new(Table::Deltas, &["outputId"], By(&["sequenceNumber"])).above("sequenceNumber");

/// Whole tables, in the order of [`Table::ALL`].
static TABLES: LazyLock<Vec<Shape>> =
    LazyLock::new(|| Table::ALL.iter().map(|table| Shape::new(*table, &[], Key)).collect());

impl Query {
    /// Compiles the query.
    pub fn compile(&self) -> Compiled<'_> {
        match self.asked() {
            Asked::Rows(shape, binds) => {
                Compiled { sql: shape.sql(), binds, columns: shape.table.def().columns }
            }
            Asked::Text(sql, binds, columns) => Compiled { sql, binds, columns },
        }
    }

    /// Returns the columns of the answer.
    pub fn columns(&self) -> &'static [OutColumn] {
        self.compile().columns
    }

    /// Tells how the query is answered, for both kinds of store.
    pub(crate) fn asked(&self) -> Asked<'_> {
        let all = |shape| Asked::Rows(shape, Vec::new());
        let by = |shape, value| Asked::Rows(shape, vec![Bind::from(value)]);
        let limited = |limit: usize| Bind::from(i64::try_from(limit).unwrap_or(i64::MAX));
        match self {
            Self::Cells => all(&CELLS),
            Self::Cell(id) => by(&CELL_BY_ID, id.as_str()),
            Self::OutputsOf(cell) => by(&OUTPUTS_OF, cell.as_str()),
            Self::Output(id) => by(&OUTPUT, id.as_str()),
            Self::DeltasAfter { output, seq } => {
                Asked::Rows(&DELTAS, vec![output.as_str().into(), (*seq).into()])
            }
            Self::Annotations => all(&ANNOTATIONS),
            Self::Annotation(cell) => by(&ANNOTATION_OF, cell.as_str()),
            Self::SelectedBranch => all(&SELECTED),
            Self::Queue { status: None } => all(&QUEUE),
            Self::Queue { status: Some(status) } => by(&QUEUE_BY_STATUS, status.as_str()),
            Self::QueueEntry(id) => by(&QUEUE_ENTRY, id.as_str()),
            Self::QueueOf(cell) => by(&QUEUE_OF, cell.as_str()),
            Self::Lanes(session) => by(&LANES, session.as_str()),
            Self::Metadata => all(&METADATA),
            Self::State { extension, key: None } => by(&STATE, extension.as_str()),
            Self::State { extension, key: Some(key) } => {
                Asked::Rows(&STATE_BY_KEY, vec![extension.as_str().into(), key.as_str().into()])
            }
            Self::Steers(cell) => by(&STEERS, cell.as_str()),
            Self::ToolCalls(cell) => by(&TOOL_CALLS, cell.as_str()),
            Self::ToolCall(id) => by(&TOOL_CALL, id.as_str()),
            Self::ModelUsage => all(&MODEL_USAGE),
            Self::Labels => all(&LABELS),
            Self::Approvals => all(&APPROVALS),
            Self::Compactions => all(&COMPACTIONS),
            Self::ExecutionNote(id) => by(&EXECUTION_NOTE, id.as_str()),
            Self::Forks => all(&FORKS),
            Self::Table(table) => all(&TABLES[*table as usize]),
            Self::BranchPath { leaf: None } => Asked::Text(&BRANCH_DEFAULT, vec![], BRANCH),
            Self::BranchPath { leaf: Some(leaf) } => {
                Asked::Text(&BRANCH_OF, vec![leaf.as_str().into()], BRANCH)
            }
            Self::RuntimeSessions => Asked::Text(&ALL_SESSIONS, vec![], SESSIONS),
            Self::LastCell => Asked::Text(&LAST_CELL, vec![], CELL),
            Self::OutputHeads { cell: None } => Asked::Text(HEADS_OF_ALL, vec![], HEADS),
            Self::OutputHeads { cell: Some(cell) } => {
                Asked::Text(HEADS_OF_CELL, vec![cell.as_str().into()], HEADS)
            }
            Self::LogSince { rowid, limit } => {
                Asked::Text(LOG_SINCE, vec![(*rowid).into(), limited(*limit)], LOG)
            }
            Self::LogNamed { names, rowid, limit } => {
                let names = serde_json::Value::from(names.to_vec()).to_string();
                Asked::Text(LOG_NAMED, vec![(*rowid).into(), names.into(), limited(*limit)], LOG)
            }
            Self::LastRowid => Asked::Text(LAST_ROWID, vec![], LAST),
        }
    }
}

const LAST_ROWID: &str = "SELECT coalesce(max(rowid), 0) FROM events";

const LOG_SINCE: &str = "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events \
     WHERE rowid > ? ORDER BY rowid LIMIT ?";

/// The names are one value, a JSON array, so that the text does not depend on their number.
const LOG_NAMED: &str = "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events \
     WHERE rowid > ? AND name IN (SELECT value FROM json_each(?)) ORDER BY rowid LIMIT ?";

static LAST_CELL: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM cells ORDER BY \"fractionalIndex\" DESC, \"id\" DESC LIMIT 1", list("", CELL))
});

macro_rules! heads {
    ($condition:literal) => {
        concat!(
            "SELECT o.id, o.cellId, o.outputType, o.position, o.streamName, o.displayId, r.role, r.callId, \
             coalesce(r.opaque, 0) FROM outputs o LEFT JOIN outputRoles r ON r.outputId = o.id ",
            $condition,
            "ORDER BY o.cellId, o.position, o.rowid"
        )
    };
}

const HEADS_OF_ALL: &str = heads!("");
const HEADS_OF_CELL: &str = heads!("WHERE o.cellId = ? ");

static ALL_SESSIONS: LazyLock<String> = LazyLock::new(|| {
    let columns = list("s.", SESSION);
    format!(
        "SELECT {columns}, l.lanes FROM runtimeSessions s \
         LEFT JOIN runtimeLanes l ON l.sessionId = s.sessionId ORDER BY s.rowid"
    )
});

static BRANCH_OF: LazyLock<String> = LazyLock::new(|| branch("?"));
static BRANCH_DEFAULT: LazyLock<String> = LazyLock::new(|| {
    branch(
        "coalesce((SELECT b.leafId FROM selectedBranch b WHERE b.leafId IN (SELECT id FROM cells) \
         OR b.leafId IN (SELECT cellId FROM cellAnnotations)), (SELECT id FROM cells ORDER BY rowid DESC LIMIT 1))",
    )
});

/// The path from a leaf up: an annotated cell follows its parent, one that nobody annotated (another application made
/// it) follows the cell that was made before it. Depth is bounded by the number of cells, so that a circle of parents,
/// which nothing forbids in a log, ends.
fn branch(leaf: &str) -> String {
    let columns = [list("c.", CELL), list("a.", ANNOTATION)].join(", ");
    format!(
        "WITH RECURSIVE path(id, depth) AS (SELECT leaf, 0 FROM (SELECT {leaf} AS leaf) WHERE leaf IS NOT NULL UNION ALL \
         SELECT CASE WHEN a.cellId IS NOT NULL THEN a.parentId ELSE \
         (SELECT p.id FROM cells p WHERE p.rowid < c.rowid ORDER BY p.rowid DESC LIMIT 1) END, path.depth + 1 \
         FROM path LEFT JOIN cellAnnotations a ON a.cellId = path.id LEFT JOIN cells c ON c.id = path.id \
         WHERE path.id IS NOT NULL AND path.depth <= \
         (SELECT count(*) FROM cells) + (SELECT count(*) FROM cellAnnotations)), \
         once(id, depth) AS (SELECT id, min(depth) FROM path WHERE id IS NOT NULL GROUP BY id) \
         SELECT {columns} FROM once JOIN cells c ON c.id = once.id \
         LEFT JOIN cellAnnotations a ON a.cellId = once.id ORDER BY once.depth DESC"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_queries_have_one_text() {
        let one = Query::Cell("a".into());
        let two = Query::Cell("b".into());
        assert!(std::ptr::eq(one.compile().sql, two.compile().sql));
        assert!(std::ptr::eq(Query::LastCell.compile().sql, Query::LastCell.compile().sql));
        assert_eq!(
            Query::DeltasAfter { output: "o".into(), seq: 1 }.compile().sql,
            "SELECT \"id\", \"outputId\", \"delta\", \"sequenceNumber\" FROM output_deltas \
             WHERE \"outputId\" = ? AND \"sequenceNumber\" > ? ORDER BY \"sequenceNumber\", rowid"
        );
    }
}
