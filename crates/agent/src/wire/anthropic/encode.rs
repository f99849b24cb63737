//! A request in the words of Anthropic Messages.

use serde_json::{Map, Value, json};

use super::API;
use crate::model::{ModelLimits, ThinkingStyle};
use crate::request::{Message, Part, Request, Speaker, Thinking, ToolDefinition};
use crate::wire::{Encoded, plain, tool_name};

/// Encodes a request; `provider` decides which opaque items may come back.
pub fn encode(request: &Request, provider: &str, limits: &ModelLimits) -> Encoded {
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("max_tokens".into(), request.max_tokens.into());
    body.insert("stream".into(), true.into());
    let thinks = thinking(request, limits, &mut body);
    if !request.system.is_empty() {
        body.insert(
            "system".into(),
            json!([{"type": "text", "text": request.system, "cache_control": cache_mark()}]),
        );
    }
    let mut turns = messages(request, provider, thinks);
    if thinks && !thinking_goes_on(&turns) {
        // The API refuses thinking in the middle of a turn that began without it.
        body.remove("thinking");
        body.remove("output_config");
        turns = messages(request, provider, false);
    }
    body.insert("messages".into(), Value::Array(turns));
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    Encoded {
        payload: Value::Object(body),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("accept".into(), "text/event-stream".into()),
            ("anthropic-version".into(), "2023-06-01".into()),
        ],
    }
}

fn cache_mark() -> Value {
    json!({"type": "ephemeral"})
}

/// Adds the thinking setting; answers whether reasoning may be part of the history.
fn thinking(request: &Request, limits: &ModelLimits, body: &mut Map<String, Value>) -> bool {
    match (limits.thinking, request.thinking) {
        (ThinkingStyle::None, _) | (_, Thinking::Default | Thinking::Off) => false,
        (ThinkingStyle::Adaptive, level) => {
            body.insert("thinking".into(), json!({"type": "adaptive"}));
            if let Some(effort) = level.effort() {
                body.insert("output_config".into(), json!({"effort": effort}));
            }
            true
        }
        (ThinkingStyle::Budget | ThinkingStyle::Effort, level) => {
            // The budget has to leave room for the answer itself.
            let budget = level.budget().unwrap_or(4_096).min(request.max_tokens.saturating_sub(1_024));
            if budget < 1_024 {
                return false;
            }
            body.insert("thinking".into(), json!({"type": "enabled", "budget_tokens": budget}));
            true
        }
    }
}

/// Whether the last turn of the model, if it called tools, began with reasoning.
fn thinking_goes_on(turns: &[Value]) -> bool {
    let Some(last) = turns.iter().rev().find(|turn| turn["role"] == "assistant") else { return true };
    let kinds: Vec<&str> =
        last["content"].as_array().into_iter().flatten().filter_map(|b| b["type"].as_str()).collect();
    !kinds.contains(&"tool_use") || kinds.first().is_some_and(|kind| kind.ends_with("thinking"))
}

fn tool(tool: &ToolDefinition) -> Value {
    json!({"name": tool.name, "description": tool.description, "input_schema": tool.schema})
}

/// Groups neighbours of one speaker into turns and marks the last user turn for the cache.
fn messages(request: &Request, provider: &str, thinks: bool) -> Vec<Value> {
    let mut turns: Vec<(Speaker, Vec<Value>)> = Vec::new();
    for message in &request.messages {
        let Some(block) = block(message, request, provider, thinks) else { continue };
        match turns.last_mut() {
            Some((speaker, blocks)) if *speaker == message.speaker => blocks.push(block),
            _ => turns.push((message.speaker, vec![block])),
        }
    }
    turns = without_trailing_thinking(turns);
    for (speaker, blocks) in &mut turns {
        if *speaker == Speaker::User {
            // Results have to stand before any other text of the turn that answers the calls.
            blocks.sort_by_key(|block| block["type"] != "tool_result");
        }
    }
    if let Some((_, blocks)) = turns.iter_mut().rev().find(|(speaker, _)| *speaker == Speaker::User)
        && let Some(Value::Object(block)) = blocks.last_mut()
    {
        block.insert("cache_control".into(), cache_mark());
    }
    turns.into_iter().map(|(speaker, content)| json!({"role": speaker, "content": content})).collect()
}

/// The API refuses a turn of the model that ends in reasoning, as one does that was stopped before it said anything.
fn without_trailing_thinking(turns: Vec<(Speaker, Vec<Value>)>) -> Vec<(Speaker, Vec<Value>)> {
    let mut kept: Vec<(Speaker, Vec<Value>)> = Vec::with_capacity(turns.len());
    for (speaker, mut blocks) in turns {
        let is_thinking =
            |block: &Value| block["type"].as_str().is_some_and(|kind| kind.ends_with("thinking"));
        while speaker == Speaker::Assistant && blocks.last().is_some_and(is_thinking) {
            blocks.pop();
        }
        match kept.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, before)) if *last == speaker => before.append(&mut blocks),
            _ => kept.push((speaker, blocks)),
        }
    }
    kept
}

fn block(message: &Message, request: &Request, provider: &str, thinks: bool) -> Option<Value> {
    match &message.part {
        // The API refuses empty text, and text of nothing but white space.
        Part::Text(text) if text.trim().is_empty() => None,
        Part::Text(text) => Some(json!({"type": "text", "text": text})),
        Part::Thinking { opaque, .. } => {
            let opaque = opaque.as_ref().filter(|_| thinks)?;
            let ours = opaque.api == API && opaque.provider == provider && opaque.model == request.model;
            ours.then(|| opaque.item.clone())
        }
        Part::ToolCall { id, name, arguments } => {
            // Only an object is accepted; what the model wrote instead was answered with an error result.
            let input = if arguments.is_object() { arguments.clone() } else { json!({}) };
            Some(json!({"type": "tool_use", "id": plain(id), "name": tool_name(name), "input": input}))
        }
        Part::ToolResult { id, content, is_error } => {
            let content = if content.is_empty() { "(no output)" } else { content };
            let mut block = json!({"type": "tool_result", "tool_use_id": plain(id), "content": content});
            if *is_error {
                block["is_error"] = true.into();
            }
            Some(block)
        }
    }
}
