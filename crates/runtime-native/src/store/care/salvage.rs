//! Taking from a log what can be read of it.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, Statement};

/// How many places in a row may be unreadable before the search for more is given up.
const MISSES: i64 = 100_000;

const COLUMNS: usize = 8;
const SELECT: &str = "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events";
const INSERT: &str = "INSERT OR IGNORE INTO events (rowid, batch, seq, name, args, clientId, sessionId, at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

/// What was taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Salvaged {
    /// How many events.
    pub(super) events: u64,
    /// What could not be read, in words.
    pub(super) lost: Option<String>,
}

/// Copies the rows of a log as they are, with their places. Damaged pages are gone around: the log is read from its
/// beginning as far as that goes, then from its end, then place by place in between.
///
/// # Errors
/// Only those of the database that is written.
pub(super) fn copy(from: &Connection, to: &Connection) -> Result<Salvaged, rusqlite::Error> {
    let mut taken = Taken { insert: to.prepare(INSERT)?, events: 0 };
    let (first, broken) = taken.read(from, &format!("{SELECT} ORDER BY rowid"), 0)?;
    let Some(why) = broken else { return Ok(Salvaged { events: taken.events, lost: None }) };
    let (last, _) = taken.read(from, &format!("{SELECT} WHERE rowid > ?1 ORDER BY rowid DESC"), first)?;
    // Where nothing can be read from the end either, it is not known where the end is.
    let end = if last > first { last - 1 } else { i64::MAX - 1 };
    let missing = taken.one_by_one(from, first + 1, end)?;
    let told = if last <= first {
        format!("what followed the event {} cannot be read ({why})", missing.last)
    } else if missing.count == 0 {
        return Ok(Salvaged { events: taken.events, lost: None });
    } else {
        format!("{} of the events {} to {end} cannot be read ({why})", missing.count, first + 1)
    };
    Ok(Salvaged { events: taken.events, lost: Some(told) })
}

struct Taken<'c> {
    insert: Statement<'c>,
    events: u64,
}

struct Missing {
    count: u64,
    /// The last place that could be read.
    last: i64,
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

    /// Asks for each place of a range, until too many in a row cannot be read.
    fn one_by_one(&mut self, from: &Connection, first: i64, end: i64) -> Result<Missing, rusqlite::Error> {
        let mut missing = Missing { count: 0, last: first - 1 };
        let Ok(mut statement) = from.prepare(&format!("{SELECT} WHERE rowid = ?1")) else {
            return Ok(missing);
        };
        for place in first..=end {
            let found = match statement.query([place]) {
                Ok(mut rows) => match rows.next() {
                    Ok(Some(row)) => self.put(row)?,
                    _ => None,
                },
                Err(_) => None,
            };
            match found {
                Some(place) => missing.last = place,
                None => missing.count += 1,
            }
            if place - missing.last > MISSES {
                break;
            }
        }
        Ok(missing)
    }

    /// Writes a row as it is. One whose values the log cannot hold was not written by a commit and is left out.
    fn put(&mut self, row: &Row<'_>) -> Result<Option<i64>, rusqlite::Error> {
        let values: Result<Vec<Value>, _> = (0..COLUMNS).map(|column| row.get(column)).collect();
        let Ok(values) = values else { return Ok(None) };
        let Some(Value::Integer(place)) = values.first() else { return Ok(None) };
        let place = *place;
        match self.insert.execute(rusqlite::params_from_iter(values)) {
            Ok(count) => {
                self.events += count as u64;
                Ok(Some(place))
            }
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
