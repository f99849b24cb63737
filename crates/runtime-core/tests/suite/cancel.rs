//! Cancellation: rows 32 to 37.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{CellKind, Event, ExecutionState, QueueStatus, StoreExt, ToolCallStatus};
use purlin_runtime_core::{Host, Outcome, handler_fn};

use crate::support::{Diary, World, annotated, deaf, noting, patient};

#[test]
fn row_032_a_cancelled_entry_is_never_executed() {
    let world = World::new();
    let diary = Diary::default();
    let (_, queue) = world.ask(CellKind::Echo, "no");
    world.cancel(&queue);
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(diary.read(), [""; 0]);
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
}

#[test]
fn row_032_what_is_cancelled_while_it_waits_behind_another_is_never_executed() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(noting(&diary));
    world.start(&agent);
    world.ask(CellKind::Echo, "100");
    let [first, second, third] = ["1", "2", "3"].map(|source| world.ask(CellKind::Echo, source).1);
    world.host.advance(50);
    world.cancel(&first);
    world.host.advance(10);
    // The last of what waits, and one that goes in the moment its lane becomes free.
    world.cancel(&third);
    world.host.advance(1_000);
    assert_eq!(diary.read(), ["100", "2"]);
    let statuses = [first, second, third].map(|queue| world.status(&queue));
    assert_eq!(statuses, [QueueStatus::Cancelled, QueueStatus::Completed, QueueStatus::Cancelled]);
}

#[test]
fn row_033_a_cancelled_execution_hears_of_it_once_and_is_not_completed() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let heard = diary.clone();
    let agent = world.agent_with(
        options,
        handler_fn(move |cx| {
            let heard = heard.clone();
            async move {
                cx.stdout("some");
                cx.on_cancel(move |reason| heard.note(format!("callback {reason}")));
                cx.cancellation().await;
                assert!(cx.cancelled());
                cx.stdout(" last words");
                cx.check_cancellation()?;
                Ok(Outcome::done())
            }
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.settle();
    world.cancel(&queue);
    world.host.settle();
    world.commit(vec![Event::NotebookTitleChanged { title: "another event".to_owned() }]);
    world.host.advance(10_000);
    assert_eq!(
        diary.read(),
        [
            "startup".to_owned(),
            "connected".to_owned(),
            "callback user_requested".to_owned(),
            format!("cancelled {queue} {cell} user_requested")
        ]
    );
    assert!(!world.log().iter().any(|entry| matches!(entry.event, Event::ExecutionCompleted { .. })));
    assert_eq!(world.texts(&cell), ["some last words"]);
}

/// The queue changes while a handler ends: the cancellation is in it all the while, and is told once.
#[test]
fn row_033_changes_of_the_queue_do_not_tell_of_a_cancellation_again() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let heard = diary.clone();
    let agent = world.agent_with(
        options,
        handler_fn(move |cx| {
            let heard = heard.clone();
            async move {
                if cx.source() != "long" {
                    return Ok(Outcome::done());
                }
                cx.on_cancel(move |reason| heard.note(format!("callback {reason}")));
                cx.cancellation().await;
                cx.host().sleep(Duration::from_secs(1)).await;
                Ok(Outcome::done())
            }
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "long");
    world.host.settle();
    let mut later = Vec::new();
    for _ in 0..5 {
        world.cancel(&queue);
        world.host.advance(10);
        later.push(world.ask(CellKind::Echo, "next").1);
        world.host.advance(10);
    }
    world.host.advance(10_000);
    let told: Vec<String> = diary.read().split_off(2);
    assert_eq!(
        told,
        ["callback user_requested".to_owned(), format!("cancelled {queue} {cell} user_requested")]
    );
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
    // What was asked for after the interrupt has its turn, although the entry was cancelled again behind it.
    assert_eq!(later.iter().map(|id| world.status(id)).collect::<Vec<_>>(), [QueueStatus::Completed; 5]);
}

#[test]
fn row_034_a_handler_that_does_not_listen_is_dropped_after_the_grace_period() {
    struct Dropped(Rc<Cell<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let world = World::new();
    let dropped = Rc::new(Cell::new(false));
    let mut options = world.options(&[CellKind::Echo]);
    options.grace = Duration::from_millis(500);
    let flag = dropped.clone();
    let agent = world.agent_with(
        options,
        handler_fn(move |cx| {
            let held = Dropped(flag.clone());
            async move {
                let _held = held;
                if cx.source() == "deaf" { crate::support::never().await } else { Ok(Outcome::done()) }
            }
        }),
    );
    world.start(&agent);
    let (_, queue) = world.ask(CellKind::Echo, "deaf");
    world.host.settle();
    world.cancel(&queue);
    world.host.advance(499);
    assert!(!dropped.get());
    world.host.advance(1);
    assert!(dropped.get());
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
    let (_, next) = world.ask(CellKind::Echo, "next");
    world.host.advance(10);
    assert_eq!(world.status(&next), QueueStatus::Completed);
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn row_035_a_callback_that_panics_does_not_keep_the_others_from_being_called() {
    let world = World::new();
    let diary = Diary::default();
    let heard = diary.clone();
    let agent = world.agent(handler_fn(move |cx| {
        let heard = heard.clone();
        async move {
            cx.on_cancel(|_| panic!("on purpose"));
            cx.on_cancel(move |reason| heard.note(reason));
            cx.cancellation().await;
            Ok(Outcome::done())
        }
    }));
    world.start(&agent);
    let (_, queue) = world.ask(CellKind::Echo, "");
    world.host.settle();
    world.cancel(&queue);
    world.host.advance(10);
    assert_eq!(diary.read(), ["user_requested"]);
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
}

#[test]
fn row_036_cancelling_all_ends_everything_that_is_not_over() {
    let world = World::new();
    let agent = world.agent(noting(&Diary::default()));
    world.start(&agent);
    let (done_cell, done) = world.ask(CellKind::Echo, "done");
    world.host.advance(100);
    let (running_cell, running) = world.ask(CellKind::Echo, "1000");
    let (waiting_cell, waiting) = world.ask(CellKind::Echo, "1000");
    let (_, foreign) = world.ask(CellKind::Ai, "prompt");
    world.host.advance(10);
    world.commit(vec![Event::AllExecutionsCancelled {}]);
    world.host.advance(10_000);
    assert_eq!(
        [&done, &running, &waiting, &foreign].map(|queue| world.status(queue)),
        [QueueStatus::Completed, QueueStatus::Cancelled, QueueStatus::Cancelled, QueueStatus::Cancelled]
    );
    let state = |cell| world.store.cell(cell).unwrap().unwrap().execution_state;
    assert_eq!(
        [&done_cell, &running_cell, &waiting_cell].map(state),
        [ExecutionState::Completed, ExecutionState::Idle, ExecutionState::Idle]
    );
}

#[test]
fn row_037_an_interrupt_cancels_what_stands_behind_and_nothing_that_came_later() {
    let world = World::new();
    let agent = world.agent_with(world.options(&[CellKind::Echo, CellKind::Shell]), patient());
    world.start(&agent);
    let (_, running) = world.ask(CellKind::Echo, "running");
    let (_, other_lane) = world.ask(CellKind::Shell, "other");
    world.host.settle();
    let (_, seen) = world.ask(CellKind::Echo, "seen");
    world.host.settle();
    let (_, unseen) = world.ask(CellKind::Echo, "unseen, but before the interrupt");
    world.cancel(&running);
    let (_, later) = world.ask(CellKind::Echo, "later");
    world.host.settle();
    assert_eq!(
        [&running, &seen, &unseen].map(|queue| world.status(queue)),
        [QueueStatus::Cancelled, QueueStatus::Cancelled, QueueStatus::Cancelled]
    );
    assert_eq!(
        [&other_lane, &later].map(|queue| world.status(queue)),
        [QueueStatus::Executing, QueueStatus::Executing]
    );
}

/// Where it stands in the log counts, not when the agent looked at it.
#[test]
fn row_037_what_came_after_the_interrupt_is_not_cancelled_whatever_is_known_of_it() {
    let world = World::new();
    let agent = world.agent(patient());
    world.start(&agent);
    let (_, running) = world.ask(CellKind::Echo, "running");
    world.host.settle();
    let (before, behind) = world.ask(CellKind::Echo, "behind");
    world.cancel(&running);
    let (after, later) = world.ask(CellKind::Echo, "later");
    // Both are filed anew before the interrupt is dealt with.
    world.commit([&after, &before].map(|cell| annotated(cell, CellKind::Echo)));
    world.host.settle();
    assert_eq!(
        [&running, &behind, &later].map(|queue| world.status(queue)),
        [QueueStatus::Cancelled, QueueStatus::Cancelled, QueueStatus::Executing]
    );
}

#[test]
fn row_037_an_interrupt_leaves_the_queue_alone_if_so_wished() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.interrupt_clears_queue = false;
    let agent = world.agent_with(options, patient());
    world.start(&agent);
    let (_, running) = world.ask(CellKind::Echo, "running");
    let (_, behind) = world.ask(CellKind::Echo, "behind");
    world.host.settle();
    world.cancel(&running);
    world.host.settle();
    assert_eq!(world.status(&behind), QueueStatus::Executing);
}

#[test]
fn a_tool_call_without_an_end_is_ended_when_its_execution_is_stopped_hard() {
    let world = World::new();
    let agent = world.agent_with(
        world.options(&[CellKind::Ai]),
        handler_fn(|cx| async move {
            cx.commit(vec![Event::ToolCallStarted {
                tool_call_id: "call".to_owned(),
                cell_id: cx.cell.id.clone(),
                output_id: "out".into(),
                arguments: serde_json::json!({}),
            }])?;
            crate::support::never().await
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Ai, "");
    world.host.settle();
    world.cancel(&queue);
    world.host.advance(10_000);
    assert_eq!(world.store.tool_calls(&cell).unwrap()[0].status, Some(ToolCallStatus::Cancelled));
}

#[test]
fn a_context_that_was_kept_changes_nothing_after_its_execution() {
    let world = World::new();
    let kept = Rc::new(std::cell::RefCell::new(None));
    let place = kept.clone();
    let agent = world.agent(handler_fn(move |cx| {
        *place.borrow_mut() = Some((cx.clone(), cx.markdown("text")));
        async { Ok(Outcome::done()) }
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    let before = world.last_rowid();
    let (cx, stream) = kept.borrow_mut().take().unwrap();
    cx.stdout("late");
    cx.error("Late", "Too late.", &[]);
    stream.append("late");
    stream.finish();
    assert!(cx.commit(vec![Event::NotebookTitleChanged { title: "late".to_owned() }]).is_err());
    world.host.advance(1000);
    assert_eq!(world.names_after(before), [""; 0]);
    assert_eq!(world.texts(&cell), ["text"]);
    let _ = world.host.now();
}

#[test]
fn a_deaf_handler_does_not_keep_a_shutdown_for_longer_than_the_grace_period() {
    let world = World::new();
    let agent = world.agent(deaf());
    world.start(&agent);
    world.ask(CellKind::Echo, "");
    world.host.settle();
    let before = world.host.mono();
    world.host.run(agent.shutdown());
    assert_eq!(world.host.mono() - before, 2000);
}
