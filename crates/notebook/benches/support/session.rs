//! A session's log as benchmarks replay it: what an agent commits, turn by turn.

use purlin_notebook::{
    Capabilities, CellId, CellKind, CellType, CompletionStatus, Event, Media, OutputMeta, QueueId, Role,
    StreamName, TOOL_CALL_MIME, ToolCallStatus,
};
use serde_json::json;

const DATE: &str = "2026-11-21T10:00:00.000Z";
const SESSION: &str = "5f0c6c1e-2b6d-4b1c-9a51-0c7f2e9d1a55";
const USER: &str = "local";

/// Makes a log of at least `count` events: prompts, streamed answers, tool calls with their output.
pub fn log(count: usize) -> Vec<Event> {
    let mut events = vec![Event::RuntimeSessionStarted {
        session_id: SESSION.into(),
        runtime_id: "agent-runtime-1".into(),
        runtime_type: "agent".into(),
        capabilities: Capabilities { can_execute_ai: true, ..Capabilities::default() },
    }];
    for turn in 0.. {
        if events.len() >= count {
            break;
        }
        prompt(turn, &mut events);
        answer(turn, &mut events);
        tool(turn, &mut events);
        end(turn, &mut events);
    }
    events
}

fn cell(turn: usize) -> CellId {
    format!("cell-{turn:08}-2b6d-4b1c-9a51").into()
}

fn queue(turn: usize) -> QueueId {
    format!("queue-{turn:08}-2b6d-4b1c-9a5").into()
}

fn prompt(turn: usize, events: &mut Vec<Event>) {
    events.extend([
        Event::CellCreated2 {
            id: cell(turn),
            fractional_index: format!("m{turn:08}"),
            cell_type: CellType::Ai,
            created_by: USER.into(),
        },
        Event::CellSourceChanged {
            id: cell(turn),
            source: "Why does the test of the store fail on the second run?".into(),
            modified_by: USER.into(),
        },
        Event::CellAnnotated {
            cell_id: cell(turn),
            kind: CellKind::Ai,
            hidden: None,
            parent_id: turn.checked_sub(1).map(cell),
            after_output: None,
            extension: None,
            attachments: Vec::new(),
            prepared: Some(true),
            prepared_text: None,
            data: None,
        },
        Event::ExecutionRequested {
            queue_id: queue(turn),
            cell_id: cell(turn),
            execution_count: 1,
            requested_by: USER.into(),
            actor_id: None,
        },
        Event::ExecutionAssigned { queue_id: queue(turn), runtime_session_id: SESSION.into() },
        Event::ExecutionStarted {
            queue_id: queue(turn),
            cell_id: cell(turn),
            runtime_session_id: SESSION.into(),
            started_at: DATE.into(),
        },
    ]);
}

/// A text of a dozen pieces of 80 bytes.
fn answer(turn: usize, events: &mut Vec<Event>) {
    let output = format!("output-{turn:08}-a-4b1c-9a51");
    events.push(Event::MarkdownOutputAdded {
        id: output.as_str().into(),
        cell_id: cell(turn),
        position: 0.0,
        content: Media::text("I look at the test first.").with_meta(&OutputMeta::new(Role::Text)),
    });
    events.extend((0..12).map(|piece| Event::MarkdownOutputAppended2 {
        id: format!("delta-{turn:08}-a-{piece:04}-9a51"),
        output_id: output.as_str().into(),
        delta: "The lock of the first run is still held, because the file is closed by nobody. ".into(),
        sequence_number: piece,
    }));
}

fn tool(turn: usize, events: &mut Vec<Event>) {
    let call = format!("call-{turn:08}-2b6d");
    let arguments = json!({"command": "cargo test -p purlin-notebook --test replay", "timeout": 120});
    let meta = OutputMeta::new(Role::ToolCall).with_call(call.as_str());
    let shown = json!({"tool_call_id": call, "tool_name": "bash", "arguments": arguments});
    let printed = format!("output-{turn:08}-c-4b1c-9a51");
    events.extend([
        Event::MultimediaDisplayOutputAdded {
            id: format!("output-{turn:08}-b-4b1c-9a51").into(),
            cell_id: cell(turn),
            position: 1.0,
            representations: [(TOOL_CALL_MIME.to_owned(), Media::json(shown).with_meta(&meta))].into(),
            display_id: None,
        },
        Event::ToolCallStarted {
            tool_call_id: call.clone(),
            cell_id: cell(turn),
            output_id: format!("output-{turn:08}-b-4b1c-9a51").into(),
            arguments,
        },
        Event::TerminalOutputAdded {
            id: printed.as_str().into(),
            cell_id: cell(turn),
            position: 2.0,
            content: Media::text("   Compiling purlin-notebook\n").with_meta(&meta),
            stream_name: StreamName::Stdout,
        },
    ]);
    events.extend((0..5).map(|piece| Event::TerminalOutputAppended2 {
        id: format!("delta-{turn:08}-c-{piece:04}-9a51"),
        output_id: printed.as_str().into(),
        delta: "test row_091_replay_is_live_and_replay_twice_is_once ... ok\n".into(),
        sequence_number: piece,
    }));
    events.push(Event::ToolCallEnded {
        tool_call_id: call,
        status: ToolCallStatus::Success,
        duration_ms: 1200,
    });
}

fn end(turn: usize, events: &mut Vec<Event>) {
    events.extend([
        Event::ModelUsed {
            id: format!("use-{turn:08}"),
            cell_id: cell(turn),
            queue_id: queue(turn),
            provider: "anthropic".into(),
            model: "claude".into(),
            input: 12_000,
            output: 300,
            cache_read: 11_000,
            cache_write: 1_000,
            cost_micros: Some(4_200),
            finish_reason: Some("stop".into()),
        },
        Event::ExecutionCompleted {
            queue_id: queue(turn),
            cell_id: cell(turn),
            status: CompletionStatus::Success,
            error: None,
            completed_at: DATE.into(),
            execution_duration_ms: 5_300,
        },
    ]);
}
