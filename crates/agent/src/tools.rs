//! Tools: what a model may do.
//!
//! Built-in ones are [`Tool`]s of this crate; those of extensions live on the main thread and are called through the
//! kernel's port under the service name [`TOOL_SERVICE`]. The agent learns of them from a [`ToolCatalog`], a snapshot
//! that crosses threads. A built-in name is replaced only by a registration that says `override`.

mod bash;
mod blocking;
mod call;
mod catalog;
mod clip;
mod edit;
mod look;
mod read;
mod registration;
mod validate;
mod write;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use purlin_notebook::StreamName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use bash::BashTool;
pub use call::{ActiveTools, OwnCall, offered, run};
pub use catalog::ToolCatalog;
pub(crate) use clip::clip;
pub use clip::{Clip, INLINE_LIMIT};
pub use edit::EditTool;
pub use look::{BodyFn, HeaderFn, ToolLook};
pub use read::ReadTool;
pub(crate) use registration::{QUESTION_SERVICE, Unanswered};
pub use registration::{
    TOOL_SERVICE, ToolCallRequest, ToolFn, ToolInvocation, ToolRegistration, serve_tools,
};
pub(crate) use validate::parse;
pub use validate::{check_schema, validate};
pub use write::WriteTool;

/// What kind of thing a tool does; gates filter by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolKind {
    /// It looks at something.
    Read,
    /// It changes files.
    Edit,
    /// It runs programs.
    Execute,
    /// It talks to other machines.
    Network,
    /// Anything else.
    #[default]
    Other,
}

impl ToolKind {
    /// The word in hooks and in Lua.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Edit => "edit",
            Self::Execute => "execute",
            Self::Network => "network",
            Self::Other => "other",
        }
    }
}

/// What is known of a tool before it is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Name the model calls.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON schema of its arguments.
    pub schema: Value,
    /// What kind of thing it does.
    pub kind: ToolKind,
    /// A line for the system prompt.
    #[serde(default)]
    pub prompt_hint: Option<String>,
    /// Bound on one run in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Extension that registered it; `None` for a built-in one.
    #[serde(default)]
    pub extension: Option<String>,
    /// Whether it may replace a built-in tool of the same name.
    #[serde(default, rename = "override")]
    pub overrides: bool,
}

impl ToolSpec {
    /// A tool with the fields that every tool has.
    pub fn new(name: &str, description: &str, schema: Value, kind: ToolKind) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            schema,
            kind,
            prompt_hint: None,
            timeout_ms: None,
            extension: None,
            overrides: false,
        }
    }
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolOutcome {
    /// Text for the model.
    pub content: String,
    /// Facts for renderers and extensions.
    #[serde(default)]
    pub details: Option<Value>,
    /// Whether it failed.
    #[serde(default)]
    pub is_error: bool,
}

impl ToolOutcome {
    /// A success.
    pub fn ok(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// A failure; the model reads `Error: ` and the message.
    pub fn error(message: impl std::fmt::Display) -> Self {
        Self { content: format!("Error: {message}"), details: None, is_error: true }
    }

    /// Adds facts for renderers and extensions.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }
}

/// Shows partial output of a tool.
pub type ProgressFn = Rc<dyn Fn(StreamName, &str)>;

/// What a running tool is given.
#[derive(Clone)]
pub struct ToolContext {
    /// Directory that relative paths start from.
    pub cwd: PathBuf,
    /// Id of the call.
    pub call_id: String,
    /// Session the call belongs to.
    pub session_id: String,
    /// Starts processes and sleeps.
    pub host: Rc<dyn purlin_kernel::Host>,
    /// Shows partial output while the tool runs.
    pub progress: ProgressFn,
}

impl ToolContext {
    /// The path a model meant: absolute as it is, `~` from the home directory, relative from the session's directory.
    pub fn path(&self, path: &str) -> PathBuf {
        let below_home = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (below_home, std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            _ => self.cwd.join(path),
        }
    }
}

/// A tool that runs in the agent. Dropping the future of a run stops it and what it started.
pub trait Tool {
    /// What is known of it.
    fn spec(&self) -> &ToolSpec;

    /// Runs it with arguments that match its schema.
    fn run(&self, args: Value, cx: ToolContext) -> LocalBoxFuture<'static, ToolOutcome>;
}

/// The tools of an agent: built-in ones and, through a catalogue, those of extensions.
#[derive(Clone)]
pub struct Tools {
    built_in: Vec<Rc<dyn Tool>>,
    catalog: ToolCatalog,
}

impl Tools {
    /// The four built-in tools and those of a catalogue.
    pub fn standard(catalog: ToolCatalog) -> Self {
        Self::with_bash(BashTool::new(), catalog)
    }

    /// The four built-in tools, with this `bash`, and those of a catalogue.
    pub fn with_bash(bash: BashTool, catalog: ToolCatalog) -> Self {
        let (read, write, edit) = (ReadTool::new(), WriteTool::new(), EditTool::new());
        Self { built_in: vec![Rc::new(read), Rc::new(write), Rc::new(edit), Rc::new(bash)], catalog }
    }

    /// Only these tools and those of a catalogue.
    pub fn of(built_in: Vec<Rc<dyn Tool>>, catalog: ToolCatalog) -> Self {
        Self { built_in, catalog }
    }

    /// What is on offer now, built-in tools first, in the order of registration.
    pub fn specs(&self) -> Vec<ToolSpec> {
        let extension = self.catalog.specs();
        let active = self.catalog.active();
        let replaced = |name: &str| extension.iter().any(|spec| spec.name == name && spec.overrides);
        let is_built_in = |name: &str| self.built_in.iter().any(|tool| tool.spec().name == name);
        let mut specs: Vec<ToolSpec> = self
            .built_in
            .iter()
            .map(|tool| tool.spec().clone())
            .filter(|spec| !replaced(&spec.name))
            .collect();
        for spec in &extension {
            let taken = specs.iter().any(|other| other.name == spec.name);
            if !taken && (spec.overrides || !is_built_in(&spec.name)) {
                specs.push(spec.clone());
            }
        }
        if let Some(active) = active {
            specs.retain(|spec| active.contains(&spec.name));
        }
        specs
    }

    /// The built-in tool of a name, unless an extension has replaced it.
    pub fn built_in(&self, spec: &ToolSpec) -> Option<Rc<dyn Tool>> {
        if spec.extension.is_some() {
            return None;
        }
        self.built_in.iter().find(|tool| tool.spec().name == spec.name).cloned()
    }
}

/// What is known of a file, if there is one. Reading or replacing a pipe or a device would hang, or worse.
pub(crate) fn regular_file(path: &Path, name: &str) -> Result<Option<std::fs::Metadata>, String> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(format!("`{name}` is a directory")),
        Ok(metadata) if !metadata.is_file() => Err(format!("`{name}` is not a regular file")),
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("`{name}` cannot be read: {error}")),
    }
}

/// A path as it is shown: relative to the session's directory where it lies below it.
pub(crate) fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}
