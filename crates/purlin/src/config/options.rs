//! The declared settings: one line each.

use serde_json::Value as Json;

use crate::report::{Kind, Report};

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number from 1 (or 0 where the flag says so) to the limit.
    Integer(u32, u32),
    /// `true` or `false`.
    Bool,
    /// A list of texts.
    List,
    /// A command for a key in quotes, or `false` to unmap it.
    Key,
    /// Whatever the extension that declares it says.
    Any,
}

/// One setting. A `*` in the path stands for any name.
#[derive(Debug)]
pub struct Declared {
    /// The dotted path.
    pub path: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether a project's file may set it.
    pub project: bool,
    /// What it does, for the reference.
    pub doc: &'static str,
}

const fn safe(path: &'static str, shape: Shape, doc: &'static str) -> Declared {
    Declared { path, shape, project: true, doc }
}

const fn own(path: &'static str, shape: Shape, doc: &'static str) -> Declared {
    Declared { path, shape, project: false, doc }
}

/// Every setting there is.
pub const DECLARED: &[Declared] = &[
    safe("model", Shape::Text, "The model as `PROVIDER/MODEL`, `echo`, or `script:FILE`."),
    safe("thinking", Shape::Choice(&["off", "low", "medium", "high"]), "How hard the model thinks."),
    own("durability", Shape::Choice(&["process", "full"]), "`full`: each side effect waits for the disk."),
    own("max_artifact_bytes", Shape::Integer(1, u32::MAX), "How much of one output is kept outside the log."),
    own("providers.*.api", Shape::Choice(&["anthropic", "openai-chat"]), "The wire format of this provider."),
    own("providers.*.base_url", Shape::Text, "Its address, for example `http://localhost:11434/v1`."),
    own("providers.*.key_env", Shape::Text, "The environment variable that holds its key."),
    own("providers.*.headers.*", Shape::Text, "A further request header."),
    safe("agent.max_tokens", Shape::Integer(1, 1_000_000), "The most tokens of one answer."),
    safe("agent.max_turns", Shape::Integer(1, 10_000), "The most model requests of one prompt."),
    safe("agent.max_retries", Shape::Integer(0, 20), "How often a failed request is tried again."),
    own("agent.system_prompt", Shape::Text, "Text that replaces the built-in system prompt."),
    safe("agent.context_files", Shape::Bool, "Whether `AGENTS.md` is read."),
    own("extensions.enabled", Shape::Bool, "Whether extensions are loaded at all."),
    own("extensions.use", Shape::List, "The extensions to load, for example `path:gate.lua`."),
    own("extensions.options.*.*", Shape::Any, "What the extension of this name lets choose."),
    own(
        "extensions.limits.key_soft_ms",
        MS,
        "How long a handler of a key, a paste or the mouse may compute before it is a diagnostic.",
    ),
    own("extensions.limits.key_hard_ms", MS, "How long it may compute before it is interrupted."),
    own("extensions.limits.render_soft_ms", MS, "How long a renderer may compute before it is a diagnostic."),
    own("extensions.limits.render_hard_ms", MS, "How long a renderer may compute before it is interrupted."),
    own(
        "extensions.limits.main_soft_ms",
        MS,
        "How long any other code may compute between two waits before it is a diagnostic.",
    ),
    own(
        "extensions.limits.main_hard_ms",
        MS,
        "How long any other code may compute between two waits before it is interrupted.",
    ),
    own("extensions.limits.load_soft_ms", MS, "How long loading may take before it is a diagnostic."),
    own("extensions.limits.load_hard_ms", MS, "How long loading may take before it is interrupted."),
    own(
        "extensions.limits.gate_ms",
        MS,
        "How long a gate that waits may take as a whole while no dialog of its extension is open.",
    ),
    own("extensions.limits.hard_stops", COUNT, "How many interruptions suspend an extension."),
    own("extensions.limits.errors_per_minute", COUNT, "How many errors within a minute suspend it."),
    own(
        "extensions.limits.memory_mib",
        MIB,
        "Memory of an extension's interpreter; counts for what is loaded from then on.",
    ),
    own("extensions.limits.buffers_mib", MIB, "Text and blocks in an extension's buffers."),
    own("extensions.limits.state_mib", MIB, "What an extension keeps as state in each scope."),
    own("extensions.limits.marks", COUNT, "Marks of an extension."),
    own("extensions.limits.windows", COUNT, "Windows of an extension."),
    own("extensions.limits.timers", COUNT, "Timers of an extension."),
    own("extensions.limits.jobs", COUNT, "Processes an extension runs at a time."),
    own("extensions.limits.tasks", COUNT, "Tasks an extension runs at a time."),
    own("keys.*", Shape::Key, "A key and the command it runs, for example `\"ctrl+g\" = \"/help\"`."),
    own("keys.*.*", Shape::Key, "The same, where the focused window, its buffer or its role has this name."),
    safe("ui.theme", Shape::Text, "The theme's name, or the path of its file."),
    safe("ui.mouse", Shape::Bool, "Whether the terminal reports the mouse."),
    own("ui.history", Shape::Bool, "Whether sent prompts are kept for the up key."),
    own("ui.leader", Shape::Text, "The key that `<leader>` stands for."),
    own("ui.key_timeout_ms", Shape::Integer(50, 60_000), "How long an unfinished sequence of keys waits."),
];

/// Milliseconds.
const MS: Shape = Shape::Integer(1, 600_000);
/// Mebibytes.
const MIB: Shape = Shape::Integer(1, 65_536);
/// How many there may be.
const COUNT: Shape = Shape::Integer(1, 100_000_000);

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(u32),
    Bool(bool),
    List(Vec<String>),
    /// A value that an extension declares.
    Any(Json),
}

impl Value {
    /// The value as extensions see it.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Text(text) => Json::from(text.as_str()),
            Self::Integer(number) => Json::from(*number),
            Self::Bool(yes) => Json::from(*yes),
            Self::List(list) => Json::from(list.clone()),
            Self::Any(value) => value.clone(),
        }
    }

    /// Reads what an extension has written; nothing for what no setting's value may be.
    fn from_json(value: &Json) -> Option<Self> {
        match value {
            Json::String(text) => Some(Self::Text(text.clone())),
            Json::Bool(yes) => Some(Self::Bool(*yes)),
            Json::Number(number) => {
                // Whole numbers arrive from Lua as floating ones.
                let whole = number.as_f64().filter(|number| number.fract() == 0.0)?;
                (0.0..=f64::from(u32::MAX)).contains(&whole).then_some(Self::Integer(whole as u32))
            }
            Json::Array(items) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().map(Self::List)
            }
            // An empty table is an empty list, for who writes Lua.
            Json::Object(fields) if fields.is_empty() => Some(Self::List(Vec::new())),
            Json::Object(_) | Json::Null => None,
        }
    }
}

/// One setting that a file makes.
#[derive(Debug)]
pub(super) struct Setting {
    pub path: Vec<String>,
    pub value: Value,
    pub declared: &'static Declared,
    /// Its line in the file, from 1.
    pub line: u32,
}

impl Declared {
    /// Whether this declares the setting at the path.
    pub(super) fn matches(&self, path: &[String]) -> bool {
        let mut parts = self.path.split('.');
        path.iter().all(|part| parts.next().is_some_and(|name| name == "*" || name == part))
            && parts.next().is_none()
    }

    /// Whether some setting is declared below the path.
    pub(super) fn below(&self, path: &[String]) -> bool {
        let mut parts = self.path.split('.');
        path.iter().all(|part| parts.next().is_some_and(|name| name == "*" || name == part))
            && parts.next().is_some()
    }

    /// The environment variable that sets it; settings with a free name in them have none.
    pub fn variable(&self) -> Option<String> {
        (!self.path.contains('*')).then(|| format!("PURLIN_{}", self.path.replace('.', "_").to_uppercase()))
    }

    /// Checks the text of an environment variable.
    pub(super) fn variable_value(&self, variable: &str, text: &str) -> Result<Value, Report> {
        let value = match self.shape {
            Shape::Text | Shape::Choice(_) => Some(Value::Text(text.to_owned())),
            Shape::Integer(..) => text.parse().ok().map(Value::Integer),
            Shape::Bool => match text {
                "true" | "1" => Some(Value::Bool(true)),
                "false" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Shape::List => Some(Value::List(
                text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect(),
            )),
            // Their paths have a free name in them, and so no variable.
            Shape::Key | Shape::Any => None,
        };
        value.and_then(|value| self.check(value).ok()).ok_or_else(|| {
            Report::new(
                Kind::Config,
                format!("`{variable}` is `{text}`, which is not {}.", self.shape.describe()),
            )
        })
    }

    /// Checks a value that an extension has written.
    pub(super) fn value_of(&self, path: &str, value: &Json) -> Result<Value, String> {
        let read = match self.shape {
            Shape::Any => Some(Value::Any(value.clone())),
            _ => Value::from_json(value),
        };
        let wrong = || format!("`{path}` must be {}", self.shape.describe());
        self.check(read.ok_or_else(wrong)?).map_err(|_| wrong())
    }

    /// Checks what the shape alone cannot say.
    pub(super) fn check(&self, value: Value) -> Result<Value, String> {
        let wrong = || format!("`{}` must be {}", self.path, self.shape.describe());
        let fits = match (self.shape, &value) {
            (Shape::Text | Shape::Key, Value::Text(_))
            | (Shape::Bool, Value::Bool(_))
            | (Shape::Key, Value::Bool(false))
            | (Shape::List, Value::List(_))
            | (Shape::Any, Value::Any(_)) => true,
            (Shape::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Shape::Integer(least, most), Value::Integer(n)) => (least..=most).contains(n),
            _ => false,
        };
        if fits { Ok(value) } else { Err(wrong()) }
    }
}

impl Shape {
    /// What is expected, for a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Text => "a text in quotes".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::Key => "a command in quotes, or `false`".to_owned(),
            Self::Any => "a value that the extension takes".to_owned(),
        }
    }
}

/// The declaration of the setting at a path.
pub(super) fn find(path: &[String]) -> Option<&'static Declared> {
    DECLARED.iter().find(|declared| declared.matches(path))
}

/// Whether the path is that of a table of settings.
pub(super) fn is_table(path: &[String]) -> bool {
    DECLARED.iter().any(|declared| declared.below(path))
}

/// The declared name nearest to an unknown one, at the same depth; `None` if nothing is near.
pub(super) fn nearest(path: &[String]) -> Option<String> {
    let known: Vec<String> = DECLARED
        .iter()
        .flat_map(|declared| {
            // A table's name may be the misspelt one, so every beginning of a path is a candidate too.
            let parts: Vec<&str> = declared.path.split('.').collect();
            (1..=parts.len()).map(move |n| parts[..n].to_vec())
        })
        .filter(|parts| parts.len() == path.len())
        .map(|parts| {
            let filled = parts.iter().zip(path).map(|(name, given)| if *name == "*" { given } else { *name });
            filled.collect::<Vec<_>>().join(".")
        })
        .collect();
    let (last, above) = path.split_last()?;
    // Whole paths share long beginnings, so only the part that differs is compared where the others are right.
    let beginning = above.iter().fold(String::new(), |beginning, part| beginning + part + ".");
    let siblings = known.iter().filter_map(|known| known.strip_prefix(&beginning));
    let sibling = purlin_kernel::nearest(last, siblings).map(|name| format!("{beginning}{name}"));
    sibling.or_else(|| {
        purlin_kernel::nearest(&path.join("."), known.iter().map(String::as_str)).map(str::to_owned)
    })
}
