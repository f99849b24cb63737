//! The index of all sessions: the list, and full text over what was said in them.
//!
//! One file, `index.db`, beside the folder of the notebooks. It is derived from them and disposable: whoever asks it
//! first brings it up to date, by looking at each notebook's file from outside and reading only those that changed, from
//! the last event that was read. A notebook that was copied in, deleted, replaced or written by another process is
//! noticed in the same way. Nothing here is on the way of a commit. Any number of processes may ask and update it at
//! once; a damaged index is made anew without a word.
//!
//! The text itself is not copied: the index keeps words and where they occur, and what is found is read from the
//! notebooks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use purlin_notebook::NotebookId;
use rusqlite::Connection;

use crate::Paths;
use crate::sessions::{FolderError, Listing, SessionSummary};

mod asked;
mod catch_up;
mod file;
mod reading;
mod search;
mod stamp;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod touched;
mod words;

pub use asked::Asked;
pub use search::{Hit, SNIPPET, Snippet};

/// The index, open on one thread.
#[derive(Debug)]
pub struct Index {
    paths: Paths,
    connection: Connection,
    /// Why it lives in memory, where it does.
    unkept: Option<String>,
}

/// Why an index was not made anew.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// It is not known which sessions there are; the index is as it was.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It could not be written.
    #[error("the index cannot be kept at `{}`: {why}; sessions are listed and searched all the same, but slower", path.display())]
    Unkept {
        /// Where it would be.
        path: PathBuf,
        /// What SQLite or the system said.
        why: String,
    },
}

/// How much an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexSize {
    /// Sessions that can be read.
    pub sessions: u64,
    /// Texts of cells and outputs that can be found.
    pub texts: u64,
    /// Bytes on the disk; 0 where the index cannot be kept.
    pub bytes: u64,
}

impl Index {
    /// Opens the index. One that is missing or damaged is made anew; where none can be kept it lives in memory.
    pub fn open(paths: &Paths) -> Self {
        let file::Opened { connection, unkept } = file::open(&paths.index());
        Self { paths: paths.clone(), connection, unkept }
    }

    /// Lists the sessions that can be read, the one with the newest change first; none where it is not known which
    /// there are.
    pub fn list(&mut self) -> Vec<SessionSummary> {
        self.listing().map(|listing| listing.sessions).unwrap_or_default()
    }

    /// Lists the sessions, with those that cannot be read. Where the folder of the sessions cannot be read, the index
    /// forgets nothing.
    pub fn listing(&mut self) -> Result<Listing, FolderError> {
        let files = stamp::notebooks(&self.paths)?;
        Ok(self.sound(|index| summary::list(&index.connection, &files)).unwrap_or_default())
    }

    /// Indexes what was committed to all notebooks since the last time; `progress` hears of how many notebooks, of how
    /// many, were looked at.
    pub fn update(&mut self, progress: &mut dyn FnMut(usize, usize)) {
        // What cannot be read now is read next time, and was written to the log.
        let _ = self.sound(|index| index.try_update(progress));
    }

    /// Indexes what was committed to one notebook, as far as that can be done before the deadline; tells whether
    /// nothing is left to do.
    pub fn update_one(&mut self, id: &NotebookId, deadline: Option<Instant>) -> bool {
        let Some(file) = stamp::notebook(&self.paths, id) else { return true };
        self.sound(|index| catch_up::catch_up(&index.connection, &file, deadline)).unwrap_or(false)
    }

    /// Finds the newest texts with all that was asked for, at most `limit`, as of the last update.
    pub fn search(&mut self, asked: &Asked, limit: usize) -> Vec<Hit> {
        let mut damaged = false;
        self.sound(|index| {
            if std::mem::replace(&mut damaged, true) {
                // The second try is on an index that was made anew.
                index.try_update(&mut |_, _| {})?;
            }
            search::search(&index.connection, &index.paths, asked, limit)
        })
        .unwrap_or_default()
    }

    fn try_update(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<(), rusqlite::Error> {
        let files = match stamp::notebooks(&self.paths) {
            Ok(files) => files,
            Err(error) => {
                // Nothing is known of the sessions, so nothing is forgotten of them.
                tracing::warn!(%error, "nothing was indexed");
                return Ok(());
            }
        };
        let listed = summary::list(&self.connection, &files)?.sessions;
        let changed: BTreeMap<&str, i64> =
            listed.iter().map(|session| (session.id.as_str(), session.updated_at)).collect();
        // The oldest first, so that newer texts come after older ones where thousands are of the same second.
        let mut files: Vec<_> = files.values().collect();
        files.sort_by_key(|file| changed.get(file.id.as_str()).copied());
        for (number, file) in files.iter().enumerate() {
            progress(number, files.len());
            match catch_up::catch_up(&self.connection, file, None) {
                Err(error) if file::is_damage(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, path = %file.path.display(), "a session was not indexed");
                }
                Ok(_) => {}
            }
        }
        progress(files.len(), files.len());
        Ok(())
    }

    /// Makes the index anew, so that nothing is left in it of sessions that were deleted.
    pub fn rebuild(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<(), RebuildError> {
        stamp::notebooks(&self.paths)?;
        self.replace();
        let done = self.sound(|index| index.try_update(progress));
        match self.unkept.take().or_else(|| done.err().map(|error| error.to_string())) {
            Some(why) => Err(RebuildError::Unkept { path: self.paths.index(), why }),
            None => Ok(()),
        }
    }

    /// Counts what the index holds.
    pub fn size(&mut self) -> IndexSize {
        let counted = self.sound(|index| {
            let count = |sql: &str| index.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok(IndexSize {
                sessions: count("SELECT count(*) FROM sessions WHERE readable")? as u64,
                texts: count("SELECT count(*) FROM documents WHERE hash <> 0")? as u64,
                bytes: 0,
            })
        });
        let path = self.paths.index();
        let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        IndexSize { bytes: bytes(&path) + bytes(std::path::Path::new(&log)), ..counted.unwrap_or_default() }
    }

    /// Does something with the index. If that shows that the file is no good, it is made anew and tried once more.
    fn sound<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let done = match work(self) {
            Err(error) if file::is_damage(&error) => {
                tracing::info!(%error, "the index is made anew");
                self.replace();
                work(self)
            }
            done => done,
        };
        done.inspect_err(|error| tracing::warn!(%error, "the index cannot be used"))
    }

    fn replace(&mut self) {
        let path = self.paths.index();
        if let Ok(nothing) = Connection::open_in_memory() {
            // The old file is closed before it is removed.
            drop(std::mem::replace(&mut self.connection, nothing));
        }
        file::discard(&path);
        file::Opened { connection: self.connection, unkept: self.unkept } = file::open(&path);
    }
}

/// Runs changes of the index in one transaction.
fn transaction<T>(
    index: &Connection,
    work: impl FnOnce() -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    index.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let done = work().and_then(|done| index.prepare_cached("COMMIT")?.execute([]).map(|_| done));
    if done.is_err() && !index.is_autocommit() {
        // The error that led here is the one to tell; a failed rollback ends with the connection.
        let _ = index.execute_batch("ROLLBACK");
    }
    done
}
