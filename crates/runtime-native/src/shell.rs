//! The shell runtime: executes `!cmd` cells with `sh -c`.

use std::path::PathBuf;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use purlin_kernel::host::{ProcessEvent, ProcessSpec};
use purlin_notebook::StreamName;
use purlin_runtime_core::{ExecutionContext, ExecutionError, Handler, Outcome};

use crate::process;

/// Runs the source of a cell in a shell; its output streams into the cell.
///
/// The shell leads a process group that is ended with the execution: asked first, killed if it does not listen.
#[derive(Clone, Debug)]
pub struct ShellHandler {
    program: String,
    cwd: PathBuf,
}

impl ShellHandler {
    /// Makes a handler that works in a folder.
    pub fn new(cwd: impl Into<PathBuf>) -> Self {
        Self { program: "sh".to_owned(), cwd: cwd.into() }
    }

    /// Uses another shell; it must take `-c`.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<String>) -> Self {
        self.program = program.into();
        self
    }

    fn spec(&self, source: &str) -> ProcessSpec {
        ProcessSpec {
            program: self.program.clone(),
            args: vec!["-c".to_owned(), source.to_owned()],
            cwd: Some(self.cwd.clone()),
            group: true,
            ..ProcessSpec::default()
        }
    }
}

impl Handler for ShellHandler {
    fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>> {
        Box::pin(run(self.spec(cx.source()), cx))
    }
}

async fn run(spec: ProcessSpec, cx: ExecutionContext) -> Result<Outcome, ExecutionError> {
    let mut process =
        process::spawn(spec).map_err(|error| ExecutionError::failed("CannotStart", error.to_string()))?;
    let mut cancellation = Some(cx.cancellation());
    loop {
        let event = match &mut cancellation {
            None => process.output.next().await,
            Some(cancelled) => tokio::select! {
                biased;
                () = cancelled => {
                    (process.kill)();
                    cancellation = None;
                    continue;
                }
                event = process.output.next() => event,
            },
        };
        match event {
            Some(ProcessEvent::Stdout(bytes)) => put(&cx, StreamName::Stdout, &bytes).await,
            Some(ProcessEvent::Stderr(bytes)) => put(&cx, StreamName::Stderr, &bytes).await,
            Some(ProcessEvent::Exit { code, signal, .. }) => return ending(&cx, code, signal),
            None => return ending(&cx, None, None),
        }
    }
}

/// Puts a piece out; while the store is behind, the process is not read, and waits at its pipe.
async fn put(cx: &ExecutionContext, name: StreamName, bytes: &[u8]) {
    if cx.cancelled() {
        // Its last words, which end with the grace period.
        cx.terminal_bytes(name, bytes);
    } else {
        // That it is to stop meanwhile is heard of where the process can be told.
        let _ = cx.write(name, bytes).await;
    }
}

fn ending(cx: &ExecutionContext, code: Option<i32>, signal: Option<i32>) -> Result<Outcome, ExecutionError> {
    cx.check_cancellation()?;
    let evalue = match (code, signal) {
        (Some(0), _) => return Ok(Outcome::done()),
        (Some(code), _) => format!("The command exited with code {code}."),
        (None, Some(signal)) => format!("The command was ended by signal {signal}."),
        (None, None) => "The command ended, and it is not known how.".to_owned(),
    };
    Err(ExecutionError::failed("CommandFailed", evalue))
}
