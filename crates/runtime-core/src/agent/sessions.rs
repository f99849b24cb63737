//! Other runtime sessions of the store: who holds which lanes, and what the dead ones left behind.

use purlin_notebook::{
    CellId, CompletionStatus, Event, QueueEntry, QueueId, QueueStatus, RuntimeSession, RuntimeSessionId,
    RuntimeStatus, StoreError, StoreExt, TerminationReason, ToolCallStatus, time,
};

use crate::agent::{Inner, lanes};

/// What is written for an execution whose runtime went away.
const LOST: &str = "runtime lost";

/// Another session that is not terminated.
pub(super) struct Other {
    pub(super) id: RuntimeSessionId,
    pub(super) alive: bool,
    pub(super) overlaps: bool,
}

impl Inner {
    /// Lists the sessions of others that are not terminated, oldest first.
    pub(super) fn others(&self) -> Result<Vec<Other>, StoreError> {
        let ours = self.session.borrow().clone();
        let mut others = Vec::new();
        for session in self.store.runtime_sessions()?.into_iter().filter(is_active) {
            if ours.as_ref() != Some(&session.session_id) {
                others.push(self.look_at(session));
            }
        }
        Ok(others)
    }

    fn look_at(&self, session: RuntimeSession) -> Other {
        let overlaps = lanes::overlap(&self.options.lanes, session.lanes.as_deref());
        Other { alive: self.is_alive(&session.session_id), overlaps, id: session.session_id }
    }

    /// Tells whether another session has taken our lanes: by terminating ours, or by a later start than ours.
    pub(super) fn is_displaced(&self, ours: &RuntimeSessionId) -> Result<bool, StoreError> {
        let sessions = self.store.runtime_sessions()?;
        let Some(at) = sessions.iter().position(|session| session.session_id == *ours) else {
            return Ok(true);
        };
        if !is_active(&sessions[at]) {
            return Ok(true);
        }
        for session in sessions.into_iter().skip(at + 1).filter(is_active) {
            let later = self.look_at(session);
            if later.alive && later.overlaps {
                // Both started without seeing the other. The later start decides, and the log has to say so.
                let reason = TerminationReason::Displaced;
                self.store.commit(&[Event::RuntimeSessionTerminated { session_id: ours.clone(), reason }])?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the event that ends a dead session, unless the log says its end already.
    ///
    /// It stands before what settles the session's executions: as long as a session is alive in the log, only its own
    /// replica completes them.
    pub(super) fn end_lost(&self, session: &RuntimeSessionId) -> Result<Option<Event>, StoreError> {
        let sessions = self.store.runtime_sessions()?;
        let lost = sessions.into_iter().filter(is_active).find(|other| other.session_id == *session);
        let reason = TerminationReason::Timeout;
        Ok(lost.map(|lost| Event::RuntimeSessionTerminated { session_id: lost.session_id, reason }))
    }

    /// Makes the events that settle what dead sessions left: what ran failed, what was only claimed is released.
    pub(super) fn settle_lost(&self, ours: &RuntimeSessionId) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        for entry in self.store.queue(Some(QueueStatus::Executing))? {
            if self.is_lost(&entry, ours) {
                events.extend(self.end_tool_calls(&entry.cell_id, ToolCallStatus::Interrupted)?);
                events.push(self.failed(entry.id, entry.cell_id, LOST));
            }
        }
        for entry in self.store.queue(Some(QueueStatus::Assigned))? {
            let owner = entry.assigned_runtime_session.clone().filter(|_| self.is_lost(&entry, ours));
            if let Some(owner) = owner {
                events.push(self.give_back(entry.id, entry.cell_id, owner, LOST));
            }
        }
        Ok(events)
    }

    /// Tells whether a claim can be given back. The base schema has no word for it.
    pub(super) fn can_release(&self) -> bool {
        self.store.knows("purlin.v1.ExecutionReleased")
    }

    /// Makes the event that gives a claim back, so that somebody else executes it; where there is none, the execution
    /// fails, because nobody would ever claim what is assigned.
    pub(super) fn give_back(
        &self,
        queue_id: QueueId,
        cell_id: CellId,
        runtime_session_id: RuntimeSessionId,
        reason: &str,
    ) -> Event {
        if self.can_release() {
            return Event::ExecutionReleased { queue_id, runtime_session_id, reason: reason.to_owned() };
        }
        self.failed(queue_id, cell_id, reason)
    }

    /// Makes the event that fails an execution which did not take any time of ours.
    pub(super) fn failed(&self, queue_id: QueueId, cell_id: CellId, why: &str) -> Event {
        Event::ExecutionCompleted {
            queue_id,
            cell_id,
            status: CompletionStatus::Error,
            error: Some(why.to_owned()),
            completed_at: time::iso(self.host.now()),
            execution_duration_ms: 0,
        }
    }

    /// Makes the events that end the tool calls of a cell that were started and never ended.
    pub(super) fn end_tool_calls(
        &self,
        cell: &CellId,
        status: ToolCallStatus,
    ) -> Result<Vec<Event>, StoreError> {
        let calls = self.store.tool_calls(cell)?.into_iter().filter(|call| call.status.is_none());
        Ok(calls
            .map(|call| Event::ToolCallEnded { tool_call_id: call.tool_call_id, status, duration_ms: 0 })
            .collect())
    }

    fn is_lost(&self, entry: &QueueEntry, ours: &RuntimeSessionId) -> bool {
        let owner = entry.assigned_runtime_session.as_ref();
        owner.is_none_or(|owner| owner != ours && !self.is_alive(owner))
    }
}

fn is_active(session: &RuntimeSession) -> bool {
    session.is_active && session.status != RuntimeStatus::Terminated
}
