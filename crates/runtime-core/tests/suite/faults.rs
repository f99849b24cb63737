//! A store that fails: a full disk, a store in use. Nothing is lost, nothing hangs, the agent goes on.

use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{CellKind, QueueStatus, StoreError, StoreExt};
use purlin_runtime_core::{Outcome, handler_fn};

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
    world.host.advance(10_000);
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
    world.host.advance(5000);
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
