//! Opening, making and closing the file of a notebook.
//!
//! A notebook's file is opened by SQLite and by nothing else: its locks belong to the process, and any closing of the
//! file by this process would let go of all of them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use purlin_notebook::tables::SCHEMA_VERSION;
use purlin_notebook::{Author, NotebookId, Replica, create_statements};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::Access;

use super::{OpenError, OpenMode};
use crate::Paths;

/// Marks a database as a notebook of ours: `PRLN`.
const APPLICATION_ID: i32 = 0x5052_4c4e;
/// How long a writer waits for another process, in milliseconds.
const BUSY_MS: i32 = 5000;
/// Page cache of a connection, in KiB; the system's cache does the rest.
const CACHE_KIB: i64 = 512;

const CREATE_LOG: &str = "CREATE TABLE events (rowid INTEGER PRIMARY KEY, batch INTEGER NOT NULL, seq INTEGER, \
     name TEXT NOT NULL, args TEXT NOT NULL, clientId TEXT NOT NULL, sessionId TEXT NOT NULL, \
     at INTEGER NOT NULL) STRICT";

/// What opening a file gave.
#[derive(Default)]
pub(super) struct Opened {
    /// The writing connection; `None` while there is no file.
    pub(super) connection: Option<Connection>,
    /// Why nothing may be written.
    pub(super) read_only: Option<String>,
}

/// Opens the file of a notebook, or finds that there is none and that one could be made.
pub(super) fn open(path: &Path, mode: OpenMode) -> Result<Opened, OpenError> {
    if !path.exists() {
        if mode != OpenMode::Create {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Err(OpenError::NotFound { id });
        }
        check_writable(path)?;
        return Ok(Opened::default());
    }
    if mode == OpenMode::ReadOnly {
        reader(path)?;
        return Ok(Opened {
            connection: None,
            read_only: Some("this session was opened read-only".to_owned()),
        });
    }
    match writer(path, false) {
        Ok(connection) => checked(path, connection),
        Err(error) => protected(path).ok_or_else(|| refused(path, &error)),
    }
}

/// Opens a file that may be read and not written, such as one on a read-only disk.
fn protected(path: &Path) -> Option<Opened> {
    if is_writable(path) || !matches!(reader(path), Ok(Some(_))) {
        return None;
    }
    let mut message = format!(
        "`{}` cannot be written, so this session is open read-only; make it and its directory writable to go on with it",
        path.display()
    );
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        message
            .push_str(". Its last changes are in the `-wal` file beside it and may not be shown until then");
    }
    Some(Opened { connection: None, read_only: Some(message) })
}

fn checked(path: &Path, connection: Connection) -> Result<Opened, OpenError> {
    let version = version(&connection).and_then(|version| match version {
        Version::Ours(older) if older < SCHEMA_VERSION => {
            rebuild(&connection).map(|()| Version::Ours(SCHEMA_VERSION))
        }
        other => Ok(other),
    });
    match version {
        Ok(Version::Foreign) => Err(OpenError::NotANotebook { path: path.to_owned() }),
        Ok(Version::Ours(newer)) if newer > SCHEMA_VERSION => {
            let message = format!(
                "`{}` was written by a newer purlin, so it is open read-only; update purlin to go on with it",
                path.display()
            );
            Ok(Opened { connection: None, read_only: Some(message) })
        }
        // SQLite opens a protected file without a word, and fails with the first commit.
        Ok(_) if connection.is_readonly("main").unwrap_or(false) => {
            drop(connection);
            protected(path).ok_or_else(|| {
                let source = io::Error::from(io::ErrorKind::PermissionDenied);
                OpenError::NotWritable { path: path.to_owned(), source }
            })
        }
        Ok(_) => Ok(Opened { connection: Some(connection), read_only: None }),
        Err(error) => {
            drop(connection);
            Err(refused(path, &error))
        }
    }
}

/// Opens a database in memory.
pub(super) fn memory() -> Result<Opened, OpenError> {
    let connection = Connection::open_in_memory()
        .and_then(|connection| create(&connection).map(|()| connection))
        .map_err(|error| OpenError::Unreadable { path: PathBuf::from(":memory:"), why: error.to_string() })?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(Opened { connection: Some(connection), read_only: None })
}

/// Makes the file of a new notebook; its tables come with its first commit.
pub(super) fn make(path: &Path) -> Result<Connection, rusqlite::Error> {
    if let Some(directory) = path.parent() {
        // Sessions are private.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
            let code = if error.kind() == io::ErrorKind::StorageFull {
                rusqlite::ffi::SQLITE_FULL
            } else {
                rusqlite::ffi::SQLITE_CANTOPEN
            };
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(error.to_string()))
        })?;
    }
    writer(path, true)
}

/// Opens the connection that writes.
pub(super) fn writer(path: &Path, create: bool) -> Result<Connection, rusqlite::Error> {
    let create = if create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_for_writer))?;
    set(&connection, "journal_mode", "WAL")?;
    set(&connection, "synchronous", "NORMAL")?;
    set(&connection, "cache_size", &format!("-{CACHE_KIB}"))?;
    // After a checkpoint the log beside the file goes back to this size.
    set(&connection, "journal_size_limit", "4194304")?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

/// Opens a connection that reads. `None` if the file is there and nothing has been committed to it.
pub(crate) fn reader(path: &Path) -> Result<Option<Connection>, OpenError> {
    let open = |uri: &Path, flags| -> Result<Option<Connection>, rusqlite::Error> {
        let mut connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_handler(Some(wait_for_writer))?;
        set(&connection, "cache_size", &format!("-{CACHE_KIB}"))?;
        connection.set_prepared_statement_cache_capacity(48);
        match version(&connection)? {
            Version::Empty => Ok(None),
            _ => Ok(Some(connection)),
        }
    };
    match open(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Ok(connection) => Ok(connection),
        // A directory that cannot be written has no room for the file that readers share; nobody writes there either.
        Err(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
                && !is_writable(path) =>
        {
            let uri = format!("file:{}?immutable=1", escaped(&path.to_string_lossy()));
            open(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
                .map_err(|error| unreadable(path, &error))
        }
        // Whoever only reads moves nothing.
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Closes the writing connection and moves the log into the file, so that a session at rest is one file.
///
/// Where somebody is reading or writing just now, the log stays for whoever closes last.
pub(super) fn close(connection: Connection) {
    let moved = connection.busy_timeout(Duration::ZERO).and_then(|()| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
    });
    if let Err(error) = moved {
        tracing::debug!(%error, "the log was not moved into the notebook's file");
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "a notebook's file was not closed");
    }
}

enum Version {
    Empty,
    Ours(i32),
    Foreign,
}

fn version(connection: &Connection) -> Result<Version, rusqlite::Error> {
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

/// Creates log and tables in an empty database; the caller holds the transaction, or there is no other connection.
pub(super) fn create(connection: &Connection) -> Result<(), rusqlite::Error> {
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
pub(super) fn is_created(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'events'", [], |row| {
        row.get::<_, i64>(0).map(|count| count > 0)
    })
}

/// Makes the tables anew from the log, in one transaction. The log is not touched.
pub(super) fn rebuild(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = replay(connection).and_then(|()| connection.execute_batch("COMMIT"));
    if done.is_err() {
        // The error that led here is the one to tell; a failed rollback ends with the connection.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

fn replay(connection: &Connection) -> Result<(), rusqlite::Error> {
    for table in purlin_notebook::Table::ALL {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    connection.execute_batch(&create_statements().join(";"))?;
    set(connection, "user_version", &SCHEMA_VERSION.to_string())?;
    let mut tables = super::tables::SqliteTables::new(connection);
    let mut statement =
        connection.prepare("SELECT name, args, clientId, sessionId FROM events ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let event = purlin_notebook::Event::from_log(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let author = Author { client_id: row.get_ref(2)?.as_str()?, session_id: row.get_ref(3)?.as_str()? };
        purlin_notebook::apply(&event, author, &mut tables).map_err(super::tables::cause)?;
    }
    Ok(())
}

fn set(connection: &Connection, name: &str, value: &str) -> Result<(), rusqlite::Error> {
    // Some of these answer the new value and some answer nothing.
    connection.prepare(&format!("PRAGMA {name} = {value}"))?.query([])?.next().map(|_| ())
}

/// Another process holds the write lock: it gives way within a transaction, so the waits are short at first.
fn wait_for_writer(tries: i32) -> bool {
    const FIRST: i32 = 20;
    if tries < FIRST {
        std::thread::yield_now();
        return true;
    }
    std::thread::sleep(Duration::from_millis(1));
    tries < FIRST + BUSY_MS
}

/// Tells what an error at opening means; a damaged file is moved aside, so that it is never overwritten.
fn refused(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => keep_aside(path, error),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
            if !is_writable(path) =>
        {
            OpenError::NotWritable { path: path.to_owned(), source: io::Error::other(error.to_string()) }
        }
        _ => unreadable(path, error),
    }
}

fn unreadable(path: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Unreadable { path: path.to_owned(), why: error.to_string() }
}

fn keep_aside(path: &Path, error: &rusqlite::Error) -> OpenError {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let renamed = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".corrupt-{seconds}"));
        PathBuf::from(name)
    };
    let kept = renamed(path);
    if let Err(failed) = fs::rename(path, &kept) {
        let why = format!("it is damaged ({error}) and could not be kept aside ({failed})");
        return OpenError::Unreadable { path: path.to_owned(), why };
    }
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        let beside = PathBuf::from(beside);
        // What is not there needs not be kept.
        let _ = fs::rename(&beside, renamed(&beside));
    }
    tracing::error!(path = %path.display(), kept = %kept.display(), %error, "a notebook's file is damaged");
    OpenError::Corrupt { path: path.to_owned(), kept, why: error.to_string() }
}

fn check_writable(path: &Path) -> Result<(), OpenError> {
    // The nearest directory that exists is the one in which something would be made.
    let exists = path.ancestors().skip(1).find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    rustix::fs::access(exists, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| OpenError::NotWritable { path: exists.to_owned(), source: error.into() })
}

fn is_writable(path: &Path) -> bool {
    let directory = path.parent().unwrap_or(Path::new("/"));
    [path, directory].iter().all(|path| rustix::fs::access(*path, Access::WRITE_OK).is_ok())
}

fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Finds out who this replica is: the installation's id, kept beside the notebooks, and a new one for this run.
pub(super) fn replica(paths: &Paths, store_id: NotebookId) -> Replica {
    let file = paths.data.join("client-id");
    let kept = || fs::read_to_string(&file).ok().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let client_id = kept().unwrap_or_else(|| {
        let id = random_id();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&paths.data);
        match made.and_then(|()| File::create_new(&file)).and_then(|mut file| file.write_all(id.as_bytes())) {
            Ok(()) => id,
            // Another process was faster; or nothing can be kept, and this run has an id of its own.
            Err(_) => kept().unwrap_or(id),
        }
    });
    Replica { store_id, client_id, session_id: random_id() }
}

/// Makes a random UUID.
pub(super) fn random_id() -> String {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        // Without a source of randomness, time and process are what tells two runs apart.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        bytes = (nanos ^ (u128::from(std::process::id()) << 96)).to_be_bytes();
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
