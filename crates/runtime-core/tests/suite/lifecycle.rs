//! Start and end of an agent: rows 1 to 7, 13 to 19.

use std::collections::BTreeSet;
use std::rc::Rc;

use purlin_notebook::{
    Capabilities, CellKind, Durability, Event, QueueStatus, RuntimeSessionId, RuntimeStatus, Store,
    StoreError, StoreExt, TerminationReason,
};
use purlin_runtime_core::{AgentStatus, Ended, Handlers, Host, Options, RunError, RuntimeAgent, StartError};

use crate::support::{Diary, FaultyStore, World, all, deaf, echo, noting, patient};

#[test]
fn row_001_a_start_is_told_and_the_session_is_ready() {
    let world = World::new();
    let agent = world.agent(echo());
    world.host.run(agent.start()).unwrap();
    assert_eq!(
        world.names_after(0),
        ["RuntimeSessionStarted", "LanesAnnounced", "RuntimeSessionStatusChanged"]
    );
    assert_eq!(world.commits_after(0), 1);
    let session = &world.store.runtime_sessions().unwrap()[0];
    assert_eq!(session.status, RuntimeStatus::Ready);
    assert!(session.is_active);
    assert_eq!(session.capabilities, all());
    assert_eq!(session.lanes, Some(vec![CellKind::Echo]));
    assert_eq!(agent.status(), AgentStatus::Ready);
}

#[test]
fn row_001_the_session_says_which_runtime_it_is_of_and_what_that_can_do() {
    let models = serde_json::json!([{"name": "m", "displayName": "M", "provider": "p", "capabilities": ["completion"]}]);
    let nothing = Capabilities::default();
    for capabilities in [
        Capabilities { can_execute_code: true, ..nothing.clone() },
        Capabilities { can_execute_sql: true, ..nothing.clone() },
        Capabilities { can_execute_ai: true, available_ai_models: Some(models), ..nothing },
    ] {
        let lane = match (capabilities.can_execute_code, capabilities.can_execute_sql) {
            (true, _) => CellKind::Shell,
            (_, true) => CellKind::Sql,
            _ => CellKind::Ai,
        };
        let world = World::new();
        let mut options = Options::new("kind", "ada", [lane]);
        options.runtime_id = "name".to_owned();
        let (store, host) = (Rc::new(world.store.clone()), Rc::new(world.host.clone()));
        let handlers = Handlers::new().with(lane, echo());
        let agent = RuntimeAgent::new(store, host, capabilities.clone(), handlers, options);
        world.host.run(agent.start()).unwrap();
        let session = world.store.runtime_sessions().unwrap().remove(0);
        assert_eq!(session.capabilities, capabilities);
        assert_eq!((session.runtime_id.as_str(), session.runtime_type.as_str()), ("name", "kind"));
    }
}

#[test]
fn row_002_others_are_displaced_before_our_start_in_one_commit() {
    let world = World::new();
    let (first, beside) = (world.agent(echo()), world.agent_with(world.options(&[CellKind::Ai]), echo()));
    world.host.run(first.start()).unwrap();
    world.host.run(beside.start()).unwrap();
    // An existing application announces no lanes, so it holds all of them.
    world.locks.take("app");
    world.commit(vec![started("app")]);
    let before = world.last_rowid();
    let mut options = world.options(&[CellKind::Echo]);
    options.displace = true;
    let second = world.agent_with(options, echo());
    let holder = first.session_id().unwrap();
    world.host.run(second.start()).unwrap();
    let log = world.store.log_since(before, usize::MAX).unwrap();
    let of_start: Vec<_> = log.iter().filter(|entry| entry.batch == log[0].batch).collect();
    let ended: Vec<_> = of_start
        .iter()
        .map_while(|entry| match &entry.event {
            Event::RuntimeSessionTerminated { session_id, reason: TerminationReason::Displaced } => {
                Some(session_id.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(ended, [holder, "app".into()]);
    let names: Vec<_> = of_start.iter().map(|entry| crate::support::short(entry.event.name())).collect();
    assert_eq!(names[2..], ["RuntimeSessionStarted", "LanesAnnounced", "RuntimeSessionStatusChanged"]);
    let sessions = world.store.runtime_sessions().unwrap().into_iter();
    let active: Vec<_> =
        sessions.filter(|session| session.is_active).map(|session| session.session_id).collect();
    assert_eq!(active, [beside.session_id().unwrap(), second.session_id().unwrap()]);
}

#[test]
fn row_002_of_other_lanes_the_dead_are_ended_and_the_living_stay() {
    let world = World::new();
    let of_python =
        |session: &str| Event::LanesAnnounced { session_id: session.into(), lanes: vec![CellKind::Python] };
    world.locks.take("living");
    world.commit([started("dead"), of_python("dead"), started("living"), of_python("living")]);
    let before = world.last_rowid();
    let agent = world.agent(echo());
    world.host.run(agent.start()).unwrap();
    let log = world.store.log_since(before, usize::MAX).unwrap();
    assert!(matches!(&log[0].event,
        Event::RuntimeSessionTerminated { session_id, .. } if session_id.as_str() == "dead"));
    assert!(matches!(&log[1].event, Event::RuntimeSessionStarted { .. }));
    assert!(log.iter().all(|entry| entry.batch == log[0].batch), "it is one commit");
    let sessions = world.store.runtime_sessions().unwrap().into_iter();
    let active: Vec<_> = sessions.filter(|session| session.is_active).map(|s| s.session_id).collect();
    assert_eq!(active, ["living".into(), agent.session_id().unwrap()]);
}

#[test]
fn row_003_starting_twice_is_an_error() {
    let world = World::new();
    let agent = world.agent(echo());
    world.host.run(agent.start()).unwrap();
    assert_eq!(world.host.run(agent.start()), Err(StartError::AlreadyStarted));
    assert_eq!(world.names_after(0).iter().filter(|name| *name == "RuntimeSessionStarted").count(), 1);
}

#[test]
fn row_004_a_start_that_fails_ends_its_session() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    store.flush_fails.set(true);
    let handlers = Handlers::new().with(CellKind::Echo, echo());
    let options = Options::new("test", "ada", [CellKind::Echo]);
    let agent = RuntimeAgent::new(Rc::new(store), Rc::new(world.host.clone()), all(), handlers, options);
    let error = world.host.run(agent.start()).unwrap_err();
    assert_eq!(error, StartError::Store(StoreError::Backend("the disk is full".to_owned())));
    let last = world.log().pop().unwrap().event;
    assert!(matches!(last, Event::RuntimeSessionTerminated { reason: TerminationReason::Error, .. }));
    assert_eq!(agent.status(), AgentStatus::Stopped);
    assert_eq!(world.names_after(0).iter().filter(|name| *name == "RuntimeSessionTerminated").count(), 1);
    assert!(!world.store.runtime_sessions().unwrap()[0].is_active, "it is our session that is over");
}

#[test]
fn row_005_a_terminated_agent_stops_at_once_and_does_not_terminate_again() {
    for reason in [TerminationReason::Timeout, TerminationReason::Displaced] {
        let world = World::new();
        let diary = Diary::default();
        let mut options = world.options(&[CellKind::Echo]);
        options.displace = true;
        options.lifecycle = Rc::new(diary.clone());
        let agent = world.agent_with(options, patient());
        world.start(&agent);
        let (_, queue) = world.ask(CellKind::Echo, "work");
        world.host.settle();
        assert_eq!(world.status(&queue), QueueStatus::Executing);
        world.commit(vec![Event::RuntimeSessionTerminated {
            session_id: agent.session_id().unwrap(),
            reason,
        }]);
        let before = world.last_rowid();
        world.host.settle();
        assert_eq!(agent.status(), AgentStatus::Stopped);
        assert_eq!(world.status(&queue), QueueStatus::Cancelled);
        assert_eq!(world.names_after(before), ["ExecutionNoted", "ExecutionCompleted"]);
        assert_eq!(diary.read().iter().filter(|note| *note == "displaced").count(), 1);
        let (_, later) = world.ask(CellKind::Echo, "more");
        world.host.advance(1000);
        assert_eq!(world.status(&later), QueueStatus::Pending);
    }
}

#[test]
fn row_006_of_two_that_start_at_once_the_later_start_wins() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.displace = true;
    let agent = world.agent_with(options, echo());
    world.start(&agent);
    // Another process starts without having seen us.
    world.locks.take("other");
    world.commit(vec![started("other")]);
    world.host.settle();
    assert_eq!(agent.status(), AgentStatus::Stopped);
    let active: Vec<_> =
        world.store.runtime_sessions().unwrap().into_iter().filter(|s| s.is_active).collect();
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].session_id.as_str(), "other");
}

fn started(session: &str) -> Event {
    Event::RuntimeSessionStarted {
        session_id: RuntimeSessionId::from(session),
        runtime_id: "other".to_owned(),
        runtime_type: "other".to_owned(),
        capabilities: all(),
    }
}

#[test]
fn row_007_session_ids_differ_and_may_be_given() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.runtime_session_id = Some("mine".into());
    let given = world.agent_with(options, echo());
    let mut options = world.options(&[CellKind::Shell]);
    options.displace = true;
    let made_up = world.agent_with(options, echo());
    world.host.run(given.start()).unwrap();
    world.host.run(made_up.start()).unwrap();
    assert_eq!(given.session_id().unwrap().as_str(), "mine");
    assert_ne!(made_up.session_id(), given.session_id());
}

#[test]
fn row_007_every_run_of_every_agent_is_a_session_of_its_own() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.runtime_session_id = Some("mine".into());
    let surface = world.agent_with(options, echo());
    world.start(&surface);
    let mut seen = vec![surface.session_id().unwrap()];
    for _ in 0..20 {
        let mut options = world.options(&[CellKind::Echo]);
        options.displace = true;
        let runtime = world.agent_with(options, echo());
        world.start(&runtime);
        seen.push(runtime.session_id().unwrap());
        world.host.run(runtime.shutdown());
        world.host.settle();
        // The surface takes over again: a further run of it, to which the given id does not belong any more.
        seen.push(surface.session_id().unwrap());
    }
    assert_eq!(seen[0].as_str(), "mine");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 41, "{seen:?}");
}

#[test]
fn row_013_busy_is_told_when_it_lasts_and_ready_afterwards() {
    let world = World::new();
    let agent = world.agent(noting(&Diary::default()));
    world.start(&agent);
    let told = |world: &World| -> Vec<RuntimeStatus> {
        let log = world.log().into_iter();
        log.filter_map(|entry| match entry.event {
            Event::RuntimeSessionStatusChanged { status, .. } => Some(status),
            _ => None,
        })
        .collect()
    };
    world.ask(CellKind::Echo, "59");
    world.host.advance(1000);
    assert_eq!(told(&world), [RuntimeStatus::Ready]);
    world.ask(CellKind::Echo, "500");
    world.host.advance(59);
    assert_eq!(agent.status(), AgentStatus::Busy);
    assert_eq!(told(&world), [RuntimeStatus::Ready]);
    world.host.advance(1);
    assert_eq!(told(&world), [RuntimeStatus::Ready, RuntimeStatus::Busy]);
    world.host.advance(1000);
    assert_eq!(told(&world), [RuntimeStatus::Ready, RuntimeStatus::Busy, RuntimeStatus::Ready]);
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn row_013_a_moment_between_two_executions_is_not_told() {
    let world = World::new();
    let agent = world.agent(noting(&Diary::default()));
    world.start(&agent);
    let told = || -> Vec<(u64, String)> {
        let began = world.log()[0].at;
        let log = world.log().into_iter();
        log.filter_map(|entry| match entry.event {
            Event::RuntimeSessionStatusChanged { status, .. } => {
                Some(((entry.at - began) as u64, status.as_str().to_owned()))
            }
            _ => None,
        })
        .collect()
    };
    // Twice a gap of less than 60 ms, then one that lasts.
    for pause in [30, 59, 500] {
        world.ask(CellKind::Echo, "200");
        world.host.advance(200 + pause);
    }
    let times: Vec<_> = [(0, "ready"), (60, "busy"), (749, "ready")].map(|(at, s)| (at, s.to_owned())).into();
    assert_eq!(told(), times);
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn row_014_a_shutdown_settles_what_runs_and_twice_is_once() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let agent = world.agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), deaf());
    let before = store.watched();
    world.start(&agent);
    assert!(store.watched() > before);
    let (_, queue) = world.ask(CellKind::Echo, "work");
    world.host.settle();
    world.host.run(async {
        agent.shutdown().await;
        agent.shutdown().await;
    });
    assert_eq!(world.status(&queue), QueueStatus::Cancelled);
    let ends = world.log().into_iter().filter(|entry| {
        matches!(entry.event, Event::RuntimeSessionTerminated { reason: TerminationReason::Shutdown, .. })
    });
    assert_eq!(ends.count(), 1);
    assert!(!world.store.runtime_sessions().unwrap()[0].is_active);
    assert_eq!(world.host.timers(), 0);
    assert_eq!(store.watched(), before, "the streams of ticks are dropped");
}

#[test]
fn row_014_what_runs_is_asked_to_stop_and_has_its_last_words() {
    let world = World::new();
    let agent = world.agent(purlin_runtime_core::handler_fn(|cx| async move {
        cx.stdout("some");
        cx.cancellation().await;
        cx.stdout(" last words");
        cx.check_cancellation()?;
        Ok(purlin_runtime_core::Outcome::done())
    }));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "work");
    let (_, waiting) = world.ask(CellKind::Echo, "not begun");
    world.host.settle();
    let before = world.host.mono();
    world.host.run(agent.shutdown());
    assert_eq!(world.host.mono(), before, "nobody waits for the grace period of who listens");
    assert_eq!(world.texts(&cell), ["some last words"]);
    assert_eq!([&queue, &waiting].map(|id| world.status(id)), [QueueStatus::Cancelled, QueueStatus::Pending]);
    let names = world.names_after(0);
    assert_eq!(names[names.len() - 2..], ["ExecutionCompleted", "RuntimeSessionTerminated"]);
}

#[test]
fn row_015_the_store_stays_open_after_a_shutdown() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    world.host.run(agent.shutdown());
    assert!(world.store.status().open);
    world.cell(CellKind::Echo, "still taken");
}

#[test]
fn row_016_a_store_that_the_agent_owns_is_flushed_and_closed() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let (closed, flushes) = (world.store.clone(), store.flushes.clone());
    let flushed_before = Rc::new(std::cell::Cell::new(0));
    let seen = flushed_before.clone();
    let options = world.options(&[CellKind::Echo]);
    let agent = world.agent_on(Rc::new(store.clone()), options, echo()).owning(move || {
        seen.set(flushes.borrow().iter().filter(|level| **level == Durability::Disk).count());
        closed.close("the agent is over");
    });
    world.start(&agent);
    let (_, queue) = world.ask(CellKind::Echo, "work");
    world.host.advance(100);
    assert!(world.store.status().open);
    world.host.run(agent.shutdown());
    assert!(!world.store.status().open);
    assert_eq!(flushed_before.get(), 1, "the flush comes before the end");
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    assert!(!world.store.runtime_sessions().unwrap()[0].is_active);
}

#[test]
fn row_016_a_store_that_cannot_be_flushed_is_closed_all_the_same() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let closed = world.store.clone();
    let agent = world
        .agent_on(Rc::new(store.clone()), world.options(&[CellKind::Echo]), echo())
        .owning(move || closed.close("the agent is over"));
    world.start(&agent);
    store.flush_fails.set(true);
    world.host.run(agent.shutdown());
    assert!(!world.store.status().open);
    assert_eq!(world.host.logged().len(), 1);
}

#[test]
fn row_016_a_flush_that_is_never_answered_keeps_the_close_until_its_deadline_and_no_longer() {
    let world = World::new();
    let store = FaultyStore::new(&world.store);
    let closed = world.store.clone();
    let mut options = world.options(&[CellKind::Echo]);
    options.flush_deadline = std::time::Duration::from_secs(3);
    let agent = world
        .agent_on(Rc::new(store.clone()), options, echo())
        .owning(move || closed.close("the agent is over"));
    world.start(&agent);
    store.flush_hangs.set(true);
    let begun = world.host.mono();
    let leaving = agent.clone();
    world.host.spawn_detached(async move { leaving.shutdown().await });
    world.host.advance(2_999);
    assert!(world.store.status().open, "it waits as long as it may");
    world.host.advance(1);
    assert!(!world.store.status().open);
    assert_eq!((world.host.mono() - begun, agent.status()), (3_000, AgentStatus::Stopped));
    let logged = world.host.logged();
    assert!(logged.len() == 1 && logged[0].1.contains("within 3000 ms"), "{logged:?}");
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn row_017_callbacks_come_once_in_order_and_a_shutdown_is_the_last() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let agent = world.agent_with(options, echo());
    world.start(&agent);
    world.host.run(agent.shutdown());
    world.host.run(agent.shutdown());
    assert_eq!(diary.read(), ["startup", "connected", "shutdown"]);
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn row_017_a_callback_that_panics_stops_nothing() {
    struct Panicking;
    impl purlin_runtime_core::Lifecycle for Panicking {
        fn on_startup(&self, _session: &RuntimeSessionId) {
            panic!("no");
        }
        fn on_connected(&self, _session: &RuntimeSessionId) {
            panic!("no");
        }
        fn on_shutdown(&self) {
            panic!("no");
        }
    }
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(Panicking);
    let agent = world.agent_with(options, echo());
    world.start(&agent);
    world.host.run(agent.shutdown());
    assert!(!world.store.runtime_sessions().unwrap()[0].is_active);
    assert_eq!(world.host.logged().len(), 3);
}

#[test]
fn row_018_a_shutdown_before_the_start_writes_nothing() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let agent = world.agent_with(options, echo());
    world.host.run(agent.shutdown());
    assert_eq!(world.names_after(0), [""; 0]);
    assert_eq!(diary.read(), ["shutdown"]);
    assert_eq!(world.host.run(agent.start()), Err(StartError::AlreadyStarted));
}

#[test]
fn row_019_run_answers_when_the_agent_is_shut_down() {
    let world = World::new();
    let agent = world.agent(echo());
    let handle = agent.handle();
    let ended = world.host.run(async {
        agent.start().await.unwrap();
        let (ended, ()) = futures_util::join!(agent.run(), handle.shutdown());
        ended
    });
    assert_eq!(ended, Ok(Ended::Shutdown));
    assert_eq!(handle.status(), AgentStatus::Stopped);
    world.host.run(handle.shutdown());
}

#[test]
fn row_019_who_keeps_the_agent_alive_hears_of_its_shutdown() {
    let world = World::new();
    let agent = world.agent(echo());
    let (over, kept) = (Rc::new(std::cell::Cell::new(false)), agent.handle().keep_alive());
    let told = over.clone();
    world.host.spawn_detached(async move {
        kept.await;
        told.set(true);
    });
    world.start(&agent);
    world.host.advance(60_000);
    assert!(!over.get());
    world.host.run(agent.shutdown());
    world.host.settle();
    assert!(over.get());
    world.host.run(agent.handle().keep_alive());
}

#[test]
fn row_083_a_store_that_is_closed_under_the_agent_stops_it() {
    let world = World::new();
    let diary = Diary::default();
    let mut options = world.options(&[CellKind::Echo]);
    options.lifecycle = Rc::new(diary.clone());
    let faulty = FaultyStore::new(&world.store);
    let agent = world.agent_on(Rc::new(faulty.clone()), options, patient());
    let (_, running) = world.ask(CellKind::Echo, "running");
    world.host.run(agent.start()).unwrap();
    let (clone, store, host) = (agent.clone(), world.store.clone(), world.host.clone());
    let ended = world.host.run(async move {
        let leaving = async {
            host.sleep(std::time::Duration::from_millis(10)).await;
            store.close("the page went away");
        };
        let (ended, ()) = futures_util::join!(clone.run(), leaving);
        ended
    });
    assert!(matches!(ended, Err(RunError::Store(StoreError::Closed(_)))), "{ended:?}");
    assert_eq!(agent.status(), AgentStatus::Stopped);
    assert_eq!(
        world.status(&running),
        QueueStatus::Executing,
        "what was running is the next agent's to settle"
    );
    let told = diary.read();
    assert_eq!(told[..2], ["startup", "connected"]);
    assert!(told[2].starts_with("disconnected: "), "{told:?}");
    assert_eq!(told[3..], ["shutdown"]);
    assert_eq!(world.host.timers(), 0);
    world.host.run(agent.shutdown());
    world.host.advance(60_000);
    assert_eq!(*faulty.calls_after_close.borrow(), [""; 0], "nothing is asked of a store that is closed");
}

/// Who works when the store goes hears of it from the store itself; nothing follows that answer.
#[test]
fn row_083_a_handler_that_finds_its_store_closed_is_the_last_to_ask_it() {
    let world = World::new();
    let faulty = FaultyStore::new(&world.store);
    let closing = world.store.clone();
    let handler = purlin_runtime_core::handler_fn(move |cx| {
        let closing = closing.clone();
        async move {
            cx.stdout("before");
            closing.close("the page went away");
            let refused = cx.commit(vec![Event::NotebookTitleChanged { title: "late".to_owned() }]);
            assert!(matches!(refused, Err(StoreError::Closed(_))), "{refused:?}");
            cx.stdout("after");
            cx.cancellation().await;
            Err(purlin_runtime_core::ExecutionError::Cancelled)
        }
    });
    let agent = world.agent_on(Rc::new(faulty.clone()), world.options(&[CellKind::Echo]), handler);
    let running = agent.clone();
    world.host.run(agent.start()).unwrap();
    let ended = Rc::new(std::cell::RefCell::new(None));
    let slot = ended.clone();
    world.host.spawn_detached(async move { *slot.borrow_mut() = Some(running.run().await) });
    world.ask(CellKind::Echo, "");
    world.host.advance(60_000);
    let ended = ended.borrow_mut().take().expect("the run is over");
    assert!(matches!(ended, Err(RunError::Store(StoreError::Closed(_)))), "{ended:?}");
    assert_eq!(*faulty.calls_after_close.borrow(), ["commit"], "the handler's own call");
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn a_run_needs_a_start() {
    let world = World::new();
    let agent = world.agent(echo());
    assert_eq!(world.host.run(agent.run()), Err(RunError::NotStarted));
}

#[test]
fn an_idle_agent_has_no_timer() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    assert_eq!(world.host.timers(), 0);
    world.ask(CellKind::Echo, "hello");
    world.host.advance(1000);
    assert_eq!(world.host.timers(), 0);
}
