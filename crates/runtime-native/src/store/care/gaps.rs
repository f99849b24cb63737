//! Gaps in a log: places at which there is no event.
//!
//! No commit leaves one, so a gap is damage. What a repair could not save stays missing for ever, and the places of the
//! other events are never changed, so the repair notes the gap in a table of its own, and it is known from then on.

use std::ops::RangeInclusive;

use rusqlite::Connection;

/// Places that follow one another, none of which has an event.
pub(super) type Gap = RangeInclusive<i64>;

const FIND: &str = "SELECT before + 1, place - 1 FROM \
     (SELECT rowid AS place, lag(rowid, 1, 0) OVER (ORDER BY rowid) AS before FROM events) WHERE place > before + 1";

/// Finds the gaps before the last event.
pub(super) fn find(connection: &Connection) -> Result<Vec<Gap>, rusqlite::Error> {
    read(connection, FIND)
}

/// Reads the gaps that a repair has noted; where that cannot be read, none is known.
pub(super) fn known(connection: &Connection) -> Vec<Gap> {
    read(connection, "SELECT first, last FROM gaps").unwrap_or_default()
}

/// Notes the gaps that a repair leaves.
pub(super) fn note(connection: &Connection, gaps: &[Gap]) -> Result<(), rusqlite::Error> {
    if gaps.is_empty() {
        return Ok(());
    }
    connection
        .execute_batch("CREATE TABLE gaps (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT")?;
    let mut insert = connection.prepare("INSERT INTO gaps (first, last) VALUES (?, ?)")?;
    gaps.iter().try_for_each(|gap| insert.execute([*gap.start(), *gap.end()]).map(|_| ()))
}

/// Tells whether a gap lies within one of these.
pub(super) fn is_within(gap: &Gap, known: &[Gap]) -> bool {
    known.iter().any(|it| it.start() <= gap.start() && gap.end() <= it.end())
}

/// A gap in words.
pub(super) fn shown(gap: &Gap) -> String {
    if gap.start() == gap.end() {
        gap.start().to_string()
    } else {
        format!("{} to {}", gap.start(), gap.end())
    }
}

fn read(connection: &Connection, sql: &str) -> Result<Vec<Gap>, rusqlite::Error> {
    let mut statement = connection.prepare(sql)?;
    statement.query_map([], |row| Ok(row.get(0)?..=row.get(1)?))?.collect()
}
