//! A complete runtime: it answers prompts with their own text in capitals.
//!
//! Start `purlin` in a directory and send a prompt, then start this beside it in the same directory:
//!
//! ```sh
//! cargo run --example runtime_uppercase
//! ```
//!
//! From then on it answers, until it is stopped or another runtime takes its lane. `docs/runtimes.md` explains it.

use std::process::ExitCode;
use std::time::Duration;

use purlin_notebook::CellKind;
use purlin_runtime_core::{ExecutionContext, ExecutionError, Outcome, handler_fn};
use purlin_runtime_native::serve::Program;

/// Executes one cell.
async fn shout(cx: ExecutionContext) -> Result<Outcome, ExecutionError> {
    if !cx.source().contains(char::is_alphabetic) {
        return Err(ExecutionError::failed("NothingToShout", "There is no letter in it."));
    }
    let answer = cx.markdown("");
    for word in cx.source().split_inclusive(' ') {
        answer.append(&word.to_uppercase());
        cx.host().sleep(Duration::from_millis(30)).await;
        cx.check_cancellation()?;
    }
    Ok(Outcome::done())
}

fn main() -> ExitCode {
    Program::new("uppercase", "Answers prompts with their own text in capitals.")
        .lane(CellKind::Ai, handler_fn(shout))
        .main()
}
