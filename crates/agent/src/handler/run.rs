//! One execution: from the prompt to the last turn.

use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use purlin_kernel::{Hook, Object, Outcome as HookOutcome};
use purlin_notebook::{Event, Media, OutputId, OutputMeta, QueueStatus, Role, StoreError, StoreExt, time};
use purlin_runtime_core::{ExecutionContext, ExecutionError, Outcome};
use serde_json::{Value, json};

use super::{Shared, history};
use crate::hooks::{self, Raiser, payload};
use crate::model::{ModelLimits, ModelRef};
use crate::prompt::system_prompt;
use crate::provider::{Provider, provider_for};
use crate::request::{Message, Speaker, StopReason, Thinking, Usage};
use crate::settings::Settings;
use crate::tools::Tools;

/// Why a run ended before its time.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It was asked to.
    Cancelled,
    /// It cannot go on.
    Failed {
        /// One word.
        name: &'static str,
        /// A sentence for people.
        message: String,
    },
}

impl Stop {
    pub(crate) fn failed(name: &'static str, message: impl std::fmt::Display) -> Self {
        Self::Failed { name, message: format!("{message}") }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed { .. } => "error",
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::failed("StoreError", error)
    }
}

impl From<Stop> for ExecutionError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Cancelled,
            Stop::Failed { name, message } => Self::failed(name, message),
        }
    }
}

/// What a run has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) usage: Usage,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) turns: u32,
    pub(crate) calls: u32,
}

/// The state of one execution.
pub(crate) struct Run {
    pub(crate) cx: ExecutionContext,
    pub(crate) settings: Arc<Settings>,
    pub(crate) model: ModelRef,
    pub(crate) limits: ModelLimits,
    pub(crate) thinking: Thinking,
    pub(crate) tools: Tools,
    pub(crate) hooks: Raiser,
    pub(crate) processes: Rc<dyn purlin_kernel::Host>,
    /// Whether nobody else can see the notebook.
    pub(crate) alone: bool,
    pub(crate) cwd: PathBuf,
    pub(crate) session: String,
    pub(crate) prompt: String,
    pub(crate) system: String,
    pub(crate) history: Vec<Message>,
    pub(crate) known_calls: HashSet<String>,
    pub(crate) requests: u64,
    pub(crate) totals: Totals,
    pub(crate) last_text: String,
    pub(crate) last_output: Option<OutputId>,
}

impl Run {
    /// Reads what the run needs from the store and mends what a killed run left open.
    pub(super) fn open(
        shared: &Shared,
        cx: ExecutionContext,
        prompt: String,
    ) -> Result<Self, ExecutionError> {
        let settings = shared.settings.get();
        let store = cx.store();
        let metadata = store.metadata()?;
        let model =
            metadata.get("purlin.model").and_then(|text| text.parse().ok()).unwrap_or(settings.model.clone());
        let cwd = metadata.get("purlin.cwd").map_or_else(|| settings.cwd.clone(), PathBuf::from);
        let date = time::iso(cx.host().now());
        let date = date.split('T').next().unwrap_or_default();
        let system = system_prompt(&settings, &cwd, date, &shared.tools.specs());
        let path = store.branch_path(Some(&cx.cell.id))?;
        let read = history::read(&*store, &path, &cx.cell.id, &prompt)?;
        let requests = store.model_usage()?.len() as u64;
        let mut run = Self {
            limits: settings.limits(&model),
            thinking: metadata
                .get("purlin.thinking")
                .and_then(|word| word.parse().ok())
                .unwrap_or(settings.thinking),
            tools: shared.tools.clone(),
            hooks: shared.hooks.clone(),
            processes: Rc::clone(&shared.processes),
            alone: shared.alone.get(),
            session: store.identity().store_id.into_string(),
            history: read.messages,
            known_calls: read.calls,
            totals: Totals::default(),
            last_text: String::new(),
            last_output: None,
            cx,
            settings,
            model,
            cwd,
            prompt,
            system,
            requests,
        };
        run.mend(read.open)?;
        run.history = history::pair(run.history);
        Ok(run)
    }

    /// Answers the prompt.
    pub(super) async fn answer(mut self) -> Result<Outcome, ExecutionError> {
        self.appended(self.cx.cell.id.as_str(), "user", "prompt", &self.prompt);
        let (session, entry) = (&self.session, self.cx.cell.id.as_str());
        self.hooks.observe::<hooks::PromptUserEntry>(|| payload!({"entry_id": entry, "session_id": session}));
        let result = match provider_for(&self.model, &self.settings) {
            Ok(provider) => self.converse(&*provider).await,
            Err(error) => Err(Stop::failed("ProviderError", error)),
        };
        self.done(&result);
        result?;
        Ok(Outcome::done())
    }

    async fn converse(&mut self, provider: &dyn Provider) -> Result<(), Stop> {
        self.before_start().await?;
        let prompt = &self.prompt;
        self.hooks.observe::<hooks::AgentStart>(|| payload!({"prompt": prompt}));
        let started = self.cx.host().mono();
        let result = self.turns(provider).await;
        self.hooks.observe::<hooks::AgentEnd>(|| {
            let (reason, error) = match &result {
                Ok(()) => ("completed", ""),
                Err(stop @ Stop::Failed { message, .. }) => (stop.reason(), message.as_str()),
                Err(stop) => (stop.reason(), ""),
            };
            payload!({
                "prompt": self.prompt, "response": self.last_text, "stop_reason": reason,
                "turns": self.totals.turns, "tool_calls": self.totals.calls, "usage": self.totals.usage,
                "cost": dollars(self.totals.cost_micros), "duration_ms": self.cx.host().mono() - started,
                "error": error,
            })
        });
        result
    }

    /// Lets extensions add texts before the prompt and change the system prompt.
    async fn before_start(&mut self) -> Result<(), Stop> {
        let fields = || payload!({"prompt": self.prompt, "system_prompt": self.system});
        let raised = self.raise::<hooks::BeforeAgentStart>(fields);
        let Some((answer, outcome)) = raised.await? else { return Ok(()) };
        self.system = answer.system_prompt.unwrap_or(std::mem::take(&mut self.system));
        // Injected texts stand before the prompt, which is the last message unless the run goes on after a kill.
        let mut at =
            self.history.iter().position(|m| m.id == self.cx.cell.id.as_str()).unwrap_or(self.history.len());
        for (extension, field, value) in outcome.appended {
            let (true, Some(text)) = (field == "inject_text", value.as_str()) else { continue };
            let mut meta = OutputMeta::new(Role::Inject);
            meta.extension = Some(extension);
            let id = self.put_markdown(text, &meta)?;
            self.history.insert(at, Message::text(id.as_str(), Speaker::User, text));
            at += 1;
        }
        Ok(())
    }

    async fn turns(&mut self, provider: &dyn Provider) -> Result<(), Stop> {
        for turn in 1..=self.settings.max_turns {
            self.check()?;
            self.take_steers()?;
            self.totals.turns = turn;
            self.hooks.observe::<hooks::TurnStart>(|| payload!({"turn": turn}));
            let answer = self.ask(provider, turn).await?;
            let finished = answer.calls.is_empty();
            let results = self.run_calls(answer.calls).await?;
            self.hooks.observe::<hooks::TurnEnd>(|| payload!({"turn": turn, "tool_results": results}));
            if finished && !self.take_steers()? {
                return self.last_words(&answer.stop);
            }
        }
        let most = self.settings.max_turns;
        Err(Stop::failed(
            "TurnLimit",
            format!("the prompt took more than {most} model requests. Send another to go on"),
        ))
    }

    /// Says so when the model did not end by itself.
    fn last_words(&mut self, stop: &StopReason) -> Result<(), Stop> {
        let note = match stop {
            StopReason::MaxTokens => "The answer was cut: it reached the limit on tokens.",
            StopReason::Refusal => "The model declined to go on.",
            StopReason::Other(word) => return self.note(&format!("The model stopped: {word}.")),
            StopReason::EndTurn | StopReason::ToolUse => return Ok(()),
        };
        self.note(note)
    }

    fn done(&self, result: &Result<(), Stop>) {
        let reason = result.as_ref().map_or_else(Stop::reason, |()| "completed");
        self.hooks.observe::<hooks::PromptDone>(|| {
            payload!({
                "session_id": self.session, "user_entry_id": self.cx.cell.id.as_str(),
                "assistant_entry_id": self.last_output.as_ref().map_or("", OutputId::as_str),
                "text": self.last_text, "stop_reason": reason,
            })
        });
        if self.hooks.wants(&hooks::SETTLED) && !self.more_queued() {
            self.hooks.observe::<hooks::Settled>(|| payload!({"session_id": self.session}));
        }
    }

    fn more_queued(&self) -> bool {
        let store = self.cx.store();
        [QueueStatus::Pending, QueueStatus::Assigned, QueueStatus::Executing].into_iter().any(|status| {
            store
                .queue(Some(status))
                .is_ok_and(|entries| entries.iter().any(|entry| entry.id != self.cx.queue_id))
        })
    }

    /// Takes what was sent while the agent worked into the history; tells whether there was anything.
    pub(super) fn take_steers(&mut self) -> Result<bool, Stop> {
        let steers = crate::session::open_steers(&*self.cx.store(), &self.cx.cell.id)?;
        let mut any = false;
        for steer in steers {
            let output_id = OutputId::from(self.cx.new_id());
            let meta = OutputMeta::new(Role::Steer);
            let added = self.markdown_added(&output_id, &steer.text, &meta);
            self.cx.commit(vec![added, Event::SteerTaken { id: steer.id, output_id: output_id.clone() }])?;
            self.appended(output_id.as_str(), "user", "steer", &steer.text);
            self.history.push(Message::text(output_id.into_string(), Speaker::User, steer.text));
            any = true;
        }
        Ok(any)
    }

    /// Puts out a remark for people, which no model sees.
    pub(super) fn note(&mut self, text: &str) -> Result<(), Stop> {
        self.put_markdown(text, &OutputMeta::new(Role::Note)).map(drop)
    }

    pub(super) fn put_markdown(&self, text: &str, meta: &OutputMeta) -> Result<OutputId, Stop> {
        let id = OutputId::from(self.cx.new_id());
        self.cx.commit(vec![self.markdown_added(&id, text, meta)])?;
        Ok(id)
    }

    fn markdown_added(&self, id: &OutputId, text: &str, meta: &OutputMeta) -> Event {
        Event::MarkdownOutputAdded {
            id: id.clone(),
            cell_id: self.cx.cell.id.clone(),
            position: self.cx.next_position(),
            content: Media::text(text).with_meta(meta),
        }
    }

    /// Tells observers that an entry became part of the session.
    pub(super) fn appended(&self, entry: &str, role: &str, kind: &str, text: &str) {
        self.hooks.observe::<hooks::MessageAppend>(|| {
            payload!({
                "entry_id": entry, "parent_id": self.cx.cell.id.as_str(), "role": role, "kind": kind, "text": text,
                "model_facing": true, "display": true, "tokens": tokens(text),
            })
        });
    }

    pub(super) fn check(&self) -> Result<(), Stop> {
        self.cx.check_cancellation().map_err(|_| Stop::Cancelled)
    }

    /// Raises a hook unless the run is cancelled first; one that nobody handles costs a load and no allocation.
    pub(super) async fn raise<H: Hook>(
        &self,
        payload: impl FnOnce() -> Object,
    ) -> Result<Option<(H::Answer, HookOutcome)>, Stop> {
        if !self.hooks.wants(H::DECL) {
            return Ok(None);
        }
        self.unless_cancelled(self.hooks.raise::<H>(payload)).await
    }

    /// Waits for a future unless the run is cancelled first.
    pub(super) async fn unless_cancelled<T>(&self, future: impl Future<Output = T>) -> Result<T, Stop> {
        use futures_util::future::{Either, select};
        match select(std::pin::pin!(future), self.cx.cancellation()).await {
            Either::Left((value, _)) => Ok(value),
            Either::Right(_) => Err(Stop::Cancelled),
        }
    }
}

/// A cheap estimate: four bytes a token.
pub(crate) fn tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// Micro-dollars as dollars; null where prices are not known.
pub(crate) fn dollars(micros: Option<i64>) -> Value {
    micros.map_or(Value::Null, |micros| json!(micros as f64 / 1e6))
}
