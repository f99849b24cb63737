//! Where servers that speak Chat Completions differ.

/// How one server wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The field that bounds the answer.
    pub max_tokens_field: &'static str,
    /// Whether `stream_options.include_usage` is understood.
    pub stream_usage: bool,
    /// Whether `reasoning_effort` is understood.
    pub reasoning_effort: bool,
    /// Whether `reasoning_content` of earlier calls in the same turn has to be sent back.
    pub replay_reasoning: bool,
}

/// What most compatible servers take.
const COMPATIBLE: Quirks = Quirks {
    max_tokens_field: "max_tokens",
    stream_usage: true,
    reasoning_effort: false,
    replay_reasoning: false,
};

/// Part of the base URL or of the model's name → quirks; the first that matches counts.
const TABLE: &[(&str, Quirks)] = &[
    (
        "api.openai.com",
        Quirks { max_tokens_field: "max_completion_tokens", reasoning_effort: true, ..COMPATIBLE },
    ),
    (
        "openai.azure.com",
        Quirks { max_tokens_field: "max_completion_tokens", reasoning_effort: true, ..COMPATIBLE },
    ),
    ("openrouter.ai", Quirks { reasoning_effort: true, ..COMPATIBLE }),
    ("api.x.ai", Quirks { reasoning_effort: true, ..COMPATIBLE }),
    ("generativelanguage.googleapis.com", Quirks { reasoning_effort: true, ..COMPATIBLE }),
    ("api.groq.com", Quirks { max_tokens_field: "max_completion_tokens", ..COMPATIBLE }),
    ("api.deepseek.com", Quirks { replay_reasoning: true, ..COMPATIBLE }),
    ("api.mistral.ai", Quirks { stream_usage: false, ..COMPATIBLE }),
];

impl Quirks {
    /// The quirks of the server at `base_url`.
    pub fn of(base_url: &str) -> Self {
        TABLE.iter().find(|(part, _)| base_url.contains(part)).map_or(COMPATIBLE, |(_, quirks)| *quirks)
    }
}
