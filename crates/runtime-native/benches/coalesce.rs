//! What ten thousand pieces of output in a second cost: how many commits, and whether all of it is there afterwards.
//!
//! Prints `name=value` pairs for `cargo xtask bench --only coalesce`.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use purlin_notebook::{
    Capabilities, CellKind, CellType, Event, NotebookId, OutputMeta, Role, Store, StoreExt, Tables,
};
use purlin_runtime_core::{Handlers, Options, Outcome, RuntimeAgent, TextKind, handler_fn};
use purlin_runtime_native::{FileArtifacts, NativeHost, OpenMode, Paths, SqliteNotebook};

const PIECES: usize = 10_000;
/// How many pieces come at once, so that all of them come within a second.
const AT_ONCE: usize = 20;

fn main() {
    let root = std::env::temp_dir().join(format!("purlin-bench-coalesce-{}", std::process::id()));
    std::fs::create_dir_all(&root).expect("the folder for temporary files can be written");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an executor");
    tokio::task::LocalSet::new().block_on(&runtime, measure(&root));
    std::fs::remove_dir_all(&root).unwrap_or_else(|error| println!("# {error}"));
}

fn piece(number: usize) -> String {
    format!("{number:063}\n")
}

async fn measure(root: &Path) {
    let notebook = SqliteNotebook::open(&Paths::below(root), NotebookId::from("bench"), OpenMode::Create)
        .expect("a notebook");
    let store: Rc<dyn Store> = Rc::new(notebook.store().expect("a store"));
    let artifacts = FileArtifacts::new(root.join("artifacts"));
    let mut options = Options::new("bench", "local", [CellKind::Echo]);
    options.artifacts = Rc::new(artifacts.clone());
    let capabilities = Capabilities { can_execute_code: true, ..Capabilities::default() };
    let handler = handler_fn(|cx| async move {
        let markdown = cx.source() == "markdown";
        let stream = markdown.then(|| cx.open_text(TextKind::Markdown, OutputMeta::new(Role::Text)));
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        for number in 0..PIECES {
            match &stream {
                Some(stream) => stream.append(&piece(number)),
                None => cx.stdout(&piece(number)),
            }
            if number % AT_ONCE == 0 {
                tick.tick().await;
            }
        }
        Ok(Outcome::done())
    });
    let handlers = Handlers::new().with(CellKind::Echo, handler);
    let agent = RuntimeAgent::new(store.clone(), Rc::new(NativeHost::new()), capabilities, handlers, options);
    agent.start().await.expect("the agent starts");
    let running = agent.clone();
    let run = tokio::task::spawn_local(async move { running.run().await.map(drop) });
    let whole: String = (0..PIECES).map(piece).collect();
    for kind in ["stdout", "markdown"] {
        let before = store.last_rowid().expect("the log is read");
        let begun = Instant::now();
        execute(&*store, kind).await;
        let seconds = begun.elapsed().as_secs_f64();
        let log = store.log_since(before, usize::MAX).expect("the log is read");
        let commits = log.iter().map(|entry| entry.batch).collect::<BTreeSet<_>>().len();
        let texts = store.outputs_of(&kind.into()).expect("outputs are read");
        let shown: String = texts.iter().map(|output| store.text_of(output).expect("text is read")).collect();
        let complete =
            shown == whole || kept(&artifacts, &shown).is_some_and(|kept| kept == whole.as_bytes());
        println!("{kind}={commits} {kind}_seconds={seconds:.3} {kind}_complete={}", u8::from(complete));
    }
    agent.shutdown().await;
    run.await.expect("the agent does not panic").expect("the agent ends well");
}

/// Reads the artifact that a shortened text names.
fn kept(artifacts: &FileArtifacts, shown: &str) -> Option<Vec<u8>> {
    let (_, rest) = shown.split_once("kept as `")?;
    artifacts.get(rest.split_once('`')?.0).ok()
}

async fn execute(store: &dyn Store, name: &str) {
    let annotated = Event::CellAnnotated {
        cell_id: name.into(),
        kind: CellKind::Echo,
        hidden: None,
        parent_id: None,
        after_output: None,
        extension: None,
        attachments: Vec::new(),
        prepared: None,
        prepared_text: None,
        data: None,
    };
    let created = Event::CellCreated2 {
        id: name.into(),
        fractional_index: "m".to_owned(),
        cell_type: CellType::Code,
        created_by: "bench".to_owned(),
    };
    let source = Event::CellSourceChanged {
        id: name.into(),
        source: name.to_owned(),
        modified_by: "bench".to_owned(),
    };
    let request = Event::ExecutionRequested {
        queue_id: name.into(),
        cell_id: name.into(),
        execution_count: 1,
        requested_by: "bench".to_owned(),
        actor_id: None,
    };
    let mut changes = store.watch(Tables::ALL);
    store.commit(&[created, source, annotated, request]).expect("the request is committed");
    let done = || {
        let entry = store.queue_entry(&name.into()).expect("the queue is read");
        entry.is_some_and(|entry| entry.status.is_terminal())
    };
    while !done() {
        changes.next().await;
    }
}
