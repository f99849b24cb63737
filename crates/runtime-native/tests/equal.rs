//! The same log gives the same tables in memory and in SQLite.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../notebook/tests/support/machine.rs"]
mod machine;
#[path = "../../notebook/tests/support/random.rs"]
mod random;
#[path = "support/home.rs"]
mod support;

use std::rc::Rc;

use proptest::prelude::*;
use purlin_notebook::{
    CellId, Event, MemoryStore, NotebookId, Query, QueueStatus, Store, StoreExt, Table, dump,
};
use purlin_runtime_native::SqliteNotebook;
use support::Home;

fn queries() -> Vec<Query> {
    let mut queries = vec![
        Query::Cells,
        Query::LastCell,
        Query::Annotations,
        Query::SelectedBranch,
        Query::BranchPath { leaf: None },
        Query::OutputHeads { cell: None },
        Query::Queue { status: None },
        Query::RuntimeSessions,
        Query::Metadata,
        Query::ModelUsage,
        Query::Labels,
        Query::Approvals,
        Query::Compactions,
        Query::Forks,
        Query::State { extension: "x".into(), key: None },
        Query::State { extension: "x".into(), key: Some("k1".into()) },
        Query::LastRowid,
    ];
    queries.extend(QueueStatus::ALL.iter().map(|status| Query::Queue { status: Some(*status) }));
    queries.extend(Table::ALL.iter().map(|table| Query::Table(*table)));
    for n in 0..5 {
        let cell = CellId::from(format!("c{n}"));
        queries.extend([
            Query::Cell(cell.clone()),
            Query::OutputsOf(cell.clone()),
            Query::OutputHeads { cell: Some(cell.clone()) },
            Query::Annotation(cell.clone()),
            Query::BranchPath { leaf: Some(cell.clone()) },
            Query::QueueOf(cell.clone()),
            Query::Steers(cell.clone()),
            Query::ToolCalls(cell),
            Query::Output(format!("o{n}").into()),
            Query::DeltasAfter { output: format!("o{n}").into(), seq: 2 },
            Query::QueueEntry(format!("q{n}").into()),
            Query::ExecutionNote(format!("q{n}").into()),
            Query::Lanes(format!("s{n}").into()),
            Query::ToolCall(format!("call{n}")),
        ]);
    }
    queries
}

fn compare(events: &[Event], batch: usize) {
    let notebook = SqliteNotebook::in_memory(NotebookId::from("n")).unwrap();
    let sqlite = notebook.store().unwrap();
    // The tables say which replica started a runtime session.
    let memory = MemoryStore::with_identity(sqlite.identity(), Rc::new(|| 7));
    for chunk in events.chunks(batch) {
        assert_eq!(memory.commit(chunk), sqlite.commit(chunk));
    }
    assert_eq!(dump::canonical(&memory).unwrap(), dump::canonical(&sqlite).unwrap());
    for query in queries() {
        assert_eq!(memory.query(&query).unwrap(), sqlite.query(&query).unwrap(), "{query:?}");
    }
    let log = |store: &dyn Store| -> Vec<(i64, Event)> {
        store.log_since(0, usize::MAX).unwrap().into_iter().map(|entry| (entry.batch, entry.event)).collect()
    };
    assert_eq!(log(&memory), log(&sqlite));
    const SOME: &[&str] = &["v1.ExecutionRequested", "v1.CellSourceChanged"];
    let named = |store: &dyn Store| -> Vec<(i64, Event)> {
        let found = store.log_named(SOME, 2, 5).unwrap();
        found.into_iter().map(|entry| (entry.rowid, entry.event)).collect()
    };
    assert_eq!(named(&memory), named(&sqlite));
    assert!(named(&memory).iter().all(|(rowid, event)| *rowid > 2 && SOME.contains(&event.name())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn row_092_memory_and_sqlite_hold_equal_tables(seeds in proptest::collection::vec(any::<[u8; 4]>(), 0..150), batch in 1_usize..9) {
        let events: Vec<Event> = seeds.into_iter().map(random::event).collect();
        compare(&events, batch);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// The guard that asks who committed an event gives the same answer in a database.
    #[test]
    fn row_030_a_log_of_two_replicas_gives_equal_tables(steps in proptest::collection::vec(any::<[u8; 4]>(), 40..160)) {
        let one = MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
        let two = one.as_replica("elsewhere", "run");
        for step in steps {
            let (by, event) = machine::step(step, [&one, &two]);
            by.commit(&[event]).unwrap();
        }
        let log = one.log_since(0, usize::MAX).unwrap();
        let home = Home::new();
        let notebook = home.open("n");
        let events: Vec<Event> = log.iter().map(|entry| entry.event.clone()).collect();
        notebook.store().unwrap().commit(&events).unwrap();
        let path = notebook.path().unwrap().to_owned();
        notebook.close();
        // A log by two authors, as synchronisation brings it.
        let connection = rusqlite::Connection::open(&path).unwrap();
        for entry in &log {
            let authors = (&entry.client_id, &entry.session_id, entry.rowid);
            connection.execute("UPDATE events SET clientId = ?, sessionId = ? WHERE rowid = ?", authors).unwrap();
        }
        drop(connection);
        prop_assert_eq!(purlin_runtime_native::store::replay(&path).unwrap(), log.len() as u64);
        let notebook = home.open("n");
        prop_assert_eq!(dump::canonical(&notebook.store().unwrap()).unwrap(), dump::canonical(&one).unwrap());
    }
}

/// A corpus of logs, one event per line, each with the dump that every store must give.
#[test]
fn row_092_the_corpus_gives_its_dumps() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebook/tests/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let log = std::fs::read_to_string(&path).unwrap();
        let events: Vec<Event> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        compare(&events, 3);
        let home = Home::new();
        let store = home.open("n");
        let store = store.store().unwrap();
        store.commit(&events).unwrap();
        let (dumped, replica) = (dump::canonical(&store).unwrap(), store.identity());
        let dumped = dumped.replace(&replica.client_id, "client").replace(&replica.session_id, "replica");
        let expected = path.with_extension("dump");
        if std::env::var_os("PURLIN_WRITE_CORPUS").is_some() {
            std::fs::write(&expected, &dumped).unwrap();
        }
        assert_eq!(dumped, std::fs::read_to_string(&expected).unwrap(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 3);
}
