//! The columns of the answers that are not rows of one table.

use crate::tables::{Column, Kind, Literal, Table};

/// A column of an answer.
pub type OutColumn = Column;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, default: Literal::Null }
}

const fn joined<const N: usize>(first: &[Column], second: &[Column]) -> [Column; N] {
    let mut all = [column("", Kind::Text); N];
    let mut place = 0;
    while place < N {
        all[place] = if place < first.len() { first[place] } else { second[place - first.len()] };
        place += 1;
    }
    all
}

/// Columns of the log.
pub(super) const LOG: &[Column] = &[
    column("rowid", Kind::Integer),
    column("batch", Kind::Integer),
    column("seq", Kind::Integer),
    column("name", Kind::Text),
    column("args", Kind::Text),
    column("clientId", Kind::Text),
    column("sessionId", Kind::Text),
    column("at", Kind::Integer),
];
pub(super) const LAST: &[Column] = &[column("rowid", Kind::Integer)];
pub(super) const CELL: &[Column] = Table::Cells.def().columns;
pub(super) const ANNOTATION: &[Column] = Table::Annotations.def().columns;
pub(super) const BRANCH: &[Column] = &joined::<{ CELL.len() + ANNOTATION.len() }>(CELL, ANNOTATION);
pub(super) const HEADS: &[Column] = &[
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
pub(super) const SESSION: &[Column] = Table::Sessions.def().columns;
pub(super) const SESSIONS: &[Column] =
    &joined::<{ SESSION.len() + 1 }>(SESSION, &[column("lanes", Kind::Json)]);
