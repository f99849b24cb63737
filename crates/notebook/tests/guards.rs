//! The guards: what is kept in the log and changes nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support {
    pub mod making;
}

use std::rc::Rc;

use purlin_notebook::{
    Capabilities, CellKind, CompletionStatus, Event, ExecutionState, MemoryStore, QueueStatus, RuntimeStatus,
    Store, StoreExt, TerminationReason, dump,
};
use support::making::{DATE, assign, cancel, cell, complete, request, session, start, store};

fn stands(store: &MemoryStore) -> (QueueStatus, Option<String>, ExecutionState) {
    let entry = store.queue_entry(&"q".into()).unwrap().unwrap();
    let cell = store.cell(&"c".into()).unwrap().unwrap();
    (
        entry.status,
        entry.assigned_runtime_session.map(purlin_notebook::RuntimeSessionId::into_string),
        cell.execution_state,
    )
}

fn release(session: &str) -> Event {
    Event::ExecutionReleased {
        queue_id: "q".into(),
        runtime_session_id: session.into(),
        reason: "runtime lost".into(),
    }
}

/// Each row: what happened, then what does not change anything any more.
#[test]
fn row_029_guarded_out_events_change_nothing_and_stay_in_the_log() {
    use CompletionStatus::{Cancelled, Error, Success};
    let begun = || vec![cell("c"), request("q", "c"), assign("q", "s1")];
    let running = || [begun(), vec![start("q", "c", "s1")]].concat();
    let done = |status| [running(), vec![complete("q", "c", status)]].concat();
    let cancelled = || [running(), vec![cancel("q", "c")]].concat();
    let table: Vec<(Vec<Event>, Event)> = vec![
        (begun(), assign("q", "s2")),
        (running(), assign("q", "s2")),
        (done(Success), assign("q", "s2")),
        (begun(), start("q", "c", "s2")),
        (vec![cell("c"), request("q", "c")], start("q", "c", "s1")),
        (vec![cell("c"), request("q", "c")], complete("q", "c", Success)),
        (cancelled(), start("q", "c", "s1")),
        (cancelled(), complete("q", "c", Success)),
        (done(Success), complete("q", "c", Error)),
        (done(Error), complete("q", "c", Success)),
        (done(Success), cancel("q", "c")),
        (done(Cancelled), cancel("q", "c")),
        (begun(), release("s2")),
        (running(), release("s2")),
        // Nobody announced its session, so nobody can say that what it started did nothing.
        (running(), release("s1")),
        (done(Success), release("s1")),
        (cancelled(), release("s1")),
    ];
    for (before, event) in table {
        let store = store(&before);
        let tables = dump::canonical(&store).unwrap();
        store.commit(std::slice::from_ref(&event)).unwrap();
        assert_eq!(dump::canonical(&store).unwrap(), tables, "{event} after {:?}", before.last());
        assert_eq!(store.last_rowid().unwrap() as usize, before.len() + 1);
    }
}

/// `ExecutionCompleted` names no session: the replica that committed it is compared with the one that started the owner.
#[test]
fn row_030_only_the_owners_replica_completes_while_the_owner_is_alive() {
    use CompletionStatus::{Error, Success};
    let owner = store(&[cell("c"), request("q", "c"), session("s1")]);
    let other = owner.as_replica("elsewhere", "run");
    other.commit(&[session("s2")]).unwrap();
    owner.commit(&[assign("q", "s1"), start("q", "c", "s1")]).unwrap();
    let tables = dump::canonical(&owner).unwrap();
    other.commit(&[complete("q", "c", Error)]).unwrap();
    assert_eq!(dump::canonical(&owner).unwrap(), tables, "the owner is alive, and somewhere else");
    // Another run of the same installation is another replica too.
    let second_run = owner.as_replica(&owner.identity().client_id, "later");
    second_run.commit(&[complete("q", "c", Error)]).unwrap();
    assert_eq!(dump::canonical(&owner).unwrap(), tables);
    owner.commit(&[complete("q", "c", Success)]).unwrap();
    assert_eq!(stands(&owner).0, QueueStatus::Completed);
}

#[test]
fn row_030_a_late_completion_of_a_former_owner_is_ignored() {
    let first = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let second = first.as_replica("elsewhere", "run");
    let over =
        Event::RuntimeSessionTerminated { session_id: "s1".into(), reason: TerminationReason::Timeout };
    second.commit(&[session("s2"), over, release("s1"), assign("q", "s2"), start("q", "c", "s2")]).unwrap();
    first.commit(&[complete("q", "c", CompletionStatus::Success)]).unwrap();
    assert_eq!(stands(&first), (QueueStatus::Executing, Some("s2".into()), ExecutionState::Running));
}

/// A release that anybody could send would have the work of a living session done a second time.
#[test]
fn row_030_only_the_owners_replica_gives_back_while_the_owner_is_alive() {
    let owner = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let other = owner.as_replica("elsewhere", "run");
    let second_run = owner.as_replica(&owner.identity().client_id, "later");
    for started in [false, true] {
        if started {
            owner.commit(&[start("q", "c", "s1")]).unwrap();
        }
        let tables = dump::canonical(&owner).unwrap();
        for foreign in [&other, &second_run] {
            foreign.commit(&[release("s1")]).unwrap();
            assert_eq!(dump::canonical(&owner).unwrap(), tables, "started: {started}");
        }
    }
    // It was asked to stop before its handler was called, and says so itself.
    owner.commit(&[release("s1")]).unwrap();
    assert_eq!(stands(&owner), (QueueStatus::Pending, None, ExecutionState::Queued));
}

#[test]
fn row_042_what_a_dead_session_started_is_not_given_back_by_others() {
    let dead = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let next = dead.as_replica("elsewhere", "run");
    let over =
        Event::RuntimeSessionTerminated { session_id: "s1".into(), reason: TerminationReason::Timeout };
    dead.commit(&[start("q", "c", "s1"), over]).unwrap();
    next.commit(&[release("s1")]).unwrap();
    assert_eq!(stands(&next).0, QueueStatus::Executing, "it is settled as failed, never silently run again");
    // Its own replica was displaced before it called the handler.
    dead.commit(&[release("s1")]).unwrap();
    assert_eq!(stands(&next).0, QueueStatus::Pending);
}

#[test]
fn row_042_anybody_settles_what_a_dead_session_left() {
    let dead = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let next = dead.as_replica("elsewhere", "run");
    let over =
        Event::RuntimeSessionTerminated { session_id: "s1".into(), reason: TerminationReason::Timeout };
    next.commit(&[over, complete("q", "c", CompletionStatus::Error)]).unwrap();
    assert_eq!(stands(&next).0, QueueStatus::Failed);
    // A session that never announced itself has nobody to wait for either.
    let unknown = store(&[cell("c"), request("q", "c"), assign("q", "nobody")]);
    unknown.as_replica("x", "y").commit(&[complete("q", "c", CompletionStatus::Error)]).unwrap();
    assert_eq!(stands(&unknown).0, QueueStatus::Failed);
}

#[test]
fn a_log_with_several_authors_replays_to_the_same_tables() {
    let one = store(&[cell("c"), request("q", "c"), session("s1"), assign("q", "s1")]);
    let two = one.as_replica("elsewhere", "run");
    two.commit(&[complete("q", "c", CompletionStatus::Error), session("s2")]).unwrap();
    one.commit(&[start("q", "c", "s1")]).unwrap();
    let log = one.log_since(0, usize::MAX).unwrap();
    let again = MemoryStore::from_log(two.identity(), Rc::new(|| 9), log.clone()).unwrap();
    assert_eq!(dump::canonical(&again), dump::canonical(&one));
    assert_eq!(again.log_since(0, usize::MAX).unwrap(), log, "batches, authors and times are kept");
    assert_eq!(stands(&again).0, QueueStatus::Executing);
}

#[test]
fn an_execution_goes_its_way() {
    use ExecutionState as Cell;
    let store = store(&[cell("c"), request("q", "c"), session("s")]);
    assert_eq!(stands(&store), (QueueStatus::Pending, None, Cell::Queued));
    store.commit(&[assign("q", "s")]).unwrap();
    assert_eq!(stands(&store), (QueueStatus::Assigned, Some("s".into()), Cell::Queued));
    store.commit(&[start("q", "c", "s")]).unwrap();
    assert_eq!(stands(&store), (QueueStatus::Executing, Some("s".into()), Cell::Running));
    store.commit(&[release("s")]).unwrap();
    assert_eq!(stands(&store), (QueueStatus::Pending, None, Cell::Queued));
    store
        .commit(&[assign("q", "t"), start("q", "c", "t"), complete("q", "c", CompletionStatus::Success)])
        .unwrap();
    assert_eq!(stands(&store), (QueueStatus::Completed, Some("t".into()), Cell::Completed));
}

#[test]
fn row_031_a_cancelled_completion_is_cancelled() {
    let events =
        [cell("c"), request("q", "c"), assign("q", "s"), complete("q", "c", CompletionStatus::Cancelled)];
    assert_eq!(stands(&store(&events)).0, QueueStatus::Cancelled);
}

#[test]
fn row_026_asking_twice_is_asking_once() {
    let events = [
        cell("c"),
        request("q", "c"),
        assign("q", "s"),
        complete("q", "c", CompletionStatus::Success),
        request("q", "c"),
    ];
    let store = store(&events);
    assert_eq!(store.queue(None).unwrap().len(), 1);
    assert_eq!(stands(&store), (QueueStatus::Completed, Some("s".into()), ExecutionState::Completed));
}

#[test]
fn row_036_all_that_is_open_is_cancelled() {
    let store = store(&[
        cell("c"),
        cell("d"),
        cell("e"),
        cell("f"),
        cell("g"),
        cell("h"),
        request("q", "c"),
        request("r", "d"),
        request("p", "e"),
        request("a", "f"),
        request("b", "g"),
        assign("p", "s"),
        complete("p", "e", CompletionStatus::Success),
        assign("r", "s"),
        start("r", "d", "s"),
        assign("a", "s"),
        assign("b", "s"),
        complete("b", "g", CompletionStatus::Error),
        Event::AllExecutionsCancelled {},
    ]);
    use QueueStatus::{Cancelled, Completed, Failed};
    let statuses: Vec<QueueStatus> = store.queue(None).unwrap().iter().map(|entry| entry.status).collect();
    assert_eq!(
        statuses,
        [Cancelled, Cancelled, Completed, Cancelled, Failed],
        "pending, executing, …, assigned"
    );
    let states: Vec<ExecutionState> =
        store.cells().unwrap().iter().map(|cell| cell.execution_state).collect();
    use ExecutionState as Cell;
    assert_eq!(states, [Cell::Idle, Cell::Idle, Cell::Completed, Cell::Idle, Cell::Error, Cell::Idle]);
}

#[test]
fn no_status_revives_a_terminated_session() {
    let session_id = || "s".into();
    let store = store(&[
        Event::RuntimeSessionStarted {
            session_id: session_id(),
            runtime_id: "r".into(),
            runtime_type: "echo".into(),
            capabilities: Capabilities { can_execute_ai: true, ..Capabilities::default() },
        },
        Event::LanesAnnounced { session_id: session_id(), lanes: vec![CellKind::Ai] },
        Event::RuntimeSessionRenewal {
            session_id: session_id(),
            renewed_at: DATE.into(),
            valid_for_ms: 30_000,
        },
        Event::RuntimeSessionTerminated { session_id: session_id(), reason: TerminationReason::Shutdown },
        Event::RuntimeSessionStatusChanged { session_id: session_id(), status: RuntimeStatus::Ready },
    ]);
    let session = store.runtime_sessions().unwrap().remove(0);
    assert_eq!((session.status, session.is_active), (RuntimeStatus::Terminated, false));
    assert_eq!(session.expires_at.as_deref(), Some("2026-11-21T10:00:30.000Z"));
    assert_eq!(session.lanes, Some(vec![CellKind::Ai]));
    assert!(
        session.capabilities.can_execute_ai && session.holds(CellKind::Ai) && !session.holds(CellKind::Shell)
    );
}

#[test]
fn row_029_the_first_claim_has_the_entry() {
    let store = store(&[cell("c"), request("q", "c"), assign("q", "s1"), assign("q", "s2")]);
    assert_eq!(stands(&store), (QueueStatus::Assigned, Some("s1".into()), ExecutionState::Queued));
}

#[test]
fn row_030_a_start_by_somebody_else_is_ignored() {
    let store = store(&[cell("c"), request("q", "c"), assign("q", "s1"), start("q", "c", "s2")]);
    assert_eq!(stands(&store), (QueueStatus::Assigned, Some("s1".into()), ExecutionState::Queued));
}

#[test]
fn row_031_a_completion_after_a_cancellation_is_ignored() {
    let late = complete("q", "c", CompletionStatus::Success);
    let store = store(&[
        cell("c"),
        request("q", "c"),
        assign("q", "s"),
        start("q", "c", "s"),
        cancel("q", "c"),
        late,
    ]);
    assert_eq!(stands(&store), (QueueStatus::Cancelled, Some("s".into()), ExecutionState::Idle));
    assert_eq!(store.queue_entry(&"q".into()).unwrap().unwrap().completed_at, None);
}

#[test]
fn row_040_what_was_executed_is_recorded_apart_from_the_source() {
    let source = |text: &str| Event::CellSourceChanged {
        id: "c".into(),
        source: text.into(),
        modified_by: "u".into(),
    };
    let noted = |source: &str, error: Option<&str>| Event::ExecutionNoted {
        queue_id: "q".into(),
        source: source.into(),
        reason: None,
        error: error.map(str::to_owned),
    };
    let store = store(&[
        cell("c"),
        source("one"),
        request("q", "c"),
        source("two"),
        noted("two", None),
        source("three"),
    ]);
    assert_eq!(store.execution_note(&"q".into()).unwrap().unwrap().source, "two");
    assert_eq!(store.cell(&"c".into()).unwrap().unwrap().source, "three");
    store.commit(&[noted("two", Some("it failed"))]).unwrap();
    assert_eq!(store.execution_note(&"q".into()).unwrap().unwrap().error.as_deref(), Some("it failed"));
}

#[test]
fn row_043_a_released_entry_waits_as_if_it_had_never_been_claimed() {
    let store = store(&[cell("c"), request("q", "c"), session("s")]);
    let before = store.queue_entry(&"q".into()).unwrap();
    store.commit(&[assign("q", "s"), start("q", "c", "s"), release("other")]).unwrap();
    assert_eq!(stands(&store).0, QueueStatus::Executing, "only the owner's claim is given back");
    store.commit(&[release("s")]).unwrap();
    assert_eq!(store.queue_entry(&"q".into()).unwrap(), before);
    assert_eq!(stands(&store).2, ExecutionState::Queued);
}

#[test]
fn row_094_a_batch_with_one_bad_event_writes_nothing() {
    let bad =
        Event::RuntimeSessionRenewal { session_id: "s".into(), renewed_at: "soon".into(), valid_for_ms: 1 };
    let store = store(&[cell("c")]);
    let before = dump::canonical(&store).unwrap();
    let refused = store.commit(&[request("q", "c"), session("s"), bad]);
    assert!(refused.unwrap_err().to_string().contains("event 2"), "it names the event");
    assert_eq!((dump::canonical(&store).unwrap(), store.last_rowid().unwrap()), (before, 1));
    store.commit(&[request("q", "c")]).unwrap();
}
