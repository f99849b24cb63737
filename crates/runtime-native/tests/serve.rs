//! A program around a handler that never ends and never listens: signals and deadlines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use purlin_notebook::{CellId, CellKind, CellType, Event, NotebookId, QueueId, QueueStatus, Store, StoreExt};
use purlin_runtime_core::handler_fn;
use purlin_runtime_native::serve::{Flag, Program};
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook};
use rustix::process::{Pid, Signal, kill_process};

/// Tells the test's own program that it is to serve.
const ROLE: &str = "PURLIN_SERVE_TEST_CHILD";

/// Not a test: what the child process runs.
#[test]
fn child_that_serves() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let flag = Flag { long: "word", short: Some('w'), variables: &[], value: Some("WORD"), help: "A word" };
    let program =
        Program::new("deaf", "Never ends.").flags(&[flag]).lane_with(CellKind::Ai, |place| async move {
            let word = place.settings.value("word").unwrap_or_default().to_owned();
            Ok(handler_fn(move |cx| {
                cx.stdout(&word);
                async move {
                    cx.flush(purlin_notebook::Durability::Process).await?;
                    std::future::pending().await
                }
            }))
        });
    std::process::exit(i32::from(program.run(vec!["-w".into(), "begun".into()])));
}

struct World {
    folder: PathBuf,
    notebook: SqliteNotebook,
}

impl World {
    /// A session whose directory is the one that the test runs in, with one prompt that waits.
    fn new(name: &str) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{name}-{}", std::process::id()));
        let paths = Paths::from_env(&|variable| value(&folder, variable).map(Into::into)).unwrap();
        let notebook = SqliteNotebook::open(&paths, NotebookId::from("shared"), OpenMode::Create).unwrap();
        let cell = CellId::from("ask");
        let cwd = std::env::current_dir().unwrap().canonicalize().unwrap().display().to_string();
        let events = [
            Event::NotebookMetadataSet { key: "purlin.cwd".to_owned(), value: cwd },
            Event::CellCreated2 {
                id: cell.clone(),
                fractional_index: "m".to_owned(),
                cell_type: CellType::Ai,
                created_by: "ada".to_owned(),
            },
            Event::ExecutionRequested {
                queue_id: QueueId::from("ask"),
                cell_id: cell,
                execution_count: 1,
                requested_by: "ada".to_owned(),
                actor_id: None,
            },
        ];
        notebook.store().unwrap().commit(&events).unwrap();
        Self { folder, notebook }
    }

    fn serve(&self) -> Served {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_serves", "--nocapture"])
            .env(ROLE, "1")
            .envs(
                ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"]
                    .map(|name| (name, value(&self.folder, name).unwrap_or_default())),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Served { child, errors }
    }

    /// Waits until the handler runs; what it was told by its own flag is there.
    fn until_runs(&self) {
        let store = self.notebook.store().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let outputs = store.outputs_of(&CellId::from("ask")).unwrap();
            if outputs.iter().any(|output| store.text_of(output).unwrap() == "begun") {
                return;
            }
            assert!(Instant::now() < end, "the handler was not called");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn status(&self) -> QueueStatus {
        self.notebook.store().unwrap().queue_entry(&QueueId::from("ask")).unwrap().unwrap().status
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A folder that stays is in the target's temporary directory.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn value(folder: &Path, name: &str) -> Option<PathBuf> {
    let sub = match name {
        "HOME" => "home",
        "XDG_CONFIG_HOME" => "config",
        "XDG_DATA_HOME" => "data",
        "XDG_STATE_HOME" => "state",
        "XDG_RUNTIME_DIR" => "run",
        _ => return None,
    };
    Some(folder.join(sub))
}

struct Served {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Served {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), signal).unwrap();
    }

    fn until_says(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.errors.read_line(&mut line).unwrap(), 0, "it ended without saying {text:?}");
        }
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn row_078_a_second_interrupt_ends_at_once_and_leaves_the_rest_to_the_next_runtime() {
    let world = World::new("twice");
    let mut served = world.serve();
    world.until_runs();
    served.signal(Signal::INT);
    served.until_says("is being cancelled: shutdown");
    served.signal(Signal::INT);
    assert_eq!(served.code(), Some(130));
    // The first one alone would have waited for the handler's grace and settled.
    assert_eq!(world.status(), QueueStatus::Executing);
    let next = world.serve();
    let end = Instant::now() + Duration::from_secs(20);
    while world.status() != QueueStatus::Failed {
        assert!(Instant::now() < end, "the next runtime did not settle it");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(next);
}

#[test]
fn row_079_a_handler_that_does_not_listen_is_ended_and_settled_within_the_deadline() {
    let world = World::new("deaf");
    let served = world.serve();
    world.until_runs();
    let begun = Instant::now();
    served.signal(Signal::TERM);
    assert_eq!(served.code(), Some(143));
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(world.status(), QueueStatus::Cancelled);
    let sessions = world.notebook.store().unwrap().runtime_sessions().unwrap();
    assert_eq!(sessions.len(), 1);
    assert!(!sessions[0].is_active);
    assert_eq!(sessions[0].runtime_type, "deaf");
}
