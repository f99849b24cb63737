//! The echo runtime: the value of a cell is its own text.

use std::collections::BTreeMap;

use futures_util::future::{LocalBoxFuture, ready};
use purlin_notebook::Media;
use purlin_runtime_core::{ExecutionContext, ExecutionError, Handler, Outcome};

/// Answers every cell with its source, as `text/plain`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoHandler;

impl Handler for EchoHandler {
    fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>> {
        let text = Media::text(cx.source());
        Box::pin(ready(Ok(Outcome::with_result(BTreeMap::from([("text/plain".to_owned(), text)])))))
    }
}
