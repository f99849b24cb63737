//! Making a sound notebook out of one that is not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use purlin_notebook::tables::SCHEMA_VERSION;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::salvage::{self, Salvaged};
use super::{check, gaps};
use crate::doorbell;
use crate::private;
use crate::store::aside::{self, beside};
use crate::store::schema::{self, Version};

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Where the file is that was repaired; it was not changed. `None` where nothing was wrong and nothing was done.
    pub kept: Option<PathBuf>,
    /// How many events the notebook has now.
    pub events: u64,
    /// What could not be read of the old file, in words for people: places, and batches that may not be whole.
    pub lost: Option<String>,
}

/// Why a notebook was not repaired. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// There is neither a file nor a damaged one that was kept.
    #[error("there is no `{}`, and no damaged one of that name was kept", .0.display())]
    NotFound(PathBuf),
    /// Somebody works in it.
    #[error("`{}` is open in another process; quit that one first", .0.display())]
    InUse(PathBuf),
    /// It is something else, or of a version that this build does not know.
    #[error("`{}` cannot be repaired: {why}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// Nothing of the log can be read.
    #[error("nothing can be read of `{}` ({why}); it was left as it is", path.display())]
    Hopeless {
        /// The file.
        path: PathBuf,
        /// What the database said.
        why: String,
    },
    /// The new file cannot be written.
    #[error("`{}` cannot be written: {why}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the database or the system said.
        why: String,
    },
}

/// Makes a new file with the same log and tables made anew from it, and keeps the old one as `….corrupt`.
///
/// The log is copied row by row as it is. Where pages are damaged or missing, what can be read around them is taken, out
/// of the bytes of the file where the database finds no way to it, and what is
/// lost is told, and the gap is noted in the new file, for which it is no damage any more. A notebook whose file was
/// kept aside already gets a new one from the last that was kept. One with which nothing is wrong stays as it is.
///
/// # Errors
/// Nothing is changed unless the new file is complete.
pub fn repair(path: &Path) -> Result<Repaired, RepairError> {
    let source = if path.exists() { Some(path.to_owned()) } else { aside::newest(path) };
    let source = source.ok_or_else(|| RepairError::NotFound(path.to_owned()))?;
    if doorbell::is_heard(path) {
        return Err(RepairError::InUse(path.to_owned()));
    }
    if source == path
        && let Ok(checked) = check(path, None)
        && checked.is_sound()
    {
        return Ok(Repaired { kept: None, events: checked.events, lost: None });
    }
    // It is closed after the database: closing any opening of a file lets go of the locks that this process has on it.
    let file = File::open(&source)
        .map_err(|error| RepairError::Hopeless { path: source.clone(), why: error.to_string() })?;
    let old = open_old(&source)?;
    let new = beside(path, ".repair");
    let salvaged = make_new((&old, &file), &source, &new).inspect_err(|_| clear(&new))?;
    let failed = |error: io::Error| RepairError::Write { path: path.to_owned(), why: error.to_string() };
    let kept = if source == path { aside::keep(path).map_err(failed)? } else { source };
    aside::rename_new(&new, path).map_err(failed)?;
    drop(old);
    Ok(Repaired { kept: Some(kept), events: salvaged.events, lost: salvaged.lost })
}

/// Opens what is to be repaired and holds writers off it, as far as it is a database at all.
fn open_old(source: &Path) -> Result<Connection, RepairError> {
    let hopeless =
        |error: &rusqlite::Error| RepairError::Hopeless { path: source.to_owned(), why: error.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let old = Connection::open_with_flags(source, flags).map_err(|error| hopeless(&error))?;
    // Its log goes along with it under another name, so it is not for this connection to move or remove it.
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(|error| hopeless(&error))?;
    // Whoever has the file open shares a lock on it, idle or not, and nobody opens it before the new one is in its place.
    old.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(|error| hopeless(&error))?;
    let is_busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let mut begun = old.execute_batch("BEGIN IMMEDIATE");
    if begun.as_ref().is_err_and(|error| !is_busy(error)) {
        begun = salvage::insist(&old).and_then(|()| old.execute_batch("BEGIN IMMEDIATE"));
    }
    if begun.as_ref().is_err_and(is_busy) {
        return Err(RepairError::InUse(source.to_owned()));
    }
    let not_ours = |why: String| Err(RepairError::NotOurs { path: source.to_owned(), why });
    match schema::version(&old) {
        Ok(Version::Foreign) => not_ours("it is not a session of purlin".to_owned()),
        Ok(Version::Ours(newer)) if newer > SCHEMA_VERSION => {
            not_ours(format!("its tables are of version {newer}, which a newer purlin makes; update purlin"))
        }
        // What is damaged may not even say what it is.
        _ => Ok(old),
    }
}

fn make_new((old, bytes): (&Connection, &File), source: &Path, new: &Path) -> Result<Salvaged, RepairError> {
    let failed = |error: rusqlite::Error| RepairError::Write { path: new.to_owned(), why: error.to_string() };
    clear(new);
    let made = private::file(new);
    made.map_err(|error| RepairError::Write { path: new.to_owned(), why: error.to_string() })?;
    let connection = Connection::open(new).map_err(failed)?;
    // Complete and on the disk before it gets its name.
    connection.execute_batch("PRAGMA synchronous = FULL").map_err(failed)?;
    let fill = || -> Result<Salvaged, rusqlite::Error> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        schema::create(&connection)?;
        let salvaged = salvage::copy(old, bytes, &connection)?;
        gaps::note(&connection, &salvaged.gaps)?;
        schema::apply_log(&connection, &connection)?;
        connection.execute_batch("COMMIT")?;
        Ok(salvaged)
    };
    let salvaged = fill().map_err(failed)?;
    if salvaged.events == 0 && salvaged.lost.is_some() {
        let why = salvaged.lost.unwrap_or_default();
        return Err(RepairError::Hopeless { path: source.to_owned(), why });
    }
    connection.close().map_err(|(_, error)| failed(error))?;
    Ok(salvaged)
}

/// Removes what an earlier repair left that did not end.
fn clear(new: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        // What is not there needs not be removed; what cannot be removed fails when it is written.
        let _ = fs::remove_file(beside(new, suffix));
    }
}
