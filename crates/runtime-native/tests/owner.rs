//! Who owns the store: an agent on somebody's store leaves it open, one that owns it flushes and closes it, and one
//! whose store is closed under it ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::rc::Rc;

use purlin_notebook::{Capabilities, CellKind, QueueStatus, Store, StoreError, StoreExt, Tables};
use purlin_runtime_core::{Handlers, Options, Outcome, RunError, RuntimeAgent, handler_fn};
use purlin_runtime_native::lock::Locks;
use purlin_runtime_native::store::check;
use purlin_runtime_native::{NativeHost, SqliteStore};
use support::{Home, cell, title};

fn agent(store: &SqliteStore, home: &Home) -> RuntimeAgent {
    let mut options = Options::new("agent", "local", [CellKind::Ai]);
    options.liveness = Rc::new(Locks::new(&home.paths));
    let handlers = Handlers::new().with(
        CellKind::Ai,
        handler_fn(|cx| async move {
            cx.stdout("done\n");
            Ok(Outcome::done())
        }),
    );
    let capabilities = Capabilities { can_execute_ai: true, ..Capabilities::default() };
    RuntimeAgent::new(Rc::new(store.clone()), Rc::new(NativeHost::new()), capabilities, handlers, options)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

#[test]
fn row_015_after_a_shutdown_the_sqlite_store_stays_open() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    run(async {
        let agent = agent(&store, &home);
        agent.start().await.unwrap();
        agent.shutdown().await;
    });
    assert!(store.status().open);
    store.commit(&[title("after")]).unwrap();
}

#[test]
fn row_016_an_agent_that_owns_its_sqlite_store_saves_and_closes_it() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let owned = notebook.clone();
    run(async {
        let agent = agent(&store, &home).owning(move || owned.close());
        agent.start().await.unwrap();
        store.commit(&[title("kept")]).unwrap();
        agent.shutdown().await;
    });
    assert!(matches!(store.commit(&[title("late")]), Err(StoreError::Closed(_))));
    assert_eq!(store.metadata().unwrap()["title"], "kept");
    let wal = home.file("n").with_extension("db-wal");
    assert_eq!(std::fs::metadata(wal).map_or(0, |log| log.len()), 0, "everything is in the file");
    drop(store);
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}

#[test]
fn row_083_a_sqlite_store_that_is_closed_under_the_agent_ends_it() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    run(async {
        let agent = agent(&store, &home);
        agent.start().await.unwrap();
        let running = tokio::task::spawn_local({
            let agent = agent.clone();
            async move { agent.run().await }
        });
        let request = purlin_notebook::Event::ExecutionRequested {
            queue_id: "q".into(),
            cell_id: "c".into(),
            execution_count: 1,
            requested_by: "u".into(),
            actor_id: None,
        };
        store.commit(&[cell("c"), request]).unwrap();
        let mut ticks = store.watch(Tables::QUEUE);
        while store.queue_entry(&"q".into()).unwrap().unwrap().status != QueueStatus::Completed {
            futures_util::StreamExt::next(&mut ticks).await.unwrap();
        }
        notebook.close();
        let ended = running.await.unwrap();
        assert!(matches!(ended, Err(RunError::Store(StoreError::Closed(_)))), "{ended:?}");
        agent.shutdown().await;
    });
    let log = store.log_since(0, usize::MAX).unwrap();
    assert!(!log.is_empty(), "what was saved can still be read");
}
