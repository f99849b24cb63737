//! Claiming and completing: rows 20 to 26, 29 to 31, 38 to 41, 44.

use std::rc::Rc;

use purlin_notebook::{
    CellKind, CellRun, CompletionStatus, Event, ExecutionState, OutputType, QueueId, QueueStatus,
    RuntimeSessionId, StoreExt,
};
use purlin_runtime_core::{ExecutionError, Handlers, Options, Outcome, RuntimeAgent, StartError, handler_fn};

use crate::support::{Diary, World, all, doing, echo, noting, patient, requested};

#[test]
fn row_020_the_events_of_an_execution_come_in_order() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "hello");
    let before = world.last_rowid();
    world.host.advance(100);
    assert_eq!(
        world.names_after(before),
        [
            "ExecutionAssigned",
            "ExecutionStarted",
            "CellOutputsCleared",
            "ExecutionNoted",
            "TerminalOutputAdded",
            "ExecutionCompleted"
        ]
    );
    assert!(
        world.log().iter().any(|entry| matches!(entry.event, Event::CellOutputsCleared { wait: false, .. }))
    );
    assert_eq!(world.texts(&cell), ["hello"]);
}

#[test]
fn row_021_a_completion_is_told_with_whole_durations() {
    let world = World::new();
    let agent = world.agent(noting(&Diary::default()));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "250");
    world.host.advance(1000);
    let entry = world.entry(&queue);
    assert_eq!((entry.status, entry.execution_duration_ms), (QueueStatus::Completed, Some(250)));
    assert_eq!(entry.completed_at.as_deref(), Some("2026-01-01T00:00:00.250Z"));
    assert_eq!(world.store.cell(&cell).unwrap().unwrap().execution_state, ExecutionState::Completed);
}

#[test]
fn row_022_an_error_fails_the_entry_and_the_next_is_executed() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let agent = world.agent_with(
        options,
        handler_fn(|cx| async move {
            if cx.source() == "bad" {
                Err(ExecutionError::failed("Bad", "It was bad."))
            } else {
                Ok(Outcome::done())
            }
        }),
    );
    world.start(&agent);
    let (cell, bad) = world.ask(CellKind::Echo, "bad");
    let (_, good) = world.ask(CellKind::Echo, "good");
    world.host.advance(100);
    assert_eq!((world.status(&bad), world.status(&good)), (QueueStatus::Failed, QueueStatus::Completed));
    assert_eq!(world.store.cell(&cell).unwrap().unwrap().execution_state, ExecutionState::Error);
    assert_eq!(world.outputs(&cell)[0].output_type, OutputType::Error);
    assert_eq!(world.store.execution_note(&bad).unwrap().unwrap().error.unwrap(), "Bad: It was bad.");
    assert_eq!(diary.read(), ["startup".to_owned(), format!("error {bad} Bad: It was bad.")]);
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn row_023_a_panic_fails_the_entry_and_the_agent_survives() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.stdout("before");
        assert_ne!(cx.source(), "bad", "on purpose");
    }));
    world.start(&agent);
    let (cell, bad) = world.ask(CellKind::Echo, "bad");
    let (_, good) = world.ask(CellKind::Echo, "good");
    world.host.advance(100);
    assert_eq!((world.status(&bad), world.status(&good)), (QueueStatus::Failed, QueueStatus::Completed));
    assert_eq!(world.texts(&cell)[0], "before");
    assert_eq!(world.outputs(&cell)[1].output_type, OutputType::Error);
}

#[test]
fn row_024_executions_of_a_lane_come_one_after_the_other_in_log_order() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    let queues = ["300", "200", "100"].map(|millis| world.ask(CellKind::Echo, millis).1);
    world.host.advance(450);
    assert_eq!(diary.read(), ["300", "200"]);
    assert_eq!(
        queues.clone().map(|queue| world.status(&queue)),
        [QueueStatus::Completed, QueueStatus::Executing, QueueStatus::Pending]
    );
    world.host.advance(1000);
    assert_eq!(diary.read(), ["300", "200", "100"]);
}

#[test]
fn lanes_run_side_by_side() {
    let world = World::new();
    let diary = Diary::default();
    let options = world.options(&[CellKind::Echo, CellKind::Shell]);
    let agent = world.agent_with(options, noting(&diary));
    world.start(&agent);
    world.ask(CellKind::Echo, "100");
    world.ask(CellKind::Echo, "101");
    world.ask(CellKind::Shell, "102");
    world.host.settle();
    assert_eq!(diary.read(), ["100", "102"]);
}

#[test]
fn row_025_several_requested_at_once_are_executed_in_list_order() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    let cells = ["b", "a", "c"].map(|source| world.cell(CellKind::Echo, source));
    let run = |n: usize| CellRun {
        id: cells[n].clone(),
        execution_count: 1,
        queue_id: QueueId::from(format!("run{n}")),
    };
    world.commit(vec![Event::MultipleExecutionRequested {
        requested_by: "ada".to_owned(),
        cells_info: vec![run(2), run(0), run(1)],
    }]);
    world.host.advance(100);
    assert_eq!(diary.read(), ["c", "b", "a"]);
}

#[test]
fn row_026_asking_twice_is_asking_once() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "once");
    world.commit(vec![requested(&queue, &cell)]);
    world.host.advance(100);
    world.commit(vec![requested(&queue, &cell)]);
    world.host.advance(100);
    assert_eq!(diary.read(), ["once"]);
}

#[test]
fn row_029_an_assignment_of_what_is_not_pending_changes_nothing() {
    let world = World::new();
    let agent = world.agent(patient());
    world.start(&agent);
    let (_, queue) = world.ask(CellKind::Echo, "mine");
    world.host.settle();
    world.commit(vec![Event::ExecutionAssigned {
        queue_id: queue.clone(),
        runtime_session_id: "thief".into(),
    }]);
    world.host.settle();
    assert_eq!(world.entry(&queue).assigned_runtime_session, agent.session_id());
    assert_eq!(world.status(&queue), QueueStatus::Executing);
}

#[test]
fn row_030_a_start_by_a_session_that_does_not_own_the_entry_changes_nothing() {
    let world = World::new();
    let (cell, queue) = world.ask(CellKind::Echo, "nobody's");
    world.commit(vec![
        Event::ExecutionStarted {
            queue_id: queue.clone(),
            cell_id: cell.clone(),
            runtime_session_id: "thief".into(),
            started_at: "2026-01-01T00:00:00.000Z".to_owned(),
        },
        Event::ExecutionCompleted {
            queue_id: queue.clone(),
            cell_id: cell,
            status: CompletionStatus::Success,
            error: None,
            completed_at: "2026-01-01T00:00:00.000Z".to_owned(),
            execution_duration_ms: 0,
        },
    ]);
    assert_eq!(world.status(&queue), QueueStatus::Pending);
}

#[test]
fn row_031_a_completion_after_the_cancellation_changes_nothing() {
    let world = World::new();
    let agent = world.agent(noting(&Diary::default()));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "100");
    world.host.advance(50);
    world.cancel(&queue);
    world.host.advance(1000);
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
    assert_eq!(world.store.cell(&cell).unwrap().unwrap().execution_state, ExecutionState::Idle);
}

#[test]
fn row_038_a_failure_cancels_what_stands_behind_it_if_so_wished() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.stop_on_error = true;
    let agent = world
        .agent_with(options, handler_fn(|_cx| async { Err(ExecutionError::failed("Bad", "It was bad.")) }));
    let queues = ["1", "2", "3"].map(|source| world.ask(CellKind::Echo, source).1);
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(
        queues.map(|queue| world.status(&queue)),
        [QueueStatus::Failed, QueueStatus::Cancelled, QueueStatus::Cancelled]
    );
}

#[test]
fn row_039_an_entry_whose_cell_is_gone_fails() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    let (cell, queue) = world.ask(CellKind::Echo, "gone");
    let (_, next) = world.ask(CellKind::Echo, "next");
    world.commit(vec![Event::CellDeleted { id: cell, actor_id: None }]);
    world.start(&agent);
    world.host.advance(100);
    assert_eq!((world.status(&queue), world.status(&next)), (QueueStatus::Failed, QueueStatus::Completed));
    assert_eq!(diary.read(), ["next"]);
    let told = world.log().into_iter().any(|entry| {
        matches!(entry.event, Event::ExecutionCompleted { error: Some(error), .. } if error == "cell not found")
    });
    assert!(told);
}

#[test]
fn row_040_the_source_at_the_start_is_executed_and_noted() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    let (cell, queue) = world.ask(CellKind::Echo, "old");
    world.commit(vec![Event::CellSourceChanged {
        id: cell,
        source: "new".to_owned(),
        modified_by: "ada".to_owned(),
    }]);
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(diary.read(), ["new"]);
    assert_eq!(world.store.execution_note(&queue).unwrap().unwrap().source, "new");
}

#[test]
fn row_041_an_agent_does_not_claim_what_is_not_its_lane() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    let (_, prompt) = world.ask(CellKind::Ai, "hello");
    let (_, shell) = world.ask(CellKind::Shell, "ls");
    world.host.advance(100);
    assert_eq!((world.status(&prompt), world.status(&shell)), (QueueStatus::Pending, QueueStatus::Pending));
}

#[test]
fn row_041_a_lane_without_the_capability_is_refused() {
    let world = World::new();
    let handlers = Handlers::new().with(CellKind::Ai, echo());
    let options = Options::new("test", "ada", [CellKind::Ai]);
    let mut capabilities = all();
    capabilities.can_execute_ai = false;
    let agent = RuntimeAgent::new(
        Rc::new(world.store.clone()),
        Rc::new(world.host.clone()),
        capabilities,
        handlers,
        options,
    );
    assert_eq!(world.host.run(agent.start()), Err(StartError::NotCapable(CellKind::Ai)));
}

#[test]
fn row_044_what_was_asked_while_nobody_ran_is_executed_in_order() {
    let world = World::new();
    let diary = Diary::default();
    for source in ["one", "two", "three"] {
        world.ask(CellKind::Echo, source);
    }
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(diary.read(), ["one", "two", "three"]);
}

#[test]
fn an_entry_that_somebody_else_claimed_is_left_alone() {
    let world = World::new();
    let diary = Diary::default();
    world.locks.take("other");
    let (_, queue) = world.ask(CellKind::Echo, "theirs");
    world.commit(vec![Event::ExecutionAssigned {
        queue_id: queue.clone(),
        runtime_session_id: RuntimeSessionId::from("other"),
    }]);
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(diary.read(), [""; 0]);
    assert_eq!(world.status(&queue), QueueStatus::Assigned);
}

#[test]
fn the_ai_lane_keeps_its_outputs_and_goes_on_behind_them() {
    let world = World::new();
    let agent = world.agent_with(world.options(&[CellKind::Ai]), echo());
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Ai, "hello");
    world.host.advance(100);
    world.request(&cell);
    world.host.advance(100);
    assert_eq!(world.texts(&cell), ["hello", "hello"]);
    let positions: Vec<f64> = world.outputs(&cell).iter().map(|output| output.position).collect();
    assert_eq!(positions, [0.0, 1.0]);
    assert!(!world.log().iter().any(|entry| matches!(entry.event, Event::CellOutputsCleared { .. })));
}

#[test]
fn a_handler_writes_through_the_store_it_was_given() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        let committed =
            cx.commit(vec![Event::NotebookMetadataSet { key: "k".to_owned(), value: "v".to_owned() }]);
        assert_eq!(cx.store().last_rowid().unwrap(), committed.unwrap().last);
        assert!(cx.store().status().open);
    }));
    world.start(&agent);
    let (_, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    assert_eq!(world.store.metadata().unwrap()["k"], "v");
}
