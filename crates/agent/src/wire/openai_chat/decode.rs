//! The chunk stream of Chat Completions, as model events.

use serde_json::Value;

use crate::request::{ModelEvent, StopReason, Usage};
use crate::wire::sse::{MAX_EVENT, SseDecoder, SseEvent};
use crate::wire::{WireError, excerpt, progress};

/// A tool call that is being streamed.
#[derive(Debug, Default)]
struct Call {
    index: i64,
    id: String,
    name: String,
    args: String,
    started: bool,
}

/// Decoder of one answer.
#[derive(Debug, Default)]
pub struct Decoder {
    sse: SseDecoder,
    call: Option<Call>,
    calls: usize,
    thinking: bool,
    characters: usize,
    stop: Option<StopReason>,
    usage: Option<Usage>,
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

    /// Ends the body. Servers that close without `[DONE]` are complete once they gave a finish reason.
    pub fn finish(&mut self) -> Vec<ModelEvent> {
        let mut out = Vec::new();
        if self.ended {
            return out;
        }
        if let Some(event) = self.sse.finish() {
            self.event(&event, &mut out);
        }
        if !self.ended {
            match (self.stop.is_some(), self.sse.foreign()) {
                (true, _) => self.done(&mut out),
                (false, Some(head)) => {
                    let head = String::from_utf8_lossy(head).into_owned();
                    self.fail(WireError::Garbage(excerpt(&head)), &mut out);
                }
                (false, None) => {
                    self.fail(WireError::EndedEarly(progress(self.characters, self.calls)), &mut out);
                }
            }
        }
        out
    }

    fn fail(&mut self, error: WireError, out: &mut Vec<ModelEvent>) {
        self.ended = true;
        out.push(ModelEvent::Error(error));
    }

    fn done(&mut self, out: &mut Vec<ModelEvent>) {
        self.end_thinking(out);
        self.end_call(out);
        self.ended = true;
        let mut stop_reason = self.stop.take().unwrap_or(StopReason::EndTurn);
        // Several servers say `stop` although they called a tool.
        if self.calls > 0 && stop_reason == StopReason::EndTurn {
            stop_reason = StopReason::ToolUse;
        }
        out.push(ModelEvent::Done { stop_reason });
    }

    fn event(&mut self, event: &SseEvent, out: &mut Vec<ModelEvent>) {
        let data = event.data.trim();
        if self.ended || data.is_empty() {
            return;
        }
        if data == "[DONE]" {
            if self.stop.is_none() && self.characters == 0 && self.calls == 0 && self.call.is_none() {
                return self.fail(WireError::EndedEarly(progress(0, 0)), out);
            }
            return self.done(out);
        }
        let Ok(value) = serde_json::from_str::<Value>(data) else {
            return self.fail(WireError::Garbage(excerpt(data)), out);
        };
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            return self.provider_error(error, out);
        }
        self.usage(&value, out);
        let Some(choice) = value["choices"].get(0) else { return };
        self.delta(&choice["delta"], out);
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.stop = Some(stop_reason(reason));
        }
    }

    fn provider_error(&mut self, error: &Value, out: &mut Vec<ModelEvent>) {
        let message =
            error["message"].as_str().or(error.as_str()).unwrap_or("the provider reported an error");
        let kind = error["type"].as_str().map_or_else(|| error["code"].to_string(), str::to_owned);
        let kind = if kind == "null" { "error".to_owned() } else { kind };
        self.fail(WireError::Provider { kind, message: message.to_owned() }, out);
    }

    fn delta(&mut self, delta: &Value, out: &mut Vec<ModelEvent>) {
        // Two names for one thing; a server uses one of them.
        for name in ["reasoning_content", "reasoning"] {
            if let Some(text) = delta[name].as_str().filter(|text| !text.is_empty()) {
                self.thinking = true;
                out.push(ModelEvent::ThinkingDelta(text.to_owned()));
                break;
            }
        }
        if let Some(text) = content_text(&delta["content"]).or_else(|| content_text(&delta["refusal"])) {
            self.end_thinking(out);
            self.characters += text.chars().count();
            out.push(ModelEvent::TextDelta(text));
        }
        if let Some(calls) = delta["tool_calls"].as_array() {
            for call in calls {
                self.call_delta(call, out);
            }
        }
    }

    fn call_delta(&mut self, delta: &Value, out: &mut Vec<ModelEvent>) {
        self.end_thinking(out);
        let id = delta["id"].as_str().unwrap_or_default();
        let name = delta["function"]["name"].as_str().unwrap_or_default();
        let index = delta["index"].as_i64();
        // A new index, or another id under the same index (servers that always say 0), begins another call.
        let another = self.call.as_ref().is_some_and(|call| {
            index.is_some_and(|index| index != call.index)
                || (!id.is_empty() && !call.id.is_empty() && id != call.id)
                || (index.is_none() && id.is_empty() && !name.is_empty() && call.started)
        });
        if another {
            self.end_call(out);
        }
        let call = self.call.get_or_insert_with(|| Call { index: index.unwrap_or(0), ..Call::default() });
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if !call.started && !name.is_empty() {
            call.started = true;
            name.clone_into(&mut call.name);
            out.push(ModelEvent::ToolCallStart { id: call.id.clone(), name: call.name.clone() });
        }
        // Arguments are JSON text; a few servers send the object itself.
        let args = &delta["function"]["arguments"];
        let more = match args {
            Value::String(text) => text.clone(),
            Value::Object(_) => args.to_string(),
            _ => String::new(),
        };
        if !more.is_empty() {
            call.args.push_str(&more);
            out.push(ModelEvent::ToolArgsDelta(more));
        }
    }

    fn end_thinking(&mut self, out: &mut Vec<ModelEvent>) {
        if std::mem::take(&mut self.thinking) {
            out.push(ModelEvent::ThinkingDone { opaque: None });
        }
    }

    fn end_call(&mut self, out: &mut Vec<ModelEvent>) {
        if let Some(call) = self.call.take() {
            self.calls += 1;
            let args_text = if call.args.trim().is_empty() { "{}".to_owned() } else { call.args };
            out.push(ModelEvent::ToolCallDone { id: call.id, name: call.name, args_text });
        }
    }

    fn usage(&mut self, value: &Value, out: &mut Vec<ModelEvent>) {
        let usage = &value["usage"];
        if !usage.is_object() {
            return;
        }
        let number = |pointer: &str| usage.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        let cached = number("/prompt_tokens_details/cached_tokens").max(number("/prompt_cache_hit_tokens"));
        let usage = Usage {
            input: (number("/prompt_tokens") - cached).max(0),
            output: number("/completion_tokens"),
            cache_read: cached,
            cache_write: 0,
        };
        if self.usage != Some(usage) {
            self.usage = Some(usage);
            out.push(ModelEvent::Usage(usage));
        }
    }
}

/// Text of a `content` that is a string or a list of parts.
fn content_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn stop_reason(word: &str) -> StopReason {
    match word {
        "stop" | "eos" | "end_turn" => StopReason::EndTurn,
        "tool_calls" | "function_call" => StopReason::ToolUse,
        "length" => StopReason::MaxTokens,
        "content_filter" => StopReason::Refusal,
        other => StopReason::Other(other.to_owned()),
    }
}
