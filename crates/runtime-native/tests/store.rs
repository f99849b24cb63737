//! The SQLite store: what is true on return of a commit, who hears of it, what is on the disk.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use purlin_notebook::{
    Durability, Event, EventNames, NotebookId, Query, Store, StoreError, StoreExt, Tables,
};
use purlin_runtime_native::{OpenError, OpenMode, SqliteNotebook};
use support::{Home, cell, set, title, wait};

#[test]
fn the_file_appears_with_the_first_commit() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    assert_eq!(store.last_rowid().unwrap(), 0);
    assert!(store.cells().unwrap().is_empty());
    notebook.close();
    assert!(!home.file("n").exists());

    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let id = store.commit(&[title("t")]).unwrap();
    assert_eq!((id.first, id.last), (1, 1));
    assert!(home.file("n").exists());
    assert_eq!(store.metadata().unwrap()["title"], "t");
}

#[test]
fn a_commit_is_visible_on_return_to_every_handle_of_the_process() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&[cell("a"), title("1")]).unwrap();
    let elsewhere = notebook.clone();
    std::thread::spawn(move || {
        let store = elsewhere.store().unwrap();
        assert_eq!(store.cells().unwrap().len(), 1);
        let id = store.commit(&[title("2"), cell("b")]).unwrap();
        assert_eq!((id.first, id.last), (3, 4));
    })
    .join()
    .unwrap();
    assert_eq!(store.metadata().unwrap()["title"], "2");
    let log = store.log_since(0, 10).unwrap();
    assert_eq!(
        log.iter().map(|entry| (entry.rowid, entry.batch, entry.seq)).collect::<Vec<_>>(),
        [(1, 1, Some(1)), (2, 1, Some(2)), (3, 3, Some(3)), (4, 3, Some(4)),]
    );
    assert_eq!(log[0].client_id, notebook.replica().client_id);
    assert_eq!(log[0].session_id, notebook.replica().session_id);
    assert!(log[0].at > 1_700_000_000_000);
}

#[test]
fn a_refused_batch_leaves_nothing_and_the_others_of_its_group_are_committed() {
    let home = Home::new();
    let notebook = home.open("n");
    let client = notebook.client();
    let bad = Event::CellMoved { id: "c".into(), new_position: f64::NAN, actor_id: None };
    let posts =
        [client.post(vec![cell("a")]), client.post(vec![cell("b"), bad]), client.post(vec![cell("c")])];
    let answers = wait(futures_util::future::join_all(posts));
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(StoreError::Rejected { event: 1, .. })));
    let cells = notebook.store().unwrap().cells().unwrap();
    assert_eq!(cells.iter().map(|cell| cell.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
}

#[test]
fn posts_are_committed_in_their_order_also_when_nobody_waits() {
    let home = Home::new();
    let notebook = home.open("n");
    let client = notebook.client();
    for n in 0..500 {
        drop(client.post(vec![set("n", &n.to_string())]));
    }
    wait(client.flush(Durability::Process)).unwrap();
    let log = notebook.store().unwrap().log_since(0, 1000).unwrap();
    let expected: Vec<Event> = (0..500).map(|n| set("n", &n.to_string())).collect();
    assert_eq!(log.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), expected);
}

#[test]
fn closing_commits_what_was_posted_and_ends_the_watches() {
    let home = Home::new();
    let notebook = home.open("n");
    let client = notebook.client();
    let store = notebook.store().unwrap();
    let posted = client.post(vec![title("last")]);
    let mut changes = client.changes();
    notebook.close();
    assert!(wait(posted).is_ok());
    assert_eq!(wait(changes.next()), Some(()));
    assert_eq!(wait(changes.next()), None);
    assert!(matches!(wait(client.post(vec![title("late")])), Err(StoreError::Closed(_))));
    assert!(matches!(store.commit(&[title("late")]), Err(StoreError::Closed(_))));
    assert!(!store.status().open);
    assert_eq!(store.metadata().unwrap()["title"], "last", "what is saved can still be read");
}

#[test]
fn a_watch_ticks_at_once_and_then_for_its_tables_only() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let mut cells = store.watch(Tables::CELLS);
    let mut all = notebook.client().changes();
    wait(async {
        assert_eq!(cells.next().await, Some(()));
        assert_eq!(all.next().await, Some(()));
        store.commit(&[title("t")]).unwrap();
        store.commit(&[title("u")]).unwrap();
        // The answer may be there before the bell has rung; a flush comes after.
        notebook.client().flush(Durability::Process).await.unwrap();
        assert_eq!(all.next().await, Some(()));
        assert!(futures_util::poll!(all.next()).is_pending(), "ticks are coalesced");
        assert!(futures_util::poll!(cells.next()).is_pending());
        store.commit(&[cell("a")]).unwrap();
        assert_eq!(cells.next().await, Some(()));
    });
}

#[test]
fn confirmed_events_come_in_the_order_of_the_log() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&[title("before"), cell("a")]).unwrap();
    let names = ["v1.NotebookTitleChanged"];
    let mut from_now = store.confirmed(EventNames::of(&names));
    let mut from_the_start = store.confirmed(EventNames::of(&names).since(0));
    store.commit(&[cell("b"), title("after")]).unwrap();
    wait(async {
        let first = from_now.next().await.unwrap();
        assert_eq!((first.seq, first.event), (4, title("after")));
        let all: Vec<i64> = from_the_start.by_ref().take(2).map(|event| event.seq).collect().await;
        assert_eq!(all, [1, 4]);
    });
}

#[test]
fn flush_answers_at_every_level() {
    let home = Home::new();
    let store = home.open("n").store().unwrap();
    let notebook = home.open("m");
    let other = notebook.store().unwrap();
    other.commit(&[title("t")]).unwrap();
    for level in [Durability::Process, Durability::Disk, Durability::Authority] {
        wait(other.flush(level, Duration::from_secs(10))).unwrap();
    }
    // The owner of the first is gone, so its store is closed.
    assert!(matches!(store.commit(&[title("t")]), Err(StoreError::Closed(_))));
}

/// Waits for a future with nothing but the thread: no executor, no timers.
fn wait_alone<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(answer) => return answer,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn a_flush_has_its_deadline_on_a_thread_without_an_executor() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&[title("t")]).unwrap();
    for level in [Durability::Process, Durability::Disk, Durability::Authority] {
        wait_alone(store.flush(level, Duration::from_secs(10))).unwrap();
    }
    // Another process holds the file, so that what was posted is not saved.
    let other = rusqlite::Connection::open(home.file("n")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let posted = notebook.client().post(vec![title("u")]);
    for level in [Durability::Process, Durability::Disk] {
        let error = wait_alone(store.flush(level, Duration::from_millis(30))).unwrap_err();
        assert!(error.to_string().contains("was not saved within 30 ms"), "{error}");
    }
    other.execute_batch("COMMIT").unwrap();
    wait_alone(posted).unwrap();
    wait_alone(store.flush(Durability::Process, Duration::from_secs(10))).unwrap();
    notebook.close();
    assert!(matches!(
        wait_alone(store.flush(Durability::Disk, Duration::from_secs(10))),
        Err(StoreError::Closed(_))
    ));
}

#[test]
fn a_notebook_in_memory_leaves_nothing_behind() {
    let notebook = SqliteNotebook::in_memory(NotebookId::from("n")).unwrap();
    let store: Rc<dyn Store> = Rc::new(notebook.store().unwrap());
    store.commit(&[cell("a"), title("t")]).unwrap();
    assert_eq!(store.cells().unwrap().len(), 1);
    assert_eq!(wait(notebook.client().post(vec![cell("b")])).unwrap().first, 3);
    assert_eq!(store.last_rowid().unwrap(), 3);
    assert_eq!(notebook.path(), None);
}

#[test]
fn ids_that_are_no_file_names_are_refused() {
    let home = Home::new();
    for id in ["", "../x", "a/b", "a.b", "ä", &"x".repeat(129)] {
        let opened = SqliteNotebook::open(&home.paths, NotebookId::from(id), OpenMode::Create);
        assert!(matches!(opened, Err(OpenError::Id(_))), "{id}");
    }
    let missing = SqliteNotebook::open(&home.paths, NotebookId::from("none"), OpenMode::Existing);
    assert!(matches!(missing, Err(OpenError::NotFound { .. })));
}

#[test]
fn reopening_continues_the_log() {
    let home = Home::new();
    for n in 1..4 {
        let notebook = home.open("n");
        let id = notebook.store().unwrap().commit(&[set("n", &n.to_string())]).unwrap();
        assert_eq!(id.first, n);
    }
    let notebook = SqliteNotebook::open(&home.paths, NotebookId::from("n"), OpenMode::ReadOnly).unwrap();
    let store = notebook.store().unwrap();
    assert_eq!(store.metadata().unwrap()["n"], "3");
    assert!(matches!(store.commit(&[title("t")]), Err(StoreError::Closed(_))));
    let clients: Vec<String> =
        store.log_since(0, 9).unwrap().into_iter().map(|entry| entry.client_id).collect();
    assert!(clients.iter().all(|client| client == &clients[0]), "the installation keeps its id");
    let rows = store.query(&Query::LastRowid).unwrap();
    assert_eq!(rows.rows, [[serde_json::json!(3)]]);
}

/// The files beside a notebook's file that are named after it.
fn beside(home: &Home) -> Vec<String> {
    let names = std::fs::read_dir(home.file("n").parent().unwrap()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("n.db-")).collect()
}

#[test]
fn a_session_at_rest_is_one_file_also_where_handles_outlive_it() {
    let home = Home::new();
    let notebook = home.open("n");
    let (store, other) = (notebook.store().unwrap(), notebook.store().unwrap());
    store.commit(&[title("t")]).unwrap();
    assert_eq!(other.metadata().unwrap()["title"], "t");
    assert_eq!(store.last_rowid().unwrap(), 1);
    notebook.close();
    assert_eq!(beside(&home), Vec::<String>::new());
    assert_eq!(other.metadata().unwrap()["title"], "t", "a handle reads what was closed");
    assert_eq!(beside(&home), Vec::<String>::new());
}

#[test]
fn whoever_only_looks_leaves_nothing_beside_the_file() {
    let home = Home::new();
    let notebook = home.open("n");
    notebook.store().unwrap().commit(&[title("t"), cell("c")]).unwrap();
    notebook.close();
    let looks: [(&str, &dyn Fn()); 5] = [
        ("check", &|| {
            assert!(purlin_runtime_native::store::check(&home.file("n"), None).unwrap().is_sound());
        }),
        ("stats", &|| assert_eq!(purlin_runtime_native::store::stats(&home.file("n")).unwrap().events, 2)),
        ("list", &|| assert_eq!(purlin_runtime_native::sessions::list(&home.paths).len(), 1)),
        ("replayed", &|| {
            assert!(!purlin_runtime_native::store::replayed(&home.file("n")).unwrap().is_empty());
        }),
        ("show", &|| {
            let id = NotebookId::from("n");
            let notebook = SqliteNotebook::open(&home.paths, id, OpenMode::ReadOnly).unwrap();
            assert_eq!(notebook.store().unwrap().last_rowid().unwrap(), 2);
            notebook.close();
        }),
    ];
    for (name, look) in looks {
        look();
        assert_eq!(beside(&home), Vec::<String>::new(), "{name}");
    }
    // Beside one that is open they remove nothing.
    let notebook = home.open("n");
    notebook.store().unwrap().commit(&[title("u")]).unwrap();
    for (_, look) in &looks[2..3] {
        look();
        assert_eq!(beside(&home).len(), 2);
    }
    notebook.store().unwrap().commit(&[title("v")]).unwrap();
    notebook.close();
    assert_eq!(beside(&home), Vec::<String>::new());
}
