//! The folder of the sessions: what lies in it, and that it cannot be read where that is so.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use purlin_notebook::NotebookId;

use crate::Paths;

/// The folder of the sessions is there and cannot be read, so nothing is known of them.
#[derive(Debug, thiserror::Error)]
#[error("the folder of the sessions, `{}`, cannot be read: {source}", path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The ids of all files that are named as sessions are, the oldest first, whether or not they can be read. None where
/// there is no folder yet; a link that leads nowhere is an error, because what it led to may come back.
pub fn ids(paths: &Paths) -> Result<Vec<NotebookId>, FolderError> {
    let names = names(paths)?;
    let ids = names.iter().filter_map(|name| name.strip_suffix(".db").map(NotebookId::from));
    let mut ids: Vec<NotebookId> = ids.filter(NotebookId::is_valid).collect();
    ids.sort();
    Ok(ids)
}

/// The names of all that lies in the folder, apart from those that are no text and so no session's.
pub(crate) fn names(paths: &Paths) -> Result<BTreeSet<String>, FolderError> {
    let path = paths.notebooks();
    let read = || -> io::Result<BTreeSet<String>> {
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => {
                return Ok(BTreeSet::new());
            }
            entries => entries?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    };
    read().map_err(|source| FolderError { path, source })
}

/// Tells whether a name without the id before its first dot is that of a damaged file that was kept, or of a repair
/// that did not end, or of what stands beside these.
pub(super) fn is_kept(rest: &str) -> bool {
    rest.starts_with("db.corrupt") || rest.starts_with("db.repair")
}
