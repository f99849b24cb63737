//! Reading a notebook: without locks where nobody writes it, which costs a tenth and leaves no files behind.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::stamp::{self, NotebookFile};
use crate::store::{Looking, looking};

/// A notebook that is being read.
pub(super) struct Reading {
    notebook: Looking,
    /// What the file looked like, where it is read as one that nobody writes.
    rest: Option<NotebookFile>,
}

impl Reading {
    /// Begins to read a notebook. `None` if it cannot be read, or nothing was committed to it.
    ///
    /// One at rest (nothing in the log beside it, no change within the last moments) is read without locks, if that may
    /// be. Whether it stayed at rest is told by [`Reading::holds`].
    pub(super) fn begin(file: &NotebookFile, may_rest: bool) -> Option<Self> {
        if may_rest && file.is_at_rest() {
            return at_rest(&file.path)
                .map(|notebook| Self { notebook: Looking::through(notebook), rest: Some(file.clone()) });
        }
        let notebook = looking(&file.path)
            .inspect_err(|error| {
                tracing::warn!(%error, path = %file.path.display(), "a session cannot be read");
            })
            .ok()??;
        Some(Self { notebook, rest: None })
    }

    /// The notebook.
    pub(super) fn notebook(&self) -> &Connection {
        &self.notebook
    }

    /// Tells whether the notebook is read as one that nobody writes.
    pub(super) fn is_of_rest(&self) -> bool {
        self.rest.is_some()
    }

    /// Tells whether all that was read up to now was read of one state of the notebook after the other, and none of a
    /// state between two.
    pub(super) fn holds(&self) -> bool {
        let Some(before) = &self.rest else { return true };
        stamp::again(before).is_some_and(|now| now.stamp == before.stamp)
    }
}

fn at_rest(path: &Path) -> Option<Connection> {
    let escaped = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let notebook =
        Connection::open_with_flags(PathBuf::from(format!("file:{escaped}?immutable=1")), flags).ok()?;
    notebook.set_prepared_statement_cache_capacity(16);
    Some(notebook)
}
