//! Which artifacts a notebook refers to.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::salvage;
use crate::store::OpenError;
use crate::store::file::{self, opened};
use crate::store::schema;

/// Collects the artifacts that the log of a notebook's file refers to.
pub(crate) fn references(path: &Path) -> Result<BTreeSet<String>, OpenError> {
    let Some(connection) = opened(path)? else { return Ok(BTreeSet::new()) };
    collect(&connection).map_err(|error| file::unreadable(path, &error))
}

/// Collects those of a damaged file, as far as anything can be read of it.
pub(crate) fn salvaged(path: &Path) -> BTreeSet<String> {
    let read = || -> Result<BTreeSet<String>, Box<dyn Error>> {
        // It is closed after the database, whose locks would go with it.
        let file = File::open(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let damaged = Connection::open_with_flags(path, flags)?;
        salvage::insist(&damaged)?;
        let whole = Connection::open_in_memory()?;
        schema::create(&whole)?;
        salvage::copy(&damaged, &file, &whole)?;
        Ok(collect(&whole)?)
    };
    read().unwrap_or_else(|error| {
        tracing::debug!(error, path = %path.display(), "nothing can be read of a damaged file");
        BTreeSet::new()
    })
}

/// Collects them from an open notebook.
pub(super) fn collect(connection: &Connection) -> Result<BTreeSet<String>, rusqlite::Error> {
    let mut all = BTreeSet::new();
    let mut statement =
        connection.prepare("SELECT args FROM events WHERE instr(args, 'artifact:') > 0 ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?);
        all.extend(crate::artifacts::references(&text));
    }
    Ok(all)
}
