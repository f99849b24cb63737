//! Requests for a tool's approval, which any surface of the session may answer.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_notebook::{
    Approval, ApprovalStatus, Event, QueueStatus, Role, Store, StoreError, StoreExt, time,
};
use serde_json::Value;

use super::{Session, SessionError};

/// So many entries of the log are read at a time while a request is looked for.
const PAGE: i64 = 256;
/// A request is looked for in so many entries; one that waits was made within the last minute.
const BACK: i64 = 64 * PAGE;

/// What a person should know who is to answer a request for approval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// What the tool is to be called with; `Null` if that is not known any more.
    pub arguments: Value,
    /// Who asks, and in which words, as a sentence; empty if nobody said anything.
    pub words: String,
}

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

    /// Tells what a request for approval is about.
    pub fn asked(&self, approval: &Approval) -> Asked {
        let store = self.store();
        let arguments = arguments(&*store, approval).ok().flatten().unwrap_or_default();
        Asked { arguments, words: words(&*store, approval).unwrap_or_default() }
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

/// The arguments of a request, which only the log keeps.
fn arguments(store: &dyn Store, wanted: &Approval) -> Result<Option<Value>, StoreError> {
    let last = store.last_rowid()?;
    let mut end = last;
    while end > 0 && last - end < BACK {
        let begin = (end - PAGE).max(0);
        let entries = store.log_since(begin, PAGE as usize)?;
        for entry in entries.into_iter().rev() {
            match entry.event {
                Event::ToolApprovalRequested { tool_call_id, arguments, .. }
                    if tool_call_id == wanted.tool_call_id =>
                {
                    return Ok(Some(arguments));
                }
                _ => {}
            }
        }
        end = begin;
    }
    Ok(None)
}

/// What the note says that was made with a request.
fn words(store: &dyn Store, wanted: &Approval) -> Result<String, StoreError> {
    let is_note = |call: &Option<String>| call.as_deref() == Some(wanted.tool_call_id.as_str());
    let heads = store.output_heads(Some(&wanted.cell_id))?;
    let note = heads.iter().rev().find(|head| head.role == Some(Role::Note) && is_note(&head.call_id));
    let Some(output) = note.map(|note| store.output(&note.id)).transpose()?.flatten() else {
        return Ok(String::new());
    };
    store.text_of(&output)
}
