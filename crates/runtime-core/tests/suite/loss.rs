//! What dead sessions leave behind: rows 42 and 43.

use purlin_notebook::{
    CellId, CellKind, Event, ExecutionState, QueueId, QueueStatus, RuntimeSessionId, Store, StoreExt,
    ToolCallStatus,
};

use crate::support::{Diary, World, all, echo, noting};

fn started(session: &str) -> Event {
    Event::RuntimeSessionStarted {
        session_id: RuntimeSessionId::from(session),
        runtime_id: "dead".to_owned(),
        runtime_type: "dead".to_owned(),
        capabilities: all(),
    }
}

fn assigned(queue: &QueueId) -> Event {
    Event::ExecutionAssigned { queue_id: queue.clone(), runtime_session_id: "dead".into() }
}

fn executing(queue: &QueueId, cell: &CellId) -> Event {
    Event::ExecutionStarted {
        queue_id: queue.clone(),
        cell_id: cell.clone(),
        runtime_session_id: "dead".into(),
        started_at: "2026-01-01T00:00:00.000Z".to_owned(),
    }
}

#[test]
fn row_042_what_a_dead_session_executed_failed_and_is_not_run_again() {
    let world = World::new();
    let diary = Diary::default();
    let (cell, queue) = world.ask(CellKind::Ai, "interrupted");
    let theirs = world.store.as_replica("theirs", "run");
    theirs.commit(&[started("dead"), assigned(&queue), executing(&queue, &cell)]).unwrap();
    world.commit(vec![
        Event::ToolCallStarted {
            tool_call_id: "open".to_owned(),
            cell_id: cell.clone(),
            output_id: "o1".into(),
            arguments: serde_json::json!({"command": "sleep 100"}),
        },
        Event::ToolCallStarted {
            tool_call_id: "ended".to_owned(),
            cell_id: cell.clone(),
            output_id: "o2".into(),
            arguments: serde_json::json!({}),
        },
        Event::ToolCallEnded {
            tool_call_id: "ended".to_owned(),
            status: ToolCallStatus::Success,
            duration_ms: 3,
        },
    ]);
    let agent = world.agent_with(world.options(&[CellKind::Ai]), noting(&diary));
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
    assert_eq!(world.store.cell(&cell).unwrap().unwrap().execution_state, ExecutionState::Error);
    let calls = world.store.tool_calls(&cell).unwrap();
    let ends: Vec<_> = calls.iter().map(|call| (call.tool_call_id.as_str(), call.status)).collect();
    assert_eq!(ends, [("open", Some(ToolCallStatus::Interrupted)), ("ended", Some(ToolCallStatus::Success))]);
    assert_eq!(diary.read(), [""; 0]);
    let lost = world.log().into_iter().any(|entry| {
        matches!(entry.event, Event::ExecutionCompleted { error: Some(error), .. } if error == "runtime lost")
    });
    assert!(lost);
}

#[test]
fn row_043_what_was_only_claimed_is_released_and_executed() {
    let world = World::new();
    let diary = Diary::default();
    let (_, queue) = world.ask(CellKind::Echo, "released");
    world.commit(vec![started("dead"), assigned(&queue)]);
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    assert_eq!(diary.read(), ["released"]);
    assert!(world.log().iter().any(|entry| matches!(entry.event, Event::ExecutionReleased { .. })));
}

#[test]
fn row_043_what_a_living_session_had_claimed_is_released_when_it_dies() {
    let world = World::new();
    let diary = Diary::default();
    world.locks.take("dead");
    let (_, queue) = world.ask(CellKind::Echo, "released");
    world.commit(vec![started("dead"), assigned(&queue)]);
    let mut options = world.options(&[CellKind::Echo]);
    options.displace = true;
    let agent = world.agent_with(options, noting(&diary));
    world.start(&agent);
    world.host.advance(100);
    assert_eq!((diary.read().len(), world.status(&queue)), (0, QueueStatus::Assigned));
    world.locks.release(&RuntimeSessionId::from("dead"));
    world.host.advance(100);
    assert_eq!((diary.read(), world.status(&queue)), (vec!["released".to_owned()], QueueStatus::Completed));
}

#[test]
fn what_a_living_session_of_another_lane_executes_is_left_alone() {
    let world = World::new();
    world.locks.take("dead");
    let (cell, queue) = world.ask(CellKind::Ai, "theirs");
    // Its process is another replica of the store.
    let theirs = world.store.as_replica("theirs", "run");
    let begun = [
        started("dead"),
        Event::LanesAnnounced { session_id: "dead".into(), lanes: vec![CellKind::Ai] },
        assigned(&queue),
        executing(&queue, &cell),
    ];
    theirs.commit(&begun).unwrap();
    let agent = world.agent(echo());
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Executing);
    // Its process goes away while we run: we were told of it when we started, and settle it.
    world.locks.release(&RuntimeSessionId::from("dead"));
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
    assert!(world.log().iter().any(|entry| {
        matches!(&entry.event, Event::RuntimeSessionTerminated { session_id, .. } if session_id.as_str() == "dead")
    }));
}

#[test]
fn a_start_settles_in_the_same_batch_as_it_starts() {
    let world = World::new();
    let (cell, queue) = world.ask(CellKind::Echo, "lost");
    world.commit(vec![started("dead"), assigned(&queue), executing(&queue, &cell)]);
    let before = world.last_rowid();
    let agent = world.agent(echo());
    world.host.run(agent.start()).unwrap();
    assert_eq!(
        world.names_after(before),
        [
            "RuntimeSessionTerminated",
            "ExecutionCompleted",
            "RuntimeSessionStarted",
            "LanesAnnounced",
            "RuntimeSessionStatusChanged"
        ]
    );
    assert_eq!(world.commits_after(before), 1);
    assert!(world.store.status().open);
}
