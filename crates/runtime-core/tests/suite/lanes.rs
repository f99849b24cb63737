//! Who holds a lane: displacement, waiting, taking over.

use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{CellKind, QueueStatus, StoreExt};
use purlin_runtime_core::{AgentStatus, Outcome, handler_fn};

use crate::support::{Diary, World, echo, noting, patient};

fn active(world: &World) -> usize {
    world.store.runtime_sessions().unwrap().iter().filter(|session| session.is_active).count()
}

#[test]
fn a_surface_waits_for_a_living_holder_and_takes_over_when_it_is_gone() {
    let world = World::new();
    let diary = Diary::default();
    let first = world.agent(patient());
    world.start(&first);
    let holder = first.session_id().unwrap();
    let (_, lost) = world.ask(CellKind::Echo, "lost");
    world.host.settle();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let second = world.agent_with(options, noting(&diary));
    world.start(&second);
    assert_eq!(second.status(), AgentStatus::Waiting);
    let (_, queued) = world.ask(CellKind::Echo, "queued");
    world.host.advance(1000);
    assert_eq!(world.status(&queued), QueueStatus::Pending);
    assert_eq!(active(&world), 1);
    // Kill -9: the lock is released, and nothing is written.
    world.locks.release(&holder);
    world.host.advance(100);
    assert_eq!(second.status(), AgentStatus::Ready);
    assert_eq!((world.status(&lost), world.status(&queued)), (QueueStatus::Failed, QueueStatus::Completed));
    assert_eq!(
        diary.read(),
        [format!("waiting for {holder}"), "startup".to_owned(), "connected".to_owned(), "queued".to_owned()]
    );
}

#[test]
fn a_surface_takes_over_when_the_holder_shuts_down() {
    let world = World::new();
    let (first, second) = (world.agent(echo()), world.agent(echo()));
    world.start(&first);
    world.start(&second);
    assert_eq!(second.status(), AgentStatus::Waiting);
    world.host.run(first.shutdown());
    world.host.settle();
    assert_eq!(second.status(), AgentStatus::Ready);
    assert_eq!(active(&world), 1);
}

#[test]
fn a_displaced_surface_says_so_and_takes_over_again() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let surface = world.agent_with(options, patient());
    world.start(&surface);
    let first_session = surface.session_id().unwrap();
    let (_, running) = world.ask(CellKind::Echo, "running");
    world.host.settle();
    let mut options = world.options(&[CellKind::Echo]);
    options.displace = true;
    let runtime = world.agent_with(options, echo());
    world.start(&runtime);
    assert_eq!(surface.status(), AgentStatus::Waiting);
    assert_eq!(world.status(&running), QueueStatus::Cancelled);
    let (cell, queue) = world.ask(CellKind::Echo, "theirs");
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    assert_eq!(world.texts(&cell), ["theirs"]);
    world.host.run(runtime.shutdown());
    world.host.settle();
    assert_eq!(surface.status(), AgentStatus::Ready);
    assert_ne!(surface.session_id(), Some(first_session));
    let told = diary.read();
    assert_eq!(told[..2], ["startup", "connected"]);
    assert!(told[2].starts_with("cancelled"), "{told:?}");
    assert_eq!(told[3], "displaced");
    assert!(told[4].starts_with("waiting for"), "{told:?}");
    assert_eq!(told[5..], ["startup", "connected"]);
}

/// Executions of one lane run one after the other, also where it changes hands.
#[test]
fn a_lane_is_used_again_when_the_displaced_holder_has_ended_its_work() {
    let world = World::new();
    let first = world.agent(handler_fn(|cx| async move {
        cx.cancellation().await;
        cx.host().sleep(Duration::from_millis(700)).await;
        cx.stdout("tidied up");
        cx.check_cancellation()?;
        Ok(Outcome::done())
    }));
    world.start(&first);
    let (cell, running) = world.ask(CellKind::Echo, "running");
    world.host.settle();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo, CellKind::Shell]);
    options.displace = true;
    let second = world.agent_with(options, noting(&diary));
    world.start(&second);
    let (_, next) = world.ask(CellKind::Echo, "next");
    let (_, beside) = world.ask(CellKind::Shell, "beside");
    world.host.advance(699);
    assert_eq!((world.status(&running), world.status(&next)), (QueueStatus::Executing, QueueStatus::Pending));
    assert_eq!(diary.read(), ["beside"], "what nobody executes need not wait");
    world.host.advance(1);
    assert_eq!(
        (world.status(&running), world.status(&next)),
        (QueueStatus::Cancelled, QueueStatus::Completed)
    );
    assert_eq!(
        (world.texts(&cell), world.status(&beside)),
        (vec!["tidied up".to_owned()], QueueStatus::Completed)
    );
}

#[test]
fn lanes_that_do_not_intersect_are_held_side_by_side() {
    let world = World::new();
    let echoes = world.agent(echo());
    let mut options = world.options(&[CellKind::Shell]);
    options.displace = true;
    let shell = world.agent_with(options, echo());
    world.start(&echoes);
    world.start(&shell);
    assert_eq!((echoes.status(), shell.status()), (AgentStatus::Ready, AgentStatus::Ready));
    assert_eq!(active(&world), 2);
    let (_, one) = world.ask(CellKind::Echo, "one");
    let (_, two) = world.ask(CellKind::Shell, "two");
    world.host.advance(100);
    assert_eq!(world.entry(&one).assigned_runtime_session, echoes.session_id());
    assert_eq!(world.entry(&two).assigned_runtime_session, shell.session_id());
}

#[test]
fn two_waiting_surfaces_end_with_one_holder() {
    let world = World::new();
    let holder = world.agent(echo());
    world.start(&holder);
    let (one, two) = (world.agent(echo()), world.agent(echo()));
    world.start(&one);
    world.start(&two);
    world.host.run(holder.shutdown());
    world.host.settle();
    let mut statuses = [one.status(), two.status()];
    statuses.sort_by_key(|status| *status as u8);
    assert_eq!(statuses, [AgentStatus::Waiting, AgentStatus::Ready]);
    assert_eq!(active(&world), 1);
}

#[test]
fn a_waiting_surface_can_be_shut_down() {
    let world = World::new();
    let (first, second) = (world.agent(echo()), world.agent(echo()));
    world.start(&first);
    world.start(&second);
    world.host.run(second.shutdown());
    assert_eq!(second.status(), AgentStatus::Stopped);
    assert_eq!(first.status(), AgentStatus::Ready);
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn every_request_is_executed_once_although_the_lane_changes_hands() {
    let world = World::new();
    let diary = Diary::default();
    let sources: Vec<String> = (0..100).map(|n| format!("job {n}")).collect();
    let mut agent = world.agent(noting(&diary));
    world.start(&agent);
    for chunk in sources.chunks(10) {
        for source in chunk {
            world.ask(CellKind::Echo, source);
        }
        let mut options = world.options(&[CellKind::Echo]);
        options.displace = true;
        agent = world.agent_with(options, noting(&diary));
        world.start(&agent);
        world.host.advance(5);
    }
    world.host.advance(1000);
    assert_eq!(diary.read(), sources);
}
