//! Several processes on one notebook: one order, no loss, nobody polls; and what a killed one leaves behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::collections::BTreeSet;

use futures_util::StreamExt;
use purlin_notebook::{Event, RuntimeSessionId, Store, StoreExt};
use purlin_runtime_native::lock::{self, LaneLock, LockError};
use purlin_runtime_native::{OpenMode, SqliteNotebook};
use support::{Home, Role, role, say, set, wait};

/// Not a test of its own: what the children of the others do.
#[test]
fn child() {
    let Some((role, paths)) = role() else { return };
    let notebook = SqliteNotebook::open(&paths, "n".into(), OpenMode::Create).unwrap();
    let store = notebook.store().unwrap();
    match role.as_str() {
        "writer" => {
            say("ready");
            for n in 0..COMMITS {
                store.commit(&[set("child", &n.to_string())]).unwrap();
            }
            say("done");
        }
        "watcher" => {
            let mut changes = notebook.client().changes();
            let mut seen = 0;
            wait(async {
                let mut ready = false;
                while changes.next().await.is_some() {
                    // Said after the first look, so that everything later is heard of by the bell.
                    if !std::mem::replace(&mut ready, true) {
                        say("ready");
                    }
                    for entry in store.log_since(seen, 1000).unwrap() {
                        seen = entry.rowid;
                        let Event::NotebookMetadataSet { value, .. } = entry.event else { continue };
                        say(value);
                    }
                }
            });
        }
        "loader" => {
            for n in 0.. {
                let (a, b) = (n.to_string(), n.to_string());
                store.commit(&[set("first", &a), set("middle", &a), set("last", &b)]).unwrap();
                say(n);
            }
        }
        "holder" => {
            let lock = LaneLock::acquire(&paths, &RuntimeSessionId::from("s")).unwrap();
            say("held");
            std::io::stdin().read_line(&mut String::new()).unwrap();
            drop(lock);
            say("dropped");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        other => panic!("{other} is no role"),
    }
}

const COMMITS: usize = 400;

#[test]
fn row_096_two_processes_commit_in_one_order_and_none_is_lost() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let mut child = Role::spawn("writer", &home.root);
    child.expect("ready");
    for n in 0..COMMITS {
        store.commit(&[set("parent", &n.to_string())]).unwrap();
    }
    child.expect("done");
    let log = store.log_since(0, usize::MAX).unwrap();
    assert_eq!(log.len(), 2 * COMMITS);
    assert!(log.iter().zip(1..).all(|(entry, rowid)| entry.rowid == rowid && entry.seq == Some(rowid)));
    for writer in ["parent", "child"] {
        let of: Vec<String> = log
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::NotebookMetadataSet { key, value } if key == writer => Some(value.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(of, (0..COMMITS).map(|n| n.to_string()).collect::<Vec<_>>(), "{writer}");
    }
    assert_eq!(log.iter().map(|entry| &entry.session_id).collect::<BTreeSet<_>>().len(), 2);
    // A third one reads the same order.
    let again = home.open("n").store().unwrap().log_since(0, usize::MAX).unwrap();
    assert_eq!(again, log);
}

#[test]
fn another_process_hears_of_each_commit() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let mut child = Role::spawn("watcher", &home.root);
    child.expect("ready");
    // The file does not exist when the watcher begins.
    for n in 0..50 {
        store.commit(&[set("n", &n.to_string())]).unwrap();
        child.expect(&n.to_string());
    }
    // Several watchers, and one that left without a word.
    let mut second = Role::spawn("watcher", &home.root);
    second.expect("ready");
    for n in 0..50 {
        second.expect(&n.to_string());
    }
    drop(child);
    store.commit(&[set("n", "50")]).unwrap();
    second.expect("50");
    store.commit(&[set("n", "51")]).unwrap();
    second.expect("51");
    let bells = std::fs::read_dir(home.paths.notebooks().join(".bells")).unwrap().count();
    assert_eq!(bells, 2, "the socket of the killed one is removed");
}

#[test]
fn where_sockets_cannot_be_made_the_file_is_watched() {
    let home = Home::new();
    std::fs::write(home.root.join("run"), "in the way of the directory").unwrap();
    std::fs::create_dir_all(home.paths.notebooks()).unwrap();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let mut child = Role::spawn("watcher", &home.root);
    child.expect("ready");
    for n in 0..20 {
        store.commit(&[set("n", &n.to_string())]).unwrap();
        child.expect(&n.to_string());
    }
}

#[test]
fn row_094_after_a_kill_every_acknowledged_batch_is_there_and_whole() {
    for round in 0..6 {
        let home = Home::new();
        let mut child = Role::spawn("loader", &home.root);
        let mut acknowledged = None;
        for _ in 0..=(round * 37) {
            acknowledged = child.line().map(|line| line.parse::<usize>().unwrap());
        }
        child.process.kill().unwrap();
        child.process.wait().unwrap();
        while let Some(line) = child.line() {
            acknowledged = line.parse().ok().or(acknowledged);
        }
        let store = home.open("n");
        let log = store.store().unwrap().log_since(0, usize::MAX).unwrap();
        assert_eq!(log.len() % 3, 0, "no half batch");
        assert!(log.len() / 3 > acknowledged.unwrap());
        let metadata = store.store().unwrap().metadata().unwrap();
        assert_eq!(metadata["first"], metadata["last"]);
        assert_eq!(metadata["last"], (log.len() / 3 - 1).to_string());
    }
}

#[test]
fn a_lock_tells_whether_its_owner_lives() {
    let home = Home::new();
    let session = RuntimeSessionId::from("s");
    assert!(!lock::is_alive(&home.paths, &session));
    let mut child = Role::spawn("holder", &home.root);
    child.expect("held");
    assert!(lock::is_alive(&home.paths, &session));
    assert!(matches!(LaneLock::acquire(&home.paths, &session), Err(LockError::Held(_))));
    // Killed, not asked: the system lets go.
    let waited = wait(async {
        let mut waiting = Box::pin(lock::wait_released(&home.paths, &session));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        child.process.kill().unwrap();
        waiting.await;
        !lock::is_alive(&home.paths, &session)
    });
    assert!(waited);
    let mine = LaneLock::acquire(&home.paths, &session).unwrap();
    assert!(lock::is_alive(&home.paths, &session));
    drop(mine);
    assert!(!lock::is_alive(&home.paths, &session));
    assert_eq!(std::fs::read_dir(home.paths.locks()).unwrap().count(), 0);
}

#[test]
fn a_lock_that_is_let_go_in_order_is_heard_of() {
    use std::io::Write;
    let home = Home::new();
    let session = RuntimeSessionId::from("s");
    let mut child = Role::spawn("holder", &home.root);
    child.expect("held");
    wait(async {
        let mut waiting = Box::pin(lock::wait_released(&home.paths, &session));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        writeln!(child.process.stdin.as_mut().unwrap()).unwrap();
        waiting.await;
    });
    assert!(!lock::is_alive(&home.paths, &session));
}

#[test]
fn ids_that_are_no_file_names_own_nothing() {
    let home = Home::new();
    let session = RuntimeSessionId::from("../s");
    assert!(matches!(LaneLock::acquire(&home.paths, &session), Err(LockError::Id(_))));
    assert!(!lock::is_alive(&home.paths, &session));
}
