//! The scripted model: a TOML file that says what to answer, for tests, demos and benchmarks.
//!
//! ```toml
//! [[turn]]                 # the first request of the session
//! thinking = "Look first."
//! text = "I will look."
//! chunk = 12               # characters a delta
//! delay_ms = 0             # wait before each delta
//!
//! [[turn.tool]]
//! name = "bash"
//! args = { command = "ls" }
//!
//! [[turn]]
//! error = { status = 429, message = "slow down", retry_after = 2 }
//!
//! [[turn]]                 # this and every later request
//! text = "Done."
//! ```

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use purlin_runtime_core::Host;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Call, ModelStream, Provider, ProviderError};
use crate::request::{ModelEvent, Request, StopReason, Usage};

/// A script that cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the script `{path}` cannot be read: {message}", path = path.display())]
    Read {
        /// Path of the script.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The file is no valid script.
    #[error("{path}:{line}:{column}: {message}", path = path.display())]
    Toml {
        /// Path of the script.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The file has no turn.
    #[error("the script `{path}` has no `[[turn]]`", path = path.display())]
    Empty {
        /// Path of the script.
        path: PathBuf,
    },
}

/// A whole script.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The turns; the last repeats.
    #[serde(default, rename = "turn")]
    pub turns: Vec<ScriptTurn>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptTurn {
    /// Text of the answer.
    #[serde(default)]
    pub text: String,
    /// Reasoning before it.
    #[serde(default)]
    pub thinking: String,
    /// Characters a delta.
    #[serde(default = "default_chunk")]
    pub chunk: usize,
    /// Milliseconds before each delta.
    #[serde(default)]
    pub delay_ms: u64,
    /// Fails instead of answering.
    #[serde(default)]
    pub error: Option<ScriptFailure>,
    /// Tools to call after the text.
    #[serde(default, rename = "tool")]
    pub tools: Vec<ScriptTool>,
}

/// An HTTP error to play.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptFailure {
    /// HTTP status.
    pub status: u16,
    /// The provider's message.
    #[serde(default)]
    pub message: String,
    /// Seconds of `Retry-After`.
    #[serde(default)]
    pub retry_after: Option<f64>,
}

/// A tool call to play.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptTool {
    /// Name of the tool.
    pub name: String,
    /// Arguments: a table, or a text that is sent as it stands (to play malformed ones).
    #[serde(default = "no_args")]
    pub args: Value,
}

fn default_chunk() -> usize {
    12
}

fn no_args() -> Value {
    Value::Object(Map::new())
}

impl Script {
    /// Reads a script from TOML; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ScriptError> {
        let script: Self = toml::from_str(text).map_err(|error| {
            let (line, column) = error.span().map_or((1, 1), |span| position(text, span.start));
            ScriptError::Toml {
                path: path.to_owned(),
                line,
                column,
                message: in_words(error.message(), text, line),
            }
        })?;
        if script.turns.is_empty() {
            return Err(ScriptError::Empty { path: path.to_owned() });
        }
        Ok(script)
    }
}

/// What is wrong, in our words, with the line it is wrong in.
fn in_words(said: &str, text: &str, line: usize) -> String {
    let words = if let Some((name, known)) =
        said.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, expected "))
    {
        format!("there is no `{name}` here; there is {}", known.trim_start_matches("one of "))
    } else if let Some(name) = said.strip_prefix("missing field ") {
        format!("{name} is missing here")
    } else if let Some((found, wanted)) =
        said.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        let wanted = match wanted {
            "u16" | "u64" | "usize" => "a whole number",
            "f64" => "a number",
            "a string" => "text",
            "a sequence" => "a list such as `[[turn]]`",
            other => other,
        };
        format!("{wanted} has to stand here, not {found}")
    } else {
        said.to_owned()
    };
    let shown = text.lines().nth(line - 1).map(str::trim).filter(|shown| !shown.is_empty());
    shown.map_or(words.clone(), |shown| format!("{words}: `{shown}`"))
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = before.split(|b| *b == b'\n').count();
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

/// Plays a [`Script`]: turn *n* answers request *n* of the session.
#[derive(Clone, Debug)]
pub struct ScriptProvider {
    script: Rc<Script>,
}

impl ScriptProvider {
    /// Plays this script.
    pub fn new(script: Script) -> Self {
        Self { script: Rc::new(script) }
    }

    /// Reads a script from a file.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ScriptError::Read { path: path.to_owned(), message: error.to_string() })?;
        Script::parse(&text, path).map(Self::new)
    }
}

impl Provider for ScriptProvider {
    fn name(&self) -> &'static str {
        "script"
    }

    fn api(&self) -> &'static str {
        "script"
    }

    fn encode(&self, request: &Request) -> Result<Call, ProviderError> {
        let messages: Vec<Value> = request
            .messages
            .iter()
            .filter_map(|m| Some(json!({"role": m.speaker, "text": m.as_text()?})))
            .collect();
        let payload = json!({"request": request.ordinal, "system": request.system, "messages": messages});
        Ok(Call { payload, headers: Vec::new(), ordinal: request.ordinal })
    }

    fn send(&self, call: Call, host: &Rc<dyn Host>) -> ModelStream {
        let last = self.script.turns.len() - 1;
        let at = usize::try_from(call.ordinal.saturating_sub(1)).unwrap_or(last).min(last);
        let turn = &self.script.turns[at];
        if let Some(failure) = &turn.error {
            let error = ProviderError::Http {
                provider: "script".to_owned(),
                status: failure.status,
                message: failure.message.clone(),
                // Not a number, negative or absurd waits are no wait.
                retry_after: failure.retry_after.and_then(|s| Duration::try_from_secs_f64(s).ok()),
            };
            return futures_util::stream::once(async { Err(error) }).boxed_local();
        }
        let events = play(turn, call.ordinal);
        let delay = Duration::from_millis(turn.delay_ms);
        if delay.is_zero() {
            return futures_util::stream::iter(events.into_iter().map(Ok)).boxed_local();
        }
        let host = Rc::clone(host);
        futures_util::stream::iter(events)
            .then(move |event| {
                let waits = matches!(event, ModelEvent::TextDelta(_) | ModelEvent::ThinkingDelta(_));
                let wait = waits.then(|| host.sleep(delay));
                async move {
                    if let Some(wait) = wait {
                        wait.await;
                    }
                    Ok(event)
                }
            })
            .boxed_local()
    }
}

/// All events of a turn. Ids of calls are unique in the session because requests are numbered.
fn play(turn: &ScriptTurn, ordinal: u64) -> Vec<ModelEvent> {
    let mut events: Vec<ModelEvent> = Vec::new();
    if !turn.thinking.is_empty() {
        events.extend(chunks(&turn.thinking, turn.chunk).map(ModelEvent::ThinkingDelta));
        events.push(ModelEvent::ThinkingDone { opaque: None });
    }
    events.extend(chunks(&turn.text, turn.chunk).map(ModelEvent::TextDelta));
    for (number, tool) in turn.tools.iter().enumerate() {
        let id = format!("call_{ordinal}_{}", number + 1);
        let args_text = tool.args.as_str().map_or_else(|| tool.args.to_string(), str::to_owned);
        events.push(ModelEvent::ToolCallStart { id: id.clone(), name: tool.name.clone() });
        events.push(ModelEvent::ToolArgsDelta(args_text.clone()));
        events.push(ModelEvent::ToolCallDone { id, name: tool.name.clone(), args_text });
    }
    let words = |text: &str| i64::try_from(text.split_whitespace().count()).unwrap_or(i64::MAX);
    let output = words(&turn.text) + words(&turn.thinking);
    events.push(ModelEvent::Usage(Usage { input: 1, output, ..Usage::default() }));
    let stop_reason = if turn.tools.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
    events.push(ModelEvent::Done { stop_reason });
    events
}

fn chunks(text: &str, size: usize) -> impl Iterator<Item = String> + '_ {
    let size = size.max(1);
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
        let (head, tail) = rest.split_at(end);
        rest = tail;
        Some(head.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_toml_names_file_line_and_column() {
        let error =
            Script::parse("[[turn]]\ntext = \"a\"\nchunk = = 3\n", Path::new("s.toml")).expect_err("bad");
        assert!(error.to_string().starts_with("s.toml:3:9: "), "{error}");
        let error = Script::parse("[[turn]]\nwhat = 1\n", Path::new("s.toml")).expect_err("bad");
        assert!(
            error.to_string().starts_with("s.toml:2:1: there is no `what` here; there is `text`"),
            "{error}"
        );
        assert!(error.to_string().ends_with(": `what = 1`"), "{error}");
        let error = Script::parse("[[turn]]\nchunk = 'a'\n", Path::new("s.toml")).expect_err("bad");
        assert_eq!(
            error.to_string(),
            "s.toml:2:9: a whole number has to stand here, not string \"a\": `chunk = 'a'`"
        );
        assert_eq!(Script::parse("", Path::new("s.toml")), Err(ScriptError::Empty { path: "s.toml".into() }));
    }

    #[test]
    fn a_turn_plays_in_chunks_and_the_last_repeats() {
        let text = "[[turn]]\ntext='äbcdé'\nchunk=2\n[[turn.tool]]\nname='bash'\nargs={command='ls'}\n";
        let script = Script::parse(text, Path::new("s.toml")).expect("good");
        let events = play(&script.turns[0], 3);
        assert_eq!(events[..3], ["äb", "cd", "é"].map(|t| ModelEvent::TextDelta(t.into())));
        assert!(events.contains(&ModelEvent::ToolCallDone {
            id: "call_3_1".into(),
            name: "bash".into(),
            args_text: "{\"command\":\"ls\"}".into()
        }));
    }
}
