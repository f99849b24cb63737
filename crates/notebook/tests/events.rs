//! Events on the wire: names, payloads, what is kept and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use purlin_notebook::event::NAMES;
use purlin_notebook::{Event, MemoryStore, NotebookId, Store, StoreError, StoreExt};
use serde_json::{Value, json};
use std::rc::Rc;

mod support {
    pub mod random;
}

fn store() -> MemoryStore {
    MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7))
}

/// One example of every event, as it stands on the wire.
const WIRE: &str = include_str!("wire.jsonl");

#[test]
fn the_wire_table_goes_there_and_back() {
    let mut seen = Vec::new();
    for line in WIRE.lines().filter(|line| !line.is_empty()) {
        let wire: Value = serde_json::from_str(line).unwrap();
        let name = wire["name"].as_str().unwrap();
        seen.push(name.to_owned());
        let event = Event::from_wire(name, wire["args"].clone()).unwrap();
        assert!(!matches!(event, Event::Unknown { .. }), "{name} is not known");
        assert_eq!(event.name(), name);
        assert_eq!(event.args(), wire["args"], "{name}");
        assert_eq!(serde_json::to_value(&event).unwrap(), wire, "{name}");
        assert_eq!(serde_json::from_value::<Event>(wire.clone()).unwrap(), event, "{name}");
        assert_eq!(Event::from_log(name, &event.args_text()), event, "{name}");
        assert_eq!(event.args_text(), serde_json::to_string(&event.args()).unwrap(), "{name}");
    }
    seen.dedup();
    assert_eq!(seen, NAMES, "every event has an example, in the order of the declaration");
}

#[test]
fn an_event_without_arguments_is_read_in_every_form() {
    let void = Event::AllExecutionsCancelled {};
    assert_eq!(Event::from_wire("v1.AllExecutionsCancelled", Value::Null).unwrap(), void);
    assert_eq!(serde_json::from_value::<Event>(json!({"name": "v1.AllExecutionsCancelled"})).unwrap(), void);
    assert_eq!(Event::from_log("v1.AllExecutionsCancelled", "null"), void);
}

#[test]
fn row_093_an_unknown_event_is_kept_and_changes_nothing() {
    let args = json!({"z": 1, "a": [true]});
    let event = Event::from_wire("v9.Later", args.clone()).unwrap();
    assert_eq!(event, Event::Unknown { name: "v9.Later".into(), args: args.clone() });
    let store = store();
    store.commit(std::slice::from_ref(&event)).unwrap();
    let log = store.log_since(0, 10).unwrap();
    assert_eq!((log[0].event.name(), log[0].event.args()), ("v9.Later", args));
    assert_eq!(purlin_notebook::dump::canonical(&store).unwrap(), "");
}

#[test]
fn arguments_of_another_form_are_refused_and_kept_when_read_from_a_log() {
    let args = json!({"id": "c1", "fractionalIndex": 3, "cellType": "code", "createdBy": "u"});
    assert!(
        Event::from_wire("v2.CellCreated", args.clone()).unwrap_err().to_string().contains("v2.CellCreated")
    );
    assert_eq!(
        Event::from_log("v2.CellCreated", &args.to_string()),
        Event::Unknown { name: "v2.CellCreated".into(), args }
    );
    // A duration is a whole number.
    let args = json!({"queueId": "q", "cellId": "c", "status": "success", "completedAt": "2026-01-01T00:00:00Z", "executionDurationMs": 1.5});
    assert!(Event::from_wire("v1.ExecutionCompleted", args).is_err());
}

#[test]
fn further_fields_of_a_known_event_are_dropped() {
    let args = json!({"title": "t", "later": 1});
    assert_eq!(Event::from_wire("v1.NotebookTitleChanged", args).unwrap().args(), json!({"title": "t"}));
}

#[test]
fn what_json_cannot_say_is_refused_at_commit() {
    let store = store();
    let title = Event::NotebookTitleChanged { title: "t".into() };
    for position in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let cell = Event::CellCreated {
            id: "c".into(),
            cell_type: purlin_notebook::CellType::Code,
            position,
            created_by: "u".into(),
            actor_id: None,
        };
        let refused = store.commit(&[title.clone(), cell]);
        assert!(matches!(refused, Err(StoreError::Rejected { event: 1, .. })), "{refused:?}");
    }
    assert_eq!(store.last_rowid().unwrap(), 0, "nothing of a refused batch is written");
}

#[test]
fn nul_is_refused_in_names_and_shown_in_text() {
    let store = store();
    let source = |id: &str, source: &str| Event::CellSourceChanged {
        id: id.into(),
        source: source.into(),
        modified_by: "u".into(),
    };
    let cell = |id: &str| Event::CellCreated2 {
        id: id.into(),
        fractional_index: "m".into(),
        cell_type: purlin_notebook::CellType::Code,
        created_by: "u".into(),
    };
    assert!(matches!(store.commit(&[cell("c\0")]), Err(StoreError::Rejected { .. })));
    let unknown = Event::Unknown { name: "v9.\0".into(), args: Value::Null };
    assert!(matches!(store.commit(&[unknown]), Err(StoreError::Rejected { .. })));
    // A backslash before the letters is text that has no NUL in it.
    store.commit(&[cell("c"), source("c", "a\0b \\u0000")]).unwrap();
    assert_eq!(store.cell(&"c".into()).unwrap().unwrap().source, "a\u{2400}b \\u0000");
    assert_eq!(store.log_since(1, 1).unwrap()[0].event, source("c", "a\u{2400}b \\u0000"));
}

#[test]
fn dates_are_checked() {
    let renewal = |renewed_at: &str| Event::RuntimeSessionRenewal {
        session_id: "s".into(),
        renewed_at: renewed_at.into(),
        valid_for_ms: 30_000,
    };
    assert!(matches!(store().commit(&[renewal("now")]), Err(StoreError::Rejected { .. })));
    store().commit(&[renewal("2026-11-21T10:00:00+01:00")]).unwrap();
}

#[test]
fn random_events_go_there_and_back() {
    let mut seed = 1_u64;
    for _ in 0..5000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let event = support::random::event(((seed >> 32) as u32).to_le_bytes());
        assert_eq!(Event::from_log(event.name(), &event.args_text()), event);
        assert_eq!(Event::from_wire(event.name(), event.args()).unwrap(), event);
    }
}
