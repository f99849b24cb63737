//! What comes late is dropped (Claiming 5): every late word carries session, entry and attempt.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{
    CellKind, CompletionStatus, Event, Media, QueueId, QueueStatus, Representations, RuntimeSessionId,
    TerminationReason,
};
use purlin_runtime_core::{ExecutionContext, Outcome, handler_fn};

use crate::support::{Diary, World, never};

/// Gives an entry back in the name of its owner, as an agent does that takes the owner for dead.
fn released(queue: &QueueId, session: &RuntimeSessionId) -> Event {
    Event::ExecutionReleased {
        queue_id: queue.clone(),
        runtime_session_id: session.clone(),
        reason: "runtime lost".to_owned(),
    }
}

#[test]
fn a_late_timer_of_an_attempt_does_not_stop_the_next_attempt() {
    let world = World::new();
    let attempts = Rc::new(Cell::new(0));
    let count = attempts.clone();
    let agent = world.agent(handler_fn(move |cx: ExecutionContext| {
        count.set(count.get() + 1);
        let first = count.get() == 1;
        async move {
            if first {
                cx.cancellation().await;
            } else {
                cx.host().sleep(Duration::from_secs(5)).await;
                cx.stdout("done");
            }
            Ok(Outcome::done())
        }
    }));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.settle();
    // The first attempt is asked to stop, which arms the grace period of 2 s, and ends at once.
    world.commit([released(&queue, &agent.session_id().unwrap())]);
    world.host.advance(10_000);
    assert_eq!(attempts.get(), 2);
    assert_eq!((world.status(&queue), world.texts(&cell)), (QueueStatus::Completed, vec!["done".to_owned()]));
}

#[test]
fn a_late_result_of_an_attempt_does_not_complete_the_next_attempt() {
    let world = World::new();
    let attempts = Rc::new(Cell::new(0));
    let count = attempts.clone();
    let agent = world.agent(handler_fn(move |cx: ExecutionContext| {
        count.set(count.get() + 1);
        let first = count.get() == 1;
        async move {
            if first {
                // It hears of its end and takes its time, then answers as if nothing had been.
                cx.stdout("before, ");
                cx.cancellation().await;
                cx.host().sleep(Duration::from_millis(500)).await;
                cx.stdout("late");
                let late = [("text/plain".to_owned(), Media::text("late"))].into();
                return Ok(Outcome::with_result(late));
            }
            never().await
        }
    }));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.texts(&cell), ["before, "]);
    world.commit([released(&queue, &agent.session_id().unwrap())]);
    world.host.advance(400);
    assert_eq!((attempts.get(), world.status(&queue)), (1, QueueStatus::Pending), "its lane is not free yet");
    world.host.advance(1_000);
    assert_eq!((attempts.get(), world.status(&queue)), (2, QueueStatus::Executing));
    assert!(world.texts(&cell).is_empty(), "the second attempt cleared the outputs, and nothing late came");
}

#[test]
fn what_others_have_settled_puts_nothing_out_any_more() {
    let world = World::new();
    let diary = Diary::default();
    let heard = diary.clone();
    let agent = world.agent(handler_fn(move |cx: ExecutionContext| {
        let heard = heard.clone();
        async move {
            cx.on_cancel(move |reason| heard.note(reason));
            cx.stdout("before");
            cx.host().sleep(Duration::from_millis(50)).await;
            cx.stdout(" pending when it was lost");
            cx.cancellation().await;
            cx.stdout(" late");
            Ok(Outcome::done())
        }
    }));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(60);
    world.commit([Event::ExecutionCompleted {
        queue_id: queue.clone(),
        cell_id: cell.clone(),
        status: CompletionStatus::Error,
        error: Some("runtime lost".to_owned()),
        completed_at: "2026-01-01T00:00:00.000Z".to_owned(),
        execution_duration_ms: 0,
    }]);
    let before = world.last_rowid();
    world.host.advance(5_000);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
    assert_eq!(world.names_after(before), ["RuntimeSessionStatusChanged"], "the runtime is ready again");
    assert_eq!(diary.read(), ["lost"]);
    assert_eq!(world.texts(&cell), ["before"]);
}

#[test]
fn what_is_lost_is_no_interrupt_and_clears_no_queue() {
    let world = World::new();
    let diary = Diary::default();
    let agent = world.agent(crate::support::noting(&diary));
    world.start(&agent);
    let (_, lost) = world.ask(CellKind::Echo, "1000");
    let (_, behind) = world.ask(CellKind::Echo, "1");
    world.host.settle();
    world.commit([released(&lost, &agent.session_id().unwrap())]);
    world.host.advance(5_000);
    assert_eq!([&lost, &behind].map(|queue| world.status(queue)), [QueueStatus::Completed; 2]);
    assert_eq!(diary.read(), ["1000", "1000", "1"], "what was given back keeps its place");
}

#[test]
fn a_late_upload_after_a_displacement_is_dropped() {
    let world = World::new();
    let kept: Rc<RefCell<Option<ExecutionContext>>> = Rc::default();
    let place = kept.clone();
    let mut options = world.options(&[CellKind::Echo]);
    options.displace = true;
    let agent = world.agent_with(
        options,
        handler_fn(move |cx: ExecutionContext| {
            // An upload that goes on beside its handler, and ends when nobody waits for it.
            let upload = cx.clone();
            cx.host()
                .spawn(Box::pin(async move {
                    upload.host().sleep(Duration::from_secs(10)).await;
                    let shown: Representations = [("text/plain".to_owned(), Media::text("uploaded"))].into();
                    upload.display(shown, None);
                    let title = Event::NotebookTitleChanged { title: "late".to_owned() };
                    assert!(upload.commit(vec![title]).is_err());
                }))
                .detach();
            *place.borrow_mut() = Some(cx);
            never()
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.settle();
    let (session_id, reason) = (agent.session_id().unwrap(), TerminationReason::Displaced);
    world.commit([Event::RuntimeSessionTerminated { session_id, reason }]);
    world.host.advance(5_000);
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
    let before = world.last_rowid();
    world.host.advance(60_000);
    assert_eq!(world.names_after(before), [""; 0]);
    assert!(world.outputs(&cell).is_empty());
    assert!(kept.borrow().as_ref().is_some_and(ExecutionContext::cancelled));
}
