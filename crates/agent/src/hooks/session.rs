//! Hooks around a session and what is typed into it.

use purlin_kernel::{AnswerField, Field, HookDecl, Ty};
use serde::Deserialize;
use serde_json::Value;

use super::{NoAnswer, hook};

const SESSION: Field = Field::new("session_id", Ty::Str, "The session.");

hook!(
    SessionStart,
    SESSION_START,
    NoAnswer,
    "Fires when a session is opened.",
    HookDecl::future("session_start").payload(&[
        SESSION,
        Field::one_of("reason", &["new", "resume", "fork", "switch"], "How it came to be open"),
        Field::new("previous_id", Ty::Str, "The session that was open before, if one was."),
    ])
);
hook!(
    SessionLoad,
    SESSION_LOAD,
    NoAnswer,
    "Fires when a session's stored content has been read.",
    HookDecl::future("session_load").payload(&[
        SESSION,
        Field::new("cwd", Ty::Str, "Its directory."),
        Field::new("name", Ty::Str, "Its name, empty if it has none."),
        Field::new("created_at", Ty::Int, "Milliseconds since 1970."),
        Field::new("updated_at", Ty::Int, "Milliseconds since 1970."),
        Field::new("cells", Ty::Int, "How many cells it has."),
    ])
);
hook!(
    SessionSave,
    SESSION_SAVE,
    NoAnswer,
    "Fires when commits became durable, at most once a second.",
    HookDecl::future("session_save")
        .payload(&[SESSION, Field::new("seq", Ty::Int, "The last entry of the log.")])
);
hook!(
    SessionShutdown,
    SESSION_SHUTDOWN,
    NoAnswer,
    "Fires when a session is closed.",
    HookDecl::future("session_shutdown")
        .payload(&[SESSION, Field::new("reason", Ty::Str, "Why it is closed.")])
);
hook!(
    MessageAppend,
    MESSAGE_APPEND,
    NoAnswer,
    "Fires when an entry became part of the session.",
    HookDecl::future("message_append").payload(&[
        Field::new("entry_id", Ty::Str, "The entry: a cell's or output's id."),
        Field::new("parent_id", Ty::Str, "The cell it belongs to or follows."),
        Field::one_of("role", &["user", "assistant", "tool"], "Whose it is"),
        Field::new("kind", Ty::Str, "What the entry is, for instance `prompt` or `tool_result`."),
        Field::new("text", Ty::Str, "Its text."),
        Field::new("model_facing", Ty::Bool, "Whether models see it."),
        Field::new("display", Ty::Bool, "Whether people see it."),
        Field::new("tokens", Ty::Int, "An estimate of its size in tokens."),
    ])
);
hook!(
    Input,
    INPUT,
    InputAnswer,
    "Fires on user input of any origin, before templates and skills.",
    HookDecl::future("input")
        .payload(&[
            Field::new("text", Ty::Str, "What was sent."),
            Field::one_of(
                "source",
                &["interactive", "cli", "script", "queue", "rpc", "remote", "extension"],
                "Where it came from"
            ),
            Field::new("attachments", Ty::List, "Artifacts that go with it."),
        ])
        .answer(&[AnswerField::stop_on("action", &["handled"]), AnswerField::replace("text", Ty::Str)])
);
hook!(
    PromptPrepare,
    PROMPT_PREPARE,
    PreparedAnswer,
    "Fires after templates and skills were expanded.",
    HookDecl::future("prompt_prepare")
        .payload(&[
            Field::new("text", Ty::Str, "The expanded text."),
            Field::new("attachments", Ty::List, "Artifacts that go with it."),
            SESSION,
        ])
        .answer(&[AnswerField::replace("text", Ty::Str), AnswerField::replace("attachments", Ty::List)])
);
hook!(
    PromptUserEntry,
    PROMPT_USER_ENTRY,
    NoAnswer,
    "Fires when the user's entry is stored.",
    HookDecl::future("prompt_user_entry")
        .payload(&[Field::new("entry_id", Ty::Str, "The prompt's cell."), SESSION])
);
hook!(
    UserShell,
    USER_SHELL,
    UserShellAnswer,
    "Fires on `!command` and `!!command`, before the command runs.",
    HookDecl::future("user_shell")
        .closed()
        .payload(&[
            Field::new("command", Ty::Str, "The command line."),
            Field::new("hidden", Ty::Bool, "Whether models do not see it (`!!`)."),
            Field::new("cwd", Ty::Str, "Where it runs."),
        ])
        .answer(&[
            AnswerField::stop("block", Ty::Bool),
            AnswerField::detail("reason", Ty::Str),
            AnswerField::replace("command", Ty::Str),
            AnswerField::stop("result", Ty::Map),
        ])
);
hook!(
    ModelSelect,
    MODEL_SELECT,
    NoAnswer,
    "Fires when another model was chosen.",
    HookDecl::future("model_select").payload(&[
        Field::new("new", Ty::Str, "The model from now on."),
        Field::new("previous", Ty::Str, "The model before."),
        Field::new("source", Ty::Str, "Who chose it."),
    ])
);

hook!(
    ThinkingLevelChange,
    THINKING_LEVEL_CHANGE,
    NoAnswer,
    "Fires when another level of thinking was chosen.",
    HookDecl::future("thinking_level_change").payload(&[
        Field::new("new", Ty::Str, "The level from now on."),
        Field::new("previous", Ty::Str, "The level before."),
        Field::new("source", Ty::Str, "Who chose it."),
    ])
);
hook!(
    SessionBeforeSwitch,
    SESSION_BEFORE_SWITCH,
    CancelAnswer,
    "Fires before another session is opened in place of this one.",
    HookDecl::future("session_before_switch")
        .closed()
        .payload(&[
            Field::one_of("reason", &["new", "resume", "switch"], "What was asked for"),
            Field::new("target", Ty::Str, "The session to open, empty for a new one."),
        ])
        .answer(&[AnswerField::stop("cancel", Ty::Bool), AnswerField::detail("reason", Ty::Str)])
);
hook!(
    SessionSwitch,
    SESSION_SWITCH,
    NoAnswer,
    "Fires after another session was opened.",
    HookDecl::future("session_switch")
        .payload(&[SESSION, Field::new("previous_id", Ty::Str, "The session that was open before."),])
);

/// Every hook of this file.
pub(super) static ALL: &[&HookDecl] = &[
    &SESSION_START,
    &SESSION_LOAD,
    &SESSION_SAVE,
    &SESSION_SHUTDOWN,
    &MESSAGE_APPEND,
    &INPUT,
    &PROMPT_PREPARE,
    &PROMPT_USER_ENTRY,
    &USER_SHELL,
    &MODEL_SELECT,
    &THINKING_LEVEL_CHANGE,
    &SESSION_BEFORE_SWITCH,
    &SESSION_SWITCH,
];

/// What handlers of a gate with `cancel` decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CancelAnswer {
    /// Whether it must not happen.
    pub cancel: Option<bool>,
    /// Why.
    pub reason: Option<String>,
}

/// What handlers of `input` decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct InputAnswer {
    /// `continue`, `transform` or `handled`.
    pub action: Option<String>,
    /// The text as the last handler left it.
    pub text: Option<String>,
}

/// What handlers of `prompt_prepare` made of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PreparedAnswer {
    /// The text as the last handler left it.
    pub text: Option<String>,
    /// The attachments as the last handler left them.
    pub attachments: Option<Vec<String>>,
}

/// What handlers of `user_shell` decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct UserShellAnswer {
    /// Whether the command must not run.
    pub block: Option<bool>,
    /// Why.
    pub reason: Option<String>,
    /// The command as the last handler left it.
    pub command: Option<String>,
    /// `{output, exit_code}` in place of a run.
    pub result: Option<Value>,
}
