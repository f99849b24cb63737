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
fn a_repair_copies_the_log_as_it_is_and_only_where_something_is_wrong() {
    let home = filled();
    sql(&home, "DROP TABLE cells; DELETE FROM executionQueue");
    let before = log(&home.file("n"));
    let repaired = repair(&home.file("n")).unwrap();
    assert_eq!((repaired.events, repaired.lost.as_deref()), (2 * BATCHES as u64, None));
    let kept = home.file("n").with_extension("db.corrupt");
    assert_eq!(repaired.kept.as_ref(), Some(&kept));
    assert_eq!(log(&kept), before, "the old file is as it was");
    assert_eq!(log(&home.file("n")), before);
    assert!(check(&home.file("n"), None).unwrap().is_sound());
    // A second repair finds nothing to do, and keeps no second file.
    let again = repair(&home.file("n")).unwrap();
    assert_eq!((again.kept, again.events, again.lost), (None, 2 * BATCHES as u64, None));
    assert!(!home.file("n").with_extension("db.corrupt-2").exists());
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
        .chunks(2048)
        .position(|page| page[0] == 0x0d && page.windows(needle.len()).any(|window| window == needle))
        .unwrap();
    assert_ne!(page as i64 + 1, root);
    let file = fs::OpenOptions::new().write(true).open(home.file("n")).unwrap();
    file.write_all_at(&[0xff; 2048], page as u64 * 2048).unwrap();
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
    let missing = format!("{} events cannot be read: ", before.len() - saved.len());
    assert!(repaired.lost.is_some_and(|lost| lost.starts_with(&missing)));
    // It is a notebook again, and its gap is known: neither a check nor a further repair speaks of it.
    assert_eq!(check(&home.file("n"), None).unwrap().problems, []);
    assert_eq!(repair(&home.file("n")).unwrap().kept, None);
    home.open("n").store().unwrap().commit(&[title("again")]).unwrap();
    assert!(check(&home.file("n"), None).unwrap().is_sound());
    // Another gap is not.
    sql(&home, "DELETE FROM events WHERE rowid = 5");
    let problems = check(&home.file("n"), None).unwrap().problems;
    assert!(problems.contains(&Problem::Log("the events 5 to 5 are missing".to_owned())), "{problems:?}");
    let lost = repair(&home.file("n")).unwrap().lost.unwrap();
    assert!(lost.starts_with("1 event cannot be read: 5; the batch"), "{lost}");
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}

#[test]
fn rows_whose_text_cannot_be_read_are_counted_and_named_with_their_batches() {
    let home = filled();
    let before = log(&home.file("n"));
    sql(&home, "UPDATE events SET args = CAST(x'22ff22' AS TEXT) WHERE rowid IN (22, 101, 102, 600)");
    let repaired = repair(&home.file("n")).unwrap();
    assert_eq!(repaired.events, before.len() as u64 - 4);
    assert_eq!(
        repaired.lost.as_deref(),
        Some(
            "4 events cannot be read: 22, 101 to 102, 600; \
             the batches that begin at 21, 99, 599 may be there in part only"
        )
    );
    let saved = log(&home.file("n"));
    assert!(saved.len() == before.len() - 4 && saved.iter().all(|row| before.contains(row)));
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}

#[test]
fn a_file_that_lost_its_last_page_is_saved() {
    let home = filled();
    // All that is in the log beside the file is moved into it.
    sql(&home, "PRAGMA wal_checkpoint(TRUNCATE)");
    let before = log(&home.file("n"));
    let file = fs::OpenOptions::new().write(true).open(home.file("n")).unwrap();
    let left = file.metadata().unwrap().len() - 2048;
    file.set_len(left).unwrap();
    drop(file);
    assert!(!matches!(check(&home.file("n"), None), Ok(checked) if checked.is_sound()));
    let repaired = repair(&home.file("n")).unwrap();
    let saved = log(&home.file("n"));
    assert_eq!(saved.len() as u64, repaired.events);
    assert!(saved.len() > before.len() / 2, "{} of {}", saved.len(), before.len());
    assert!(saved.iter().all(|row| before.contains(row)), "nothing was changed");
    assert_eq!(repaired.lost.is_none(), saved == before, "{:?}", repaired.lost);
    assert_eq!(fs::metadata(repaired.kept.unwrap()).unwrap().len(), left, "it is kept as it was");
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}

/// A notebook of 20,000 events, whose tree of the log has inner pages, all of it in one file. Some events are so long
/// that they lie in several pages.
fn large() -> Home {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    for batch in 0..200 {
        let value = |n: i32| if n % 500 == 499 { "long ".repeat(4_000) } else { "v".repeat(60) };
        let events: Vec<Event> =
            (batch * 100..batch * 100 + 100).map(|n| set(&format!("k{n}."), &value(n))).collect();
        store.commit(&events).unwrap();
    }
    drop(store);
    notebook.close();
    sql(&home, "PRAGMA wal_checkpoint(TRUNCATE)");
    home
}

/// The places whose event stands somewhere in these bytes, as the log writes it and no other table does.
fn standing(bytes: &[u8]) -> std::collections::BTreeSet<i64> {
    let text = String::from_utf8_lossy(bytes);
    let numbers = text.split("{\"key\":\"k").skip(1).filter_map(|rest| rest.split_once('.')?.0.parse().ok());
    numbers.map(|number: i64| number + 1).collect()
}

#[test]
fn of_a_file_that_was_cut_all_that_is_left_is_saved_and_the_rest_is_named() {
    let home = large();
    let whole = fs::read(home.file("n")).unwrap();
    let before = log(&home.file("n"));
    let mut counts = Vec::new();
    for eighths in [1, 4, 7] {
        let left = whole.len() / 2048 * eighths / 8 * 2048;
        fs::write(home.file("n"), &whole[..left]).unwrap();
        let repaired = repair(&home.file("n")).unwrap();
        let saved = log(&home.file("n"));
        assert!(saved.iter().all(|row| before.binary_search_by_key(&place(row), |row| place(row)).is_ok()));
        assert_eq!(saved.len() as u64, repaired.events);
        let places: std::collections::BTreeSet<i64> = saved.iter().map(|row| place(row)).collect();
        // Of a long event the rest may be gone, and so may be that of the last page.
        let there = standing(&whole[..left]).into_iter().filter(|place| place % 500 != 0);
        let missed: Vec<i64> = there.filter(|place| !places.contains(place)).collect();
        assert!(missed.is_empty(), "{eighths}/8: {} are in the file and not saved: {missed:?}", missed.len());
        let lost = repaired.lost.expect("something is lost");
        let end = places.last().unwrap();
        assert!(lost.contains("cannot be read"), "{lost}");
        assert!(*end == 20_000 || lost.contains(&format!("what followed the event {end} ")), "{lost}");
        assert!(lost.contains("may be there in part only"), "{lost}");
        assert!(check(&home.file("n"), None).unwrap().is_sound());
        counts.push(saved.len());
    }
    assert!(counts[0] > 1_000 && counts[1] > 8_000 && counts[2] > 15_000, "{counts:?}");
}

/// The first half of a small file is mostly tables without rows; what is left of the log are bytes of its first page.
#[test]
fn of_a_small_file_that_was_cut_in_half_the_beginning_is_saved() {
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    for n in 0..150 {
        store.commit(&[set(&format!("k{n}"), &"v".repeat(40))]).unwrap();
    }
    drop(store);
    notebook.close();
    sql(&home, "PRAGMA wal_checkpoint(TRUNCATE)");
    let before = log(&home.file("n"));
    let bytes = fs::read(home.file("n")).unwrap();
    let left = &bytes[..bytes.len() / 2048 / 2 * 2048];
    assert!(left.chunks(2048).skip(1).all(|page| page[0] != 0x0d || standing(page).is_empty()));
    fs::write(home.file("n"), left).unwrap();
    let repaired = repair(&home.file("n")).unwrap();
    let saved = log(&home.file("n"));
    // What points to the other pages was written over the first of them.
    assert!(saved.len() > 5 && saved == before[1..=saved.len()], "{saved:?}");
    let lost = repaired.lost.unwrap();
    let end = format!("what followed the event {} cannot be read", saved.len() + 1);
    assert!(lost.starts_with("1 event cannot be read: 1") && lost.contains(&end), "{lost}");
    assert!(check(&home.file("n"), None).unwrap().is_sound());
}

fn place(row: &str) -> i64 {
    row.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn events_below_a_lost_inner_page_are_saved_and_so_are_those_of_a_file_without_its_head() {
    let home = large();
    let whole = fs::read(home.file("n")).unwrap();
    let before = log(&home.file("n"));
    // 0x05 is an inner page of a table; all of them are lost at once, then the page that says what the file is.
    let inner: Vec<usize> = whole
        .chunks(2048)
        .enumerate()
        .filter(|(_, page)| page[0] == 0x05)
        .map(|(number, _)| number)
        .collect();
    assert!(inner.len() > 2, "{inner:?}");
    for lost in [&inner[..], &[0]] {
        let mut bytes = whole.clone();
        for page in lost {
            bytes[page * 2048..(page + 1) * 2048].fill(0xff);
        }
        fs::write(home.file("n"), &bytes).unwrap();
        let repaired = repair(&home.file("n")).unwrap();
        assert_eq!(repaired.events, 20_000, "{:?}", repaired.lost);
        assert_eq!(log(&home.file("n")), before);
        assert!(check(&home.file("n"), None).unwrap().is_sound());
    }
}

#[test]
fn a_file_that_was_kept_aside_can_be_repaired_under_its_old_name() {
    let home = filled();
    let before = log(&home.file("n"));
    let kept = home.file("n").with_extension("db.corrupt");
    fs::rename(home.file("n"), &kept).unwrap();
    let repaired = repair(&home.file("n")).unwrap();
    assert_eq!((repaired.kept, repaired.events), (Some(kept), before.len() as u64));
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
