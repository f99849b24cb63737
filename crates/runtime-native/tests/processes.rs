//! Several processes on one notebook: one order, no loss, nobody polls; and what a killed one leaves behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::Write;

use futures_util::StreamExt;
use purlin_notebook::{Durability, Event, RuntimeSessionId, Store, StoreError, StoreExt};
use purlin_runtime_native::lock::{self, LaneLock, LockError};
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook, SqliteStore};
use support::{Home, Role, role, say, set, wait};

/// Not a test of its own: what the children of the others do.
#[test]
fn child() {
    let Some((role, mut paths)) = role() else { return };
    if role == "stranger" {
        let data = paths.data;
        paths = Paths { data, ..Paths::below(std::path::Path::new("/nonexistent/elsewhere")) };
    }
    let notebook = SqliteNotebook::open(&paths, "n".into(), OpenMode::Create).unwrap();
    let store = notebook.store().unwrap();
    match role.as_str() {
        "writer" => {
            say("ready");
            for n in 0..COMMITS {
                store.commit(&[set("child", &n.to_string())]).unwrap();
            }
            say("done");
            std::io::stdin().read_line(&mut String::new()).unwrap();
            say(order(&store));
        }
        "guest" => {
            store.commit(&[set("guest", "")]).unwrap();
            drop(store);
            notebook.close();
            say("done");
        }
        "idler" => {
            let _changes = notebook.client().changes();
            store.commit(&[set("here", "")]).unwrap();
            say("ready");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "watcher" | "stranger" => {
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

const COMMITS: usize = 10_000;

/// The order of a log, as one number.
fn order(store: &SqliteStore) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for entry in store.log_since(0, usize::MAX).expect("the log can be read") {
        (entry.rowid, entry.batch, entry.seq, &entry.session_id, entry.event.args_text()).hash(&mut hasher);
    }
    hasher.finish()
}

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
    // They wrote at the same time, not one after the other.
    let turns = log.windows(2).filter(|pair| pair[0].session_id != pair[1].session_id).count();
    assert!(turns >= 10, "they took turns {turns} times");
    // The other one sees the same order.
    writeln!(child.process.stdin.as_mut().unwrap()).unwrap();
    child.expect(&order(&store).to_string());
}

/// How often the threads of a process were put to sleep, which is once for each time they had woken.
#[cfg(target_os = "linux")]
fn switches(process: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process lives");
    let of = |task: std::path::PathBuf| -> Option<u64> {
        let status = std::fs::read_to_string(task.join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
    };
    tasks.flatten().filter_map(|task| of(task.path())).sum()
}

#[cfg(target_os = "linux")]
#[test]
fn row_096_processes_that_share_a_notebook_do_not_wake_when_nothing_happens() {
    use std::time::Duration;
    let home = Home::new();
    let children = [(); 2].map(|()| {
        let mut child = Role::spawn("idler", &home.root);
        child.expect("ready");
        child
    });
    let store = home.open("n").store().unwrap();
    drop(store);
    // Whoever waits comes to rest after the first of these spans. Who polls wakes in one of so many in a row, unless it
    // does so less than once in five seconds.
    const AT_REST: usize = 10;
    let (_never, silence) = std::sync::mpsc::channel::<()>();
    let (mut woken, mut quiet) = (Vec::new(), 0);
    for _ in 0..60 {
        let before: Vec<u64> = children.iter().map(|child| switches(child.process.id())).collect();
        assert!(silence.recv_timeout(Duration::from_millis(500)).is_err());
        let after: Vec<u64> = children.iter().map(|child| switches(child.process.id())).collect();
        woken = after.iter().zip(&before).map(|(after, before)| after - before).collect();
        quiet = if woken.iter().all(|count| *count == 0) { quiet + 1 } else { 0 };
        if quiet == AT_REST {
            return;
        }
    }
    panic!("they wake although nothing happens: {woken:?} times in half a second");
}

#[test]
fn a_session_whose_file_somebody_else_in_the_process_opens_loses_nothing() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    // A tool or an extension looks into a file, and lets go of every lock that this process has on it.
    let look = |suffix: &str| {
        drop(std::fs::File::open(home.file("n").with_extension(format!("db{suffix}"))).unwrap());
    };
    for n in 0..5 {
        store.commit(&[set("parent", &n.to_string())]).unwrap();
        look("");
        // Another process comes, writes, and goes.
        Role::spawn("guest", &home.root).expect("done");
        store.commit(&[set("after", &n.to_string())]).unwrap();
    }
    assert_eq!(store.last_rowid().unwrap(), 15);
    // Looked into are all three, the other process finds no lock, takes itself for the last, and removes the log.
    for suffix in ["", "-wal", "-shm"] {
        look(suffix);
    }
    Role::spawn("guest", &home.root).expect("done");
    let error = store.commit(&[set("lost", "")]).unwrap_err();
    assert!(matches!(error, StoreError::Closed(_)), "{error}");
    assert!(error.to_string().contains("open the session again: what was saved in it is there"), "{error}");
    drop(store);
    notebook.close();
    assert!(purlin_runtime_native::store::check(&home.file("n"), None).unwrap().is_sound());
    assert_eq!(home.open("n").store().unwrap().last_rowid().unwrap(), 16);
}

#[test]
fn processes_with_other_runtime_directories_hear_each_other() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    // The child's paths differ from ours in everything but the data, as those of a service or of `sudo` do.
    let mut child = Role::spawn("stranger", &home.root);
    child.expect("ready");
    for n in 0..20 {
        store.commit(&[set("n", &n.to_string())]).unwrap();
        child.expect(&n.to_string());
    }
}

#[test]
fn notebooks_in_a_directory_with_a_long_name_hear_each_other() {
    let mut home = Home::new();
    // Longer than a socket's address may be.
    let root = home.root.join("d".repeat(120)).join("e".repeat(120));
    std::fs::create_dir_all(&root).unwrap();
    home.paths = purlin_runtime_native::Paths::below(&root);
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    let mut child = Role::spawn("watcher", &root);
    child.expect("ready");
    for n in 0..20 {
        store.commit(&[set("n", &n.to_string())]).unwrap();
        child.expect(&n.to_string());
    }
    drop(child);
    store.commit(&[set("n", "20")]).unwrap();
    // The answer may be there before the bells have rung; a flush comes after.
    wait(notebook.client().flush(Durability::Process)).unwrap();
    let bells = std::fs::read_dir(home.paths.notebooks().join(".bells")).unwrap().count();
    assert_eq!(bells, 1, "the socket of the killed one is removed");
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
    std::fs::create_dir_all(home.paths.notebooks()).unwrap();
    std::fs::write(home.paths.notebooks().join(".bells"), "in the way of the folder").unwrap();
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
