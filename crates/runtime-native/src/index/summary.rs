//! The list: one row per notebook, read anew only where a file has changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use purlin_notebook::NotebookId;
use rusqlite::{Connection, OptionalExtension, params};

use super::reading::Reading;
use super::stamp::NotebookFile;
use crate::sessions::{Listing, SessionSummary};
use crate::store::looking;

/// What the index knows of one notebook.
struct Known {
    stamp: String,
    /// `None` if the file is no notebook that could be read.
    summary: Option<SessionSummary>,
}

/// Answers the summary of every notebook with those that cannot be read, and keeps those that were read anew.
pub(super) fn list(
    index: &Connection,
    files: &BTreeMap<String, NotebookFile>,
) -> Result<Listing, rusqlite::Error> {
    let mut known = known(index)?;
    let gone: Vec<String> = known.keys().filter(|id| !files.contains_key(*id)).cloned().collect();
    for id in &gone {
        known.remove(id);
    }
    let is_known = |file: &NotebookFile| {
        !file.stamp.is_empty() && known.get(file.id.as_str()).is_some_and(|known| known.stamp == file.stamp)
    };
    let changed: Vec<&NotebookFile> = files.values().filter(|file| !is_known(file)).collect();
    let fresh: Vec<(&NotebookFile, Option<SessionSummary>)> =
        changed.into_iter().map(|file| (file, of(file))).collect();
    if (!gone.is_empty() || !fresh.is_empty())
        && let Err(error) = keep(index, &gone, &fresh)
    {
        if super::file::is_damage(&error) {
            return Err(error);
        }
        // Another process is writing; the next list reads these again.
        tracing::debug!(%error, "the list was not kept");
    }
    for (file, summary) in fresh {
        known.insert(file.id.as_str().to_owned(), Known { stamp: file.stamp.clone(), summary });
    }
    let has_none = |id: &String| known.get(id).is_some_and(|known| known.summary.is_none());
    let unreadable = files
        .iter()
        .filter(|(id, file)| has_none(id) && is_unreadable(file))
        .map(|(_, file)| file.id.clone());
    let unreadable = unreadable.collect();
    let mut sessions: Vec<SessionSummary> = known.into_values().filter_map(|known| known.summary).collect();
    sessions.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.id.cmp(&b.id)));
    Ok(Listing { sessions, unreadable })
}

/// Tells a file that cannot be read from one to which nothing was committed yet; both have no summary.
fn is_unreadable(file: &NotebookFile) -> bool {
    match looking(&file.path) {
        Ok(None) => false,
        Ok(Some(notebook)) => read(&file.id, &notebook).is_err(),
        Err(_) => true,
    }
}

fn known(index: &Connection) -> Result<BTreeMap<String, Known>, rusqlite::Error> {
    let mut statement = index.prepare_cached(
        "SELECT id, stamp, readable, name, cwd, created_at, updated_at, cells, first_prompt FROM sessions",
    )?;
    let mut rows = statement.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let summary = if row.get(2)? {
            Some(SessionSummary {
                id: NotebookId::from(id.as_str()),
                name: row.get(3)?,
                cwd: row.get::<_, Option<String>>(4)?.map(PathBuf::from),
                created_at: row.get(5)?,
                updated_at: row.get(6)?,
                cells: row.get::<_, i64>(7)? as u64,
                first_prompt: row.get(8)?,
            })
        } else {
            None
        };
        all.insert(id, Known { stamp: row.get(1)?, summary });
    }
    Ok(all)
}

/// Keeps what was read, in one transaction.
fn keep(
    index: &Connection,
    gone: &[String],
    fresh: &[(&NotebookFile, Option<SessionSummary>)],
) -> Result<(), rusqlite::Error> {
    super::transaction(index, || {
        for id in gone {
            let key: Option<i64> = index
                .query_row("SELECT key FROM sessions WHERE id = ?", [id], |row| row.get(0))
                .optional()?;
            if let Some(key) = key {
                super::catch_up::forget(index, key)?;
                index.execute("DELETE FROM sessions WHERE key = ?", [key])?;
            }
        }
        for (file, summary) in fresh {
            write(index, file, summary.as_ref())?;
        }
        Ok(())
    })
}

/// Writes the row of one notebook.
pub(super) fn write(
    index: &Connection,
    file: &NotebookFile,
    summary: Option<&SessionSummary>,
) -> Result<(), rusqlite::Error> {
    let mut statement = index.prepare_cached(
        "INSERT INTO sessions (id, stamp, readable, name, cwd, created_at, updated_at, cells, first_prompt) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, \
         readable = excluded.readable, name = excluded.name, cwd = excluded.cwd, created_at = excluded.created_at, \
         updated_at = excluded.updated_at, cells = excluded.cells, first_prompt = excluded.first_prompt",
    )?;
    let cwd = summary.and_then(|it| it.cwd.as_ref()).map(|cwd| cwd.to_string_lossy().into_owned());
    statement.execute(params![
        file.id.as_str(),
        file.stamp,
        summary.is_some(),
        summary.and_then(|it| it.name.as_ref()),
        cwd,
        summary.map_or(0, |it| it.created_at),
        summary.map_or(0, |it| it.updated_at),
        summary.map_or(0, |it| it.cells as i64),
        summary.and_then(|it| it.first_prompt.as_ref()),
    ])?;
    Ok(())
}

/// Reads the summary of a notebook; a file that cannot be read is left out with a line in the log, and is reported
/// when somebody opens it.
pub(super) fn of(file: &NotebookFile) -> Option<SessionSummary> {
    if let Some(reading) = Reading::begin(file, true).filter(Reading::is_of_rest)
        && let Ok(summary) = read(&file.id, reading.notebook())
        && reading.holds()
    {
        return Some(summary);
    }
    let reading = Reading::begin(file, false)?;
    read(&file.id, reading.notebook())
        .inspect_err(|error| {
            tracing::warn!(%error, path = %file.path.display(), "a session cannot be read");
        })
        .ok()
}

fn read(id: &NotebookId, notebook: &Connection) -> Result<SessionSummary, rusqlite::Error> {
    let number = |sql: &str| notebook.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let time = |sql: &str| Ok::<i64, rusqlite::Error>(number(sql).optional()?.flatten().unwrap_or(0));
    let metadata: BTreeMap<String, String> = notebook
        .prepare("SELECT key, value FROM notebookMetadata")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let first_prompt = notebook
        .query_row(
            "SELECT substr(source, 1, 200) FROM cells WHERE cellType = 'ai' AND source <> '' ORDER BY rowid LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(SessionSummary {
        id: id.clone(),
        name: metadata.get("purlin.name").or_else(|| metadata.get("title")).cloned(),
        cwd: metadata.get("purlin.cwd").map(PathBuf::from),
        created_at: time("SELECT at FROM events ORDER BY rowid LIMIT 1")?,
        updated_at: time("SELECT at FROM events ORDER BY rowid DESC LIMIT 1")?,
        cells: number("SELECT count(*) FROM cells")?.unwrap_or(0) as u64,
        first_prompt,
    })
}
