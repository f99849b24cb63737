//! What the index knows of one block: ids and nothing that grows with its text.

use purlin_notebook::{CellId, CellKind, OutputHead, OutputId, OutputType, Role};

/// What a block is made from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// The cell's source.
    Prompt,
    /// A remark for people, or a cell that is one.
    Note(Option<OutputId>),
    /// The model's answer.
    Text(OutputId),
    /// The model's reasoning.
    Thinking(OutputId),
    /// A message sent while the agent worked.
    Steer(OutputId),
    /// An error.
    Error(OutputId),
    /// A tool call with what it printed and answered.
    Tool { call: OutputId, call_id: String, printed: Vec<OutputId>, result: Option<OutputId> },
    /// A cell that was executed, with all of its outputs.
    Shell { outputs: Vec<OutputId> },
    /// A prompt that did not come to its end.
    Closing(&'static str),
    /// Anything else that has a representation as text.
    Display(OutputId),
}

/// One block of the index.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Id of the block: a cell's or an output's.
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) position: f64,
    /// Changes whenever the block does.
    pub(super) revision: u64,
    /// When it was committed, in milliseconds since 1970; 0 if that was before this program opened the session.
    pub(super) at: i64,
}

/// The blocks of one cell.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) cell: CellId,
    pub(super) kind: CellKind,
    pub(super) hidden: bool,
    pub(super) parent: Option<CellId>,
    /// Whether an execution of the cell runs or waits.
    pub(super) running: bool,
    /// Index of the section's first block.
    pub(super) start: usize,
    pub(super) entries: Vec<Entry>,
}

/// What an output means for the blocks of its cell.
pub(super) enum Meaning {
    /// It is a block of its own.
    Own(Kind),
    /// A tool printed it.
    Printed(String),
    /// It is a tool's answer.
    Result(String),
    /// It is part of an executed cell.
    Part,
    /// It is not shown.
    Hidden,
}

impl Section {
    pub(super) fn meaning(&self, head: &OutputHead) -> Meaning {
        if self.kind != CellKind::Ai {
            return Meaning::Part;
        }
        let id = head.id.clone();
        match (head.role, head.call_id.clone()) {
            (Some(Role::Inject), _) => Meaning::Hidden,
            (Some(Role::Thinking), _) if head.has_opaque => Meaning::Hidden,
            (Some(Role::Thinking), _) => Meaning::Own(Kind::Thinking(id)),
            (Some(Role::Text), _) => Meaning::Own(Kind::Text(id)),
            (Some(Role::Steer), _) => Meaning::Own(Kind::Steer(id)),
            (Some(Role::Note), _) => Meaning::Own(Kind::Note(Some(id))),
            (Some(Role::ToolCall), Some(call_id)) => {
                Meaning::Own(Kind::Tool { call: id, call_id, printed: Vec::new(), result: None })
            }
            (Some(Role::ToolOutput), Some(call_id)) => Meaning::Printed(call_id),
            (Some(Role::ToolResult), Some(call_id)) => Meaning::Result(call_id),
            _ => Meaning::Own(match head.output_type {
                OutputType::Error => Kind::Error(id),
                OutputType::Markdown => Kind::Text(id),
                _ => Kind::Display(id),
            }),
        }
    }
}
