//! The list of sessions, the last one of a directory, deletion.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::path::Path;

use purlin_notebook::{Capabilities, Event, NotebookId, RuntimeSessionId, Store};
use purlin_runtime_native::lock::LaneLock;
use purlin_runtime_native::sessions::{self, DeleteError, FindError};
use support::{Home, cell, set};

fn session(home: &Home, id: &str, cwd: &str, prompt: &str) {
    let notebook = home.open(id);
    let source = Event::CellSourceChanged { id: "c".into(), source: prompt.into(), modified_by: "u".into() };
    notebook.store().unwrap().commit(&[set("purlin.cwd", cwd), cell("c"), source]).unwrap();
}

#[test]
fn sessions_are_listed_newest_first() {
    let home = Home::new();
    assert!(sessions::list(&home.paths).is_empty());
    session(&home, "a", "/x", "first");
    session(&home, "b", "/y", "second");
    std::thread::sleep(std::time::Duration::from_millis(5));
    home.open("a").store().unwrap().commit(&[set("purlin.name", "named")]).unwrap();
    // Neither of these is a session.
    std::fs::write(home.file("c"), "not a database, but long enough to have a header".repeat(9)).unwrap();
    std::fs::write(home.file("d"), "").unwrap();
    std::fs::write(home.paths.notebooks().join("e.db.corrupt-1"), "").unwrap();
    let list = sessions::list(&home.paths);
    let shown: Vec<_> =
        list.iter().map(|s| (s.id.as_str(), s.name.as_deref(), s.first_prompt.as_deref(), s.cells)).collect();
    assert_eq!(shown, [("a", Some("named"), Some("first"), 1), ("b", None, Some("second"), 1)]);
    assert!(list[0].created_at <= list[0].updated_at);
    let unreadable = sessions::listing(&home.paths).unwrap().unreadable;
    assert_eq!(unreadable, [NotebookId::from("c")], "an empty file is a session without events");
    assert!(home.file("c").exists(), "a list moves nothing");
    assert_eq!(sessions::latest_for(&home.paths, Path::new("/y")).unwrap().id.as_str(), "b");
    assert_eq!(sessions::latest_for(&home.paths, Path::new("/z")), None);
}

#[test]
fn a_session_that_is_open_is_listed_too() {
    let home = Home::new();
    let notebook = home.open("a");
    notebook.store().unwrap().commit(&[set("purlin.cwd", "/x")]).unwrap();
    assert_eq!(sessions::list(&home.paths).len(), 1);
    assert!(sessions::latest_for(&home.paths, Path::new("/x")).is_some());
}

#[test]
fn deleting_removes_every_file_and_spares_what_is_in_use() {
    let home = Home::new();
    let id = NotebookId::from("a");
    assert!(matches!(sessions::delete(&home.paths, &id), Err(DeleteError::NotFound(_))));
    session(&home, "a", "/x", "p");
    std::fs::create_dir_all(home.paths.drafts()).unwrap();
    std::fs::write(home.paths.draft(&id), "draft").unwrap();
    for name in ["a.db.corrupt", "a.db.corrupt-2", "a.db.corrupt-2-wal", "a.db.repair", "aa.db.corrupt"] {
        std::fs::write(home.paths.notebooks().join(name), "what it said").unwrap();
    }
    let runtime = RuntimeSessionId::from("s");
    let started = Event::RuntimeSessionStarted {
        session_id: runtime.clone(),
        runtime_id: "r".into(),
        runtime_type: "agent".into(),
        capabilities: Capabilities::default(),
    };
    home.open("a").store().unwrap().commit(&[started]).unwrap();
    let lock = LaneLock::acquire(&home.paths, &runtime).unwrap();
    assert!(matches!(sessions::delete(&home.paths, &id), Err(DeleteError::InUse(_))));
    drop(lock);
    sessions::delete(&home.paths, &id).unwrap();
    assert!(sessions::list(&home.paths).is_empty());
    assert!(!home.file("a").exists() && !home.paths.draft(&id).exists());
    let left = || -> Vec<String> {
        let entries =
            std::fs::read_dir(home.paths.notebooks()).unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter_map(|name| name.into_string().ok()).filter(|name| name.contains(".db")).collect()
    };
    assert_eq!(left(), ["aa.db.corrupt"], "nothing of it is left, and nothing of another is gone");
    // Of which only a damaged file is left can be deleted too.
    let rest = sessions::find_to_delete(&home.paths, "aa").unwrap();
    sessions::delete(&home.paths, &rest).unwrap();
    assert!(left().is_empty());
}

#[test]
fn an_empty_id_names_nothing_and_a_part_is_not_enough_to_delete() {
    let home = Home::new();
    session(&home, "0190-abcd-ef12", "/x", "p");
    for blank in ["", " ", "\t\n"] {
        assert!(matches!(sessions::find(&home.paths, blank), Err(FindError::Blank)));
        assert!(matches!(sessions::find_to_delete(&home.paths, blank), Err(FindError::Blank)));
    }
    for enough in ["ef12", "0190", "0190-abcd-ef12"] {
        assert!(sessions::find_to_delete(&home.paths, enough).is_ok(), "{enough}");
    }
    for little in ["f12", "0", "abcd", "-abcd-"] {
        assert!(sessions::find(&home.paths, little).is_ok(), "{little}");
        let refused = sessions::find_to_delete(&home.paths, little);
        assert!(matches!(refused, Err(FindError::Little { .. })), "{refused:?}");
    }
}
