//! Five hundred kills at random moments under load: every acknowledged commit is found again, no batch is half, and no
//! execution is left hanging.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use purlin_notebook::{
    Capabilities, CellKind, CompletionStatus, Event, LogEntry, QueueStatus, RuntimeSessionId, RuntimeStatus,
    Store, StoreExt, time,
};
use purlin_runtime_core::{Handlers, Options, Outcome, RuntimeAgent, handler_fn};
use purlin_runtime_native::lock::{LaneLock, Locks};
use purlin_runtime_native::{NativeHost, OpenMode, Paths, SqliteNotebook, SqliteStore};
use support::{Home, Role, cell, role, set};

/// How many processes are killed, and how many of them have the same notebook before a new one is begun.
const KILLS: usize = 500;
const OF_A_HOME: usize = 50;
/// How many threads commit in each.
const PRODUCERS: usize = 3;

/// Not a test of its own: what is killed. It commits from several threads as fast as it can, and says each batch that was
/// acknowledged; one more thread executes cells as a runtime agent would, step by step.
#[test]
fn child() {
    let Some((run, paths)) = role() else { return };
    acknowledge("ready");
    let notebook = SqliteNotebook::open(&paths, "n".into(), OpenMode::Create).unwrap();
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (store, run) = (notebook.clone(), run.clone());
            scope.spawn(move || produce(&store.store().unwrap(), producer, &run));
        }
        scope.spawn(|| execute(&notebook.store().unwrap(), &paths, &run));
    });
}

/// Prints a line in one piece, which several threads do at once.
fn acknowledge(line: &str) {
    let line = format!("> {line}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

fn produce(store: &SqliteStore, producer: usize, run: &str) {
    for number in 0.. {
        let value = format!("{run} {number}");
        let batch = ["first", "middle", "last"].map(|key| set(&format!("{producer} {key}"), &value));
        store.commit(&batch).unwrap();
        acknowledge(&format!("{producer} {number}"));
    }
}

fn execute(store: &SqliteStore, paths: &Paths, run: &str) {
    let session = RuntimeSessionId::from(format!("session-{run}"));
    let _alive = LaneLock::acquire(paths, &session).unwrap();
    let started = Event::RuntimeSessionStarted {
        session_id: session.clone(),
        runtime_id: "child".into(),
        runtime_type: "test".into(),
        capabilities: Capabilities { can_execute_ai: true, ..Capabilities::default() },
    };
    let ready =
        Event::RuntimeSessionStatusChanged { session_id: session.clone(), status: RuntimeStatus::Ready };
    store.commit(&[started, ready]).unwrap();
    for number in 0.. {
        let id = format!("{run}-{number}");
        let requested = Event::ExecutionRequested {
            queue_id: id.as_str().into(),
            cell_id: id.as_str().into(),
            execution_count: 1,
            requested_by: "u".into(),
            actor_id: None,
        };
        store.commit(&[cell(&id), requested]).unwrap();
        let assigned =
            Event::ExecutionAssigned { queue_id: id.as_str().into(), runtime_session_id: session.clone() };
        store.commit(&[assigned]).unwrap();
        let begun = Event::ExecutionStarted {
            queue_id: id.as_str().into(),
            cell_id: id.as_str().into(),
            runtime_session_id: session.clone(),
            started_at: time::iso(0),
        };
        store.commit(&[begun]).unwrap();
        let completed = Event::ExecutionCompleted {
            queue_id: id.as_str().into(),
            cell_id: id.as_str().into(),
            status: CompletionStatus::Success,
            error: None,
            completed_at: time::iso(0),
            execution_duration_ms: 0,
        };
        store.commit(&[completed]).unwrap();
        acknowledge(&format!("done {number}"));
    }
}

/// Numbers that look random and are the same in every run; the moments they lead to are not.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What a child had acknowledged when it was killed: the last number of each producer, or of the executions.
fn run_and_kill(home: &Home, run: usize, dice: &mut Dice) -> BTreeMap<String, usize> {
    let mut child = Role::spawn(&run.to_string(), &home.root);
    child.expect("ready");
    let mut acknowledged = BTreeMap::new();
    let mut note = |line: String| {
        let (who, number) = line.split_once(' ').unwrap();
        acknowledged.insert(who.to_owned(), number.parse().unwrap());
    };
    // Some die while they make or open the file, the others somewhere in their work.
    for _ in 0..dice.roll(4) * dice.roll(16) {
        note(child.line().unwrap());
    }
    for _ in 0..dice.roll(60_000) {
        std::hint::spin_loop();
    }
    child.process.kill().unwrap();
    child.process.wait().unwrap();
    // The last line may be half, since it was not written in a commit.
    while let Some(line) = child.line() {
        note(line);
    }
    acknowledged
}

/// Checks the part of the log that a killed process left.
fn check_log(entries: &[LogEntry], run: usize, acknowledged: &BTreeMap<String, usize>) {
    let mut batches: BTreeMap<i64, Vec<&Event>> = BTreeMap::new();
    for entry in entries {
        batches.entry(entry.batch).or_default().push(&entry.event);
    }
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for (first, batch) in &batches {
        let entry = &entries[(first - entries[0].rowid) as usize];
        assert_eq!((entry.rowid, entry.batch), (*first, *first), "a batch begins where it says");
        match batch[0] {
            Event::NotebookMetadataSet { key, value } => {
                let producer = key.split_once(' ').unwrap().0;
                let keys = ["first", "middle", "last"].map(|key| set(&format!("{producer} {key}"), value));
                assert!(batch.iter().copied().eq(&keys), "no half batch: {batch:?}");
                let number = next.entry(producer.to_owned()).or_default();
                assert_eq!(*value, format!("{run} {number}"), "in their order");
                *number += 1;
            }
            Event::CellCreated2 { .. } | Event::RuntimeSessionStarted { .. } => assert_eq!(batch.len(), 2),
            Event::ExecutionCompleted { .. } => *next.entry("done".to_owned()).or_default() += 1,
            _ => assert_eq!(batch.len(), 1),
        }
    }
    for (who, number) in acknowledged {
        assert!(next.get(who).is_some_and(|found| found > number), "`{who}` was told {number}: {next:?}");
    }
}

fn agent(store: &SqliteStore, paths: &Paths, done: &Arc<AtomicUsize>) -> RuntimeAgent {
    let done = Arc::clone(done);
    let handler = handler_fn(move |_| {
        let done = Arc::clone(&done);
        async move {
            done.fetch_add(1, Ordering::Relaxed);
            Ok(Outcome::done())
        }
    });
    let mut options = Options::new("agent", "local", [CellKind::Ai]);
    options.liveness = Rc::new(Locks::new(paths));
    let capabilities = Capabilities { can_execute_ai: true, ..Capabilities::default() };
    let handlers = Handlers::new().with(CellKind::Ai, handler);
    RuntimeAgent::new(Rc::new(store.clone()), Rc::new(NativeHost::new()), capabilities, handlers, options)
}

/// Starts an agent on what is left, and answers the end of the log after it.
fn settle(home: &Home, seen: i64, run: usize, acknowledged: &BTreeMap<String, usize>) -> i64 {
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let left = store.log_since(seen, usize::MAX).unwrap();
    check_log(&left, run, acknowledged);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let agent = agent(&store, &home.paths, &Arc::default());
        agent.start().await.unwrap();
        for status in [QueueStatus::Assigned, QueueStatus::Executing] {
            assert_eq!(store.queue(Some(status)).unwrap(), [], "nothing is left hanging");
        }
        agent.shutdown().await;
    });
    let last = store.last_rowid().unwrap();
    drop(store);
    notebook.close();
    last
}

#[test]
fn row_094_five_hundred_kills_lose_nothing_that_was_acknowledged() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut acknowledged_in_all = 0;
    for home_number in 0..KILLS / OF_A_HOME {
        let home = Home::new();
        let mut seen = 0;
        for number in 0..OF_A_HOME {
            let run = home_number * OF_A_HOME + number;
            let acknowledged = run_and_kill(&home, run, &mut dice);
            acknowledged_in_all += acknowledged.values().map(|last| last + 1).sum::<usize>();
            seen = settle(&home, seen, run, &acknowledged);
        }
        let checked = purlin_runtime_native::store::check(&home.file("n"), None).unwrap();
        assert!(checked.is_sound(), "{:?}", checked.problems);
    }
    assert!(acknowledged_in_all > KILLS, "the kills met work: {acknowledged_in_all}");
}
