//! The guards, and the rules of outputs, displays, deltas, approvals and the session tree.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::rc::Rc;

use purlin_notebook::{
    ApprovalStatus, Capabilities, CellId, CellKind, CellType, CompletionStatus, Event, ExecutionState, Media,
    MemoryStore, NotebookId, OutputMeta, QueueStatus, Representations, Role, RuntimeStatus, Store, StoreExt,
    StreamName, TerminationReason, ToolCallStatus, dump,
};
use serde_json::json;

const DATE: &str = "2026-11-21T10:00:00.000Z";

fn store(events: &[Event]) -> MemoryStore {
    let store = MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
    store.commit(events).unwrap();
    store
}

fn cell(id: &str) -> Event {
    Event::CellCreated2 {
        id: id.into(),
        fractional_index: format!("m{id}"),
        cell_type: CellType::Ai,
        created_by: "u".into(),
    }
}

fn request(queue: &str, cell: &str) -> Event {
    Event::ExecutionRequested {
        queue_id: queue.into(),
        cell_id: cell.into(),
        execution_count: 1,
        requested_by: "u".into(),
        actor_id: None,
    }
}

fn assign(queue: &str, session: &str) -> Event {
    Event::ExecutionAssigned { queue_id: queue.into(), runtime_session_id: session.into() }
}

fn start(queue: &str, cell: &str, session: &str) -> Event {
    Event::ExecutionStarted {
        queue_id: queue.into(),
        cell_id: cell.into(),
        runtime_session_id: session.into(),
        started_at: DATE.into(),
    }
}

fn complete(queue: &str, cell: &str, status: CompletionStatus) -> Event {
    Event::ExecutionCompleted {
        queue_id: queue.into(),
        cell_id: cell.into(),
        status,
        error: None,
        completed_at: DATE.into(),
        execution_duration_ms: 5,
    }
}

fn cancel(queue: &str, cell: &str) -> Event {
    Event::ExecutionCancelled {
        queue_id: queue.into(),
        cell_id: cell.into(),
        cancelled_by: "u".into(),
        actor_id: None,
        reason: "user".into(),
    }
}

fn stands(store: &MemoryStore) -> (QueueStatus, Option<String>, ExecutionState) {
    let entry = store.queue_entry(&"q".into()).unwrap().unwrap();
    let cell = store.cell(&"c".into()).unwrap().unwrap();
    (
        entry.status,
        entry.assigned_runtime_session.map(purlin_notebook::RuntimeSessionId::into_string),
        cell.execution_state,
    )
}

/// Each row: what happened, then what does not change anything any more.
#[test]
fn guarded_out_events_change_nothing_and_stay_in_the_log() {
    use CompletionStatus::{Cancelled, Error, Success};
    let begun = || vec![cell("c"), request("q", "c"), assign("q", "s1")];
    let running = || [begun(), vec![start("q", "c", "s1")]].concat();
    let done = |status| [running(), vec![complete("q", "c", status)]].concat();
    let cancelled = || [running(), vec![cancel("q", "c")]].concat();
    let table: Vec<(Vec<Event>, Event)> = vec![
        (begun(), assign("q", "s2")),
        (running(), assign("q", "s2")),
        (done(Success), assign("q", "s2")),
        (begun(), start("q", "c", "s2")),
        (vec![cell("c"), request("q", "c")], start("q", "c", "s1")),
        (vec![cell("c"), request("q", "c")], complete("q", "c", Success)),
        (cancelled(), start("q", "c", "s1")),
        (cancelled(), complete("q", "c", Success)),
        (done(Success), complete("q", "c", Error)),
        (done(Error), complete("q", "c", Success)),
        (done(Success), cancel("q", "c")),
        (done(Cancelled), cancel("q", "c")),
        (
            running(),
            Event::ExecutionReleased {
                queue_id: "q".into(),
                runtime_session_id: "s2".into(),
                reason: "r".into(),
            },
        ),
        (
            done(Success),
            Event::ExecutionReleased {
                queue_id: "q".into(),
                runtime_session_id: "s1".into(),
                reason: "r".into(),
            },
        ),
    ];
    for (before, event) in table {
        let store = store(&before);
        let tables = dump::canonical(&store).unwrap();
        store.commit(std::slice::from_ref(&event)).unwrap();
        assert_eq!(dump::canonical(&store).unwrap(), tables, "{event} after {:?}", before.last());
        assert_eq!(store.last_rowid().unwrap() as usize, before.len() + 1);
    }
}

fn session(id: &str) -> Event {
    Event::RuntimeSessionStarted {
        session_id: id.into(),
        runtime_id: "r".into(),
        runtime_type: "echo".into(),
        capabilities: Capabilities::default(),
    }
}

/// `ExecutionCompleted` names no session: the replica that committed it is compared with the one that started the owner.
#[test]
fn row_030_only_the_owners_replica_completes_while_the_owner_is_alive() {
    use CompletionStatus::{Error, Success};
    let owner = store(&[cell("c"), request("q", "c"), session("s1")]);
    let other = owner.as_replica("elsewhere", "run");
    other.commit(&[session("s2")]).unwrap();
    owner.commit(&[assign("q", "s1"), start("q", "c", "s1")]).unwrap();
    let tables = dump::canonical(&owner).unwrap();
    other.commit(&[complete("q", "c", Error)]).unwrap();
    assert_eq!(dump::canonical(&owner).unwrap(), tables, "the owner is alive, and somewhere else");
    // Another run of the same installation is another replica too.
    let second_run = owner.as_replica(&owner.identity().client_id, "later");
    second_run.commit(&[complete("q", "c", Error)]).unwrap();
    assert_eq!(dump::canonical(&owner).unwrap(), tables);
    owner.commit(&[complete("q", "c", Success)]).unwrap();
    assert_eq!(stands(&owner).0, QueueStatus::Completed);
}

#[test]
fn row_030_a_late_completion_of_a_former_owner_is_ignored() {
    let first = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let second = first.as_replica("elsewhere", "run");
    let release = Event::ExecutionReleased {
        queue_id: "q".into(),
        runtime_session_id: "s1".into(),
        reason: "runtime lost".into(),
    };
    second.commit(&[session("s2"), release, assign("q", "s2"), start("q", "c", "s2")]).unwrap();
    first.commit(&[complete("q", "c", CompletionStatus::Success)]).unwrap();
    assert_eq!(stands(&first), (QueueStatus::Executing, Some("s2".into()), ExecutionState::Running));
}

#[test]
fn row_042_anybody_settles_what_a_dead_session_left() {
    let dead = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let next = dead.as_replica("elsewhere", "run");
    let over =
        Event::RuntimeSessionTerminated { session_id: "s1".into(), reason: TerminationReason::Timeout };
    next.commit(&[over, complete("q", "c", CompletionStatus::Error)]).unwrap();
    assert_eq!(stands(&next).0, QueueStatus::Failed);
    // A session that never announced itself has nobody to wait for either.
    let unknown = store(&[cell("c"), request("q", "c"), assign("q", "nobody")]);
    unknown.as_replica("x", "y").commit(&[complete("q", "c", CompletionStatus::Error)]).unwrap();
    assert_eq!(stands(&unknown).0, QueueStatus::Failed);
}

#[test]
fn a_log_with_several_authors_replays_to_the_same_tables() {
    let one = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let two = one.as_replica("elsewhere", "run");
    two.commit(&[complete("q", "c", CompletionStatus::Error), session("s2")]).unwrap();
    one.commit(&[start("q", "c", "s1")]).unwrap();
    let log = one.log_since(0, usize::MAX).unwrap();
    let again = MemoryStore::from_log(two.identity(), Rc::new(|| 9), log.clone()).unwrap();
    assert_eq!(dump::canonical(&again), dump::canonical(&one));
    assert_eq!(again.log_since(0, usize::MAX).unwrap(), log, "batches, authors and times are kept");
    assert_eq!(stands(&again).0, QueueStatus::Executing);
}

#[test]
fn an_execution_goes_its_way() {
    use ExecutionState as Cell;
    let store = store(&[cell("c"), request("q", "c")]);
    assert_eq!(stands(&store), (QueueStatus::Pending, None, Cell::Queued));
    store.commit(&[assign("q", "s")]).unwrap();
    assert_eq!(stands(&store), (QueueStatus::Assigned, Some("s".into()), Cell::Queued));
    store.commit(&[start("q", "c", "s")]).unwrap();
    assert_eq!(stands(&store), (QueueStatus::Executing, Some("s".into()), Cell::Running));
    let release =
        Event::ExecutionReleased { queue_id: "q".into(), runtime_session_id: "s".into(), reason: "r".into() };
    store.commit(&[release]).unwrap();
    assert_eq!(stands(&store), (QueueStatus::Pending, None, Cell::Queued));
    store
        .commit(&[assign("q", "t"), start("q", "c", "t"), complete("q", "c", CompletionStatus::Success)])
        .unwrap();
    assert_eq!(stands(&store), (QueueStatus::Completed, Some("t".into()), Cell::Completed));
}

#[test]
fn a_cancelled_completion_is_cancelled() {
    let events =
        [cell("c"), request("q", "c"), assign("q", "s"), complete("q", "c", CompletionStatus::Cancelled)];
    assert_eq!(stands(&store(&events)).0, QueueStatus::Cancelled);
}

#[test]
fn row_026_asking_twice_is_asking_once() {
    let events = [
        cell("c"),
        request("q", "c"),
        assign("q", "s"),
        complete("q", "c", CompletionStatus::Success),
        request("q", "c"),
    ];
    let store = store(&events);
    assert_eq!(store.queue(None).unwrap().len(), 1);
    assert_eq!(stands(&store), (QueueStatus::Completed, Some("s".into()), ExecutionState::Completed));
}

#[test]
fn row_036_all_that_is_open_is_cancelled() {
    let store = store(&[
        cell("c"),
        cell("d"),
        cell("e"),
        request("q", "c"),
        request("r", "d"),
        request("p", "e"),
        assign("p", "s"),
        complete("p", "e", CompletionStatus::Success),
        assign("r", "s"),
        start("r", "d", "s"),
        Event::AllExecutionsCancelled {},
    ]);
    let statuses: Vec<QueueStatus> = store.queue(None).unwrap().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [QueueStatus::Cancelled, QueueStatus::Cancelled, QueueStatus::Completed]);
    let states: Vec<ExecutionState> =
        store.cells().unwrap().iter().map(|cell| cell.execution_state).collect();
    assert_eq!(states, [ExecutionState::Idle, ExecutionState::Idle, ExecutionState::Completed]);
}

#[test]
fn no_status_revives_a_terminated_session() {
    let session_id = || "s".into();
    let store = store(&[
        Event::RuntimeSessionStarted {
            session_id: session_id(),
            runtime_id: "r".into(),
            runtime_type: "echo".into(),
            capabilities: Capabilities { can_execute_ai: true, ..Capabilities::default() },
        },
        Event::LanesAnnounced { session_id: session_id(), lanes: vec![CellKind::Ai] },
        Event::RuntimeSessionRenewal {
            session_id: session_id(),
            renewed_at: DATE.into(),
            valid_for_ms: 30_000,
        },
        Event::RuntimeSessionTerminated { session_id: session_id(), reason: TerminationReason::Shutdown },
        Event::RuntimeSessionStatusChanged { session_id: session_id(), status: RuntimeStatus::Ready },
    ]);
    let session = store.runtime_sessions().unwrap().remove(0);
    assert_eq!((session.status, session.is_active), (RuntimeStatus::Terminated, false));
    assert_eq!(session.expires_at.as_deref(), Some("2026-11-21T10:00:30.000Z"));
    assert_eq!(session.lanes, Some(vec![CellKind::Ai]));
    assert!(
        session.capabilities.can_execute_ai && session.holds(CellKind::Ai) && !session.holds(CellKind::Shell)
    );
}

fn terminal(id: &str, text: &str) -> Event {
    Event::TerminalOutputAdded {
        id: id.into(),
        cell_id: "c".into(),
        position: 0.0,
        content: Media::text(text),
        stream_name: StreamName::Stdout,
    }
}

fn delta(id: &str, seq: i64, text: &str) -> Event {
    Event::TerminalOutputAppended2 {
        id: id.into(),
        output_id: "o".into(),
        delta: text.into(),
        sequence_number: seq,
    }
}

fn text(store: &MemoryStore, id: &str) -> String {
    store.text_of(&store.output(&id.into()).unwrap().unwrap()).unwrap()
}

#[test]
fn row_062_a_duplicate_delta_is_ignored_and_order_is_by_number() {
    let store = store(&[
        cell("c"),
        terminal("o", "a"),
        delta("d2", 2, "c"),
        delta("d1", 1, "b"),
        delta("d3", 1, "x"),
        delta("d2", 9, "y"),
    ]);
    assert_eq!(text(&store, "o"), "abc");
    assert_eq!(store.deltas_after(&"o".into(), 1).unwrap().len(), 1);
}

#[test]
fn row_064_clearing_outputs_removes_their_deltas() {
    let clear = |wait| Event::CellOutputsCleared { cell_id: "c".into(), wait, cleared_by: String::new() };
    let one = store(&[cell("c"), terminal("o", "a"), delta("d", 1, "b"), clear(false)]);
    assert!(one.outputs_of(&"c".into()).unwrap().is_empty());
    assert!(one.deltas_after(&"o".into(), -1).unwrap().is_empty());
    let all = store(&[
        cell("c"),
        terminal("o", "a"),
        delta("d", 1, "b"),
        Event::AllOutputsCleared { cleared_by: "u".into() },
    ]);
    assert!(all.deltas_after(&"o".into(), -1).unwrap().is_empty());
}

#[test]
fn rows_059_to_061_a_pending_clear_waits_for_the_next_output() {
    let clear = Event::CellOutputsCleared { cell_id: "c".into(), wait: true, cleared_by: "u".into() };
    let store = store(&[cell("c"), terminal("o", "old"), clear]);
    assert_eq!(store.outputs_of(&"c".into()).unwrap().len(), 1);
    store.commit(&[delta("d", 1, "+")]).unwrap();
    assert_eq!(text(&store, "o"), "old+", "an append does not clear");
    store.commit(&[terminal("p", "new")]).unwrap();
    assert_eq!(store.outputs_of(&"c".into()).unwrap().len(), 1);
    assert_eq!(text(&store, "p"), "new");
    store.commit(&[terminal("q", "newer")]).unwrap();
    assert_eq!(store.outputs_of(&"c".into()).unwrap().len(), 2, "it clears once");
}

#[test]
fn an_output_written_anew_begins_without_its_deltas() {
    let store = store(&[cell("c"), terminal("o", "a"), delta("d", 1, "b"), terminal("o", "c")]);
    assert_eq!(text(&store, "o"), "c");
}

fn display(id: &str, cell: &str, display: Option<&str>, text: &str) -> Event {
    Event::MultimediaDisplayOutputAdded {
        id: id.into(),
        cell_id: cell.into(),
        position: 0.0,
        representations: Representations::from([("text/plain".to_owned(), Media::text(text))]),
        display_id: display.map(str::to_owned),
    }
}

#[test]
fn rows_054_and_055_displays_with_one_id_change_together() {
    let store =
        store(&[cell("c"), cell("d"), display("o", "c", Some("x"), "1"), display("p", "d", Some("x"), "2")]);
    assert_eq!(text(&store, "o"), "2");
    let update = |id: &str| Event::MultimediaDisplayOutputUpdated {
        display_id: id.into(),
        representations: Representations::from([("text/html".to_owned(), Media::text("<b>"))]),
    };
    store.commit(&[update("x"), update("unknown")]).unwrap();
    let output = store.output(&"p".into()).unwrap().unwrap();
    assert_eq!((output.data.as_deref(), output.mime_type.as_deref()), (Some("<b>"), Some("text/html")));
    assert_eq!(store.output_heads(None).unwrap().len(), 2);
}

#[test]
fn row_058_an_error_keeps_its_three_fields() {
    let error = json!({"ename": "E", "evalue": "v", "traceback": ["t"]});
    let content = Media::json(error.clone());
    let store = store(&[
        cell("c"),
        Event::ErrorOutputAdded { id: "o".into(), cell_id: "c".into(), position: 0.0, content },
    ]);
    let data = store.output(&"o".into()).unwrap().unwrap().data.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&data).unwrap(), error);
}

#[test]
fn roles_and_opaque_items_are_read_back() {
    let meta = OutputMeta {
        opaque: Some(json!({"signature": "abc"})),
        ..OutputMeta::new(Role::Thinking).with_call("t1")
    };
    let content = Media::text("hm").with_meta(&meta);
    let store = store(&[
        cell("c"),
        Event::MarkdownOutputAdded {
            id: "o".into(),
            cell_id: "c".into(),
            position: 0.0,
            content: content.clone(),
        },
        Event::MultimediaDisplayOutputAdded {
            id: "p".into(),
            cell_id: "c".into(),
            position: 1.0,
            representations: [(purlin_notebook::TOOL_CALL_MIME.to_owned(), content)].into(),
            display_id: None,
        },
        terminal("q", "plain"),
    ]);
    assert_eq!(store.output(&"o".into()).unwrap().unwrap().meta(), Some(meta.clone()));
    assert_eq!(store.output(&"p".into()).unwrap().unwrap().meta(), Some(meta));
    let heads = store.output_heads(Some(&"c".into())).unwrap();
    let roles: Vec<_> = heads.iter().map(|head| (head.id.as_str(), head.role, head.has_opaque)).collect();
    assert_eq!(
        roles,
        [("o", Some(Role::Thinking), true), ("q", None, false), ("p", Some(Role::Thinking), true)]
    );
    assert_eq!(heads[0].call_id.as_deref(), Some("t1"));
}

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

fn annotate(id: &str, parent: Option<&str>) -> Event {
    Event::CellAnnotated {
        cell_id: id.into(),
        kind: CellKind::Ai,
        hidden: None,
        parent_id: parent.map(CellId::from),
        after_output: None,
        extension: None,
        attachments: vec![],
        prepared: Some(true),
        prepared_text: None,
        data: None,
    }
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

#[test]
fn row_090_cells_of_both_generations_have_one_order() {
    let v1 = |id: &str, position: f64| Event::CellCreated {
        id: id.into(),
        cell_type: CellType::Code,
        position,
        created_by: "u".into(),
        actor_id: None,
    };
    let store = store(&[v1("p", 36.0), v1("q", 2.0), v1("r", 1.0), cell("z"), cell("a")]);
    let order: Vec<String> = store.cells().unwrap().into_iter().map(|cell| cell.id.into_string()).collect();
    assert_eq!(order, ["r", "q", "p", "a", "z"]);
    assert_eq!(store.last_cell().unwrap().unwrap().id.as_str(), "z");
}

#[test]
fn what_the_base_tables_show_of_json_is_what_they_show_there() {
    let data = |value| {
        let content = Media::json(value);
        let store = store(&[
            cell("c"),
            Event::MarkdownOutputAdded { id: "o".into(), cell_id: "c".into(), position: 0.0, content },
        ]);
        store.output(&"o".into()).unwrap().unwrap().data.unwrap()
    };
    assert_eq!(data(json!({"a": 1})), "[object Object]");
    assert_eq!(data(json!([1, null, 2.0, "x"])), "1,,2,x");
    assert_eq!(data(json!(1.5)), "1.5");
    assert_eq!(data(json!(null)), "null");
}
