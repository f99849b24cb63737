//! After a kill: what was open gets an end, and the next prompt goes on.

use purlin_agent::projection::Transcript;
use purlin_kernel::BlockSource;
use purlin_notebook::{CellId, Event, Media, OutputId, OutputMeta, Role, StoreExt, TOOL_CALL_MIME};
use serde_json::json;

use crate::world::World;

/// A prompt whose agent was killed while a tool ran.
fn killed() -> (World, CellId) {
    let (world, cell) = killed_at_the_gate();
    world
        .store
        .commit(&[Event::ToolCallStarted {
            tool_call_id: "c1".into(),
            cell_id: cell.clone(),
            output_id: OutputId::from("o1"),
            arguments: json!({"command": "rm x"}),
        }])
        .expect("commits");
    (world, cell)
}

/// A prompt whose agent was killed when the model had asked for a tool and it had not begun.
fn killed_at_the_gate() -> (World, CellId) {
    let world = World::new("[[turn]]\ntext='went on'\n");
    let cell = world.send("go");
    let started = |queue: &purlin_notebook::QueueEntry| {
        let session = purlin_notebook::RuntimeSessionId::from("dead");
        vec![
            Event::RuntimeSessionStarted {
                session_id: session.clone(),
                runtime_id: "r".into(),
                runtime_type: "agent".into(),
                capabilities: purlin_notebook::Capabilities::default(),
            },
            Event::ExecutionAssigned { queue_id: queue.id.clone(), runtime_session_id: session.clone() },
            Event::ExecutionStarted {
                queue_id: queue.id.clone(),
                cell_id: queue.cell_id.clone(),
                runtime_session_id: session,
                started_at: "2026-01-01T00:00:00.000Z".into(),
            },
        ]
    };
    let queue = world.store.queue(None).expect("reads").remove(0);
    world.store.commit(&started(&queue)).expect("commits");
    let media =
        Media::json(json!({"tool_call_id": "c1", "tool_name": "bash", "arguments": {"command": "rm x"}}))
            .with_meta(&OutputMeta::new(Role::ToolCall).with_call("c1"));
    let output = OutputId::from("o1");
    world
        .store
        .commit(&[Event::MultimediaDisplayOutputAdded {
            id: output,
            cell_id: cell.clone(),
            position: 0.0,
            representations: [(TOOL_CALL_MIME.to_owned(), media)].into(),
            display_id: None,
        }])
        .expect("commits");
    (world, cell)
}

#[test]
fn an_interrupted_call_gets_one_result_and_the_next_prompt_goes_on() {
    let (mut world, cell) = killed();
    world.start_agent();
    let seen = world.seen.clone();
    world.on("context", move |event| {
        let messages = event.get("messages").expect("messages");
        let kinds = messages
            .as_array()
            .expect("list")
            .iter()
            .map(|m| m["kind"].as_str().unwrap_or_default().to_owned());
        seen.borrow_mut().extend(kinds);
        json!(null)
    });
    let next = world.ask("what happened?");
    assert_eq!(world.outputs(&next), ["text: went on"]);
    assert_eq!(*world.seen.borrow(), ["text", "tool_call", "tool_result", "text"]);
    let results: Vec<String> =
        world.outputs(&cell).into_iter().filter(|output| output.starts_with("tool_result")).collect();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results[0].contains("was interrupted"), "{results:?}");
    assert_eq!(world.status("c1").as_deref(), Some("interrupted"));
    let ends = world.events().iter().filter(|event| matches!(event, Event::ToolCallEnded { .. })).count();
    assert_eq!(ends, 1, "the call ends once");
    world.ask("again");
    let results = world.outputs(&cell).into_iter().filter(|output| output.starts_with("tool_result")).count();
    assert_eq!(results, 1);
}

#[test]
fn the_transcript_says_that_a_call_was_interrupted() {
    let (mut world, _) = killed();
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    let status = |transcript: &Transcript| transcript.range(0..9)[1].meta["status"].clone();
    assert_eq!(status(&transcript), "running");
    world.start_agent();
    world.host.settle();
    transcript.refresh().expect("refreshes");
    assert_eq!(status(&transcript), "interrupted");
    assert_eq!(transcript.range(0..9)[2].text, "Interrupted: purlin ended while it was working.");
    assert_eq!(transcript.range(0..9)[1].meta["args"], json!({"command": "rm x"}));
}

#[test]
fn what_an_interrupted_tool_had_shown_stays_when_the_session_goes_on() {
    let (mut world, cell) = killed();
    let content =
        Media::text("line 1\nline 2\n").with_meta(&OutputMeta::new(Role::ToolOutput).with_call("c1"));
    let printed = Event::TerminalOutputAdded {
        id: OutputId::from("o2"),
        cell_id: cell,
        position: 1.0,
        content,
        stream_name: purlin_notebook::StreamName::Stdout,
    };
    world.store.commit(&[printed]).expect("commits");
    world.start_agent();
    world.ask("what happened?");
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    let tool = transcript.range(0..9)[1].text.clone();
    assert!(tool.starts_with("line 1\nline 2\n"), "{tool}");
    assert!(tool.contains("was interrupted"), "{tool}");
}

#[test]
fn a_call_that_waited_at_its_gate_is_said_not_to_have_run() {
    let (mut world, cell) = killed_at_the_gate();
    world.start_agent();
    world.ask("what happened?");
    let result = world.outputs(&cell).into_iter().find(|output| output.starts_with("tool_result"));
    assert!(result.as_ref().is_some_and(|result| result.contains("nothing of it ran")), "{result:?}");
    assert_eq!(world.status("c1").as_deref(), Some("interrupted"));
}
