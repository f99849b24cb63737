//! The `Store` trait: a local replica of one notebook on one thread.

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;

use crate::event::Event;
use crate::ids::NotebookId;
use crate::materialize::Author;
use crate::query::{Query, Rows};
use crate::tables::Tables;

mod bell;
mod confirmed;
mod ext;

pub use bell::{Bell, Watch};
pub use confirmed::confirmed_from_log;
pub use ext::StoreExt;

/// Who a replica is. Its ids are the store's own: they are not those of the user an agent acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The notebook.
    pub store_id: NotebookId,
    /// The installation.
    pub client_id: String,
    /// This run of the program.
    pub session_id: String,
}

impl Replica {
    /// Returns what the log says of the events that the replica commits.
    pub fn author(&self) -> Author<'_> {
        Author { client_id: &self.client_id, session_id: &self.session_id }
    }
}

/// Who orders the store's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// This store: what is committed is confirmed.
    Local,
    /// A log elsewhere.
    Remote {
        /// Whether the store tells what the authority has confirmed.
        confirmation: bool,
    },
}

/// How far a flush goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// What was committed survives the end of this process, by whatever means.
    Process,
    /// It survives the machine losing power.
    Disk,
    /// The authority has it.
    Authority,
}

/// Where a batch stands in the log, as the rowids of its first and last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitId {
    /// The rowid of the first event.
    pub first: i64,
    /// The rowid of the last event.
    pub last: i64,
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store takes no commits any more, with the reason in words for people.
    #[error("the session's store is closed: {0}")]
    Closed(String),
    /// An event of the batch was refused; nothing of the batch was written.
    #[error("event {event} of the batch was refused: {why}")]
    Rejected {
        /// The event's place in the batch, from 0.
        event: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The store is in use: by a commit that is under way on this thread, or by another process for too long.
    #[error("the session's store is in use")]
    Busy,
    /// The database failed; the message names the file and what to do. Nothing of the batch was written.
    #[error("{0}")]
    Backend(String),
}

/// Which events a confirmation stream is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventNames {
    /// The wire names; empty means all.
    pub names: Vec<String>,
    /// Events after this rowid; `None` means those confirmed from now on.
    pub since: Option<i64>,
}

impl EventNames {
    /// Asks for events of these names that are confirmed from now on.
    pub fn of(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), since: None }
    }

    /// Asks for the events after a rowid too; 0 begins with the log.
    #[must_use]
    pub fn since(mut self, rowid: i64) -> Self {
        self.since = Some(rowid);
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }
}

/// An event in the authority's order.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfirmedEvent {
    /// Its place in that order.
    pub seq: i64,
    /// The event.
    pub event: Event,
    /// The replica's installation that committed it.
    pub client_id: String,
    /// The run of the program that committed it.
    pub session_id: String,
}

/// How a store stands to its authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncStatus {
    /// Whether the store takes commits.
    pub open: bool,
    /// Whether the authority can be reached; a local authority always can.
    pub connected: bool,
    /// How many events the authority has not confirmed; `None` if that is not known.
    pub pending: Option<u64>,
}

/// A local replica of one notebook on one thread.
///
/// On return of [`Store::commit`] the batch is checked, ordered and visible to [`Store::query`] on this handle.
pub trait Store: 'static {
    /// Tells who this replica is.
    fn identity(&self) -> Replica;
    /// Tells who orders the events.
    fn authority(&self) -> Authority;
    /// Tells whether the store can take events of a wire name.
    fn knows(&self, name: &str) -> bool;
    /// Writes a batch, all of it or nothing. Never re-entrant; an empty batch answers the end of the log.
    fn commit(&self, batch: &[Event]) -> Result<CommitId, StoreError>;
    /// Answers a question about the tables or the log.
    fn query(&self, q: &Query) -> Result<Rows, StoreError>;
    /// Streams dirty ticks of the tables: the first at once, later ones coalesced, none inside a commit.
    ///
    /// A tick says "look again", not what changed; it may come without a change. The stream ends with the store.
    fn watch(&self, tables: Tables) -> LocalBoxStream<'static, ()>;
    /// Streams events in the authority's order.
    fn confirmed(&self, names: EventNames) -> LocalBoxStream<'static, ConfirmedEvent>;
    /// Tells how the store stands to its authority.
    fn status(&self) -> SyncStatus;
    /// Waits until everything committed before has reached a level, at most for `deadline`.
    fn flush(&self, level: Durability, deadline: Duration)
    -> LocalBoxFuture<'static, Result<(), StoreError>>;
}

/// Boxes a stream of ticks for [`Store::watch`].
pub fn boxed_watch(watch: Watch) -> LocalBoxStream<'static, ()> {
    let stream: Pin<Box<dyn Stream<Item = ()>>> = Box::pin(watch);
    stream
}
