//! A store that fails: a full disk, a store in use. Nothing is lost, nothing hangs, the agent goes on.

use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{CellKind, QueueStatus, StoreError, StoreExt};
use purlin_runtime_core::{AgentStatus, Outcome, RunError, handler_fn};

use crate::support::{Diary, FaultyStore, World, noting};

fn full() -> StoreError {
    StoreError::Backend("the disk is full".to_owned())
}

#[test]
fn a_full_disk_fails_the_execution_and_its_text_is_written_when_there_is_room() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let agent = world.agent_on(
        Rc::new(store.clone()),
        world.options(&[CellKind::Echo]),
        handler_fn(|cx| async move {
            cx.stdout("before, ");
            cx.host().sleep(Duration::from_millis(50)).await;
            cx.stdout("during");
            cx.cancellation().await;
            Ok(Outcome::done())
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(40);
    *store.commit_fails.borrow_mut() = Some(full());
    world.host.advance(1500);
    assert_eq!(world.status(&queue), QueueStatus::Executing);
    assert_eq!(world.texts(&cell), ["before, "]);
    *store.commit_fails.borrow_mut() = None;
    world.host.advance(1000);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
    assert_eq!(world.texts(&cell)[0], "before, during");
    assert_eq!(
        world.store.execution_note(&queue).unwrap().unwrap().error.unwrap(),
        "StoreError: the disk is full"
    );
    world.host.advance(1000);
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn what_could_not_be_started_is_given_back_and_executed_later() {
    let world = World::new();
    let diary = Diary::default();
    let store = FaultyStore::new(&world.store);
    let agent = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), noting(&diary));
    world.start(&agent);
    *store.commit_fails.borrow_mut() = Some(full());
    let (_, queue) = world.ask(CellKind::Echo, "later");
    world.host.advance(1500);
    assert_eq!(diary.read(), [""; 0]);
    *store.commit_fails.borrow_mut() = None;
    world.host.advance(1000);
    assert_eq!(diary.read(), ["later"]);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
}

#[test]
fn a_store_in_use_is_waited_for() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let agent = world.agent_on(
        Rc::new(store.clone()),
        world.options(&[CellKind::Echo]),
        handler_fn(|cx| async move {
            for piece in ["one ", "two ", "three"] {
                cx.stdout(piece);
                cx.host().sleep(Duration::from_millis(200)).await;
            }
            Ok(Outcome::done())
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    *store.commit_fails.borrow_mut() = Some(StoreError::Busy);
    world.host.advance(300);
    *store.commit_fails.borrow_mut() = None;
    world.host.advance(1000);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    assert_eq!(world.texts(&cell), ["one two three"]);
}

#[test]
fn a_start_that_cannot_be_flushed_is_a_failure_of_the_execution() {
    let world = World::new();
    let diary = Diary::default();
    let store = FaultyStore::new(&world.store);
    let agent = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), noting(&diary));
    world.start(&agent);
    store.flush_fails.set(true);
    let (_, queue) = world.ask(CellKind::Echo, "never run");
    world.host.advance(100);
    assert_eq!(diary.read(), [""; 0]);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
}

#[test]
fn a_disk_that_stays_full_ends_the_run_with_the_stores_message_and_a_new_run_settles_the_rest() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let streams = || {
        handler_fn(|cx| async move {
            cx.stdout("before, ");
            cx.host().sleep(Duration::from_millis(50)).await;
            cx.stdout("during");
            cx.cancellation().await;
            Ok(Outcome::done())
        })
    };
    let agent = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), streams());
    let ended = Rc::new(std::cell::RefCell::new(None));
    let (running, slot) = (agent.clone(), ended.clone());
    world.host.spawn_detached(async move {
        running.start().await.expect("the agent starts");
        *slot.borrow_mut() = Some(running.run().await);
    });
    world.host.settle();
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(40);
    *store.commit_fails.borrow_mut() = Some(full());
    world.host.advance(8_000);
    assert_eq!(*ended.borrow(), Some(Err(RunError::Store(full()))));
    assert_eq!(agent.status(), AgentStatus::Stopped);
    assert_eq!(world.host.timers(), 0);
    *store.commit_fails.borrow_mut() = None;
    let next = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), streams());
    world.start(&next);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
    assert_eq!(world.texts(&cell), ["before, "]);
}

#[test]
fn a_prompt_that_cannot_be_claimed_ends_the_run_too() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let agent =
        world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), noting(&Diary::default()));
    let running = agent.clone();
    world.host.spawn_detached(async move {
        running.start().await.expect("the agent starts");
        assert_eq!(running.run().await, Err(RunError::Store(full())));
    });
    world.host.settle();
    *store.commit_fails.borrow_mut() = Some(full());
    world.ask(CellKind::Echo, "never");
    world.host.advance(8_000);
    assert_eq!(agent.status(), AgentStatus::Stopped);
}
