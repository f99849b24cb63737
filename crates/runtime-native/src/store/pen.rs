//! The pen: whoever has it writes the notebook, for itself and for all who queued up.
//!
//! A thread that waits for its commit takes the pen if it is free, so that a lone commit needs no other thread. Where it
//! is not free, its holder sees to the command: the store thread looks at the queue again after it laid the pen down,
//! everybody else wakes the store thread if something waits then, and goes on with its own work. So a thread writes at
//! most one group that is not its own, and under load the store thread writes all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Instant;

use rusqlite::Connection;

use super::log;
use super::promise::promise;
use super::queue::{Command, Reply, Shared};
use super::tables::Answer;
use super::thread::Worker;

/// The writing side of an open notebook.
pub(super) struct Pen {
    pub(super) shared: Arc<Shared>,
    worker: Mutex<Worker>,
    readers: Mutex<Vec<Weak<Reader>>>,
}

/// The connection of one handle that reads; `None` until the first query that finds a file.
pub(super) type Reader = Mutex<Option<Connection>>;

impl Pen {
    /// Lays the pen down for whoever takes it.
    pub(super) fn new(shared: Arc<Shared>, worker: Worker) -> Self {
        Self { shared, worker: Mutex::new(worker), readers: Mutex::default() }
    }

    /// Sends a command and waits for its answer. If nobody is writing, it is carried out here.
    pub(super) fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Answer<T> {
        let (promise, answer) = promise();
        self.shared.queue(command(Reply::Now(promise)));
        if let Some(mut worker) = self.try_take() {
            // Among what is queued now is the command, unless the last holder took it, who has answered it then.
            self.serve(&mut worker);
            drop(worker);
            if self.shared.waits() || self.shared.log.is_long() {
                self.shared.wake_if_asleep();
            }
        }
        answer.wait()
    }

    fn serve(&self, worker: &mut Worker) {
        let commands = self.shared.take_all();
        if !commands.is_empty() && catch_unwind(AssertUnwindSafe(|| worker.serve(commands))).is_err() {
            tracing::error!(notebook = %self.shared.replica.store_id, "a commit panicked, so the notebook is closed");
            self.shared.end();
        }
    }

    /// As the store thread, carries out what is queued until nothing came for a moment; answers whether the store was
    /// closed.
    pub(super) fn work_off(&self, rested: &mut Instant) -> bool {
        self.take().work_off(rested)
    }

    /// As the store thread, moves a long log into the file while others go on committing.
    pub(super) fn tidy_log(&self) {
        if !self.shared.log.is_long() || !self.take().has_its_log() {
            return;
        }
        self.shared.log.is_moved();
        if let Some(path) = &self.shared.path {
            log::tidy(path);
        }
    }

    /// Makes a place for the connection of a handle that reads.
    pub(super) fn reader(&self) -> Arc<Reader> {
        let reader = Arc::new(Reader::default());
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.strong_count() > 0);
        readers.push(Arc::downgrade(&reader));
        reader
    }

    /// Closes the connections that read, once the store is closed.
    pub(super) fn close_readers(&self) {
        let readers = std::mem::take(&mut *self.readers.lock().unwrap_or_else(PoisonError::into_inner));
        for reader in readers.iter().filter_map(Weak::upgrade) {
            reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Takes the pen when it is free.
    pub(super) fn take(&self) -> MutexGuard<'_, Worker> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the pen if it is free and the store thread has begun.
    fn try_take(&self) -> Option<MutexGuard<'_, Worker>> {
        let worker = match self.worker.try_lock() {
            Ok(worker) => worker,
            Err(TryLockError::Poisoned(worker)) => worker.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        worker.has_begun().then_some(worker)
    }
}
