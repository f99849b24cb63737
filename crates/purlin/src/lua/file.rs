//! `purlin lua FILE`: runs a Lua file with the whole API and prints what it answers.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use purlin_kernel::Kernel;
use purlin_lua::Evaluator;
use serde_json::json;
use tokio::task::LocalSet;

use crate::loading;
use crate::report::{Kind, Report};
use crate::start::Start;
use crate::{runtime, say};

/// So long may what a file started go on after its end.
const LONGEST: Duration = Duration::from_secs(30);
/// So often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Runs the file, or standard input for `-`; the exit code if nothing failed.
pub fn run(start: &Start, file: &Path, arguments: &[String]) -> Result<u8, Report> {
    for notice in &start.notices {
        say::warning(notice);
    }
    let runtime = runtime::build()?;
    let code = runtime.block_on(LocalSet::new().run_until(evaluate(start, file, arguments)));
    runtime.shutdown_background();
    code
}

async fn evaluate(start: &Start, file: &Path, arguments: &[String]) -> Result<u8, Report> {
    let kernel = loading::bare(start).kernel;
    kernel.set_context("args", json!(arguments));
    loading::told(&kernel, say::warning);
    loading::report(&kernel, say::warning);
    loading::Shelf::new(&kernel).load(&start.extensions, say::warning);
    let time = tokio::task::spawn_local(loading::keep_time(&kernel));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let failed = |error: purlin_kernel::HandlerError| Report::new(Kind::Extension, error.to_string());
    let evaluator =
        Evaluator::new(&kernel, folder.unwrap_or(&start.cwd), |line| say::print(&format!("{line}\n")))
            .map_err(failed)?;
    let shown = if file.as_os_str() == "-" {
        let mut source = String::new();
        std::io::stdin()
            .read_to_string(&mut source)
            .map_err(|error| Report::new(Kind::System, format!("Standard input cannot be read: {error}.")))?;
        evaluator.eval_input(&source).await
    } else {
        evaluator.eval_file(file).await
    };
    let code = shown.map(|shown| {
        if let Some(text) = shown {
            say::print(&format!("{text}\n"));
        }
        0
    });
    if code.is_ok() {
        finish(&kernel, &evaluator).await;
    }
    time.abort();
    kernel.shutdown(if code.is_ok() { "user" } else { "error" });
    if kernel.quit_requested() && code.is_ok() {
        let parting = kernel.parting();
        if !parting.text.is_empty() {
            say::print(&format!("{}\n", parting.text));
        }
        return Ok(parting.code);
    }
    code.map_err(failed)
}

/// Lets what the file has started end, unless it asked to leave; what does not end in time is told and ended.
async fn finish(kernel: &Kernel, evaluator: &Evaluator) {
    let end = tokio::time::Instant::now() + LONGEST;
    while !kernel.quit_requested() {
        let pending = evaluator.pending();
        if pending == 0 {
            return;
        }
        if tokio::time::Instant::now() >= end {
            let seconds = LONGEST.as_secs();
            say::warning(&format!(
                "Of what the file started, {pending} did not end within {seconds} seconds after it: tasks, jobs or \
                 timers. They end now; a file that waits for them with `:wait()` has as long as it likes."
            ));
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
