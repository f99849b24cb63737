//! Claiming and completing: rows 20 to 26, 29 to 31, 38 to 41, 44.

use std::cell::Cell;
use std::rc::Rc;

use purlin_notebook::{
    Capabilities, CellId, CellKind, CellRun, CellType, CompletionStatus, Event, ExecutionState, OutputType,
    QueueId, QueueStatus, RuntimeSessionId, Store, StoreExt,
};
use purlin_runtime_core::{
    ExecutionContext, ExecutionError, Handlers, Options, Outcome, RuntimeAgent, StartError, handler_fn,
};

use crate::support::{Diary, FaultyStore, World, all, doing, echo, noting, patient, requested};

#[test]
fn row_020_the_events_of_an_execution_come_in_order() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "hello");
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
    let log = world.log();
    assert!(log.iter().any(|entry| matches!(&entry.event,
        Event::CellOutputsCleared { cell_id, wait: false, cleared_by } if *cell_id == cell && cleared_by == "runtime-test-runtime")));
    assert!(matches!(
        &log.last().unwrap().event,
        Event::ExecutionCompleted { queue_id, status: CompletionStatus::Success, .. } if *queue_id == queue
    ));
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
fn row_021_a_duration_is_no_less_than_nothing_although_the_clock_goes_back() {
    let world = World::new();
    let agent = world.agent(noting(&Diary::default()));
    world.start(&agent);
    for (shift, millis) in [(-3_600_000, 250), (7_200_000, 40), (0, 0)] {
        let (cell, queue) = world.ask(CellKind::Echo, &millis.to_string());
        world.host.settle();
        world.host.shift_wall(shift);
        world.host.advance(1_000);
        let cell = world.store.cell(&cell).unwrap().unwrap();
        let durations = (world.entry(&queue).execution_duration_ms, cell.last_execution_duration_ms);
        assert_eq!(durations, (Some(millis), Some(millis)), "the clock moved by {shift} ms");
    }
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
    assert_eq!(
        diary.read(),
        ["startup".to_owned(), "connected".to_owned(), format!("error {bad} Bad: It was bad.")]
    );
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
fn row_025_the_list_is_the_order_also_where_another_lane_looks_through_it_first() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent_with(world.options(&[CellKind::Echo, CellKind::Shell]), noting(&diary));
    world.start(&agent);
    // While the first one runs, the free lane finds its own behind all the others.
    let echoes = ["100", "101", "102", "103"].map(|source| (CellKind::Echo, source));
    run_all(&world, "run", &[&echoes[..], &[(CellKind::Shell, "999")]].concat());
    world.host.advance(10_000);
    assert_eq!(diary.read(), ["100", "999", "101", "102", "103"]);
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
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    let (cell, mine) = world.ask(CellKind::Echo, "100");
    let (other, pending) = world.ask(CellKind::Echo, "later");
    world.host.advance(50);
    let before = [world.entry(&mine), world.entry(&pending)];
    assert_eq!(before.each_ref().map(|entry| entry.status), [QueueStatus::Executing, QueueStatus::Pending]);
    // Another replica, with a session of its own that is alive, speaks of what we run and of what nobody has claimed.
    let thief = world.store.as_replica("elsewhere", "run");
    world.locks.take("thief");
    let of_another_lane = Event::LanesAnnounced { session_id: "thief".into(), lanes: vec![CellKind::Python] };
    thief.commit(&[session_started("thief"), of_another_lane]).unwrap();
    for (queue, cell) in [(&mine, &cell), (&pending, &other)] {
        thief
            .commit(&[
                Event::ExecutionStarted {
                    queue_id: queue.clone(),
                    cell_id: cell.clone(),
                    runtime_session_id: "thief".into(),
                    started_at: "2026-01-01T00:00:00.000Z".to_owned(),
                },
                completed(queue, cell),
                Event::ExecutionReleased {
                    queue_id: queue.clone(),
                    runtime_session_id: agent.session_id().unwrap(),
                    reason: "it is mine".to_owned(),
                },
            ])
            .unwrap();
    }
    assert_eq!([world.entry(&mine), world.entry(&pending)], before);
    world.host.advance(1_000);
    assert_eq!(diary.read(), ["100", "later"], "each was executed once, by us");
    assert_eq!([&mine, &pending].map(|queue| world.status(queue)), [QueueStatus::Completed; 2]);
}

fn session_started(session: &str) -> Event {
    Event::RuntimeSessionStarted {
        session_id: session.into(),
        runtime_id: "other".to_owned(),
        runtime_type: "other".to_owned(),
        capabilities: all(),
    }
}

fn completed(queue: &QueueId, cell: &CellId) -> Event {
    Event::ExecutionCompleted {
        queue_id: queue.clone(),
        cell_id: cell.clone(),
        status: CompletionStatus::Success,
        error: None,
        completed_at: "2026-01-01T00:00:00.000Z".to_owned(),
        execution_duration_ms: 0,
    }
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
    let stands = || (world.entry(&queue), world.store.cell(&cell).unwrap().unwrap().execution_state);
    let before = stands();
    assert_eq!((before.0.status, before.1), (QueueStatus::Cancelled, ExecutionState::Idle));
    // The owner's own completion was on its way, as that of an agent which had not heard of the cancellation.
    world.commit([completed(&queue, &cell)]);
    assert!(matches!(world.log().pop().unwrap().event, Event::ExecutionCompleted { .. }), "it is in the log");
    assert_eq!(stands(), before);
}

fn failing(options: Options, world: &World) -> RuntimeAgent {
    let fails = |cx: ExecutionContext| async move {
        if cx.source() == "bad" {
            return Err(ExecutionError::failed("Bad", "It was bad."));
        }
        Ok(Outcome::done())
    };
    world.agent_with(options, handler_fn(fails))
}

/// Asks for the execution of cells together, each of a kind and with a source.
fn run_all(world: &World, name: &str, cells: &[(CellKind, &str)]) -> Vec<QueueId> {
    let run = |(number, (kind, source)): (usize, &(CellKind, &str))| CellRun {
        id: world.cell(*kind, source),
        execution_count: 1,
        queue_id: QueueId::from(format!("{name}{number}")),
    };
    let cells_info: Vec<CellRun> = cells.iter().enumerate().map(run).collect();
    let queues = cells_info.iter().map(|run| run.queue_id.clone()).collect();
    world.commit(vec![Event::MultipleExecutionRequested { requested_by: "ada".to_owned(), cells_info }]);
    queues
}

#[test]
fn row_038_a_failure_cancels_the_rest_of_its_batch_and_no_other() {
    use CellKind::{Echo, Python};
    let cells = [(Echo, "good"), (Echo, "bad"), (Echo, "good"), (Python, "of another lane")];
    // Requested while nobody ran, or while the agent runs: it learns of the batch in different ways.
    for before in [true, false] {
        let world = World::new();
        let mut options = world.options(&[Echo]);
        options.stop_on_error = true;
        let agent = failing(options, &world);
        if !before {
            world.start(&agent);
        }
        let (_, earlier) = world.ask(Echo, "bad");
        let run = run_all(&world, "run", &cells);
        let (_, later) = world.ask(Echo, "good");
        let other = run_all(&world, "other", &[(Echo, "good"), (Echo, "good")]);
        if before {
            world.start(&agent);
        }
        world.host.advance(100);
        let statuses = |queues: &[QueueId]| queues.iter().map(|id| world.status(id)).collect::<Vec<_>>();
        use QueueStatus::{Cancelled, Completed, Failed};
        assert_eq!(statuses(&run), [Completed, Failed, Cancelled, Cancelled], "before the start: {before}");
        assert_eq!(statuses(&[earlier, later]), [Failed, Completed]);
        assert_eq!(statuses(&other), [Completed, Completed]);
    }
}

#[test]
fn row_038_requests_committed_together_are_a_batch_too() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.stop_on_error = true;
    let agent = failing(options, &world);
    world.start(&agent);
    let cells = ["bad", "good"].map(|source| world.cell(CellKind::Echo, source));
    world.commit([requested(&"one".into(), &cells[0]), requested(&"two".into(), &cells[1])]);
    world.host.advance(100);
    assert_eq!(world.status(&"two".into()), QueueStatus::Cancelled);
}

#[test]
fn row_038_a_failure_leaves_its_batch_alone_by_default() {
    let world = World::new();
    let agent = failing(world.options(&[CellKind::Echo]), &world);
    world.start(&agent);
    let run = run_all(&world, "run", &[(CellKind::Echo, "bad"), (CellKind::Echo, "good")]);
    world.host.advance(100);
    assert_eq!(world.status(&run[1]), QueueStatus::Completed);
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
fn row_039_a_cell_deleted_while_its_lane_is_busy_is_settled_at_once() {
    let world = World::new();
    let agent = world.agent(patient());
    world.start(&agent);
    let (_, running) = world.ask(CellKind::Echo, "running");
    let (cell, queue) = world.ask(CellKind::Echo, "gone");
    world.host.settle();
    world.commit(vec![Event::CellDeleted { id: cell, actor_id: None }]);
    world.host.settle();
    assert_eq!((world.status(&running), world.status(&queue)), (QueueStatus::Executing, QueueStatus::Failed));
}

#[test]
fn row_039_an_entry_whose_cell_is_gone_is_left_to_the_holder_of_its_lane() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Ai, "gone");
    world.commit(vec![Event::CellDeleted { id: cell, actor_id: None }]);
    world.host.advance(1_000);
    assert_eq!(world.status(&queue), QueueStatus::Pending);
    let (_, ours) = world.ask(CellKind::Echo, "goes on");
    world.host.advance(100);
    assert_eq!(world.status(&ours), QueueStatus::Completed);
    let holder = world.agent_with(world.options(&[CellKind::Ai]), echo());
    world.start(&holder);
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
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
fn row_040_a_source_edited_while_its_cell_waits_counts_and_one_edited_later_does_not() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    let edit = |cell: &CellId, source: &str| {
        let (id, source) = (cell.clone(), source.to_owned());
        world.commit([Event::CellSourceChanged { id, source, modified_by: "ada".to_owned() }]);
    };
    let (running, first) = world.ask(CellKind::Echo, "100");
    let (waiting, second) = world.ask(CellKind::Echo, "old");
    world.host.advance(50);
    edit(&running, "edited while it runs");
    edit(&waiting, "edited while it waits");
    world.host.advance(1_000);
    assert_eq!(diary.read(), ["100", "edited while it waits"]);
    let noted = [&first, &second].map(|queue| world.store.execution_note(queue).unwrap().unwrap().source);
    assert_eq!(noted, ["100", "edited while it waits"]);
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
fn row_041_the_type_of_a_cell_without_annotation_names_its_lane() {
    let world = World::new();
    let lanes = [CellKind::Python, CellKind::Sql, CellKind::Ai];
    let diary = Diary::default();
    let agent = world.agent_with(
        world.options(&lanes),
        doing({
            let diary = diary.clone();
            move |cx| diary.note(cx.kind.as_str())
        }),
    );
    world.start(&agent);
    let types = [CellType::Code, CellType::Sql, CellType::Ai, CellType::Markdown, CellType::Raw];
    for cell_type in types {
        let id = CellId::from(cell_type.as_str());
        world.commit([
            Event::CellCreated2 {
                id: id.clone(),
                fractional_index: cell_type.as_str().to_owned(),
                cell_type,
                created_by: "ada".to_owned(),
            },
            requested(&cell_type.as_str().into(), &id),
        ]);
    }
    world.host.advance(100);
    assert_eq!(diary.read(), ["python", "sql", "ai"]);
    let statuses = ["markdown", "raw"].map(|queue| world.status(&queue.into()));
    assert_eq!(statuses, [QueueStatus::Pending; 2]);
}

#[test]
fn an_entry_whose_cell_changes_its_kind_changes_its_lane() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Python, "shout");
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Pending);
    world.commit([crate::support::annotated(&cell, CellKind::Echo)]);
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
}

#[test]
fn the_work_of_a_claim_does_not_grow_with_what_waits() {
    const COUNT: usize = 10_000;
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let counted = Rc::new(Cell::new(0_usize));
    let count = counted.clone();
    let handler = doing(move |_| count.set(count.get() + 1));
    let agent = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), handler);
    let cell = world.cell(CellKind::Echo, "");
    let requests = |from: usize| -> Vec<Event> {
        (from..from + COUNT / 2).map(|n| requested(&QueueId::from(format!("q{n}")), &cell)).collect()
    };
    // Half of it waits when the agent starts, half of it comes later.
    world.commit(requests(0));
    world.start(&agent);
    world.commit(requests(COUNT / 2));
    world.host.advance(1000);
    assert_eq!(counted.get(), COUNT);
    let each = store.rows.get() / COUNT;
    assert!(each <= 20, "{each} rows were read for each execution");
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
    assert!(world.log().is_empty(), "nothing is begun");
}

#[test]
fn row_041_each_lane_needs_its_capability() {
    use CellKind::{Ai, Echo, Lua, Note, Python, Raw, Shell, Sql};
    let nothing = Capabilities::default;
    let (code, sql, ai) = (
        Capabilities { can_execute_code: true, ..nothing() },
        Capabilities { can_execute_sql: true, ..nothing() },
        Capabilities { can_execute_ai: true, ..nothing() },
    );
    let covered: [(Capabilities, &[CellKind]); 5] = [
        (nothing(), &[]),
        (code, &[Shell, Python, Lua, Echo]),
        (sql, &[Sql]),
        (ai, &[Ai]),
        (all(), &[Shell, Python, Lua, Echo, Sql, Ai]),
    ];
    for (capabilities, lanes) in covered {
        for lane in [Ai, Shell, Python, Sql, Lua, Echo, Note, Raw] {
            let world = World::new();
            let (store, host) = (Rc::new(world.store.clone()), Rc::new(world.host.clone()));
            let handlers = Handlers::new().with(lane, echo());
            let options = Options::new("test", "ada", [lane]);
            let agent = RuntimeAgent::new(store, host, capabilities.clone(), handlers, options);
            let expected = if lanes.contains(&lane) { Ok(()) } else { Err(StartError::NotCapable(lane)) };
            assert_eq!(world.host.run(agent.start()), expected, "{lane} with {capabilities:?}");
        }
    }
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
fn row_044_the_order_of_what_waited_stays_also_where_another_lane_looks_through_it_first() {
    let world = World::new();
    let diary = Diary::default();
    for source in ["100", "101", "102", "103"] {
        world.ask(CellKind::Echo, source);
    }
    world.ask(CellKind::Shell, "999");
    let agent = world.agent_with(world.options(&[CellKind::Echo, CellKind::Shell]), noting(&diary));
    world.start(&agent);
    world.ask(CellKind::Echo, "0");
    world.host.advance(10_000);
    assert_eq!(diary.read(), ["100", "999", "101", "102", "103", "0"]);
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
