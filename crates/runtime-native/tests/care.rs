//! Check, repair and stats: what is wrong is found and named, and what can be read is saved without changing it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::fs;
use std::os::unix::fs::FileExt;

use purlin_notebook::{Event, Media, Store, StoreExt, Table};
use purlin_runtime_core::Artifacts;
use purlin_runtime_native::FileArtifacts;
use purlin_runtime_native::store::{OpenError, Problem, RepairError, check, repair, replay, stats};
use rusqlite::Connection;
use support::{Home, cell, set, title};

const BATCHES: usize = 300;

/// A notebook with so many batches of two events, closed.
fn filled() -> Home {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    for n in 0..BATCHES {
        store.commit(&[set(&format!("k{n}"), &"v".repeat(40)), cell(&format!("c{n}"))]).unwrap();
    }
    drop(store);
    notebook.close();
    home
}

fn sql(home: &Home, sql: &str) {
    Connection::open(home.file("n")).unwrap().execute_batch(sql).unwrap();
}

/// The log as bytes, row by row.
fn log(path: &std::path::Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT rowid || ' ' || batch || ' ' || seq || name || args || clientId || sessionId || at FROM events ORDER BY rowid")
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_sound_notebook_has_no_problems() {
    let home = filled();
    let checked = check(&home.file("n"), None).unwrap();
    assert!(checked.is_sound(), "{:?}", checked.problems);
    assert_eq!((checked.events, checked.last), (2 * BATCHES as u64, 2 * BATCHES as i64));
    assert!(matches!(check(&home.file("m"), None), Err(OpenError::NotFound { .. })));
}

#[test]
fn a_table_that_is_not_what_the_log_gives_is_found_and_made_anew() {
    let home = filled();
    sql(&home, "DELETE FROM cells WHERE id = 'c7'; UPDATE notebookMetadata SET value = 'w' WHERE key = 'k3'");
    let problems = check(&home.file("n"), None).unwrap().problems;
    let tables: Vec<Table> = problems
        .iter()
        .map(|problem| match problem {
            Problem::Table { table, .. } => *table,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(tables, [Table::Metadata, Table::Cells]);
    assert!(
        problems[1]
            .to_string()
            .contains("`cells` is not what the log gives: it has 299 rows where the log gives 300")
    );
    assert_eq!(replay(&home.file("n")).unwrap(), 2 * BATCHES as u64);
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}

#[test]
fn a_gap_in_the_log_is_found() {
    let home = filled();
    sql(&home, "DELETE FROM events WHERE rowid IN (20, 21)");
    let problems = check(&home.file("n"), None).unwrap().problems;
    assert!(problems.contains(&Problem::Log("the events 20 to 21 are missing".to_owned())), "{problems:?}");
}

#[test]
fn missing_and_damaged_artifacts_are_named() {
    let home = Home::new();
    let artifacts = FileArtifacts::new(home.paths.artifacts());
    let [kept, lost, changed] =
        ["kept", "lost", "changed"].map(|text| artifacts.put(text.as_bytes()).unwrap());
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    for (n, artifact_id) in [&kept, &lost, &changed].into_iter().enumerate() {
        let content = Media::Artifact { artifact_id: artifact_id.clone(), metadata: None };
        let id = format!("o{n}").into();
        store
            .commit(&[Event::MarkdownOutputAdded { id, cell_id: "c".into(), position: 0.0, content }])
            .unwrap();
    }
    fs::remove_file(artifacts.path_of(&lost).unwrap()).unwrap();
    fs::write(artifacts.path_of(&changed).unwrap(), "other").unwrap();
    let checked = check(&home.file("n"), Some(&artifacts)).unwrap();
    assert_eq!(checked.references, 3);
    let told: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    let about = |reference: &str| told.iter().find(|line| line.contains(reference)).unwrap();
    assert!(about(&lost).contains("is missing") && about(&changed).contains("is damaged"), "{told:?}");
}

#[test]
fn stats_count_what_is_there() {
    let home = filled();
    let stats = stats(&home.file("n")).unwrap();
    assert_eq!((stats.events, stats.batches), (2 * BATCHES as u64, BATCHES as u64));
    let names: Vec<(&str, u64)> = stats.by_name.iter().map(|of| (of.name.as_str(), of.count)).collect();
    assert_eq!(names, [("v2.CellCreated", 300), ("v1.NotebookMetadataSet", 300)]);
    assert!(stats.tables.contains(&(Table::Cells, BATCHES as u64)));
    assert_eq!(stats.file_bytes, stats.pages * stats.page_size);
    assert!(stats.first_at.unwrap() <= stats.last_at.unwrap());
}

#[test]
fn a_repair_of_a_sound_notebook_copies_its_log_as_it_is() {
    let home = filled();
    sql(&home, "DROP TABLE cells; DELETE FROM executionQueue");
    let before = log(&home.file("n"));
    let repaired = repair(&home.file("n")).unwrap();
    assert_eq!((repaired.events, repaired.lost.as_deref()), (2 * BATCHES as u64, None));
    assert_eq!(repaired.kept, home.file("n").with_extension("db.corrupt"));
    assert_eq!(log(&repaired.kept), before, "the old file is as it was");
    assert_eq!(log(&home.file("n")), before);
    assert!(check(&home.file("n"), None).unwrap().is_sound());
    // A second repair keeps a second file.
    assert_eq!(repair(&home.file("n")).unwrap().kept, home.file("n").with_extension("db.corrupt-2"));
    let store = home.open("n").store().unwrap();
    assert_eq!(store.cells().unwrap().len(), BATCHES);
}

#[test]
fn what_can_be_read_around_damaged_pages_is_saved() {
    let home = filled();
    let before = log(&home.file("n"));
    // The pages of the log, from the one in the middle on two are overwritten.
    let connection = Connection::open(home.file("n")).unwrap();
    let root: i64 = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'events'", [], |row| row.get(0))
        .unwrap();
    drop(connection);
    let bytes = fs::read(home.file("n")).unwrap();
    let needle = b"\"key\":\"k150\"";
    let page = bytes
        .chunks(4096)
        .position(|page| page[0] == 0x0d && page.windows(needle.len()).any(|window| window == needle))
        .unwrap();
    assert_ne!(page as i64 + 1, root);
    let file = fs::OpenOptions::new().write(true).open(home.file("n")).unwrap();
    file.write_all_at(&[0xff; 4096], page as u64 * 4096).unwrap();
    drop(file);

    assert!(!check(&home.file("n"), None).unwrap().is_sound());
    let repaired = repair(&home.file("n")).unwrap();
    let saved = log(&home.file("n"));
    assert!(repaired.lost.as_ref().is_some_and(|lost| lost.contains("cannot be read")), "{repaired:?}");
    assert!(
        saved.len() > before.len() / 2 && saved.len() < before.len(),
        "{} of {}",
        saved.len(),
        before.len()
    );
    assert!(saved.iter().all(|row| before.contains(row)), "nothing was changed");
    assert_eq!((saved.first(), saved.last()), (before.first(), before.last()));
    // It is a notebook again.
    home.open("n").store().unwrap().commit(&[title("again")]).unwrap();
}

#[test]
fn a_file_that_was_kept_aside_can_be_repaired_under_its_old_name() {
    let home = filled();
    let before = log(&home.file("n"));
    let kept = home.file("n").with_extension("db.corrupt");
    fs::rename(home.file("n"), &kept).unwrap();
    let repaired = repair(&home.file("n")).unwrap();
    assert_eq!((repaired.kept, repaired.events), (kept, before.len() as u64));
    assert_eq!(log(&home.file("n")), before);
}

#[test]
fn what_cannot_be_repaired_is_left_as_it_is() {
    let home = filled();
    let garbage = "no database".repeat(1000);
    fs::write(home.file("n"), &garbage).unwrap();
    assert!(matches!(repair(&home.file("n")), Err(RepairError::Hopeless { .. })));
    assert_eq!(fs::read_to_string(home.file("n")).unwrap(), garbage);
    assert!(matches!(repair(&home.file("m")), Err(RepairError::NotFound(_))));
    let files = fs::read_dir(home.paths.notebooks()).unwrap().count();
    assert_eq!(files, 1, "nothing is left of the attempt");
}

#[test]
fn a_notebook_that_is_open_is_not_repaired() {
    let home = filled();
    let notebook = home.open("n");
    support::wait(notebook.client().flush(purlin_notebook::Durability::Process)).unwrap();
    assert!(matches!(repair(&home.file("n")), Err(RepairError::InUse(_))));
    notebook.close();
    repair(&home.file("n")).unwrap();
}

#[test]
fn a_notebook_that_is_open_is_not_repaired_where_its_doorbell_has_no_socket() {
    let home = filled();
    sql(&home, "DELETE FROM cells WHERE id = 'c7'");
    fs::write(home.paths.notebooks().join(".bells"), "no folder").unwrap();
    let notebook = home.open("n");
    notebook.store().unwrap().commit(&[title("acknowledged")]).unwrap();
    let error = repair(&home.file("n")).unwrap_err();
    assert!(matches!(error, RepairError::InUse(_)), "{error}");
    let store = notebook.store().unwrap();
    store.commit(&[title("and on")]).unwrap();
    assert_eq!(store.metadata().unwrap()["title"], "and on");
}
