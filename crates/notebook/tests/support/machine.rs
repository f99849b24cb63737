//! What holds of the execution queue and of runtime sessions, whatever follows whatever.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::{BTreeMap, BTreeSet};

use purlin_notebook::{
    CellType, CompletionStatus, Event, ExecutionState, MemoryStore, QueueEntry, QueueStatus, Replica,
    RuntimeSession, RuntimeSessionId, RuntimeStatus, StoreExt, TerminationReason,
};

const DATE: &str = "2026-11-21T10:00:00.000Z";

/// Makes the event that four bytes stand for, and tells who commits it. An entry always belongs to the same cell.
pub fn step([kind, a, b, c]: [u8; 4], stores: [&MemoryStore; 2]) -> (&MemoryStore, Event) {
    let who = usize::from(a % 2);
    let queue = b % 5;
    let (queue_id, cell_id) = (|| format!("q{queue}").into(), || format!("c{}", queue % 3).into());
    // Sessions are of one replica by their name, but a claim may name any of them.
    let own = || format!("s{who}{}", c % 2).into();
    let any = || format!("s{}{}", (c >> 4) % 2, c % 2).into();
    let event = match kind % 16 {
        0 => Event::CellCreated2 {
            id: cell_id(),
            fractional_index: "m".into(),
            cell_type: CellType::Ai,
            created_by: "u".into(),
        },
        1 | 2 => Event::ExecutionRequested {
            queue_id: queue_id(),
            cell_id: cell_id(),
            execution_count: 1,
            requested_by: "u".into(),
            actor_id: None,
        },
        3 | 4 => Event::ExecutionAssigned { queue_id: queue_id(), runtime_session_id: own() },
        5 | 6 => Event::ExecutionStarted {
            queue_id: queue_id(),
            cell_id: cell_id(),
            runtime_session_id: any(),
            started_at: DATE.into(),
        },
        7 | 8 => Event::ExecutionCompleted {
            queue_id: queue_id(),
            cell_id: cell_id(),
            status: CompletionStatus::ALL[usize::from(c) % 3],
            error: None,
            completed_at: DATE.into(),
            execution_duration_ms: 1,
        },
        9 => Event::ExecutionCancelled {
            queue_id: queue_id(),
            cell_id: cell_id(),
            cancelled_by: "u".into(),
            actor_id: None,
            reason: "user".into(),
        },
        10 if b > 200 => Event::AllExecutionsCancelled {},
        10 | 11 => Event::ExecutionReleased {
            queue_id: queue_id(),
            runtime_session_id: any(),
            reason: "lost".into(),
        },
        12 | 13 => Event::RuntimeSessionStarted {
            session_id: own(),
            runtime_id: "r".into(),
            runtime_type: "echo".into(),
            capabilities: purlin_notebook::Capabilities::default(),
        },
        14 => Event::RuntimeSessionTerminated { session_id: any(), reason: TerminationReason::Timeout },
        _ => Event::RuntimeSessionStatusChanged { session_id: any(), status: RuntimeStatus::Busy },
    };
    (stores[who], event)
}

/// What is compared from one event to the next.
pub struct State {
    queue: BTreeMap<String, QueueEntry>,
    sessions: BTreeMap<String, RuntimeSession>,
    cells: BTreeMap<String, ExecutionState>,
}

impl State {
    pub fn of(store: &MemoryStore) -> Self {
        let queue = store.queue(None).expect("a queue");
        let sessions = store.runtime_sessions().expect("sessions");
        let cells = store.cells().expect("cells");
        Self {
            queue: queue.into_iter().map(|entry| (entry.id.to_string(), entry)).collect(),
            sessions: sessions.into_iter().map(|session| (session.session_id.to_string(), session)).collect(),
            cells: cells.into_iter().map(|cell| (cell.id.into_string(), cell.execution_state)).collect(),
        }
    }
}

/// Says which rule an event broke.
pub fn check(before: &State, event: &Event, by: &Replica, after: &State) -> Result<(), String> {
    for (id, old) in &before.queue {
        let Some(new) = after.queue.get(id) else { return Err(format!("{id} is gone")) };
        entry(before, old, event, by, new)?;
    }
    for (id, old) in &before.sessions {
        let over = old.status == RuntimeStatus::Terminated;
        let begun_anew =
            matches!(event, Event::RuntimeSessionStarted { session_id, .. } if session_id.as_str() == id);
        if over && !begun_anew && after.sessions.get(id) != Some(old) {
            return Err(format!("{id} was over and changed"));
        }
    }
    cells(after)
}

fn entry(
    before: &State,
    old: &QueueEntry,
    event: &Event,
    by: &Replica,
    new: &QueueEntry,
) -> Result<(), String> {
    use QueueStatus::{Assigned, Cancelled, Executing, Pending};
    let fail = |what: &str| Err(format!("{}: {what}: {:?} became {:?}", old.id, old.status, new.status));
    if old.status.is_terminal() && old != new {
        return fail("an entry that was over changed");
    }
    if old == new {
        return Ok(());
    }
    let owner = old.assigned_runtime_session.as_ref();
    match event {
        Event::ExecutionAssigned { .. } if old.status != Pending => fail("a claim took what was claimed"),
        Event::ExecutionAssigned { runtime_session_id, .. } => {
            let is_theirs =
                new.status == Assigned && new.assigned_runtime_session.as_ref() == Some(runtime_session_id);
            if is_theirs { Ok(()) } else { fail("a claim gave it to another") }
        }
        Event::ExecutionReleased { runtime_session_id, .. } => {
            let given = owner == Some(runtime_session_id) && new.status == Pending;
            let may = match old.status {
                Assigned => is_theirs(owner, by) || !is_alive(before, owner),
                // What was started may have done something: nobody but who started it has it done again.
                _ => is_theirs(owner, by) && is_announced(before, owner),
            };
            let unclaimed = new.assigned_runtime_session.is_none() && new.started_at.is_none();
            if given && may && unclaimed { Ok(()) } else { fail("released by another") }
        }
        _ if new.assigned_runtime_session != old.assigned_runtime_session => fail("the owner changed"),
        Event::ExecutionStarted { runtime_session_id, .. } => {
            if owner == Some(runtime_session_id) && new.status == Executing {
                Ok(())
            } else {
                fail("started by another")
            }
        }
        Event::ExecutionCompleted { .. } => {
            let may = owner.is_some() && (is_theirs(owner, by) || !is_alive(before, owner));
            if new.status.is_terminal() && may { Ok(()) } else { fail("completed by another") }
        }
        Event::ExecutionCancelled { .. } | Event::AllExecutionsCancelled {} if new.status == Cancelled => {
            Ok(())
        }
        _ => fail("an event that is none of its business changed it"),
    }
}

/// Sessions are of one replica by their name.
fn is_theirs(owner: Option<&RuntimeSessionId>, by: &Replica) -> bool {
    owner.is_some_and(|owner| owner.as_str().starts_with("s0") == (by.client_id == "memory"))
}

fn is_announced(before: &State, owner: Option<&RuntimeSessionId>) -> bool {
    owner.is_some_and(|owner| before.sessions.contains_key(owner.as_str()))
}

fn is_alive(before: &State, owner: Option<&RuntimeSessionId>) -> bool {
    let session = owner.and_then(|owner| before.sessions.get(owner.as_str()));
    session.is_some_and(|session| session.status != RuntimeStatus::Terminated)
}

/// A cell runs while one of its entries does, waits while one of them is open, and rests when all are over.
fn cells(state: &State) -> Result<(), String> {
    let with = |statuses: &[QueueStatus]| -> BTreeSet<&str> {
        let entries = state.queue.values().filter(|entry| statuses.contains(&entry.status));
        entries.map(|entry| entry.cell_id.as_str()).collect()
    };
    let running = with(&[QueueStatus::Executing]);
    let open = with(&[QueueStatus::Pending, QueueStatus::Assigned, QueueStatus::Executing]);
    for (id, cell) in &state.cells {
        let wrong = match cell {
            ExecutionState::Running => !running.contains(id.as_str()),
            ExecutionState::Queued => !open.contains(id.as_str()),
            ExecutionState::Idle | ExecutionState::Completed | ExecutionState::Error => false,
        };
        if wrong {
            return Err(format!("{id} is {cell} and no entry of it says so"));
        }
    }
    Ok(())
}
