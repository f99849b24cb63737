//! Both wires: recorded-style streams, every split, every cut, garbage.

use proptest::prelude::*;
use purlin_agent::model::ModelLimits;
use purlin_agent::request::{ModelEvent, StopReason, Thinking, Usage};
use purlin_agent::wire::{Decoder, WireError, anthropic, openai_chat};
use purlin_agent::{Message, Opaque, Part, Request, Speaker, ToolDefinition};
use serde_json::json;

pub const ANTHROPIC: &str = include_str!("../fixtures/anthropic.sse");
pub const OPENAI: &str = include_str!("../fixtures/openai.sse");

fn decoder(wire: &str) -> Decoder {
    match wire {
        "anthropic" => Decoder::Anthropic(anthropic::Decoder::new()),
        _ => Decoder::OpenAiChat(openai_chat::Decoder::new()),
    }
}

fn decode<'a>(wire: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<ModelEvent> {
    let mut decoder = decoder(wire);
    let mut events: Vec<ModelEvent> = pieces.into_iter().flat_map(|piece| decoder.push(piece)).collect();
    events.extend(decoder.finish());
    events
}

fn text(text: &str) -> ModelEvent {
    ModelEvent::TextDelta(text.into())
}

fn call(id: &str) -> [ModelEvent; 4] {
    [
        ModelEvent::ToolCallStart { id: id.into(), name: "bash".into() },
        ModelEvent::ToolArgsDelta("{\"command\":".into()),
        ModelEvent::ToolArgsDelta("\"echo hi\"}".into()),
        ModelEvent::ToolCallDone {
            id: id.into(),
            name: "bash".into(),
            args_text: "{\"command\":\"echo hi\"}".into(),
        },
    ]
}

#[test]
fn anthropic_whole() {
    let usage = |output| ModelEvent::Usage(Usage { input: 10, output, cache_read: 7, cache_write: 3 });
    let mut expected = vec![
        usage(1),
        ModelEvent::ThinkingDelta("Let me ".into()),
        ModelEvent::ThinkingDelta("look.".into()),
        ModelEvent::ThinkingDone {
            opaque: Some(json!({"type": "thinking", "thinking": "Let me look.", "signature": "c2ln"})),
        },
        ModelEvent::ThinkingDone { opaque: Some(json!({"type": "redacted_thinking", "data": "b3BhcXVl"})) },
        text("I run"),
        text(" it."),
    ];
    expected.extend(call("toolu_1"));
    expected.extend([usage(42), ModelEvent::Done { stop_reason: StopReason::ToolUse }]);
    assert_eq!(decode("anthropic", [ANTHROPIC.as_bytes()]), expected);
}

#[test]
fn openai_whole() {
    let mut expected = vec![
        ModelEvent::ThinkingDelta("Let me look.".into()),
        ModelEvent::ThinkingDone { opaque: None },
        text("I run"),
        text(" it."),
    ];
    expected.extend(call("call_1"));
    // The call is complete only with the end: nothing in this wire says so earlier.
    let done = expected.pop().expect("the call");
    expected.push(ModelEvent::Usage(Usage { input: 30, output: 12, cache_read: 20, cache_write: 0 }));
    expected.extend([done, ModelEvent::Done { stop_reason: StopReason::ToolUse }]);
    assert_eq!(decode("openai", [OPENAI.as_bytes()]), expected);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(cuts in proptest::collection::vec(0_usize..4_000, 0..40)) {
        for (wire, stream) in [("anthropic", ANTHROPIC), ("openai", OPENAI)] {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(decode(wire, pieces), decode(wire, [bytes]));
        }
    }

    #[test]
    fn garbage_ends_in_an_error_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for wire in ["anthropic", "openai"] {
            let events = decode(wire, [&bytes[..]]);
            prop_assert!(matches!(events.last(), Some(ModelEvent::Error(_))), "{:?}", events);
        }
    }

    #[test]
    fn a_damaged_stream_never_panics(at in 0_usize..4_000, byte in any::<u8>()) {
        for (wire, stream) in [("anthropic", ANTHROPIC), ("openai", OPENAI)] {
            let mut bytes = stream.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let events = decode(wire, [&bytes[..]]);
            let ended = matches!(events.last(), Some(ModelEvent::Error(_) | ModelEvent::Done { .. }));
            prop_assert!(ended);
        }
    }
}

#[test]
fn a_stream_cut_at_every_byte_loses_nothing_and_ends_in_one_error() {
    for (wire, stream) in [("anthropic", ANTHROPIC), ("openai", OPENAI)] {
        let whole = decode(wire, [stream.as_bytes()]);
        for cut in 0..stream.len() {
            let events = decode(wire, [&stream.as_bytes()[..cut]]);
            let (last, before) = events.split_last().expect("something");
            if matches!(last, ModelEvent::Done { .. }) {
                // Only what comes after the end may be missing.
                let rest = stream[cut..].replace(['\r', '\n'], "");
                assert!(rest.is_empty() || wire == "openai", "{wire} {cut}: {rest}");
                continue;
            }
            assert!(
                matches!(last, ModelEvent::Error(WireError::EndedEarly(_) | WireError::Garbage(_))),
                "{wire} {cut}: {last:?}"
            );
            assert_eq!(before, &whole[..before.len()], "{wire} {cut}");
        }
    }
}

#[test]
fn errors_inside_a_stream() {
    let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let error = WireError::Provider { kind: "overloaded_error".into(), message: "Overloaded".into() };
    assert!(error.is_transient());
    assert_eq!(decode("anthropic", [overloaded.as_bytes()]), [ModelEvent::Error(error)]);
    let busy = "data: {\"error\":{\"message\":\"try later\",\"code\":502}}\n\n";
    let error = WireError::Provider { kind: "502".into(), message: "try later".into() };
    assert!(error.is_transient());
    assert_eq!(decode("openai", [busy.as_bytes()]), [ModelEvent::Error(error)]);
    let bad = "data: {\"error\":{\"message\":\"no such model\",\"code\":404}}\n\n";
    let error = WireError::Provider { kind: "404".into(), message: "no such model".into() };
    assert_eq!(decode("openai", [bad.as_bytes()]), [ModelEvent::Error(error)]);
}

#[test]
fn servers_that_bend_the_wire() {
    // Two calls under one index, arguments as an object, no `[DONE]`, `stop` although tools were called.
    let stream = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"x\",\"arguments\":{\"k\":1}}}]}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"y\",\"arguments\":\"\"}}]},\"finish_reason\":\"stop\"}]}\n\n";
    let done: Vec<ModelEvent> = decode("openai", [stream.as_bytes()])
        .into_iter()
        .filter(|event| matches!(event, ModelEvent::ToolCallDone { .. } | ModelEvent::Done { .. }))
        .collect();
    let call = |id: &str, name: &str, args: &str| ModelEvent::ToolCallDone {
        id: id.into(),
        name: name.into(),
        args_text: args.into(),
    };
    assert_eq!(
        done,
        [
            call("a", "x", "{\"k\":1}"),
            call("b", "y", "{}"),
            ModelEvent::Done { stop_reason: StopReason::ToolUse }
        ]
    );
}

fn request() -> Request {
    let message = |id: &str, speaker, part| Message { id: id.into(), speaker, part };
    let opaque = |model: &str| {
        let item = json!({"type": "thinking", "thinking": "t", "signature": model});
        Some(Opaque { api: anthropic::API.into(), provider: "anthropic".into(), model: model.into(), item })
    };
    Request {
        model: "claude-sonnet-4-5".into(),
        system: "Be brief.".into(),
        messages: vec![
            Message::text("1", Speaker::User, "hi"),
            message("2", Speaker::Assistant, Part::Thinking { text: "seen".into(), opaque: None }),
            message(
                "3",
                Speaker::Assistant,
                Part::Thinking { text: String::new(), opaque: opaque("claude-sonnet-4-5") },
            ),
            message("4", Speaker::Assistant, Part::Thinking { text: String::new(), opaque: opaque("other") }),
            message(
                "5",
                Speaker::Assistant,
                Part::ToolCall { id: "c".into(), name: "bash".into(), arguments: json!("{bad") },
            ),
            Message::text("6", Speaker::User, "and this"),
            message(
                "7",
                Speaker::User,
                Part::ToolResult { id: "c".into(), content: String::new(), is_error: true },
            ),
        ],
        tools: vec![ToolDefinition {
            name: "bash".into(),
            description: "Runs.".into(),
            schema: json!({"type": "object"}),
        }],
        max_tokens: 8_192,
        thinking: Thinking::Low,
        ordinal: 1,
    }
}

#[test]
fn anthropic_request() {
    let request = request();
    let encoded = anthropic::encode(&request, "anthropic", &ModelLimits::of(&request.model));
    assert_eq!(
        encoded.payload,
        json!({
            "model": "claude-sonnet-4-5", "max_tokens": 8192, "stream": true,
            "thinking": {"type": "enabled", "budget_tokens": 4096},
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "hi"}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "t", "signature": "claude-sonnet-4-5"},
                    {"type": "tool_use", "id": "c", "name": "bash", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c", "content": "(no output)", "is_error": true},
                    {"type": "text", "text": "and this", "cache_control": {"type": "ephemeral"}},
                ]},
            ],
            "tools": [{"name": "bash", "description": "Runs.", "input_schema": {"type": "object"}}],
        })
    );
}

#[test]
fn openai_request_with_and_without_quirks() {
    let mut request = request();
    request.model = "gpt-5".into();
    let limits = ModelLimits::of("gpt-5");
    let own =
        openai_chat::encode(&request, openai_chat::Quirks::of("https://api.openai.com/v1"), &limits).payload;
    assert_eq!(own["max_completion_tokens"], 8192);
    assert_eq!(own["reasoning_effort"], "low");
    let other =
        openai_chat::encode(&request, openai_chat::Quirks::of("http://127.0.0.1:11434/v1"), &limits).payload;
    assert_eq!((other["max_tokens"].clone(), other["reasoning_effort"].clone()), (json!(8192), json!(null)));
    assert_eq!(
        other["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c", "content": "(no output)"},
            {"role": "user", "content": "and this"},
        ])
    );
}

#[test]
fn a_turn_that_was_stopped_in_its_reasoning_is_not_sent_to_anthropic() {
    let mut request = request();
    let thought = request.messages[2].clone();
    request.messages.truncate(1);
    request.messages.extend([thought, Message::text("8", Speaker::User, "go on")]);
    let encoded = anthropic::encode(&request, "anthropic", &ModelLimits::of(&request.model));
    assert_eq!(
        encoded.payload["messages"],
        json!([{"role": "user", "content": [
            {"type": "text", "text": "hi"},
            {"type": "text", "text": "go on", "cache_control": {"type": "ephemeral"}},
        ]}])
    );
}

#[test]
fn names_and_ids_that_a_server_would_refuse_are_sent_in_plain_characters() {
    let mut request = request();
    let strange = |part: &mut Part| match part {
        Part::ToolCall { id, name, .. } => {
            *id = "functions.bash:0".into();
            *name = format!("functions.bäsh{}", "x".repeat(80));
        }
        Part::ToolResult { id, .. } => *id = "functions.bash:0".into(),
        _ => {}
    };
    request.messages.iter_mut().for_each(|message| strange(&mut message.part));
    let sent = anthropic::encode(&request, "anthropic", &ModelLimits::of(&request.model)).payload;
    let call = &sent["messages"][1]["content"][1];
    assert_eq!(call["id"], "functions_bash_0");
    assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], "functions_bash_0");
    let name = format!("functions_b_sh{}", "x".repeat(50));
    assert_eq!(call["name"], name);
    let sent = openai_chat::encode(&request, openai_chat::Quirks::of("http://h/v1"), &ModelLimits::of("m"));
    let call = &sent.payload["messages"][2]["tool_calls"][0];
    // This wire has no rule for ids, and some of its servers read their own.
    assert_eq!((&call["id"], &call["function"]["name"]), (&json!("functions.bash:0"), &json!(name)));
}
