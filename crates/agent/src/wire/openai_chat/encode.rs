//! A request in the words of Chat Completions.

use serde_json::{Map, Value, json};

use super::Quirks;
use crate::model::{ModelLimits, ThinkingStyle};
use crate::request::{Message, Part, Request, Speaker, Thinking, ToolDefinition};
use crate::wire::{Encoded, tool_name};

/// Encodes a request for a server with these quirks.
pub fn encode(request: &Request, quirks: Quirks, limits: &ModelLimits) -> Encoded {
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("stream".into(), true.into());
    if quirks.stream_usage {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    body.insert(quirks.max_tokens_field.into(), request.max_tokens.into());
    if quirks.reasoning_effort && limits.thinking == ThinkingStyle::Effort {
        let effort = if request.thinking == Thinking::Off { Some("low") } else { request.thinking.effort() };
        if let Some(effort) = effort {
            body.insert("reasoning_effort".into(), effort.into());
        }
    }
    body.insert("messages".into(), Value::Array(messages(request, quirks)));
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    Encoded {
        payload: Value::Object(body),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("accept".into(), "text/event-stream".into()),
        ],
    }
}

fn tool(tool: &ToolDefinition) -> Value {
    json!({"type": "function", "function": {
        "name": tool.name, "description": tool.description, "parameters": tool.schema,
    }})
}

fn messages(request: &Request, quirks: Quirks) -> Vec<Value> {
    let mut out = Vec::new();
    if !request.system.is_empty() {
        out.push(json!({"role": "system", "content": request.system}));
    }
    for turn in request.messages.chunk_by(|a, b| a.speaker == b.speaker) {
        match turn[0].speaker {
            Speaker::User => user_turn(turn, &mut out),
            Speaker::Assistant => out.extend(assistant_turn(turn, quirks)),
        }
    }
    out
}

/// Results first, each a message of its own, then the texts as one message.
fn user_turn(turn: &[Message], out: &mut Vec<Value>) {
    let mut texts = Vec::new();
    for message in turn {
        match &message.part {
            Part::ToolResult { id, content, .. } => {
                let content = if content.is_empty() { "(no output)" } else { content };
                out.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
            }
            Part::Text(text) if !text.is_empty() => texts.push(text.as_str()),
            _ => {}
        }
    }
    if !texts.is_empty() {
        out.push(json!({"role": "user", "content": texts.join("\n\n")}));
    }
}

fn assistant_turn(turn: &[Message], quirks: Quirks) -> Option<Value> {
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for message in turn {
        match &message.part {
            Part::Text(more) => text.push_str(more),
            Part::Thinking { text: more, .. } => reasoning.push_str(more),
            Part::ToolCall { id, name, arguments } => {
                // What was no JSON object travels as an empty one: servers parse the text again.
                let arguments = if arguments.is_object() { arguments.to_string() } else { "{}".to_owned() };
                calls.push(
                    json!({"id": id, "type": "function", "function": {"name": tool_name(name), "arguments": arguments}}),
                );
            }
            Part::ToolResult { .. } => {}
        }
    }
    if text.is_empty() && calls.is_empty() {
        return None;
    }
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    message.insert("content".into(), if text.is_empty() { Value::Null } else { text.into() });
    if !calls.is_empty() {
        if quirks.replay_reasoning && !reasoning.is_empty() {
            message.insert("reasoning_content".into(), reasoning.into());
        }
        message.insert("tool_calls".into(), calls.into());
    }
    Some(Value::Object(message))
}
