//! The runtime agent: one run of it from start to end.

mod backlog;
mod claim;
mod end;
mod execution;
pub(crate) mod handle;
mod lanes;
mod renewal;
mod serve;
mod sessions;
mod start;
mod stop;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::LocalBoxStream;
use purlin_notebook::{
    Authority, Capabilities, CellKind, ConfirmedEvent, RuntimeSessionId, Store, StoreError, TerminationReason,
};

use crate::agent::handle::{AgentHandle, AgentStatus, Shared};
use crate::agent::serve::{Serve, Served};
use crate::handler::Handlers;
use crate::host::{Host, Level, MonoMs, Record, WallMs};
use crate::liveness::{Liveness, Renewals};
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
    /// The store is ordered elsewhere and does not tell in which order.
    #[error(
        "the store does not tell what its remote authority has confirmed, so nothing can be claimed from it"
    )]
    NoConfirmation,
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
    /// Who lives: as the options say, or by renewals where the store is ordered elsewhere.
    liveness: Rc<dyn Liveness>,
    /// When our session was renewed last: as written, and by the clock that never goes back.
    renewed: Cell<Option<(WallMs, MonoMs)>>,
    /// What a remote authority confirms, from before our start was committed.
    confirmations: RefCell<Option<LocalBoxStream<'static, ConfirmedEvent>>>,
    /// How many executions were begun, so that each attempt has a number of its own.
    attempts: Cell<u64>,
    /// Closes the store, if the agent owns it.
    close_store: RefCell<Option<Box<dyn FnOnce()>>>,
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
        let liveness = match store.authority() {
            Authority::Local => options.liveness.clone(),
            Authority::Remote { .. } => Rc::new(Renewals::new(store.clone(), host.clone())),
        };
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
            liveness,
            renewed: Cell::new(None),
            confirmations: RefCell::new(None),
            attempts: Cell::new(0),
            close_store: RefCell::new(None),
            waiting_for: RefCell::new(None),
            gone: RefCell::default(),
        };
        Self { inner: Rc::new(inner) }
    }

    /// Makes the agent the owner of its store: when it ends, the store is flushed (until everything is on the disk, or
    /// confirmed by a remote authority, or the options' deadline is over), then `close` is called, once.
    ///
    /// Without it the store stays open, because it is somebody else's.
    #[must_use]
    pub fn owning(self, close: impl FnOnce() + 'static) -> Self {
        *self.inner.close_store.borrow_mut() = Some(Box::new(close));
        self
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
                inner.stopped().await;
                Ok(ended)
            }
            Err(RunError::NotStarted) if inner.phase.get() == Phase::Stopped => Ok(Ended::Shutdown),
            Err(RunError::NotStarted) => Err(RunError::NotStarted),
            Err(error) => {
                inner.log(Level::Error, &format!("{error}: {}", source_of(&error)));
                if let RunError::Store(error) | RunError::Start(StartError::Store(error)) = &error {
                    inner.call("on_disconnected", |lifecycle| lifecycle.on_disconnected(error));
                }
                inner.stopped().await;
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
            inner.stopped().await;
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
            Some(session) => Serve::new(self, session)?.run().await,
            // The phase says that there is a session; without one there is nothing to serve.
            None => Ok(Served::Shutdown),
        }
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
        !self.gone.borrow().contains(session) && self.liveness.is_alive(session)
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
