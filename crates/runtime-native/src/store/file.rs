//! Opening, making and closing the file of a notebook.
//!
//! A notebook's file is opened by SQLite and by nothing else: its locks belong to the process, and any closing of the
//! file by this process would let go of all of them.

use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use purlin_notebook::tables::SCHEMA_VERSION;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::Access;

use super::aside::{self, beside};
use super::schema::{Version, create, is_current, rebuild, replay as replay_log, version};
use super::{OpenError, OpenMode};
use crate::private;

/// How long a writer waits for another process, in milliseconds.
const BUSY_MS: i32 = 5000;
/// What stays of the log beside the file, in bytes, when it was moved into it. As much as it may grow to (`log.rs`): to
/// write again where something was written costs much less than to let a file grow.
const LOG_BYTES: i64 = super::log::LONGEST as i64 * (PAGE + 24);
/// Bytes of a page of a new file. One event touches a page in each of some tables and indexes, and each goes into the log
/// whole, so small pages make commits cheap; smaller ones still would cut long texts into many pieces.
const PAGE: i64 = 2048;
/// Page cache of the connection that writes, in KiB: the pages that several runtimes append to at the same time.
const WRITER_CACHE_KIB: i64 = 2048;
/// Page cache of a connection that reads, in KiB; the system's cache does the rest.
const CACHE_KIB: i64 = 512;

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
    if !is_there(path)? {
        if mode != OpenMode::Create {
            return Err(not_found(path));
        }
        check_writable(path)?;
        return Ok(Opened::default());
    }
    if mode == OpenMode::ReadOnly {
        return read_only(path);
    }
    match writer(path, false) {
        Ok(connection) => checked(path, connection),
        Err(error) => protected(path).ok_or_else(|| refused(path, &error)),
    }
}

/// Tells whether there is a file, and refuses what is there and is none.
fn is_there(path: &Path) -> Result<bool, OpenError> {
    let unreadable = |why: String| OpenError::Unreadable { path: path.to_owned(), why };
    match fs::metadata(path) {
        // What is no file may block whoever reads it, as a pipe does.
        Ok(found) if found.is_dir() => Err(unreadable("it is a directory; move it away".to_owned())),
        Ok(found) if !found.is_file() => Err(unreadable("it is not a file; move it away".to_owned())),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => {
                let target = target.display();
                Err(unreadable(format!(
                    "it is a link to `{target}`, which does not exist; bring that back or remove the link"
                )))
            }
            Err(_) => Ok(false),
        },
        // A file where a directory should be is told of by whoever finds that nothing can be written.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Opens a file for somebody who only looks. Tables of an older version are brought up to date where that is possible.
fn read_only(path: &Path) -> Result<Opened, OpenError> {
    let found =
        looking(path)?.as_deref().map(version).transpose().map_err(|error| unreadable(path, &error))?;
    if matches!(found, Some(Version::Foreign)) {
        return Err(OpenError::NotANotebook { path: path.to_owned() });
    }
    if matches!(found, Some(Version::Ours(older)) if older < SCHEMA_VERSION) && is_writable(path) {
        let connection = writer(path, false).map_err(|error| unreadable(path, &error))?;
        checked(path, connection)?;
    }
    Ok(Opened { connection: None, read_only: Some("this session was opened read-only".to_owned()) })
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
    if fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        message
            .push_str(". Its last changes are in the `-wal` file beside it and may not be shown until then");
    }
    Some(Opened { connection: None, read_only: Some(message) })
}

fn checked(path: &Path, connection: Connection) -> Result<Opened, OpenError> {
    let version = version(&connection).and_then(|version| match version {
        Version::Ours(older) if older < SCHEMA_VERSION => {
            rebuild(&connection).map(|_| Version::Ours(SCHEMA_VERSION))
        }
        other => Ok(other),
    });
    match version {
        Ok(Version::Foreign) => Err(OpenError::NotANotebook { path: path.to_owned() }),
        Ok(Version::Ours(newer)) if newer > SCHEMA_VERSION => {
            Ok(Opened { connection: None, read_only: Some(of_newer(path, newer)) })
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

fn of_newer(path: &Path, version: i32) -> String {
    format!(
        "`{}` was written by a newer purlin (its tables are of version {version}, and this one knows those up to \
         {SCHEMA_VERSION}), so it is open read-only; update purlin to go on with it",
        path.display()
    )
}

/// Makes sure, in the write transaction that is open, that a file is still one that this build writes, and answers why
/// it is not. Since it was opened another process may have made its tables those of another version, or made the file.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<Option<String>, rusqlite::Error> {
    if is_current(connection)? {
        return Ok(None);
    }
    Ok(match version(connection)? {
        Version::Empty => None,
        Version::Ours(newer) if newer > SCHEMA_VERSION => Some(of_newer(path, newer)),
        Version::Ours(_) => {
            replay_log(connection)?;
            None
        }
        Version::Foreign => Some(OpenError::NotANotebook { path: path.to_owned() }.to_string()),
    })
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
        private::folder(directory).map_err(|error| cannot_make(&error))?;
        directory.parent().into_iter().for_each(private::close);
    }
    // Made for its owner only, before SQLite makes it for everybody; what SQLite puts beside it is as the file. It is
    // closed again while it is empty and new, so no lock of anybody is on it.
    private::file(path).map_err(|error| cannot_make(&error))?;
    writer(path, true)
}

fn cannot_make(error: &io::Error) -> rusqlite::Error {
    let code = if error.kind() == io::ErrorKind::StorageFull {
        rusqlite::ffi::SQLITE_FULL
    } else {
        rusqlite::ffi::SQLITE_CANTOPEN
    };
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(error.to_string()))
}

/// Opens the connection that writes.
pub(super) fn writer(path: &Path, create: bool) -> Result<Connection, rusqlite::Error> {
    let create = if create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let mut connection = Connection::open_with_flags(path, flags)?;
    // Whoever closes a file last moves its log into it and removes the log; not so where the file turns out damaged.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_handler(Some(wait_for_writer))?;
    // Only a file that is new takes it.
    set(&connection, "page_size", &PAGE.to_string())?;
    set(&connection, "journal_mode", "WAL")?;
    set(&connection, "synchronous", "NORMAL")?;
    set(&connection, "cache_size", &format!("-{WRITER_CACHE_KIB}"))?;
    // After the log beside the file was moved into it, it is begun anew in the same place.
    set(&connection, "journal_size_limit", &LOG_BYTES.to_string())?;
    connection.set_prepared_statement_cache_capacity(96);
    version(&connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
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

/// A connection of somebody who looks at a notebook for a moment. It leaves no file beside the notebook's that was not
/// there before.
#[derive(Debug)]
pub(crate) struct Looking {
    connection: Connection,
    /// Acts after the connection is closed.
    _after: Option<LeavesNothing>,
}

impl Looking {
    /// Looks through a connection that makes no files.
    pub(crate) fn through(connection: Connection) -> Self {
        Self { connection, _after: None }
    }
}

impl Deref for Looking {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Removes, when it is dropped, the files that readers made beside a notebook's file and cannot remove themselves.
#[derive(Debug)]
pub(super) struct LeavesNothing(PathBuf);

impl LeavesNothing {
    /// `None` where there is a log already, which is for others to move, or no file.
    pub(super) fn beside(path: &Path) -> Option<Self> {
        (path.exists() && !beside(path, "-wal").exists()).then(|| Self(path.to_owned()))
    }
}

impl Drop for LeavesNothing {
    fn drop(&mut self) {
        if !beside(&self.0, "-wal").exists() {
            return;
        }
        // Whoever may write and closes last removes them; if somebody else is there, that is for him.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let closed = Connection::open_with_flags(&self.0, flags).and_then(|connection| {
            connection.query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0))
        });
        if let Err(error) = closed {
            tracing::debug!(%error, path = %self.0.display(), "what a reader left was not removed");
        }
    }
}

/// As [`reader`], for somebody who looks for a moment.
pub(crate) fn looking(path: &Path) -> Result<Option<Looking>, OpenError> {
    let after = LeavesNothing::beside(path);
    Ok(reader(path)?.map(|connection| Looking { connection, _after: after }))
}

/// Opens a connection for somebody who looks at a notebook from outside. `None` if nothing has been committed to it.
pub(super) fn opened(path: &Path) -> Result<Option<Looking>, OpenError> {
    if !is_there(path)? {
        return Err(not_found(path));
    }
    let connection = looking(path)?;
    match connection.as_deref().map(version).transpose().map_err(|error| unreadable(path, &error))? {
        Some(Version::Foreign) => Err(OpenError::NotANotebook { path: path.to_owned() }),
        _ => Ok(connection),
    }
}

fn not_found(path: &Path) -> OpenError {
    OpenError::NotFound { id: path.file_stem().unwrap_or_default().to_string_lossy().into_owned() }
}

/// Makes the tables of a notebook's file anew from its log, and answers how many events there are.
///
/// The tables change in one transaction and the log is not touched. A file of a newer version is left alone.
pub fn replay(path: &Path) -> Result<u64, OpenError> {
    if !is_there(path)? {
        return Err(not_found(path));
    }
    let unreadable = |error: rusqlite::Error| unreadable(path, &error);
    let connection = writer(path, false).map_err(unreadable)?;
    let events = match version(&connection).map_err(unreadable)? {
        Version::Empty => Ok(0),
        Version::Foreign => Err(OpenError::NotANotebook { path: path.to_owned() }),
        Version::Ours(newer) if newer > SCHEMA_VERSION => {
            let why = format!("its tables are of version {newer}, which a newer purlin makes; update purlin");
            Err(OpenError::Unreadable { path: path.to_owned(), why })
        }
        Version::Ours(_) => rebuild(&connection).map_err(unreadable),
    };
    close(connection);
    events
}

/// Closes a connection without touching file or log.
pub(super) fn abandon(connection: Connection) {
    if let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
        // To close it could do harm; left open it does none until the process ends.
        tracing::error!(%error, "a connection whose log was removed is left open");
        std::mem::forget(connection);
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
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => kept_aside(path, error),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
            if !is_writable(path) =>
        {
            OpenError::NotWritable { path: path.to_owned(), source: io::Error::other(error.to_string()) }
        }
        _ => unreadable(path, error),
    }
}

pub(super) fn unreadable(path: &Path, error: &rusqlite::Error) -> OpenError {
    let (path, why) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, why },
        _ => OpenError::Unreadable { path, why },
    }
}

fn kept_aside(path: &Path, error: &rusqlite::Error) -> OpenError {
    match aside::keep(path) {
        Ok(kept) => {
            tracing::error!(path = %path.display(), kept = %kept.display(), %error, "a notebook's file is damaged");
            OpenError::Corrupt { path: path.to_owned(), kept, why: error.to_string() }
        }
        Err(failed) => {
            let why = format!("it is damaged ({error}) and could not be kept aside ({failed})");
            OpenError::Unreadable { path: path.to_owned(), why }
        }
    }
}

fn check_writable(path: &Path) -> Result<(), OpenError> {
    // The nearest directory that exists is the one in which something would be made.
    let exists = path.ancestors().skip(1).find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    if !exists.is_dir() {
        let source = io::Error::other("it is not a directory");
        return Err(OpenError::NotWritable { path: exists.to_owned(), source });
    }
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
