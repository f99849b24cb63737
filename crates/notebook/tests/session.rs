//! What a session is beside cells and outputs: its tree, approvals, tool calls, steering, state.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support {
    pub mod making;
}

use purlin_notebook::{ApprovalStatus, CellId, Event, MemoryStore, Store, StoreExt, ToolCallStatus};
use serde_json::json;
use support::making::{DATE, annotate, cell, store};

#[test]
fn row_100_a_repeated_request_does_not_reset_an_answer() {
    let ask = Event::ToolApprovalRequested {
        tool_call_id: "t".into(),
        cell_id: "c".into(),
        tool_name: "bash".into(),
        arguments: json!({}),
        requested_at: DATE.into(),
    };
    let answer = Event::ToolApprovalResponded {
        tool_call_id: "t".into(),
        status: ApprovalStatus::ApprovedOnce,
        approved_by: "u".into(),
        responded_at: DATE.into(),
    };
    let store = store(&[ask.clone(), answer, ask]);
    assert_eq!(store.approvals().unwrap()[0].status, ApprovalStatus::ApprovedOnce);
}

#[test]
fn a_tool_call_ends_once_also_when_it_never_began() {
    let ended = |status| Event::ToolCallEnded { tool_call_id: "t".into(), status, duration_ms: 3 };
    let started = Event::ToolCallStarted {
        tool_call_id: "t".into(),
        cell_id: "c".into(),
        output_id: "o".into(),
        arguments: json!({"command": "ls"}),
    };
    let one = store(&[started.clone(), ended(ToolCallStatus::Success), ended(ToolCallStatus::Interrupted)]);
    assert_eq!(one.tool_calls(&"c".into()).unwrap()[0].status, Some(ToolCallStatus::Success));
    let refused = store(&[ended(ToolCallStatus::Blocked)]);
    assert_eq!(refused.tool_call("t").unwrap().unwrap().status, Some(ToolCallStatus::Blocked));
    assert_eq!(store(&[started]).tool_calls(&"c".into()).unwrap()[0].status, None);
}

#[test]
fn the_first_to_take_a_steer_has_it() {
    let taken = |output: &str| Event::SteerTaken { id: "i".into(), output_id: output.into() };
    let sent = Event::SteerSent {
        id: "i".into(),
        cell_id: "c".into(),
        text: "stop".into(),
        attachments: vec![],
        by: "u".into(),
    };
    let store = store(&[sent.clone(), taken("o"), taken("p"), sent]);
    let steer = store.steers(&"c".into()).unwrap().remove(0);
    assert_eq!((steer.text.as_str(), steer.taken), ("stop", Some("o".into())));
}

#[test]
fn state_is_set_and_removed() {
    let set = |value| Event::StateSet { extension: "x".into(), key: "k".into(), value };
    let store = store(&[set(Some(json!({"n": 1})))]);
    assert_eq!(store.state("x", Some("k")).unwrap()[0].value, json!({"n": 1}));
    store.commit(&[set(None)]).unwrap();
    assert!(store.state("x", None).unwrap().is_empty());
}

fn path(store: &MemoryStore, leaf: Option<&str>) -> String {
    let leaf = leaf.map(CellId::from);
    let path = store.branch_path(leaf.as_ref()).unwrap();
    path.iter().map(|cell| cell.cell.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_branch_is_the_path_from_the_leaf() {
    let store = store(&[
        cell("a"),
        annotate("a", None),
        cell("b"),
        annotate("b", Some("a")),
        cell("c"),
        annotate("c", Some("b")),
        cell("d"),
        annotate("d", Some("a")),
    ]);
    assert_eq!(path(&store, None), "a d", "the newest cell is the leaf");
    assert_eq!(path(&store, Some("c")), "a b c");
    store.commit(&[Event::BranchSelected { leaf_id: Some("c".into()) }]).unwrap();
    assert_eq!(path(&store, None), "a b c");
    assert_eq!(store.selected_leaf().unwrap(), Some("c".into()));
    store.commit(&[Event::BranchSelected { leaf_id: Some("gone".into()) }]).unwrap();
    assert_eq!(path(&store, None), "a d", "a leaf that nobody knows is no selection");
    store.commit(&[Event::BranchSelected { leaf_id: None }]).unwrap();
    assert_eq!(path(&store, None), "a d");
    store.commit(&[Event::CellDeleted { id: "a".into(), actor_id: None }]).unwrap();
    assert_eq!(path(&store, None), "d", "a deleted cell is left out");
    assert_eq!(path(&store, Some("nobody")), "");
}

#[test]
fn cells_that_nobody_annotated_follow_one_another() {
    let store = store(&[cell("x"), cell("a"), cell("b"), cell("c"), annotate("c", Some("b"))]);
    assert_eq!(path(&store, None), "x a b c");
}

#[test]
fn a_circle_of_parents_ends() {
    let store = store(&[cell("a"), annotate("a", Some("b")), cell("b"), annotate("b", Some("a"))]);
    assert_eq!(path(&store, None), "a b");
}
