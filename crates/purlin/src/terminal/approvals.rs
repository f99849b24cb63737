//! Asks the person about tool calls of a runtime elsewhere whose gate had nobody to ask.

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use futures_util::StreamExt;
use purlin_kernel::{ExtId, Level, Reason, SelectOptions};
use purlin_notebook::{Approval, ApprovalStatus, Store, Tables};
use purlin_runtime_core::APPROVAL_TIMEOUT;
use tokio::task::JoinHandle;

use super::desk::{Desk, Open, WeakDesk};
use crate::session::sentence;

/// The answers, in the order in which they are shown.
const ANSWERS: [(&str, ApprovalStatus); 3] = [
    ("Yes, this once", ApprovalStatus::ApprovedOnce),
    ("Yes, and this tool from now on", ApprovalStatus::ApprovedAlways),
    ("No", ApprovalStatus::Denied),
];

/// A question on the screen; it goes away when this is dropped.
struct Question(JoinHandle<()>);

impl Drop for Question {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks what waits for an answer, until the session is closed.
pub(super) fn follow(desk: WeakDesk, open: Weak<Open>, store: &dyn Store) -> JoinHandle<()> {
    let mut changes = store.watch(Tables::APPROVALS | Tables::QUEUE);
    tokio::task::spawn_local(async move {
        let mut asking: BTreeMap<String, Question> = BTreeMap::new();
        while changes.next().await.is_some() {
            let (Some(desk), Some(open)) = (desk.upgrade(), open.upgrade()) else { return };
            let waiting = open.session.waiting_approvals();
            // Answered by others, or nobody waits any more.
            asking.retain(|call, _| waiting.iter().any(|approval| approval.tool_call_id == *call));
            for approval in waiting {
                let question =
                    || Question(tokio::task::spawn_local(ask(desk.clone(), open.clone(), approval.clone())));
                asking.entry(approval.tool_call_id.clone()).or_insert_with(question);
            }
        }
    })
}

async fn ask(desk: Desk, open: Rc<Open>, approval: Approval) {
    let options = SelectOptions {
        prompt: format!("May `{}` run? Its runtime has nobody to ask.", approval.tool_name),
        items: ANSWERS.iter().map(|(label, _)| (*label).into()).collect(),
        filter: false,
        timeout_ms: u64::try_from(APPROVAL_TIMEOUT.as_millis()).ok(),
        ..SelectOptions::default()
    };
    let answer = match desk.kernel().ui().select(ExtId::CORE, options).await {
        Ok(answer) => {
            answer.chosen.first().and_then(|chosen| ANSWERS.get(*chosen)).map(|(_, status)| *status)
        }
        Err(Reason::User) => Some(ApprovalStatus::Denied),
        // Whoever asked stops waiting by itself.
        Err(_) => None,
    };
    if let Some(status) = answer
        && let Err(error) = open.session.respond(&approval.tool_call_id, status).await
    {
        desk.say(sentence(&error.to_string()), Level::Error);
    }
}
