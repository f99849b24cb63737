//! A query as one SQL text and the values it is asked with.
//!
//! The same text serves every SQLite database that holds the tables, LiveStore's too.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{OutColumn, Query};
use crate::tables::{Bind, Column, Table};

/// A query ready for a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled<'a> {
    /// The SQL text. Equal queries have equal texts, so statements can be kept.
    pub sql: Cow<'static, str>,
    /// The values of its placeholders.
    pub binds: Vec<Bind<'a>>,
    /// The columns of the answer.
    pub columns: &'static [OutColumn],
}

/// What a single-table query asks for: a condition with the values it takes, and an order.
pub(crate) struct Select<'a> {
    pub(crate) equals: Vec<(&'static str, Cow<'a, str>)>,
    pub(crate) above: Option<(&'static str, i64)>,
    pub(crate) order: Sorted,
}

/// The order of rows.
pub(crate) enum Sorted {
    /// In the order of their writing.
    Log,
    /// By columns, then in the order of their writing.
    By(&'static [&'static str]),
    /// By the primary key.
    Key,
}

impl Query {
    /// Compiles the query.
    pub fn compile(&self) -> Compiled<'_> {
        let columns = self.columns();
        let (sql, binds) = match self {
            Self::BranchPath { leaf: None } => (BRANCH_DEFAULT.into(), vec![]),
            Self::BranchPath { leaf: Some(leaf) } => (BRANCH_OF.into(), vec![leaf.as_str().into()]),
            Self::RuntimeSessions => (SESSIONS.into(), vec![]),
            Self::LastCell => (LAST_CELL.into(), vec![]),
            Self::OutputHeads { cell: None } => (heads("").into(), vec![]),
            Self::OutputHeads { cell: Some(cell) } => {
                (heads("WHERE o.cellId = ?").into(), vec![cell.as_str().into()])
            }
            Self::LogSince { rowid, limit } => {
                let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
                (LOG_SINCE.into(), vec![(*rowid).into(), limit.into()])
            }
            Self::LogNamed { names, rowid, limit } => {
                let mut binds: Vec<Bind<'_>> = vec![(*rowid).into()];
                binds.extend(names.iter().map(|name| Bind::from(*name)));
                binds.push(i64::try_from(*limit).unwrap_or(i64::MAX).into());
                (log_named(names.len()).into(), binds)
            }
            Self::LastRowid => ("SELECT coalesce(max(rowid), 0) FROM events".into(), vec![]),
            _ => match (self.table(), self.select()) {
                (Some(table), Some(select)) => select.compile(table),
                _ => ("SELECT 1 WHERE 0".into(), vec![]),
            },
        };
        let sql = if matches!(self, Self::BranchPath { .. }) { branch_columns(&sql).into() } else { sql };
        Compiled { sql, binds, columns }
    }

    /// Describes a query of one table, for both kinds of store.
    pub(crate) fn select(&self) -> Option<Select<'_>> {
        let is = |column: &'static str, value| Select::new(vec![(column, Cow::Borrowed(value))], Sorted::Log);
        let all = || Select::new(vec![], Sorted::Log);
        Some(match self {
            Self::Cells => Select::new(vec![], Sorted::By(&["fractionalIndex", "id"])),
            Self::Cell(id) => is("id", id.as_str()),
            Self::OutputsOf(cell) => {
                Select::new(vec![("cellId", cell.as_str().into())], Sorted::By(&["position"]))
            }
            Self::Output(id) => is("id", id.as_str()),
            Self::DeltasAfter { output, seq } => Select {
                above: Some(("sequenceNumber", *seq)),
                ..Select::new(vec![("outputId", output.as_str().into())], Sorted::By(&["sequenceNumber"]))
            },
            Self::Queue { status: Some(status) } => is("status", status.as_str()),
            Self::QueueEntry(id) => is("id", id.as_str()),
            Self::Annotation(cell) | Self::QueueOf(cell) | Self::Steers(cell) | Self::ToolCalls(cell) => {
                is("cellId", cell.as_str())
            }
            Self::Lanes(session) => is("sessionId", session.as_str()),
            Self::State { extension, key: None } => {
                Select::new(vec![("extension", extension.as_str().into())], Sorted::Key)
            }
            Self::State { extension, key: Some(key) } => Select::new(
                vec![("extension", extension.as_str().into()), ("key", key.as_str().into())],
                Sorted::Key,
            ),
            Self::ToolCall(id) => is("toolCallId", id.as_str()),
            Self::ExecutionNote(id) => is("queueId", id.as_str()),
            Self::Queue { status: None }
            | Self::Annotations
            | Self::SelectedBranch
            | Self::ModelUsage
            | Self::Approvals
            | Self::Compactions
            | Self::Forks => all(),
            Self::Metadata | Self::Labels | Self::Table(_) => Select::new(vec![], Sorted::Key),
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

impl<'a> Select<'a> {
    fn new(equals: Vec<(&'static str, Cow<'a, str>)>, order: Sorted) -> Self {
        Self { equals, above: None, order }
    }

    fn compile(self, table: Table) -> (Cow<'static, str>, Vec<Bind<'a>>) {
        let def = table.def();
        let mut sql = format!("SELECT {} FROM {}", list("", def.columns), def.name);
        let mut joint = " WHERE";
        let mut binds = Vec::new();
        for (column, value) in self.equals {
            // Writing to a `String` cannot fail.
            let _ = write!(sql, "{joint} \"{column}\" = ?");
            binds.push(Bind::Text(value));
            joint = " AND";
        }
        if let Some((column, number)) = self.above {
            let _ = write!(sql, "{joint} \"{column}\" > ?");
            binds.push(number.into());
        }
        let order = match self.order {
            Sorted::Log => "rowid".to_owned(),
            Sorted::By(columns) => format!("\"{}\", rowid", columns.join("\", \"")),
            Sorted::Key => list("", &def.columns[..def.key]),
        };
        let _ = write!(sql, " ORDER BY {order}");
        (sql.into(), binds)
    }
}

fn list(prefix: &str, columns: &[Column]) -> String {
    columns.iter().map(|column| format!("{prefix}\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

fn branch_columns(sql: &str) -> String {
    let cells = list("c.", Table::Cells.def().columns);
    let annotations = list("a.", Table::Annotations.def().columns);
    sql.replace("{columns}", &format!("{cells}, {annotations}"))
}

const LOG_SINCE: &str = "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events \
     WHERE rowid > ? ORDER BY rowid LIMIT ?";

fn log_named(names: usize) -> String {
    let names = vec!["?"; names].join(", ");
    format!(
        "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events \
         WHERE rowid > ? AND name IN ({names}) ORDER BY rowid LIMIT ?"
    )
}

const LAST_CELL: &str = "SELECT * FROM cells ORDER BY fractionalIndex DESC, id DESC LIMIT 1";

fn heads(condition: &str) -> String {
    format!(
        "SELECT o.id, o.cellId, o.outputType, o.position, o.streamName, o.displayId, r.role, r.callId, \
         coalesce(r.opaque, 0) FROM outputs o LEFT JOIN outputRoles r ON r.outputId = o.id {condition} \
         ORDER BY o.cellId, o.position, o.rowid"
    )
}

const SESSIONS: &str = "SELECT s.*, l.lanes FROM runtimeSessions s \
     LEFT JOIN runtimeLanes l ON l.sessionId = s.sessionId ORDER BY s.rowid";

/// The path from a leaf up: an annotated cell follows its parent, one that nobody annotated (another application made
/// it) follows the cell that was made before it. Depth is bounded by the number of cells, so that a circle of parents,
/// which nothing forbids in a log, ends.
macro_rules! branch {
    ($leaf:literal) => {
        concat!(
            "WITH RECURSIVE path(id, depth) AS (SELECT leaf, 0 FROM (SELECT ",
            $leaf,
            " AS leaf) WHERE leaf IS NOT NULL UNION ALL \
             SELECT CASE WHEN a.cellId IS NOT NULL THEN a.parentId ELSE \
             (SELECT p.id FROM cells p WHERE p.rowid < c.rowid ORDER BY p.rowid DESC LIMIT 1) END, path.depth + 1 \
             FROM path LEFT JOIN cellAnnotations a ON a.cellId = path.id LEFT JOIN cells c ON c.id = path.id \
             WHERE path.id IS NOT NULL AND path.depth <= \
             (SELECT count(*) FROM cells) + (SELECT count(*) FROM cellAnnotations)), \
             once(id, depth) AS (SELECT id, min(depth) FROM path WHERE id IS NOT NULL GROUP BY id) \
             SELECT {columns} FROM once JOIN cells c ON c.id = once.id \
             LEFT JOIN cellAnnotations a ON a.cellId = once.id ORDER BY once.depth DESC"
        )
    };
}

const BRANCH_OF: &str = branch!("?");
const BRANCH_DEFAULT: &str = branch!(
    "coalesce((SELECT b.leafId FROM selectedBranch b WHERE b.leafId IN (SELECT id FROM cells) \
     OR b.leafId IN (SELECT cellId FROM cellAnnotations)), (SELECT id FROM cells ORDER BY rowid DESC LIMIT 1))"
);
