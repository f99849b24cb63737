//! The handler of the lane `ai`: answers one prompt.
//!
//! One execution: read the branch from the store, mend calls that a kill left open, then turn by turn ask the model,
//! put out what it says, run the tools it calls, until it has nothing left to do.

mod approval;
mod ask;
mod calls;
mod context;
mod history;
mod prepare;
mod printed;
mod retry;
mod run;
mod speech;

use std::cell::Cell;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_kernel::Port;
use purlin_runtime_core::{ExecutionContext, ExecutionError, Handler, Outcome};

use crate::hooks::Raiser;
use crate::settings::SharedSettings;
use crate::tools::Tools;
use run::Run;

pub(crate) use history::{call_of, result_of};

/// Answers prompts: the handler of the lane `ai`.
#[derive(Clone)]
pub struct AiHandler(Rc<Shared>);

/// What all executions of a handler share.
pub(crate) struct Shared {
    pub(crate) settings: SharedSettings,
    pub(crate) tools: Tools,
    pub(crate) hooks: Raiser,
    pub(crate) processes: Rc<dyn purlin_kernel::Host>,
    pub(crate) alone: Cell<bool>,
}

impl AiHandler {
    /// Makes a handler. Without a port no hooks are raised; `processes` starts what the tool `bash` runs.
    pub fn new(
        settings: impl Into<SharedSettings>,
        tools: Tools,
        port: Option<Port>,
        processes: Rc<dyn purlin_kernel::Host>,
    ) -> Self {
        let hooks = port.map_or_else(Raiser::none, Raiser::port);
        Self::with_hooks(settings, tools, hooks, processes)
    }

    /// Makes a handler that raises hooks in a given way.
    pub fn with_hooks(
        settings: impl Into<SharedSettings>,
        tools: Tools,
        hooks: Raiser,
        processes: Rc<dyn purlin_kernel::Host>,
    ) -> Self {
        Self(Rc::new(Shared { settings: settings.into(), tools, hooks, processes, alone: Cell::new(false) }))
    }

    /// Says that nobody else can see the notebook, so that no question is put to other surfaces.
    #[must_use]
    pub fn alone(self) -> Self {
        self.0.alone.set(true);
        self
    }
}

impl Handler for AiHandler {
    fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>> {
        let shared = Rc::clone(&self.0);
        async move {
            let Some(prompt) = prepare::prepare(&shared.hooks, &cx).await? else {
                return Ok(Outcome::done());
            };
            Run::open(&shared, cx, prompt)?.answer().await
        }
        .boxed_local()
    }
}
