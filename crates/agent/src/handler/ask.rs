//! One model request: attempts, retries, and what its stream says.

use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::{Either, FutureExt, select};
use purlin_notebook::{Event, OutputMeta, Role};
use purlin_runtime_core::TextKind;
use serde_json::Value;

use super::calls::PendingCall;
use super::retry::{self, Verdict};
use super::run::{Run, Stop, dollars};
use super::speech::{FRAME, Speech};
use crate::hooks::{self, payload};
use crate::provider::{Call, ModelStream, Provider, ProviderError, apply_answer};
use crate::request::{ModelEvent, Request, StopReason, Usage};

/// Events after which the agent's other tasks get their turn, when a stream never waits.
const FAIR: u32 = 128;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) calls: Vec<PendingCall>,
    pub(crate) stop: StopReason,
}

/// An attempt that gave no complete answer.
struct Failure {
    error: ProviderError,
    /// Whether anything of it is in the store already: then it cannot be sent again.
    spoke: bool,
}

impl Run {
    /// Asks the model, again after failures that may pass.
    pub(super) async fn ask(&mut self, provider: &dyn Provider, turn: u32) -> Result<Answer, Stop> {
        let mut request = self.request(turn).await?;
        let mut attempt = 1;
        loop {
            self.requests += 1;
            request.ordinal = self.requests;
            let failure = match self.attempt(provider, &request, attempt).await? {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            // What follows begins a sentence of its own.
            let error = failure.error.to_string().trim_end_matches('.').to_owned();
            let status = failure.error.status().unwrap_or(0);
            self.hooks.observe::<hooks::ProviderFailed>(|| {
                payload!({
                    "provider": self.model.provider, "model": self.model.model, "attempt": attempt,
                    "status": status, "error": error,
                })
            });
            let verdict = if failure.spoke {
                Verdict::GiveUp(None)
            } else {
                retry::judge(&failure.error, attempt, &self.settings.retry, &*self.cx.host())
            };
            match verdict {
                Verdict::Wait(delay) => self.wait(attempt + 1, delay, &error).await?,
                Verdict::GiveUp(why) => {
                    let why = why.map(|why| format!(". {why}")).unwrap_or_default();
                    return Err(Stop::failed("ProviderError", format!("{error}{why}")));
                }
            }
            attempt += 1;
        }
    }

    async fn wait(&mut self, next: u32, delay: std::time::Duration, error: &str) -> Result<(), Stop> {
        let most = self.settings.retry.max_attempts;
        let fields = || {
            payload!({
                "attempt": next, "max_attempts": most, "delay_ms": delay.as_millis() as u64, "error": error,
            })
        };
        self.hooks.observe::<hooks::RetryStart>(fields);
        let seconds = delay.as_secs_f64();
        let note = self.cx.open_text(TextKind::Markdown, OutputMeta::new(Role::Note));
        note.append(&format!("{error}. Trying again in {seconds:.1} s (attempt {next} of {most})."));
        let slept = self.unless_cancelled(self.cx.host().sleep(delay)).await;
        if slept.is_err() {
            // What was announced does not happen, and the note has to say so.
            note.append(" Interrupted: it is not tried again.");
        }
        note.finish();
        self.hooks.observe::<hooks::RetryEnd>(fields);
        slept
    }

    async fn attempt(
        &mut self,
        provider: &dyn Provider,
        request: &Request,
        attempt: u32,
    ) -> Result<Result<Answer, Failure>, Stop> {
        let mut call = match provider.encode(request) {
            Ok(call) => call,
            Err(error) => return Ok(Err(Failure { error, spoke: false })),
        };
        let synthetic = self.model_request(provider, &mut call, attempt).await?;
        let stream = match synthetic {
            Some(events) => futures_util::stream::iter(events.into_iter().map(Ok)).boxed_local(),
            None => provider.send(call, &self.cx.host()),
        };
        let mut heard = Heard::default();
        let mut speech = Speech::new(&self.cx, &self.hooks, &self.model, provider.api());
        let listened = listen(self, stream, &mut speech, &mut heard).await;
        speech.finish().await;
        self.history.append(&mut speech.parts);
        if !speech.text.is_empty() {
            self.last_text.clone_from(&speech.text);
        }
        self.last_output = speech.last_output.take().or(self.last_output.take());
        let spoke = speech.spoke;
        let finish = match (&listened, &heard.stop) {
            (Ok(Ok(())), Some(stop)) => stop.as_str().to_owned(),
            (Err(_), _) => "cancelled".to_owned(),
            _ => "error".to_owned(),
        };
        self.used(heard.usage, &finish)?;
        let complete = matches!(listened, Ok(Ok(())));
        if complete {
            self.responded(attempt, &heard, &finish);
        } else {
            self.not_run(&heard.calls)?;
        }
        self.told(heard.usage, &finish);
        if complete && !speech.text.is_empty() {
            let entry = self.last_output.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
            self.appended(&entry, "assistant", "text", &speech.text);
        }
        Ok(match listened? {
            Ok(()) => Ok(Answer { calls: heard.calls, stop: heard.stop.unwrap_or(StopReason::EndTurn) }),
            Err(error) => Err(Failure { error, spoke }),
        })
    }

    /// Raises `model_request`; answers the events of a synthetic response if a handler gave one.
    async fn model_request(
        &self,
        provider: &dyn Provider,
        call: &mut Call,
        attempt: u32,
    ) -> Result<Option<Vec<ModelEvent>>, Stop> {
        let fields = || {
            let headers: serde_json::Map<String, Value> =
                call.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            payload!({
                "provider": provider.name(), "api": provider.api(), "model": self.model.model, "attempt": attempt,
                "payload": call.payload, "headers": headers,
            })
        };
        let raised = self.raise::<hooks::ModelRequest>(fields);
        let Some((answer, _)) = raised.await? else { return Ok(None) };
        apply_answer(call, answer.payload, answer.headers.as_ref());
        Ok(answer.response.as_ref().map(synthetic))
    }

    /// Commits what a request used. Each attempt counts, so that a script and the bill agree with what was sent.
    fn used(&mut self, usage: Usage, finish: &str) -> Result<(), Stop> {
        let cost = self.limits.cost_micros(&usage);
        self.totals.usage.add(usage);
        self.totals.cost_micros = match (self.totals.cost_micros, cost) {
            (Some(sum), Some(cost)) => Some(sum + cost),
            (sum, cost) => sum.or(cost),
        };
        self.cx.commit(vec![Event::ModelUsed {
            id: self.cx.new_id(),
            cell_id: self.cx.cell.id.clone(),
            queue_id: self.cx.queue_id.clone(),
            provider: self.model.provider.clone(),
            model: self.model.model.clone(),
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            cost_micros: cost,
            finish_reason: Some(finish.to_owned()),
        }])?;
        Ok(())
    }

    fn responded(&self, attempt: u32, heard: &Heard, finish: &str) {
        self.hooks.observe::<hooks::AfterProviderResponse>(|| {
            payload!({
                "provider": self.model.provider, "model": self.model.model, "attempt": attempt, "status": 200,
                "usage": heard.usage, "finish_reason": finish,
            })
        });
    }

    fn told(&self, usage: Usage, finish: &str) {
        self.hooks.observe::<hooks::LlmUsage>(|| {
            payload!({
                "tokens": usage, "cost": dollars(self.limits.cost_micros(&usage)), "model": self.model.model,
                "provider": self.model.provider, "finish_reason": finish,
            })
        });
    }
}

/// What a stream said beside its text.
#[derive(Debug, Default)]
struct Heard {
    calls: Vec<PendingCall>,
    usage: Usage,
    stop: Option<StopReason>,
}

/// Takes a stream to its end; what it says is in the store by then, however it ends.
async fn listen(
    run: &mut Run,
    mut stream: ModelStream,
    speech: &mut Speech,
    heard: &mut Heard,
) -> Result<Result<(), ProviderError>, Stop> {
    let host = run.cx.host();
    let mut cancelled = run.cx.cancellation().fuse();
    let mut count = 0;
    loop {
        let next = async {
            // A held-back piece must not wait for a model that pauses.
            if !speech.holds() {
                return Some(stream.next().await);
            }
            match select(stream.next(), host.sleep(FRAME)).await {
                Either::Left((event, _)) => Some(event),
                Either::Right(_) => None,
            }
        };
        let event = match select(pin!(next), &mut cancelled).await {
            Either::Left((event, _)) => event,
            Either::Right(_) => return Err(Stop::Cancelled),
        };
        let Some(event) = event else {
            speech.release().await;
            continue;
        };
        match event {
            Some(Ok(event)) => {
                if let Some(call) = hear(event, speech, heard).await {
                    let pending = run.put_call(call, speech)?;
                    heard.calls.push(pending);
                }
            }
            Some(Err(error)) => return Ok(Err(error)),
            None if heard.stop.is_some() => return Ok(Ok(())),
            None => {
                let error = crate::wire::WireError::EndedEarly(crate::wire::progress(
                    speech.text.len(),
                    heard.calls.len(),
                ));
                return Ok(Err(ProviderError::Wire { provider: run.model.provider.clone(), error }));
            }
        }
        count += 1;
        if count % FAIR == 0 {
            yield_now().await;
        }
    }
}

/// A call as the stream gave it.
pub(super) struct Called {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) args_text: String,
}

async fn hear(event: ModelEvent, speech: &mut Speech, heard: &mut Heard) -> Option<Called> {
    match event {
        ModelEvent::TextDelta(text) => speech.say(purlin_notebook::Role::Text, &text).await,
        ModelEvent::ThinkingDelta(text) => speech.say(purlin_notebook::Role::Thinking, &text).await,
        ModelEvent::ThinkingDone { opaque } => speech.thought(opaque).await,
        ModelEvent::ToolCallDone { id, name, args_text } => {
            speech.pause().await;
            return Some(Called { id, name, args_text });
        }
        ModelEvent::Usage(usage) => heard.usage = usage,
        ModelEvent::Done { stop_reason } => heard.stop = Some(stop_reason),
        // The deltas of arguments are in the complete call; an error arrives as the stream's own.
        ModelEvent::ToolCallStart { .. } | ModelEvent::ToolArgsDelta(_) | ModelEvent::Error(_) => {}
    }
    None
}

/// The events of a response that an extension gave in place of the provider's.
fn synthetic(response: &Value) -> Vec<ModelEvent> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut events = Vec::new();
    let thinking = text(&response["thinking"]);
    if !thinking.is_empty() {
        events.push(ModelEvent::ThinkingDelta(thinking));
        events.push(ModelEvent::ThinkingDone { opaque: None });
    }
    let said =
        response.as_str().or(response["text"].as_str()).or(response["content"].as_str()).unwrap_or_default();
    if !said.is_empty() {
        events.push(ModelEvent::TextDelta(said.to_owned()));
    }
    let calls = response["tool_calls"].as_array().cloned().unwrap_or_default();
    for call in &calls {
        let args = &call["args"];
        events.push(ModelEvent::ToolCallDone {
            id: text(&call["id"]),
            name: text(&call["name"]),
            args_text: args.as_str().map_or_else(|| args.to_string(), str::to_owned),
        });
    }
    let stop_reason = if calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
    events.push(ModelEvent::Done { stop_reason });
    events
}

/// Lets the other tasks of the thread run once.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
