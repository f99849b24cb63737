//! What the file of a notebook looks like from outside: as long as that is the same, nothing was committed.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use purlin_notebook::NotebookId;

use crate::Paths;
use crate::sessions::{FolderError, folder};

/// A file system tells the time of a change in steps; what changed so shortly ago, in nanoseconds, may change again
/// within the same step.
const STEP: i128 = 50_000_000;

/// A notebook's file with its stamp.
#[derive(Clone, Debug)]
pub(super) struct NotebookFile {
    pub(super) id: NotebookId,
    pub(super) path: PathBuf,
    /// Number, size and time of change of the file and of the log beside it; empty if it changed just now, which
    /// equals no stamp that was kept.
    pub(super) stamp: String,
    /// The number of the file on its disk; another file of the same name has another one.
    pub(super) number: i64,
    /// Whether there is something in the log beside the file.
    has_log: bool,
}

impl NotebookFile {
    /// Tells whether the file holds everything, and nobody changed it within the last moments.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.has_log && !self.stamp.is_empty()
    }
}

/// Finds the notebooks of this machine. Their files are not opened: a process that closes one lets go of its locks.
/// By id, for comparing with what is known.
pub(super) fn notebooks(paths: &Paths) -> Result<BTreeMap<String, NotebookFile>, FolderError> {
    let folder = paths.notebooks();
    let names = folder::names(paths)?;
    let now = SystemTime::now();
    let file = |name: &String| {
        let id = NotebookId::from(name.strip_suffix(".db")?);
        let has_log = names.contains(&format!("{name}-wal"));
        id.is_valid().then(|| of(id, folder.join(name), has_log, now)).flatten()
    };
    Ok(names.iter().filter_map(file).map(|file| (file.id.as_str().to_owned(), file)).collect())
}

/// Looks at one notebook.
pub(super) fn notebook(paths: &Paths, id: &NotebookId) -> Option<NotebookFile> {
    of(id.clone(), paths.notebook(id), true, SystemTime::now())
}

/// Looks at a notebook once more.
pub(super) fn again(file: &NotebookFile) -> Option<NotebookFile> {
    of(file.id.clone(), file.path.clone(), true, SystemTime::now())
}

fn of(id: NotebookId, path: PathBuf, has_log: bool, now: SystemTime) -> Option<NotebookFile> {
    let file = fs::metadata(&path).ok().filter(Metadata::is_file)?;
    // A reader leaves an empty log behind, which says the same as none.
    let log = has_log.then(|| fs::metadata(log_of(&path)).ok()).flatten().filter(|log| log.len() > 0);
    let changed = |file: &Metadata| i128::from(file.mtime()) * 1_000_000_000 + i128::from(file.mtime_nsec());
    let newest = log.as_ref().map_or(0, changed).max(changed(&file));
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as i128);
    let stamp = if now - newest < STEP {
        String::new()
    } else {
        let part = |file: &Metadata| format!("{} {} {}", file.ino(), file.len(), changed(file));
        format!("{} | {}", part(&file), log.as_ref().map(part).unwrap_or_default())
    };
    Some(NotebookFile { id, path, stamp, number: file.ino() as i64, has_log: log.is_some() })
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
