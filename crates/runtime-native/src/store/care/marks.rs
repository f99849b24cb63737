//! Which artifacts a notebook refers to.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use crate::store::OpenError;
use crate::store::file::{self, opened};

/// Collects the artifacts that the log of a notebook's file refers to.
pub(crate) fn references(path: &Path) -> Result<BTreeSet<String>, OpenError> {
    let Some(connection) = opened(path)? else { return Ok(BTreeSet::new()) };
    collect(&connection).map_err(|error| file::unreadable(path, &error))
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
