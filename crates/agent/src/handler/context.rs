//! The hooks `context_build` and `context`: what extensions make of a request before it is encoded.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::history::pair;
use super::run::{Run, Stop, tokens};
use crate::hooks::{self, payload};
use crate::request::{Message, Part, Request, Speaker, ToolDefinition};

/// Tokens of one contribution at most.
const CONTRIBUTION: usize = 2_048;
/// Tokens of all contributions of a request.
const CONTRIBUTIONS: usize = 8_192;

impl Run {
    /// Assembles a request from the history and what extensions make of it.
    pub(super) async fn request(&mut self, turn: u32) -> Result<Request, Stop> {
        let mut system = self.system.clone();
        let mut messages = self.history.clone();
        self.contributions(&mut system, &mut messages).await?;
        if self.hooks.wants(&hooks::CONTEXT) {
            let shown: Vec<Value> = messages.iter().map(show).collect();
            let raised = self.raise::<hooks::Context>(|| payload!({"messages": shown, "turn": turn}));
            if let Some((answer, _)) = raised.await?
                && let Some(changed) = answer.messages
            {
                messages = merge(messages, &changed);
            }
        }
        let mut messages = pair(messages);
        // A run that goes on after a kill may end in the model's words, which several providers take for a prefix.
        if messages.last().is_none_or(|last| last.speaker == Speaker::Assistant) {
            messages.push(Message::text("continue", Speaker::User, "Go on."));
        }
        let tools = self.tools.specs().into_iter().map(|spec| ToolDefinition {
            name: spec.name,
            description: spec.description,
            schema: spec.schema,
        });
        Ok(Request {
            model: self.model.model.clone(),
            system,
            messages,
            tools: tools.collect(),
            max_tokens: self.settings.max_tokens.unwrap_or_else(|| self.limits.default_max_tokens()),
            thinking: self.thinking,
            ordinal: 0,
        })
    }

    async fn contributions(&mut self, system: &mut String, messages: &mut Vec<Message>) -> Result<(), Stop> {
        if !self.hooks.wants(&hooks::CONTEXT_BUILD) {
            return Ok(());
        }
        let history: usize = messages.iter().map(|message| tokens(&show(message).to_string())).sum();
        let fields = || {
            payload!({
                "breakdown": {"system": tokens(system), "skills": 0, "history": history, "extensions": 0},
                "limit": self.limits.context,
            })
        };
        let raised = self.raise::<hooks::ContextBuild>(fields);
        let Some((_, outcome)) = raised.await? else { return Ok(()) };
        let mut left = CONTRIBUTIONS;
        for (extension, _, value) in outcome.appended {
            for contribution in value.as_array().into_iter().flatten() {
                let Some(content) = contribution["content"].as_str() else { continue };
                let size = tokens(content);
                if size > CONTRIBUTION || size > left {
                    tracing::warn!(
                        extension,
                        size,
                        "a contribution to the context is over the budget and was dropped"
                    );
                    continue;
                }
                left -= size;
                if contribution["placement"] == "volatile" {
                    let id = format!("contribution-{}", messages.len());
                    messages.push(Message::text(id, Speaker::User, content));
                } else {
                    system.push_str("\n\n");
                    system.push_str(content);
                }
            }
        }
        Ok(())
    }
}

/// A message as extensions see it.
fn show(message: &Message) -> Value {
    let mut shown = json!({"id": message.id, "role": message.speaker});
    let fields = match &message.part {
        Part::Text(text) => json!({"kind": "text", "text": text, "content": text}),
        Part::Thinking { text, .. } => json!({"kind": "thinking", "text": text, "content": text}),
        Part::ToolCall { id, name, arguments } => {
            json!({"kind": "tool_call", "text": "", "tool_call_id": id, "tool_name": name, "args": arguments})
        }
        Part::ToolResult { id, content, is_error } => json!({
            "kind": "tool_result", "text": content, "content": content, "tool_call_id": id, "is_error": is_error,
        }),
    };
    if let (Value::Object(shown), Value::Object(fields)) = (&mut shown, fields) {
        shown.extend(fields);
    }
    shown
}

/// The history as an extension left it: a known id keeps its non-text part, an unknown one is a new text.
fn merge(messages: Vec<Message>, changed: &[Value]) -> Vec<Message> {
    let mut known: HashMap<String, Message> = messages.into_iter().map(|m| (m.id.clone(), m)).collect();
    let mut merged = Vec::with_capacity(changed.len());
    for value in changed {
        let id = value["id"].as_str().unwrap_or_default();
        let text = value["text"].as_str().or(value["content"].as_str());
        if let Some(mut message) = known.remove(id) {
            retext(&mut message.part, value);
            merged.push(message);
        } else if let Some(text) = text.filter(|text| !text.is_empty()) {
            let speaker = if value["role"] == "assistant" { Speaker::Assistant } else { Speaker::User };
            let id = if id.is_empty() { format!("context-{}", merged.len()) } else { id.to_owned() };
            merged.push(Message::text(id, speaker, text));
        }
    }
    merged
}

/// Takes over a changed text; both names of it were shown, so the one that differs is the one that was changed.
fn retext(part: &mut Part, value: &Value) {
    let (Part::Text(old) | Part::ToolResult { content: old, .. }) = part else { return };
    let changed =
        ["text", "content"].iter().filter_map(|name| value[*name].as_str()).find(|text| text != old);
    if let Some(text) = changed {
        *old = text.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ids_keep_their_parts_and_new_ones_are_texts() {
        let call = Message {
            id: "c".into(),
            speaker: Speaker::Assistant,
            part: Part::ToolCall { id: "1".into(), name: "t".into(), arguments: json!({"a": 1}) },
        };
        let messages = vec![Message::text("p", Speaker::User, "old"), call.clone()];
        let mut shown: Vec<Value> = messages.iter().map(show).collect();
        shown[0]["content"] = "new".into();
        shown.push(json!({"role": "user", "content": "more"}));
        let merged = merge(messages, &shown);
        assert_eq!(merged[0], Message::text("p", Speaker::User, "new"));
        assert_eq!(merged[1], call);
        assert_eq!(merged[2].as_text(), Some("more"));
    }
}
