//! Asks the person about tool calls of a runtime elsewhere whose gate had nobody to ask.

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use futures_util::StreamExt;
use purlin_agent::Asked;
use purlin_agent::hooks::spelled;
use purlin_kernel::text::visible;
use purlin_kernel::{ExtId, Level, OverlayBody, OverlayOptions, Reason, SelectOptions};
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
struct Asking(JoinHandle<()>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks what waits for an answer, until the session is closed.
pub(super) fn follow(desk: WeakDesk, open: Weak<Open>, store: &dyn Store) -> JoinHandle<()> {
    let mut changes = store.watch(Tables::APPROVALS | Tables::QUEUE);
    tokio::task::spawn_local(async move {
        let mut asking: BTreeMap<String, Asking> = BTreeMap::new();
        while changes.next().await.is_some() {
            let (Some(desk), Some(open)) = (desk.upgrade(), open.upgrade()) else { return };
            let waiting = open.session.waiting_approvals();
            // Answered by others, or nobody waits any more.
            asking.retain(|call, _| waiting.iter().any(|approval| approval.tool_call_id == *call));
            for approval in waiting {
                let ask =
                    || Asking(tokio::task::spawn_local(ask(desk.clone(), open.clone(), approval.clone())));
                asking.entry(approval.tool_call_id.clone()).or_insert_with(ask);
            }
        }
    })
}

async fn ask(desk: Desk, open: Rc<Open>, approval: Approval) {
    let asked = open.session.asked(&approval);
    let question = Question::of(&approval, &asked);
    let status = loop {
        let mut items: Vec<_> = ANSWERS.iter().map(|(label, _)| (*label).into()).collect();
        if question.what.chars().count() > ALONE || question.is_cut() {
            items.push(LOOK.into());
        }
        let options = SelectOptions {
            prompt: question.prompt(),
            items,
            filter: false,
            timeout_ms: u64::try_from(APPROVAL_TIMEOUT.as_millis()).ok(),
            ..SelectOptions::default()
        };
        let answer = desk.kernel().ui().select(ExtId::CORE, options).await;
        let chosen = answer.map(|answer| answer.chosen.first().copied());
        match chosen.map(|chosen| chosen.and_then(|chosen| ANSWERS.get(chosen))) {
            Ok(Some((_, status))) => break Some(*status),
            // What is shown whole is asked about again.
            Ok(None) => question.show(&desk).await,
            Err(Reason::User) => break Some(ApprovalStatus::Denied),
            // Whoever asked stops waiting by itself.
            Err(_) => break None,
        }
    };
    if let Some(status) = status
        && let Err(error) = open.session.respond(&approval.tool_call_id, status).await
    {
        desk.say(sentence(&error.to_string()), Level::Error);
    }
}

/// Offered where a question does not show all of what is to be run.
const LOOK: &str = "Show all of it";
/// What is to be run may be so long that it is offered to show it alone: a narrow screen has no room for the question.
const ALONE: usize = 80;
/// The middle of what is longer than this is left out of the question,
const LONG: usize = 500;
/// which then has so many characters of it.
const SHOWN: usize = 400;
/// And so many lines.
const LINES: usize = 8;

/// What the person reads before an answer: the tool, who asks in which words, and what is to be run.
struct Question {
    tool: String,
    words: String,
    what: String,
}

impl Question {
    fn of(approval: &Approval, asked: &Asked) -> Self {
        let words = if asked.words.is_empty() {
            "Its runtime has nobody to ask.".to_owned()
        } else {
            asked.words.clone()
        };
        Self {
            tool: approval.tool_name.clone(),
            words,
            what: visible(&spelled(&asked.arguments)).into_owned(),
        }
    }

    fn is_cut(&self) -> bool {
        self.what.chars().count() > LONG || self.what.lines().count() > LINES
    }

    fn prompt(&self) -> String {
        let what = if self.is_cut() { cut(&self.what) } else { self.what.clone() };
        format!("May `{}` run?\n{}\n{what}", self.tool, self.words.trim_end()).trim_end().to_owned()
    }

    /// Shows all of what is to be run, until the person has seen enough.
    async fn show(&self, desk: &Desk) {
        let options = OverlayOptions {
            title: format!("`{}`", self.tool),
            body: OverlayBody::Text(self.what.clone()),
            whole_width: true,
            ..OverlayOptions::default()
        };
        // Closing it is all there is to do.
        let _ = desk.kernel().ui().overlay(ExtId::CORE, options).await;
    }
}

/// Leaves the middle of a long text out, and says how much that is.
fn cut(text: &str) -> String {
    let count = text.chars().count();
    let head: String = text.lines().take(LINES / 2).collect::<Vec<_>>().join("\n");
    let head: String = head.chars().take(SHOWN / 2).collect();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len() - lines.len().min(LINES / 2)..].join("\n");
    let room = count.saturating_sub(head.chars().count()).min(SHOWN / 2);
    let tail: String = tail.chars().skip(tail.chars().count().saturating_sub(room)).collect();
    let left = count.saturating_sub(head.chars().count() + tail.chars().count());
    if left == 0 {
        return text.to_owned();
    }
    format!("{head}\n… {left} of {count} characters are not shown here …\n{tail}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn question(arguments: Value, words: &str) -> Question {
        let approval = Approval {
            tool_call_id: "c".into(),
            cell_id: "cell".into(),
            tool_name: "bash".into(),
            status: ApprovalStatus::Pending,
            approved_by: None,
            requested_at: String::new(),
            responded_at: None,
        };
        Question::of(&approval, &Asked { arguments, words: words.into() })
    }

    #[test]
    fn a_question_has_the_tool_the_words_and_the_command() {
        let asked =
            question(json!({"command": "rm -rf /tmp/x\u{1b}[2J"}), "`gate` asks about `bash`: Really?");
        assert_eq!(asked.prompt(), "May `bash` run?\n`gate` asks about `bash`: Really?\nrm -rf /tmp/x^[[2J");
        let asked = question(json!({"path": "a", "limit": 3}), "");
        assert_eq!(asked.prompt(), "May `bash` run?\nIts runtime has nobody to ask.\npath: a\nlimit: 3");
        assert_eq!(question(Value::Null, "").prompt().lines().count(), 2);
    }

    #[test]
    fn of_a_long_command_the_middle_is_left_out_and_its_length_told() {
        let asked = question(json!({"command": format!("begin {} end", "x".repeat(3_000))}), "");
        assert!(asked.is_cut());
        let prompt = asked.prompt();
        assert!(prompt.contains("begin xxx") && prompt.ends_with("xxx end"), "{prompt}");
        assert!(prompt.contains("… 2610 of 3010 characters are not shown here …"), "{prompt}");
        let lines = (1..=40).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let prompt = question(json!({"command": lines}), "").prompt();
        assert!(
            prompt.contains("line 4\n… ") && prompt.ends_with("line 37\nline 38\nline 39\nline 40"),
            "{prompt}"
        );
    }
}
