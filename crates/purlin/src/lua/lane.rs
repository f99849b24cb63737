//! The lane `lua`: its cells are evaluated on the main thread, where the kernel is.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use purlin_kernel::{Kernel, Port};
use purlin_lua::{Evaluator, LUA_SERVICE};
use purlin_notebook::StreamName;
use purlin_runtime_core::{ExecutionContext, ExecutionError, Handler, Outcome};
use serde_json::{Value, json};

/// Evaluates what the lane is sent; the interpreter is made for the first cell and stays for all others.
pub fn serve(kernel: &Kernel, folder: PathBuf) {
    let made: RefCell<Option<Evaluator>> = RefCell::default();
    let weak = kernel.downgrade();
    kernel.serve(
        LUA_SERVICE,
        Rc::new(move |call| {
            let Some(kernel) = weak.upgrade() else {
                return async { Err("the program is about to end".to_owned()) }.boxed_local();
            };
            let mut made = made.borrow_mut();
            if made.is_none() {
                match Evaluator::new(&kernel, &folder, |_| {}) {
                    Ok(evaluator) => *made = Some(evaluator),
                    Err(error) => return async move { Err(error.to_string()) }.boxed_local(),
                }
            }
            match &*made {
                Some(evaluator) => evaluator.answer(call),
                None => async { Err("there is no interpreter".to_owned()) }.boxed_local(),
            }
        }),
    );
}

/// Executes the lane's cells on the agent's thread, by asking the main thread.
pub struct LuaHandler {
    port: Port,
}

impl LuaHandler {
    /// Makes a handler that asks through this port.
    pub fn new(port: Port) -> Self {
        Self { port }
    }
}

impl Handler for LuaHandler {
    fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>> {
        let (tell, printed) = unbounded();
        let answer = self.port.call(LUA_SERVICE, json!({ "source": cx.source() }), Some(tell));
        run(cx, answer, printed).boxed_local()
    }
}

async fn run(
    cx: ExecutionContext,
    answer: impl Future<Output = Result<Value, String>>,
    mut printed: UnboundedReceiver<Value>,
) -> Result<Outcome, ExecutionError> {
    let mut answer = std::pin::pin!(answer);
    let mut cancelled = cx.cancellation();
    let mut telling = true;
    let answered = loop {
        tokio::select! {
            biased;
            // Dropping the call ends the evaluation.
            () = &mut cancelled => return Err(ExecutionError::Cancelled),
            line = printed.next(), if telling => match line {
                Some(line) => put(&cx, &line).await,
                None => telling = false,
            },
            answered = &mut answer => break answered,
        }
    };
    // What was printed last may have arrived with the answer.
    while let Some(Some(line)) = printed.next().now_or_never() {
        put(&cx, &line).await;
    }
    let shown = answered.map_err(|error| ExecutionError::failed("LuaError", error))?;
    if let Some(text) = shown["shown"].as_str() {
        cx.result(text);
    }
    Ok(Outcome::done())
}

async fn put(cx: &ExecutionContext, line: &Value) {
    // That it is to stop is heard of where the evaluation is waited for.
    let _ = cx.write(StreamName::Stdout, line.as_str().unwrap_or_default().as_bytes()).await;
}
