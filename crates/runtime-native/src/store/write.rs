//! Writing batches to log and tables, in the transaction that is open.

use std::time::{SystemTime, UNIX_EPOCH};

use purlin_notebook::event::UnknownNames;
use purlin_notebook::{CommitId, Event, Replica, StoreError, Tables};
use rusqlite::Connection;

use super::schema;
use super::tables::{SqliteTables, cause};

/// Events that are committed together, each with the JSON text of its arguments once it was checked.
#[derive(Default)]
pub(super) struct Batch {
    events: Vec<Event>,
    args: Vec<String>,
}

impl Batch {
    /// Takes events that the store thread checks, for a thread that must not be kept.
    pub(super) fn unchecked(events: Vec<Event>) -> Self {
        Self { events, args: Vec::new() }
    }

    /// Checks and copies events on the thread of whoever commits them.
    pub(super) fn checked(events: &[Event]) -> Result<Self, StoreError> {
        let mut batch =
            Self { events: Vec::with_capacity(events.len()), args: Vec::with_capacity(events.len()) };
        for (place, event) in events.iter().enumerate() {
            let (event, args) = event.check().map_err(|why| StoreError::Rejected { event: place, why })?;
            batch.events.push(event.into_owned());
            batch.args.push(args);
        }
        Ok(batch)
    }

    /// Checks the events if nobody did.
    fn check(&mut self) -> Result<(), StoreError> {
        if self.args.len() < self.events.len() {
            *self = Self::checked(&self.events)?;
        }
        Ok(())
    }
}

/// Which tables changed, and for each batch where it stands.
pub(super) type Written = (Tables, Vec<Result<CommitId, StoreError>>);

/// Writes batches. A batch that is refused leaves nothing and does not keep the others; of each name that is not known
/// the program's log tells once.
pub(super) fn write(
    connection: &Connection,
    batches: &mut [Batch],
    replica: &Replica,
    unknown: &mut UnknownNames,
) -> Result<Written, rusqlite::Error> {
    let mut last = end_of_log(connection)?;
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let mut log = connection.prepare_cached(
        "INSERT INTO events (rowid, batch, seq, name, args, clientId, sessionId, at) VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut tables = SqliteTables::new(connection);
    let mut touched = Tables::NONE;
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        if let Err(refused) = batch.check() {
            answers.push(Err(refused));
            continue;
        }
        let first = last + 1;
        for (event, args) in batch.events.iter().zip(&batch.args) {
            last += 1;
            log.execute((last, first, event.name(), args, &replica.client_id, &replica.session_id, at))?;
            unknown.warn(event);
            purlin_notebook::apply(event, replica.author(), &mut tables).map_err(cause)?;
            touched |= Tables::LOG;
        }
        answers.push(Ok(CommitId { first, last }));
    }
    Ok((touched | tables.touched(), answers))
}

/// Finds the last place in the log, which is created where it is not there yet.
fn end_of_log(connection: &Connection) -> Result<i64, rusqlite::Error> {
    match connection.prepare_cached("SELECT coalesce(max(rowid), 0) FROM events") {
        Ok(mut statement) => statement.query_row([], |row| row.get(0)),
        Err(_) if !schema::is_created(connection)? => schema::create(connection).map(|()| 0),
        Err(error) => Err(error),
    }
}

/// Tells whether an error would meet every batch of a group alike.
pub(super) fn is_about_the_file(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase, ReadOnly,
    };
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked | CannotOpen | ReadOnly | DatabaseCorrupt | NotADatabase)
    )
}
