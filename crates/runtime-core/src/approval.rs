//! Asking people whether a tool may run: through the store, so that any surface can answer.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use purlin_notebook::{Approval, ApprovalStatus, Event, StoreError, StoreExt, Tables, time};
use serde_json::Value;

use crate::context::ExecutionContext;
use crate::handler::{Cancelled, ExecutionError};
use crate::host::Level;

/// How long a request for approval waits for an answer; then it is denied.
pub const APPROVAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A tool call that asks for approval.
#[derive(Clone, Copy, Debug)]
pub struct ToolRequest<'a> {
    /// Names the call; unique in the notebook.
    pub call_id: &'a str,
    /// The tool.
    pub tool: &'a str,
    /// What it is called with, as people are to see it.
    pub arguments: &'a Value,
    /// Whether the tool is the runtime's own and works on the notebook alone: then nobody is asked.
    pub built_in: bool,
}

/// What became of a request for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The call may run.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time, which is a no.
    TimedOut,
}

impl Decision {
    /// Tells whether the call may run.
    pub const fn is_approved(self) -> bool {
        matches!(self, Self::Approved)
    }
}

impl ExecutionContext {
    /// Asks whether a tool call may run, and waits for the answer, at most [`APPROVAL_TIMEOUT`].
    ///
    /// The request is committed, so that whichever surface watches the notebook can answer it. Nobody is asked for a
    /// built-in tool, for a tool that was approved for good, and for a call that was answered before: asking again does
    /// not reset an answer. Fails if the execution is cancelled meanwhile, or the store does.
    pub async fn approve(&self, request: ToolRequest<'_>) -> Result<Decision, ExecutionError> {
        if request.built_in {
            return Ok(Decision::Approved);
        }
        if let Some(decision) = self.decided(request)? {
            return Ok(decision);
        }
        // Taken before the request is committed, so that no answer is missed.
        let mut ticks = self.store().watch(Tables::APPROVALS);
        let mut timeout = self.host().sleep(APPROVAL_TIMEOUT);
        let mut cancelled = self.cancellation();
        self.commit(vec![Event::ToolApprovalRequested {
            tool_call_id: request.call_id.to_owned(),
            cell_id: self.cell.id.clone(),
            tool_name: request.tool.to_owned(),
            arguments: request.arguments.clone(),
            requested_at: time::iso(self.host().now()),
        }])?;
        let waited: Result<Decision, ExecutionError> = poll_fn(|cx| {
            if cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(Cancelled.into()));
            }
            loop {
                match ticks.poll_next_unpin(cx) {
                    Poll::Ready(Some(())) => match self.decided(request) {
                        Ok(Some(decision)) => return Poll::Ready(Ok(decision)),
                        Ok(None) => {}
                        Err(error) => return Poll::Ready(Err(error.into())),
                    },
                    Poll::Ready(None) => {
                        let closed =
                            StoreError::Closed("it was closed while a tool waited for approval".to_owned());
                        return Poll::Ready(Err(closed.into()));
                    }
                    Poll::Pending => break,
                }
            }
            timeout.as_mut().poll(cx).map(|()| Ok(Decision::TimedOut))
        })
        .await;
        if !matches!(waited, Ok(Decision::Approved | Decision::Denied)) {
            self.withdraw(request);
        }
        waited
    }

    /// Finds an answer that stands in the store already.
    fn decided(&self, request: ToolRequest<'_>) -> Result<Option<Decision>, StoreError> {
        let approvals = self.store().approvals()?;
        let call = approvals.iter().find(|approval| approval.tool_call_id == request.call_id);
        let for_good = |approval: &Approval| {
            approval.tool_name == request.tool && approval.status == ApprovalStatus::ApprovedAlways
        };
        Ok(match call.map(|call| call.status) {
            Some(ApprovalStatus::ApprovedOnce | ApprovalStatus::ApprovedAlways) => Some(Decision::Approved),
            Some(ApprovalStatus::Denied) => Some(Decision::Denied),
            Some(ApprovalStatus::Pending) | None => {
                approvals.iter().any(for_good).then_some(Decision::Approved)
            }
        })
    }

    /// Says that nobody waits for an answer any more, so that no surface goes on asking.
    fn withdraw(&self, request: ToolRequest<'_>) {
        let answer = Event::ToolApprovalResponded {
            tool_call_id: request.call_id.to_owned(),
            status: ApprovalStatus::Denied,
            approved_by: format!("runtime-{}", self.runtime_id),
            responded_at: time::iso(self.host().now()),
        };
        if let Err(error) = self.commit(vec![answer]) {
            self.log(Level::Warn, &format!("A request for approval could not be withdrawn: {error}."));
        }
    }
}
