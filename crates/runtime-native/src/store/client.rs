//! The handle of a thread that must not block.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_channel::oneshot;
use futures_util::FutureExt;
use purlin_notebook::store::Watch;
use purlin_notebook::{CommitId, Durability, Event, StoreError, Tables};

use super::queue::{Command, Reply, Shared};
use super::write::Batch;

/// Posts batches and hears of changes, from any thread, and never blocks.
#[derive(Clone)]
pub struct StoreClient {
    shared: Arc<Shared>,
}

/// The answer to something that was posted. Dropping it does not take the post back.
#[derive(Debug)]
pub struct Posted<T> {
    answer: oneshot::Receiver<Result<T, StoreError>>,
}

impl StoreClient {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Posts a batch. Batches of one client are committed in the order of their posts, whether or not anybody waits
    /// for the answers.
    pub fn post(&self, batch: Vec<Event>) -> Posted<CommitId> {
        let (sender, answer) = oneshot::channel();
        self.shared.send(Command::Commit(Batch::unchecked(batch), Reply::Later(sender)));
        Posted { answer }
    }

    /// Asks that everything posted before reach a level.
    pub fn flush(&self, level: Durability) -> Posted<()> {
        let (sender, answer) = oneshot::channel();
        self.shared.send(Command::Flush(level, Reply::Later(sender)));
        Posted { answer }
    }

    /// Streams a tick whenever something was committed, here or in another process: the first at once, later ones
    /// coalesced. It ends with the store.
    pub fn changes(&self) -> Watch {
        self.shared.bell.watch(Tables::ALL)
    }

    /// As [`StoreClient::changes`], for some tables.
    pub fn watch(&self, tables: Tables) -> Watch {
        self.shared.bell.watch(tables)
    }
}

impl<T> Future for Posted<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let closed = || StoreError::Closed("the store thread ended".to_owned());
        self.answer.poll_unpin(cx).map(|answer| answer.unwrap_or_else(|_| Err(closed())))
    }
}

impl fmt::Debug for StoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreClient").field("id", &self.shared.replica.store_id).finish_non_exhaustive()
    }
}
