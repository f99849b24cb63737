//! What executes a cell, and how an execution ends.

use std::future::Future;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use purlin_notebook::{CellKind, Representations, StoreError};

use crate::context::ExecutionContext;

/// Executes the cells of a lane.
pub trait Handler: 'static {
    /// Executes one cell; everything it needs and everything it may do is in the context.
    ///
    /// The future is dropped if the execution is cancelled and does not end within the grace period, so it must hold
    /// what it started (processes, requests) in values that stop on drop.
    fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>>;
}

/// Makes a handler of a function.
pub fn handler_fn<F, Fut>(function: F) -> Rc<dyn Handler>
where
    F: Fn(ExecutionContext) -> Fut + 'static,
    Fut: Future<Output = Result<Outcome, ExecutionError>> + 'static,
{
    struct Function<F>(F);
    impl<F, Fut> Handler for Function<F>
    where
        F: Fn(ExecutionContext) -> Fut + 'static,
        Fut: Future<Output = Result<Outcome, ExecutionError>> + 'static,
    {
        fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>> {
            Box::pin((self.0)(cx))
        }
    }
    Rc::new(Function(function))
}

/// The handlers of an agent, one for a lane.
#[derive(Clone, Default)]
pub struct Handlers(Vec<(CellKind, Rc<dyn Handler>)>);

impl Handlers {
    /// Makes an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler; one that stands for the lane already is replaced.
    #[must_use]
    pub fn with(mut self, lane: CellKind, handler: Rc<dyn Handler>) -> Self {
        self.insert(lane, handler);
        self
    }

    /// Adds a handler; one that stands for the lane already is replaced.
    pub fn insert(&mut self, lane: CellKind, handler: Rc<dyn Handler>) {
        self.0.retain(|(kind, _)| *kind != lane);
        self.0.push((lane, handler));
    }

    /// Finds the handler of a lane.
    pub fn get(&self, lane: CellKind) -> Option<&Rc<dyn Handler>> {
        self.0.iter().find(|(kind, _)| *kind == lane).map(|(_, handler)| handler)
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(lane, _)| lane)).finish()
    }
}

/// The end of an execution that did what was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The value of the cell, committed as its result before the execution completes.
    pub result: Option<Representations>,
    /// Why it ended, if there is more to say than that it did; kept with the execution's note.
    pub reason: Option<String>,
}

impl Outcome {
    /// Ends an execution without a value.
    pub fn done() -> Self {
        Self::default()
    }

    /// Ends an execution with a value.
    pub fn with_result(result: Representations) -> Self {
        Self { result: Some(result), reason: None }
    }

    /// Says why the execution ended.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// The execution was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Execution cancelled")]
pub struct Cancelled;

/// The end of an execution that did not do what was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExecutionError {
    /// It stopped because it was asked to.
    #[error("Execution cancelled")]
    Cancelled,
    /// It failed.
    #[error("{ename}: {evalue}")]
    Failed {
        /// The kind of error, one word.
        ename: String,
        /// A full sentence that says what failed.
        evalue: String,
        /// Where, line by line; may be empty.
        traceback: Vec<String>,
        /// Whether the handler has put the error among the outputs itself; if not, the agent does.
        shown: bool,
    },
}

impl ExecutionError {
    /// Makes a failure that the agent will put among the outputs.
    pub fn failed(ename: impl Into<String>, evalue: impl Into<String>) -> Self {
        Self::Failed { ename: ename.into(), evalue: evalue.into(), traceback: Vec::new(), shown: false }
    }

    /// Makes a failure that stands among the outputs already.
    pub fn shown(ename: impl Into<String>, evalue: impl Into<String>) -> Self {
        Self::Failed { ename: ename.into(), evalue: evalue.into(), traceback: Vec::new(), shown: true }
    }
}

impl From<Cancelled> for ExecutionError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<StoreError> for ExecutionError {
    fn from(error: StoreError) -> Self {
        Self::failed("StoreError", error.to_string())
    }
}
