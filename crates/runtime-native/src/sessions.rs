//! The sessions on this machine: which there are, which was last in a directory, and how to delete one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use purlin_notebook::{NotebookId, RuntimeSessionId};
use rusqlite::Connection;

use crate::index::Index;
use crate::store::looking;
use crate::{Paths, doorbell, lock};

mod find;
pub(crate) mod folder;

pub use find::{FindError, find, find_to_delete};
pub use folder::{FolderError, ids};

/// The sessions of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Those that can be read, the one with the newest change first.
    pub sessions: Vec<SessionSummary>,
    /// Those that are there and cannot be read, sorted; `store::check` says why.
    pub unreadable: Vec<NotebookId>,
}

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
    /// It is not known which files belong to it.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Lists the sessions that can be read, the one with the newest change first; see [`Index::list`].
pub fn list(paths: &Paths) -> Vec<SessionSummary> {
    listing(paths).map(|listing| listing.sessions).unwrap_or_default()
}

/// Lists the sessions, with those that cannot be read; an error where it is not known which there are.
pub fn listing(paths: &Paths) -> Result<Listing, FolderError> {
    if ids(paths)?.is_empty() && !paths.notebooks().exists() {
        // A list leaves no file behind where nothing was ever kept.
        return Ok(Listing::default());
    }
    Index::open(paths).listing()
}

/// Finds the session that was changed last of those begun in a directory.
pub fn latest_for(paths: &Paths, cwd: &Path) -> Option<SessionSummary> {
    list(paths).into_iter().find(|session| session.cwd.as_deref() == Some(cwd))
}

/// Deletes a session with its drafts, and with damaged files of it that were kept. Its artifacts go with the next sweep.
pub fn delete(paths: &Paths, id: &NotebookId) -> Result<(), DeleteError> {
    let path = paths.notebook(id);
    if !id.is_valid() {
        return Err(DeleteError::NotFound(id.clone()));
    }
    let kept = kept(paths, id)?;
    if !path.exists() && kept.is_empty() {
        return Err(DeleteError::NotFound(id.clone()));
    }
    if let Ok(Some(connection)) = looking(&path)
        && active_sessions(&connection).iter().any(|session| lock::is_alive(paths, session))
    {
        return Err(DeleteError::InUse(id.clone()));
    }
    if doorbell::is_heard(&path) {
        return Err(DeleteError::InUse(id.clone()));
    }
    // The log goes first: without it the file is an older state of the notebook, with it and no file it is nothing.
    let files = [beside(&path, "-wal"), beside(&path, "-shm"), path];
    for path in files.into_iter().chain(kept).chain(drafts(paths, id)) {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(DeleteError::Io { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What repairs of a session left: its damaged files, and the new one of a repair that did not end.
fn kept(paths: &Paths, id: &NotebookId) -> Result<Vec<PathBuf>, FolderError> {
    let is_of = |name: &String| {
        let rest = name.strip_prefix(id.as_str()).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(folder::is_kept)
    };
    let names = folder::names(paths)?;
    Ok(names.iter().filter(|name| is_of(name)).map(|name| paths.notebooks().join(name)).collect())
}

/// The drafts of a session: one for each process that had it open at once, with the locks that told them apart.
fn drafts(paths: &Paths, id: &NotebookId) -> Vec<PathBuf> {
    let entries = fs::read_dir(paths.drafts()).into_iter().flatten().flatten();
    let is_of = |name: &str| {
        let rest = name.strip_prefix(id.as_str());
        rest.is_some_and(|rest| rest.starts_with(['.', '~']))
    };
    entries.filter(|entry| entry.file_name().to_str().is_some_and(is_of)).map(|entry| entry.path()).collect()
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
