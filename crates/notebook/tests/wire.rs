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

/// The table is written by hand: JSON as the LiveStore applications write it, each event with and without what is
/// optional, each word of a vocabulary.
#[test]
fn every_event_reads_back_byte_for_byte() {
    let mut seen = Vec::new();
    for line in WIRE.lines().filter(|line| !line.is_empty()) {
        let wire: Value = serde_json::from_str(line).unwrap();
        let name = wire["name"].as_str().unwrap();
        seen.push(name.to_owned());
        let event = Event::from_wire(name, wire["args"].clone()).unwrap();
        assert!(!matches!(event, Event::Unknown { .. }), "{name} is not known");
        assert_eq!(event.name(), name);
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        assert_eq!(event.args(), wire["args"], "{name}");
        assert_eq!(format!("{{\"name\":\"{name}\",\"args\":{}}}", event.args_text()), line);
        assert_eq!(serde_json::from_str::<Event>(line).unwrap(), event, "{name}");
        assert_eq!(Event::from_log(name, &event.args_text()), event, "{name}");
        assert_eq!(event.check().unwrap().0.as_ref(), &event, "{name} may be committed");
    }
    seen.dedup();
    assert_eq!(seen, NAMES, "every event has examples, in the order of the declaration");
}

/// Each field of each event has an example in which it is there; taking it away is refused, or it is optional.
#[test]
fn every_field_is_required_or_optional_as_the_contract_says() {
    const OPTIONAL: &[&str] = &[
        "v1.FileUploaded fileUrl",
        "v1.CellCreated actorId",
        "v1.CellTypeChanged actorId",
        "v1.CellDeleted actorId",
        "v1.CellMoved actorId",
        "v2.CellMoved actorId",
        "v1.CellSourceVisibilityToggled actorId",
        "v1.CellOutputVisibilityToggled actorId",
        "v1.CellAiContextVisibilityToggled actorId",
        "v1.PresenceSet cellId",
        "v1.ExecutionRequested actorId",
        "v1.ExecutionCompleted error",
        "v1.ExecutionCancelled actorId",
        "v1.MultimediaDisplayOutputAdded displayId",
        "v1.SqlConnectionChanged connectionId",
        "v1.SqlResultVariableChanged resultVariable",
        "v1.ActorProfileSet avatar",
        "purlin.v1.CellAnnotated hidden",
        "purlin.v1.CellAnnotated parentId",
        "purlin.v1.CellAnnotated afterOutput",
        "purlin.v1.CellAnnotated extension",
        "purlin.v1.CellAnnotated attachments",
        "purlin.v1.CellAnnotated prepared",
        "purlin.v1.CellAnnotated preparedText",
        "purlin.v1.CellAnnotated data",
        "purlin.v1.BranchSelected leafId",
        "purlin.v1.CellLabelled label",
        "purlin.v1.SteerSent attachments",
        "purlin.v1.ModelUsed costMicros",
        "purlin.v1.ModelUsed finishReason",
        "purlin.v1.Compacted details",
        "purlin.v1.ExecutionNoted reason",
        "purlin.v1.ExecutionNoted error",
        "purlin.v1.StateSet value",
        "purlin.v1.ForkedFrom outputId",
    ];
    let mut optional = Vec::new();
    for line in WIRE.lines() {
        let wire: Value = serde_json::from_str(line).unwrap();
        let (name, args) = (wire["name"].as_str().unwrap(), wire["args"].as_object().unwrap());
        for field in args.keys() {
            let mut fewer = args.clone();
            fewer.remove(field);
            let field = format!("{name} {field}");
            if Event::from_wire(name, fewer.into()).is_ok() && !optional.contains(&field) {
                optional.push(field);
            }
        }
    }
    optional.sort_by_key(|field| OPTIONAL.iter().position(|known| known == field));
    assert_eq!(optional, OPTIONAL);
}

#[test]
fn numbers_are_written_as_javascript_writes_them() {
    let moved =
        |new_position: f64| Event::CellMoved { id: "c".into(), new_position, actor_id: None }.args_text();
    for (position, text) in
        [(1.0, "1"), (-0.0, "0"), (0.5, "0.5"), (-3.0, "-3"), (9_007_199_254_740_992.0, "9007199254740992")]
    {
        assert_eq!(moved(position), format!("{{\"id\":\"c\",\"newPosition\":{text}}}"));
    }
    assert_eq!(
        Event::from_log("v1.CellMoved", r#"{"id":"c","newPosition":1.0}"#),
        Event::CellMoved { id: "c".into(), new_position: 1.0, actor_id: None },
        "the older form of our own logs is read"
    );
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
fn row_093_unknown_events_are_passed_on() {
    let store = store();
    let log =
        ["v9.Later", "v1.CellMoved", "x"].map(|name| Event::from_log(name, r#"{"z":[1,{"b":2,"a":null}]}"#));
    store.commit(&log).unwrap();
    let read = store.log_since(0, 10).unwrap();
    let passed = MemoryStore::from_log(store.identity(), Rc::new(|| 9), read.clone()).unwrap();
    assert_eq!(passed.log_since(0, 10).unwrap(), read);
    assert_eq!(read.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), log);
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

/// NaN and infinity arrive as `null`, and durations from a clock as fractions: both break the other applications' tables.
#[test]
fn row_084_integers_are_integers_and_null_is_no_number() {
    for (name, args) in [
        ("v1.CellMoved", r#"{"id":"c","newPosition":null}"#),
        ("v1.CellMoved", r#"{"id":"c","newPosition":1e999}"#),
        (
            "v1.RuntimeSessionRenewal",
            r#"{"sessionId":"s","renewedAt":"2026-01-01T00:00:00Z","validForMs":1.5}"#,
        ),
        ("v1.ExecutionRequested", r#"{"queueId":"q","cellId":"c","executionCount":1.0,"requestedBy":"u"}"#),
        ("v2.TerminalOutputAppended", r#"{"id":"d","outputId":"o","delta":"x","sequenceNumber":"1"}"#),
        (
            "purlin.v1.ToolCallEnded",
            r#"{"toolCallId":"t","status":"success","durationMs":9223372036854775808}"#,
        ),
        ("v1.CellTypeChanged", r#"{"id":"c","cellType":"video"}"#),
        ("v1.RuntimeSessionStatusChanged", r#"{"sessionId":"s","status":"sleepy"}"#),
    ] {
        let store = store();
        let event = Event::from_log(name, args);
        assert!(matches!(event, Event::Unknown { .. }), "{name} {args}");
        if let Ok(args) = serde_json::from_str::<Value>(args) {
            let why = Event::from_wire(name, args).unwrap_err().to_string();
            assert!(why.contains(name), "{why}");
        }
        store.commit(&[event, Event::NotebookTitleChanged { title: "alive".into() }]).unwrap();
        assert_eq!(store.metadata().unwrap()["title"], "alive");
    }
}

#[test]
fn json_that_is_nested_too_deeply_is_refused_before_it_is_written() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let set =
        |levels| Event::StateSet { extension: "x".into(), key: "k".into(), value: Some(nested(levels)) };
    let shown = |levels| Event::MultimediaDisplayOutputUpdated {
        display_id: "d".into(),
        representations: [("application/json".to_owned(), purlin_notebook::Media::json(nested(levels)))]
            .into(),
    };
    let store = store();
    for event in [set(100), shown(100)] {
        store.commit(std::slice::from_ref(&event)).unwrap();
        assert_eq!(Event::from_log(event.name(), &event.args_text()), event);
    }
    for event in [set(101), shown(500), Event::Unknown { name: "v9.x".into(), args: nested(200) }] {
        let refused = store.commit(&[event]);
        assert!(matches!(refused, Err(StoreError::Rejected { event: 0, .. })), "{refused:?}");
    }
}

#[test]
fn lone_surrogates_become_replacement_characters_in_text_and_are_refused_in_names() {
    let read = |args: &str| Event::from_log("v1.CellSourceChanged", args);
    assert_eq!(
        read(r#"{"id":"c","source":"a\ud83d b \ud83d\ude00 \\ud83d","modifiedBy":"u"}"#),
        Event::CellSourceChanged {
            id: "c".into(),
            source: "a\u{fffd} b \u{1f600} \\ud83d".into(),
            modified_by: "u".into()
        }
    );
    for args in [
        r#"{"id":"c\udc00","source":"a","modifiedBy":"u"}"#,
        r#"{"id":"c","source":"a","modifiedBy":"\ud800"}"#,
    ] {
        assert!(matches!(read(args), Event::Unknown { .. }), "{args}");
        assert!(serde_json::from_str::<Value>(args).is_err());
    }
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
