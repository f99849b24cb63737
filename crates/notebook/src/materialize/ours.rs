//! Our own events: annotations, lanes, branches, steering, tool calls, usage, compaction, state, forks.

use serde_json::Value;

use super::{Done, json, run};
use crate::event::Event;
use crate::tables::{Bind, DerivedTables, Op, Set, Table, TableError, Test, Verb};

use Set::Bind as B;
use Test::{Is, IsNull};
use Verb::{Delete, InsertOrIgnore, InsertOrReplace, Update};

static ANNOTATION: Op = Op::new(
    Table::Annotations,
    InsertOrReplace,
    &[
        B("cellId"),
        B("kind"),
        B("hidden"),
        B("parentId"),
        B("afterOutput"),
        B("extension"),
        B("attachments"),
        B("prepared"),
        B("preparedText"),
        B("data"),
    ],
    &[],
);
static LANES: Op = Op::new(Table::Lanes, InsertOrReplace, &[B("sessionId"), B("lanes")], &[]);
static BRANCH: Op = Op::new(Table::Branch, InsertOrReplace, &[Set::Text("id", "current"), B("leafId")], &[]);
static LABEL: Op = Op::new(Table::Labels, InsertOrReplace, &[B("cellId"), B("label")], &[]);
static LABEL_DROP: Op = Op::new(Table::Labels, Delete, &[], &[Is("cellId")]);
static STEER: Op = Op::new(
    Table::Steers,
    InsertOrIgnore,
    &[B("id"), B("cellId"), B("text"), B("attachments"), B("sentBy")],
    &[],
);
// The first to take a message has it.
static STEER_TAKEN: Op =
    Op::new(Table::Steers, Update, &[B("takenOutput")], &[Is("id"), IsNull("takenOutput")]);
static TOOL: Op = Op::new(
    Table::Tools,
    InsertOrReplace,
    &[B("toolCallId"), B("cellId"), B("outputId"), B("arguments")],
    &[],
);
// A call that a gate refused ends without having been started.
static TOOL_UNSTARTED: Op =
    Op::new(Table::Tools, InsertOrIgnore, &[B("toolCallId"), B("status"), B("durationMs")], &[]);
static TOOL_ENDED: Op =
    Op::new(Table::Tools, Update, &[B("status"), B("durationMs")], &[Is("toolCallId"), IsNull("status")]);
static MODEL_USED: Op = Op::new(
    Table::ModelUsage,
    InsertOrIgnore,
    &[
        B("id"),
        B("cellId"),
        B("queueId"),
        B("provider"),
        B("model"),
        B("input"),
        B("output"),
        B("cacheRead"),
        B("cacheWrite"),
        B("costMicros"),
        B("finishReason"),
    ],
    &[],
);
static COMPACTED: Op = Op::new(
    Table::Compactions,
    InsertOrIgnore,
    &[B("id"), B("leafId"), B("summary"), B("firstKeptId"), B("tokensBefore"), B("source"), B("details")],
    &[],
);
static STATE: Op = Op::new(Table::State, InsertOrReplace, &[B("extension"), B("key"), B("value")], &[]);
static STATE_DROP: Op = Op::new(Table::State, Delete, &[], &[Is("extension"), Is("key")]);
static FORK: Op = Op::new(Table::Forks, InsertOrReplace, &[B("notebookId"), B("cellId"), B("outputId")], &[]);

pub(super) fn apply(event: &Event, t: &mut dyn DerivedTables) -> Done {
    tree(event, t).or_else(|| agent(event, t)).or_else(|| records(event, t))
}

fn tree(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::CellAnnotated {
            cell_id,
            kind,
            hidden,
            parent_id,
            after_output,
            extension,
            attachments,
            prepared,
            prepared_text,
            data,
        } => run(
            t,
            &ANNOTATION,
            &[
                cell_id.as_str().into(),
                kind.as_str().into(),
                hidden.unwrap_or(false).into(),
                parent_id.as_ref().map(AsRef::<str>::as_ref).into(),
                after_output.as_ref().map(AsRef::<str>::as_ref).into(),
                extension.as_deref().into(),
                list(attachments),
                prepared.unwrap_or(false).into(),
                prepared_text.as_deref().into(),
                data.as_ref().map_or(Bind::Null, json),
            ],
        ),
        Event::BranchSelected { leaf_id } => {
            run(t, &BRANCH, &[leaf_id.as_ref().map(AsRef::<str>::as_ref).into()])
        }
        Event::CellLabelled { cell_id, label: Some(label) } => {
            run(t, &LABEL, &[cell_id.as_str().into(), label.as_str().into()])
        }
        Event::CellLabelled { cell_id, label: None } => run(t, &LABEL_DROP, &[cell_id.as_str().into()]),
        Event::ForkedFrom { notebook_id, cell_id, output_id } => run(
            t,
            &FORK,
            &[
                notebook_id.as_str().into(),
                cell_id.as_str().into(),
                output_id.as_ref().map(AsRef::<str>::as_ref).into(),
            ],
        ),
        _ => return None,
    })
}

fn agent(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::LanesAnnounced { session_id, lanes } => {
            run(t, &LANES, &[session_id.as_str().into(), json(lanes)])
        }
        Event::SteerSent { id, cell_id, text, attachments, by } => run(
            t,
            &STEER,
            &[
                id.as_str().into(),
                cell_id.as_str().into(),
                text.as_str().into(),
                list(attachments),
                by.as_str().into(),
            ],
        ),
        Event::SteerTaken { id, output_id } => {
            run(t, &STEER_TAKEN, &[output_id.as_str().into(), id.as_str().into()])
        }
        Event::ToolCallStarted { tool_call_id, cell_id, output_id, arguments } => run(
            t,
            &TOOL,
            &[
                tool_call_id.as_str().into(),
                cell_id.as_str().into(),
                output_id.as_str().into(),
                json(arguments),
            ],
        ),
        Event::ToolCallEnded { tool_call_id, status, duration_ms } => {
            tool_ended(t, tool_call_id, status.as_str(), *duration_ms)
        }
        _ => return None,
    })
}

fn tool_ended(t: &mut dyn DerivedTables, id: &str, status: &str, duration: i64) -> Result<(), TableError> {
    if t.execute(&TOOL_UNSTARTED, &[id.into(), status.into(), duration.into()])? > 0 {
        return Ok(());
    }
    run(t, &TOOL_ENDED, &[status.into(), duration.into(), id.into()])
}

fn records(event: &Event, t: &mut dyn DerivedTables) -> Done {
    Some(match event {
        Event::ModelUsed {
            id,
            cell_id,
            queue_id,
            provider,
            model,
            input,
            output,
            cache_read,
            cache_write,
            cost_micros,
            finish_reason,
        } => run(
            t,
            &MODEL_USED,
            &[
                id.as_str().into(),
                cell_id.as_str().into(),
                queue_id.as_str().into(),
                provider.as_str().into(),
                model.as_str().into(),
                (*input).into(),
                (*output).into(),
                (*cache_read).into(),
                (*cache_write).into(),
                (*cost_micros).into(),
                finish_reason.as_deref().into(),
            ],
        ),
        Event::Compacted { id, leaf_id, summary, first_kept_id, tokens_before, source, details } => run(
            t,
            &COMPACTED,
            &[
                id.as_str().into(),
                leaf_id.as_str().into(),
                summary.as_str().into(),
                first_kept_id.as_str().into(),
                (*tokens_before).into(),
                source.as_str().into(),
                details.as_ref().filter(|details| !details.is_null()).map_or(Bind::Null, json),
            ],
        ),
        Event::StateSet { extension, key, value } => {
            let (extension, key) = (extension.as_str().into(), key.as_str().into());
            match value {
                // Nothing and `null` are one value in the tables.
                None | Some(Value::Null) => run(t, &STATE_DROP, &[extension, key]),
                Some(value) => run(t, &STATE, &[extension, key, json(value)]),
            }
        }
        _ => return None,
    })
}

fn list(items: &[String]) -> Bind<'static> {
    if items.is_empty() { Bind::Null } else { json(&items) }
}
