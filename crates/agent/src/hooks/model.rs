//! Hooks around one model request.

use purlin_kernel::{AnswerField, Field, HookDecl, Ty};
use serde::Deserialize;
use serde_json::Value;

use super::{NoAnswer, hook};

const PROVIDER: Field = Field::new("provider", Ty::Str, "Name of the provider.");
const MODEL: Field = Field::new("model", Ty::Str, "Name of the model there.");
const ATTEMPT: Field = Field::new("attempt", Ty::Int, "Counted from 1 for each request.");
const MESSAGE: Field = Field::new("message_id", Ty::Str, "The assistant message.");
const CHUNK: Field = Field::new("chunk", Ty::Str, "What came since the last time.");
const TEXT: Field = Field::new("text", Ty::Str, "The same as `chunk`.");

hook!(
    ContextBuild,
    CONTEXT_BUILD,
    NoAnswer,
    "Fires while the context of a request is assembled.",
    HookDecl::future("context_build")
        .payload(&[
            Field::new("breakdown", Ty::Map, "Estimated tokens: `{system, skills, history, extensions}`."),
            Field::new("limit", Ty::Int, "The model's context in tokens."),
        ])
        .answer(&[AnswerField::append("contributions", Ty::List)])
);
hook!(
    Context,
    CONTEXT,
    ContextAnswer,
    "Fires before each model request; what it changes is never stored.",
    HookDecl::future("context")
        .payload(&[
            Field::new("messages", Ty::List, "The history: `{id, role, kind, text, …}` each."),
            Field::new("turn", Ty::Int, "Counted from 1 in each prompt."),
        ])
        .answer(&[AnswerField::replace("messages", Ty::List)])
);
hook!(
    ModelRequest,
    MODEL_REQUEST,
    ModelRequestAnswer,
    "Fires right before a request is sent.",
    HookDecl::future("model_request")
        .aliases(&["before_provider_request"])
        .payload(&[
            PROVIDER,
            Field::new("api", Ty::Str, "Name of the wire."),
            MODEL,
            ATTEMPT,
            Field::new("payload", Ty::Map, "The body."),
            Field::new("headers", Ty::Map, "Headers; secrets are not among them and cannot be set."),
        ])
        .answer(&[
            AnswerField::replace("payload", Ty::Map),
            AnswerField::replace("headers", Ty::Map),
            AnswerField::stop("response", Ty::Any),
        ])
);
hook!(
    AfterProviderResponse,
    AFTER_PROVIDER_RESPONSE,
    NoAnswer,
    "Fires after an attempt that gave an answer.",
    HookDecl::future("after_provider_response").payload(&[
        PROVIDER,
        MODEL,
        ATTEMPT,
        Field::new("status", Ty::Int, "HTTP status."),
        Field::new("usage", Ty::Map, "Tokens of the request."),
        Field::new("finish_reason", Ty::Str, "Why the model stopped."),
    ])
);
hook!(
    ProviderFailed,
    PROVIDER_ERROR,
    NoAnswer,
    "Fires after an attempt that failed.",
    HookDecl::future("provider_error").payload(&[
        PROVIDER,
        MODEL,
        ATTEMPT,
        Field::new("status", Ty::Int, "HTTP status, 0 if there was none."),
        Field::new("error", Ty::Str, "What went wrong."),
    ])
);
hook!(
    RetryStart,
    RETRY_START,
    NoAnswer,
    "Fires before the wait that precedes another attempt.",
    HookDecl::future("retry_start").payload(&[
        Field::new("attempt", Ty::Int, "The attempt that will follow."),
        Field::new("max_attempts", Ty::Int, "Attempts in all."),
        Field::new("delay_ms", Ty::Int, "How long the wait is."),
        Field::new("error", Ty::Str, "What went wrong."),
    ])
);
hook!(
    RetryEnd,
    RETRY_END,
    NoAnswer,
    "Fires after the wait, right before the next attempt.",
    HookDecl::future("retry_end").payload(&[
        Field::new("attempt", Ty::Int, "The attempt that follows."),
        Field::new("max_attempts", Ty::Int, "Attempts in all."),
        Field::new("delay_ms", Ty::Int, "How long the wait was."),
        Field::new("error", Ty::Str, "What had gone wrong."),
    ])
);
hook!(
    MessageStart,
    MESSAGE_START,
    NoAnswer,
    "Fires when an assistant message begins.",
    HookDecl::future("message_start").payload(&[MESSAGE])
);
hook!(
    MessageUpdate,
    MESSAGE_UPDATE,
    NoAnswer,
    "Fires on streamed text, coalesced.",
    HookDecl::future("message_update").aliases(&["model_delta"]).payload(&[CHUNK, TEXT, MESSAGE])
);
hook!(
    MessageEnd,
    MESSAGE_END,
    NoAnswer,
    "Fires when an assistant message is complete.",
    HookDecl::future("message_end").payload(&[MESSAGE, Field::new("content", Ty::Str, "Its whole text.")])
);
hook!(
    ThinkingDelta,
    THINKING_DELTA,
    NoAnswer,
    "Fires on streamed reasoning, coalesced.",
    HookDecl::future("thinking_delta").payload(&[CHUNK, TEXT, MESSAGE])
);
hook!(
    OutputAppend,
    OUTPUT_APPEND,
    OutputAppendAnswer,
    "Fires when a piece of an answer is about to become part of an output.",
    HookDecl::future("output_append")
        .payload(&[
            Field::new("text", Ty::Str, "The piece."),
            Field::one_of("role", &["text", "thinking"], "What it is a piece of"),
            MESSAGE,
        ])
        .answer(&[AnswerField::replace("text", Ty::Str), AnswerField::replace("role", Ty::Str)])
);
hook!(
    LlmUsage,
    LLM_USAGE,
    NoAnswer,
    "Fires once for each model request.",
    HookDecl::future("llm_usage").payload(&[
        Field::new("tokens", Ty::Map, "`{input, output, cache_read, cache_write}`."),
        Field::new("cost", Ty::Num, "Dollars, where prices are known."),
        MODEL,
        PROVIDER,
        Field::new("finish_reason", Ty::Str, "Why the model stopped."),
    ])
);

/// Every hook of this file.
pub(super) static ALL: &[&HookDecl] = &[
    &CONTEXT_BUILD,
    &CONTEXT,
    &MODEL_REQUEST,
    &AFTER_PROVIDER_RESPONSE,
    &PROVIDER_ERROR,
    &RETRY_START,
    &RETRY_END,
    &MESSAGE_START,
    &MESSAGE_UPDATE,
    &MESSAGE_END,
    &THINKING_DELTA,
    &OUTPUT_APPEND,
    &LLM_USAGE,
];

/// What handlers of `context` made of the history.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ContextAnswer {
    /// The messages as the last handler left them.
    pub messages: Option<Vec<Value>>,
}

/// What handlers of `model_request` decided.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ModelRequestAnswer {
    /// The body as the last handler left it.
    pub payload: Option<Value>,
    /// The headers as the last handler left them.
    pub headers: Option<Value>,
    /// An answer in place of the provider's: a text, or `{text, thinking, tool_calls}`.
    pub response: Option<Value>,
}

/// What handlers of `output_append` made of a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OutputAppendAnswer {
    /// The text as the last handler left it; may be empty.
    pub text: Option<String>,
    /// `text` or `thinking`.
    pub role: Option<String>,
}
