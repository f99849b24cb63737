//! Kill -9 of the process that executes, with a second process waiting on the same notebook.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use purlin_notebook::{
    Capabilities, CellId, CellKind, CellType, Event, NotebookId, QueueId, QueueStatus, Store, StoreExt,
    Tables, ToolCallStatus,
};
use purlin_runtime_core::{AgentStatus, Handlers, Options, Outcome, RuntimeAgent, handler_fn};
use purlin_runtime_native::lock::Locks;
use purlin_runtime_native::{NativeHost, OpenMode, Paths, SqliteNotebook, SqliteStore};

/// Tells the child process where the notebook is.
const FOLDER: &str = "PURLIN_TAKEOVER_FOLDER";

fn paths(folder: &Path) -> Paths {
    let folder = folder.as_os_str().to_owned();
    Paths::from_env(&|name| {
        let sub = match name {
            "HOME" => "home",
            "XDG_CONFIG_HOME" => "config",
            "XDG_DATA_HOME" => "data",
            "XDG_STATE_HOME" => "state",
            "XDG_RUNTIME_DIR" => "run",
            _ => return None,
        };
        Some(Path::new(&folder).join(sub).into_os_string())
    })
    .unwrap()
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// An agent whose tool call never ends when the prompt is `hang`.
fn agent(store: &SqliteStore, paths: &Paths) -> RuntimeAgent {
    let handler = handler_fn(|cx| async move {
        cx.stdout("shown before the kill\n");
        if cx.source() == "hang" {
            cx.commit(vec![Event::ToolCallStarted {
                tool_call_id: "call".to_owned(),
                cell_id: cx.cell.id.clone(),
                output_id: "output".into(),
                arguments: serde_json::json!({"command": "sleep 1000"}),
            }])?;
            cx.cancellation().await;
        }
        Ok(Outcome::done())
    });
    let mut options = Options::new("agent", "local", [CellKind::Ai]);
    options.liveness = Rc::new(Locks::new(paths));
    let capabilities = Capabilities { can_execute_ai: true, ..Capabilities::default() };
    let handlers = Handlers::new().with(CellKind::Ai, handler);
    RuntimeAgent::new(Rc::new(store.clone()), Rc::new(NativeHost::new()), capabilities, handlers, options)
}

fn ask(store: &SqliteStore, id: &str, source: &str) {
    let cell = CellId::from(id);
    let events = [
        Event::CellCreated2 {
            id: cell.clone(),
            fractional_index: id.to_owned(),
            cell_type: CellType::Ai,
            created_by: "ada".to_owned(),
        },
        Event::CellSourceChanged {
            id: cell.clone(),
            source: source.to_owned(),
            modified_by: "ada".to_owned(),
        },
        Event::ExecutionRequested {
            queue_id: QueueId::from(id),
            cell_id: cell,
            execution_count: 1,
            requested_by: "ada".to_owned(),
            actor_id: None,
        },
    ];
    store.commit(&events).unwrap();
}

async fn until(store: &SqliteStore, condition: impl Fn(&SqliteStore) -> bool) {
    let mut ticks = store.watch(Tables::ALL);
    let wait = async {
        while !condition(store) {
            ticks.next().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the other process was not heard of");
}

fn status(store: &SqliteStore, id: &str) -> Option<QueueStatus> {
    store.queue_entry(&QueueId::from(id)).unwrap().map(|entry| entry.status)
}

/// Not a test: what the child process runs until it is killed.
#[test]
fn child_that_holds_the_lane() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    run(async {
        let paths = paths(Path::new(&folder));
        let notebook = SqliteNotebook::open(&paths, NotebookId::from("shared"), OpenMode::Create).unwrap();
        let agent = agent(&notebook.store().unwrap(), &paths);
        agent.start().await.unwrap();
        agent.run().await.unwrap();
    });
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may be dead already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn child(folder: &Path) -> Killed {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_holds_the_lane", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Killed(child)
}

#[test]
fn row_042_a_waiting_process_takes_over_after_a_kill_and_settles_what_was_lost() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("takeover-{}", std::process::id()));
    let paths = paths(&folder);
    run(async {
        let notebook = SqliteNotebook::open(&paths, NotebookId::from("shared"), OpenMode::Create).unwrap();
        let store = notebook.store().unwrap();
        ask(&store, "hang", "hang");
        let holder = child(&folder);
        until(&store, |store| status(store, "hang") == Some(QueueStatus::Executing)).await;
        until(&store, |store| !store.tool_calls(&CellId::from("hang")).unwrap().is_empty()).await;

        let waiting = agent(&store, &paths);
        waiting.start().await.unwrap();
        assert_eq!(waiting.status(), AgentStatus::Waiting);
        let running = waiting.clone();
        tokio::task::spawn_local(async move { running.run().await });
        ask(&store, "next", "next");
        drop(holder);

        until(&store, |store| status(store, "next") == Some(QueueStatus::Completed)).await;
        assert_eq!(status(&store, "hang"), Some(QueueStatus::Failed));
        let calls = store.tool_calls(&CellId::from("hang")).unwrap();
        assert_eq!(calls[0].status, Some(ToolCallStatus::Interrupted));
        let outputs = store.outputs_of(&CellId::from("hang")).unwrap();
        assert_eq!(store.text_of(&outputs[0]).unwrap(), "shown before the kill\n");
        waiting.shutdown().await;
    });
    std::fs::remove_dir_all(folder).unwrap();
}
