//! The SQLite store: one file per notebook, one thread that writes it, any number of handles that read it.
//!
//! [`SqliteNotebook`] owns the store thread. Each thread that works on the notebook takes a [`SqliteStore`] from it,
//! which reads through a connection of its own and commits where it stands if nobody else is writing (`store/pen.rs`);
//! a thread that must not block, such as the main thread, posts through a [`StoreClient`] to the store thread. Log and
//! tables change in one transaction, and what queued up while the last transaction ran is committed together in the
//! next.
//!
//! Other processes on the same notebook are told of commits by the doorbell (`doorbell.rs`), so nothing polls.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use purlin_notebook::{NotebookId, Replica};

use crate::Paths;

mod aside;
pub(crate) mod care;
mod client;
mod disk;
mod error;
mod file;
mod handle;
mod identity;
mod log;
mod pen;
mod promise;
mod queue;
mod replayed;
pub(crate) mod schema;
mod tables;
mod thread;
mod write;

pub use care::{Checked, NameStats, Problem, RepairError, Repaired, Stats, check, repair, stats};
pub use client::{Posted, StoreClient};
pub use error::OpenError;
pub use file::replay;
pub use handle::SqliteStore;
pub use replayed::replayed;

pub(crate) use file::{Looking, looking};
pub(crate) use identity::random_id;

use file::Opened;
use pen::Pen;
use queue::Shared;

/// How a notebook is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Opens it, or begins a new one, whose file appears with its first commit.
    Create,
    /// Opens one that exists.
    Existing,
    /// Opens one that exists, and takes no commits.
    ReadOnly,
}

/// An open notebook. Clones are handles of the same one; the store thread ends with the last of them.
#[derive(Clone)]
pub struct SqliteNotebook {
    owner: Arc<Owner>,
}

struct Owner {
    pen: Arc<Pen>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteNotebook {
    /// Opens a notebook.
    ///
    /// The cost does not depend on the notebook's size. A damaged file is kept aside and reported; a file of a newer
    /// program opens read-only, see [`SqliteNotebook::read_only`].
    pub fn open(paths: &Paths, id: NotebookId, mode: OpenMode) -> Result<Self, OpenError> {
        if !id.is_valid() {
            return Err(OpenError::Id(id));
        }
        let path = paths.notebook(&id);
        let opened = file::open(&path, mode)?;
        let replica = identity::replica(paths, id);
        Self::start(replica, Some(path), opened)
    }

    /// Begins a notebook that lives in memory and leaves nothing behind.
    pub fn in_memory(id: NotebookId) -> Result<Self, OpenError> {
        if !id.is_valid() {
            return Err(OpenError::Id(id));
        }
        let replica =
            Replica { store_id: id, client_id: identity::random_id(), session_id: identity::random_id() };
        let opened = file::memory()?;
        Self::start(replica, None, opened)
    }

    fn start(replica: Replica, path: Option<PathBuf>, opened: Opened) -> Result<Self, OpenError> {
        let (shared, waker) =
            Shared::new(replica, path, opened.read_only.clone()).map_err(OpenError::Thread)?;
        let shared = Arc::new(shared);
        let worker = thread::Worker::new(Arc::clone(&shared), opened.connection);
        let pen = Arc::new(Pen::new(shared, worker));
        let theirs = Arc::clone(&pen);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .stack_size(1 << 20)
            .spawn(move || thread::run(&theirs, &waker))
            .map_err(OpenError::Thread)?;
        Ok(Self { owner: Arc::new(Owner { pen, thread: Mutex::new(Some(thread)) }) })
    }

    /// Makes a handle for the calling thread.
    pub fn store(&self) -> Result<SqliteStore, OpenError> {
        Ok(SqliteStore::new(Arc::clone(&self.owner.pen)))
    }

    /// Makes a handle that posts commits and hears of changes, and never blocks.
    pub fn client(&self) -> StoreClient {
        StoreClient::new(Arc::clone(&self.owner.pen.shared))
    }

    /// Returns who this replica is.
    pub fn replica(&self) -> &Replica {
        &self.owner.pen.shared.replica
    }

    /// Returns the notebook's file; `None` for one in memory.
    pub fn path(&self) -> Option<&Path> {
        self.owner.pen.shared.path.as_deref()
    }

    /// Says in words for people why the notebook takes no commits; `None` if it does.
    pub fn read_only(&self) -> Option<&str> {
        self.owner.pen.shared.read_only.as_deref()
    }

    /// Commits what was posted, then closes the notebook and waits for the store thread to end.
    ///
    /// Later commits answer [`StoreError::Closed`](purlin_notebook::StoreError::Closed), and every watch ends.
    pub fn close(&self) {
        self.owner.close();
    }
}

impl Owner {
    fn close(&self) {
        self.pen.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(notebook = %self.pen.shared.replica.store_id, "the store thread panicked");
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for SqliteNotebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteNotebook").field("id", &self.replica().store_id).finish_non_exhaustive()
    }
}
