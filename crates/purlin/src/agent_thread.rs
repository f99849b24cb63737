//! The agent's thread: one runtime agent with the lanes `ai`, `shell` and `echo`, on an executor of its own.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_channel::{mpsc, oneshot};
use purlin_agent::{AiHandler, SharedSettings, ToolCatalog, Tools};
use purlin_kernel::Port;
use purlin_notebook::{Capabilities, CellKind, Durability, Store, StoreError};
use purlin_runtime_core::{
    AgentHandle, Handlers, Lifecycle, Options, Outcome, RunError, RuntimeAgent, StartError, handler_fn,
};
use purlin_runtime_native::lock::Locks;
use purlin_runtime_native::{FileArtifacts, KernelHost, NativeHost, Paths, ShellHandler, SqliteNotebook};
use tokio::task::LocalSet;

use crate::session::sentence;

/// What the agent is made from; all of it may cross to its thread.
pub struct Parts {
    /// The notebook whose executions it claims.
    pub notebook: SqliteNotebook,
    /// The directories of this installation.
    pub paths: Paths,
    /// The agent's settings.
    pub settings: SharedSettings,
    /// The directory of shell commands.
    pub cwd: PathBuf,
    /// The way to the extensions; absent where there are none.
    pub port: Option<Port>,
    /// The tools of extensions.
    pub catalog: ToolCatalog,
    /// Whether each side effect waits for the disk.
    pub full_durability: bool,
}

/// Tells the owner's thread of failures of the store that the agent itself sits out.
struct Tell(mpsc::UnboundedSender<String>);

impl Lifecycle for Tell {
    fn on_store_failure(&self, error: &StoreError) {
        // The owner may have stopped listening, which is no error.
        drop(self.0.unbounded_send(sentence(&error.to_string())));
    }
}

/// The running thread. Dropping it asks the agent to stop and does not wait.
pub struct AgentThread {
    begin: Option<oneshot::Sender<()>>,
    handle: std::sync::mpsc::Receiver<AgentHandle>,
    known: Option<AgentHandle>,
    failed: Option<oneshot::Receiver<String>>,
    trouble: Option<mpsc::UnboundedReceiver<String>>,
    thread: Option<JoinHandle<()>>,
}

/// How long the end of a run may take before the process leaves without it.
const END: Duration = Duration::from_secs(5);

impl AgentThread {
    /// Starts the thread. The agent takes its lanes when it is told to [`AgentThread::begin`], so that a new session's
    /// first events are the person's.
    pub fn spawn(parts: Parts) -> io::Result<Self> {
        let (begin, told) = oneshot::channel();
        let (send_handle, handle) = std::sync::mpsc::sync_channel(1);
        let (send_failure, failed) = oneshot::channel();
        let (tell, trouble) = mpsc::unbounded();
        let thread = thread::Builder::new().name("agent".into()).spawn(move || {
            if let Err(message) = run(parts, told, &send_handle, Tell(tell)) {
                // Nobody may be listening any more, which is no error.
                drop(send_failure.send(message));
            }
        })?;
        Ok(Self {
            begin: Some(begin),
            handle,
            known: None,
            failed: Some(failed),
            trouble: Some(trouble),
            thread: Some(thread),
        })
    }

    /// Lets the agent take its lanes. Twice is once.
    pub fn begin(&mut self) {
        if let Some(begin) = self.begin.take() {
            // A thread that has failed already reports it by itself.
            let _ = begin.send(());
        }
    }

    /// Completes with a message if the agent fails; never completes if it ends well, or was asked for before.
    pub fn failure(&mut self) -> impl Future<Output = String> + use<> {
        let failed = self.failed.take();
        async move {
            match failed {
                Some(failed) => match failed.await {
                    Ok(message) => message,
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        }
    }

    /// Streams a sentence for each failure of the store that the agent sits out; empty if asked for before.
    pub fn trouble(&mut self) -> mpsc::UnboundedReceiver<String> {
        self.trouble.take().unwrap_or_else(|| mpsc::unbounded().1)
    }

    /// Stops the agent: what runs is cancelled and settled. Answers once the thread has ended, or the time is over.
    pub async fn stop(&mut self) {
        // An agent that was never begun ends when its signal goes away.
        self.begin = None;
        let Some(thread) = self.thread.take() else { return };
        let handle = self.known.take().or_else(|| self.handle.recv().ok());
        let stopped = async {
            if let Some(handle) = handle {
                handle.shutdown().await;
            }
        };
        if tokio::time::timeout(END, stopped).await.is_ok() {
            // The agent has settled everything; what is left of the thread is microseconds.
            drop(thread.join());
        }
    }
}

fn run(
    parts: Parts,
    told: oneshot::Receiver<()>,
    handle: &std::sync::mpsc::SyncSender<AgentHandle>,
    tell: Tell,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_millis(200))
        .build()
        .map_err(|error| format!("The agent's executor could not be started: {error}."))?;
    let local = LocalSet::new();
    let ended = runtime.block_on(local.run_until(async move {
        let agent = agent(parts, tell)?;
        // The receiver lives as long as the thread's owner.
        drop(handle.send(agent.handle()));
        if told.await.is_err() {
            return Ok(());
        }
        match agent.start().await {
            Ok(()) => {}
            Err(error) => return Err(describe_start(&error)),
        }
        agent.run().await.map(drop).map_err(|error| describe_run(&error))
    }));
    // Blocking work that is left over must not hold the process up.
    runtime.shutdown_background();
    ended
}

fn agent(parts: Parts, tell: Tell) -> Result<RuntimeAgent, String> {
    let store = parts.notebook.store().map_err(|error| error.to_string())?;
    let host = Rc::new(NativeHost::new());
    let tools = Tools::standard(parts.catalog);
    let ai = AiHandler::new(parts.settings, tools, parts.port, Rc::new(KernelHost::new()));
    let echo = handler_fn(|cx| async move {
        cx.stdout(cx.source());
        Ok(Outcome::done())
    });
    let handlers = Handlers::new()
        .with(CellKind::Ai, Rc::new(ai))
        .with(CellKind::Shell, Rc::new(ShellHandler::new(parts.cwd)))
        .with(CellKind::Echo, echo);
    let capabilities =
        Capabilities { can_execute_code: true, can_execute_ai: true, ..Capabilities::default() };
    let mut options = Options::new("agent", "local", [CellKind::Ai, CellKind::Shell, CellKind::Echo]);
    options.lifecycle = Rc::new(tell);
    // A notebook in memory is nobody else's, and nothing of it may touch the disk.
    if parts.notebook.path().is_some() {
        options.liveness = Rc::new(Locks::new(&parts.paths));
        options.artifacts = Rc::new(FileArtifacts::new(parts.paths.artifacts()));
    }
    if parts.full_durability {
        options.durability = Durability::Disk;
    }
    let store: Rc<dyn Store> = Rc::new(store);
    Ok(RuntimeAgent::new(store, host, capabilities, handlers, options))
}

fn describe_start(error: &StartError) -> String {
    match error {
        StartError::Store(source) => format!("The session cannot be written: {source}."),
        other => format!("The agent could not be started: {other}."),
    }
}

fn describe_run(error: &RunError) -> String {
    match error {
        RunError::Store(source) | RunError::Start(StartError::Store(source)) => {
            format!("The session cannot be written: {source}.")
        }
        other => format!("The agent stopped: {other}."),
    }
}
