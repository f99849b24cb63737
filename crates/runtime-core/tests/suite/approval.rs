//! Approval of tool calls: rows 99 and 100.

use std::rc::Rc;

use purlin_notebook::{Approval, ApprovalStatus, CellKind, Event, QueueStatus, StoreExt};
use purlin_runtime_core::{ExecutionContext, Handler, Outcome, RuntimeAgent, ToolRequest, handler_fn};
use serde_json::json;

use crate::support::{Diary, World};

/// A handler that asks for the approval of `CALL TOOL`, as its source says, and notes the decision.
fn asking(diary: &Diary) -> Rc<dyn Handler> {
    let diary = diary.clone();
    handler_fn(move |cx: ExecutionContext| {
        let diary = diary.clone();
        async move {
            let source = cx.source().to_owned();
            let (call_id, tool) = source.split_once(' ').expect("two words");
            let arguments = json!({"command": "rm x"});
            let built_in = tool == "create_cell";
            let decision = cx.approve(ToolRequest { call_id, tool, arguments: &arguments, built_in }).await;
            diary.note(format!(
                "{call_id}: {}",
                decision.map_or_else(|e| e.to_string(), |d| format!("{d:?}"))
            ));
            Ok(Outcome::done())
        }
    })
}

fn world() -> (World, Diary, RuntimeAgent) {
    let (world, diary) = (World::new(), Diary::default());
    let agent = world.agent_with(world.options(&[CellKind::Ai]), asking(&diary));
    world.start(&agent);
    (world, diary, agent)
}

fn approvals(world: &World) -> Vec<Approval> {
    world.store.approvals().unwrap()
}

fn answer(world: &World, call: &str, status: ApprovalStatus) {
    world.commit([Event::ToolApprovalResponded {
        tool_call_id: call.to_owned(),
        status,
        approved_by: "ada".to_owned(),
        responded_at: "2026-01-01T00:00:01.000Z".to_owned(),
    }]);
}

#[test]
fn row_099_a_request_is_pending_and_one_approval_is_for_one_call() {
    let (world, diary, _agent) = world();
    world.ask(CellKind::Ai, "call1 bash");
    world.host.advance(59_000);
    let pending = &approvals(&world)[0];
    assert_eq!((pending.tool_name.as_str(), pending.status), ("bash", ApprovalStatus::Pending));
    assert_eq!(diary.read(), [""; 0]);
    answer(&world, "call1", ApprovalStatus::ApprovedOnce);
    world.host.advance(10);
    assert_eq!(diary.read(), ["call1: Approved"]);
    world.ask(CellKind::Ai, "call2 bash");
    world.host.advance(10);
    assert_eq!(diary.read().len(), 1, "the next call of the tool asks again");
    assert_eq!(approvals(&world)[1].status, ApprovalStatus::Pending);
}

#[test]
fn row_099_an_approval_for_good_is_for_the_name_of_the_tool() {
    let (world, diary, _agent) = world();
    world.ask(CellKind::Ai, "call1 bash");
    world.host.settle();
    answer(&world, "call1", ApprovalStatus::ApprovedAlways);
    world.ask(CellKind::Ai, "call2 bash");
    world.ask(CellKind::Ai, "call3 write");
    world.host.advance(10);
    assert_eq!(diary.read(), ["call1: Approved", "call2: Approved"]);
    let asked: Vec<String> = approvals(&world).into_iter().map(|approval| approval.tool_call_id).collect();
    assert_eq!(asked, ["call1", "call3"]);
}

#[test]
fn row_099_a_denial_is_told_and_so_is_silence_after_60_seconds() {
    let (world, diary, _agent) = world();
    world.ask(CellKind::Ai, "call1 bash");
    world.host.settle();
    answer(&world, "call1", ApprovalStatus::Denied);
    world.host.settle();
    let (_, queue) = world.ask(CellKind::Ai, "call2 bash");
    world.host.advance(59_999);
    assert_eq!(world.status(&queue), QueueStatus::Executing);
    world.host.advance(1);
    assert_eq!(diary.read(), ["call1: Denied", "call2: TimedOut"]);
    // The log says so, and no surface goes on asking.
    assert_eq!(approvals(&world)[1].status, ApprovalStatus::Denied);
    world.host.advance(1_000);
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn row_099_a_cancelled_execution_waits_for_no_answer() {
    let (world, diary, _agent) = world();
    let (_, queue) = world.ask(CellKind::Ai, "call1 bash");
    world.host.settle();
    world.cancel(&queue);
    world.host.settle();
    assert_eq!(diary.read(), ["call1: Execution cancelled"]);
    assert_eq!(approvals(&world)[0].status, ApprovalStatus::Denied);
}

#[test]
fn row_100_a_built_in_tool_asks_nobody() {
    let (world, diary, _agent) = world();
    world.ask(CellKind::Ai, "call1 create_cell");
    world.host.settle();
    assert_eq!(diary.read(), ["call1: Approved"]);
    assert_eq!(approvals(&world), []);
}

#[test]
fn row_100_asking_again_does_not_reset_an_answer() {
    let (world, diary, _agent) = world();
    for status in [ApprovalStatus::ApprovedOnce, ApprovalStatus::Denied] {
        let call = status.as_str();
        world.ask(CellKind::Ai, &format!("{call} bash"));
        world.host.settle();
        answer(&world, call, status);
        world.ask(CellKind::Ai, &format!("{call} bash"));
        world.host.settle();
        assert_eq!(approvals(&world).last().unwrap().status, status);
        // Nor does the event itself, whoever commits it.
        world.commit([Event::ToolApprovalRequested {
            tool_call_id: call.to_owned(),
            cell_id: "cell".into(),
            tool_name: "bash".to_owned(),
            arguments: json!({}),
            requested_at: "2026-01-01T00:00:02.000Z".to_owned(),
        }]);
        assert_eq!(approvals(&world).last().unwrap().status, status);
    }
    assert_eq!(
        diary.read(),
        ["approved_once: Approved", "approved_once: Approved", "denied: Denied", "denied: Denied"]
    );
}
