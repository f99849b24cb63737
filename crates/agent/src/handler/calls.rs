//! Tool calls: committed, gated, run, answered, in that order.

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, FutureExt, select};
use purlin_notebook::{
    Event, Media, OutputId, OutputMeta, Role, StreamName, TOOL_CALL_MIME, TOOL_RESULT_MIME, ToolCallStatus,
};
use serde_json::{Value, json};

use super::approval::NOBODY;
use super::ask::Called;
use super::history::result_media;
use super::printed::Printed;
use super::run::{Run, Stop};
use super::speech::Speech;
use crate::hooks::{self, payload};
use crate::request::{Message, Part, Speaker};
use crate::tools::{
    INLINE_LIMIT, TOOL_SERVICE, ToolCallRequest, ToolContext, ToolOutcome, ToolSpec, clip, parse, validate,
};

/// A call that stands in the store and waits for its turn.
#[derive(Clone, Debug)]
pub(crate) struct PendingCall {
    id: String,
    name: String,
    args_text: String,
    output: OutputId,
}

/// How a call ended.
struct Ended {
    outcome: ToolOutcome,
    status: ToolCallStatus,
    duration_ms: u64,
}

impl Ended {
    fn without_run(outcome: ToolOutcome, status: ToolCallStatus) -> Self {
        Self { outcome, status, duration_ms: 0 }
    }
}

/// What the model reads for a call of a turn that was stopped.
const CANCELLED: &str = "Error: the tool was stopped because the turn was cancelled";
/// What the model reads for a call whose turn broke off before it could run.
const NOT_RUN: &str = "Error: the tool was not run because the answer broke off";

impl Run {
    /// Commits the request for a tool, as soon as the model has made it.
    pub(super) fn put_call(&mut self, call: Called, speech: &mut Speech) -> Result<PendingCall, Stop> {
        // Some servers give no ids, or the same ones in each answer; pairs need ids that are unique in the session.
        let unique = !call.id.is_empty() && !self.known_calls.contains(&call.id);
        let id = if unique { call.id } else { format!("call_{}", self.cx.new_id()) };
        let name = if call.name.is_empty() { "unknown".to_owned() } else { call.name };
        self.known_calls.insert(id.clone());
        self.totals.calls += 1;
        let arguments = parse(&name, &call.args_text).unwrap_or_else(|_| call.args_text.clone().into());
        let output = OutputId::from(self.cx.new_id());
        let media = Media::json(json!({"tool_call_id": id, "tool_name": name, "arguments": arguments}))
            .with_meta(&OutputMeta::new(Role::ToolCall).with_call(&id));
        self.cx.commit(vec![Event::MultimediaDisplayOutputAdded {
            id: output.clone(),
            cell_id: self.cx.cell.id.clone(),
            position: self.cx.next_position(),
            representations: [(TOOL_CALL_MIME.to_owned(), media)].into(),
            display_id: None,
        }])?;
        let part = Part::ToolCall { id: id.clone(), name: name.clone(), arguments };
        speech.parts.push(Message { id: output.as_str().to_owned(), speaker: Speaker::Assistant, part });
        Ok(PendingCall { id, name, args_text: call.args_text, output })
    }

    /// Runs the calls of an answer, one after another; answers what `turn_end` shows.
    pub(super) async fn run_calls(&mut self, calls: Vec<PendingCall>) -> Result<Vec<Value>, Stop> {
        let mut results = Vec::with_capacity(calls.len());
        let mut stopped = None;
        for call in calls {
            let result = if stopped.is_none() { self.call(&call).await } else { Err(Stop::Cancelled) };
            let ended = match result {
                Ok(ended) => ended,
                Err(Stop::Cancelled) => {
                    stopped = Some(Stop::Cancelled);
                    let outcome =
                        ToolOutcome { content: CANCELLED.to_owned(), details: None, is_error: true };
                    Ended::without_run(outcome, ToolCallStatus::Cancelled)
                }
                Err(stop) => return Err(stop),
            };
            let shown = json!({
                "tool_call_id": call.id, "tool_name": call.name, "content": ended.outcome.content,
                "is_error": ended.outcome.is_error,
            });
            self.put_result(&call, ended)?;
            results.push(shown);
            if stopped.is_none() {
                self.take_steers()?;
            }
        }
        stopped.map_or(Ok(results), Err)
    }

    /// Answers the calls of an answer that did not come to its end.
    pub(super) fn not_run(&mut self, calls: &[PendingCall]) -> Result<(), Stop> {
        for call in calls {
            let outcome = ToolOutcome { content: NOT_RUN.to_owned(), details: None, is_error: true };
            self.put_result(call, Ended::without_run(outcome, ToolCallStatus::Cancelled))?;
        }
        Ok(())
    }

    async fn call(&mut self, call: &PendingCall) -> Result<Ended, Stop> {
        let refused =
            |message: String| Ended::without_run(ToolOutcome::error(message), ToolCallStatus::Error);
        let args = match parse(&call.name, &call.args_text) {
            Ok(args) => args,
            Err(message) => return Ok(refused(message)),
        };
        let specs = self.tools.specs();
        let Some(spec) = specs.iter().find(|spec| spec.name == call.name) else {
            let names: Vec<String> = specs.iter().map(|spec| format!("`{}`", spec.name)).collect();
            return Ok(refused(format!("there is no tool `{}`; there are {}", call.name, names.join(", "))));
        };
        if let Err(message) = validate(spec, &args) {
            return Ok(refused(message));
        }
        let args = match self.gate(call, spec, args).await? {
            Gate::Open(args) => args,
            Gate::Blocked(reason) => {
                let outcome = ToolOutcome::error(spoken(reason));
                return Ok(Ended::without_run(outcome, ToolCallStatus::Blocked));
            }
            Gate::Invalid(message) => return Ok(refused(message)),
        };
        self.start(call, &args).await?;
        let ended = self.execute(call, spec, &args).await?;
        Ok(self.patched(call, &args, ended).await)
    }

    /// Asks the gate. It runs after the call is committed and before anything happens.
    async fn gate(&self, call: &PendingCall, spec: &ToolSpec, args: Value) -> Result<Gate, Stop> {
        let fields = || {
            payload!({
                "tool_name": call.name, "name": call.name, "tool_call_id": call.id, "call_id": call.id,
                "args": args, "input": args.to_string(), "kind": spec.kind.as_str(), "source": "llm",
            })
        };
        let raised = self.raise::<hooks::ToolCall>(fields);
        let Some((answer, outcome)) = raised.await? else {
            return Ok(Gate::Open(args));
        };
        let args = answer.args.unwrap_or(args);
        match outcome.blocked() {
            Some(reason) if reason == NOBODY && !self.alone => {
                if let Some(reason) = self.ask_elsewhere(&call.id, &call.name, &args).await? {
                    return Ok(Gate::Blocked(reason));
                }
            }
            Some(reason) => return Ok(Gate::Blocked(reason)),
            None => {}
        }
        Ok(match validate(spec, &args) {
            Ok(()) => Gate::Open(args),
            Err(message) => Gate::Invalid(format!("an extension rewrote the call: {message}")),
        })
    }

    /// Commits the start with the arguments as run, and waits until a kill cannot lose it.
    async fn start(&self, call: &PendingCall, args: &Value) -> Result<(), Stop> {
        self.cx.commit(vec![Event::ToolCallStarted {
            tool_call_id: call.id.clone(),
            cell_id: self.cx.cell.id.clone(),
            output_id: call.output.clone(),
            arguments: args.clone(),
        }])?;
        self.cx.flush(self.settings.durability).await?;
        self.check()?;
        self.hooks.observe::<hooks::ToolExecutionStart>(
            || payload!({"tool_name": call.name, "tool_call_id": call.id, "args": args}),
        );
        Ok(())
    }

    async fn execute(&self, call: &PendingCall, spec: &ToolSpec, args: &Value) -> Result<Ended, Stop> {
        let host = self.cx.host();
        let started = host.mono();
        let printed = Rc::new(Printed::new(&self.cx, &self.hooks, &call.id, &call.name));
        let run = match self.tools.built_in(spec) {
            Some(tool) => tool.run(args.clone(), self.tool_context(call, &printed)),
            None => self.extension_call(call, args, &printed),
        };
        let bounded = async {
            let Some(limit) = spec.timeout_ms else { return run.await };
            match select(run, host.sleep(Duration::from_millis(limit))).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => ToolOutcome::error(format!("the tool was stopped after {limit} ms")),
            }
        };
        // Dropping the run, on cancellation, kills what it started.
        let outcome = self.unless_cancelled(bounded).await;
        printed.finish();
        let duration_ms = host.mono() - started;
        let is_error = outcome.as_ref().map_or(true, |outcome| outcome.is_error);
        self.hooks.observe::<hooks::ToolExecutionEnd>(|| {
            payload!({
                "tool_name": call.name, "tool_call_id": call.id, "args": args, "is_error": is_error,
                "duration_ms": duration_ms,
            })
        });
        let status = if is_error { ToolCallStatus::Error } else { ToolCallStatus::Success };
        Ok(Ended { outcome: outcome?, status, duration_ms })
    }

    fn tool_context(&self, call: &PendingCall, printed: &Rc<Printed>) -> ToolContext {
        let printed = Rc::clone(printed);
        ToolContext {
            cwd: self.cwd.clone(),
            call_id: call.id.clone(),
            session_id: self.session.clone(),
            host: Rc::clone(&self.processes),
            progress: Rc::new(move |stream, text| printed.put(stream, text)),
        }
    }

    /// Runs an extension's tool on the main thread.
    fn extension_call(
        &self,
        call: &PendingCall,
        args: &Value,
        printed: &Rc<Printed>,
    ) -> futures_util::future::LocalBoxFuture<'static, ToolOutcome> {
        let Some(port) = self.hooks.as_port() else {
            return async { ToolOutcome::error("extensions are not available here") }.boxed_local();
        };
        let request = ToolCallRequest {
            name: call.name.clone(),
            args: args.clone(),
            call_id: call.id.clone(),
            session_id: self.session.clone(),
            cwd: self.cwd.display().to_string(),
        };
        let payload = serde_json::to_value(request).unwrap_or_default();
        let (sender, mut progress) = futures_channel::mpsc::unbounded();
        let answer = port.call(TOOL_SERVICE, payload, Some(sender));
        let printed = Rc::clone(printed);
        let show = move |value: Value| {
            let text = value.as_str().or(value["text"].as_str()).map(str::to_owned);
            printed.put(StreamName::Stdout, &text.unwrap_or_else(|| value.to_string()));
        };
        async move {
            let mut answer = std::pin::pin!(answer.fuse());
            let answer = loop {
                match select(progress.next(), answer.as_mut()).await {
                    Either::Left((Some(value), _)) => show(value),
                    Either::Left((None, answer)) => break answer.await,
                    Either::Right((answer, _)) => break answer,
                }
            };
            // What was shown before the answer stands before it.
            while let Some(Some(value)) = progress.next().now_or_never() {
                show(value);
            }
            match answer.and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string())) {
                Ok(outcome) => outcome,
                Err(message) => ToolOutcome::error(message),
            }
        }
        .boxed_local()
    }

    /// Lets extensions change the result before the model sees it.
    async fn patched(&self, call: &PendingCall, args: &Value, mut ended: Ended) -> Ended {
        let show = |outcome: &ToolOutcome| {
            payload!({
                "tool_name": call.name, "tool_call_id": call.id, "args": args, "input": args.to_string(),
                "content": outcome.content, "details": outcome.details, "is_error": outcome.is_error,
            })
        };
        let raised = self.raise::<hooks::ToolResult>(|| show(&ended.outcome));
        // A turn that is cancelled meanwhile keeps the result as the tool gave it.
        let raised = raised.await.ok().flatten();
        if let Some((answer, _)) = raised {
            let outcome = &mut ended.outcome;
            outcome.content = answer.content.unwrap_or(std::mem::take(&mut outcome.content));
            outcome.details = answer.details.or(outcome.details.take());
            outcome.is_error = answer.is_error.unwrap_or(outcome.is_error);
            ended.status = if outcome.is_error { ToolCallStatus::Error } else { ToolCallStatus::Success };
        }
        if ended.outcome.is_error {
            self.hooks.observe::<hooks::ToolError>(|| show(&ended.outcome));
        }
        ended
    }

    /// Commits a result together with the end of its call, and puts it into the history.
    fn put_result(&mut self, call: &PendingCall, ended: Ended) -> Result<(), Stop> {
        let Ended { outcome: ToolOutcome { content, details, is_error }, status, duration_ms } = ended;
        let content = self.within_limit(content);
        let id = OutputId::from(self.cx.new_id());
        let details = details.map(bounded);
        let media = result_media(&call.id, &content, is_error, details.as_ref());
        let added = Event::MultimediaDisplayOutputAdded {
            id: id.clone(),
            cell_id: self.cx.cell.id.clone(),
            position: self.cx.next_position(),
            representations: [(TOOL_RESULT_MIME.to_owned(), media)].into(),
            display_id: None,
        };
        let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
        self.cx.commit(vec![
            added,
            Event::ToolCallEnded { tool_call_id: call.id.clone(), status, duration_ms },
        ])?;
        self.appended(id.as_str(), "tool", "tool_result", &content);
        let part = Part::ToolResult { id: call.id.clone(), content, is_error };
        self.history.push(Message { id: id.into_string(), speaker: Speaker::User, part });
        Ok(())
    }

    /// A result over the inline limit keeps head and tail; the whole becomes an artifact.
    fn within_limit(&self, content: String) -> String {
        if content.len() <= INLINE_LIMIT {
            return content;
        }
        match self.cx.artifacts().put(content.as_bytes()) {
            Ok(reference) => clip(&content, INLINE_LIMIT, Some(&format!("`{reference}`"))),
            Err(error) => {
                tracing::warn!(error, "the whole of a tool's result could not be kept");
                clip(&content, INLINE_LIMIT, None)
            }
        }
    }
}

/// Facts for renderers that do not fit into an event are left out, and that is said.
fn bounded(details: Value) -> Value {
    match details.to_string().len() {
        bytes if bytes > INLINE_LIMIT => json!({"left_out_bytes": bytes}),
        _ => details,
    }
}

/// A gate's reason in words: the single word of a dialog that gave no answer means little to model and person.
fn spoken(reason: String) -> String {
    let words = match reason.as_str() {
        "user" => "declined by the user",
        "no_ui" => "declined: nobody is there to ask",
        "timeout" => "declined: nobody answered in time",
        "busy" => "declined: the person could not be asked",
        _ => return reason,
    };
    words.to_owned()
}

/// What a gate decided.
enum Gate {
    /// Go on, with these arguments.
    Open(Value),
    /// Refused, with the reason.
    Blocked(String),
    /// A handler rewrote the arguments into something the tool does not take.
    Invalid(String),
}
