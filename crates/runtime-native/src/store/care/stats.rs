//! What is in a notebook's file, and how much room it takes.

use std::fs;
use std::path::Path;

use purlin_notebook::Table;
use rusqlite::Connection;

use crate::store::OpenError;
use crate::store::aside::beside;
use crate::store::file::{self, opened};

/// What a notebook's file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The version of its tables.
    pub version: i32,
    /// The size of the file in bytes.
    pub file_bytes: u64,
    /// The size of the log beside it that is not moved into it yet, in bytes.
    pub wal_bytes: u64,
    /// The size of a page in bytes.
    pub page_size: u64,
    /// How many pages the database has.
    pub pages: u64,
    /// How many of them are free.
    pub free_pages: u64,
    /// How many events the log has.
    pub events: u64,
    /// In how many batches they were committed.
    pub batches: u64,
    /// The events by wire name, those that take the most room first.
    pub by_name: Vec<NameStats>,
    /// How many rows each table has, in the order of dumps; cells, outputs and deltas are among them.
    pub tables: Vec<(Table, u64)>,
    /// When the first event was committed, in Unix milliseconds.
    pub first_at: Option<i64>,
    /// When the last event was committed, in Unix milliseconds.
    pub last_at: Option<i64>,
}

/// The events of one wire name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameStats {
    /// The name.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// How many bytes the JSON text of their arguments takes.
    pub bytes: u64,
}

/// Counts what is in a notebook's file. Nothing is written.
///
/// # Errors
/// There is no such file, it is no notebook, or it cannot be read.
pub fn stats(path: &Path) -> Result<Stats, OpenError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let mut stats =
        Stats { file_bytes: size(path), wal_bytes: size(&beside(path, "-wal")), ..Stats::default() };
    if let Some(connection) = opened(path)? {
        count(&connection, &mut stats).map_err(|error| file::unreadable(path, &error))?;
    }
    Ok(stats)
}

fn count(connection: &Connection, stats: &mut Stats) -> Result<(), rusqlite::Error> {
    connection.execute_batch("BEGIN")?;
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    stats.version = pragma("user_version")? as i32;
    stats.page_size = pragma("page_size")? as u64;
    stats.pages = pragma("page_count")? as u64;
    stats.free_pages = pragma("freelist_count")? as u64;
    (stats.events, stats.batches, stats.first_at, stats.last_at) = connection.query_row(
        "SELECT count(*), count(DISTINCT batch), min(at), max(at) FROM events",
        [],
        |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64, row.get(2)?, row.get(3)?)),
    )?;
    let mut names = connection.prepare(
        "SELECT name, count(*), sum(length(CAST(args AS BLOB))) AS bytes FROM events GROUP BY name \
         ORDER BY bytes DESC, name",
    )?;
    stats.by_name = names
        .query_map([], |row| {
            let (count, bytes): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(NameStats { name: row.get(0)?, count: count as u64, bytes: bytes as u64 })
        })?
        .collect::<Result<_, _>>()?;
    for table in Table::ALL {
        // A file of an older version may not have it yet.
        let rows =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
        stats.tables.extend(rows.ok().map(|rows| (*table, rows as u64)));
    }
    Ok(())
}
