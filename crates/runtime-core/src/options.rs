//! How an agent is set up: who it is, which lanes it takes, what it does when others hold them.

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, pending};
use purlin_notebook::{CellId, CellKind, Durability, QueueId, RuntimeSessionId, StoreError};

use crate::artifacts::{Artifacts, NoArtifacts};
use crate::handler::ExecutionError;
use crate::media::IMAGE_ARTIFACT_THRESHOLD;

/// Tells which runtime sessions still live; on a local store by a lock that the operating system releases.
pub trait Liveness: 'static {
    /// Takes what shows to others that a session of ours lives; dropping the answer gives it up.
    ///
    /// Called once before the session's start is committed. The error is a full sentence for people.
    fn hold(&self, _session: &RuntimeSessionId) -> Result<Box<dyn Any>, String> {
        Ok(Box::new(()))
    }

    /// Tells whether the owner of a session lives.
    fn is_alive(&self, session: &RuntimeSessionId) -> bool;

    /// Waits, without polling, until the owner of a session is gone; may wait for ever if that cannot be told.
    fn gone(&self, _session: &RuntimeSessionId) -> LocalBoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

/// Takes every session of others to be dead: right where only one process ever opens a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoleProcess;

impl Liveness for SoleProcess {
    fn is_alive(&self, _session: &RuntimeSessionId) -> bool {
        false
    }
}

/// What the program around an agent wants to hear of it; every method has an empty default.
///
/// A panic in one of them is caught and logged, and stops nothing.
pub trait Lifecycle: 'static {
    /// The agent holds its lanes and begins to claim.
    fn on_startup(&self, _session: &RuntimeSessionId) {}
    /// Somebody alive holds a lane; the agent waits for it.
    fn on_waiting(&self, _holder: &RuntimeSessionId) {}
    /// Another session took the lanes.
    fn on_displaced(&self, _session: &RuntimeSessionId) {}
    /// An execution was cancelled.
    fn on_cancellation(&self, _queue: &QueueId, _cell: &CellId, _reason: &str) {}
    /// An execution failed.
    fn on_execution_error(&self, _queue: &QueueId, _error: &ExecutionError) {}
    /// The store refuses, for now, what executions left; it is kept and tried again.
    fn on_store_failure(&self, _error: &StoreError) {}
    /// The agent is shut down.
    fn on_shutdown(&self) {}
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Lifecycle for Quiet {}

/// What becomes of the control characters of a terminal in text of streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TerminalText {
    /// They are carried out: of a progress bar its last state stays. Colours and links stay in the text.
    #[default]
    Folded,
    /// They stay in the text as they came.
    Raw,
}

/// The options of an agent.
#[derive(Clone)]
pub struct Options {
    /// Names the runtime, the same for every run of it.
    pub runtime_id: String,
    /// The kind of runtime, for people: `agent`, `shell`, `python3`, …
    pub runtime_type: String,
    /// The user for whom the agent acts; `local` where nothing authenticates.
    pub client_id: String,
    /// Names the first run of the agent; made up if absent, and for every later run.
    pub runtime_session_id: Option<RuntimeSessionId>,
    /// The cell kinds that the agent executes. It takes all of them or waits: what shall be taken independently is
    /// given to separate agents.
    pub lanes: Vec<CellKind>,
    /// Takes lanes from living holders. Surfaces say no: their agents wait until the holder is gone.
    pub displace: bool,
    /// Tells which sessions live.
    pub liveness: Rc<dyn Liveness>,
    /// Hears of the agent's life.
    pub lifecycle: Rc<dyn Lifecycle>,
    /// Keeps what is too large for the log.
    pub artifacts: Rc<dyn Artifacts>,
    /// How many bytes an image may have, decoded, before it goes to the artifacts instead of the log.
    pub image_artifact_threshold: u64,
    /// What becomes of a terminal's control characters in text of streams.
    pub terminal: TerminalText,
    /// How long a cancelled handler may take to end by itself.
    pub grace: Duration,
    /// Cancels the entries behind an execution that is interrupted.
    pub interrupt_clears_queue: bool,
    /// Cancels the entries behind an execution that fails.
    pub stop_on_error: bool,
    /// What a start must have survived before its handler is called.
    pub durability: Durability,
    /// How long a write may take to reach that level.
    pub flush_deadline: Duration,
}

impl Options {
    /// Makes options with the defaults: waits for living holders, a grace of 2 s, an interrupt clears the queue.
    pub fn new(
        runtime_type: impl Into<String>,
        client_id: impl Into<String>,
        lanes: impl IntoIterator<Item = CellKind>,
    ) -> Self {
        let runtime_type = runtime_type.into();
        Self {
            runtime_id: format!("{runtime_type}-runtime"),
            runtime_type,
            client_id: client_id.into(),
            runtime_session_id: None,
            lanes: lanes.into_iter().collect(),
            displace: false,
            liveness: Rc::new(SoleProcess),
            lifecycle: Rc::new(Quiet),
            artifacts: Rc::new(NoArtifacts),
            image_artifact_threshold: IMAGE_ARTIFACT_THRESHOLD,
            terminal: TerminalText::Folded,
            grace: Duration::from_secs(2),
            interrupt_clears_queue: true,
            stop_on_error: false,
            durability: Durability::Process,
            flush_deadline: Duration::from_secs(10),
        }
    }
}
