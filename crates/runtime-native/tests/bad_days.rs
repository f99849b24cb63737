//! Damaged, foreign, newer and unwritable files: one clear message each, nothing overwritten.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::fs;
use std::os::unix::fs::FileExt;

use purlin_notebook::{Durability, NotebookId, Store, StoreError, StoreExt};
use purlin_runtime_native::store::check;
use purlin_runtime_native::{OpenError, OpenMode, Paths, SqliteNotebook};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
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
    let other = Connection::open(home.file("n")).unwrap();
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
    let connection = Connection::open(home.file("n")).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let notebook = open(&home).unwrap();
    let why = notebook.read_only().unwrap();
    assert!(
        why.contains("a newer purlin (its tables are of version 99, and this one knows those up to"),
        "{why}"
    );
    assert!(why.ends_with("update purlin to go on with it"), "{why}");
    let store = notebook.store().unwrap();
    assert_eq!(store.metadata().unwrap()["a"], "1");
    let refused = store.commit(&[title("t")]).unwrap_err();
    assert!(matches!(&refused, StoreError::Closed(why) if why.contains("update purlin")), "{refused}");
}

/// A file as a program wrote it that knew cells and their names only: made by hand, statement by statement.
fn older(home: &Home) {
    fs::create_dir_all(home.paths.notebooks()).unwrap();
    let connection = Connection::open(home.file("n")).unwrap();
    connection
        .execute_batch(
            r#"PRAGMA journal_mode = WAL; PRAGMA application_id = 1347570766; PRAGMA user_version = 0;
            CREATE TABLE events (rowid INTEGER PRIMARY KEY, batch INTEGER NOT NULL, seq INTEGER, name TEXT NOT NULL,
                args TEXT NOT NULL, clientId TEXT NOT NULL, sessionId TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
            CREATE TABLE cells (id TEXT, cellType TEXT NOT NULL, PRIMARY KEY (id)) STRICT;
            INSERT INTO cells VALUES ('c', 'ai');
            INSERT INTO events VALUES
                (1, 1, 1, 'v2.CellCreated', '{"id":"c","fractionalIndex":"m","cellType":"ai","createdBy":"u"}', 'x', 'y', 7),
                (2, 1, 2, 'v1.NotebookTitleChanged', '{ "title" : "spaced as nobody writes it today" }', 'x', 'y', 7),
                (3, 3, 3, 'purlin.v1.CellAnnotated', '{"cellId":"c","kind":"ai","prepared":true,"later":1}', 'x', 'y', 8),
                (4, 4, 4, 'future.v9.Thing', '{"z":[1.50,"é"]}', 'x', 'y', 9);"#,
        )
        .unwrap();
}

fn log_rows(home: &Home) -> Vec<String> {
    let connection = Connection::open(home.file("n")).unwrap();
    let mut statement = connection
        .prepare("SELECT rowid||'|'||batch||'|'||seq||'|'||name||'|'||args||'|'||clientId||'|'||sessionId||'|'||at FROM events")
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_older_file_gets_its_tables_from_the_log_and_the_log_is_not_rewritten() {
    for mode in [OpenMode::Create, OpenMode::Existing, OpenMode::ReadOnly] {
        let home = Home::new();
        older(&home);
        let before = log_rows(&home);
        let notebook = SqliteNotebook::open(&home.paths, NotebookId::from("n"), mode).unwrap();
        let store = notebook.store().unwrap();
        assert_eq!(store.metadata().unwrap()["title"], "spaced as nobody writes it today");
        assert_eq!(store.cells().unwrap()[0].source, "");
        assert!(
            store.annotation(&"c".into()).unwrap().unwrap().prepared,
            "a table of ours that it did not have"
        );
        drop(store);
        notebook.close();
        assert_eq!(log_rows(&home), before);
        assert!(check(&home.file("n"), None).unwrap().is_sound());
        let version: i32 = Connection::open(home.file("n"))
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, purlin_notebook::tables::SCHEMA_VERSION);
    }
}

#[test]
fn row_095_each_damaged_file_is_kept_under_a_name_of_its_own_with_its_log() {
    let home = filled(1);
    for (number, name) in [(1, "n.db.corrupt"), (2, "n.db.corrupt-2"), (3, "n.db.corrupt-3")] {
        let garbage = format!("garbage number {number}").repeat(100);
        fs::write(home.file("n"), &garbage).unwrap();
        fs::write(wal(&home), format!("log {number}")).unwrap();
        let error = open(&home).unwrap_err();
        let OpenError::Corrupt { kept, .. } = &error else { panic!("{error}") };
        assert_eq!(kept.file_name().unwrap(), name);
        assert_eq!(fs::read_to_string(kept).unwrap(), garbage);
        let log = kept.with_file_name(format!("{name}-wal"));
        assert_eq!(fs::read_to_string(log).unwrap(), format!("log {number}"));
        assert!(error.to_string().contains("the other sessions are not affected"), "{error}");
    }
    assert!(fs::read_to_string(home.file("n").with_extension("db.corrupt")).unwrap().contains("number 1"));
}

#[test]
fn a_damaged_file_leaves_the_other_notebooks_alone() {
    let home = filled(3);
    let other = home.open("other");
    other.store().unwrap().commit(&[title("kept")]).unwrap();
    fs::write(home.file("n"), "garbage".repeat(1000)).unwrap();
    assert!(open(&home).is_err());
    other.store().unwrap().commit(&[title("goes on")]).unwrap();
    other.close();
    assert!(check(&home.file("other"), None).unwrap().is_sound());
}

#[test]
fn what_is_no_file_is_named_and_left_alone() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    fs::create_dir_all(home.paths.notebooks()).unwrap();
    let place = |id: &str| home.file(id);
    fs::create_dir(place("directory")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    symlink(home.root.join("nothing"), place("dangling")).unwrap();
    symlink(place("circle"), place("circle")).unwrap();
    for (id, why) in [
        ("directory", "it is a directory"),
        ("pipe", "it is not a file"),
        ("dangling", "it is a link to `"),
        ("circle", "cannot be opened: "),
    ] {
        for mode in [OpenMode::Create, OpenMode::Existing, OpenMode::ReadOnly] {
            let error =
                SqliteNotebook::open(&home.paths, NotebookId::from(id), mode).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(&place(id).display().to_string()), "{error}");
        }
        assert!(fs::symlink_metadata(place(id)).is_ok());
    }
}

#[test]
fn a_link_to_a_notebook_is_that_notebook() {
    let home = filled(2);
    let elsewhere = Home::new();
    fs::create_dir_all(elsewhere.paths.notebooks()).unwrap();
    std::os::unix::fs::symlink(home.file("n"), elsewhere.file("n")).unwrap();
    let (one, other) = (home.open("n"), elsewhere.open("n"));
    let mut changes = other.client().changes();
    other.store().unwrap().commit(&[title("through the link")]).unwrap();
    assert_eq!(one.store().unwrap().metadata().unwrap()["title"], "through the link");
    // They hear of each other, since the doorbell goes by the file.
    support::wait(async {
        use futures_util::StreamExt;
        let store = other.store().unwrap();
        while store.metadata().unwrap()["title"] != "answered" {
            changes.next().await.unwrap();
            if store.metadata().unwrap()["title"] == "through the link" {
                one.store().unwrap().commit(&[title("answered")]).unwrap();
            }
        }
    });
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

/// A notebook with small pages whose last batches are in the log beside its file, and which nobody has open.
fn with_log() -> Home {
    let home = Home::new();
    fs::create_dir_all(home.paths.notebooks()).unwrap();
    let empty = Connection::open(home.file("n")).unwrap();
    empty.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = WAL").unwrap();
    drop(empty);
    let notebook = home.open("n");
    notebook.store().unwrap().commit(&[title("first")]).unwrap();
    notebook.close();
    // Somebody who reads keeps the log from being moved, and leaves without moving it.
    let reader = Connection::open(home.file("n")).unwrap();
    reader.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM events").unwrap();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    for n in 0..3 {
        store.commit(&[set("a", &n.to_string()), set("b", &n.to_string())]).unwrap();
    }
    drop(store);
    notebook.close();
    home
}

fn wal(home: &Home) -> std::path::PathBuf {
    home.file("n").with_extension("db-wal")
}

/// Reads what a notebook holds: its last event, and two facts that only ever changed together.
fn held(connection: &Connection) -> (i64, Option<String>, Option<String>) {
    let value = "SELECT value FROM notebookMetadata WHERE key =";
    let sql = format!("SELECT coalesce(max(rowid), 0), ({value} 'a'), ({value} 'b') FROM events");
    connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

#[test]
fn row_095_a_log_cut_at_every_byte_opens_to_whole_batches() {
    let home = with_log();
    let log = fs::OpenOptions::new().write(true).open(wal(&home)).unwrap();
    let length = log.metadata().unwrap().len();
    let mut before = 7;
    for cut in (0..=length).rev() {
        log.set_len(cut).unwrap();
        // One that only reads leaves file and log as they are.
        let reader = Connection::open_with_flags(home.file("n"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let (last, a, b) = held(&reader);
        assert!(last % 2 == 1 && last <= before, "{last} events after {cut} bytes");
        assert_eq!(a, b);
        assert_eq!(a, (last > 1).then(|| ((last - 3) / 2).to_string()), "a prefix");
        if cut == length {
            assert_eq!(last, 7, "uncut, everything is there");
        }
        before = last;
    }
    assert_eq!(before, 1, "without its log it is what was moved into the file");
}

#[test]
fn row_095_a_notebook_with_a_cut_log_is_opened_and_goes_on() {
    let home = with_log();
    let (main, log) = (fs::read(home.file("n")).unwrap(), fs::read(wal(&home)).unwrap());
    for cut in (0..=log.len()).step_by(499) {
        let copy = Home::new();
        fs::create_dir_all(copy.paths.notebooks()).unwrap();
        fs::write(copy.file("n"), &main).unwrap();
        fs::write(wal(&copy), &log[..cut]).unwrap();
        let store = open(&copy).unwrap().store().unwrap();
        let last = store.last_rowid().unwrap();
        assert!(last % 2 == 1, "{last} events after {cut} bytes");
        drop(store);
        let notebook = open(&copy).unwrap();
        let store = notebook.store().unwrap();
        assert_eq!(store.commit(&[title("on")]).unwrap().first, last + 1);
        drop(store);
        notebook.close();
        assert!(check(&copy.file("n"), None).unwrap().is_sound());
    }
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

#[test]
fn a_file_that_a_newer_version_took_over_while_it_was_open_takes_no_commits() {
    let home = filled(1);
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&[title("mine")]).unwrap();
    let before = log_rows(&home);
    Connection::open(home.file("n")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let error = store.commit(&[title("theirs")]).unwrap_err();
    assert!(
        matches!(&error, StoreError::Closed(why) if why.contains("version 99") && why.ends_with("update purlin to go on with it")),
        "{error}"
    );
    assert_eq!(log_rows(&home), before);
}

#[test]
fn a_file_that_appeared_since_the_opening_is_looked_at_before_it_is_written() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    fs::create_dir_all(home.paths.notebooks()).unwrap();
    Connection::open(home.file("n")).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = store.commit(&[title("t")]).unwrap_err().to_string();
    assert!(error.contains("is not a session of purlin"), "{error}");
    let tables: i64 = Connection::open(home.file("n"))
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1, "nothing was put into it");
    // One of an older version gets its tables first.
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    older(&home);
    store.commit(&[title("t")]).unwrap();
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}
