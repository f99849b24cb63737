//! Tools of extensions: registered on the main thread, called from the agent's.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_kernel::{
    CancelToken, DeadlineClass, ExtId, Handle, HandlerError, Kernel, Registration, ServiceCall,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ActiveTools, ToolCatalog, ToolOutcome, ToolSpec};

/// Name of the kernel's service that runs tools of extensions.
pub const TOOL_SERVICE: &str = "tool";

/// What the agent's thread asks the main thread to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCallRequest {
    /// Name of the tool.
    pub name: String,
    /// Arguments, already checked against the schema.
    pub args: Value,
    /// Id of the call.
    pub call_id: String,
    /// Session of the call.
    pub session_id: String,
    /// Directory of the session.
    pub cwd: String,
}

/// One call, as an extension's function sees it.
#[derive(Clone)]
pub struct ToolInvocation {
    /// Id of the call.
    pub call_id: String,
    /// Session of the call.
    pub session_id: String,
    /// Directory of the session.
    pub cwd: String,
    /// Shows partial output: a text, or a table with a `text`.
    pub progress: Rc<dyn Fn(Value)>,
    /// Raised when nobody waits for the answer any more.
    pub cancelled: CancelToken,
}

/// The code of an extension's tool.
pub type ToolFn =
    Rc<dyn Fn(Value, ToolInvocation) -> LocalBoxFuture<'static, Result<ToolOutcome, HandlerError>>>;

/// A tool that an extension registers with [`Registrar::add`](purlin_kernel::Registrar::add).
#[derive(Clone)]
pub struct ToolRegistration {
    /// What is known of the tool; `extension` is filled in when it is published.
    pub spec: ToolSpec,
    /// Runs it, on the main thread, inside the guard.
    pub execute: ToolFn,
}

impl Registration for ToolRegistration {
    fn name(&self) -> String {
        self.spec.name.clone()
    }

    fn bytes(&self) -> usize {
        serde_json::to_string(&self.spec).map_or(0, |text| text.len())
    }
}

/// The service that tells the last question which found nobody to answer.
pub(crate) const QUESTION_SERVICE: &str = "unanswered_question";

/// A question of an extension that found nobody to answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Unanswered {
    /// Who asked.
    pub(crate) extension: String,
    /// In which words.
    pub(crate) words: String,
}

fn unanswered(kernel: &Kernel) -> Result<Value, String> {
    let ask = kernel.ui().take_unanswered().ok_or("no question is open")?;
    let words = ask.request.words().to_owned();
    serde_json::to_value(Unanswered { extension: ask.extension, words }).map_err(|error| error.to_string())
}

/// Serves calls of extension tools and keeps a catalogue up to date while the handle lives.
pub fn serve_tools(kernel: &Kernel, catalog: &ToolCatalog) -> Handle {
    let weak = kernel.downgrade();
    kernel.serve(
        TOOL_SERVICE,
        Rc::new(move |call| match weak.upgrade() {
            Some(kernel) => serve(&kernel, call),
            None => async { Err("the kernel has shut down".to_owned()) }.boxed_local(),
        }),
    );
    let weak = kernel.downgrade();
    kernel.serve(
        QUESTION_SERVICE,
        Rc::new(move |_| {
            let told = weak
                .upgrade()
                .map_or_else(|| Err("the kernel has shut down".to_owned()), |kernel| unanswered(&kernel));
            std::future::ready(told).boxed_local()
        }),
    );
    let told = Rc::new(RefCell::new(BTreeSet::new()));
    publish(kernel, catalog, &told);
    let (weak, catalog) = (kernel.downgrade(), catalog.clone());
    kernel.ext().on_registrations_changed(
        ExtId::CORE,
        Rc::new(move || {
            if let Some(kernel) = weak.upgrade() {
                publish(&kernel, &catalog, &told);
            }
        }),
    )
}

/// Publishes every registered tool and which of them are offered.
fn publish(kernel: &Kernel, catalog: &ToolCatalog, told: &RefCell<BTreeSet<(String, String)>>) {
    catalog.publish(collect(kernel, told, true));
    catalog.set_active(ActiveTools::in_force(kernel));
}

/// The registered tools; of several with one name the first counts, and with `tell` each clash is told once.
pub(super) fn collect(
    kernel: &Kernel,
    told: &RefCell<BTreeSet<(String, String)>>,
    tell: bool,
) -> Vec<ToolSpec> {
    let mut specs: Vec<ToolSpec> = Vec::new();
    for (ext, registration) in kernel.ext().registrations::<ToolRegistration>() {
        let mut spec = registration.spec.clone();
        let extension = kernel.ext().name(ext);
        if let Some(first) = specs.iter().find(|other| other.name == spec.name) {
            let first = first.extension.clone().unwrap_or_default();
            if tell && told.borrow_mut().insert((spec.name.clone(), extension)) {
                let text =
                    format!("the tool `{}` is registered by `{first}` already; that one counts", spec.name);
                kernel.guard().warn(ext, "tool", text);
            }
            continue;
        }
        spec.extension = Some(extension);
        specs.push(spec);
    }
    specs
}

fn serve(kernel: &Kernel, call: ServiceCall) -> LocalBoxFuture<'static, Result<Value, String>> {
    let request: ToolCallRequest = match serde_json::from_value(call.payload) {
        Ok(request) => request,
        Err(error) => return async move { Err(format!("the call cannot be read: {error}")) }.boxed_local(),
    };
    let found = kernel.ext().registrations::<ToolRegistration>();
    let Some((ext, tool)) = found.into_iter().find(|(_, tool)| tool.spec.name == request.name) else {
        return async move { Err(format!("the tool `{}` is not registered any more", request.name)) }
            .boxed_local();
    };
    let progress = call.progress;
    let invocation = ToolInvocation {
        call_id: request.call_id,
        session_id: request.session_id,
        cwd: request.cwd,
        progress: Rc::new(move |value| {
            if let Some(progress) = &progress {
                // Whoever stopped listening does not need it.
                let _ = progress.unbounded_send(value);
            }
        }),
        cancelled: call.cancelled,
    };
    let label = format!("tool {}", request.name);
    let execute = Rc::clone(&tool.execute);
    let run = kernel.guard().future(
        ext,
        DeadlineClass::Main,
        &label,
        // Called inside the guard, so that what it does before its first wait is guarded too.
        async move { execute(request.args, invocation).await }.boxed_local(),
    );
    async move {
        let outcome = run.await.map_err(|error| error.to_string())?;
        serde_json::to_value(outcome).map_err(|error| error.to_string())
    }
    .boxed_local()
}
