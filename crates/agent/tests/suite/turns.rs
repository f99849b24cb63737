//! The loop: text, tools, gates, patches, steering, cancellation, retries.

use std::time::Duration;

use purlin_agent::{Source, Submitted};
use purlin_notebook::{ApprovalStatus, Event, StoreExt};
use purlin_runtime_core::Host;
use serde_json::{Value, json};

use crate::world::World;

const CALL: &str = r#"
[[turn]]
thinking = "Look."
text = "I look."
[[turn.tool]]
name = "bash"
args = { command = "echo hi" }
[[turn]]
text = "Done."
"#;

#[test]
fn a_prompt_is_answered() {
    let world = World::playing("[[turn]]\ntext = 'Hello, world.'\n");
    let cell = world.ask("hi");
    assert_eq!(world.outputs(&cell), ["text: Hello, world."]);
    let used = world.store.model_usage().expect("reads");
    assert_eq!(used[0].finish_reason.as_deref(), Some("end_turn"));
    assert_eq!(world.session.usage().output, 2);
    let metadata = world.store.metadata().expect("reads");
    assert_eq!(metadata["title"], "hi");
    assert_eq!(metadata["purlin.cwd"], world.dir.path().display().to_string());
}

#[test]
fn a_tool_call_is_committed_gated_started_and_answered_in_that_order() {
    let world = World::playing(CALL);
    let cell = world.ask("go");
    assert_eq!(
        world.outputs(&cell),
        [
            "thinking: Look.",
            "text: I look.",
            "tool_call: bash {\"command\":\"echo hi\"}",
            "tool_output: hi\n",
            "tool_result: success hi\n",
            "text: Done.",
        ]
    );
    let names: Vec<String> = world
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::MultimediaDisplayOutputAdded { .. } => Some("output".to_owned()),
            Event::ToolCallStarted { arguments, .. } => Some(format!("started {arguments}")),
            Event::ToolCallEnded { status, .. } => Some(format!("ended {status}")),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["output", "started {\"command\":\"echo hi\"}", "output", "ended success"]);
}

#[test]
fn hooks_fire_in_the_order_of_the_contract() {
    let world = World::new(CALL);
    world.watch(&[
        "session_start",
        "session_load",
        "input",
        "prompt_prepare",
        "prompt_user_entry",
        "before_agent_start",
        "agent_start",
        "turn_start",
        "context_build",
        "context",
        "model_request",
        "message_start",
        "thinking_delta",
        "message_update",
        "message_end",
        "after_provider_response",
        "llm_usage",
        "message_append",
        "tool_call",
        "tool_execution_start",
        "tool_delta",
        "tool_execution_end",
        "tool_result",
        "turn_end",
        "agent_end",
        "prompt_done",
        "settled",
    ]);
    let mut world = world;
    world.start_agent();
    world.ask("go");
    let request = |last: &[&'static str]| {
        let mut all = vec!["turn_start", "context_build", "context", "model_request", "message_start"];
        all.extend(last);
        all.extend(["message_end", "after_provider_response", "llm_usage", "message_append"]);
        all
    };
    let mut expected = vec![
        "input",
        "prompt_prepare",
        "session_start",
        "session_load",
        "message_append",
        "prompt_user_entry",
        "before_agent_start",
        "agent_start",
    ];
    expected.extend(request(&["thinking_delta", "message_update"]));
    expected.extend([
        "tool_call",
        "tool_execution_start",
        "tool_delta",
        "tool_execution_end",
        "tool_result",
        "message_append",
        "turn_end",
    ]);
    expected.extend(request(&["message_update"]));
    expected.extend(["turn_end", "agent_end", "prompt_done", "settled"]);
    assert_eq!(*world.seen.borrow(), expected);
}

#[test]
fn a_blocked_call_does_not_run_and_the_model_goes_on() {
    let world = World::playing(CALL);
    world.watch(&["tool_execution_start", "tool_result"]);
    world.on("tool_call", |event| {
        assert_eq!(event.get("kind"), Some(json!("execute")));
        json!({"block": true, "reason": "not today"})
    });
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert_eq!(outputs[3..], ["tool_result: error Error: not today", "text: Done."]);
    assert_eq!(world.status("call_1_1").as_deref(), Some("blocked"));
    assert!(world.processes.started.borrow().is_empty());
    assert!(world.seen.borrow().is_empty());
}

/// Answers the first request for approval, or nobody's, and returns what became of the call.
fn asked_elsewhere(answer: Option<ApprovalStatus>) -> (Vec<String>, u64) {
    let world = World::playing(CALL);
    world.on("tool_call", |_| json!({"block": true, "reason": "no_ui"}));
    let cell = world.send("go");
    world.host.advance(10);
    let surface = world.another_session();
    let waiting = surface.waiting_approvals();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].tool_call_id.as_str(), waiting[0].tool_name.as_str()), ("call_1_1", "bash"));
    assert!(world.processes.started.borrow().is_empty());
    let asked = world.host.mono();
    if let Some(answer) = answer {
        world.host.run(surface.respond("call_1_1", answer)).expect("the answer is written");
    }
    world.host.run(surface.settled());
    assert_eq!(surface.waiting_approvals(), []);
    (world.outputs(&cell), world.host.mono() - asked)
}

#[test]
fn row_099_a_gate_with_nobody_to_ask_is_answered_by_another_surface() {
    let (outputs, _) = asked_elsewhere(Some(ApprovalStatus::ApprovedOnce));
    assert!(outputs[4].starts_with("tool_result: success"), "{outputs:?}");
    let (outputs, _) = asked_elsewhere(Some(ApprovalStatus::Denied));
    assert_eq!(outputs[3], "tool_result: error Error: declined by the user");
}

#[test]
fn row_099_a_gate_that_nobody_answers_is_shut_after_a_minute() {
    let (outputs, waited) = asked_elsewhere(None);
    assert_eq!(outputs[3], "tool_result: error Error: declined: nobody answered in time");
    assert!((59_900..61_000).contains(&waited), "{waited} ms");
}

#[test]
fn a_gate_rewrites_arguments_and_they_are_checked_again() {
    let world = World::playing(CALL);
    world.on("tool_call", |_| json!({"args": {"command": "echo other"}}));
    world.on("tool_call", |event| {
        // A gate behind it judges what will run, in whatever form it reads it.
        assert_eq!(event.get("input"), Some(json!("{\"command\":\"echo other\"}")));
        Value::Null
    });
    let cell = world.ask("go");
    assert_eq!(world.outputs(&cell)[4], "tool_result: success other\n");

    let world = World::playing(CALL);
    world.on("tool_call", |_| json!({"args": {"command": 7}}));
    let cell = world.ask("go");
    assert!(world.outputs(&cell)[3].contains("an extension rewrote the call"), "{:?}", world.outputs(&cell));
    assert!(world.processes.started.borrow().is_empty());
}

#[test]
fn a_result_is_patched_field_by_field() {
    let world = World::playing(CALL);
    world.watch(&["tool_error"]);
    world.on("tool_result", |_| json!({"content": "red"}));
    world.on("tool_result", |event| {
        assert_eq!(event.get("content"), Some(json!("red")));
        json!({"is_error": true})
    });
    let cell = world.ask("go");
    assert_eq!(world.outputs(&cell)[4], "tool_result: error red");
    assert_eq!(*world.seen.borrow(), ["tool_error"]);
}

#[test]
fn malformed_arguments_are_answered_with_what_is_wrong() {
    let script = "[[turn]]\n[[turn.tool]]\nname='bash'\nargs='{\"command\": '\n[[turn.tool]]\nname='bash'\nargs={cmd='x'}\n\
                  [[turn.tool]]\nname='nope'\n[[turn]]\ntext='ok'\n";
    let world = World::playing(script);
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert!(
        outputs[3].starts_with("tool_result: error Error: the arguments of `bash` are not valid JSON"),
        "{outputs:?}"
    );
    assert!(outputs[4].contains("\"command\" is a required property"), "{outputs:?}");
    assert!(
        outputs[5].contains("there is no tool `nope`; there are `read`, `write`, `edit`, `bash`"),
        "{outputs:?}"
    );
    assert_eq!(outputs[6], "text: ok");
    assert_eq!(world.status("call_1_1").as_deref(), Some("error"));
}

#[test]
fn a_steering_message_is_taken_between_turns() {
    let script = "[[turn]]\ntext='a'\ndelay_ms=100\nchunk=1\n[[turn]]\ntext='b'\n";
    let world = World::playing(script);
    let cell = world.send("go");
    world.host.advance(50);
    let sent = world.host.run(world.session.steer("also this", Source::Interactive)).expect("steers");
    assert!(matches!(sent, Submitted::Steer { .. }), "{sent:?}");
    world.host.run(world.session.settled());
    assert_eq!(world.outputs(&cell), ["text: a", "steer: also this", "text: b"]);
    let steers = world.store.steers(&cell).expect("reads");
    assert!(steers[0].taken.is_some());
}

#[test]
fn a_steering_message_that_comes_too_late_becomes_a_prompt() {
    let world = World::playing("[[turn]]\ntext='a'\n");
    world.host.spawn_detached(world.session.follow(|| {}));
    let cell = world.send("go");
    // Sent to the cell although the agent has just taken its last look.
    world.host.run(async {
        let late = world.session.steer("late", Source::Interactive).await.expect("steers");
        assert!(matches!(late, Submitted::Steer { .. } | Submitted::Prompt { .. }));
    });
    world.host.run(world.session.settled());
    let path = world.store.branch_path(None).expect("reads");
    let said: usize = path.iter().filter(|cell| cell.cell.source == "late").count()
        + world.outputs(&cell).iter().filter(|output| *output == "steer: late").count();
    assert_eq!(said, 1);
}

#[test]
fn cancelling_kills_the_tool_and_keeps_what_was_streamed() {
    let script = "[[turn]]\ntext='I wait.'\n[[turn.tool]]\nname='bash'\nargs={command='hang'}\n[[turn.tool]]\nname='bash'\nargs={command='echo no'}\n";
    let world = World::playing(script);
    let cell = world.send("go");
    world.host.advance(1_000);
    assert!(world.host.run(world.session.interrupt("user")).expect("interrupts"));
    world.host.run(world.session.settled());
    world.host.settle();
    assert_eq!(*world.processes.killed.borrow(), ["hang"]);
    assert_eq!(*world.processes.started.borrow(), ["hang"]);
    let outputs = world.outputs(&cell);
    assert_eq!(outputs[0], "text: I wait.");
    assert!(outputs.contains(&"tool_output: begun\n".to_owned()), "{outputs:?}");
    assert_eq!(outputs.iter().filter(|o| o.contains("the turn was cancelled")).count(), 2, "{outputs:?}");
    assert_eq!(world.status("call_1_1").as_deref(), Some("cancelled"));
    assert_eq!(world.status("call_1_2").as_deref(), Some("cancelled"));
}

#[test]
fn a_rate_limit_is_waited_out_as_long_as_it_asks() {
    let script = "[[turn]]\nerror={status=429,message='slow down',retry_after=7}\n[[turn]]\ntext='ok'\n";
    let world = World::playing(script);
    world.watch(&["provider_error", "retry_start", "retry_end"]);
    let before = purlin_runtime_core::Host::mono(&world.host);
    let cell = world.ask("go");
    let waited = purlin_runtime_core::Host::mono(&world.host) - before;
    assert!((7_000..7_100).contains(&waited), "{waited}");
    let outputs = world.outputs(&cell);
    assert!(
        outputs[0].starts_with("note: `script` answered HTTP 429: slow down. Trying again in 7.0 s"),
        "{outputs:?}"
    );
    assert_eq!(outputs[1], "text: ok");
    assert_eq!(*world.seen.borrow(), ["provider_error", "retry_start", "retry_end"]);
}

#[test]
fn failures_that_stay_end_the_prompt_with_one_message() {
    let world = World::playing("[[turn]]\nerror={status=529,message='overloaded'}\n");
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert_eq!(outputs.iter().filter(|o| o.starts_with("note: ")).count(), 4, "{outputs:?}");
    let last = outputs.last().expect("an error");
    assert!(last.contains("`script` answered HTTP 529: overloaded. It was tried 5 times"), "{last}");

    let world = World::playing("[[turn]]\nerror={status=401,message='bad key'}\n");
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert_eq!(outputs.len(), 1);
    assert!(
        outputs[0].contains("`script` answered HTTP 401: bad key") && !outputs[0].contains("_API_KEY"),
        "{outputs:?}"
    );

    let world = World::playing("[[turn]]\nerror={status=429,message='x',retry_after=4000}\n");
    world.set(|settings| settings.retry.patience = Duration::from_secs(60));
    let cell = world.ask("go");
    assert!(world.outputs(&cell)[0].contains("The provider asks to wait for 4000 s"));
}

#[test]
fn injected_text_stands_before_the_prompt_and_the_system_prompt_is_chained() {
    let world = World::playing("[[turn]]\ntext='ok'\n");
    world.on("before_agent_start", |_| json!({"inject_text": "one", "system_prompt": "S"}));
    world.on("before_agent_start", |event| {
        assert_eq!(event.get("system_prompt"), Some(json!("S")));
        json!({"inject_text": "two"})
    });
    let seen = world.seen.clone();
    world.on("model_request", move |event| {
        seen.borrow_mut().push(event.get("payload").expect("a payload").to_string());
        json!(null)
    });
    let cell = world.ask("p");
    assert_eq!(world.outputs(&cell), ["inject: one", "inject: two", "text: ok"]);
    let payload: serde_json::Value = serde_json::from_str(&world.seen.borrow()[0]).expect("JSON");
    let texts: Vec<&str> =
        payload["messages"].as_array().expect("list").iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["one", "two", "p"]);
    assert_eq!(payload["system"], "S");
    world.ask("q");
    let payload: serde_json::Value = serde_json::from_str(&world.seen.borrow()[1]).expect("JSON");
    let texts: Vec<&str> =
        payload["messages"].as_array().expect("list").iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["one", "two", "p", "ok", "one", "two", "q"]);
}

#[test]
fn a_response_of_an_extension_replaces_the_model() {
    let world = World::playing("[[turn]]\ntext='never'\n");
    world.on("model_request", |_| json!({"response": {"text": "mine"}}));
    let cell = world.ask("p");
    assert_eq!(world.outputs(&cell), ["text: mine"]);
}

#[test]
fn output_append_rewrites_what_becomes_text() {
    let world = World::playing("[[turn]]\ntext='the secret word'\n");
    world.on("output_append", |event| {
        let text = event.get("text").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        json!({"text": text.replace("secret", "public")})
    });
    let cell = world.ask("p");
    assert_eq!(world.outputs(&cell), ["text: the public word"]);
}

#[test]
fn a_model_that_never_stops_calling_is_stopped() {
    let world = World::playing("[[turn]]\n[[turn.tool]]\nname='bash'\nargs={command='true'}\n");
    world.set(|settings| settings.max_turns = 3);
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert!(outputs.last().expect("an error").contains("more than 3 model requests"), "{outputs:?}");
}

#[test]
fn a_fast_stream_becomes_few_commits() {
    let text = "0123456789012345678901234567890123456789".repeat(2_000);
    let world = World::playing(&format!("[[turn]]\ntext='{text}'\nchunk=40\n"));
    let before = world.events().len();
    let cell = world.ask("go");
    let added = world.events().len() - before;
    assert!(added < 30, "{added}");
    // Beyond the inline limit the text goes on in a further output.
    let said: String =
        world.outputs(&cell).iter().map(|output| output.trim_start_matches("text: ")).collect();
    assert_eq!(said, text);
}

#[test]
fn contributions_and_context_change_the_request_only() {
    let world = World::playing("[[turn]]\ntext='ok'\n");
    world.on("context_build", |_| {
        json!({"contributions": [
            {"name": "a", "content": "STABLE"},
            {"name": "b", "content": "VOLATILE", "placement": "volatile"},
            {"name": "c", "content": "x".repeat(100_000)},
        ]})
    });
    world.on("context", |event| {
        let mut messages = event.get("messages").expect("messages").as_array().expect("a list").clone();
        messages[0]["text"] = "rewritten".into();
        json!({"messages": messages})
    });
    let seen = world.seen.clone();
    world.on("model_request", move |event| {
        seen.borrow_mut().push(event.get("payload").expect("a payload").to_string());
        json!(null)
    });
    let cell = world.ask("p");
    let payload: serde_json::Value = serde_json::from_str(&world.seen.borrow()[0]).expect("JSON");
    let texts: Vec<&str> =
        payload["messages"].as_array().expect("list").iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["rewritten", "VOLATILE"]);
    assert!(payload["system"].as_str().is_some_and(|system| system.ends_with("\n\nSTABLE")));
    assert_eq!(world.store.cell(&cell).expect("reads").expect("a cell").source, "p");
}

#[test]
fn a_dismissed_dialog_reads_as_words_to_the_model() {
    let world = World::playing(
        "[[turn]]\ntext='a'\n[[turn.tool]]\nname='bash'\nargs={command='echo x'}\n[[turn]]\ntext='b'\n",
    );
    world.on("tool_call", |_| json!({"block": true, "reason": "user"}));
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert!(outputs.iter().any(|output| output.contains("declined by the user")), "{outputs:?}");
}

#[test]
fn an_interrupt_while_waiting_takes_the_announced_retry_back() {
    let world = World::playing("[[turn]]\nerror={status=429,message='slow down',retry_after=7}\n");
    let cell = world.send("go");
    world.host.advance(100);
    assert_eq!(world.host.run(world.session.interrupt("esc")), Ok(true));
    world.host.advance(3_000);
    let outputs = world.outputs(&cell);
    assert!(outputs[0].ends_with("(attempt 2 of 5). Interrupted: it is not tried again."), "{outputs:?}");
}
