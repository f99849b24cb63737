//! The memory store: log and maps. It orders its own events and is the reference in tests.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{self, LocalBoxFuture};
use futures_util::stream::LocalBoxStream;

use crate::event::{Event, UnknownNames};
use crate::ids::NotebookId;
use crate::materialize::{Author, apply};
use crate::query::{Query, Rows};
use crate::rows::LogEntry;
use crate::store::{
    Authority, Bell, CommitId, ConfirmedEvent, Durability, EventNames, Replica, Store, StoreError,
    SyncStatus, boxed_watch, confirmed_from_log,
};
use crate::tables::Tables;

mod answer;
mod log;
mod maps;

use log::Log;
use maps::Maps;

/// A store in memory. Clones are handles of the same store.
///
/// # Example
/// ```
/// use std::rc::Rc;
/// use purlin_notebook::{CellType, Event, MemoryStore, NotebookId, Store, StoreExt};
///
/// let store = MemoryStore::new(NotebookId::from("example"), Rc::new(|| 1_700_000_000_000));
/// store.commit(&[Event::CellCreated2 {
///     id: "c1".into(),
///     fractional_index: "m".into(),
///     cell_type: CellType::Ai,
///     created_by: "ada".into(),
/// }])?;
/// assert_eq!(store.cells()?.len(), 1);
/// # Ok::<(), purlin_notebook::StoreError>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    replica: Rc<Replica>,
    inner: Rc<Inner>,
}

struct Inner {
    clock: Rc<dyn Fn() -> i64>,
    bell: Bell,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    log: Log,
    maps: Maps,
    unknown: UnknownNames,
    closed: Option<String>,
}

impl MemoryStore {
    /// Makes an empty store; `clock` tells the time in Unix milliseconds.
    pub fn new(id: NotebookId, clock: Rc<dyn Fn() -> i64>) -> Self {
        let replica =
            Replica { store_id: id, client_id: "memory".to_owned(), session_id: "memory".to_owned() };
        Self::with_identity(replica, clock)
    }

    /// Makes an empty store of a replica.
    pub fn with_identity(replica: Replica, clock: Rc<dyn Fn() -> i64>) -> Self {
        let inner = Inner { clock, bell: Bell::new(), state: RefCell::default() };
        Self { replica: Rc::new(replica), inner: Rc::new(inner) }
    }

    /// Makes a store of the log of another one: the same events by the same authors, in the same batches, and the
    /// tables that follow from them.
    ///
    /// Nothing is refused, because what stands in a log is a fact. Rows are numbered anew from 1.
    pub fn from_log(
        replica: Replica,
        clock: Rc<dyn Fn() -> i64>,
        entries: impl IntoIterator<Item = LogEntry>,
    ) -> Result<Self, StoreError> {
        let store = Self::with_identity(replica, clock);
        let mut state = State::default();
        let mut batch = (0, 0);
        for entry in entries {
            let rowid = state.log.last_rowid() + 1;
            if batch.0 != entry.batch {
                batch = (entry.batch, rowid);
            }
            let author = Author { client_id: &entry.client_id, session_id: &entry.session_id };
            state.add(entry.event, author, (batch.1, entry.seq, entry.at))?;
        }
        store.inner.state.replace(state);
        Ok(store)
    }

    /// Makes a handle of this store for another replica: what it commits is by another author.
    #[must_use]
    pub fn as_replica(&self, client_id: &str, session_id: &str) -> Self {
        let replica = Replica {
            store_id: self.replica.store_id.clone(),
            client_id: client_id.to_owned(),
            session_id: session_id.to_owned(),
        };
        Self { replica: Rc::new(replica), inner: Rc::clone(&self.inner) }
    }

    /// Closes the store, with the reason in words for people: every later commit answers it, every stream ends.
    pub fn close(&self, why: &str) {
        if let Ok(mut state) = self.inner.state.try_borrow_mut() {
            state.closed = Some(why.to_owned());
        }
        self.inner.bell.close();
    }

    fn append(&self, batch: &[Event]) -> Result<(CommitId, Tables), StoreError> {
        let mut state = self.inner.state.try_borrow_mut().map_err(|_| StoreError::Busy)?;
        if let Some(why) = &state.closed {
            return Err(StoreError::Closed(why.clone()));
        }
        let mut events = Vec::with_capacity(batch.len());
        for (place, event) in batch.iter().enumerate() {
            let (event, _) = event.check().map_err(|why| StoreError::Rejected { event: place, why })?;
            events.push(event.into_owned());
        }
        let at = (self.inner.clock)();
        let first = state.log.last_rowid() + 1;
        let id = CommitId { first, last: first + batch.len() as i64 - 1 };
        for (rowid, event) in (first..).zip(events) {
            state.add(event, self.replica.author(), (first, Some(rowid), at))?;
        }
        Ok((id, state.maps.take_touched()))
    }
}

impl State {
    /// Adds an event with its batch, its place in the authority's order, and its time.
    fn add(
        &mut self,
        event: Event,
        author: Author<'_>,
        place: (i64, Option<i64>, i64),
    ) -> Result<(), StoreError> {
        self.unknown.warn(&event);
        // Maps in memory take every change.
        apply(&event, author, &mut self.maps).map_err(|e| StoreError::Backend(e.to_string()))?;
        self.log.push(event, author, place);
        Ok(())
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> Replica {
        (*self.replica).clone()
    }

    fn authority(&self) -> Authority {
        Authority::Local
    }

    fn knows(&self, _name: &str) -> bool {
        // Unknown names are kept like the others.
        true
    }

    fn commit(&self, batch: &[Event]) -> Result<CommitId, StoreError> {
        let (id, touched) = self.append(batch)?;
        if !batch.is_empty() {
            self.inner.bell.ring(touched | Tables::LOG);
        }
        Ok(id)
    }

    fn query(&self, q: &Query) -> Result<Rows, StoreError> {
        let state = self.inner.state.try_borrow().map_err(|_| StoreError::Busy)?;
        Ok(answer::answer(&state.maps, &state.log, q))
    }

    fn watch(&self, tables: Tables) -> LocalBoxStream<'static, ()> {
        boxed_watch(self.inner.bell.watch(tables))
    }

    fn confirmed(&self, names: EventNames) -> LocalBoxStream<'static, ConfirmedEvent> {
        confirmed_from_log(Rc::new(self.clone()), names)
    }

    fn status(&self) -> SyncStatus {
        let open = self.inner.state.try_borrow().is_ok_and(|state| state.closed.is_none());
        SyncStatus { open, connected: true, pending: Some(0) }
    }

    fn flush(
        &self,
        _level: Durability,
        _deadline: Duration,
    ) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        // Memory is as durable as it will ever be.
        Box::pin(future::ready(Ok(())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("replica", &self.replica).finish_non_exhaustive()
    }
}
