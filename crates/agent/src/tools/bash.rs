//! The tool `bash`: a shell command in its own process group.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::{FutureExt, StreamExt};
use purlin_kernel::{Process, ProcessEvent, ProcessSpec};
use purlin_notebook::StreamName;
use purlin_runtime_core::Utf8Decoder;
use serde_json::{Value, json};

use super::{Clip, INLINE_LIMIT, Tool, ToolContext, ToolKind, ToolOutcome, ToolSpec};

/// Seconds a command may take when none are given.
const DEFAULT_TIMEOUT: u64 = 120;
/// Bytes left free for the notices below the output.
const NOTICE: usize = 1_024;
/// Seconds a command may take at most.
const MAX_TIMEOUT: u64 = 3_600;

/// Runs a shell command. Dropping its run kills the whole process group.
#[derive(Clone, Debug)]
pub struct BashTool {
    spec: ToolSpec,
    timeout: u64,
}

impl BashTool {
    /// Makes the tool with a time limit of 120 s.
    #[expect(clippy::new_without_default, reason = "a tool is made by name, not by default")]
    pub fn new() -> Self {
        Self::with_timeout(DEFAULT_TIMEOUT)
    }

    /// Makes the tool with another time limit, in seconds, for calls that give none.
    pub fn with_timeout(timeout: u64) -> Self {
        let schema = json!({
            "type": "object",
            "properties": {
                "command": {"type": "string", "minLength": 1, "description": "Command line for bash."},
                "timeout": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT, "description": format!("Seconds after which it is killed; {timeout} if not given.")},
            },
            "required": ["command"],
            "additionalProperties": false,
        });
        let description = "Runs a command with bash in the working directory and answers with its output and exit \
                           code. There is no terminal and no input. Of long output head and tail are kept.";
        Self { spec: ToolSpec::new("bash", description, schema, ToolKind::Execute), timeout }
    }
}

impl Tool for BashTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run(&self, args: Value, cx: ToolContext) -> LocalBoxFuture<'static, ToolOutcome> {
        let command = args["command"].as_str().unwrap_or_default().to_owned();
        let seconds = args["timeout"].as_u64().unwrap_or(self.timeout);
        async move {
            match spawn(&command, &cx) {
                Ok(process) => watch(process, &cx, Duration::from_secs(seconds)).await.outcome(seconds),
                Err(message) => ToolOutcome::error(message),
            }
        }
        .boxed_local()
    }
}

/// Starts the command with bash, or with sh where there is no bash.
fn spawn(command: &str, cx: &ToolContext) -> Result<Process, String> {
    let spec = |program: &str| ProcessSpec {
        program: program.to_owned(),
        args: vec!["-c".to_owned(), command.to_owned()],
        cwd: Some(cx.cwd.clone()),
        // Programs that would page or ask are told that nobody can.
        env: [("PAGER", "cat"), ("GIT_PAGER", "cat"), ("GIT_TERMINAL_PROMPT", "0"), ("TERM", "dumb")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        stdin: None,
        group: true,
        timeout: None,
        ..ProcessSpec::default()
    };
    if !cx.cwd.is_dir() {
        return Err(format!("the working directory `{}` does not exist", cx.cwd.display()));
    }
    let first = cx.host.spawn_process(spec("bash"));
    first
        .or_else(|_| cx.host.spawn_process(spec("sh")))
        .map_err(|error| format!("the shell cannot be started: {error}"))
}

/// How a command ended.
struct Ended {
    output: Clip,
    code: Option<i32>,
    signal: Option<i32>,
    timed_out: bool,
}

async fn watch(mut process: Process, cx: &ToolContext, limit: Duration) -> Ended {
    let mut ended =
        Ended { output: Clip::new(INLINE_LIMIT - NOTICE), code: None, signal: None, timed_out: false };
    let (mut stdout, mut stderr) = (Utf8Decoder::new(), Utf8Decoder::new());
    let mut timeout = cx.host.sleep(limit);
    loop {
        let event = match select(process.output.next(), timeout).await {
            Either::Left((event, rest)) => {
                timeout = rest;
                event
            }
            Either::Right(_) => {
                ended.timed_out = true;
                (process.kill)();
                break;
            }
        };
        let mut take = |stream: StreamName, text: &str| {
            if !text.is_empty() {
                ended.output.push(text);
                (cx.progress)(stream, text);
            }
        };
        match event {
            Some(ProcessEvent::Stdout(bytes)) => take(StreamName::Stdout, &stdout.decode(&bytes)),
            Some(ProcessEvent::Stderr(bytes)) => take(StreamName::Stderr, &stderr.decode(&bytes)),
            Some(ProcessEvent::Exit { code, signal, .. }) => {
                (ended.code, ended.signal) = (code, signal);
                take(StreamName::Stdout, stdout.finish());
                take(StreamName::Stderr, stderr.finish());
                break;
            }
            None => break,
        }
    }
    ended
}

impl Ended {
    fn outcome(self, seconds: u64) -> ToolOutcome {
        let (total, clipped) = (self.output.total(), self.output.clipped());
        let mut content = self.output.finish(None);
        if content.is_empty() {
            "(no output)".clone_into(&mut content);
        }
        let last = match (self.timed_out, self.code, self.signal) {
            (true, ..) => Some(format!("killed: it had not ended after {seconds} s")),
            (_, Some(0), _) => None,
            (_, Some(code), _) => Some(format!("exit code {code}")),
            (_, None, Some(signal)) => Some(format!("killed by signal {signal}")),
            (_, None, None) => Some("it ended without an exit code".to_owned()),
        };
        if let Some(last) = &last {
            let newline = if content.ends_with('\n') { "" } else { "\n" };
            // Writing into a string cannot fail.
            let _ = write!(content, "{newline}[{last}]");
        }
        let details = json!({
            "exit_code": self.code, "signal": self.signal, "timed_out": self.timed_out,
            "bytes": total, "clipped": clipped,
        });
        ToolOutcome { content, details: Some(details), is_error: last.is_some() }
    }
}
