//! The declared settings: one line each.

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
    own("keys.*", Shape::Text, "A key and the command it runs, for example `\"ctrl+g\" = \"/help\"`."),
    safe("ui.theme", Shape::Text, "The theme's name."),
    safe("ui.mouse", Shape::Bool, "Whether the terminal reports the mouse."),
];

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(u32),
    Bool(bool),
    List(Vec<String>),
}

/// One setting that a file makes.
#[derive(Debug)]
pub(super) struct Setting {
    pub path: Vec<String>,
    pub value: Value,
    pub declared: &'static Declared,
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
        };
        value.and_then(|value| self.check(value).ok()).ok_or_else(|| {
            Report::new(
                Kind::Config,
                format!("`{variable}` is `{text}`, which is not {}.", self.shape.describe()),
            )
        })
    }

    /// Checks what the shape alone cannot say.
    pub(super) fn check(&self, value: Value) -> Result<Value, String> {
        let wrong = || format!("`{}` must be {}", self.path, self.shape.describe());
        let fits = match (self.shape, &value) {
            (Shape::Text, Value::Text(_)) | (Shape::Bool, Value::Bool(_)) | (Shape::List, Value::List(_)) => {
                true
            }
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
        }
    }
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
