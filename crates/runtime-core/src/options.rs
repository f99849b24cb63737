//! How an agent is set up: who it is, which lanes it takes, what it does when others hold them.

use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{CellId, CellKind, Durability, QueueId, RuntimeSessionId, StoreError};

use crate::artifacts::{Artifacts, NoArtifacts};
use crate::handler::ExecutionError;
use crate::liveness::{Liveness, SoleProcess};
use crate::media::IMAGE_ARTIFACT_THRESHOLD;

/// What the program around an agent wants to hear of it; every method has an empty default.
///
/// A panic in one of them is caught and logged, and stops nothing.
pub trait Lifecycle: 'static {
    /// The agent holds its lanes and begins to claim.
    fn on_startup(&self, _session: &RuntimeSessionId) {}
    /// The session's start is confirmed by the store's authority; on a local store that is at once.
    fn on_connected(&self, _session: &RuntimeSessionId) {}
    /// The store failed for good, for example because it was closed under the agent, which ends.
    fn on_disconnected(&self, _error: &StoreError) {}
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

/// When an execution that was claimed from a remote authority begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// Once the authority has confirmed our claim as the first: every request is executed exactly once.
    #[default]
    Confirmed,
    /// At once. Two agents may execute the same request while a lane changes hands.
    Optimistic,
}

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
    /// Tells which sessions live. On a store with a remote authority it is [`Renewals`](crate::Renewals), whatever
    /// stands here.
    pub liveness: Rc<dyn Liveness>,
    /// How often a session is renewed, where sessions live by renewals. Default 15 s; a renewal is valid for 30 s, or
    /// for twice this time if that is longer.
    pub heartbeat: Duration,
    /// When what was claimed is executed, on a store with a remote authority.
    pub latency: Latency,
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
    /// Cancels the rest of a batch, what was requested together, when an execution of it fails.
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
            heartbeat: Duration::from_secs(15),
            latency: Latency::Confirmed,
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
