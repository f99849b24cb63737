//! Claiming from a remote authority, simulated with replicas that hear of each other late: rows 6, 27, 28, 45.

mod replica;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{
    CellKind, CompletionStatus, Event, QueueId, QueueStatus, RuntimeSessionId, Store, StoreExt, time,
};
use purlin_runtime_core::{
    AgentStatus, ExecutionContext, Handler, Health, Host, Latency, Options, Outcome, RuntimeAgent,
    StartError, handler_fn,
};

use crate::support::{Diary, World, requested};
use replica::{Authority, Replica};

/// A remote authority, and what was executed by whom.
struct Remote {
    world: World,
    authority: Authority,
    executed: Executed,
}

/// The sessions that executed an entry, in order.
type Executed = Rc<RefCell<BTreeMap<QueueId, Vec<RuntimeSessionId>>>>;

impl Remote {
    fn new(latency: u64) -> Self {
        let world = World::new();
        let authority = Authority::new(&world.host, Duration::from_millis(latency));
        Self { world, authority, executed: Executed::default() }
    }

    fn options() -> Options {
        let mut options = Options::new("test", "ada", [CellKind::Echo]);
        options.displace = true;
        options.lifecycle = Rc::new(Diary::default());
        options
    }

    fn agent(&self, store: &Replica, options: Options) -> RuntimeAgent {
        let executed = self.executed.clone();
        let handler: Rc<dyn Handler> = handler_fn(move |cx: ExecutionContext| {
            executed.borrow_mut().entry(cx.queue_id.clone()).or_default().push(cx.session_id.clone());
            async move {
                cx.host().sleep(Duration::from_millis(3)).await;
                Ok(Outcome::done())
            }
        });
        self.world.agent_on(Rc::new(store.clone()), options, handler)
    }

    /// Adds a cell and asks for so many executions of it, each on its own.
    fn ask(&self, store: &Replica, name: &str, count: usize) -> Vec<QueueId> {
        let cell = self.world.cell(CellKind::Echo, name);
        for entry in self.world.store.log_since(0, usize::MAX).unwrap() {
            store.commit(&[entry.event]).unwrap();
        }
        let queues: Vec<QueueId> = (0..count).map(|n| QueueId::from(format!("{name}{n}"))).collect();
        for queue in &queues {
            store.commit(&[requested(queue, &cell)]).unwrap();
        }
        queues
    }

    fn statuses(store: &Replica, queues: &[QueueId]) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for queue in queues {
            let entry = store.queue_entry(queue).unwrap().unwrap();
            *counts.entry(entry.status.as_str()).or_default() += 1;
        }
        counts
    }
}

#[test]
fn row_006_of_two_that_start_at_once_the_later_confirmed_start_wins() {
    let remote = Remote::new(100);
    let (one, two) = (remote.authority.replica("one"), remote.authority.replica("two"));
    let (first, second) = (remote.agent(&one, Remote::options()), remote.agent(&two, Remote::options()));
    remote.world.start(&first);
    remote.world.start(&second);
    // Neither has heard of the other, and neither may claim yet.
    assert_eq!((first.status(), second.status()), (AgentStatus::Ready, AgentStatus::Ready));
    assert_eq!(second.handle().health(remote.world.host.now()), Health::Connecting);
    remote.world.host.advance(1_000);
    assert_eq!((first.status(), second.status()), (AgentStatus::Stopped, AgentStatus::Ready));
    assert_eq!(second.handle().health(remote.world.host.now()), Health::Healthy);
    for store in [&one, &two] {
        let sessions = store.runtime_sessions().unwrap().into_iter();
        let active: Vec<_> =
            sessions.filter(|session| session.is_active).map(|s| Some(s.session_id)).collect();
        assert_eq!(active, [second.session_id()]);
    }
}

#[test]
fn row_016_a_store_that_is_ordered_elsewhere_is_closed_when_the_end_is_confirmed_or_the_deadline_over() {
    for (sending, confirmed) in [(100, true), (60_000, false)] {
        let remote = Remote::new(100);
        let one = remote.authority.late_replica("one", sending);
        let mut options = Remote::options();
        options.flush_deadline = Duration::from_secs(3);
        let left = Rc::new(Cell::new(None));
        let (seen, store) = (left.clone(), one.clone());
        let agent = remote.agent(&one, options).owning(move || seen.set(store.status().pending));
        remote.world.start(&agent);
        remote.world.host.advance(1_000);
        let begun = remote.world.host.mono();
        remote.world.host.run(agent.shutdown());
        let took = remote.world.host.mono() - begun;
        let pending = left.get().expect("the store was closed");
        assert_eq!((pending == 0, took < 3_000), (confirmed, confirmed), "{pending} pending after {took} ms");
        assert!((100..=3_000).contains(&took), "{took} ms");
    }
}

#[test]
fn row_027_two_agents_execute_each_request_once() {
    for latency in [0, 30, 200] {
        let remote = Remote::new(latency);
        let (one, two) = (remote.authority.replica("one"), remote.authority.replica("two"));
        let surface = remote.authority.replica("surface");
        let mut queues = remote.ask(&surface, "before", 50);
        let first = remote.agent(&one, Remote::options());
        remote.world.start(&first);
        remote.world.host.advance(latency * 6 + 50);
        let second = remote.agent(&two, Remote::options());
        remote.world.start(&second);
        queues.extend(remote.ask(&surface, "after", 50));
        remote.world.host.advance(200_000);
        let executed = remote.executed.borrow();
        assert_eq!(executed.len(), 100, "latency {latency}");
        for queue in &queues {
            let entry = surface.queue_entry(queue).unwrap().unwrap();
            assert!(entry.status.is_terminal(), "latency {latency}: {entry:?}");
            assert_eq!(
                executed[queue],
                [entry.assigned_runtime_session.unwrap()],
                "latency {latency}: {queue}"
            );
        }
        let by_first = executed.values().filter(|by| Some(&by[0]) != second.session_id().as_ref()).count();
        assert!((1..100).contains(&by_first), "both took part, the first {by_first} times");
        for store in [&one, &two] {
            assert_eq!(Remote::statuses(store, &queues), Remote::statuses(&surface, &queues));
        }
    }
}

#[test]
fn row_027_a_claim_that_was_second_is_not_executed() {
    let remote = Remote::new(100);
    let (one, rival) = (remote.authority.replica("one"), remote.authority.replica("rival"));
    let agent = remote.agent(&one, Remote::options());
    remote.world.start(&agent);
    remote.world.host.advance(500);
    let queues = remote.ask(&rival, "job", 2);
    // The rival claims the first before our agent hears of it.
    rival.commit(&[assigned(&queues[0], "rival")]).unwrap();
    remote.world.host.advance(10_000);
    let executed = remote.executed.borrow();
    assert_eq!(executed.get(&queues[0]), None);
    assert_eq!(executed[&queues[1]], [agent.session_id().unwrap()]);
    let entry = one.queue_entry(&queues[0]).unwrap().unwrap();
    assert_eq!(entry.assigned_runtime_session, Some("rival".into()));
}

fn assigned(queue: &QueueId, session: &str) -> Event {
    Event::ExecutionAssigned { queue_id: queue.clone(), runtime_session_id: session.into() }
}

#[test]
fn row_028_a_losing_claim_confirmed_after_the_completion_changes_nothing() {
    let remote = Remote::new(30);
    let (one, late) = (remote.authority.replica("one"), remote.authority.late_replica("late", 5_000));
    let agent = remote.agent(&one, Remote::options());
    remote.world.start(&agent);
    remote.world.host.advance(500);
    let queues = remote.ask(&one, "job", 1);
    remote.world.host.advance(50);
    late.commit(&[assigned(&queues[0], "late")]).unwrap();
    remote.world.host.advance(1_000);
    let entry = one.queue_entry(&queues[0]).unwrap().unwrap();
    assert_eq!(entry.status, QueueStatus::Completed);
    remote.world.host.advance(60_000);
    let names: Vec<_> = one.log_since(0, usize::MAX).unwrap();
    let last_claim = names.iter().rposition(|entry| matches!(entry.event, Event::ExecutionAssigned { .. }));
    let completed = names.iter().position(|entry| matches!(entry.event, Event::ExecutionCompleted { .. }));
    assert!(last_claim > completed, "the losing claim is confirmed after the completion");
    assert_eq!(one.queue_entry(&queues[0]).unwrap().unwrap(), entry);
    assert_eq!(late.queue_entry(&queues[0]).unwrap().unwrap(), entry);
}

#[test]
fn row_045_a_rebase_of_our_claim_does_not_change_who_executes() {
    let remote = Remote::new(100);
    let (one, rival) = (remote.authority.replica("one"), remote.authority.replica("rival"));
    let agent = remote.agent(&one, Remote::options());
    remote.world.start(&agent);
    remote.world.host.advance(500);
    let queues = remote.ask(&one, "job", 2);
    remote.world.host.advance(99);
    // On its replica the entry is ours; the authority has heard of nobody's claim.
    assert_eq!(one.queue_entry(&queues[0]).unwrap().unwrap().assigned_runtime_session, agent.session_id());
    // Foreign events come in between, so that our claim is replayed on top of them again and again.
    for n in 0..5 {
        rival.commit(&[Event::NotebookTitleChanged { title: format!("title {n}") }]).unwrap();
        remote.world.host.advance(10);
    }
    remote.world.host.advance(10_000);
    let session = agent.session_id().unwrap();
    for queue in &queues {
        assert_eq!(remote.executed.borrow()[queue], std::slice::from_ref(&session));
        assert_eq!(rival.queue_entry(queue).unwrap().unwrap().status, QueueStatus::Completed);
    }
}

#[test]
fn a_claim_that_is_cancelled_before_it_is_confirmed_does_not_begin() {
    let remote = Remote::new(100);
    let (one, surface) = (remote.authority.replica("one"), remote.authority.replica("surface"));
    let agent = remote.agent(&one, Remote::options());
    remote.world.start(&agent);
    remote.world.host.advance(500);
    let queues = remote.ask(&one, "job", 2);
    remote.world.host.settle();
    let cell_id = one.queue_entry(&queues[0]).unwrap().unwrap().cell_id;
    let (cancelled_by, reason) = ("ada".to_owned(), "esc".to_owned());
    let queue_id = queues[0].clone();
    one.commit(&[Event::ExecutionCancelled { queue_id, cell_id, cancelled_by, actor_id: None, reason }])
        .unwrap();
    remote.world.host.advance(10_000);
    assert_eq!(remote.executed.borrow().keys().collect::<Vec<_>>(), [&queues[1]]);
    assert_eq!(surface.queue_entry(&queues[0]).unwrap().unwrap().status, QueueStatus::Cancelled);
}

#[test]
fn a_shutdown_gives_back_what_was_claimed_and_not_confirmed() {
    let remote = Remote::new(100);
    let (one, two) = (remote.authority.replica("one"), remote.authority.replica("two"));
    let first = remote.agent(&one, Remote::options());
    remote.world.start(&first);
    remote.world.host.advance(500);
    let queues = remote.ask(&one, "job", 1);
    remote.world.host.settle();
    remote.world.host.run(first.shutdown());
    remote.world.host.advance(1_000);
    assert!(remote.executed.borrow().is_empty());
    let second = remote.agent(&two, Remote::options());
    remote.world.start(&second);
    remote.world.host.advance(1_000);
    assert_eq!(remote.executed.borrow()[&queues[0]], [second.session_id().unwrap()]);
}

#[test]
fn the_optimistic_way_waits_for_our_start_alone() {
    let remote = Remote::new(100);
    let one = remote.authority.replica("one");
    let mut options = Remote::options();
    options.latency = Latency::Optimistic;
    let agent = remote.agent(&one, options);
    remote.world.start(&agent);
    let queues = remote.ask(&one, "job", 2);
    remote.world.host.advance(199);
    assert!(remote.executed.borrow().is_empty());
    // Request and confirmation take 100 ms each; from then on nothing waits for the authority.
    remote.world.host.advance(20);
    assert_eq!(remote.executed.borrow().keys().collect::<Vec<_>>(), queues.iter().collect::<Vec<_>>());
}

#[test]
fn a_dead_session_elsewhere_is_settled_when_its_renewals_expire() {
    let remote = Remote::new(30);
    let (one, dead) = (remote.authority.replica("one"), remote.authority.replica("dead"));
    let queues = remote.ask(&dead, "job", 1);
    let cell_id = dead.queue_entry(&queues[0]).unwrap().unwrap().cell_id;
    dead.commit(&[
        Event::RuntimeSessionStarted {
            session_id: "dead".into(),
            runtime_id: "dead".to_owned(),
            runtime_type: "dead".to_owned(),
            capabilities: crate::support::all(),
        },
        Event::RuntimeSessionRenewal {
            session_id: "dead".into(),
            renewed_at: time::iso(remote.world.host.now()),
            valid_for_ms: 30_000,
        },
        assigned(&queues[0], "dead"),
        Event::ExecutionStarted {
            queue_id: queues[0].clone(),
            cell_id,
            runtime_session_id: "dead".into(),
            started_at: time::iso(remote.world.host.now()),
        },
    ])
    .unwrap();
    remote.world.host.advance(1_000);
    let mut options = Remote::options();
    options.displace = false;
    let agent = remote.agent(&one, options);
    remote.world.start(&agent);
    remote.world.host.advance(28_000);
    assert_eq!(agent.status(), AgentStatus::Waiting);
    remote.world.host.advance(2_000);
    assert_eq!(agent.status(), AgentStatus::Ready);
    assert_eq!(dead.queue_entry(&queues[0]).unwrap().unwrap().status, QueueStatus::Failed);
    let settled = one.log_since(0, usize::MAX).unwrap().into_iter().any(|entry| {
        matches!(entry.event, Event::ExecutionCompleted { status: CompletionStatus::Error, .. })
    });
    assert!(settled && remote.executed.borrow().is_empty());
}

#[test]
fn a_store_that_does_not_tell_what_is_confirmed_is_refused() {
    let remote = Remote::new(0);
    let agent = remote.agent(&remote.authority.silent_replica("one"), Remote::options());
    assert_eq!(remote.world.host.run(agent.start()), Err(StartError::NoConfirmation));
}
