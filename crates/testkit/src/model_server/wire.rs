//! One turn of a script as the server-sent events of either wire.

use serde_json::{Value, json};

use super::{Received, Wire};
use crate::script::{Headers, Turn, pieces};

/// One server-sent event as text.
pub(super) struct Event {
    pub text: String,
    /// Whether the script's delay applies before it.
    pub delayed: bool,
}

/// The key the request carries.
pub(super) fn key(wire: Wire, headers: &Headers) -> Option<&str> {
    match wire {
        Wire::Anthropic => headers.get("x-api-key").map(String::as_str),
        Wire::OpenAiChat => headers.get("authorization")?.strip_prefix("Bearer "),
    }
}

/// The body of an error.
pub(super) fn error(wire: Wire, status: u16, message: &str) -> String {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    match wire {
        Wire::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
        Wire::OpenAiChat => json!({"error": {"message": message, "type": kind, "code": status}}),
    }
    .to_string()
}

/// The events of a turn in order.
pub(super) fn events(wire: Wire, turn: &Turn, n: usize, request: &Received) -> Vec<Event> {
    match wire {
        Wire::Anthropic => anthropic(turn, n, request),
        Wire::OpenAiChat => openai_chat(turn, n, request),
    }
}

fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

fn anthropic(turn: &Turn, n: usize, request: &Received) -> Vec<Event> {
    let mut events = Vec::new();
    let mut push = |delayed: bool, data: &Value| {
        let name = data["type"].as_str().unwrap_or_default();
        events.push(Event { text: format!("event: {name}\ndata: {data}\n\n"), delayed });
    };
    push(
        false,
        &json!({"type": "message_start", "message": {
        "id": format!("msg_{n}"), "type": "message", "role": "assistant", "model": request.body["model"],
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": tokens(&request.body.to_string()), "output_tokens": 1,
                  "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}}}),
    );
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        push(false, &json!({"type": "content_block_start", "index": index, "content_block": start}));
        for delta in deltas {
            push(true, &json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        push(false, &json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    if !turn.thinking.is_empty() {
        let mut deltas: Vec<Value> = pieces(&turn.thinking, turn.chunk)
            .into_iter()
            .map(|piece| json!({"type": "thinking_delta", "thinking": piece}))
            .collect();
        deltas.push(json!({"type": "signature_delta", "signature": format!("signature-{n}")}));
        block(json!({"type": "thinking", "thinking": "", "signature": ""}), deltas);
    }
    if !turn.text.is_empty() {
        let deltas = pieces(&turn.text, turn.chunk);
        let deltas = deltas.into_iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
        block(json!({"type": "text", "text": ""}), deltas);
    }
    for (k, tool) in turn.tools.iter().enumerate() {
        let deltas = pieces(&tool.arguments(), turn.chunk);
        let deltas = deltas
            .into_iter()
            .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
            .collect();
        block(
            json!({"type": "tool_use", "id": format!("toolu_{n}_{k}"), "name": tool.name, "input": {}}),
            deltas,
        );
    }
    let reason = if turn.tools.is_empty() { "end_turn" } else { "tool_use" };
    push(
        false,
        &json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": tokens(&turn.text) + tokens(&turn.thinking)}}),
    );
    push(false, &json!({"type": "message_stop"}));
    events
}

fn openai_chat(turn: &Turn, n: usize, request: &Received) -> Vec<Event> {
    let mut events = Vec::new();
    let chunk = |choices: Value, usage: Value| {
        json!({"id": format!("chatcmpl-{n}"), "object": "chat.completion.chunk", "created": 0,
               "model": request.body["model"], "choices": choices, "usage": usage})
    };
    let mut push = |delayed: bool, delta: Value, reason: Value| {
        let data = chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null);
        events.push(Event { text: format!("data: {data}\n\n"), delayed });
    };
    push(false, json!({"role": "assistant", "content": ""}), Value::Null);
    for piece in pieces(&turn.thinking, turn.chunk) {
        push(true, json!({"reasoning_content": piece}), Value::Null);
    }
    for piece in pieces(&turn.text, turn.chunk) {
        push(true, json!({"content": piece}), Value::Null);
    }
    for (k, tool) in turn.tools.iter().enumerate() {
        let function = json!({"name": tool.name, "arguments": ""});
        let call =
            json!({"index": k, "id": format!("call_{n}_{k}"), "type": "function", "function": function});
        push(false, json!({"tool_calls": [call]}), Value::Null);
        for piece in pieces(&tool.arguments(), turn.chunk) {
            push(true, json!({"tool_calls": [{"index": k, "function": {"arguments": piece}}]}), Value::Null);
        }
    }
    push(false, json!({}), json!(if turn.tools.is_empty() { "stop" } else { "tool_calls" }));
    if request.body["stream_options"]["include_usage"] == json!(true) {
        let (input, output) =
            (tokens(&request.body.to_string()), tokens(&turn.text) + tokens(&turn.thinking));
        let usage =
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
        events.push(Event { text: format!("data: {}\n\n", chunk(json!([]), usage)), delayed: false });
    }
    events.push(Event { text: "data: [DONE]\n\n".to_owned(), delayed: false });
    events
}
