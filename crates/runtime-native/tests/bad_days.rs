//! Damaged, foreign, newer and unwritable files: one clear message each, nothing overwritten.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::fs;
use std::os::unix::fs::FileExt;

use purlin_notebook::{Durability, NotebookId, Store, StoreError, StoreExt};
use purlin_runtime_native::{OpenError, OpenMode, Paths, SqliteNotebook};
use support::{Home, cell, set, title};

fn open(home: &Home) -> Result<SqliteNotebook, OpenError> {
    SqliteNotebook::open(&home.paths, NotebookId::from("n"), OpenMode::Create)
}

fn filled(batches: usize) -> Home {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    for n in 0..batches {
        store.commit(&[set("a", &n.to_string()), set("b", &n.to_string()), cell(&format!("c{n}"))]).unwrap();
    }
    drop(store);
    notebook.close();
    home
}

#[test]
fn row_095_a_file_that_is_no_database_is_kept_aside_and_reported() {
    let home = filled(1);
    let garbage = "this is not a database at all".repeat(100);
    fs::write(home.file("n"), &garbage).unwrap();
    let error = open(&home).unwrap_err();
    let OpenError::Corrupt { kept, .. } = &error else { panic!("{error}") };
    assert_eq!(fs::read_to_string(kept).unwrap(), garbage);
    assert!(error.to_string().contains(&kept.display().to_string()), "{error}");
    // The id can be used again; nothing of the old file was overwritten.
    open(&home).unwrap().store().unwrap().commit(&[title("new")]).unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), garbage);
}

#[test]
fn row_095_a_damaged_database_is_kept_aside_and_reported() {
    let home = filled(50);
    let file = fs::OpenOptions::new().write(true).open(home.file("n")).unwrap();
    file.write_all_at(&[0xff; 3000], 100).unwrap();
    let error = open(&home).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(!home.file("n").exists());
}

#[test]
fn a_database_of_somebody_else_is_left_alone() {
    let home = filled(1);
    fs::remove_file(home.file("n")).unwrap();
    let other = rusqlite::Connection::open(home.file("n")).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = fs::read(home.file("n")).unwrap();
    assert!(matches!(open(&home), Err(OpenError::NotANotebook { .. })));
    assert_eq!(fs::read(home.file("n")).unwrap().len(), before.len());
}

#[test]
fn an_empty_file_is_a_new_notebook() {
    let home = filled(1);
    fs::write(home.file("n"), "").unwrap();
    let notebook = open(&home).unwrap();
    let store = notebook.store().unwrap();
    assert_eq!(store.last_rowid().unwrap(), 0);
    store.commit(&[title("t")]).unwrap();
    assert_eq!(store.metadata().unwrap()["title"], "t");
}

#[test]
fn a_newer_file_is_open_read_only_and_says_so() {
    let home = filled(2);
    let connection = rusqlite::Connection::open(home.file("n")).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let notebook = open(&home).unwrap();
    assert!(notebook.read_only().unwrap().contains("newer purlin"));
    let store = notebook.store().unwrap();
    assert_eq!(store.metadata().unwrap()["a"], "1");
    let refused = store.commit(&[title("t")]).unwrap_err();
    assert!(matches!(&refused, StoreError::Closed(why) if why.contains("update purlin")), "{refused}");
}

#[test]
fn an_older_file_gets_its_tables_from_the_log() {
    let home = filled(3);
    let connection = rusqlite::Connection::open(home.file("n")).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 0; DROP TABLE cells; DELETE FROM notebookMetadata")
        .unwrap();
    drop(connection);
    let notebook = open(&home).unwrap();
    let store = notebook.store().unwrap();
    assert_eq!(store.metadata().unwrap()["b"], "2");
    assert_eq!(store.cells().unwrap().len(), 3);
    assert_eq!(store.last_rowid().unwrap(), 9, "the log is not touched");
}

#[test]
fn a_place_that_cannot_be_written_is_named_with_the_way_out() {
    let home = Home::new();
    // A file where the directory should be cannot be written into, not even by the superuser.
    fs::write(home.root.join("data"), "").unwrap();
    let error = open(&home).unwrap_err().to_string();
    assert!(error.contains(&home.root.join("data").display().to_string()), "{error}");
    assert!(error.contains("XDG_DATA_HOME") && error.contains("--no-session"), "{error}");
    let nowhere = Paths::below(std::path::Path::new("/proc/1/nowhere"));
    assert!(SqliteNotebook::open(&nowhere, NotebookId::from("n"), OpenMode::ReadOnly).is_err());
}

#[test]
fn a_directory_that_becomes_unwritable_fails_the_commit_with_its_name() {
    let home = Home::new();
    let notebook = home.open("n");
    // The store thread is at work, so nobody makes the directory again but for a commit.
    support::wait(notebook.client().flush(Durability::Process)).unwrap();
    fs::remove_dir_all(home.paths.notebooks()).unwrap();
    fs::write(home.paths.notebooks(), "").unwrap();
    let store = notebook.store().unwrap();
    let error = store.commit(&[title("t")]).unwrap_err().to_string();
    assert!(error.contains(&home.file("n").display().to_string()) && error.contains("writable"), "{error}");
    // As soon as it can be written again, the same store goes on.
    fs::remove_file(home.paths.notebooks()).unwrap();
    store.commit(&[title("u")]).unwrap();
    assert_eq!(store.metadata().unwrap()["title"], "u");
}

#[test]
fn row_095_a_log_cut_at_any_byte_opens_to_whole_batches() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&[title("first")]).unwrap();
    for n in 0..6 {
        store.commit(&[set("a", &n.to_string()), set("b", &n.to_string())]).unwrap();
    }
    let wal = home.root.join("data/notebooks/n.db-wal");
    let (main, log) = (fs::read(home.file("n")).unwrap(), fs::read(&wal).unwrap());
    let mut most = 0;
    // Every byte would take minutes; these steps meet headers, middles and ends of frames.
    for cut in (0..=log.len()).step_by(1499).chain([log.len()]) {
        let copy = Home::new();
        fs::create_dir_all(copy.paths.notebooks()).unwrap();
        fs::write(copy.file("n"), &main).unwrap();
        fs::write(copy.root.join("data/notebooks/n.db-wal"), &log[..cut]).unwrap();
        let notebook = open(&copy).unwrap();
        let store = notebook.store().unwrap();
        let last = store.last_rowid().unwrap();
        assert!(last == 0 || last % 2 == 1, "{last} events after {cut} bytes");
        let metadata = store.metadata().unwrap();
        assert_eq!(metadata.get("a"), metadata.get("b"));
        most = most.max(last);
    }
    assert_eq!(most, 13);
}

/// Permissions do not bind the superuser, so the part that meets them runs as somebody else where that is possible.
#[test]
fn a_session_in_a_read_only_place_is_open_read_only_and_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let home = filled(2);
    let directory = home.paths.notebooks();
    let protect = |mode| fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
    protect(0o555);
    if rustix::fs::access(&directory, rustix::fs::Access::WRITE_OK).is_err() {
        let notebook = open(&home).unwrap();
        assert!(notebook.read_only().unwrap().contains("open read-only"));
        let store = notebook.store().unwrap();
        assert_eq!(store.metadata().unwrap()["a"], "1");
        assert!(matches!(store.commit(&[title("t")]), Err(StoreError::Closed(_))));
        let fresh = SqliteNotebook::open(&home.paths, NotebookId::from("m"), OpenMode::Create).unwrap_err();
        assert!(matches!(&fresh, OpenError::NotWritable { .. }), "{fresh}");
    }
    protect(0o755);
    let notebook = open(&home).unwrap();
    notebook.store().unwrap().commit(&[title("t")]).unwrap();
}

#[test]
fn a_file_deleted_while_it_is_open_takes_no_commits_that_nobody_would_find() {
    let home = filled(1);
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&[title("kept")]).unwrap();
    fs::remove_file(home.file("n")).unwrap();
    let error = store.commit(&[title("lost")]).unwrap_err();
    assert!(matches!(error, StoreError::Closed(_)), "{error}");
    assert!(error.to_string().contains("was deleted or replaced while this session was open"), "{error}");
}
