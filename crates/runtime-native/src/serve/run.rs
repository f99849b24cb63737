//! One run of a program: the session opened, the lanes taken, signals heard, everything settled at the end.

use std::cell::Cell;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{
    CellId, CellKind, Durability, QueueId, RuntimeSession, RuntimeSessionId, Store, StoreExt,
};
use purlin_runtime_core::{
    Ended, ExecutionError, Handlers, Level, Lifecycle, Options, RunError, RuntimeAgent, StartError,
};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

use super::{Console, MakeHandler, Place, Settings, capabilities};
use crate::artifacts::MAX_ARTIFACT_BYTES;
use crate::lock::{self, Locks};
use crate::signals::{Asked, Signals};
use crate::{FileArtifacts, NativeHost, OpenMode, Paths, SqliteNotebook, sessions};

/// The exit code of a runtime whose lanes another one took.
const DISPLACED: u8 = 3;
/// How long the end of a run may take: the grace of its handlers, and then some.
const END: Duration = Duration::from_secs(5);

/// The lanes of a program.
type Lanes = Vec<(CellKind, MakeHandler)>;

/// Runs a program to its end and answers its exit code.
pub(super) fn run(lanes: Lanes, settings: Settings, paths: Paths, console: &Console) -> u8 {
    open(lanes, settings, paths, console).unwrap_or_else(|message| {
        console.say(&sentence(&message));
        1
    })
}

fn open(lanes: Lanes, settings: Settings, paths: Paths, console: &Console) -> Result<u8, String> {
    let id = sessions::find(&paths, &settings.notebook).map_err(|error| error.to_string())?;
    let notebook = SqliteNotebook::open(&paths, id, OpenMode::Existing).map_err(|error| error.to_string())?;
    if let Some(why) = notebook.read_only() {
        return Err(format!("the session takes no commits: {why}"));
    }
    let store: Rc<dyn Store> = Rc::new(notebook.store().map_err(|error| error.to_string())?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_millis(200))
        .build()
        .map_err(|error| format!("the executor could not be started: {error}"))?;
    let place = Place {
        settings: Rc::new(settings),
        paths,
        notebook: notebook.clone(),
        cwd: directory(&*store),
        console: console.clone(),
        durability: Rc::new(Cell::new(Durability::Process)),
        max_artifact_bytes: Rc::new(Cell::new(MAX_ARTIFACT_BYTES)),
    };
    let code = runtime.block_on(LocalSet::new().run_until(serve(lanes, place, store)));
    notebook.close();
    // Blocking work that is left over must not hold the process up.
    runtime.shutdown_background();
    code
}

async fn serve(lanes: Lanes, place: Place, store: Rc<dyn Store>) -> Result<u8, String> {
    let mut signals = Signals::listen().map_err(|error| format!("signals cannot be heard: {error}"))?;
    let mut handlers = Handlers::new();
    let mut kinds = Vec::new();
    for (lane, make) in lanes {
        handlers.insert(lane, make(place.clone()).await?);
        kinds.push(lane);
    }
    let taken = Taken { store: &*store, place: &place, lanes: &kinds };
    let agent = agent(&place, &store, &kinds, handlers);
    let mut running = pin!(taken.run(&agent));
    let mut asked: Option<(Asked, Instant)> = None;
    loop {
        let deadline = asked.map(|(_, deadline)| deadline);
        tokio::select! {
            biased;
            signal = signals.next() => {
                // Whoever asks twice does not want to wait: what runs is killed as what holds it is dropped.
                if let Some((first, _)) = asked {
                    return Ok(first.exit_code());
                }
                asked = Some((signal, Instant::now() + END));
                // The request stands; its answer is the end of the run.
                drop(agent.handle().shutdown());
            }
            ended = &mut running => return taken.finish(ended, asked.map(|(asked, _)| asked)),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                place.console.say("What was running did not end in time; the next runtime settles it.");
                return Ok(asked.map_or(1, |(asked, _)| asked.exit_code()));
            }
        }
    }
}

fn agent(place: &Place, store: &Rc<dyn Store>, lanes: &[CellKind], handlers: Handlers) -> RuntimeAgent {
    let Settings { runtime_type, runtime_id, client_id, .. } = &*place.settings;
    let mut options = Options::new(runtime_type, client_id, lanes.iter().copied());
    options.runtime_id.clone_from(runtime_id);
    options.displace = true;
    options.durability = place.durability.get();
    options.liveness = Rc::new(Locks::new(&place.paths));
    let artifacts = FileArtifacts::new(place.paths.artifacts());
    options.artifacts = Rc::new(artifacts.with_limit(place.max_artifact_bytes.get()));
    let session = place.notebook.replica().store_id.clone();
    let started = format!("`{runtime_id}` executes {} of the session `{session}`.", list(lanes));
    options.lifecycle = Rc::new(News { console: place.console.clone(), started });
    options.heartbeat = place.settings.heartbeat_interval;
    options.image_artifact_threshold = place.settings.image_artifact_threshold;
    let host = Rc::new(NativeHost::new().with_log(place.console.log()));
    RuntimeAgent::new(Rc::clone(store), host, capabilities(lanes.iter().copied()), handlers, options)
}

/// The session's directory, or the process's own where that is gone.
fn directory(store: &dyn Store) -> PathBuf {
    let named = store.metadata().ok().and_then(|mut metadata| metadata.remove("purlin.cwd"));
    let named = named.map(PathBuf::from).filter(|cwd| cwd.is_dir());
    named.or_else(|| std::env::current_dir().ok()).unwrap_or_default()
}

/// The lanes that are taken, and given up.
struct Taken<'a> {
    store: &'a dyn Store,
    place: &'a Place,
    lanes: &'a [CellKind],
}

impl Taken<'_> {
    /// Runs the agent to its end, and says whom it takes the lanes from.
    async fn run(&self, agent: &RuntimeAgent) -> Result<Ended, RunError> {
        let before = self.holders();
        agent.start().await?;
        if !before.is_empty() {
            self.place.console.news(Level::Info, &format!("Until now that did {}.", before.join(" and ")));
        }
        agent.run().await
    }

    /// Puts the end of a run into an exit code, or into the sentence that explains it.
    fn finish(&self, ended: Result<Ended, RunError>, asked: Option<Asked>) -> Result<u8, String> {
        match ended {
            Ok(Ended::Displaced) => {
                self.place.console.say(&self.by_whom());
                Ok(DISPLACED)
            }
            Ok(Ended::Shutdown) => Ok(asked.map_or(0, Asked::exit_code)),
            Err(RunError::Store(source) | RunError::Start(StartError::Store(source))) => {
                Err(format!("the session cannot be written: {source}"))
            }
            Err(RunError::Start(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Names the sessions of others that live and hold one of the lanes, each with its process.
    fn holders(&self) -> Vec<String> {
        let sessions = self.store.runtime_sessions().unwrap_or_default();
        let holds = |session: &RuntimeSession| {
            let held = self.lanes.iter().any(|lane| session.holds(*lane));
            session.is_active && held && lock::is_alive(&self.place.paths, &session.session_id)
        };
        sessions.into_iter().filter(holds).map(|session| self.describe(&session)).collect()
    }

    fn describe(&self, session: &RuntimeSession) -> String {
        let owner = lock::owner(&self.place.paths, &session.session_id);
        let place = owner.map(|owner| format!(" (process {} in `{}`)", owner.pid, owner.cwd.display()));
        format!("`{}`{}", session.runtime_id, place.unwrap_or_default())
    }

    /// Says that the lanes are somebody else's now.
    fn by_whom(&self) -> String {
        let (lanes, holders) = (list(self.lanes), self.holders());
        if holders.is_empty() {
            return format!("Another runtime took {lanes}; this one ends.");
        }
        format!("{} took {lanes}; this one ends.", holders.join(" and "))
    }
}

/// The lanes in words.
fn list(lanes: &[CellKind]) -> String {
    let names: Vec<String> = lanes.iter().map(|lane| format!("`{lane}`")).collect();
    let noun = if names.len() == 1 { "lane" } else { "lanes" };
    format!("the {noun} {}", names.join(", "))
}

/// Tells the person of the agent's life.
struct News {
    console: Console,
    started: String,
}

impl Lifecycle for News {
    fn on_startup(&self, _session: &RuntimeSessionId) {
        self.console.news(Level::Info, &self.started);
    }

    fn on_execution_error(&self, queue: &QueueId, error: &ExecutionError) {
        self.console.news(Level::Info, &format!("The execution `{queue}` failed: {error}"));
    }

    fn on_cancellation(&self, queue: &QueueId, _cell: &CellId, reason: &str) {
        self.console.news(Level::Info, &format!("The execution `{queue}` is being cancelled: {reason}."));
    }
}

/// Makes a sentence of an error's text.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}
