//! Rows of cells, annotations, outputs and deltas.

use serde_json::{Map, Value};

use super::{DecodeError, FromRow, Row};
use crate::ids::{CellId, OutputId, RuntimeSessionId};
use crate::values::{
    CellKind, CellType, ExecutionState, OutputMeta, OutputType, Representations, Role, StreamName,
};

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its id.
    pub id: CellId,
    /// Its type in the base schema.
    pub cell_type: CellType,
    /// Its text.
    pub source: String,
    /// Its place among the cells.
    pub fractional_index: Option<String>,
    /// How often it was run.
    pub execution_count: Option<i64>,
    /// Where it stands.
    pub execution_state: ExecutionState,
    /// The runtime session that ran it last.
    pub assigned_runtime_session: Option<RuntimeSessionId>,
    /// How long its last run took, in milliseconds.
    pub last_execution_duration_ms: Option<i64>,
    /// The connection of a database cell.
    pub sql_connection_id: Option<String>,
    /// The variable that a database cell's result goes to.
    pub sql_result_variable: Option<String>,
    /// The provider of a prompt.
    pub ai_provider: Option<String>,
    /// The model of a prompt.
    pub ai_model: Option<String>,
    /// Further settings of a prompt.
    pub ai_settings: Option<Value>,
    /// Whether its text is shown.
    pub source_visible: bool,
    /// Whether its outputs are shown.
    pub output_visible: bool,
    /// Whether models see it.
    pub ai_context_visible: bool,
    /// Who made it.
    pub created_by: String,
}

impl FromRow for Cell {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            cell_type: row.word()?,
            source: row.text()?,
            fractional_index: row.maybe_text()?,
            execution_count: row.maybe_integer()?,
            execution_state: row.word()?,
            assigned_runtime_session: row.maybe_text()?,
            last_execution_duration_ms: row.maybe_integer()?,
            sql_connection_id: row.maybe_text()?,
            sql_result_variable: row.maybe_text()?,
            ai_provider: row.maybe_text()?,
            ai_model: row.maybe_text()?,
            ai_settings: row.json()?,
            source_visible: row.flag()?,
            output_visible: row.flag()?,
            ai_context_visible: row.flag()?,
            created_by: row.text()?,
        })
    }
}

/// What a cell is beyond the base schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// The cell.
    pub cell_id: CellId,
    /// What executes it.
    pub kind: CellKind,
    /// Whether it is left out of what people see.
    pub hidden: bool,
    /// The cell it follows in the session tree.
    pub parent_id: Option<CellId>,
    /// The output of the parent after which it branches off.
    pub after_output: Option<OutputId>,
    /// The extension that made it.
    pub extension: Option<String>,
    /// Artifacts sent with it.
    pub attachments: Vec<String>,
    /// Whether the sender ran the input hooks already.
    pub prepared: bool,
    /// What is executed in place of the source.
    pub prepared_text: Option<String>,
    /// Further facts of extensions.
    pub data: Option<Map<String, Value>>,
}

impl FromRow for Annotation {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        let cell_id = row.text()?;
        Self::after_id(cell_id, row)
    }
}

impl Annotation {
    fn after_id(cell_id: CellId, row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            cell_id,
            kind: row.word()?,
            hidden: row.flag()?,
            parent_id: row.maybe_text()?,
            after_output: row.maybe_text()?,
            extension: row.maybe_text()?,
            attachments: row.json_or_default()?,
            prepared: row.flag()?,
            prepared_text: row.maybe_text()?,
            data: row.json()?,
        })
    }
}

/// A cell of a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct BranchCell {
    /// The cell.
    pub cell: Cell,
    /// Its annotation; cells of other applications have none.
    pub annotation: Option<Annotation>,
}

impl BranchCell {
    /// Tells what executes the cell: its annotation's kind, or else what its type means in the base schema.
    pub fn kind(&self) -> CellKind {
        match &self.annotation {
            Some(annotation) => annotation.kind,
            None => self.cell.cell_type.kind(),
        }
    }
}

impl CellType {
    /// Tells what executes a cell of this type that has no annotation.
    pub const fn kind(self) -> CellKind {
        match self {
            Self::Code => CellKind::Python,
            Self::Sql => CellKind::Sql,
            Self::Ai => CellKind::Ai,
            Self::Markdown => CellKind::Note,
            Self::Raw => CellKind::Raw,
        }
    }
}

impl FromRow for BranchCell {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        let cell = Cell::from_row(row)?;
        let annotation = match row.maybe_text()? {
            Some(cell_id) => Some(Annotation::after_id(cell_id, row)?),
            None => None,
        };
        Ok(Self { cell, annotation })
    }
}

/// One output of a cell.
///
/// `data` is a hint that plain tables show: readers take `representations` where there are any, and add the deltas to
/// text.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its id.
    pub id: OutputId,
    /// The cell.
    pub cell_id: CellId,
    /// Its kind.
    pub output_type: OutputType,
    /// Its place among the cell's outputs.
    pub position: f64,
    /// The stream of terminal text.
    pub stream_name: Option<StreamName>,
    /// The run that a result belongs to.
    pub execution_count: Option<i64>,
    /// The display it shows, which several outputs may share.
    pub display_id: Option<String>,
    /// Its text, or the text of its first representation.
    pub data: Option<String>,
    /// The artifact that holds its content.
    pub artifact_id: Option<String>,
    /// The mime type of `data`.
    pub mime_type: Option<String>,
    /// Facts about text content; ours are under `purlin`.
    pub metadata: Option<Map<String, Value>>,
    /// Its content by mime type.
    pub representations: Option<Representations>,
}

impl Output {
    /// Reads our facts about the output, from its own metadata or from a representation's.
    pub fn meta(&self) -> Option<OutputMeta> {
        if let Some(meta) = self.metadata.as_ref().and_then(OutputMeta::from_metadata) {
            return Some(meta);
        }
        self.representations.as_ref()?.values().find_map(crate::values::Media::meta)
    }

    /// Tells what the output is in the history of a session.
    pub fn role(&self) -> Option<Role> {
        self.meta().map(|meta| meta.role)
    }
}

impl FromRow for Output {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            cell_id: row.text()?,
            output_type: row.word()?,
            position: row.real()?,
            stream_name: row.maybe_word()?,
            execution_count: row.maybe_integer()?,
            display_id: row.maybe_text()?,
            data: row.maybe_text()?,
            artifact_id: row.maybe_text()?,
            mime_type: row.maybe_text()?,
            metadata: row.json()?,
            representations: row.json()?,
        })
    }
}

/// Groups the outputs of a cell as people see them: consecutive texts of one stream are one text, everything else
/// stands alone.
///
/// Texts of one stream that belong to different tool calls, or have different roles, stay apart.
pub fn grouped(outputs: &[Output]) -> impl Iterator<Item = &[Output]> {
    outputs.chunk_by(|a, b| {
        let terminal = [a, b].iter().all(|output| output.output_type == OutputType::Terminal);
        let facts = |output: &Output| output.meta().map(|meta| (meta.role, meta.call_id));
        terminal && a.stream_name == b.stream_name && facts(a) == facts(b)
    })
}

/// An output without its content.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputHead {
    /// Its id.
    pub id: OutputId,
    /// The cell.
    pub cell_id: CellId,
    /// Its kind.
    pub output_type: OutputType,
    /// Its place among the cell's outputs.
    pub position: f64,
    /// The stream of terminal text.
    pub stream_name: Option<StreamName>,
    /// The display it shows.
    pub display_id: Option<String>,
    /// What it is in the history of the session.
    pub role: Option<Role>,
    /// The tool call it belongs to.
    pub call_id: Option<String>,
    /// Whether it keeps a provider's items.
    pub has_opaque: bool,
}

impl FromRow for OutputHead {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            cell_id: row.text()?,
            output_type: row.word()?,
            position: row.real()?,
            stream_name: row.maybe_word()?,
            display_id: row.maybe_text()?,
            role: row.maybe_word()?,
            call_id: row.maybe_text()?,
            has_opaque: row.flag()?,
        })
    }
}

/// Text appended to an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Its id.
    pub id: String,
    /// The output.
    pub output_id: OutputId,
    /// The text.
    pub delta: String,
    /// Its place among the output's deltas.
    pub sequence_number: i64,
}

impl FromRow for Delta {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            output_id: row.text()?,
            delta: row.text()?,
            sequence_number: row.integer()?,
        })
    }
}
