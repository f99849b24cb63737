//! Renewals and health: rows 8 to 12.

use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{
    CellKind, Event, QueueStatus, RuntimeSession, RuntimeSessionId, RuntimeStatus, StoreExt,
    TerminationReason, time,
};
use purlin_runtime_core::{AgentStatus, Health, Host, Liveness, Options, Renewals};

use crate::support::{Diary, World, all, echo, noting, patient};

/// Options of an agent on a store whose sessions live by renewals.
fn renewing(world: &World) -> Options {
    let mut options = world.options(&[CellKind::Echo]);
    options.liveness = Rc::new(renewals(world));
    options
}

fn renewals(world: &World) -> Renewals {
    Renewals::new(Rc::new(world.store.clone()), Rc::new(world.host.clone()))
}

/// Lists the renewals in the log: the time of each, and for how long it is valid.
fn written(world: &World) -> Vec<(i64, i64)> {
    let log = world.log().into_iter();
    log.filter_map(|entry| match entry.event {
        Event::RuntimeSessionRenewal { renewed_at, valid_for_ms, .. } => {
            Some((time::parse_iso(&renewed_at).unwrap(), valid_for_ms))
        }
        _ => None,
    })
    .collect()
}

fn session(world: &World) -> RuntimeSession {
    world.store.runtime_sessions().unwrap().pop().unwrap()
}

fn started(session: &str) -> Event {
    Event::RuntimeSessionStarted {
        session_id: RuntimeSessionId::from(session),
        runtime_id: "other".to_owned(),
        runtime_type: "other".to_owned(),
        capabilities: all(),
    }
}

fn renewal(session: &str, at: i64) -> Event {
    Event::RuntimeSessionRenewal {
        session_id: session.into(),
        renewed_at: time::iso(at),
        valid_for_ms: 30_000,
    }
}

#[test]
fn row_008_a_renewal_comes_with_the_start_and_then_every_15_seconds() {
    let world = World::new();
    let begin = world.host.now();
    let agent = world.agent_with(renewing(&world), echo());
    world.start(&agent);
    assert_eq!(written(&world), [(begin, 30_000)]);
    assert_eq!(world.commits_after(0), 1, "the first one is part of the start's batch");
    assert_eq!(session(&world).expires_at.unwrap(), time::iso(begin + 30_000));
    world.host.advance(14_999);
    assert_eq!(written(&world).len(), 1);
    world.host.advance(1);
    assert_eq!(session(&world).expires_at.unwrap(), time::iso(begin + 45_000));
    world.host.advance(45_000);
    let times: Vec<i64> = written(&world).into_iter().map(|(at, _)| at - begin).collect();
    assert_eq!(times, [0, 15_000, 30_000, 45_000, 60_000]);
}

#[test]
fn row_008_the_interval_may_be_given_and_work_does_not_shift_it() {
    let world = World::new();
    let begin = world.host.now();
    let mut options = renewing(&world);
    options.heartbeat = Duration::from_secs(20);
    let agent = world.agent_with(options, noting(&Diary::default()));
    world.start(&agent);
    world.ask(CellKind::Echo, "25000");
    world.host.advance(60_000);
    let times: Vec<(i64, i64)> = written(&world).into_iter().map(|(at, valid)| (at - begin, valid)).collect();
    assert_eq!(times, [(0, 40_000), (20_000, 40_000), (40_000, 40_000), (60_000, 40_000)]);
}

#[test]
fn row_008_on_a_local_store_nothing_is_renewed_and_nothing_wakes_up() {
    let world = World::new();
    let agent = world.agent(echo());
    world.start(&agent);
    assert_eq!(world.host.timers(), 0);
    world.host.advance(120_000);
    assert_eq!(written(&world), []);
    assert_eq!(session(&world).expires_at, None);
}

#[test]
fn row_009_renewals_stop_at_a_shutdown_and_when_displaced() {
    let world = World::new();
    let agent = world.agent_with(renewing(&world), echo());
    world.start(&agent);
    world.host.run(agent.shutdown());
    world.host.advance(120_000);
    assert_eq!(written(&world).len(), 1);

    let world = World::new();
    let mut options = renewing(&world);
    options.displace = true;
    let agent = world.agent_with(options, echo());
    world.start(&agent);
    world.host.advance(20_000);
    let (session_id, reason) = (agent.session_id().unwrap(), TerminationReason::Displaced);
    world.commit([Event::RuntimeSessionTerminated { session_id, reason }]);
    world.host.advance(120_000);
    assert_eq!(written(&world).len(), 2);
    assert_eq!((agent.status(), world.host.timers()), (AgentStatus::Stopped, 0));
}

#[test]
fn row_010_health_follows_the_gap_since_the_last_renewal() {
    let world = World::new();
    let now = world.host.now();
    world.commit([started("s"), renewal("s", now)]);
    let session = session(&world);
    let edges = [
        (-5_000, Health::Healthy),
        (0, Health::Healthy),
        (10_000, Health::Healthy),
        (29_999, Health::Healthy),
        (30_000, Health::Healthy),
        (30_001, Health::Warning),
        (45_000, Health::Warning),
        (45_001, Health::Disconnected),
    ];
    for (gap, health) in edges {
        assert_eq!(Health::of(&session, now + gap), health, "{gap} ms");
        assert_eq!(Health::of_gap(gap), health, "{gap} ms");
        assert_eq!(renewals(&world).health(&session, now + gap), health, "{gap} ms");
    }
}

#[test]
fn row_010_a_session_is_expired_after_exactly_30_seconds_and_not_before() {
    let world = World::new();
    world.commit([started("s"), renewal("s", world.host.now())]);
    let id = RuntimeSessionId::from("s");
    world.host.advance(30_000);
    assert!(renewals(&world).is_alive(&id));
    world.host.advance(1);
    assert!(!renewals(&world).is_alive(&id));
}

#[test]
fn row_010_the_handle_tells_the_health_of_its_agent() {
    let world = World::new();
    let agent = world.agent_with(renewing(&world), echo());
    let handle = agent.handle();
    let now = world.host.now();
    assert_eq!(handle.health(now), Health::Connecting);
    world.start(&agent);
    assert_eq!(handle.health(now + 30_000), Health::Healthy);
    assert_eq!(handle.health(now + 30_001), Health::Warning);
    assert_eq!(handle.health(now + 45_001), Health::Disconnected);
    world.host.run(agent.shutdown());
    assert_eq!(handle.health(now), Health::Disconnected);

    let world = World::new();
    let locked = world.agent(echo());
    world.start(&locked);
    assert_eq!(locked.handle().health(world.host.now() + 1_000_000), Health::Healthy);
    assert_eq!(world.locks.health(&session(&world), world.host.now()), Health::Healthy);
    world.locks.release(&locked.session_id().unwrap());
    assert_eq!(world.locks.health(&session(&world), world.host.now()), Health::Disconnected);
}

#[test]
fn row_011_a_session_that_starts_and_was_never_renewed_is_connecting() {
    let world = World::new();
    world.commit([started("s")]);
    assert_eq!(session(&world).status, RuntimeStatus::Starting);
    assert_eq!(Health::of(&session(&world), world.host.now() + 1_000_000), Health::Connecting);
    // It has as long as a renewal would be valid before others take it for dead.
    let (renewals, id) = (renewals(&world), RuntimeSessionId::from("s"));
    assert!(renewals.is_alive(&id));
    world.host.advance(30_001);
    assert!(!renewals.is_alive(&id));
    let status = RuntimeStatus::Ready;
    world.commit([Event::RuntimeSessionStatusChanged { session_id: id.clone(), status }]);
    assert_eq!(Health::of(&session(&world), world.host.now()), Health::Disconnected);
    world.commit([
        renewal("s", world.host.now()),
        Event::RuntimeSessionTerminated { session_id: id, reason: TerminationReason::Shutdown },
    ]);
    assert_eq!(Health::of(&session(&world), world.host.now()), Health::Disconnected);
}

#[test]
fn row_012_renewals_never_go_back_although_the_clock_does() {
    let world = World::new();
    let begin = world.host.now();
    let agent = world.agent_with(renewing(&world), echo());
    world.start(&agent);
    world.host.shift_wall(-3_600_000);
    world.host.advance(30_000);
    world.host.shift_wall(7_200_000);
    world.host.advance(15_000);
    world.host.shift_wall(-3_600_000);
    world.host.advance(15_000);
    let times: Vec<i64> = written(&world).into_iter().map(|(at, _)| at - begin).collect();
    // Behind a clock that went back they go on with the time that has passed.
    assert_eq!(times, [0, 15_000, 30_000, 3_645_000, 3_660_000]);
}

#[test]
fn a_session_that_is_not_renewed_is_dead_and_its_work_is_settled() {
    let world = World::new();
    let dead = world.agent_with(renewing(&world), patient());
    let run = dead.clone();
    let process = world.host.spawn(Box::pin(async move {
        run.start().await.expect("the agent starts");
        run.run().await.expect("the agent runs");
    }));
    let (_, lost) = world.ask(CellKind::Echo, "lost");
    world.host.settle();
    let next = world.agent_with(renewing(&world), echo());
    world.start(&next);
    world.host.advance(40_000);
    assert_eq!(next.status(), AgentStatus::Waiting, "its holder renews");
    // Kill -9: nothing is written any more.
    drop(process);
    let (_, queued) = world.ask(CellKind::Echo, "queued");
    world.host.advance(20_000);
    assert_eq!(next.status(), AgentStatus::Waiting, "the last renewal is of 30 s and valid until 60 s");
    world.host.advance(1_000);
    assert_eq!(next.status(), AgentStatus::Ready);
    assert_eq!((world.status(&lost), world.status(&queued)), (QueueStatus::Failed, QueueStatus::Completed));
}

#[test]
fn a_renewal_that_the_store_refuses_is_tried_again() {
    let world = World::new();
    let store = crate::support::FaultyStore::new(&world.store);
    let agent = world.agent_on(Rc::new(store.clone()), renewing(&world), echo());
    world.start(&agent);
    world.host.advance(14_000);
    *store.commit_fails.borrow_mut() = Some(purlin_notebook::StoreError::Busy);
    world.host.advance(2_500);
    *store.commit_fails.borrow_mut() = None;
    world.host.advance(1_000);
    let begin = written(&world)[0].0;
    assert_eq!(written(&world)[1].0 - begin, 17_000);
    world.host.advance(15_000);
    assert_eq!(written(&world)[2].0 - begin, 32_000);
}
