//! Steering messages that nobody took up: what waits, and how it goes back to the person.
//!
//! A message whose prompt ended by an interrupt or with its process is not sent by itself. Taking it back leaves a mark
//! in the store, so that no agent and no other surface answers it again.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_notebook::{CellId, Event, QueueStatus, Steer, Store, StoreError, StoreExt};
use serde_json::json;

use super::{Session, SessionError, SessionState};

/// Owner of the marks among the states of extensions.
const OWNER: &str = "purlin";

/// A steering message that no agent has taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingSteer {
    /// Its id.
    pub id: String,
    /// The cell it was sent to.
    pub cell: CellId,
    /// Its text.
    pub text: String,
}

/// The mark that a message is not to be taken up any more, because it was taken back or sent as a prompt.
pub(super) fn settled_event(id: &str) -> Event {
    Event::StateSet { extension: OWNER.to_owned(), key: key(id), value: Some(json!(true)) }
}

fn key(id: &str) -> String {
    format!("steer.{id}")
}

/// Reads the messages of a cell that nobody took up and nobody took back.
pub(crate) fn open_steers(store: &dyn Store, cell: &CellId) -> Result<Vec<Steer>, StoreError> {
    let mut steers = store.steers(cell)?;
    steers.retain(|steer| steer.taken.is_none());
    let mut open = Vec::with_capacity(steers.len());
    for steer in steers {
        if store.state(OWNER, Some(&key(&steer.id)))?.is_empty() {
            open.push(steer);
        }
    }
    Ok(open)
}

impl Session {
    /// The steering messages that no agent has taken up yet, oldest first.
    pub fn waiting_steers(&self) -> Vec<WaitingSteer> {
        self.open_steers()
            .into_iter()
            .map(|steer| WaitingSteer { id: steer.id, cell: steer.cell_id, text: steer.text })
            .collect()
    }

    /// Takes back the messages whose prompt was interrupted or lost, oldest first; the texts are the caller's.
    pub fn take_back(&self) -> LocalBoxFuture<'static, Result<Vec<String>, SessionError>> {
        self.take(false)
    }

    /// Takes back every message that no agent has taken up, also those that wait behind a running prompt.
    pub fn take_back_all(&self) -> LocalBoxFuture<'static, Result<Vec<String>, SessionError>> {
        self.take(true)
    }

    fn take(&self, all: bool) -> LocalBoxFuture<'static, Result<Vec<String>, SessionError>> {
        let session = self.clone();
        async move {
            let mut steers = session.open_steers();
            steers.retain(|steer| all || session.is_over(&steer.cell_id));
            if steers.is_empty() {
                return Ok(Vec::new());
            }
            let inner = &session.0;
            // Forgotten before the commit, so that a second caller does not take the same ones.
            inner.steers.borrow_mut().retain(|(id, _)| steers.iter().all(|steer| steer.id != *id));
            inner.returned.borrow_mut().extend(steers.iter().map(|steer| steer.id.clone()));
            let events = steers.iter().map(|steer| settled_event(&steer.id)).collect();
            if let Err(error) = inner.committer.post(events).await {
                // The text is the person's again in any case; only the mark is missing.
                tracing::warn!(%error, "that messages were taken back could not be stored");
            }
            Ok(steers.into_iter().map(|steer| steer.text).collect())
        }
        .boxed_local()
    }

    /// Whether there is something for [`Self::take_back`].
    pub(super) fn has_left_over(&self) -> bool {
        self.open_steers().iter().any(|steer| self.is_over(&steer.cell_id))
    }

    /// Whether a prompt was interrupted or lost, and not answered: then its messages go back to the person.
    pub(super) fn is_over(&self, cell: &CellId) -> bool {
        if matches!(self.state(), SessionState::Working { cell: working, .. } if working == *cell) {
            return false;
        }
        let entry = self.0.read.queue_of(cell).ok().and_then(|mut entries| entries.pop());
        let own = self.0.steers.borrow().iter().any(|(_, of)| of == cell);
        entry.is_some_and(|entry| match entry.status {
            // Another surface that sent to a prompt and lives takes its messages back itself.
            QueueStatus::Cancelled => own || self.was_over(cell),
            // What this surface sent to a prompt that failed is sent on as a prompt; see `resend`.
            QueueStatus::Failed => !own,
            QueueStatus::Completed => self.was_over(cell),
            _ => false,
        })
    }

    fn was_over(&self, cell: &CellId) -> bool {
        self.0.left.borrow().iter().any(|(left, over)| left == cell && *over)
    }

    /// Open messages of this surface, and of the prompts that another process may have left when it ended.
    fn open_steers(&self) -> Vec<Steer> {
        let inner = &self.0;
        let mut cells: Vec<CellId> = inner.left.borrow().iter().map(|(cell, _)| cell.clone()).collect();
        for (_, cell) in inner.steers.borrow().iter() {
            if !cells.contains(cell) {
                cells.push(cell.clone());
            }
        }
        let mut steers = Vec::new();
        for cell in cells {
            match open_steers(&*inner.read, &cell) {
                Ok(open) => steers.extend(open),
                Err(error) => tracing::warn!(%error, "steering messages cannot be read"),
            }
        }
        steers.retain(|steer| !inner.returned.borrow().contains(&steer.id));
        steers
    }

    /// Notes the prompts whose messages a process that ended may have left behind.
    pub(super) fn note_left(&self) {
        let inner = &self.0;
        let mut left: Vec<_> =
            inner.state.borrow().active.iter().map(|(_, cell)| (cell.clone(), false)).collect();
        if let Ok(Some(last)) = inner.read.last_cell()
            && left.iter().all(|(cell, _)| *cell != last.id)
        {
            left.push((last.id, true));
        }
        *inner.left.borrow_mut() = left;
    }

    /// Gives up what executes now: its agent is gone and could not say so, for instance because the disk is full.
    ///
    /// The state goes on without it; the next agent settles it in the store.
    pub fn abandon(&self) {
        {
            let mut known = self.0.state.borrow_mut();
            let gone: Vec<_> = known.active.iter().map(|(queue, _)| queue.clone()).collect();
            known.abandoned.extend(gone);
        }
        self.refresh();
    }
}
