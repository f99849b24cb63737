//! The runtime agent: one run of it from start to end.

mod execution;
pub(crate) mod handle;
mod lanes;
mod serve;
mod sessions;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, LocalBoxStream};
use purlin_notebook::{
    Authority, Capabilities, CellKind, Event, RuntimeSessionId, RuntimeStatus, Store, StoreError, Tables,
    TerminationReason,
};

use crate::agent::handle::{AgentHandle, AgentStatus, Shared};
use crate::agent::serve::{Serve, Served};
use crate::handler::Handlers;
use crate::host::{Host, Level, Record};
use crate::ids::new_id;
use crate::options::{Lifecycle, Options};

/// After how long something that the store refused is tried again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);
/// For how long a full disk is tolerated while work waits for it; then the run ends with the store's message.
///
/// What was streamed is kept in memory until then and written if there is room again.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Why an agent did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// `start` was called before.
    #[error("the runtime agent was started already")]
    AlreadyStarted,
    /// The options name a lane for which there is no handler.
    #[error("there is no handler for the lane `{0}`")]
    NoHandler(CellKind),
    /// The options name a lane that the capabilities do not cover.
    #[error("the runtime's capabilities do not cover the lane `{0}`")]
    NotCapable(CellKind),
    /// The user for whom the agent acts is not named.
    #[error("a client id is required: it is the user for whom the agent acts")]
    NoClientId,
    /// The store is ordered elsewhere, for which this build has no claiming.
    #[error("the store is ordered by a remote authority, which this build cannot claim from")]
    RemoteAuthority,
    /// What shows to others that we live could not be taken.
    #[error("the runtime session could not be held: {0}")]
    Hold(String),
    /// The store refused.
    #[error("the runtime session could not be started")]
    Store(#[from] StoreError),
}

/// Why a run ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// `run` needs `start`.
    #[error("the runtime agent is not started")]
    NotStarted,
    /// `run` is being run.
    #[error("the runtime agent runs already")]
    AlreadyRunning,
    /// The lanes became free and could not be taken.
    #[error("the lanes could not be taken over")]
    Start(#[from] StartError),
    /// The store fails, for example because it was closed.
    #[error("the runtime agent stopped, because its store failed")]
    Store(#[from] StoreError),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Shutdown,
    /// Another session took its lanes, and the options say not to wait for them.
    Displaced,
}

/// Claims and executes cells of a store; cheap to clone, all clones are the same agent.
#[derive(Clone)]
pub struct RuntimeAgent {
    inner: Rc<Inner>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Waiting,
    Started,
    Stopped,
}

pub(crate) struct Inner {
    pub(crate) store: Rc<dyn Store>,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) capabilities: Capabilities,
    pub(crate) handlers: Handlers,
    pub(crate) options: Options,
    pub(crate) shared: Arc<Shared>,
    phase: Cell<Phase>,
    running: Cell<bool>,
    session: RefCell<Option<RuntimeSessionId>>,
    starts: Cell<u32>,
    hold: RefCell<Option<Box<dyn Any>>>,
    /// The holder that was last told to be waited for.
    waiting_for: RefCell<Option<RuntimeSessionId>>,
    /// Sessions whose owner was seen to go, whatever the liveness still says.
    gone: RefCell<BTreeSet<RuntimeSessionId>>,
}

impl RuntimeAgent {
    /// Makes an agent on a store that somebody else owns.
    pub fn new(
        store: Rc<dyn Store>,
        host: Rc<dyn Host>,
        capabilities: Capabilities,
        handlers: Handlers,
        options: Options,
    ) -> Self {
        let inner = Inner {
            store,
            host,
            capabilities,
            handlers,
            options,
            shared: Arc::new(Shared::default()),
            phase: Cell::new(Phase::New),
            running: Cell::new(false),
            session: RefCell::new(None),
            starts: Cell::new(0),
            hold: RefCell::new(None),
            waiting_for: RefCell::new(None),
            gone: RefCell::default(),
        };
        Self { inner: Rc::new(inner) }
    }

    /// Takes the lanes, or begins to wait for them if somebody alive holds one and the options say not to displace.
    pub async fn start(&self) -> Result<(), StartError> {
        let inner = &*self.inner;
        if inner.phase.get() != Phase::New {
            return Err(StartError::AlreadyStarted);
        }
        inner.check()?;
        inner.phase.set(Phase::Waiting);
        inner.take_lanes().await.map(drop)
    }

    /// Claims and executes until the agent is shut down or displaced.
    ///
    /// An agent that may not displace waits for its lanes instead of ending, and takes over when they are free.
    pub async fn run(&self) -> Result<Ended, RunError> {
        let inner = &*self.inner;
        if inner.running.replace(true) {
            return Err(RunError::AlreadyRunning);
        }
        let _running = Running(inner);
        match inner.run().await {
            Ok(ended) => {
                inner.stopped();
                Ok(ended)
            }
            Err(RunError::NotStarted) if inner.phase.get() == Phase::Stopped => Ok(Ended::Shutdown),
            Err(RunError::NotStarted) => Err(RunError::NotStarted),
            Err(error) => {
                inner.log(Level::Error, &format!("{error}: {}", source_of(&error)));
                inner.stopped();
                Err(error)
            }
        }
    }

    /// Stops: running work is cancelled and settled, the session terminated. Twice is once.
    pub async fn shutdown(&self) {
        let inner = &*self.inner;
        if inner.running.get() {
            inner.shared.shutdown().await;
        } else if inner.phase.get() != Phase::Stopped {
            inner.terminate(TerminationReason::Shutdown);
            inner.stopped();
        }
    }

    /// Tells what the agent is doing.
    pub fn status(&self) -> AgentStatus {
        self.inner.shared.status()
    }

    /// Returns the current runtime session, if the agent holds its lanes.
    pub fn session_id(&self) -> Option<RuntimeSessionId> {
        self.inner.session.borrow().clone()
    }

    /// Makes a handle that other threads may use.
    pub fn handle(&self) -> AgentHandle {
        AgentHandle(self.inner.shared.clone())
    }
}

impl std::fmt::Debug for RuntimeAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeAgent").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Marks the agent as not running when its run ends in whatever way.
struct Running<'a>(&'a Inner);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(false);
    }
}

impl Inner {
    fn check(&self) -> Result<(), StartError> {
        if self.options.client_id.is_empty() {
            return Err(StartError::NoClientId);
        }
        if self.store.authority() != Authority::Local {
            return Err(StartError::RemoteAuthority);
        }
        for lane in &self.options.lanes {
            if self.handlers.get(*lane).is_none() {
                return Err(StartError::NoHandler(*lane));
            }
            if !lanes::covered(&self.capabilities, *lane) {
                return Err(StartError::NotCapable(*lane));
            }
        }
        Ok(())
    }

    async fn run(&self) -> Result<Ended, RunError> {
        loop {
            match self.phase.get() {
                Phase::New | Phase::Stopped => return Err(RunError::NotStarted),
                Phase::Waiting => {
                    if self.wait_for_lanes().await? {
                        return Ok(Ended::Shutdown);
                    }
                }
                Phase::Started => match self.serve().await? {
                    Served::Shutdown => {
                        self.terminate(TerminationReason::Shutdown);
                        return Ok(Ended::Shutdown);
                    }
                    Served::Displaced => {
                        self.left();
                        if self.options.displace {
                            return Ok(Ended::Displaced);
                        }
                        self.phase.set(Phase::Waiting);
                    }
                },
            }
        }
    }

    async fn serve(&self) -> Result<Served, StoreError> {
        let session = self.session.borrow().clone();
        match session {
            Some(session) => Serve::new(self, session).run().await,
            // The phase says that there is a session; without one there is nothing to serve.
            None => Ok(Served::Shutdown),
        }
    }

    /// Tries to take the lanes; answers whether they are ours now.
    async fn take_lanes(&self) -> Result<bool, StartError> {
        let others = self.others()?;
        let holders: Vec<_> = others.iter().filter(|other| other.alive && other.overlaps).collect();
        if let Some(holder) = holders.first().filter(|_| !self.options.displace) {
            let holder = holder.id.clone();
            self.shared.set_status(AgentStatus::Waiting);
            let told = self.waiting_for.replace(Some(holder.clone()));
            if told.as_ref() != Some(&holder) {
                self.call("on_waiting", |lifecycle| lifecycle.on_waiting(&holder));
            }
            return Ok(false);
        }
        self.waiting_for.take();
        let session = self.new_session();
        *self.hold.borrow_mut() = Some(self.options.liveness.hold(&session).map_err(StartError::Hold)?);
        let batch = self.start_batch(&session, &others)?;
        if let Err(error) = self.store.commit(&batch) {
            *self.hold.borrow_mut() = None;
            return Err(error.into());
        }
        *self.session.borrow_mut() = Some(session.clone());
        let flushed = self.store.flush(self.options.durability, self.options.flush_deadline).await;
        if let Err(error) = flushed {
            self.terminate(TerminationReason::Error);
            self.stopped();
            return Err(error.into());
        }
        self.phase.set(Phase::Started);
        self.shared.set_status(AgentStatus::Ready);
        self.call("on_startup", |lifecycle| lifecycle.on_startup(&session));
        Ok(true)
    }

    fn new_session(&self) -> RuntimeSessionId {
        let first = self.starts.replace(self.starts.get() + 1) == 0;
        match &self.options.runtime_session_id {
            Some(id) if first => id.clone(),
            _ => RuntimeSessionId::from(new_id(&*self.host)),
        }
    }

    fn start_batch(
        &self,
        session: &RuntimeSessionId,
        others: &[sessions::Other],
    ) -> Result<Vec<Event>, StoreError> {
        let ended = others.iter().filter(|other| !other.alive || other.overlaps);
        let mut batch: Vec<Event> = ended
            .map(|other| Event::RuntimeSessionTerminated {
                session_id: other.id.clone(),
                reason: TerminationReason::Displaced,
            })
            .collect();
        batch.extend(self.settle_lost(session)?);
        batch.push(Event::RuntimeSessionStarted {
            session_id: session.clone(),
            runtime_id: self.options.runtime_id.clone(),
            runtime_type: self.options.runtime_type.clone(),
            capabilities: self.capabilities.clone(),
        });
        batch.push(Event::LanesAnnounced { session_id: session.clone(), lanes: self.options.lanes.clone() });
        batch.push(Event::RuntimeSessionStatusChanged {
            session_id: session.clone(),
            status: RuntimeStatus::Ready,
        });
        batch.retain(|event| self.store.knows(event.name()));
        Ok(batch)
    }

    /// Waits until the lanes are ours; answers true if the agent is to stop instead.
    async fn wait_for_lanes(&self) -> Result<bool, RunError> {
        let mut ticks = self.store.watch(Tables::SESSIONS);
        loop {
            match self.take_lanes().await {
                Ok(true) => return Ok(self.shared.stop_asked()),
                Ok(false) => {}
                Err(StartError::Store(error)) if self.phase.get() == Phase::Waiting && may_pass(&error) => {
                    self.log(
                        Level::Error,
                        &format!("The lanes could not be taken, and are tried again: {error}"),
                    );
                    self.host.sleep(RETRY_AFTER).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            let holders = self.others()?.into_iter().filter(|other| other.alive && other.overlaps);
            if self.wait_for_change(&mut ticks, holders.map(|holder| holder.id).collect()).await? {
                return Ok(true);
            }
        }
    }

    /// Waits until a holder goes or the sessions change; answers true if the agent is to stop.
    async fn wait_for_change(
        &self,
        ticks: &mut LocalBoxStream<'static, ()>,
        holders: Vec<RuntimeSessionId>,
    ) -> Result<bool, StoreError> {
        let mut gone: FuturesUnordered<_> = holders
            .into_iter()
            .map(|id| {
                let gone = self.options.liveness.gone(&id);
                async move {
                    gone.await;
                    id
                }
            })
            .collect();
        poll_fn(|cx| {
            if self.shared.poll_stop(cx) {
                return Poll::Ready(Ok(true));
            }
            if let Poll::Ready(Some(id)) = gone.poll_next_unpin(cx) {
                self.gone.borrow_mut().insert(id);
                return Poll::Ready(Ok(false));
            }
            match ticks.as_mut().poll_next(cx) {
                Poll::Ready(Some(())) => Poll::Ready(Ok(false)),
                Poll::Ready(None) => Poll::Ready(Err(StoreError::Closed("it was closed".to_owned()))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Ends our session in the log, if there is one.
    fn terminate(&self, reason: TerminationReason) {
        let session = self.session.borrow_mut().take();
        if let Some(session_id) = session {
            let event = Event::RuntimeSessionTerminated { session_id, reason };
            if let Err(error) = self.store.commit(&[event]) {
                self.log(
                    Level::Warn,
                    &format!("The end of the runtime session could not be written: {error}."),
                );
            }
        }
        *self.hold.borrow_mut() = None;
    }

    /// Gives up a session that somebody else terminated.
    fn left(&self) {
        let session = self.session.borrow_mut().take();
        *self.hold.borrow_mut() = None;
        if let Some(session) = session {
            self.call("on_displaced", |lifecycle| lifecycle.on_displaced(&session));
        }
    }

    fn stopped(&self) {
        if self.phase.replace(Phase::Stopped) != Phase::Stopped {
            *self.hold.borrow_mut() = None;
            self.call("on_shutdown", Lifecycle::on_shutdown);
        }
        self.shared.set_stopped();
    }

    /// Calls the program around us; a panic there is logged and stops nothing.
    pub(crate) fn call(&self, name: &str, function: impl FnOnce(&dyn Lifecycle)) {
        let lifecycle = self.options.lifecycle.clone();
        if catch_unwind(AssertUnwindSafe(|| function(&*lifecycle))).is_err() {
            self.log(Level::Error, &format!("The callback `{name}` panicked."));
        }
    }

    pub(crate) fn log(&self, level: Level, message: &str) {
        self.host.log(&Record::new(level, "runtime", message));
    }

    pub(crate) fn is_alive(&self, session: &RuntimeSessionId) -> bool {
        !self.gone.borrow().contains(session) && self.options.liveness.is_alive(session)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.set_stopped();
    }
}

/// Tells whether a failure of the store may pass by itself, as a full disk does when something is deleted.
fn may_pass(error: &StoreError) -> bool {
    matches!(error, StoreError::Busy | StoreError::Backend(_) | StoreError::Rejected { .. })
}

fn source_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| "no further cause".to_owned(), ToString::to_string)
}
