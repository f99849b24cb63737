//! Runtime sessions and the execution queue, with our guards.
//!
//! An assignment needs a pending entry; a start needs the owner and an entry that is not over; a completion needs the
//! owner's replica and an entry that is not over; a release needs the owner's replica; a cancellation needs an entry
//! that is not over; no status revives a terminated session.
//!
//! `ExecutionCompleted` does not say which runtime session sends it, so its author counts: the log names the replica
//! that committed each event, and a runtime session belongs to the replica that committed its start. As long as the
//! owner of an entry is alive, only its replica completes the entry; when the owner is over (or was never announced),
//! anybody does, because somebody has to settle what it left.
//!
//! The same holds of giving back what was only claimed. What was started may have done something already, so only the
//! replica that started it can say that it did not: nobody else has it executed a second time. See `docs/decisions`.

use super::{Author, Done, json, presence, run};
use crate::event::Event;
use crate::ids::{CellId, QueueId};
use crate::tables::{Bind, DerivedTables, Op, Set, Table, TableError, Test, Verb};
use crate::time;
use crate::values::{Capabilities, CompletionStatus};

use Set::Bind as B;
use Test::{In, Is};
use Verb::{InsertOrIgnore, InsertOrReplace, Update};

/// What is not over.
const OPEN: &[&str] = &["pending", "assigned", "executing"];
/// What somebody owns.
const OWNED: &[&str] = &["assigned", "executing"];

static STARTED: Op = Op::new(
    Table::Sessions,
    InsertOrReplace,
    &[
        B("sessionId"),
        B("runtimeId"),
        B("runtimeType"),
        Set::Text("status", "starting"),
        B("canExecuteCode"),
        B("canExecuteSql"),
        B("canExecuteAi"),
        B("availableAiModels"),
    ],
    &[],
);
static REPLICA: Op =
    Op::new(Table::Replicas, InsertOrReplace, &[B("sessionId"), B("clientId"), B("replicaId")], &[]);
static SESSION_STATUS: Op = Op::new(
    Table::Sessions,
    Update,
    &[B("status")],
    &[Is("sessionId"), Test::NotIn("status", &["terminated"])],
);
static TERMINATED: Op = Op::new(
    Table::Sessions,
    Update,
    &[Set::Text("status", "terminated"), Set::Integer("isActive", 0)],
    &[Is("sessionId")],
);
static RENEWAL: Op =
    Op::new(Table::Sessions, Update, &[B("lastRenewedAt"), B("expiresAt")], &[Is("sessionId")]);

static REQUEST: Op = Op::new(
    Table::Queue,
    InsertOrIgnore,
    &[B("id"), B("cellId"), B("executionCount"), B("requestedBy"), Set::Text("status", "pending")],
    &[],
);
static CELL_QUEUED: Op =
    Op::new(Table::Cells, Update, &[Set::Text("executionState", "queued"), B("executionCount")], &[Is("id")]);
static ASSIGN: Op = Op::new(
    Table::Queue,
    Update,
    &[Set::Text("status", "assigned"), B("assignedRuntimeSession")],
    &[Is("id"), In("status", &["pending"])],
);
static START: Op = Op::new(
    Table::Queue,
    Update,
    &[Set::Text("status", "executing"), B("startedAt")],
    &[Is("id"), Is("assignedRuntimeSession"), In("status", OWNED)],
);
static CELL_RUNNING: Op = Op::new(
    Table::Cells,
    Update,
    &[Set::Text("executionState", "running"), B("assignedRuntimeSession")],
    &[Is("id")],
);
static COMPLETE: Op = Op::new(
    Table::Queue,
    Update,
    &[B("status"), B("completedAt"), B("executionDurationMs")],
    &[Is("id"), In("status", OWNED), Test::NotForeign("assignedRuntimeSession")],
);
static CELL_COMPLETE: Op =
    Op::new(Table::Cells, Update, &[B("executionState"), B("lastExecutionDurationMs")], &[Is("id")]);
static CANCEL: Op =
    Op::new(Table::Queue, Update, &[Set::Text("status", "cancelled")], &[Is("id"), In("status", OPEN)]);
static CELL_IDLE: Op = Op::new(Table::Cells, Update, &[Set::Text("executionState", "idle")], &[Is("id")]);
static CANCEL_ALL: Op =
    Op::new(Table::Queue, Update, &[Set::Text("status", "cancelled")], &[In("status", OPEN)]);
static CELLS_IDLE: Op = Op::new(
    Table::Cells,
    Update,
    &[Set::Text("executionState", "idle")],
    &[In("executionState", &["queued", "running"])],
);
/// An entry as if nobody had ever claimed it.
const UNCLAIMED: &[Set] =
    &[Set::Text("status", "pending"), Set::Null("assignedRuntimeSession"), Set::Null("startedAt")];
static RELEASE: Op = Op::new(
    Table::Queue,
    Update,
    UNCLAIMED,
    &[
        Is("id"),
        Is("assignedRuntimeSession"),
        In("status", &["assigned"]),
        Test::NotForeign("assignedRuntimeSession"),
    ],
);
static RELEASE_STARTED: Op = Op::new(
    Table::Queue,
    Update,
    UNCLAIMED,
    &[
        Is("id"),
        Is("assignedRuntimeSession"),
        In("status", &["executing"]),
        Test::Own("assignedRuntimeSession"),
    ],
);
static CELL_BACK: Op =
    Op::new(Table::Cells, Update, &[Set::Text("executionState", "queued")], &[Test::CellOfEntry("id")]);
static NOTE: Op = Op::new(
    Table::ExecutionNotes,
    InsertOrReplace,
    &[B("queueId"), B("source"), B("reason"), B("error")],
    &[],
);

pub(super) fn apply(event: &Event, author: Author<'_>, t: &mut dyn DerivedTables) -> Done {
    sessions(event, author, t).or_else(|| queue(event, author, t))
}

fn sessions(event: &Event, author: Author<'_>, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::RuntimeSessionStarted { session_id, runtime_id, runtime_type, capabilities } => {
            let session = session_id.as_str();
            let replica = [session.into(), author.client_id.into(), author.session_id.into()];
            started(t, session, runtime_id, runtime_type, capabilities)
                .and_then(|()| run(t, &REPLICA, &replica))
        }
        Event::RuntimeSessionStatusChanged { session_id, status } => {
            run(t, &SESSION_STATUS, &[status.as_str().into(), session_id.as_str().into()])
        }
        Event::RuntimeSessionTerminated { session_id, .. } => {
            run(t, &TERMINATED, &[session_id.as_str().into()])
        }
        Event::RuntimeSessionRenewal { session_id, renewed_at, valid_for_ms } => {
            let expires = time::parse_iso(renewed_at)
                .map_or_else(|| renewed_at.clone(), |ms| time::iso(ms.saturating_add(*valid_for_ms)));
            run(t, &RENEWAL, &[time::normal(renewed_at).into(), expires.into(), session_id.as_str().into()])
        }
        _ => return None,
    })
}

fn started(
    t: &mut dyn DerivedTables,
    session: &str,
    runtime: &str,
    kind: &str,
    capabilities: &Capabilities,
) -> Result<(), TableError> {
    let models = capabilities.available_ai_models.as_ref().filter(|models| !models.is_null());
    run(
        t,
        &STARTED,
        &[
            session.into(),
            runtime.into(),
            kind.into(),
            capabilities.can_execute_code.into(),
            capabilities.can_execute_sql.into(),
            capabilities.can_execute_ai.into(),
            models.map_or(Bind::Null, json),
        ],
    )
}

fn queue(event: &Event, author: Author<'_>, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::ExecutionRequested { queue_id, cell_id, execution_count, requested_by, actor_id } => {
            let by = actor_id.as_ref().unwrap_or(requested_by);
            request(t, queue_id, cell_id, *execution_count, requested_by)
                .and_then(|()| presence(t, by, Some(cell_id.as_str())))
        }
        Event::MultipleExecutionRequested { requested_by, cells_info } => cells_info
            .iter()
            .try_for_each(|cell| request(t, &cell.queue_id, &cell.id, cell.execution_count, requested_by)),
        Event::ExecutionAssigned { queue_id, runtime_session_id } => {
            run(t, &ASSIGN, &[runtime_session_id.as_str().into(), queue_id.as_str().into()])
        }
        Event::ExecutionStarted { queue_id, cell_id, runtime_session_id, started_at } => {
            let session = runtime_session_id.as_str();
            let entry = [time::normal(started_at).into(), queue_id.as_str().into(), session.into()];
            then(t, &START, &entry, &CELL_RUNNING, &[session.into(), cell_id.as_str().into()])
        }
        Event::ExecutionCompleted {
            queue_id, cell_id, status, completed_at, execution_duration_ms, ..
        } => {
            let (entry_status, cell_state) = match status {
                CompletionStatus::Success => ("completed", "completed"),
                CompletionStatus::Error => ("failed", "error"),
                CompletionStatus::Cancelled => ("cancelled", "idle"),
            };
            let duration = *execution_duration_ms;
            let completed = time::normal(completed_at).into();
            let entry = [
                entry_status.into(),
                completed,
                duration.into(),
                queue_id.as_str().into(),
                author.client_id.into(),
                author.session_id.into(),
            ];
            then(
                t,
                &COMPLETE,
                &entry,
                &CELL_COMPLETE,
                &[cell_state.into(), duration.into(), cell_id.as_str().into()],
            )
        }
        Event::ExecutionCancelled { queue_id, cell_id, cancelled_by, actor_id, .. } => {
            let by = actor_id.as_ref().unwrap_or(cancelled_by);
            cancel(t, queue_id, cell_id, by)
        }
        Event::AllExecutionsCancelled {} => run(t, &CANCEL_ALL, &[]).and_then(|()| run(t, &CELLS_IDLE, &[])),
        Event::ExecutionReleased { queue_id, runtime_session_id, .. } => {
            release(t, queue_id, runtime_session_id.as_str(), author)
        }
        Event::ExecutionNoted { queue_id, source, reason, error } => run(
            t,
            &NOTE,
            &[
                queue_id.as_str().into(),
                source.as_str().into(),
                reason.as_deref().into(),
                error.as_deref().into(),
            ],
        ),
        _ => return None,
    })
}

/// Carries out the second change where the first changed a row.
fn then(
    t: &mut dyn DerivedTables,
    guard: &'static Op,
    guard_binds: &[Bind<'_>],
    op: &'static Op,
    binds: &[Bind<'_>],
) -> Result<(), TableError> {
    if t.execute(guard, guard_binds)? == 0 { Ok(()) } else { run(t, op, binds) }
}

/// Asking twice is asking once: a request whose id is taken does not touch the cell.
fn request(
    t: &mut dyn DerivedTables,
    queue: &QueueId,
    cell: &CellId,
    count: i64,
    by: &str,
) -> Result<(), TableError> {
    let entry = [queue.as_str().into(), cell.as_str().into(), count.into(), by.into()];
    then(t, &REQUEST, &entry, &CELL_QUEUED, &[count.into(), cell.as_str().into()])
}

/// Gives a claim back, or what its own replica started and did not carry out.
fn release(
    t: &mut dyn DerivedTables,
    queue: &QueueId,
    session: &str,
    author: Author<'_>,
) -> Result<(), TableError> {
    let entry = [queue.as_str().into(), session.into(), author.client_id.into(), author.session_id.into()];
    if t.execute(&RELEASE, &entry)? == 0 && t.execute(&RELEASE_STARTED, &entry)? == 0 {
        return Ok(());
    }
    run(t, &CELL_BACK, &[queue.as_str().into()])
}

fn cancel(t: &mut dyn DerivedTables, queue: &QueueId, cell: &CellId, by: &str) -> Result<(), TableError> {
    if t.execute(&CANCEL, &[queue.as_str().into()])? == 0 {
        return Ok(());
    }
    run(t, &CELL_IDLE, &[cell.as_str().into()])?;
    presence(t, by, Some(cell.as_str()))
}
