//! Notebook, cells, presence, files, actors, approvals: the base events without runtime and outputs.

use super::{Done, json, presence, presence_of, run};
use crate::event::Event;
use crate::tables::{Bind, DerivedTables, Op, Set, Table, TableError, Test, Verb};
use crate::{order, time};

use Set::Bind as B;
use Test::Is;
use Verb::{Delete, InsertOrIgnore, InsertOrReplace, Update};

static DEBUG: Op = Op::new(Table::Debug, InsertOrIgnore, &[B("id")], &[]);
static FILE: Op = Op::new(
    Table::Files,
    InsertOrReplace,
    &[B("fileName"), B("mimeType"), B("artifactId"), B("createdAt"), B("createdBy"), B("fileUrl")],
    &[],
);
static FILE_DROP: Op = Op::new(Table::Files, Delete, &[], &[Is("fileName")]);
static FILE_MARK: Op = Op::new(Table::Files, Update, &[B("deletedAt")], &[Is("fileName")]);
static METADATA: Op = Op::new(Table::Metadata, InsertOrReplace, &[B("key"), B("value")], &[]);
static CELL: Op = Op::new(
    Table::Cells,
    InsertOrIgnore,
    &[B("id"), B("cellType"), B("fractionalIndex"), B("createdBy")],
    &[],
);
static CELL_DROP: Op = Op::new(Table::Cells, Delete, &[], &[Is("id")]);
static SOURCE: Op = Op::new(Table::Cells, Update, &[B("source")], &[Is("id")]);
static CELL_TYPE: Op = Op::new(Table::Cells, Update, &[B("cellType")], &[Is("id")]);
static CELL_ORDER: Op = Op::new(Table::Cells, Update, &[B("fractionalIndex")], &[Is("id")]);
static SOURCE_SHOWN: Op = Op::new(Table::Cells, Update, &[B("sourceVisible")], &[Is("id")]);
static OUTPUT_SHOWN: Op = Op::new(Table::Cells, Update, &[B("outputVisible")], &[Is("id")]);
static CONTEXT_SHOWN: Op = Op::new(Table::Cells, Update, &[B("aiContextVisible")], &[Is("id")]);
static AI: Op = Op::new(Table::Cells, Update, &[B("aiProvider"), B("aiModel"), B("aiSettings")], &[Is("id")]);
static SQL_CONNECTION: Op = Op::new(Table::Cells, Update, &[B("sqlConnectionId")], &[Is("id")]);
static SQL_VARIABLE: Op = Op::new(Table::Cells, Update, &[B("sqlResultVariable")], &[Is("id")]);
static ACTOR: Op =
    Op::new(Table::Actors, InsertOrReplace, &[B("id"), B("type"), B("displayName"), B("avatar")], &[]);
// A repeated request does not reset an answer.
static APPROVAL: Op = Op::new(
    Table::Approvals,
    InsertOrIgnore,
    &[B("toolCallId"), B("cellId"), B("toolName"), Set::Text("status", "pending"), B("requestedAt")],
    &[],
);
static APPROVAL_ANSWER: Op =
    Op::new(Table::Approvals, Update, &[B("status"), B("approvedBy"), B("respondedAt")], &[Is("toolCallId")]);

pub(super) fn apply(event: &Event, t: &mut dyn DerivedTables) -> Done {
    notebook(event, t).or_else(|| cells(event, t)).or_else(|| people(event, t))
}

fn notebook(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::Debug { id } => run(t, &DEBUG, &[id.as_str().into()]),
        Event::FileUploaded { artifact_id, mime_type, file_name, created_at, created_by, file_url } => run(
            t,
            &FILE,
            &[
                file_name.as_str().into(),
                mime_type.as_str().into(),
                artifact_id.as_str().into(),
                time::normal(created_at).into(),
                created_by.as_str().into(),
                file_url.as_deref().into(),
            ],
        ),
        Event::FileDeleted { file_name } => run(t, &FILE_DROP, &[file_name.as_str().into()]),
        Event::FileDeleted2 { file_name, deleted_at } => {
            run(t, &FILE_MARK, &[time::normal(deleted_at).into(), file_name.as_str().into()])
        }
        Event::NotebookInitialized { id, title, owner_id } => initialized(t, id, title, owner_id),
        Event::NotebookTitleChanged { title } => run(t, &METADATA, &["title".into(), title.as_str().into()]),
        Event::NotebookMetadataSet { key, value } => {
            run(t, &METADATA, &[key.as_str().into(), value.as_str().into()])
        }
        _ => return None,
    })
}

fn initialized(t: &mut dyn DerivedTables, id: &str, title: &str, owner: &str) -> Result<(), TableError> {
    run(t, &METADATA, &["title".into(), title.into()])?;
    run(t, &METADATA, &["ownerId".into(), owner.into()])?;
    run(t, &DEBUG, &[id.into()])
}

fn cells(event: &Event, t: &mut dyn DerivedTables) -> Done {
    let (op, value, id, actor): (_, Bind<'_>, _, _) = match event {
        Event::CellCreated { id, cell_type, position, created_by, actor_id } => {
            let index = order::of_position(*position);
            let row =
                [id.as_str().into(), cell_type.as_str().into(), index.into(), created_by.as_str().into()];
            let actor = actor_id.as_ref().unwrap_or(created_by);
            return Some(run(t, &CELL, &row).and_then(|()| presence(t, actor, Some(id.as_str()))));
        }
        Event::CellCreated2 { id, fractional_index, cell_type, created_by } => {
            let index = fractional_index.as_str();
            let row =
                [id.as_str().into(), cell_type.as_str().into(), index.into(), created_by.as_str().into()];
            return Some(run(t, &CELL, &row).and_then(|()| presence(t, created_by, Some(id.as_str()))));
        }
        Event::CellDeleted { id, actor_id } => {
            let done = run(t, &CELL_DROP, &[id.as_str().into()]);
            return Some(done.and_then(|()| presence_of(t, actor_id.as_ref(), id.as_str())));
        }
        Event::CellSourceChanged { id, source, modified_by } => {
            (&SOURCE, source.as_str().into(), id, Some(modified_by))
        }
        Event::CellTypeChanged { id, cell_type, actor_id } => {
            (&CELL_TYPE, cell_type.as_str().into(), id, actor_id.as_ref())
        }
        Event::CellMoved { id, new_position, actor_id } => {
            (&CELL_ORDER, order::of_position(*new_position).into(), id, actor_id.as_ref())
        }
        Event::CellMoved2 { id, fractional_index, actor_id } => {
            (&CELL_ORDER, fractional_index.as_str().into(), id, actor_id.as_ref())
        }
        Event::CellSourceVisibilityToggled { id, source_visible, actor_id } => {
            (&SOURCE_SHOWN, (*source_visible).into(), id, actor_id.as_ref())
        }
        Event::CellOutputVisibilityToggled { id, output_visible, actor_id } => {
            (&OUTPUT_SHOWN, (*output_visible).into(), id, actor_id.as_ref())
        }
        Event::CellAiContextVisibilityToggled { id, ai_context_visible, actor_id } => {
            (&CONTEXT_SHOWN, (*ai_context_visible).into(), id, actor_id.as_ref())
        }
        Event::SqlConnectionChanged { cell_id, connection_id, .. } => {
            (&SQL_CONNECTION, connection_id.as_deref().into(), cell_id, None)
        }
        Event::SqlResultVariableChanged { cell_id, result_variable, .. } => {
            (&SQL_VARIABLE, result_variable.as_deref().into(), cell_id, None)
        }
        _ => return None,
    };
    let id = id.as_str();
    Some(run(t, op, &[value, id.into()]).and_then(|()| presence_of(t, actor, id)))
}

fn people(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::PresenceSet { user_id, cell_id } => presence(t, user_id, cell_id.as_ref().map(AsRef::as_ref)),
        Event::AiSettingsChanged { cell_id, provider, model, settings } => run(
            t,
            &AI,
            &[provider.as_str().into(), model.as_str().into(), json(settings), cell_id.as_str().into()],
        ),
        Event::ActorProfileSet { id, actor_type, display_name, avatar } => run(
            t,
            &ACTOR,
            &[
                id.as_str().into(),
                actor_type.as_str().into(),
                display_name.as_str().into(),
                avatar.as_deref().into(),
            ],
        ),
        Event::ToolApprovalRequested { tool_call_id, cell_id, tool_name, requested_at, .. } => run(
            t,
            &APPROVAL,
            &[
                tool_call_id.as_str().into(),
                cell_id.as_str().into(),
                tool_name.as_str().into(),
                time::normal(requested_at).into(),
            ],
        ),
        Event::ToolApprovalResponded { tool_call_id, status, approved_by, responded_at } => run(
            t,
            &APPROVAL_ANSWER,
            &[
                status.as_str().into(),
                approved_by.as_str().into(),
                time::normal(responded_at).into(),
                tool_call_id.as_str().into(),
            ],
        ),
        _ => return None,
    })
}
