//! The event stream of Anthropic Messages, as model events.

use serde_json::{Value, json};

use crate::request::{ModelEvent, StopReason, Usage};
use crate::wire::sse::{MAX_EVENT, SseDecoder, SseEvent};
use crate::wire::{WireError, excerpt, progress};

/// A content block that is being streamed.
#[derive(Debug)]
enum Block {
    Text,
    Thinking {
        text: String,
        signature: String,
    },
    Redacted(Value),
    Tool {
        id: String,
        name: String,
        args: String,
        input: Value,
    },
    /// A kind this build does not know, for instance a server tool.
    Other,
}

/// Decoder of one answer.
#[derive(Debug, Default)]
pub struct Decoder {
    sse: SseDecoder,
    block: Option<Block>,
    usage: Usage,
    stop: Option<StopReason>,
    characters: usize,
    calls: usize,
    ended: bool,
}

impl Decoder {
    /// Makes a decoder for one answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<ModelEvent> {
        if self.ended {
            return Vec::new();
        }
        let mut out = Vec::new();
        for event in self.sse.push(bytes) {
            self.event(&event, &mut out);
        }
        if self.sse.overflowed() && !self.ended {
            self.fail(WireError::TooLarge(MAX_EVENT), &mut out);
        }
        out
    }

    /// Ends the body; an answer that is not complete ends in an error.
    pub fn finish(&mut self) -> Vec<ModelEvent> {
        let mut out = Vec::new();
        if self.ended {
            return out;
        }
        if let Some(event) = self.sse.finish() {
            self.event(&event, &mut out);
        }
        if !self.ended {
            let error = match self.sse.foreign() {
                Some(head) => WireError::Garbage(excerpt(&String::from_utf8_lossy(head))),
                None => WireError::EndedEarly(progress(self.characters, self.calls)),
            };
            self.fail(error, &mut out);
        }
        out
    }

    fn fail(&mut self, error: WireError, out: &mut Vec<ModelEvent>) {
        self.ended = true;
        // A signature that never came makes the block unusable, its readable text has been told already.
        self.block = None;
        out.push(ModelEvent::Error(error));
    }

    fn event(&mut self, event: &SseEvent, out: &mut Vec<ModelEvent>) {
        if self.ended || event.data.is_empty() {
            return;
        }
        let Ok(value) = serde_json::from_str::<Value>(&event.data) else {
            return self.fail(WireError::Garbage(excerpt(&event.data)), out);
        };
        match value["type"].as_str().unwrap_or(&event.event) {
            "message_start" => self.usage(&value["message"]["usage"], out),
            "content_block_start" => self.block_start(&value["content_block"], out),
            "content_block_delta" => self.block_delta(&value["delta"], out),
            "content_block_stop" => self.block_stop(out),
            "message_delta" => {
                if let Some(reason) = value["delta"]["stop_reason"].as_str() {
                    self.stop = Some(stop_reason(reason));
                }
                self.usage(&value["usage"], out);
            }
            "message_stop" => {
                self.block_stop(out);
                self.ended = true;
                let stop_reason = self.stop.take().unwrap_or(StopReason::EndTurn);
                out.push(ModelEvent::Done { stop_reason });
            }
            "error" => {
                let word =
                    |name: &str, default: &str| value["error"][name].as_str().unwrap_or(default).to_owned();
                let error = WireError::Provider {
                    kind: word("type", "error"),
                    message: word("message", "the provider reported an error"),
                };
                self.fail(error, out);
            }
            // `ping`, and whatever is added later.
            _ => {}
        }
    }

    fn usage(&mut self, value: &Value, out: &mut Vec<ModelEvent>) {
        let before = self.usage;
        let set = |name: &str, field: &mut i64| {
            if let Some(n) = value[name].as_i64() {
                *field = n;
            }
        };
        set("input_tokens", &mut self.usage.input);
        set("output_tokens", &mut self.usage.output);
        set("cache_read_input_tokens", &mut self.usage.cache_read);
        set("cache_creation_input_tokens", &mut self.usage.cache_write);
        if self.usage != before {
            out.push(ModelEvent::Usage(self.usage));
        }
    }

    fn block_start(&mut self, block: &Value, out: &mut Vec<ModelEvent>) {
        self.block_stop(out);
        let text = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
        self.block = Some(match block["type"].as_str().unwrap_or_default() {
            "text" => {
                self.text(text("text"), out);
                Block::Text
            }
            "thinking" => {
                let first = text("thinking");
                if !first.is_empty() {
                    out.push(ModelEvent::ThinkingDelta(first.clone()));
                }
                Block::Thinking { text: first, signature: text("signature") }
            }
            "redacted_thinking" => Block::Redacted(block.clone()),
            "tool_use" => {
                let (id, name) = (text("id"), text("name"));
                out.push(ModelEvent::ToolCallStart { id: id.clone(), name: name.clone() });
                Block::Tool { id, name, args: String::new(), input: block["input"].clone() }
            }
            _ => Block::Other,
        });
    }

    fn block_delta(&mut self, delta: &Value, out: &mut Vec<ModelEvent>) {
        let text = |name: &str| delta[name].as_str().unwrap_or_default();
        match (delta["type"].as_str().unwrap_or_default(), &mut self.block) {
            ("text_delta", _) => self.text(text("text").to_owned(), out),
            ("thinking_delta", Some(Block::Thinking { text: whole, .. })) if !text("thinking").is_empty() => {
                whole.push_str(text("thinking"));
                out.push(ModelEvent::ThinkingDelta(text("thinking").to_owned()));
            }
            ("signature_delta", Some(Block::Thinking { signature, .. })) => {
                signature.push_str(text("signature"));
            }
            ("input_json_delta", Some(Block::Tool { args, .. })) if !text("partial_json").is_empty() => {
                args.push_str(text("partial_json"));
                out.push(ModelEvent::ToolArgsDelta(text("partial_json").to_owned()));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: String, out: &mut Vec<ModelEvent>) {
        if !text.is_empty() {
            self.characters += text.chars().count();
            out.push(ModelEvent::TextDelta(text));
        }
    }

    fn block_stop(&mut self, out: &mut Vec<ModelEvent>) {
        match self.block.take() {
            Some(Block::Thinking { text, signature }) => {
                let opaque = (!signature.is_empty())
                    .then(|| json!({"type": "thinking", "thinking": text, "signature": signature}));
                out.push(ModelEvent::ThinkingDone { opaque });
            }
            Some(Block::Redacted(block)) => out.push(ModelEvent::ThinkingDone { opaque: Some(block) }),
            Some(Block::Tool { id, name, args, input }) => {
                self.calls += 1;
                // Some compatible servers send the whole input with the start instead of deltas.
                let args_text = match args.is_empty() {
                    true if input.is_object() => input.to_string(),
                    true => "{}".to_owned(),
                    false => args,
                };
                out.push(ModelEvent::ToolCallDone { id, name, args_text });
            }
            Some(Block::Text | Block::Other) | None => {}
        }
    }
}

fn stop_reason(word: &str) -> StopReason {
    match word {
        "end_turn" | "stop_sequence" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" | "model_context_window_exceeded" => StopReason::MaxTokens,
        "refusal" => StopReason::Refusal,
        other => StopReason::Other(other.to_owned()),
    }
}
