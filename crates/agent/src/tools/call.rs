//! Running a tool on the main thread, on behalf of an extension, through the same hooks as a call of the model.
//!
//! Nothing is committed: the call belongs to no cell, like a job that an extension starts. Gates see it with
//! `source = "extension"`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use purlin_kernel::{DeadlineClass, ExtId, Handle, HandlerError, Kernel, Object, Registration};
use purlin_notebook::StreamName;
use serde_json::Value;

use super::registration::collect;
use super::{
    ToolCatalog, ToolContext, ToolInvocation, ToolOutcome, ToolRegistration, ToolSpec, Tools, validate,
};
use crate::hooks::{self, Raiser, payload};

/// The only tools on offer while it is registered; of several registrations the latest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTools(pub Vec<String>);

impl Registration for ActiveTools {
    fn name(&self) -> String {
        "active tools".to_owned()
    }
}

impl ActiveTools {
    /// Offers only tools of these names until the handle is deleted or `owner` is unloaded.
    pub fn restrict(kernel: &Kernel, owner: ExtId, names: Vec<String>) -> Handle {
        kernel.ext().add(owner, Self(names))
    }

    /// The restriction in force.
    pub(super) fn in_force(kernel: &Kernel) -> Option<Vec<String>> {
        kernel.ext().registrations::<Self>().last().map(|(_, active)| active.0.clone())
    }
}

/// The tools on offer as the main thread knows them: the built-in ones and those of extensions.
pub fn offered(kernel: &Kernel) -> Vec<ToolSpec> {
    tools(kernel).specs()
}

fn tools(kernel: &Kernel) -> Tools {
    let catalog = ToolCatalog::new();
    // Clashes are told where the tools are published to the agent.
    catalog.publish(collect(kernel, &RefCell::new(BTreeSet::new()), false));
    catalog.set_active(ActiveTools::in_force(kernel));
    Tools::standard(catalog)
}

/// One call by an extension.
#[derive(Clone, Debug)]
pub struct OwnCall {
    /// The extension.
    pub owner: ExtId,
    /// Id of the call, unique in the run.
    pub call_id: String,
    /// Name of the tool.
    pub name: String,
    /// The arguments.
    pub args: Value,
}

/// Runs a tool: arguments checked, gated, run, patched. The error says that there is no such tool; whatever else goes
/// wrong is an outcome, as the model would read it.
pub fn run(kernel: &Kernel, call: OwnCall) -> LocalBoxFuture<'static, Result<ToolOutcome, String>> {
    let tools = tools(kernel);
    let specs = tools.specs();
    let Some(spec) = specs.iter().find(|spec| spec.name == call.name).cloned() else {
        let near = purlin_kernel::nearest(&call.name, specs.iter().map(|spec| spec.name.as_str()));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let refusal = format!("there is no tool `{}`{hint}", call.name);
        return async move { Err(refusal) }.boxed_local();
    };
    let running =
        Running { kernel: kernel.clone(), raiser: Raiser::kernel(kernel.clone()), tools, spec, call };
    async move { Ok(running.run().await) }.boxed_local()
}

/// Completes in the next turn of the loop.
async fn next_turn() {
    let mut passed = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut passed, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

struct Running {
    kernel: Kernel,
    raiser: Raiser,
    tools: Tools,
    spec: ToolSpec,
    call: OwnCall,
}

impl Running {
    async fn run(mut self) -> ToolOutcome {
        if let Err(why) = validate(&self.spec, &self.call.args) {
            return ToolOutcome::error(why);
        }
        if let Err(refusal) = self.gate().await {
            return ToolOutcome::error(refusal);
        }
        let args = self.call.args.clone();
        self.raiser.observe::<hooks::ToolExecutionStart>(
            || payload!({"tool_name": self.call.name, "tool_call_id": self.call.call_id, "args": args}),
        );
        let started = self.kernel.now();
        let outcome = self.bounded().await;
        let duration_ms = self.kernel.now().saturating_sub(started);
        self.raiser.observe::<hooks::ToolExecutionEnd>(|| {
            payload!({
                "tool_name": self.call.name, "tool_call_id": self.call.call_id, "args": args,
                "is_error": outcome.is_error, "duration_ms": duration_ms,
            })
        });
        // Observers of the end run before handlers of the result, as far as they do not wait.
        next_turn().await;
        self.patched(outcome).await
    }

    /// Asks the gate; the arguments are then as the handlers left them.
    async fn gate(&mut self) -> Result<(), String> {
        let (call, args) = (&self.call, &self.call.args);
        let fields = payload!({
            "tool_name": call.name, "name": call.name, "tool_call_id": call.call_id, "call_id": call.call_id,
            "args": args, "input": args.to_string(), "kind": self.spec.kind.as_str(), "source": "extension",
        });
        let outcome = self.kernel.hook().raise("tool_call", fields).await;
        if let Some(reason) = outcome.blocked() {
            return Err(reason);
        }
        if let Some(args) = outcome.get("args") {
            validate(&self.spec, args).map_err(|why| format!("an extension rewrote the call: {why}"))?;
            self.call.args = args.clone();
        }
        Ok(())
    }

    async fn bounded(&self) -> ToolOutcome {
        let run = match self.tools.built_in(&self.spec) {
            Some(tool) => tool.run(self.call.args.clone(), self.context()),
            None => self.of_extension(),
        };
        let Some(limit) = self.spec.timeout_ms else { return run.await };
        match select(run, self.kernel.host().sleep(Duration::from_millis(limit))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => ToolOutcome::error(format!("the tool was stopped after {limit} ms")),
        }
    }

    fn of_extension(&self) -> LocalBoxFuture<'static, ToolOutcome> {
        let found = self.kernel.ext().registrations::<ToolRegistration>();
        let Some((owner, tool)) = found.into_iter().find(|(_, tool)| tool.spec.name == self.spec.name) else {
            return async { ToolOutcome::error("the tool is not registered any more") }.boxed_local();
        };
        let context = self.context();
        let progress = Rc::clone(&context.progress);
        let invocation = ToolInvocation {
            call_id: context.call_id,
            session_id: context.session_id,
            cwd: context.cwd.display().to_string(),
            progress: Rc::new(move |value| {
                let text = value.as_str().or(value["text"].as_str()).map(str::to_owned);
                progress(StreamName::Stdout, &text.unwrap_or_else(|| value.to_string()));
            }),
            cancelled: self.kernel.guard().current_cancel().unwrap_or_default(),
        };
        let (execute, args) = (Rc::clone(&tool.execute), self.call.args.clone());
        let body: LocalBoxFuture<'static, Result<ToolOutcome, HandlerError>> =
            async move { execute(args, invocation).await }.boxed_local();
        let label = format!("tool {}", self.spec.name);
        let guarded = self.kernel.guard().future(owner, DeadlineClass::Main, &label, body);
        async move { guarded.await.unwrap_or_else(ToolOutcome::error) }.boxed_local()
    }

    fn context(&self) -> ToolContext {
        let text = |name: &str| {
            let value = self.kernel.context(name);
            value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (raiser, name, id) = (self.raiser.clone(), self.call.name.clone(), self.call.call_id.clone());
        ToolContext {
            cwd: Some(text("cwd"))
                .filter(|cwd| !cwd.is_empty())
                .map_or_else(|| PathBuf::from("."), PathBuf::from),
            call_id: self.call.call_id.clone(),
            session_id: text("session_id"),
            host: self.kernel.host(),
            progress: Rc::new(move |stream, chunk| {
                let stream = if stream == StreamName::Stderr { "stderr" } else { "stdout" };
                raiser.observe::<hooks::ToolDelta>(
                    || payload!({"tool_name": name, "tool_call_id": id, "chunk": chunk, "stream": stream}),
                );
            }),
        }
    }

    async fn patched(&self, mut outcome: ToolOutcome) -> ToolOutcome {
        let raised = self.kernel.hook().raise("tool_result", self.shown(&outcome)).await;
        if let Some(content) = raised.str("content") {
            content.clone_into(&mut outcome.content);
        }
        if let Some(details) = raised.get("details") {
            outcome.details = Some(details.clone());
        }
        if let Some(is_error) = raised.get("is_error").and_then(Value::as_bool) {
            outcome.is_error = is_error;
        }
        if outcome.is_error {
            self.raiser.observe::<hooks::ToolError>(|| self.shown(&outcome));
        }
        outcome
    }

    fn shown(&self, outcome: &ToolOutcome) -> Object {
        let (call, args) = (&self.call, &self.call.args);
        payload!({
            "tool_name": call.name, "tool_call_id": call.call_id, "args": args, "input": args.to_string(),
            "content": outcome.content, "details": outcome.details, "is_error": outcome.is_error,
        })
    }
}
