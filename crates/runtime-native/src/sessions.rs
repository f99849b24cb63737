//! The sessions on this machine: which there are, which was last in a directory, and how to delete one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use purlin_notebook::{NotebookId, RuntimeSessionId};
use rusqlite::{Connection, OptionalExtension};

use crate::store::reader;
use crate::{Paths, lock};

mod find;

pub use find::{FindError, find};

/// What a list of sessions shows of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSummary {
    /// The notebook.
    pub id: NotebookId,
    /// The name that somebody gave it.
    pub name: Option<String>,
    /// The directory it was begun in.
    pub cwd: Option<PathBuf>,
    /// When its first event was committed, in Unix milliseconds.
    pub created_at: i64,
    /// When its last event was committed, in Unix milliseconds.
    pub updated_at: i64,
    /// How many cells it has.
    pub cells: u64,
    /// The beginning of its first prompt, at most 200 characters.
    pub first_prompt: Option<String>,
}

/// Why a session was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// There is none.
    #[error("there is no session `{0}`; `purlin session list` shows those there are")]
    NotFound(NotebookId),
    /// Somebody works in it.
    #[error("the session `{0}` is open in another process; quit that one first")]
    InUse(NotebookId),
    /// A file stayed.
    #[error("`{}` could not be deleted: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Lists the sessions, the one with the newest change first.
///
/// A file that cannot be read is left out with a line in the log; it is reported when somebody opens it.
pub fn list(paths: &Paths) -> Vec<SessionSummary> {
    let mut all: Vec<SessionSummary> = files(paths).into_iter().filter_map(SessionFile::summary).collect();
    all.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.id.cmp(&b.id)));
    all
}

/// Finds the session that was changed last of those begun in a directory.
pub fn latest_for(paths: &Paths, cwd: &Path) -> Option<SessionSummary> {
    files(paths)
        .into_iter()
        .filter_map(SessionFile::summary)
        .find(|session| session.cwd.as_deref() == Some(cwd))
}

/// Deletes a session with its draft. Its artifacts go with the next sweep.
pub fn delete(paths: &Paths, id: &NotebookId) -> Result<(), DeleteError> {
    let path = paths.notebook(id);
    if !id.is_valid() || !path.exists() {
        return Err(DeleteError::NotFound(id.clone()));
    }
    if let Ok(Some(connection)) = reader(&path)
        && active_sessions(&connection).iter().any(|session| lock::is_alive(paths, session))
    {
        return Err(DeleteError::InUse(id.clone()));
    }
    // The log goes first: without it the file is an older state of the notebook, with it and no file it is nothing.
    for path in [beside(&path, "-wal"), beside(&path, "-shm"), paths.draft(id), path] {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(DeleteError::Io { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

struct SessionFile {
    id: NotebookId,
    path: PathBuf,
    modified: SystemTime,
}

/// Returns the files of the sessions, the one written last first.
fn files(paths: &Paths) -> Vec<SessionFile> {
    let entries = fs::read_dir(paths.notebooks()).into_iter().flatten().flatten();
    let mut files: Vec<SessionFile> = entries.filter_map(|entry| SessionFile::of(entry.path())).collect();
    files.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.id.cmp(&b.id)));
    files
}

impl SessionFile {
    fn of(path: PathBuf) -> Option<Self> {
        if path.extension()? != "db" {
            return None;
        }
        let id = NotebookId::from(path.file_stem()?.to_str()?);
        let written = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        // New commits are in the log beside the file until it is moved into it.
        let modified = written(&beside(&path, "-wal")).max(written(&path)).unwrap_or(UNIX_EPOCH);
        id.is_valid().then_some(Self { id, path, modified })
    }

    fn summary(self) -> Option<SessionSummary> {
        // Through SQLite only: to open and close the file otherwise would let go of the locks this process has on it.
        let connection = match reader(&self.path) {
            Ok(connection) => connection?,
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "a session cannot be read");
                return None;
            }
        };
        self.read(&connection)
            .inspect_err(|error| {
                tracing::warn!(%error, path = %self.path.display(), "a session cannot be read");
            })
            .ok()
    }

    fn read(&self, connection: &Connection) -> Result<SessionSummary, rusqlite::Error> {
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
        let metadata: BTreeMap<String, String> = connection
            .prepare("SELECT key, value FROM notebookMetadata")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let first_prompt = connection
            .query_row(
                "SELECT substr(source, 1, 200) FROM cells WHERE cellType = 'ai' AND source <> '' ORDER BY rowid LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()?;
        Ok(SessionSummary {
            id: self.id.clone(),
            name: metadata.get("purlin.name").or_else(|| metadata.get("title")).cloned(),
            cwd: metadata.get("purlin.cwd").map(PathBuf::from),
            created_at: number("SELECT at FROM events ORDER BY rowid LIMIT 1")
                .optional()?
                .flatten()
                .unwrap_or(0),
            updated_at: number("SELECT at FROM events ORDER BY rowid DESC LIMIT 1")
                .optional()?
                .flatten()
                .unwrap_or(0),
            cells: number("SELECT count(*) FROM cells")?.unwrap_or(0) as u64,
            first_prompt,
        })
    }
}

fn active_sessions(connection: &Connection) -> Vec<RuntimeSessionId> {
    let active = || -> Result<Vec<String>, rusqlite::Error> {
        let mut statement = connection.prepare("SELECT sessionId FROM runtimeSessions WHERE isActive = 1")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    active().unwrap_or_default().into_iter().map(RuntimeSessionId::from).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
