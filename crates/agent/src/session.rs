//! A session as a surface sees it: sending, steering, interrupting, and how it stands.
//!
//! A session never talks to an agent. It commits to the store through a [`Committer`] and reads the store through a
//! handle of its own; whoever owns the lane `ai` of the notebook does the rest.

mod approvals;
mod back;
mod keep;
mod send;
mod shell;
mod state;
mod watch;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use purlin_kernel::Kernel;
use purlin_notebook::{CellId, CommitId, Event, NotebookId, Store, StoreError, StoreExt};
use purlin_runtime_core::Host;

use crate::hooks::{self, Raiser, payload};
use crate::model::ModelRef;
use crate::request::{Thinking, Usage};

pub(crate) use back::open_steers;

pub use approvals::Asked;
pub use back::WaitingSteer;
pub(crate) use keep::FOR_MODEL;
pub use keep::Note;
pub use state::SessionState;

/// Takes batches of events to the store without blocking the caller's thread.
pub trait Committer: 'static {
    /// Commits a batch.
    fn post(&self, events: Vec<Event>) -> LocalBoxFuture<'static, Result<CommitId, StoreError>>;
}

/// Commits at a store on the same thread: for tests and for programs without a screen.
impl Committer for Rc<dyn Store> {
    fn post(&self, events: Vec<Event>) -> LocalBoxFuture<'static, Result<CommitId, StoreError>> {
        Box::pin(std::future::ready(self.commit(&events)))
    }
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Typed into the composer.
    Interactive,
    /// Given on the command line.
    Cli,
    /// Sent by a script.
    Script,
    /// Had to wait, for instance a steering message that came too late.
    Queue,
    /// Sent by a remote procedure call.
    Rpc,
    /// Sent by an extension.
    Extension,
}

impl Source {
    /// The word in hooks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Cli => "cli",
            Self::Script => "script",
            Self::Queue => "queue",
            Self::Rpc => "rpc",
            Self::Extension => "extension",
        }
    }
}

/// Why something could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// There was nothing to send.
    #[error("there is nothing to send")]
    Empty,
    /// A gate refused it.
    #[error("{0}")]
    Refused(String),
    /// The store did not take it.
    #[error("the session cannot be written: {0}")]
    Store(#[from] StoreError),
}

/// What became of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It became a cell and waits for the agent.
    Prompt {
        /// The cell.
        cell: CellId,
        /// Its execution.
        queue: purlin_notebook::QueueId,
    },
    /// It was sent to the running prompt.
    Steer {
        /// Id of the message.
        id: String,
        /// The running cell.
        cell: CellId,
    },
    /// An extension dealt with it; nothing is stored.
    Handled,
}

/// Who and where a session's surface is.
#[derive(Clone)]
pub struct SessionOptions {
    /// User for whom is committed; `local` where nobody authenticates.
    pub by: String,
    /// Directory of a new session.
    pub cwd: PathBuf,
    /// Model of a new session; `None` leaves it to the agent's settings.
    pub model: Option<ModelRef>,
    /// Clock and random.
    pub host: Rc<dyn Host>,
}

/// A session as a surface sees it. Cheap to clone; clones are the same session.
#[derive(Clone)]
pub struct Session(Rc<Inner>);

struct Inner {
    committer: Rc<dyn Committer>,
    read: Rc<dyn Store>,
    hooks: Raiser,
    options: SessionOptions,
    /// Sends go one after another: each new cell follows the one before.
    sending: futures_util::lock::Mutex<Tail>,
    model: RefCell<Option<ModelRef>>,
    thinking: Cell<Option<Thinking>>,
    begun: Cell<bool>,
    state: RefCell<state::Known>,
    /// Steering messages of this surface that no agent has taken yet.
    steers: RefCell<Vec<(String, CellId)>>,
    /// Prompts that others may have left messages to: those that ran when the session was opened, and the last one;
    /// with each whether it was over by then.
    left: RefCell<Vec<(CellId, bool)>>,
    /// Messages that were taken back here.
    returned: RefCell<Vec<String>>,
    /// What extensions have set and the store does not show yet.
    kept: keep::Kept,
}

/// The end of the session as this surface last left it, in case its reading handle lags behind.
#[derive(Default)]
struct Tail {
    cell: Option<(CellId, String)>,
}

impl Session {
    /// Opens a session: what is sent goes through `committer`, what is shown is read from `read`.
    ///
    /// With a kernel its hooks are raised there; without one no hooks are raised.
    pub fn new(
        committer: Rc<dyn Committer>,
        read: Rc<dyn Store>,
        kernel: Option<Kernel>,
        options: SessionOptions,
    ) -> Self {
        let hooks = kernel.map_or_else(Raiser::none, Raiser::kernel);
        let session = Self(Rc::new(Inner {
            committer,
            read,
            hooks,
            model: RefCell::new(options.model.clone()),
            thinking: Cell::new(None),
            options,
            sending: futures_util::lock::Mutex::new(Tail::default()),
            begun: Cell::new(false),
            state: RefCell::new(state::Known::default()),
            steers: RefCell::new(Vec::new()),
            left: RefCell::default(),
            returned: RefCell::default(),
            kept: keep::Kept::default(),
        }));
        session.refresh();
        session.note_left();
        session
    }

    /// The session's id, which is its notebook's.
    pub fn id(&self) -> NotebookId {
        self.0.read.identity().store_id
    }

    /// The store this session reads.
    pub fn store(&self) -> Rc<dyn Store> {
        Rc::clone(&self.0.read)
    }

    /// Directory of the session.
    pub fn cwd(&self) -> PathBuf {
        self.metadata("purlin.cwd").map_or_else(|| self.0.options.cwd.clone(), PathBuf::from)
    }

    /// Model of the session, if it names one.
    pub fn model(&self) -> Option<ModelRef> {
        let chosen = self.0.model.borrow().clone();
        chosen.or_else(|| self.metadata("purlin.model")?.parse().ok())
    }

    fn metadata(&self, key: &str) -> Option<String> {
        self.0.read.metadata().ok()?.remove(key)
    }

    /// Chooses the model from the next prompt on.
    pub fn set_model(
        &self,
        model: ModelRef,
        source: &str,
    ) -> LocalBoxFuture<'static, Result<(), SessionError>> {
        let session = self.clone();
        let source = source.to_owned();
        Box::pin(async move {
            let inner = &session.0;
            let previous = session.model();
            // A session that does not exist yet is not begun by choosing a model for it.
            if session.exists() {
                let event =
                    Event::NotebookMetadataSet { key: "purlin.model".to_owned(), value: model.to_string() };
                inner.committer.post(vec![event]).await?;
            }
            inner.model.replace(Some(model.clone()));
            inner.hooks.observe::<hooks::ModelSelect>(|| {
                let previous = previous.map(|model| model.to_string());
                payload!({"new": model.to_string(), "previous": previous, "source": source})
            });
            Ok(())
        })
    }

    /// Chooses how much models reason from the next prompt on.
    pub fn set_thinking(
        &self,
        level: Thinking,
        source: &str,
    ) -> LocalBoxFuture<'static, Result<(), SessionError>> {
        let (session, source) = (self.clone(), source.to_owned());
        Box::pin(async move {
            let inner = &session.0;
            let previous = session.thinking();
            if session.exists() {
                let value = level.as_str().to_owned();
                let event = Event::NotebookMetadataSet { key: "purlin.thinking".to_owned(), value };
                inner.committer.post(vec![event]).await?;
            }
            inner.thinking.set(Some(level));
            inner.hooks.observe::<hooks::ThinkingLevelChange>(|| {
                payload!({"new": level.as_str(), "previous": previous.map(Thinking::as_str), "source": source})
            });
            Ok(())
        })
    }

    /// How much models reason in this session, if it says so.
    pub fn thinking(&self) -> Option<Thinking> {
        self.0.thinking.get().or_else(|| self.metadata("purlin.thinking")?.parse().ok())
    }

    /// Asks the gate `session_before_switch`; the error is the reason why this session must not be left.
    pub fn before_switch(
        &self,
        reason: &str,
        target: &str,
    ) -> LocalBoxFuture<'static, Result<(), SessionError>> {
        let session = self.clone();
        let fields = payload!({"reason": reason, "target": target});
        Box::pin(async move {
            let raised = session.0.hooks.raise::<hooks::SessionBeforeSwitch>(|| fields).await;
            let refused = raised.and_then(|(_, outcome)| outcome.blocked());
            refused.map_or(Ok(()), |reason| Err(SessionError::Refused(reason)))
        })
    }

    /// Tells that this session was switched to.
    pub fn switched(&self, previous: &str) {
        let id = self.id();
        self.0.hooks.observe::<hooks::SessionSwitch>(
            || payload!({"session_id": id.as_str(), "previous_id": previous}),
        );
    }

    /// Whether anything of the session is stored; that an agent waits for it does not count.
    pub fn exists(&self) -> bool {
        let begun = || {
            self.metadata("purlin.cwd").is_some() || self.0.read.last_cell().is_ok_and(|cell| cell.is_some())
        };
        if !self.0.begun.get() && begun() {
            self.0.begun.set(true);
        }
        self.0.begun.get()
    }

    /// Raises the hooks of a session that was opened with stored content; a new one raises them with its first commit.
    pub fn announce(&self, reason: &str, previous: Option<&str>) {
        if self.exists() {
            self.opened(reason, previous);
        }
    }

    fn opened(&self, reason: &str, previous: Option<&str>) {
        let inner = &self.0;
        let id = self.id();
        inner.hooks.observe::<hooks::SessionStart>(
            || payload!({"session_id": id.as_str(), "reason": reason, "previous_id": previous}),
        );
        inner.hooks.observe::<hooks::SessionLoad>(|| {
            let at = |entries: Vec<purlin_notebook::LogEntry>| entries.first().map_or(0, |entry| entry.at);
            let last = inner.read.last_rowid().unwrap_or(0);
            let created = inner.read.log_since(0, 1).map_or(0, at);
            let updated = inner.read.log_since(last - 1, 1).map_or(0, at);
            payload!({
                "session_id": id.as_str(), "cwd": self.cwd().display().to_string(),
                "name": self.metadata("purlin.name").unwrap_or_default(), "created_at": created,
                "updated_at": updated, "cells": inner.read.cells().map_or(0, |cells| cells.len()),
            })
        });
    }

    /// Raises `session_shutdown`.
    pub fn close(&self, reason: &str) {
        let id = self.id();
        self.0
            .hooks
            .observe::<hooks::SessionShutdown>(|| payload!({"session_id": id.as_str(), "reason": reason}));
    }

    /// How the session stands, as last refreshed.
    pub fn state(&self) -> SessionState {
        self.0.state.borrow().state.clone()
    }

    /// Tokens of the whole session.
    pub fn usage(&self) -> Usage {
        self.0.state.borrow().usage
    }

    /// Cost of the whole session in micro-dollars, where prices are known.
    pub fn cost_micros(&self) -> Option<i64> {
        self.0.state.borrow().cost_micros
    }

    /// Tokens of the last request's prompt and answer: how full the model's context is.
    pub fn context_tokens(&self) -> i64 {
        self.0.state.borrow().context
    }
}
