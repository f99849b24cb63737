//! Taking from a log what can be read of it.

use std::collections::BTreeSet;
use std::fs::File;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, Statement};

use super::dig::Pages;
use super::gaps::{self, Gap};

/// How many places in a row may be unreadable before the search for more is given up.
const MISSES: i64 = 100_000;
/// How many gaps and batches are named at most.
const NAMED: usize = 12;

/// How many columns the log has.
pub(super) const COLUMNS: usize = 8;
const SELECT: &str = "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events";
const INSERT: &str = "INSERT OR IGNORE INTO events (rowid, batch, seq, name, args, clientId, sessionId, at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
/// The batches that are not there as a whole: a batch begins at the place it is named by.
const IN_PART: &str = "SELECT batch FROM events GROUP BY batch HAVING count(*) <> max(rowid) - batch + 1";

/// What was taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Salvaged {
    /// How many events.
    pub(super) events: u64,
    /// The gaps between them.
    pub(super) gaps: Vec<Gap>,
    /// What could not be read, in words; gaps that an earlier repair has told are not told again.
    pub(super) lost: Option<String>,
}

/// Makes a database readable whose file has lost its end. SQLite refuses a file that has fewer pages than its first
/// page says, unless it is told that damage is expected (`lockBtree` in its source).
pub(super) fn insist(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch("PRAGMA writable_schema = ON")
}

/// Copies the rows of a log as they are, with their places. Damaged pages are gone around: the log is read from its
/// beginning as far as that goes, then from its end, then out of the bytes of the `file`, then place by place in between.
///
/// # Errors
/// Only those of the database that is written.
pub(super) fn copy(from: &Connection, file: &File, to: &Connection) -> Result<Salvaged, rusqlite::Error> {
    let mut taken = Taken { insert: to.prepare(INSERT)?, events: 0, unreadable: BTreeSet::new() };
    let (first, broken) = taken.read(from, &format!("{SELECT} ORDER BY rowid"), 0)?;
    let mut is_open = false;
    if broken.is_some() {
        let (last, _) = taken.read(from, &format!("{SELECT} WHERE rowid > ?1 ORDER BY rowid DESC"), first)?;
        // Where nothing can be read from the end either, it is not known where the end is.
        is_open = last <= first;
        taken.dig(file)?;
        taken.one_by_one(from, first + 1, if is_open { i64::MAX - 1 } else { last - 1 })?;
    }
    let Taken { events, unreadable, .. } = taken;
    let end_of_log: i64 = to.query_row("SELECT ifnull(max(rowid), 0) FROM events", [], |row| row.get(0))?;
    let found = gaps::find(to)?;
    let explained = gaps::known(from);
    let mut missing: Vec<Gap> =
        found.iter().filter(|gap| !gaps::is_within(gap, &explained)).cloned().collect();
    missing.extend(unreadable.into_iter().filter(|place| *place > end_of_log).map(|place| place..=place));
    let end = is_open.then_some(end_of_log);
    let lost =
        (is_open || !missing.is_empty()).then(|| lost(to, &missing, end, broken.as_ref())).transpose()?;
    Ok(Salvaged { events, gaps: found, lost })
}

/// Puts into words what is missing: places, what followed the `end`, and the batches that may have been longer.
fn lost(
    to: &Connection,
    missing: &[Gap],
    end: Option<i64>,
    why: Option<&rusqlite::Error>,
) -> Result<String, rusqlite::Error> {
    let mut told = Vec::new();
    if !missing.is_empty() {
        let count = missing.iter().fold(0, |sum: i64, gap| sum.saturating_add(gap.end() - gap.start() + 1));
        let noun = if count == 1 { "event" } else { "events" };
        told.push(format!("{count} {noun} cannot be read: {}", named(missing.iter().map(gaps::shown))));
    }
    if let Some(end) = end {
        told.push(format!("what followed the event {end} cannot be read"));
    }
    if let (Some(last), Some(why)) = (told.last_mut(), why) {
        *last = format!("{last} ({why})");
    }
    let mut batches: BTreeSet<i64> =
        to.prepare(IN_PART)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    // Where the event after a gap begins a batch, those in the gap may have belonged to the batch before it.
    let mut before = to.prepare("SELECT batch FROM events WHERE rowid = ?1")?;
    for place in missing.iter().map(|gap| gap.start() - 1).chain(end) {
        let batches_before = before.query_map([place], |row| row.get(0))?;
        batches.extend(batches_before.collect::<Result<Vec<i64>, _>>()?);
    }
    if !batches.is_empty() {
        let noun = if batches.len() == 1 { "the batch that begins" } else { "the batches that begin" };
        let list = named(batches.iter().map(ToString::to_string));
        told.push(format!("{noun} at {list} may be there in part only"));
    }
    Ok(told.join("; "))
}

/// Names the first of many.
fn named(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let list = all.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

struct Taken<'c> {
    insert: Statement<'c>,
    events: u64,
    /// The places of events whose values cannot be read.
    unreadable: BTreeSet<i64>,
}

impl Taken<'_> {
    /// Reads rows until there are no more or the database fails. Answers the last place, and how it failed.
    fn read(
        &mut self,
        from: &Connection,
        sql: &str,
        after: i64,
    ) -> Result<(i64, Option<rusqlite::Error>), rusqlite::Error> {
        let mut last = after;
        let mut statement = match from.prepare(sql) {
            Ok(statement) => statement,
            Err(error) => return Ok((last, Some(error))),
        };
        let binds: &[i64] = if statement.parameter_count() == 0 { &[] } else { &[after] };
        let mut rows = match statement.query(rusqlite::params_from_iter(binds)) {
            Ok(rows) => rows,
            Err(error) => return Ok((last, Some(error))),
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    if let Some(place) = self.put(row)? {
                        last = place;
                    }
                }
                Ok(None) => return Ok((last, None)),
                Err(error) => return Ok((last, Some(error))),
            }
        }
    }

    /// Takes what is in the file and out of the database's reach; what is there already stays as it is.
    fn dig(&mut self, file: &File) -> Result<(), rusqlite::Error> {
        let pages = match Pages::of(file) {
            Ok(pages) => pages,
            Err(error) => {
                tracing::debug!(%error, "the bytes of a damaged file cannot be read");
                return Ok(());
            }
        };
        pages.events(|place, mut values| {
            values[0] = Value::Integer(place);
            self.put_values(place, values).map(|_| ())
        })
    }

    /// Asks for each place of a range, until too many in a row cannot be read.
    fn one_by_one(&mut self, from: &Connection, first: i64, end: i64) -> Result<(), rusqlite::Error> {
        let mut last = first - 1;
        let Ok(mut statement) = from.prepare(&format!("{SELECT} WHERE rowid = ?1")) else {
            return Ok(());
        };
        for place in first..=end {
            let found = match statement.query([place]) {
                Ok(mut rows) => match rows.next() {
                    Ok(Some(row)) => self.put(row)?,
                    _ => None,
                },
                Err(_) => None,
            };
            last = found.unwrap_or(last);
            if place - last > MISSES {
                break;
            }
        }
        Ok(())
    }

    /// Writes a row as it is. One whose values the log cannot hold was not written so by a commit: it is left out, and
    /// its place is remembered.
    fn put(&mut self, row: &Row<'_>) -> Result<Option<i64>, rusqlite::Error> {
        let Ok(place) = row.get::<_, i64>(0) else { return Ok(None) };
        let values: Result<Vec<Value>, _> = (0..COLUMNS).map(|column| row.get(column)).collect();
        let Ok(values) = values else {
            self.unreadable.insert(place);
            return Ok(None);
        };
        self.put_values(place, values)
    }

    fn put_values(&mut self, place: i64, values: Vec<Value>) -> Result<Option<i64>, rusqlite::Error> {
        match self.insert.execute(rusqlite::params_from_iter(values)) {
            Ok(count) => {
                self.events += count as u64;
                Ok(Some(place))
            }
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                self.unreadable.insert(place);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
