//! The index against notebooks on disk: kept up to date it equals one made from scratch, whatever was committed.

#[path = "../../../notebook/tests/support/random.rs"]
mod random;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use purlin_notebook::{
    CellType, Event, Media, NotebookId, OutputMeta, Role, Store, TOOL_CALL_MIME, TOOL_RESULT_MIME,
};
use serde_json::json;

use super::{Asked, Hit, Index, file};
use crate::{OpenMode, Paths, SqliteNotebook};

struct Home {
    root: PathBuf,
    paths: Paths,
}

impl Home {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("purlin-index-{}-{count}", std::process::id()));
        fs::create_dir_all(&root).expect("the temporary directory is writable");
        Self { paths: Paths::below(&root), root }
    }

    fn commit(&self, id: &str, events: &[Event]) {
        let notebook = SqliteNotebook::open(&self.paths, NotebookId::from(id), OpenMode::Create)
            .expect("the notebook opens");
        notebook.store().expect("a store").commit(events).expect("the events are committed");
        notebook.close();
    }

    /// Makes the files of a notebook look as if nobody had written for a while.
    fn age(&self, id: &str) {
        let old = SystemTime::now() - Duration::from_secs(60);
        let file = File::options().write(true).open(self.paths.notebook(&NotebookId::from(id)));
        file.and_then(|file| file.set_modified(old)).expect("a file of this test");
    }

    fn index(&self) -> Index {
        let mut index = Index::open(&self.paths);
        index.update(&mut |_, _| {});
        index
    }

    fn search(&self, typed: &str) -> Vec<Hit> {
        self.index().search(&Asked::parse(typed), 50)
    }

    fn found(&self, typed: &str) -> Vec<String> {
        self.search(typed).into_iter().map(|hit| hit.snippet.text).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What stays behind in the directory for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn cell(id: &str, source: &str) -> Vec<Event> {
    vec![
        Event::CellCreated2 {
            id: id.into(),
            fractional_index: "m".into(),
            cell_type: CellType::Ai,
            created_by: "u".into(),
        },
        Event::CellSourceChanged { id: id.into(), source: source.into(), modified_by: "u".into() },
    ]
}

fn markdown(id: &str, cell: &str, text: &str) -> Event {
    Event::MarkdownOutputAdded {
        id: id.into(),
        cell_id: cell.into(),
        position: 0.0,
        content: Media::text(text).with_meta(&OutputMeta::new(Role::Text)),
    }
}

fn appended(id: &str, output: &str, delta: &str, number: i64) -> Event {
    Event::MarkdownOutputAppended2 {
        id: id.into(),
        output_id: output.into(),
        delta: delta.into(),
        sequence_number: number,
    }
}

/// Everything that an index holds, but for the places of documents.
fn content(index: &Index) -> (BTreeSet<String>, BTreeSet<String>) {
    let rows = |sql: &str| -> BTreeSet<String> {
        let mut statement = index.connection.prepare(sql).expect("valid");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("valid");
        let mut all = BTreeSet::new();
        while let Some(row) = rows.next().expect("readable") {
            let values: Vec<String> =
                (0..columns).map(|column| format!("{:?}", row.get_ref(column).expect("a column"))).collect();
            assert!(all.insert(values.join(" ")), "a row stands there twice");
        }
        all
    };
    index
        .connection
        .execute_batch(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.places USING fts5vocab(main, words, instance)",
        )
        .expect("valid");
    let documents = rows(
        "SELECT s.id, s.name, s.cwd, s.cells, s.first_prompt, d.thing, d.event, d.hash FROM sessions s \
         LEFT JOIN documents d ON d.session = s.key",
    );
    let words = rows(
        "SELECT s.id, d.thing, p.term, p.offset FROM temp.places p JOIN documents d ON d.id = p.doc \
         JOIN sessions s ON s.key = d.session",
    );
    (documents, words)
}

fn equals_one_made_from_scratch(home: &Home, kept: &Index) {
    let other = home.root.join("scratch.db");
    file::discard(&other);
    let mut scratch =
        Index { paths: home.paths.clone(), connection: file::open(&other).connection, unkept: None };
    scratch.update(&mut |_, _| {});
    assert_eq!(content(kept), content(&scratch));
}

#[derive(Clone, Debug)]
enum Step {
    Commit(u8, Vec<[u8; 4]>),
    /// Whether the notebooks look as if nobody had written for a while.
    Update(bool),
    Delete(u8),
    Copy(u8, u8),
    /// Takes the outputs of a cell away, or of all, or the cell.
    Clear(u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let events = prop::collection::vec(prop::array::uniform4(any::<u8>()), 1..40);
    let step = prop_oneof![
        6 => (0..3u8, events).prop_map(|(notebook, events)| Step::Commit(notebook, events)),
        3 => any::<bool>().prop_map(Step::Update),
        1 => (0..3u8).prop_map(Step::Delete),
        2 => (0..3u8, 0..12u8).prop_map(|(notebook, what)| Step::Clear(notebook, what)),
        1 => (0..3u8, 0..3u8).prop_map(|(from, to)| Step::Copy(from, to)),
    ];
    prop::collection::vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn kept_up_to_date_it_equals_one_made_from_scratch(steps in steps()) {
        let home = Home::new();
        let name = |number: u8| format!("n{number}");
        for step in steps {
            match step {
                Step::Commit(notebook, bytes) => {
                    let events: Vec<Event> = bytes.into_iter().map(random::event).collect();
                    home.commit(&name(notebook), &events);
                }
                Step::Update(rested) => {
                    for notebook in (0..3).filter(|_| rested).map(name) {
                        if home.paths.notebook(&NotebookId::from(notebook.as_str())).exists() {
                            home.age(&notebook);
                        }
                    }
                    drop(home.index());
                }
                Step::Delete(notebook) => {
                    // Not every notebook was made.
                    drop(fs::remove_file(home.paths.notebook(&NotebookId::from(name(notebook)))));
                }
                Step::Clear(notebook, what) => {
                    let cell = format!("c{}", what % 4);
                    let event = match what / 4 {
                        0 => Event::CellOutputsCleared { cell_id: cell.into(), wait: false, cleared_by: "u".into() },
                        1 => Event::AllOutputsCleared { cleared_by: "u".into() },
                        _ => Event::CellDeleted { id: cell.into(), actor_id: None },
                    };
                    home.commit(&name(notebook), &[event]);
                }
                Step::Copy(from, to) => {
                    let place = |number| home.paths.notebook(&NotebookId::from(name(number)));
                    if from != to && place(from).exists() {
                        for suffix in ["-wal", "-shm"] {
                            drop(fs::remove_file(format!("{}{suffix}", place(to).display())));
                        }
                        fs::copy(place(from), place(to)).expect("a notebook at rest is one file");
                    }
                }
            }
        }
        equals_one_made_from_scratch(&home, &home.index());
    }
}

#[test]
fn prompts_answers_and_what_is_appended_are_found_newest_first() {
    let home = Home::new();
    let mut events = cell("c1", "Where is the disk full?");
    events.push(markdown("o1", "c1", "The di"));
    events.push(appended("d1", "o1", "sk is full ", 0));
    home.commit("a", &events);
    assert_eq!(home.found("disk"), ["The disk is full", "Where is the disk full?"]);
    home.commit("a", &[appended("d2", "o1", "of dust.", 1)]);
    assert_eq!(home.found("dust disk"), ["The disk is full of dust."]);
    assert_eq!(home.found("disk -dust"), ["Where is the disk full?"]);
    assert_eq!(home.found("\"disk full\""), ["Where is the disk full?"]);
    let hit = &home.search("dust")[0];
    assert_eq!((hit.cell.as_str(), hit.kind.as_str()), ("c1", "text"));
    assert_eq!(hit.output.as_ref().map(purlin_notebook::OutputId::as_str), Some("o1"));
    assert_eq!(home.search("where")[0].kind, "prompt");
    assert!(!content(&home.index()).1.is_empty(), "what the property compares is there");
}

#[test]
fn what_was_cleared_or_deleted_is_not_found() {
    let home = Home::new();
    let mut events = cell("c1", "needle one");
    events.extend([markdown("o1", "c1", "needle two"), markdown("o2", "c1", "needle three")]);
    home.commit("a", &events);
    assert_eq!(home.found("needle").len(), 3);
    let clear = |wait| Event::CellOutputsCleared { cell_id: "c1".into(), wait, cleared_by: "u".into() };
    home.commit("a", &[clear(true)]);
    assert_eq!(home.found("needle").len(), 3, "a clearing that waits has taken nothing yet");
    home.commit("a", &[markdown("o3", "c1", "needle four")]);
    assert_eq!(home.found("needle"), ["needle four", "needle one"]);
    equals_one_made_from_scratch(&home, &home.index());
    home.commit("a", &[clear(false)]);
    assert_eq!(home.found("needle"), ["needle one"]);
    equals_one_made_from_scratch(&home, &home.index());
    home.commit("a", &[Event::CellDeleted { id: "c1".into(), actor_id: None }]);
    assert_eq!(home.found("needle"), [""; 0]);
    home.commit("b", &cell("c1", "needle"));
    assert_eq!(home.found("needle").len(), 1);
    fs::remove_file(home.paths.notebook(&"b".into())).unwrap();
    assert_eq!(home.found("needle"), [""; 0]);
    assert_eq!(home.index().list().len(), 1);
}

#[test]
fn text_for_a_model_alone_is_not_found_and_tool_calls_are_found_once() {
    let home = Home::new();
    let mut events = cell("c1", "go");
    let output =
        |id: &str, role: Role, mime: &str, data: serde_json::Value| Event::MultimediaDisplayOutputAdded {
            id: id.into(),
            cell_id: "c1".into(),
            position: 0.0,
            representations: [(
                mime.to_owned(),
                Media::json(data).with_meta(&OutputMeta::new(role).with_call("x")),
            )]
            .into(),
            display_id: None,
        };
    let call = json!({"tool_call_id": "x", "tool_name": "bash", "arguments": {"command": "find needle"}});
    let answer = json!({"tool_call_id": "x", "status": "success", "result": "a needle in hay"});
    events.extend([
        output("o1", Role::Inject, "text/plain", json!("injected needle")),
        output("o2", Role::ToolCall, TOOL_CALL_MIME, call),
        output("o3", Role::ToolOutput, "text/plain", json!("a needle in hay")),
        output("o4", Role::ToolResult, TOOL_RESULT_MIME, answer),
    ]);
    home.commit("a", &events);
    assert_eq!(home.found("needle"), ["a needle in hay", "bash find needle"]);
    assert_eq!(home.found("success"), [""; 0]);
}

#[test]
fn an_index_that_is_damaged_or_of_another_form_is_made_anew() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    let path = home.paths.index();
    home.index();
    for damage in [b"not a database at all".repeat(300), Vec::new(), vec![0; 100_000]] {
        fs::write(&path, &damage).unwrap();
        assert_eq!(home.found("needle"), ["needle"]);
        assert_eq!(home.index().list().len(), 1);
    }
    // Damage in the middle shows only when that part is read.
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(home.found("needle"), ["needle"]);
    home.index().connection.execute_batch("PRAGMA user_version = 1; DROP TABLE documents").unwrap();
    assert_eq!(home.found("needle"), ["needle"]);
}

#[test]
fn damage_that_shows_while_the_index_is_open_is_mended_too() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    let mut index = home.index();
    index.connection.execute_batch("DROP TABLE words").unwrap();
    assert_eq!(index.search(&Asked::parse("needle"), 5).len(), 1);
    index.connection.execute_batch("DROP TABLE sessions").unwrap();
    assert_eq!(index.list().len(), 1);
    index.connection.execute_batch("DROP TABLE documents").unwrap();
    index.update(&mut |_, _| {});
    assert_eq!(index.search(&Asked::parse("needle"), 5).len(), 1);
}

#[test]
fn a_damaged_notebook_does_not_count_against_the_index() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    let mut events = cell("c1", "needle too");
    events.extend((0..2_000).map(|n| markdown(&format!("o{n}"), "c1", &format!("hay {n}"))));
    home.commit("b", &events);
    let path = home.paths.notebook(&"b".into());
    let mut bytes = fs::read(&path).unwrap();
    let begin = bytes.len() / 3;
    bytes[begin..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    assert!(home.found("needle").contains(&"needle".to_owned()));
    home.age("a");
    home.age("b");
    let mut index = home.index();
    // A change of the index alone stays, unless the index is made anew.
    index.connection.execute("UPDATE sessions SET name = 'kept' WHERE id = 'a'", []).unwrap();
    index.update(&mut |_, _| {});
    assert_eq!(
        index.list().into_iter().find(|it| it.id.as_str() == "a").unwrap().name.as_deref(),
        Some("kept")
    );
    assert!(home.found("needle").contains(&"needle".to_owned()));
}

#[test]
fn a_session_at_rest_is_read_without_leaving_files_beside_it() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    home.age("a");
    assert_eq!(home.found("needle"), ["needle"]);
    let names: Vec<_> =
        fs::read_dir(home.paths.notebooks()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["a.db"]);
}

#[test]
fn where_no_index_can_be_kept_everything_is_found_all_the_same() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    fs::create_dir_all(home.paths.index().join("in-the-way")).unwrap();
    assert_eq!(home.found("needle"), ["needle"]);
    assert_eq!(home.index().list().len(), 1);
}

#[test]
fn a_notebook_that_did_not_change_is_not_read() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    home.age("a");
    let mut index = home.index();
    // What the list says comes from the index: a change of the index alone shows in it.
    index.connection.execute("UPDATE sessions SET name = 'from the index'", []).unwrap();
    assert_eq!(index.list()[0].name.as_deref(), Some("from the index"));
    home.commit("a", &[Event::NotebookMetadataSet { key: "purlin.name".into(), value: "new".into() }]);
    assert_eq!(index.list()[0].name.as_deref(), Some("new"));
}

#[test]
fn thousands_of_texts_of_one_second_keep_their_order() {
    let home = Home::new();
    let mut events = cell("c1", "needle first");
    events.extend((0..3_000).map(|n| markdown(&format!("o{n}"), "c1", &format!("needle {n}"))));
    home.commit("a", &events);
    let found = home.found("needle");
    let expected: Vec<String> = (2_950..3_000).rev().map(|n| format!("needle {n}")).collect();
    assert_eq!(found, expected);
    equals_one_made_from_scratch(&home, &home.index());
}

#[test]
fn a_deadline_leaves_the_rest_for_the_next_time() {
    let home = Home::new();
    let mut events = cell("c1", "needle");
    events.extend((0..9_000).map(|n| markdown(&format!("o{n}"), "c1", "hay")));
    events.push(markdown("last", "c1", "another needle"));
    home.commit("a", &events);
    let mut index = Index::open(&home.paths);
    let id = NotebookId::from("a");
    let now = Some(std::time::Instant::now());
    assert!(!index.update_one(&id, now), "the first stretch is not all of it");
    assert_eq!(index.search(&Asked::parse("needle"), 5).len(), 1);
    while !index.update_one(&id, now) {}
    assert_eq!(index.search(&Asked::parse("needle"), 5).len(), 2);
    assert!(index.update_one(&NotebookId::from("absent"), None));
}

#[test]
fn a_folder_that_cannot_be_read_makes_nothing_forgotten() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    home.index();
    let away = home.root.join("away");
    fs::rename(home.paths.notebooks(), &away).unwrap();
    std::os::unix::fs::symlink(home.root.join("nowhere"), home.paths.notebooks()).unwrap();
    let mut index = home.index();
    assert!(index.listing().unwrap_err().to_string().contains("cannot be read"));
    assert!(index.rebuild(&mut |_, _| {}).is_err(), "nothing is made anew of nothing");
    assert_eq!(index.size().sessions, 1);
    fs::remove_file(home.paths.notebooks()).unwrap();
    fs::rename(&away, home.paths.notebooks()).unwrap();
    assert_eq!(home.found("needle"), ["needle"]);
}

#[test]
fn what_cannot_be_read_is_listed_apart_from_what_is_empty() {
    let home = Home::new();
    home.commit("a", &cell("c1", "needle"));
    fs::write(home.paths.notebook(&"broken".into()), "no database at all ".repeat(99)).unwrap();
    fs::write(home.paths.notebook(&"empty".into()), "").unwrap();
    for age in [false, true] {
        if age {
            for id in ["a", "broken", "empty"] {
                home.age(id);
            }
        }
        let listing = home.index().listing().unwrap();
        assert_eq!(listing.sessions.len(), 1);
        assert_eq!(listing.unreadable, [NotebookId::from("broken")]);
    }
}

#[test]
fn a_repaired_session_is_searched_as_it_is_now() {
    let home = Home::new();
    home.commit("n", &cell("c", "a needle in the log"));
    let path = home.paths.notebook(&NotebookId::from("n"));
    let tables = rusqlite::Connection::open(&path).unwrap();
    tables.execute("UPDATE cells SET source = 'nothing'", []).unwrap();
    drop(tables);
    assert!(home.found("needle").is_empty(), "what is searched is what the tables say");
    crate::store::repair(&path).unwrap();
    assert_eq!(
        home.found("needle"),
        ["a needle in the log"],
        "the log ends as before, and the file is another"
    );
}

#[test]
fn hits_of_many_sessions_come_in_one_order() {
    let home = Home::new();
    for number in 0..40 {
        home.commit(&format!("n{number}"), &cell("c", &format!("a needle, number {number}")));
    }
    let hits = home.search("needle");
    assert_eq!(hits.len(), 40);
    assert!(hits.windows(2).all(|pair| pair[0].at >= pair[1].at), "the newest first");
    assert_eq!(home.index().search(&Asked::parse("needle"), 7), hits[..7]);
}
