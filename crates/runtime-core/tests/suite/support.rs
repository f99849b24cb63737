//! A store, a host and a few words to say what is to happen.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use purlin_notebook::{
    Authority, Capabilities, CellId, CellKind, CellType, CommitId, ConfirmedEvent, Durability, Event,
    EventNames, LogEntry, MemoryStore, NotebookId, Output, Query, QueueEntry, QueueId, QueueStatus, Replica,
    Rows, RuntimeSessionId, Store, StoreError, StoreExt, SyncStatus, Tables,
};
use purlin_runtime_core::virtual_host::VirtualHost;
use purlin_runtime_core::{
    Cancellation, ExecutionContext, ExecutionError, Handler, Handlers, Host, Lifecycle, Liveness, Options,
    Outcome, RuntimeAgent, handler_fn,
};

/// A store in memory and a host with a virtual clock.
#[derive(Clone)]
pub struct World {
    pub host: VirtualHost,
    pub store: MemoryStore,
    pub locks: Locks,
    count: Rc<Cell<u32>>,
}

impl World {
    pub fn new() -> Self {
        let host = VirtualHost::new();
        let clock = host.clone();
        let store = MemoryStore::new(NotebookId::from("test"), Rc::new(move || clock.now()));
        Self { host, store, locks: Locks::default(), count: Rc::default() }
    }

    /// Adds a cell without asking for its execution.
    pub fn cell(&self, kind: CellKind, source: &str) -> CellId {
        let number = self.count.replace(self.count.get() + 1);
        let id = CellId::from(format!("cell{number}"));
        let cell_type = if kind == CellKind::Ai { CellType::Ai } else { CellType::Code };
        self.commit(vec![
            Event::CellCreated2 {
                id: id.clone(),
                fractional_index: format!("a{number:04}"),
                cell_type,
                created_by: "ada".to_owned(),
            },
            Event::CellSourceChanged {
                id: id.clone(),
                source: source.to_owned(),
                modified_by: "ada".to_owned(),
            },
            annotated(&id, kind),
        ]);
        id
    }

    /// Asks for the execution of a cell.
    pub fn request(&self, cell: &CellId) -> QueueId {
        let number = self.count.replace(self.count.get() + 1);
        let queue = QueueId::from(format!("q{number}"));
        self.commit(vec![requested(&queue, cell)]);
        queue
    }

    /// Adds a cell and asks for its execution.
    pub fn ask(&self, kind: CellKind, source: &str) -> (CellId, QueueId) {
        let cell = self.cell(kind, source);
        let queue = self.request(&cell);
        (cell, queue)
    }

    /// Asks to stop an execution, as a surface does.
    pub fn cancel(&self, queue: &QueueId) {
        let cell_id = self.entry(queue).cell_id;
        self.commit(vec![Event::ExecutionCancelled {
            queue_id: queue.clone(),
            cell_id,
            cancelled_by: "ada".to_owned(),
            actor_id: None,
            reason: "esc".to_owned(),
        }]);
    }

    pub fn commit(&self, events: impl AsRef<[Event]>) {
        self.store.commit(events.as_ref()).expect("the store takes the test's events");
    }

    /// Makes an agent for the lane `echo` and everything else by default.
    pub fn agent(&self, handler: Rc<dyn Handler>) -> RuntimeAgent {
        self.agent_with(self.options(&[CellKind::Echo]), handler)
    }

    pub fn agent_with(&self, options: Options, handler: Rc<dyn Handler>) -> RuntimeAgent {
        self.agent_on(Rc::new(self.store.clone()), options, handler)
    }

    #[expect(clippy::needless_pass_by_value, reason = "a handler is made where the agent is")]
    pub fn agent_on(&self, store: Rc<dyn Store>, options: Options, handler: Rc<dyn Handler>) -> RuntimeAgent {
        let mut handlers = Handlers::new();
        for lane in &options.lanes {
            handlers.insert(*lane, handler.clone());
        }
        RuntimeAgent::new(store, Rc::new(self.host.clone()), all(), handlers, options)
    }

    pub fn options(&self, lanes: &[CellKind]) -> Options {
        let mut options = Options::new("test", "ada", lanes.iter().copied());
        options.liveness = Rc::new(self.locks.clone());
        options
    }

    /// Starts and runs an agent beside the test, and lets it settle.
    pub fn start(&self, agent: &RuntimeAgent) {
        let agent = agent.clone();
        self.host.spawn_detached(async move {
            agent.start().await.expect("the agent starts");
            agent.run().await.expect("the agent runs");
        });
        self.host.settle();
    }

    pub fn log(&self) -> Vec<LogEntry> {
        self.store.log_since(0, usize::MAX).expect("the log is read")
    }

    /// Names the events after a rowid, without what stands in front of the last dot.
    pub fn names_after(&self, rowid: i64) -> Vec<String> {
        let log = self.store.log_since(rowid, usize::MAX).expect("the log is read");
        log.iter().map(|entry| short(entry.event.name()).to_owned()).collect()
    }

    pub fn last_rowid(&self) -> i64 {
        self.store.last_rowid().expect("the log is read")
    }

    pub fn entry(&self, queue: &QueueId) -> QueueEntry {
        self.store.queue_entry(queue).expect("the queue is read").expect("the entry exists")
    }

    pub fn status(&self, queue: &QueueId) -> QueueStatus {
        self.entry(queue).status
    }

    pub fn outputs(&self, cell: &CellId) -> Vec<Output> {
        self.store.outputs_of(cell).expect("outputs are read")
    }

    /// Returns the texts of a cell's outputs.
    pub fn texts(&self, cell: &CellId) -> Vec<String> {
        let outputs = self.outputs(cell);
        outputs.iter().map(|output| self.store.text_of(output).expect("text is read")).collect()
    }

    /// Counts the batches in the log after a rowid.
    pub fn commits_after(&self, rowid: i64) -> usize {
        let log = self.store.log_since(rowid, usize::MAX).expect("the log is read");
        log.iter().map(|entry| entry.batch).collect::<BTreeSet<_>>().len()
    }
}

pub fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

pub fn annotated(cell: &CellId, kind: CellKind) -> Event {
    Event::CellAnnotated {
        cell_id: cell.clone(),
        kind,
        hidden: None,
        parent_id: None,
        after_output: None,
        extension: None,
        attachments: Vec::new(),
        prepared: None,
        prepared_text: None,
        data: None,
    }
}

pub fn requested(queue: &QueueId, cell: &CellId) -> Event {
    Event::ExecutionRequested {
        queue_id: queue.clone(),
        cell_id: cell.clone(),
        execution_count: 1,
        requested_by: "ada".to_owned(),
        actor_id: None,
    }
}

pub fn all() -> Capabilities {
    Capabilities {
        can_execute_code: true,
        can_execute_sql: true,
        can_execute_ai: true,
        available_ai_models: None,
    }
}

/// Locks of the operating system, as far as a test needs them.
#[derive(Clone, Default)]
pub struct Locks(Rc<RefCell<Vec<(RuntimeSessionId, Cancellation)>>>);

impl Locks {
    /// Makes a session look alive that no agent of the test owns.
    pub fn take(&self, session: &str) {
        self.0.borrow_mut().push((RuntimeSessionId::from(session), Cancellation::new()));
    }

    /// Releases a session's lock, as the end of its process does.
    pub fn release(&self, session: &RuntimeSessionId) {
        let mut locks = self.0.borrow_mut();
        locks.retain(|(id, gone)| {
            if id == session {
                gone.raise();
            }
            id != session
        });
    }
}

struct Held(Locks, RuntimeSessionId);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release(&self.1);
    }
}

impl Liveness for Locks {
    fn hold(&self, session: &RuntimeSessionId) -> Result<Box<dyn Any>, String> {
        self.take(session.as_str());
        Ok(Box::new(Held(self.clone(), session.clone())))
    }

    fn is_alive(&self, session: &RuntimeSessionId) -> bool {
        self.0.borrow().iter().any(|(id, _)| id == session)
    }

    fn gone(&self, session: &RuntimeSessionId) -> LocalBoxFuture<'static, ()> {
        let lock = self.0.borrow().iter().find(|(id, _)| id == session).map(|(_, gone)| gone.raised());
        lock.unwrap_or_else(|| Box::pin(std::future::ready(())))
    }
}

/// Writes down what it hears.
#[derive(Clone, Default)]
pub struct Diary(pub Rc<RefCell<Vec<String>>>);

impl Diary {
    pub fn note(&self, text: impl Into<String>) {
        self.0.borrow_mut().push(text.into());
    }

    pub fn read(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

impl Lifecycle for Diary {
    fn on_startup(&self, _session: &RuntimeSessionId) {
        self.note("startup");
    }

    fn on_connected(&self, _session: &RuntimeSessionId) {
        self.note("connected");
    }

    fn on_disconnected(&self, error: &StoreError) {
        self.note(format!("disconnected: {error}"));
    }

    fn on_waiting(&self, holder: &RuntimeSessionId) {
        self.note(format!("waiting for {holder}"));
    }

    fn on_displaced(&self, _session: &RuntimeSessionId) {
        self.note("displaced");
    }

    fn on_cancellation(&self, queue: &QueueId, cell: &CellId, reason: &str) {
        self.note(format!("cancelled {queue} {cell} {reason}"));
    }

    fn on_execution_error(&self, queue: &QueueId, error: &ExecutionError) {
        self.note(format!("error {queue} {error}"));
    }

    fn on_shutdown(&self) {
        self.note("shutdown");
    }
}

/// A handler that puts the source out.
pub fn echo() -> Rc<dyn Handler> {
    handler_fn(|cx| async move {
        cx.stdout(cx.source());
        Ok(Outcome::done())
    })
}

/// A handler that writes the source into a diary, and takes the milliseconds that the source says, if it is a number.
pub fn noting(diary: &Diary) -> Rc<dyn Handler> {
    let diary = diary.clone();
    handler_fn(move |cx: ExecutionContext| {
        let diary = diary.clone();
        async move {
            diary.note(cx.source());
            if let Ok(millis) = cx.source().parse() {
                cx.host().sleep(std::time::Duration::from_millis(millis)).await;
            }
            Ok(Outcome::done())
        }
    })
}

/// A handler made of a function that runs to its end at once.
pub fn doing(function: impl Fn(&ExecutionContext) + 'static) -> Rc<dyn Handler> {
    handler_fn(move |cx| {
        function(&cx);
        async { Ok(Outcome::done()) }
    })
}

/// A handler that ends when it is asked to stop, not before.
pub fn patient() -> Rc<dyn Handler> {
    handler_fn(|cx| async move {
        cx.cancellation().await;
        cx.check_cancellation()?;
        Ok(Outcome::done())
    })
}

/// A handler that never ends, whatever it is asked.
pub fn deaf() -> Rc<dyn Handler> {
    handler_fn(|_cx| never())
}

pub fn never() -> impl Future<Output = Result<Outcome, ExecutionError>> {
    std::future::pending()
}

/// A store that fails when told to, and counts what is asked of it.
#[derive(Clone)]
pub struct FaultyStore {
    store: MemoryStore,
    pub flush_fails: Rc<Cell<bool>>,
    /// A flush is never answered.
    pub flush_hangs: Rc<Cell<bool>>,
    pub commit_fails: Rc<RefCell<Option<StoreError>>>,
    /// How many commits succeed before the disk is full.
    pub commits_left: Rc<Cell<Option<u32>>>,
    /// The flushes that were asked for.
    pub flushes: Rc<RefCell<Vec<Durability>>>,
    /// How many rows were read.
    pub rows: Rc<Cell<usize>>,
    /// It knows the events of the base schema only, as the store of an existing application does.
    pub base_only: Rc<Cell<bool>>,
    /// The names of the events that it did not know and was given all the same.
    pub unknown: Rc<RefCell<Vec<String>>>,
    /// What was asked of the store after it was closed.
    pub calls_after_close: Rc<RefCell<Vec<&'static str>>>,
    /// Counts its own clones: one here, one in each stream of ticks that is held.
    watches: Rc<()>,
}

impl FaultyStore {
    pub fn new(store: &MemoryStore) -> Self {
        Self {
            store: store.clone(),
            flush_fails: Rc::default(),
            flush_hangs: Rc::default(),
            commit_fails: Rc::default(),
            flushes: Rc::default(),
            rows: Rc::default(),
            base_only: Rc::default(),
            commits_left: Rc::default(),
            unknown: Rc::default(),
            calls_after_close: Rc::default(),
            watches: Rc::default(),
        }
    }

    fn asked(&self, what: &'static str) {
        if !self.store.status().open {
            self.calls_after_close.borrow_mut().push(what);
        }
    }

    /// Counts the streams of ticks that somebody holds; clones of the store itself count too.
    pub fn watched(&self) -> usize {
        Rc::strong_count(&self.watches)
    }
}

impl Store for FaultyStore {
    fn identity(&self) -> Replica {
        self.store.identity()
    }
    fn authority(&self) -> Authority {
        self.store.authority()
    }
    fn knows(&self, name: &str) -> bool {
        self.store.knows(name) && !(self.base_only.get() && name.starts_with("purlin."))
    }
    fn commit(&self, batch: &[Event]) -> Result<CommitId, StoreError> {
        self.asked("commit");
        if let Some(event) = batch.iter().position(|event| !self.knows(event.name())) {
            self.unknown.borrow_mut().push(batch[event].name().to_owned());
            return Err(StoreError::Rejected { event, why: "it is not known".to_owned() });
        }
        match self.commits_left.get() {
            Some(0) => return Err(StoreError::Backend("the disk is full".to_owned())),
            Some(left) => self.commits_left.set(Some(left - 1)),
            None => {}
        }
        match &*self.commit_fails.borrow() {
            Some(error) => Err(error.clone()),
            None => self.store.commit(batch),
        }
    }
    fn query(&self, q: &Query) -> Result<Rows, StoreError> {
        self.asked("query");
        let rows = self.store.query(q)?;
        self.rows.set(self.rows.get() + rows.len());
        Ok(rows)
    }
    fn watch(&self, tables: Tables) -> LocalBoxStream<'static, ()> {
        self.asked("watch");
        let held = self.watches.clone();
        Box::pin(self.store.watch(tables).map(move |tick| (tick, held.clone()).0))
    }
    fn confirmed(&self, names: EventNames) -> LocalBoxStream<'static, ConfirmedEvent> {
        self.asked("confirmed");
        self.store.confirmed(names)
    }
    fn status(&self) -> SyncStatus {
        self.store.status()
    }
    fn flush(
        &self,
        level: Durability,
        _deadline: Duration,
    ) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        self.asked("flush");
        if self.flush_hangs.get() {
            return Box::pin(std::future::pending());
        }
        self.flushes.borrow_mut().push(level);
        let fails = self.flush_fails.get();
        Box::pin(async move {
            if fails { Err(StoreError::Backend("the disk is full".to_owned())) } else { Ok(()) }
        })
    }
}
