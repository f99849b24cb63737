//! The model that needs no key and no network.

use std::rc::Rc;

use futures_util::StreamExt;
use purlin_runtime_core::Host;
use serde_json::json;

use super::{Call, ModelStream, Provider, ProviderError};
use crate::request::{ModelEvent, Part, Request, Speaker, StopReason, Usage};

/// How to get a real model; stands below each echoed prompt.
pub const HINT: &str = "This is the `echo` model. For a real one, set `ANTHROPIC_API_KEY` or `OPENAI_API_KEY`, \
                        or start purlin with `--model ollama/NAME`.";

/// Answers with the prompt and one line on how to configure a real model.
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoProvider;

impl Provider for EchoProvider {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn api(&self) -> &'static str {
        "echo"
    }

    fn encode(&self, request: &Request) -> Result<Call, ProviderError> {
        // The last user turn may have more than one message: steering, injected texts.
        let mut texts: Vec<&str> = request
            .messages
            .iter()
            .rev()
            .take_while(|message| message.speaker == Speaker::User)
            .filter_map(|message| match &message.part {
                Part::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        texts.reverse();
        Ok(Call {
            payload: json!({"prompt": texts.join("\n\n")}),
            headers: Vec::new(),
            ordinal: request.ordinal,
        })
    }

    fn send(&self, call: Call, _host: &Rc<dyn Host>) -> ModelStream {
        let prompt = call.payload["prompt"].as_str().unwrap_or_default();
        let words = |text: &str| i64::try_from(text.split_whitespace().count()).unwrap_or(i64::MAX);
        let usage = Usage { input: words(prompt), output: words(prompt) + words(HINT), ..Usage::default() };
        let events = vec![
            ModelEvent::TextDelta(prompt.to_owned()),
            ModelEvent::TextDelta(format!("\n\n{HINT}")),
            ModelEvent::Usage(usage),
            ModelEvent::Done { stop_reason: StopReason::EndTurn },
        ];
        futures_util::stream::iter(events.into_iter().map(Ok)).boxed_local()
    }
}
