//! Hooks around one tool call.

use purlin_kernel::{AnswerField, Field, HookDecl, HookEvent, Ty};
use serde::Deserialize;
use serde_json::Value;

use super::{NoAnswer, hook};

const NAME: Field = Field::new("tool_name", Ty::Str, "Name of the tool.");
const ID: Field = Field::new("tool_call_id", Ty::Str, "Id of the call.");
const ARGS: Field = Field::new("args", Ty::Map, "The arguments.");
const INPUT_TEXT: Field = Field::new("input", Ty::Str, "The arguments as JSON text.");
const CONTENT: Field = Field::new("content", Ty::Str, "What the model will read.");
const DETAILS: Field = Field::new("details", Ty::Any, "Facts for renderers and extensions.");
const IS_ERROR: Field = Field::new("is_error", Ty::Bool, "Whether the tool failed.");

/// What a person who is asked about a call has to know: the tool, and what it is called with as it stands now.
fn about(event: &HookEvent) -> String {
    let name = event.get("tool_name").unwrap_or_default();
    let args = spelled(&event.get("args").unwrap_or_default());
    let gap = if args.contains('\n') { '\n' } else { ' ' };
    format!("`{}`:{gap}{args}", name.as_str().unwrap_or_default())
}

/// Writes the arguments of a call as people read them: the only one as it is, several by their names.
pub fn spelled(arguments: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match arguments {
        Value::Null => String::new(),
        Value::Object(fields) if fields.len() == 1 => fields.values().map(text).collect(),
        Value::Object(fields) => {
            let lines = fields.iter().map(|(name, value)| format!("{name}: {}", text(value)));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => text(other),
    }
}

hook!(
    ToolCall,
    TOOL_CALL,
    ToolCallAnswer,
    "Fires before a tool runs, after its start was decided.",
    HookDecl::future("tool_call")
        .closed()
        .about(about)
        .payload(&[
            NAME,
            Field::new("name", Ty::Str, "The same as `tool_name`."),
            ID,
            Field::new("call_id", Ty::Str, "The same as `tool_call_id`."),
            ARGS,
            INPUT_TEXT,
            Field::one_of("kind", &["read", "edit", "execute", "network", "other"], "What the tool does"),
            Field::one_of("source", &["llm", "user", "extension"], "Who called it"),
        ])
        .answer(&[
            AnswerField::stop("block", Ty::Bool),
            AnswerField::detail("reason", Ty::Str),
            AnswerField::replace("args", Ty::Map).with_text("input"),
        ])
);
hook!(
    ToolExecutionStart,
    TOOL_EXECUTION_START,
    NoAnswer,
    "Fires when a tool is about to run.",
    HookDecl::future("tool_execution_start").aliases(&["tool_start"]).payload(&[NAME, ID, ARGS])
);
hook!(
    ToolDelta,
    TOOL_DELTA,
    NoAnswer,
    "Fires on partial output of a tool, coalesced.",
    HookDecl::future("tool_delta").aliases(&["tool_execution_update"]).payload(&[
        NAME,
        ID,
        Field::new("chunk", Ty::Str, "What came since the last time."),
        Field::one_of("stream", &["stdout", "stderr"], "Where the tool wrote it"),
    ])
);
hook!(
    ToolExecutionEnd,
    TOOL_EXECUTION_END,
    NoAnswer,
    "Fires when a tool has returned.",
    HookDecl::future("tool_execution_end").aliases(&["tool_end"]).payload(&[
        NAME,
        ID,
        ARGS,
        IS_ERROR,
        Field::new("duration_ms", Ty::Int, "How long it ran."),
    ])
);
hook!(
    ToolResult,
    TOOL_RESULT,
    ToolResultAnswer,
    "Fires before the model sees a tool's result.",
    HookDecl::future("tool_result")
        .payload(&[NAME, ID, ARGS, INPUT_TEXT, CONTENT, DETAILS, IS_ERROR])
        .answer(&[
            AnswerField::patch("content", Ty::Str),
            AnswerField::patch("details", Ty::Any),
            AnswerField::patch("is_error", Ty::Bool),
        ])
);
hook!(
    ToolError,
    TOOL_ERROR,
    NoAnswer,
    "Fires after `tool_result` if the result is still an error.",
    HookDecl::future("tool_error").payload(&[NAME, ID, ARGS, INPUT_TEXT, CONTENT, DETAILS, IS_ERROR])
);

/// Every hook of this file.
pub(super) static ALL: &[&HookDecl] =
    &[&TOOL_CALL, &TOOL_EXECUTION_START, &TOOL_DELTA, &TOOL_EXECUTION_END, &TOOL_RESULT, &TOOL_ERROR];

/// What handlers of `tool_call` decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ToolCallAnswer {
    /// Whether the tool must not run.
    pub block: Option<bool>,
    /// Why.
    pub reason: Option<String>,
    /// The arguments as the last handler left them.
    pub args: Option<Value>,
}

/// What handlers of `tool_result` changed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ToolResultAnswer {
    /// The text for the model.
    pub content: Option<String>,
    /// Facts for renderers and extensions.
    pub details: Option<Value>,
    /// Whether it counts as a failure.
    pub is_error: Option<bool>,
}
