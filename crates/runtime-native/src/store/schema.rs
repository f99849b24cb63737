//! What a notebook's database holds, how it says of which version it is, and the one migration there is.
//!
//! `application_id` marks the file as a notebook, `user_version` is the version of its tables. No migration ever
//! rewrites a log: a file of an older version keeps its log as it is and gets its tables anew from it, in one
//! transaction, so that a table which that version did not have is filled as if it had been there from the beginning.

use purlin_notebook::event::UnknownNames;
use purlin_notebook::tables::SCHEMA_VERSION;
use purlin_notebook::{Author, create_statements};
use rusqlite::Connection;

use super::tables::{SqliteTables, cause};

/// Marks a database as a notebook of ours: `PRLN`.
const APPLICATION_ID: i32 = 0x5052_4c4e;
const CREATE_LOG: &str = "CREATE TABLE events (rowid INTEGER PRIMARY KEY, batch INTEGER NOT NULL, seq INTEGER, \
     name TEXT NOT NULL, args TEXT NOT NULL, clientId TEXT NOT NULL, sessionId TEXT NOT NULL, \
     at INTEGER NOT NULL) STRICT";

/// What a database is.
pub(crate) enum Version {
    /// Nothing was written to it yet.
    Empty,
    /// A notebook whose tables are of this version.
    Ours(i32),
    /// Something else.
    Foreign,
}

/// Finds out what a database is.
pub(crate) fn version(connection: &Connection) -> Result<Version, rusqlite::Error> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application == APPLICATION_ID {
        // Damage to the log shows here rather than in the middle of work.
        connection.query_row("SELECT max(rowid) FROM events", [], |_| Ok(()))?;
        return Ok(Version::Ours(version));
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if tables == 0 && application == 0 { Version::Empty } else { Version::Foreign })
}

/// Tells whether a database is a notebook of this version, by what its first page says.
pub(crate) fn is_current(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let pragma = |sql| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i32>(0));
    Ok(pragma("PRAGMA user_version")? == SCHEMA_VERSION && pragma("PRAGMA application_id")? == APPLICATION_ID)
}

/// Creates log and tables in an empty database; the caller holds the transaction, or there is no other connection.
pub(crate) fn create(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut sql = format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; {CREATE_LOG};"
    );
    for statement in create_statements() {
        sql.push_str(&statement);
        sql.push(';');
    }
    connection.execute_batch(&sql)
}

/// Tells whether the log's table is there.
pub(crate) fn is_created(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'events'", [], |row| {
        row.get::<_, i64>(0).map(|count| count > 0)
    })
}

/// Makes the tables anew from the log, in one transaction, and answers how many events there are. The log is not touched.
pub(crate) fn rebuild(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = replay(connection).and_then(|events| connection.execute_batch("COMMIT").map(|()| events));
    if done.is_err() {
        // The error that led here is the one to tell; a failed rollback ends with the connection.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// Makes the tables anew from the log, in the transaction that is open.
pub(crate) fn replay(connection: &Connection) -> Result<u64, rusqlite::Error> {
    for table in purlin_notebook::Table::ALL {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    connection.execute_batch(&create_statements().join(";"))?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    apply_log(connection, connection)
}

/// Applies the log of one database to the tables of another, or of the same, and answers how many events there are.
pub(crate) fn apply_log(log: &Connection, to: &Connection) -> Result<u64, rusqlite::Error> {
    let mut tables = SqliteTables::new(to);
    let mut statement = log.prepare("SELECT name, args, clientId, sessionId FROM events ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let (mut events, mut unknown) = (0, UnknownNames::default());
    while let Some(row) = rows.next()? {
        let event = purlin_notebook::Event::from_log(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let author = Author { client_id: row.get_ref(2)?.as_str()?, session_id: row.get_ref(3)?.as_str()? };
        unknown.warn(&event);
        purlin_notebook::apply(&event, author, &mut tables).map_err(cause)?;
        events += 1;
    }
    Ok(events)
}
