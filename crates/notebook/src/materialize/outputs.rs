//! Outputs: what cells show, with the rules of pending clears, shared displays and deltas.

use serde_json::Value;

use super::{Done, javascript, json, presence, run};
use crate::event::Event;
use crate::ids::{CellId, OutputId};
use crate::reading::primary;
use crate::tables::{Bind, DerivedTables, Op, Set, Table, TableError, Test, Verb};
use crate::values::{Media, OutputMeta, OutputType, Representations};

use Set::Bind as B;
use Test::Is;
use Verb::{Delete, InsertOrIgnore, InsertOrReplace, Update};

/// Every column of an output.
const COLUMNS: &[Set] = &[
    B("id"),
    B("cellId"),
    B("outputType"),
    B("position"),
    B("streamName"),
    B("executionCount"),
    B("displayId"),
    B("data"),
    B("artifactId"),
    B("mimeType"),
    B("metadata"),
    B("representations"),
];
static FIRST: Op = Op::new(Table::Outputs, InsertOrIgnore, COLUMNS, &[]);
static ANEW: Op = Op::new(Table::Outputs, InsertOrReplace, COLUMNS, &[]);
/// Changes nothing, and finds an output that is there as it is to be.
static AGAIN: Op = Op::new(
    Table::Outputs,
    Update,
    &[B("position")],
    &[
        Is("id"),
        Is("cellId"),
        Is("outputType"),
        Test::Same("position"),
        Test::Same("streamName"),
        Test::Same("executionCount"),
        Test::Same("displayId"),
        Test::Same("data"),
        Test::Same("artifactId"),
        Test::Same("mimeType"),
        Test::Same("metadata"),
        Test::Same("representations"),
    ],
);
static DISPLAYS: Op = Op::new(
    Table::Outputs,
    Update,
    &[B("data"), B("mimeType"), B("representations")],
    &[Is("displayId"), Test::In("outputType", &["multimedia_display"])],
);
static APPEND: Op = Op::new(Table::Outputs, Update, &[Set::Append("data")], &[Is("id")]);
// A delta that was there already, by its id or by its number, is ignored.
static DELTA: Op =
    Op::new(Table::Deltas, InsertOrIgnore, &[B("id"), B("outputId"), B("delta"), B("sequenceNumber")], &[]);
static DELTAS_OF_OUTPUT: Op = Op::new(Table::Deltas, Delete, &[], &[Is("outputId")]);
static DELTAS_OF_CELL: Op = Op::new(Table::Deltas, Delete, &[], &[Test::OutputOfCell("outputId")]);
static OUTPUTS_OF_CELL: Op = Op::new(Table::Outputs, Delete, &[], &[Is("cellId")]);
static ROLE: Op =
    Op::new(Table::OutputRoles, InsertOrReplace, &[B("outputId"), B("role"), B("callId"), B("opaque")], &[]);
static ROLE_OF_OUTPUT: Op = Op::new(Table::OutputRoles, Delete, &[], &[Is("outputId")]);
static ROLES_OF_CELL: Op = Op::new(Table::OutputRoles, Delete, &[], &[Test::OutputOfCell("outputId")]);
static ALL_ROLES: Op = Op::new(Table::OutputRoles, Delete, &[], &[]);
static ALL_DELTAS: Op = Op::new(Table::Deltas, Delete, &[], &[]);
static ALL_OUTPUTS: Op = Op::new(Table::Outputs, Delete, &[], &[]);
static ALL_PENDING: Op = Op::new(Table::PendingClears, Delete, &[], &[]);
static PENDING: Op = Op::new(Table::PendingClears, InsertOrReplace, &[B("cellId"), B("clearedBy")], &[]);
static PENDING_DONE: Op = Op::new(Table::PendingClears, Delete, &[], &[Is("cellId")]);

/// One row to come: the columns that events give in different ways.
struct Row<'a> {
    id: &'a OutputId,
    cell: &'a CellId,
    kind: OutputType,
    position: f64,
    stream: Option<&'static str>,
    count: Option<i64>,
    display: Option<&'a str>,
    data: Bind<'a>,
    artifact: Option<&'a str>,
    mime: &'static str,
    metadata: Bind<'a>,
    representations: Bind<'a>,
    meta: Option<OutputMeta>,
}

pub(super) fn apply(event: &Event, t: &mut dyn DerivedTables) -> Done {
    added(event, t).or_else(|| changed(event, t))
}

fn added(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::MultimediaDisplayOutputAdded { id, cell_id, position, representations, display_id } => {
            let row = Row {
                display: display_id.as_deref(),
                ..shown((id, cell_id, *position), OutputType::MultimediaDisplay, representations)
            };
            insert(t, row)
        }
        Event::MultimediaResultOutputAdded { id, cell_id, position, representations, execution_count } => {
            let row = Row {
                count: Some(*execution_count),
                ..shown((id, cell_id, *position), OutputType::MultimediaResult, representations)
            };
            insert(t, row)
        }
        Event::TerminalOutputAdded { id, cell_id, position, content, stream_name } => {
            let stream = Some(stream_name.as_str());
            insert(t, Row { stream, ..contained((id, cell_id, *position), OutputType::Terminal, content) })
        }
        Event::MarkdownOutputAdded { id, cell_id, position, content } => {
            insert(t, contained((id, cell_id, *position), OutputType::Markdown, content))
        }
        Event::ErrorOutputAdded { id, cell_id, position, content } => {
            insert(t, contained((id, cell_id, *position), OutputType::Error, content))
        }
        _ => return None,
    })
}

fn changed(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::MultimediaDisplayOutputUpdated { display_id, representations } => {
            update_displays(t, display_id, representations)
        }
        Event::TerminalOutputAppended { output_id, content }
        | Event::MarkdownOutputAppended { output_id, content } => {
            let text = match content {
                Media::Inline { data, .. } => javascript::string(data),
                Media::Artifact { .. } => String::new(),
            };
            run(t, &APPEND, &[text.into(), output_id.as_str().into()])
        }
        Event::TerminalOutputAppended2 { id, output_id, delta, sequence_number }
        | Event::MarkdownOutputAppended2 { id, output_id, delta, sequence_number } => run(
            t,
            &DELTA,
            &[
                id.as_str().into(),
                output_id.as_str().into(),
                delta.as_str().into(),
                (*sequence_number).into(),
            ],
        ),
        Event::CellOutputsCleared { cell_id, wait, cleared_by } => clear(t, cell_id, *wait, cleared_by),
        Event::AllOutputsCleared { .. } => run(t, &ALL_OUTPUTS, &[])
            .and_then(|()| run(t, &ALL_DELTAS, &[]))
            .and_then(|()| run(t, &ALL_ROLES, &[]))
            .and_then(|()| run(t, &ALL_PENDING, &[])),
        _ => return None,
    })
}

/// Inserts an output: first a pending clear takes effect, then shared displays follow.
///
/// The same output once more is a repetition, as after a commit whose answer was lost, and changes nothing: what was
/// appended meanwhile stays. What is to take the place of appended text differs from what stood in front of it.
fn insert(t: &mut dyn DerivedTables, row: Row<'_>) -> Result<(), TableError> {
    let (id, cell, display, meta) = (row.id, row.cell, row.display, row.meta.clone());
    let binds = row.binds();
    if t.execute(&AGAIN, &binds)? > 0 {
        return Ok(());
    }
    let columns = &binds[1..];
    if t.execute(&PENDING_DONE, &[cell.as_str().into()])? > 0 {
        clear_outputs(t, cell)?;
    }
    if let Some(display) = display {
        let [.., data, _, mime, _, representations] = &binds;
        run(t, &DISPLAYS, &[data.clone(), mime.clone(), representations.clone(), display.into()])?;
    }
    // An output that is written anew begins without the text appended to the former one.
    run(t, &DELTAS_OF_OUTPUT, &[id.as_str().into()])?;
    if t.execute(&FIRST, columns)? == 0 {
        run(t, &ROLE_OF_OUTPUT, &[id.as_str().into()])?;
        run(t, &ANEW, columns)?;
    }
    meta.map_or(Ok(()), |meta| role(t, id, &meta))
}

impl<'a> Row<'a> {
    /// A row of the columns that every output has.
    fn new(
        (id, cell, position): (&'a OutputId, &'a CellId, f64),
        kind: OutputType,
        (mime, data): (&'static str, Bind<'a>),
        meta: Option<OutputMeta>,
    ) -> Self {
        Self {
            id,
            cell,
            kind,
            position,
            stream: None,
            count: None,
            display: None,
            data,
            artifact: None,
            mime,
            metadata: Bind::Null,
            representations: Bind::Null,
            meta,
        }
    }

    /// The values of `AGAIN`; all but the first are those of the columns.
    fn binds(self) -> [Bind<'a>; 13] {
        [
            self.position.into(),
            self.id.as_str().into(),
            self.cell.as_str().into(),
            self.kind.as_str().into(),
            self.position.into(),
            self.stream.into(),
            self.count.into(),
            self.display.into(),
            self.data,
            self.artifact.into(),
            self.mime.into(),
            self.metadata,
            self.representations,
        ]
    }
}

fn shown<'a>(
    place: (&'a OutputId, &'a CellId, f64),
    kind: OutputType,
    representations: &'a Representations,
) -> Row<'a> {
    let (mime, data) = hint(representations, kind);
    let meta = representations.values().find_map(Media::meta);
    Row { representations: json(representations), ..Row::new(place, kind, (mime, data.into()), meta) }
}

fn contained<'a>(place: (&'a OutputId, &'a CellId, f64), kind: OutputType, content: &'a Media) -> Row<'a> {
    let (data, artifact) = match content {
        Media::Inline { data, .. } if kind == OutputType::Error => (json(data), None),
        Media::Inline { data: Value::String(text), .. } => (text.as_str().into(), None),
        Media::Inline { data, .. } => (javascript::string(data).into(), None),
        Media::Artifact { artifact_id, .. } => (Bind::Null, Some(artifact_id.as_str())),
    };
    let mime = match kind {
        OutputType::Markdown => "text/markdown",
        OutputType::Error => "application/json",
        _ => "text/plain",
    };
    let metadata = content.metadata().map_or(Bind::Null, json);
    Row { artifact, metadata, ..Row::new(place, kind, (mime, data), content.meta()) }
}

/// Keeps what an output is beside its content, so that a long history is indexed without reading the contents.
fn role(t: &mut dyn DerivedTables, id: &OutputId, meta: &OutputMeta) -> Result<(), TableError> {
    let call = meta.call_id.as_deref();
    run(t, &ROLE, &[id.as_str().into(), meta.role.as_str().into(), call.into(), meta.opaque.is_some().into()])
}

fn update_displays(
    t: &mut dyn DerivedTables,
    display: &str,
    representations: &Representations,
) -> Result<(), TableError> {
    let (mime, data) = hint(representations, OutputType::MultimediaDisplay);
    run(t, &DISPLAYS, &[data.into(), mime.into(), json(representations), display.into()])
}

fn clear(t: &mut dyn DerivedTables, cell: &CellId, wait: bool, by: &str) -> Result<(), TableError> {
    if wait {
        run(t, &PENDING, &[cell.as_str().into(), by.into()])?;
    } else {
        clear_outputs(t, cell)?;
    }
    if by.is_empty() { Ok(()) } else { presence(t, by, Some(cell.as_str())) }
}

fn clear_outputs(t: &mut dyn DerivedTables, cell: &CellId) -> Result<(), TableError> {
    run(t, &DELTAS_OF_CELL, &[cell.as_str().into()])?;
    run(t, &ROLES_OF_CELL, &[cell.as_str().into()])?;
    run(t, &OUTPUTS_OF_CELL, &[cell.as_str().into()])
}

/// Returns the mime type and the text that a plain table shows of an output.
fn hint(representations: &Representations, kind: OutputType) -> (&'static str, String) {
    match primary(representations, kind) {
        Some((mime, Media::Inline { data, .. })) => {
            (mime, if truthy(data) { javascript::string(data) } else { String::new() })
        }
        Some((mime, Media::Artifact { .. })) => (mime, String::new()),
        None => ("text/plain", String::new()),
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}
