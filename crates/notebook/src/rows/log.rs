//! Rows of the log.

use super::{DecodeError, FromRow, Row};
use crate::event::Event;

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Its place in this replica's log, from 1.
    pub rowid: i64,
    /// The rowid of the first event of its batch.
    pub batch: i64,
    /// Its place in the authority's order; `None` until it is confirmed.
    pub seq: Option<i64>,
    /// The event.
    pub event: Event,
    /// The installation that committed it.
    pub client_id: String,
    /// The run of the program that committed it.
    pub session_id: String,
    /// When it was committed, in Unix milliseconds.
    pub at: i64,
}

impl FromRow for LogEntry {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            rowid: row.integer()?,
            batch: row.integer()?,
            seq: row.maybe_integer()?,
            event: {
                let (name, args) = (row.text::<String>()?, row.text::<String>()?);
                Event::from_log(&name, &args)
            },
            client_id: row.text()?,
            session_id: row.text()?,
            at: row.integer()?,
        })
    }
}
