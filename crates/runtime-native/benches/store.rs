//! What the SQLite store does in a second, each value beside what bare SQLite does with the same log rows in the same run.
//!
//! Prints `name=value` pairs for `cargo xtask bench --only store`. A pair is measured by turns, so that a noisy moment
//! falls on both, and the median of its rounds counts.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use purlin_notebook::{
    CellId, CellType, CompletionStatus, Event, Media, NotebookId, OutputId, QueueId, Store, StoreExt, time,
};
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook};
use rusqlite::Connection;

const ROUNDS: usize = 5;
const SINGLE: usize = 6_000;
const PRODUCERS: usize = 8;
const BATCH: usize = 1_000;
const BATCHES: usize = 40;
const LARGE: usize = 100_000;

fn main() {
    let root = std::env::temp_dir().join(format!("purlin-bench-store-{}", std::process::id()));
    let bench = Bench { root: root.clone(), homes: AtomicUsize::new(0) };
    let only = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("single") {
        pair("single", || bench.single(), || bench.bare(SINGLE, 1));
    }
    if wanted("producers") {
        pair("producers", || bench.producers(), || bench.bare(SINGLE * PRODUCERS, PRODUCERS));
    }
    if wanted("batches") {
        pair("batches", || bench.batches(), || bench.bare(BATCH * BATCHES, BATCH));
    }
    if wanted("large") {
        bench.large();
    }
    std::fs::remove_dir_all(root).unwrap_or_else(|error| println!("# {error}"));
}

struct Bench {
    root: PathBuf,
    homes: AtomicUsize,
}

impl Bench {
    fn home(&self) -> PathBuf {
        let home = self.root.join(self.homes.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir_all(&home).expect("the folder for temporary files can be written");
        home
    }

    fn open(&self) -> SqliteNotebook {
        open(&self.home())
    }

    /// Commits of one event, each acknowledged before the next.
    fn single(&self) -> f64 {
        let notebook = self.open();
        let store = notebook.store().expect("a store");
        let events = session(SINGLE, "");
        store.commit(&events[..1]).expect("the first commit");
        rate(SINGLE - 1, || {
            for event in &events[1..] {
                store.commit(std::slice::from_ref(event)).expect("a commit");
            }
        })
    }

    /// The same from several threads at once.
    fn producers(&self) -> f64 {
        let notebook = self.open();
        notebook.store().expect("a store").commit(&session(1, "first")).expect("the first commit");
        let sessions: Vec<_> = (0..PRODUCERS).map(|n| session(SINGLE, &format!("{n}-"))).collect();
        rate(SINGLE * PRODUCERS, || {
            std::thread::scope(|scope| {
                for events in &sessions {
                    let notebook = notebook.clone();
                    scope.spawn(move || {
                        let store = notebook.store().expect("a store");
                        for event in events {
                            store.commit(std::slice::from_ref(event)).expect("a commit");
                        }
                    });
                }
            });
        })
    }

    /// Events committed in batches, each acknowledged before the next.
    fn batches(&self) -> f64 {
        let notebook = self.open();
        let store = notebook.store().expect("a store");
        let events = session(BATCH * BATCHES, "");
        rate(events.len(), || {
            for batch in events.chunks(BATCH) {
                store.commit(batch).expect("a commit");
            }
        })
    }

    /// Opening a large notebook, and making its tables anew from its log.
    fn large(&self) {
        let home = self.home();
        let notebook = open(&home);
        let store = notebook.store().expect("a store");
        for batch in session(LARGE, "").chunks(BATCH) {
            store.commit(batch).expect("a commit");
        }
        drop(store);
        notebook.close();
        let path = Paths::below(&home).notebook(&id());
        let (mut opened, mut bare, mut replayed) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS * 3 {
            let begun = Instant::now();
            let connection = Connection::open(&path).expect("a database");
            let last: i64 = connection
                .query_row("SELECT max(rowid) FROM events", [], |row| row.get(0))
                .expect("the log can be read");
            assert_eq!(last, LARGE as i64);
            bare.push(begun.elapsed().as_secs_f64() * 1e3);
            drop(connection);
            let begun = Instant::now();
            let notebook = open(&home);
            let store = notebook.store().expect("a store");
            assert_eq!(store.last_rowid().expect("the log can be read"), LARGE as i64);
            assert!(store.last_cell().expect("the cells can be read").is_some());
            opened.push(begun.elapsed().as_secs_f64() * 1e3);
            drop(store);
            notebook.close();
        }
        println!("open_ms={:.3} open_ms_bare={:.3}", median(opened), median(bare));
        let mut copied = Vec::new();
        for _ in 0..ROUNDS {
            copied.push(self.bare(LARGE, LARGE));
            let connection = Connection::open(&path).expect("a database");
            connection.pragma_update(None, "user_version", 0).expect("the version can be set");
            drop(connection);
            // A file of an older form gets its tables from the log when it is opened.
            replayed.push(rate(LARGE, || drop(open(&home))));
        }
        println!("replay={:.0} replay_bare={:.0}", median(replayed), median(copied));
    }

    /// The same log rows written by bare SQLite, so many in a transaction.
    fn bare(&self, count: usize, together: usize) -> f64 {
        let connection = Connection::open(self.home().join("bare.db")).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE events (rowid INTEGER \
                 PRIMARY KEY, batch INTEGER NOT NULL, seq INTEGER, name TEXT NOT NULL, args TEXT NOT NULL, \
                 clientId TEXT NOT NULL, sessionId TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
            )
            .expect("a table");
        let rows: Vec<_> =
            session(count, "").iter().map(|event| (event.name().to_owned(), event.args_text())).collect();
        let client = "01234567-89ab-cdef-0123-456789abcdef";
        rate(count, || {
            for chunk in rows.chunks(together) {
                connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
                let mut insert = connection
                    .prepare_cached("INSERT INTO events (batch, name, args, clientId, sessionId, at) VALUES (1, ?, ?, ?, ?, 1)")
                    .expect("a statement");
                for (name, args) in chunk {
                    insert.execute((name, args, client, client)).expect("a row");
                }
                connection.execute_batch("COMMIT").expect("a transaction");
            }
        })
    }
}

/// Measures two rates by turns and prints their medians.
fn pair(name: &str, ours: impl Fn() -> f64, bare: impl Fn() -> f64) {
    let (mut our_rates, mut bare_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare_rates.push(bare());
        our_rates.push(ours());
    }
    println!("{name}={:.0} {name}_bare={:.0}", median(our_rates), median(bare_rates));
}

fn id() -> NotebookId {
    NotebookId::from("bench")
}

fn open(home: &Path) -> SqliteNotebook {
    SqliteNotebook::open(&Paths::below(home), id(), OpenMode::Create).expect("a notebook")
}

fn rate(count: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    count as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// So many events as an agent's session has them: prompts, and an answer each that streams in.
fn session(count: usize, prefix: &str) -> Vec<Event> {
    let mut events = Vec::with_capacity(count + 32);
    let mut turn = 0;
    while events.len() < count {
        events.extend(one_turn(&format!("{prefix}{turn}"), turn));
        turn += 1;
    }
    events.truncate(count);
    events
}

fn one_turn(name: &str, turn: usize) -> Vec<Event> {
    let (cell, queue, output) = (CellId::from(name), QueueId::from(name), OutputId::from(name));
    let (session, user) = ("01234567-89ab-cdef", || "local".to_owned());
    let mut events = vec![
        Event::CellCreated2 {
            id: cell.clone(),
            fractional_index: format!("m{turn:06}"),
            cell_type: CellType::Ai,
            created_by: user(),
        },
        Event::CellSourceChanged {
            id: cell.clone(),
            source: "Why does this loop run once more than it should?".to_owned(),
            modified_by: user(),
        },
        Event::ExecutionRequested {
            queue_id: queue.clone(),
            cell_id: cell.clone(),
            execution_count: 1,
            requested_by: user(),
            actor_id: None,
        },
        Event::ExecutionAssigned { queue_id: queue.clone(), runtime_session_id: session.into() },
        Event::ExecutionStarted {
            queue_id: queue.clone(),
            cell_id: cell.clone(),
            runtime_session_id: session.into(),
            started_at: time::iso(1_700_000_000_000),
        },
        Event::MarkdownOutputAdded {
            id: output.clone(),
            cell_id: cell.clone(),
            position: 0.0,
            content: Media::text("Because "),
        },
    ];
    events.extend((0..20).map(|n| Event::MarkdownOutputAppended2 {
        id: output.delta(n),
        output_id: output.clone(),
        delta: "its bound is inclusive where yours is exclusive, ".to_owned(),
        sequence_number: n,
    }));
    events.push(Event::ExecutionCompleted {
        queue_id: queue,
        cell_id: cell,
        status: CompletionStatus::Success,
        error: None,
        completed_at: time::iso(1_700_000_001_000),
        execution_duration_ms: 1_000,
    });
    debug_assert!(events.iter().all(|event| Event::is_known(event.name())));
    events
}
