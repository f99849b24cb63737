//! The runtime agent: what claims the executions of a store and runs them, on any platform.
//!
//! A [`RuntimeAgent`] plugs into a [`notebook`](purlin_notebook) store that somebody else owns. It announces its
//! *lanes* (cell kinds), claims the entries of the execution queue that fall into them, calls a [`Handler`] for each
//! with an [`ExecutionContext`], and settles what becomes of it: completion, failure, cancellation, a panic, the loss
//! of another session that died while it was executing.
//!
//! It is not a scheduler and not a surface: whoever wants something executed commits a request to the store, whoever
//! wants to see the outcome watches the store.
//!
//! Everything the core needs from the outside comes through [`Host`]: clock, random, sleep, tasks, network. There is
//! no tokio, no `Send` and no `std::time` here, so the same source runs natively and as `wasm32-unknown-unknown`.
//!
//! ```no_run
//! # use std::rc::Rc;
//! # use purlin_notebook::{Capabilities, CellKind, MemoryStore, Store};
//! # use purlin_runtime_core::{handler_fn, Handlers, Host, Options, Outcome, RuntimeAgent};
//! # async fn example(store: Rc<dyn Store>, host: Rc<dyn Host>) -> Result<(), Box<dyn std::error::Error>> {
//! let shout = handler_fn(|cx| async move {
//!     cx.stdout(&cx.source().to_uppercase());
//!     Ok(Outcome::done())
//! });
//! let handlers = Handlers::new().with(CellKind::Echo, shout);
//! let capabilities = Capabilities { can_execute_code: true, ..Capabilities::default() };
//! let options = Options::new("shout", "local", [CellKind::Echo]);
//! let agent = RuntimeAgent::new(store, host, capabilities, handlers, options);
//! agent.start().await?;
//! agent.run().await?;
//! # Ok(()) }
//! ```
//!
//! Invariants: what runs was committed as started and flushed before its handler is called; executions of one lane
//! run in log order, lanes side by side; outputs stand in the store in the order of the calls that made them; nothing
//! wakes up when nothing is to be done.

mod agent;
mod approval;
mod artifacts;
mod capabilities;
mod context;
mod excerpt;
mod flush;
mod fold;
mod handler;
mod host;
mod ids;
mod limit;
mod liveness;
mod logging;
pub mod media;
mod options;
mod signal;
mod text;
pub mod virtual_host;

pub use agent::handle::{AgentHandle, AgentStatus};
pub use agent::{Ended, RunError, RuntimeAgent, StartError};
pub use approval::{APPROVAL_TIMEOUT, Decision, ToolRequest};
pub use artifacts::{
    ArtifactClient, ArtifactError, ArtifactWriter, Artifacts, FileUpload, MemoryArtifacts, NoArtifacts,
    RemoteArtifacts, artifact_base_url,
};
pub use capabilities::{ModelAbility, OfferedModel, offering};
pub use context::stream::{TextKind, TextStream};
pub use context::{COALESCE, ExecutionContext};
pub use excerpt::{HEAD_LIMIT, INLINE_LIMIT, TAIL_LIMIT};
pub use fold::{Change, Fold};
pub use handler::{Cancelled, ExecutionError, Handler, Handlers, Outcome, handler_fn};
pub use host::{
    Host, HttpError, HttpErrorKind, HttpRequest, HttpResponse, Level, MonoMs, Record, TaskHandle, WallMs,
};
pub use ids::new_id;
pub use liveness::{Health, Liveness, Renewals, SoleProcess};
pub use logging::{DISABLE_CONSOLE_LOGS, LOG_LEVEL, Logger};
pub use media::{IMAGE_ARTIFACT_THRESHOLD, MediaBundle, validate_media_bundle};
pub use options::{Latency, Lifecycle, Options, Quiet, TerminalText};
pub use signal::Cancellation;
pub use text::Utf8Decoder;
