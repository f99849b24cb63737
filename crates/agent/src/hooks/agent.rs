//! Hooks around the loop of one prompt and its turns.

use purlin_kernel::{AnswerField, Field, HookDecl, Ty};
use serde::Deserialize;

use super::{NoAnswer, hook};

const SESSION: Field = Field::new("session_id", Ty::Str, "The session.");
const STOP_REASON: Field = Field::one_of("stop_reason", &["completed", "cancelled", "error"], "How it ended");

hook!(
    BeforeAgentStart,
    BEFORE_AGENT_START,
    BeforeAgentStartAnswer,
    "Fires before the loop of one prompt.",
    HookDecl::future("before_agent_start")
        .payload(&[
            Field::new("prompt", Ty::Str, "The prompt."),
            Field::new("system_prompt", Ty::Str, "The system prompt as earlier handlers left it."),
        ])
        .answer(&[
            AnswerField::append("inject_text", Ty::Str),
            AnswerField::replace("system_prompt", Ty::Str),
        ])
);
hook!(
    AgentStart,
    AGENT_START,
    NoAnswer,
    "Fires when the loop of one prompt begins.",
    HookDecl::future("agent_start").payload(&[Field::new("prompt", Ty::Str, "The prompt.")])
);
hook!(
    AgentEnd,
    AGENT_END,
    NoAnswer,
    "Fires when the loop of one prompt has ended, in any way.",
    HookDecl::future("agent_end").payload(&[
        Field::new("prompt", Ty::Str, "The prompt."),
        Field::new("response", Ty::Str, "The last text of the model."),
        STOP_REASON,
        Field::new("turns", Ty::Int, "How many model requests it took."),
        Field::new("tool_calls", Ty::Int, "How many tools were called."),
        Field::new("usage", Ty::Map, "`{input, output, cache_read, cache_write}` in tokens."),
        Field::new("cost", Ty::Num, "Dollars, where prices are known."),
        Field::new("duration_ms", Ty::Int, "How long it took."),
        Field::new("error", Ty::Str, "What went wrong, if something did."),
    ])
);
hook!(
    TurnStart,
    TURN_START,
    NoAnswer,
    "Fires before one model request and its tools.",
    HookDecl::future("turn_start").payload(&[Field::new("turn", Ty::Int, "Counted from 1 in each prompt.")])
);
hook!(
    TurnEnd,
    TURN_END,
    NoAnswer,
    "Fires after one model request and its tools.",
    HookDecl::future("turn_end").payload(&[
        Field::new("turn", Ty::Int, "Counted from 1 in each prompt."),
        Field::new("tool_results", Ty::List, "`{tool_call_id, tool_name, content, is_error}` of each tool."),
    ])
);
hook!(
    Settled,
    SETTLED,
    NoAnswer,
    "Fires when nothing runs and nothing is queued.",
    HookDecl::future("settled").payload(&[SESSION])
);
hook!(
    PromptDone,
    PROMPT_DONE,
    NoAnswer,
    "Fires when a prompt has ended, in any way.",
    HookDecl::future("prompt_done").payload(&[
        SESSION,
        Field::new("user_entry_id", Ty::Str, "The prompt's cell."),
        Field::new("assistant_entry_id", Ty::Str, "The last output of the model, empty if there is none."),
        Field::new("text", Ty::Str, "The last text of the model."),
        STOP_REASON,
    ])
);

/// Every hook of this file.
pub(super) static ALL: &[&HookDecl] =
    &[&BEFORE_AGENT_START, &AGENT_START, &AGENT_END, &TURN_START, &TURN_END, &SETTLED, &PROMPT_DONE];

/// What handlers of `before_agent_start` answered; injected texts come with the outcome's appended values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BeforeAgentStartAnswer {
    /// The system prompt as the last handler left it.
    pub system_prompt: Option<String>,
}
