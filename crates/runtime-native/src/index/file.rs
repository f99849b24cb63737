//! The file of the index: opening, making, and making anew.
//!
//! Nothing in it is needed, so nothing about it is an error: a file that is damaged or of another form is replaced, and
//! where none can be kept the index lives in memory for as long as it is asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use purlin_notebook::tables::SCHEMA_VERSION;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::private;

/// Marks a database as an index of ours: `PRLI`.
const APPLICATION_ID: i32 = 0x5052_4c49;
/// The form of the index; a file of another one is made anew, as is one made from tables of another form.
const FORM: i32 = 2;
const VERSION: i32 = FORM * 1000 + SCHEMA_VERSION;
/// How long a writer waits for another process; whoever waits longer goes on with what is there.
const BUSY: Duration = Duration::from_millis(400);

/// `words` keeps no text: what is found is read from the notebooks, which have it already.
const CREATE: &str = "
CREATE TABLE sessions (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stamp TEXT NOT NULL,
    readable INTEGER NOT NULL,
    name TEXT,
    cwd TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    cells INTEGER NOT NULL,
    first_prompt TEXT,
    text_stamp TEXT NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0,
    mark INTEGER NOT NULL DEFAULT 0,
    clears INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sessions_of_directory ON sessions (cwd, updated_at);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    event INTEGER NOT NULL,
    hash INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_of_session ON documents (session, thing);
CREATE VIRTUAL TABLE words USING fts5 (text, content='', contentless_delete=1, tokenize='ascii');
INSERT INTO words (words, rank) VALUES ('hashsize', 4194304);
";

/// An index that was opened.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Why it cannot be kept and lives in memory, where that is so.
    pub(super) unkept: Option<String>,
}

/// Opens the index at a path; makes it, or makes it anew, where that is needed.
pub(super) fn open(path: &Path) -> Opened {
    let kept = |connection| Opened { connection, unkept: None };
    match open_or_create(path) {
        Ok(connection) => return kept(connection),
        Err(error) if is_damage(&error) => {
            tracing::info!(%error, path = %path.display(), "the index is made anew");
            discard(path);
        }
        Err(error) => {
            return memory(path, &error);
        }
    }
    open_or_create(path).map_or_else(|error| memory(path, &error), kept)
}

/// Tells whether an error means that the file itself is no good.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, rusqlite::Error::SqliteFailure(_, Some(message)) if message.starts_with("no such"))
}

/// Removes the file with what stands beside it. A process that has it open goes on with the old one, to no effect.
pub(super) fn discard(path: &Path) {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // What cannot be removed is found damaged again, and then the index lives in memory.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

fn open_or_create(path: &Path) -> Result<Connection, rusqlite::Error> {
    if let Some(directory) = path.parent() {
        // Where one of them cannot be made, the opening says so.
        let _ = private::folder(directory).and_then(|()| private::file(path).map(drop));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    set(&connection, "journal_mode = WAL")?;
    // What is lost with the machine's power is made again.
    set(&connection, "synchronous = OFF")?;
    set(&connection, "journal_size_limit = 4194304")?;
    prepare(&connection)?;
    if connection.is_readonly("main")? {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY),
            Some("the file may not be written".to_owned()),
        ));
    }
    Ok(connection)
}

/// Creates the tables in an empty database. One of another form is emptied first.
fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(48);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let is_current = || -> Result<bool, rusqlite::Error> {
        Ok(pragma("application_id")? == APPLICATION_ID && pragma("user_version")? == VERSION)
    };
    if is_current()? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = (|| {
        // Another process may have been faster.
        if is_current()? {
            return Ok(());
        }
        connection.execute_batch(
            "DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS documents; DROP TABLE IF EXISTS sessions;",
        )?;
        connection.execute_batch(CREATE)?;
        set(connection, &format!("application_id = {APPLICATION_ID}"))?;
        set(connection, &format!("user_version = {VERSION}"))
    })()
    .and_then(|()| connection.execute_batch("COMMIT"));
    if done.is_err() && !connection.is_autocommit() {
        // The error that led here is the one to tell.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// An index in memory. It fails only where there is no memory left for an empty database.
fn memory(path: &Path, error: &rusqlite::Error) -> Opened {
    tracing::info!(%error, path = %path.display(), "the index cannot be kept");
    let connection =
        Connection::open_in_memory().and_then(|connection| prepare(&connection).map(|()| connection));
    // It fails only where an allocation would have ended the process already.
    let connection = connection.expect("an empty database in memory can be made");
    Opened { connection, unkept: Some(error.to_string()) }
}

fn set(connection: &Connection, pragma: &str) -> Result<(), rusqlite::Error> {
    connection.prepare(&format!("PRAGMA {pragma}"))?.query([])?.next().map(|_| ())
}
