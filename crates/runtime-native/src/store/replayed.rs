//! The tables that a notebook's log gives, made in a database of their own.

use std::path::Path;

use purlin_notebook::{NotebookId, Replica, dump};
use rusqlite::Connection;

use super::file::{looking, memory};
use super::schema::rebuild;
use super::{OpenError, SqliteNotebook};

/// Replays the log of a notebook into an empty database and answers its tables in canonical form.
///
/// The file is only read. Nothing that stands in the log is refused.
pub fn replayed(path: &Path) -> Result<String, OpenError> {
    let unreadable = |why: String| OpenError::Unreadable { path: path.to_owned(), why };
    let Some(from) = looking(path)? else { return Ok(String::new()) };
    let opened = memory()?;
    if let Some(to) = &opened.connection {
        copy(&from, to)
            .and_then(|()| rebuild(to).map(drop))
            .map_err(|error| unreadable(error.to_string()))?;
    }
    let replica = Replica {
        store_id: NotebookId::from("replayed"),
        client_id: "replay".to_owned(),
        session_id: "replay".to_owned(),
    };
    let notebook = SqliteNotebook::start(replica, None, opened)?;
    dump::canonical(&notebook.store()?).map_err(|error| unreadable(error.to_string()))
}

fn copy(from: &Connection, to: &Connection) -> Result<(), rusqlite::Error> {
    let mut read = from.prepare(
        "SELECT rowid, batch, seq, name, args, clientId, sessionId, at FROM events ORDER BY rowid",
    )?;
    let mut write = to.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    to.execute_batch("BEGIN")?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let values: Vec<rusqlite::types::Value> =
            (0..8).map(|column| row.get(column)).collect::<Result<_, _>>()?;
        write.execute(rusqlite::params_from_iter(values))?;
    }
    to.execute_batch("COMMIT")
}
