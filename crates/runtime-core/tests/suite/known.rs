//! A store that knows the base schema only ("Ours" 5): nothing else is committed to it, and nothing gets stuck.

use std::rc::Rc;

use purlin_notebook::{CellId, CellKind, CellType, Event, QueueId, QueueStatus, Store, TerminationReason};
use purlin_runtime_core::{ExecutionContext, ExecutionError, Handler, Options, Outcome, handler_fn};

use crate::support::{FaultyStore, World, all, never, requested};

/// A notebook of another application: its cells have a type and no annotation.
struct Foreign {
    world: World,
    store: FaultyStore,
}

impl Foreign {
    fn new() -> Self {
        let world = World::new();
        let store = FaultyStore::new(&world.store);
        store.base_only.set(true);
        Self { world, store }
    }

    fn ask(&self, source: &str) -> QueueId {
        let (id, queue) = (CellId::from(source), QueueId::from(source));
        let created = Event::CellCreated2 {
            id: id.clone(),
            fractional_index: "m".to_owned(),
            cell_type: CellType::Code,
            created_by: "ada".to_owned(),
        };
        let source = source.to_owned();
        let changed = Event::CellSourceChanged { id: id.clone(), source, modified_by: "ada".to_owned() };
        self.world.commit([created, changed, requested(&queue, &id)]);
        queue
    }

    /// A session of somebody else that has claimed one entry and begun another.
    fn holder(&self, name: &str) -> [QueueId; 2] {
        let queues = ["claimed", "begun"].map(|what| self.ask(&format!("{what} by {name}")));
        let session = || name.into();
        let mut events = vec![Event::RuntimeSessionStarted {
            session_id: session(),
            runtime_id: "other".to_owned(),
            runtime_type: "other".to_owned(),
            capabilities: all(),
        }];
        let assigned = |queue: &QueueId| Event::ExecutionAssigned {
            queue_id: queue.clone(),
            runtime_session_id: session(),
        };
        events.extend(queues.iter().map(assigned));
        events.push(Event::ExecutionStarted {
            queue_id: queues[1].clone(),
            cell_id: queues[1].as_str().into(),
            runtime_session_id: session(),
            started_at: "2026-01-01T00:00:00.000Z".to_owned(),
        });
        self.world.store.as_replica(name, "run").commit(&events).unwrap();
        queues
    }

    fn options(&self) -> Options {
        let mut options = self.world.options(&[CellKind::Python]);
        options.displace = true;
        options
    }

    fn statuses<const N: usize>(&self, queues: [&QueueId; N]) -> [QueueStatus; N] {
        queues.map(|queue| self.world.status(queue))
    }

    /// Judges: nothing was committed that the application does not know.
    fn end(&self) {
        assert_eq!(*self.store.unknown.borrow(), [""; 0]);
        let log = self.world.log();
        assert!(log.iter().all(|entry| entry.event.name().starts_with('v')), "{log:?}");
    }
}

/// Does what its source says.
fn obeying() -> Rc<dyn Handler> {
    handler_fn(|cx: ExecutionContext| async move {
        cx.stdout("some text");
        match cx.source() {
            "deaf" => never().await,
            "bad" => Err(ExecutionError::failed("Bad", "It was bad.")),
            "patient" | "patient too" => {
                cx.cancellation().await;
                cx.check_cancellation()?;
                Ok(Outcome::done())
            }
            _ => Ok(Outcome::done()),
        }
    })
}

#[test]
fn a_store_of_the_base_schema_is_given_no_other_events() {
    use QueueStatus::{Cancelled, Completed, Failed};
    let foreign = Foreign::new();
    let world = &foreign.world;
    let [claimed, begun] = foreign.holder("dead");
    world.locks.take("alive");
    let [theirs, running] = foreign.holder("alive");
    let mut options = foreign.options();
    options.stop_on_error = true;
    let agent = world.agent_on(Rc::new(foreign.store.clone()), options, obeying());
    world.start(&agent);
    world.host.advance(100);
    assert_eq!(foreign.statuses([&claimed, &begun]), [Failed; 2], "nothing is stuck, nothing runs again");
    // The session that was displaced while it lived goes away without a word.
    assert_eq!(foreign.statuses([&theirs, &running]), [QueueStatus::Assigned, QueueStatus::Executing]);
    world.locks.release(&"alive".into());
    world.host.advance(100);
    assert_eq!(foreign.statuses([&theirs, &running]), [Failed; 2]);
    let [good, bad] = ["good", "bad"].map(|source| foreign.ask(source));
    world.host.advance(100);
    assert_eq!(foreign.statuses([&good, &bad]), [Completed, Failed]);
    for source in ["patient", "deaf"] {
        let [stopped, behind] = [foreign.ask(source), foreign.ask(&format!("behind {source}"))];
        world.host.advance(100);
        world.cancel(&stopped);
        world.host.advance(5_000);
        assert_eq!(foreign.statuses([&stopped, &behind]), [Cancelled; 2]);
    }
    let gone = foreign.ask("gone");
    world.commit([Event::CellDeleted { id: "gone".into(), actor_id: None }]);
    world.host.advance(100);
    assert_eq!(world.status(&gone), Failed);
    let last = foreign.ask("patient too");
    world.host.advance(100);
    world.host.run(agent.shutdown());
    assert_eq!(world.status(&last), Cancelled);
    assert!(matches!(
        world.log().pop().unwrap().event,
        Event::RuntimeSessionTerminated { reason: TerminationReason::Shutdown, .. }
    ));
    foreign.end();
}

#[test]
fn what_a_store_of_the_base_schema_cannot_start_or_give_back_is_settled() {
    let foreign = Foreign::new();
    let world = &foreign.world;
    let agent = world.agent_on(Rc::new(foreign.store.clone()), foreign.options(), obeying());
    world.start(&agent);
    // The claim can be written, its start cannot.
    let queue = foreign.ask("good");
    foreign.store.commits_left.set(Some(1));
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Assigned);
    foreign.store.commits_left.set(None);
    world.host.advance(2_000);
    assert_eq!(world.status(&queue), QueueStatus::Failed);
    // It ends before its handler was called.
    let queue = foreign.ask("better");
    foreign.store.flush_hangs.set(true);
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Executing);
    world.host.run(agent.shutdown());
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
    foreign.end();
}

/// A store that knows our events has it done by the next runtime.
#[test]
fn what_had_not_begun_when_its_runtime_ended_is_executed_by_the_next() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let called = Rc::new(std::cell::Cell::new(0));
    let counted = || {
        let called = called.clone();
        crate::support::doing(move |_| called.set(called.get() + 1))
    };
    let agent = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), counted());
    world.start(&agent);
    store.flush_hangs.set(true);
    let (_, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Executing, "its start waits to be saved");
    world.host.run(agent.shutdown());
    assert_eq!((world.status(&queue), called.get()), (QueueStatus::Pending, 0));
    store.flush_hangs.set(false);
    let next = world.agent_on(Rc::new(store), world.options(&[CellKind::Echo]), counted());
    world.start(&next);
    world.host.advance(100);
    assert_eq!((world.status(&queue), called.get()), (QueueStatus::Completed, 1));
}

/// The claim is written, its start is not; there is room again a little later.
#[test]
fn what_could_be_claimed_and_not_started_is_executed_once_there_is_room() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let agent =
        world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), crate::support::echo());
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "once");
    store.commits_left.set(Some(1));
    world.host.advance(100);
    assert_eq!((world.status(&queue), world.texts(&cell).len()), (QueueStatus::Assigned, 0));
    store.commits_left.set(None);
    world.host.advance(2_000);
    assert_eq!((world.status(&queue), world.texts(&cell)), (QueueStatus::Completed, vec!["once".to_owned()]));
}
