//! Replicas of one log that a simulated authority orders, each with its own latency.
//!
//! A replica shows what the authority has confirmed with its own pending events replayed on top, as LiveStore does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{LocalBoxStream, StreamExt};
use purlin_notebook::store::{Bell, boxed_watch};
use purlin_notebook::{
    CommitId, ConfirmedEvent, Durability, Event, EventNames, MemoryStore, NotebookId, Query, Rows, Store,
    StoreError, SyncStatus, Tables,
};
use purlin_runtime_core::Host;
use purlin_runtime_core::virtual_host::VirtualHost;

/// The log that counts.
#[derive(Clone)]
pub struct Authority(Rc<Log>);

struct Log {
    host: VirtualHost,
    latency: Duration,
    /// Each event with the replica that made it and its number there.
    events: RefCell<Vec<(String, u64, Event)>>,
    replicas: RefCell<Vec<Replica>>,
}

/// One machine's view of the log.
#[derive(Clone)]
pub struct Replica(Rc<View>);

struct View {
    name: String,
    authority: Authority,
    /// How long an event takes to the authority.
    sending: Duration,
    confirmation: bool,
    bell: Bell,
    /// What is shown: confirmed and pending.
    shown: RefCell<MemoryStore>,
    /// Our events that are not confirmed, by number.
    pending: RefCell<Vec<(u64, Event)>>,
    made: Cell<u64>,
    /// How much of the authority's log is known.
    known: Cell<usize>,
    listeners: RefCell<Vec<(EventNames, mpsc::UnboundedSender<ConfirmedEvent>)>>,
}

impl Authority {
    pub fn new(host: &VirtualHost, latency: Duration) -> Self {
        let (events, replicas) = (RefCell::default(), RefCell::default());
        Self(Rc::new(Log { host: host.clone(), latency, events, replicas }))
    }

    pub fn replica(&self, name: &str) -> Replica {
        self.join(name, self.0.latency, true)
    }

    /// Makes a replica whose events take longer to the authority, in milliseconds.
    pub fn late_replica(&self, name: &str, sending: u64) -> Replica {
        self.join(name, Duration::from_millis(sending), true)
    }

    /// Makes a replica that does not tell what is confirmed.
    pub fn silent_replica(&self, name: &str) -> Replica {
        self.join(name, self.0.latency, false)
    }

    fn join(&self, name: &str, sending: Duration, confirmation: bool) -> Replica {
        let replica = Replica(Rc::new(View {
            name: name.to_owned(),
            authority: self.clone(),
            sending,
            confirmation,
            bell: Bell::new(),
            shown: RefCell::new(self.empty()),
            pending: RefCell::default(),
            made: Cell::new(0),
            known: Cell::new(0),
            listeners: RefCell::default(),
        }));
        self.0.replicas.borrow_mut().push(replica.clone());
        replica.hear(self.0.events.borrow().len());
        replica
    }

    fn empty(&self) -> MemoryStore {
        let clock = self.0.host.clone();
        MemoryStore::new(NotebookId::from("test"), Rc::new(move || clock.now()))
    }

    /// Appends what a replica sent, and tells everybody.
    fn take(&self, from: &str, events: Vec<(u64, Event)>) {
        let mut log = self.0.events.borrow_mut();
        log.extend(events.into_iter().map(|(number, event)| (from.to_owned(), number, event)));
        let length = log.len();
        for replica in self.0.replicas.borrow().clone() {
            let latency = self.0.host.sleep(self.0.latency);
            self.0.host.spawn_detached(async move {
                latency.await;
                replica.hear(length);
            });
        }
    }
}

impl Replica {
    /// Learns of the authority's log up to a length.
    fn hear(&self, length: usize) {
        let view = &*self.0;
        let from = view.known.replace(length.max(view.known.get()));
        if length <= from {
            return;
        }
        let log = view.authority.0.events.borrow();
        let (mut ours_alone, nothing_pending) = (true, view.pending.borrow().is_empty());
        for (by, number, _) in &log[from..length] {
            let mut pending = view.pending.borrow_mut();
            if *by == view.name && pending.first().is_some_and(|(first, _)| first == number) {
                pending.remove(0);
            } else {
                ours_alone = false;
            }
        }
        let news = || log[from..length].iter().map(|(_, _, event)| event.clone());
        if nothing_pending {
            let news: Vec<Event> = news().collect();
            view.shown.borrow().commit(&news).expect("what was committed once is taken again");
        } else if !ours_alone {
            let shown = view.authority.empty();
            let mut all: Vec<Event> =
                log[..from].iter().map(|(_, _, event)| event.clone()).chain(news()).collect();
            all.extend(view.pending.borrow().iter().map(|(_, event)| event.clone()));
            shown.commit(&all).expect("what was committed once is taken again");
            *view.shown.borrow_mut() = shown;
        }
        view.bell.ring(Tables::ALL);
        for (seq, (by, _, event)) in log.iter().enumerate().take(length).skip(from) {
            let confirmed = ConfirmedEvent {
                seq: seq as i64 + 1,
                event: event.clone(),
                client_id: by.clone(),
                session_id: by.clone(),
            };
            view.listeners.borrow_mut().retain(|(names, listener)| {
                let wanted = names.names.iter().any(|name| name == event.name());
                !wanted || listener.unbounded_send(confirmed.clone()).is_ok()
            });
        }
    }
}

impl Store for Replica {
    fn identity(&self) -> purlin_notebook::Replica {
        let name = self.0.name.clone();
        purlin_notebook::Replica { store_id: "test".into(), client_id: name.clone(), session_id: name }
    }
    fn authority(&self) -> purlin_notebook::Authority {
        purlin_notebook::Authority::Remote { confirmation: self.0.confirmation }
    }
    fn knows(&self, _name: &str) -> bool {
        true
    }
    fn commit(&self, batch: &[Event]) -> Result<CommitId, StoreError> {
        let view = &*self.0;
        let id = view.shown.borrow().commit(batch)?;
        let number = |event: &Event| {
            view.made.set(view.made.get() + 1);
            (view.made.get(), event.clone())
        };
        let events: Vec<(u64, Event)> = batch.iter().map(number).collect();
        view.pending.borrow_mut().extend(events.iter().cloned());
        view.bell.ring(Tables::ALL);
        let (authority, name) = (view.authority.clone(), view.name.clone());
        let sent = authority.0.host.sleep(view.sending);
        authority.0.host.clone().spawn_detached(async move {
            sent.await;
            authority.take(&name, events);
        });
        Ok(id)
    }
    fn query(&self, q: &Query) -> Result<Rows, StoreError> {
        self.0.shown.borrow().query(q)
    }
    fn watch(&self, tables: Tables) -> LocalBoxStream<'static, ()> {
        boxed_watch(self.0.bell.watch(tables))
    }
    fn confirmed(&self, names: EventNames) -> LocalBoxStream<'static, ConfirmedEvent> {
        let (sender, receiver) = mpsc::unbounded();
        self.0.listeners.borrow_mut().push((names, sender));
        receiver.boxed_local()
    }
    fn status(&self) -> SyncStatus {
        SyncStatus { open: true, connected: true, pending: Some(self.0.pending.borrow().len() as u64) }
    }
    fn flush(
        &self,
        level: Durability,
        _deadline: Duration,
    ) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let this = self.clone();
        Box::pin(async move {
            while level == Durability::Authority && !this.0.pending.borrow().is_empty() {
                this.0.authority.0.host.sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        })
    }
}
