//! Requests for a tool's approval, which any surface of the session may answer.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_notebook::{Approval, ApprovalStatus, Event, QueueStatus, StoreExt, time};

use super::{Session, SessionError};

impl Session {
    /// The requests that somebody waits for: those of prompts that run.
    pub fn waiting_approvals(&self) -> Vec<Approval> {
        let store = self.store();
        let runs = |approval: &Approval| {
            let entries = store.queue_of(&approval.cell_id).unwrap_or_default();
            entries.iter().any(|entry| entry.status == QueueStatus::Executing)
        };
        let mut waiting = store.approvals().unwrap_or_default();
        waiting.retain(|approval| approval.status == ApprovalStatus::Pending && runs(approval));
        waiting
    }

    /// Answers a request for approval.
    pub fn respond(
        &self,
        tool_call_id: &str,
        status: ApprovalStatus,
    ) -> LocalBoxFuture<'static, Result<(), SessionError>> {
        let (session, tool_call_id) = (self.clone(), tool_call_id.to_owned());
        async move {
            let options = &session.0.options;
            let approved_by = options.by.clone();
            let responded_at = time::iso(options.host.now());
            let answer = Event::ToolApprovalResponded { tool_call_id, status, approved_by, responded_at };
            session.0.committer.post(vec![answer]).await?;
            Ok(())
        }
        .boxed_local()
    }
}
