//! The handle of a thread that works on the notebook: it reads through a connection of its own.

use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::error::{OpenError, explain};
use super::file;
use super::pen::{Pen, Reader};
use super::promise::{Waiting, ended, promise};
use super::queue::{Command, Reply};
use super::tables::{answer, nothing};
use super::write::Batch;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{self, LocalBoxFuture};
use futures_util::stream::LocalBoxStream;
use purlin_notebook::store::{boxed_watch, confirmed_from_log};
use purlin_notebook::{
    Authority, CommitId, ConfirmedEvent, Durability, Event, EventNames, Query, Replica, Rows, Store,
    StoreError, SyncStatus, Tables,
};

/// A store on one thread. Clones share the thread's connection.
#[derive(Clone)]
pub struct SqliteStore {
    pen: Arc<Pen>,
    reader: Arc<Reader>,
}

impl SqliteStore {
    pub(super) fn new(pen: Arc<Pen>) -> Self {
        let reader = pen.reader();
        Self { pen, reader }
    }

    fn read(&self, path: &std::path::Path, query: &Query) -> Result<Rows, StoreError> {
        let backend = |error: OpenError| StoreError::Backend(error.to_string());
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            if !path.exists() {
                return Ok(nothing(query));
            }
            if !self.pen.shared.is_open() {
                // Nothing is held of a notebook that was closed.
                let looking = file::looking(path).map_err(backend)?;
                return looking
                    .map_or_else(|| Ok(nothing(query)), |it| answer(&it, query))
                    .map_err(|error| explain(&error, Some(path)));
            }
            *reader = file::reader(path).map_err(backend)?;
        }
        match reader.as_ref() {
            Some(connection) => answer(connection, query).map_err(|error| explain(&error, Some(path))),
            None => Ok(nothing(query)),
        }
    }
}

impl Store for SqliteStore {
    fn identity(&self) -> Replica {
        self.pen.shared.replica.clone()
    }

    fn authority(&self) -> Authority {
        Authority::Local
    }

    fn knows(&self, _name: &str) -> bool {
        // Unknown names are kept like the others.
        true
    }

    fn commit(&self, batch: &[Event]) -> Result<CommitId, StoreError> {
        let batch = Batch::checked(batch)?;
        self.pen.ask(|reply| Command::Commit(batch, reply))
    }

    fn query(&self, q: &Query) -> Result<Rows, StoreError> {
        match &self.pen.shared.path {
            Some(path) => self.read(path, q),
            None => self.pen.ask(|reply| Command::Query(q.clone(), reply)),
        }
    }

    fn watch(&self, tables: Tables) -> LocalBoxStream<'static, ()> {
        boxed_watch(self.pen.shared.bell.watch(tables))
    }

    fn confirmed(&self, names: EventNames) -> LocalBoxStream<'static, ConfirmedEvent> {
        confirmed_from_log(Rc::new(self.clone()), names)
    }

    fn status(&self) -> SyncStatus {
        SyncStatus { open: self.pen.shared.is_open(), connected: true, pending: Some(0) }
    }

    fn flush(
        &self,
        level: Durability,
        deadline: Duration,
    ) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        if level == Durability::Process
            && let Some(answer) = self.pen.shared.at_rest()
        {
            return Box::pin(future::ready(answer));
        }
        let (promise, answer) = promise();
        self.pen.shared.send(Command::Flush(level, Reply::Now(promise)));
        within(answer, deadline)
    }
}

/// Waits for an answer, at most until a deadline.
///
/// A handle may live on a thread with any executor or with none, so the wait has a thread of its own for as long as it
/// lasts, rather than some executor's timer.
fn within(answer: Waiting<()>, deadline: Duration) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    let (sender, waiting) = oneshot::channel();
    let wait = move || {
        let slow = || {
            StoreError::Backend(format!(
                "the session was not saved within {} ms; the disk is slow, or another process holds the session's file",
                deadline.as_millis()
            ))
        };
        let answer = answer.wait_for(deadline).unwrap_or_else(|| Err(slow()));
        // Whoever asked may have stopped waiting.
        let _ = sender.send(answer);
    };
    match std::thread::Builder::new().name("flush".to_owned()).stack_size(1 << 16).spawn(wait) {
        Ok(_) => Box::pin(waiting.map(|answer| answer.unwrap_or_else(|_| Err(ended())))),
        Err(error) => Box::pin(future::ready(Err(StoreError::Backend(format!(
            "no thread could be started to wait for the disk: {error}"
        ))))),
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("id", &self.pen.shared.replica.store_id).finish_non_exhaustive()
    }
}
