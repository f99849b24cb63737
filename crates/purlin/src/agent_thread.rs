//! The agent's thread: the runtime agents of a surface, one for each of its lanes, on an executor of their own.
//!
//! One agent a lane, so that a runtime that takes one of them leaves the others here.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use purlin_agent::{AiHandler, SharedSettings, ToolCatalog, Tools};
use purlin_kernel::Port;
use purlin_notebook::{CellKind, Durability, RuntimeSessionId, Store, StoreError};
use purlin_runtime_core::{
    AgentHandle, Handler, Handlers, Lifecycle, Liveness, Options, RunError, RuntimeAgent, StartError,
};
use purlin_runtime_native::lock::Locks;
use purlin_runtime_native::serve::{capabilities, runtime_id};
use purlin_runtime_native::{
    EchoHandler, FileArtifacts, KernelHost, NativeHost, Paths, ShellHandler, SqliteNotebook,
};
use tokio::task::LocalSet;

use crate::lua::LuaHandler;
use crate::session::sentence;

/// What the agents are made from; all of it may cross to their thread.
pub struct Parts {
    /// The notebook whose executions they claim.
    pub notebook: SqliteNotebook,
    /// The directories of this installation.
    pub paths: Paths,
    /// The settings of the lane `ai`.
    pub settings: SharedSettings,
    /// The directory of shell commands.
    pub cwd: PathBuf,
    /// The way to the extensions; absent where there are none.
    pub port: Option<Port>,
    /// The tools of extensions.
    pub catalog: ToolCatalog,
    /// Whether each side effect waits for the disk.
    pub full_durability: bool,
    /// How many bytes of one output are kept outside the log at most.
    pub max_artifact_bytes: u64,
}

/// What the agents tell the owner's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The store fails, and the agent sits it out; a sentence.
    Trouble(String),
    /// A runtime session of somebody alive holds this lane; it is waited for.
    Waiting(CellKind, RuntimeSessionId),
    /// The lane is held here.
    Holding(CellKind),
}

/// Tells the owner's thread what happens to one lane.
struct Tell {
    lane: CellKind,
    words: mpsc::UnboundedSender<Word>,
}

impl Tell {
    fn say(&self, word: Word) {
        // The owner may have stopped listening, which is no error.
        drop(self.words.unbounded_send(word));
    }
}

impl Lifecycle for Tell {
    fn on_startup(&self, _session: &RuntimeSessionId) {
        self.say(Word::Holding(self.lane));
    }

    fn on_waiting(&self, holder: &RuntimeSessionId) {
        self.say(Word::Waiting(self.lane, holder.clone()));
    }

    fn on_store_failure(&self, error: &StoreError) {
        self.say(Word::Trouble(sentence(&error.to_string())));
    }
}

/// The running thread. Dropping it asks the agents to stop and does not wait.
pub struct AgentThread {
    begin: Option<oneshot::Sender<()>>,
    handles: std::sync::mpsc::Receiver<Vec<AgentHandle>>,
    failed: Option<oneshot::Receiver<String>>,
    words: Option<mpsc::UnboundedReceiver<Word>>,
    thread: Option<JoinHandle<()>>,
}

/// How long the end of a run may take before the process leaves without it.
const END: Duration = Duration::from_secs(5);

impl AgentThread {
    /// Starts the thread. The agents take their lanes when told to [`AgentThread::begin`], so that a new session's
    /// first events are the person's.
    pub fn spawn(parts: Parts) -> io::Result<Self> {
        let (begin, told) = oneshot::channel();
        let (send_handles, handles) = std::sync::mpsc::sync_channel(1);
        let (send_failure, failed) = oneshot::channel();
        let (tell, words) = mpsc::unbounded();
        let thread = thread::Builder::new().name("agent".into()).spawn(move || {
            if let Err(message) = run(parts, told, &send_handles, &tell) {
                // Nobody may be listening any more, which is no error.
                drop(send_failure.send(message));
            }
        })?;
        Ok(Self {
            begin: Some(begin),
            handles,
            failed: Some(failed),
            words: Some(words),
            thread: Some(thread),
        })
    }

    /// Lets the agents take their lanes. Twice is once.
    pub fn begin(&mut self) {
        if let Some(begin) = self.begin.take() {
            // A thread that has failed already reports it by itself.
            let _ = begin.send(());
        }
    }

    /// Completes with a message if an agent fails; never completes if all end well, or was asked for before.
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

    /// Streams what the agents tell; empty if asked for before.
    pub fn words(&mut self) -> mpsc::UnboundedReceiver<Word> {
        self.words.take().unwrap_or_else(|| mpsc::unbounded().1)
    }

    /// Stops the agents: what runs is cancelled and settled. Answers once the thread has ended, or the time is over.
    pub async fn stop(&mut self) {
        // Agents that were never begun end when their signal goes away.
        self.begin = None;
        let Some(thread) = self.thread.take() else { return };
        let handles = self.handles.recv().unwrap_or_default();
        let stopped = join_all(handles.iter().map(AgentHandle::shutdown));
        if tokio::time::timeout(END, stopped).await.is_ok() {
            // The agents have settled everything; what is left of the thread is microseconds.
            drop(thread.join());
        }
    }
}

fn run(
    parts: Parts,
    told: oneshot::Receiver<()>,
    handles: &std::sync::mpsc::SyncSender<Vec<AgentHandle>>,
    tell: &mpsc::UnboundedSender<Word>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_millis(200))
        .build()
        .map_err(|error| format!("The agent's executor could not be started: {error}."))?;
    let local = LocalSet::new();
    let ended = runtime.block_on(local.run_until(async move {
        let agents = agents(parts, tell)?;
        // The receiver lives as long as the thread's owner.
        drop(handles.send(agents.iter().map(RuntimeAgent::handle).collect()));
        if told.await.is_err() {
            return Ok(());
        }
        serve(&agents).await
    }));
    // Blocking work that is left over must not hold the process up.
    runtime.shutdown_background();
    ended
}

/// Runs the agents side by side to their ends; where one fails, the others are stopped.
async fn serve(agents: &[RuntimeAgent]) -> Result<(), String> {
    let mut running: FuturesUnordered<_> = agents.iter().map(serve_one).collect();
    let mut failure = Ok(());
    while let Some(ended) = running.next().await {
        if ended.is_err() && failure.is_ok() {
            failure = ended;
            for agent in agents {
                // The request stands; the end of each is waited for here.
                drop(agent.handle().shutdown());
            }
        }
    }
    failure
}

async fn serve_one(agent: &RuntimeAgent) -> Result<(), String> {
    agent.start().await.map_err(|error| describe_start(&error))?;
    agent.run().await.map(drop).map_err(|error| describe_run(&error))
}

fn agents(parts: Parts, tell: &mpsc::UnboundedSender<Word>) -> Result<Vec<RuntimeAgent>, String> {
    let store: Rc<dyn Store> = Rc::new(parts.notebook.store().map_err(|error| error.to_string())?);
    let host = Rc::new(NativeHost::new());
    let port = parts.port;
    let ai = AiHandler::new(
        parts.settings,
        Tools::standard(parts.catalog),
        port.clone(),
        Rc::new(KernelHost::new()),
    );
    // A notebook in memory is seen by this process alone.
    let ai = if parts.notebook.path().is_none() { ai.alone() } else { ai };
    let mut lanes: Vec<(&str, CellKind, Rc<dyn Handler>)> = vec![
        ("agent", CellKind::Ai, Rc::new(ai)),
        ("shell", CellKind::Shell, Rc::new(ShellHandler::new(parts.cwd))),
        ("echo", CellKind::Echo, Rc::new(EchoHandler)),
    ];
    // Lua is evaluated where the kernel is.
    lanes.extend(port.map(|port| ("lua", CellKind::Lua, Rc::new(LuaHandler::new(port)) as Rc<dyn Handler>)));
    let shared_memory = Rc::new(SameProcess::default());
    let make = |(runtime_type, lane, handler): (&str, CellKind, Rc<dyn Handler>)| {
        let mut options = Options::new(runtime_type, "local", [lane]);
        options.runtime_id = runtime_id(runtime_type);
        options.lifecycle = Rc::new(Tell { lane, words: tell.clone() });
        // A notebook in memory is nobody else's, and nothing of it may touch the disk.
        if parts.notebook.path().is_some() {
            options.liveness = Rc::new(Locks::new(&parts.paths));
            let artifacts = FileArtifacts::new(parts.paths.artifacts());
            options.artifacts = Rc::new(artifacts.with_limit(parts.max_artifact_bytes));
        } else {
            options.liveness = shared_memory.clone();
        }
        if parts.full_durability {
            options.durability = Durability::Disk;
        }
        let handlers = Handlers::new().with(lane, handler);
        RuntimeAgent::new(Rc::clone(&store), host.clone(), capabilities([lane]), handlers, options)
    };
    Ok(lanes.into_iter().map(make).collect())
}

/// The liveness on a notebook that only the agents of this thread know: each hears of the others.
#[derive(Clone, Default)]
struct SameProcess(Rc<RefCell<BTreeSet<RuntimeSessionId>>>);

/// A session that lives until this is dropped.
struct Held(SameProcess, RuntimeSessionId);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.borrow_mut().remove(&self.1);
    }
}

impl Liveness for SameProcess {
    fn hold(&self, session: &RuntimeSessionId) -> Result<Box<dyn Any>, String> {
        self.0.borrow_mut().insert(session.clone());
        Ok(Box::new(Held(self.clone(), session.clone())))
    }

    fn is_alive(&self, session: &RuntimeSessionId) -> bool {
        self.0.borrow().contains(session)
    }
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
