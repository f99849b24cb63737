//! Notebook events: the immutable facts of a store's log.
//!
//! Wire names and payloads of the base events are those of the LiveStore notebook applications of the runt/anode
//! family; `purlin.v1.*` are ours. Both are on people's disks for good: variants are added, never changed.
//! The conversion to and from the wire is in `event/wire.rs`, what a commit refuses in `event/refuse.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod refuse;
mod surrogates;
mod unknown;
mod wire;

pub use unknown::UnknownNames;
pub(crate) use wire::present;
pub use wire::{EventError, NAMES};

use crate::ids::{CellId, NotebookId, OutputId, QueueId, RuntimeSessionId};
use crate::values::{
    ActorType, ApprovalStatus, Capabilities, CellKind, CellType, CompactionSource, CompletionStatus, Media,
    Representations, StreamName, TerminationReason, ToolCallStatus,
};

/// One cell of a [`Event::MultipleExecutionRequested`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CellRun {
    /// The cell to run.
    pub id: CellId,
    /// How often the cell has been run, this run included.
    pub execution_count: i64,
    /// The queue entry, which is also the execution's id.
    pub queue_id: QueueId,
}

/// One fact in a store's log, as `{"name": …, "args": …}` on the wire.
///
/// Dates are ISO-8601 text, as on the wire. Whole numbers are written without a fraction, as JavaScript writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "name", content = "args", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "fields are those of contracts/notebook.md, documented there once")]
pub enum Event {
    #[serde(rename = "v1.Debug")]
    Debug { id: String },
    #[serde(rename = "v1.FileUploaded")]
    FileUploaded {
        artifact_id: String,
        mime_type: String,
        file_name: String,
        created_at: String,
        created_by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_url: Option<String>,
    },
    #[serde(rename = "v1.FileDeleted")]
    FileDeleted { file_name: String },
    #[serde(rename = "v2.FileDeleted")]
    FileDeleted2 { file_name: String, deleted_at: String },
    #[serde(rename = "v1.NotebookInitialized")]
    NotebookInitialized { id: String, title: String, owner_id: String },
    #[serde(rename = "v1.NotebookTitleChanged")]
    NotebookTitleChanged { title: String },
    #[serde(rename = "v1.NotebookMetadataSet")]
    NotebookMetadataSet { key: String, value: String },
    #[serde(rename = "v1.CellCreated")]
    CellCreated {
        id: CellId,
        cell_type: CellType,
        #[serde(serialize_with = "wire::number")]
        position: f64,
        created_by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v2.CellCreated")]
    CellCreated2 { id: CellId, fractional_index: String, cell_type: CellType, created_by: String },
    #[serde(rename = "v1.CellSourceChanged")]
    CellSourceChanged { id: CellId, source: String, modified_by: String },
    #[serde(rename = "v1.CellTypeChanged")]
    CellTypeChanged {
        id: CellId,
        cell_type: CellType,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.CellDeleted")]
    CellDeleted {
        id: CellId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.CellMoved")]
    CellMoved {
        id: CellId,
        #[serde(serialize_with = "wire::number")]
        new_position: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v2.CellMoved")]
    CellMoved2 {
        id: CellId,
        fractional_index: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.CellSourceVisibilityToggled")]
    CellSourceVisibilityToggled {
        id: CellId,
        source_visible: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.CellOutputVisibilityToggled")]
    CellOutputVisibilityToggled {
        id: CellId,
        output_visible: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.CellAiContextVisibilityToggled")]
    CellAiContextVisibilityToggled {
        id: CellId,
        ai_context_visible: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.PresenceSet")]
    PresenceSet {
        user_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cell_id: Option<CellId>,
    },
    #[serde(rename = "v1.RuntimeSessionStarted")]
    RuntimeSessionStarted {
        session_id: RuntimeSessionId,
        runtime_id: String,
        runtime_type: String,
        capabilities: Capabilities,
    },
    #[serde(rename = "v1.RuntimeSessionStatusChanged")]
    RuntimeSessionStatusChanged { session_id: RuntimeSessionId, status: crate::values::RuntimeStatus },
    #[serde(rename = "v1.RuntimeSessionTerminated")]
    RuntimeSessionTerminated { session_id: RuntimeSessionId, reason: TerminationReason },
    #[serde(rename = "v1.RuntimeSessionRenewal")]
    RuntimeSessionRenewal { session_id: RuntimeSessionId, renewed_at: String, valid_for_ms: i64 },
    #[serde(rename = "v1.ExecutionRequested")]
    ExecutionRequested {
        queue_id: QueueId,
        cell_id: CellId,
        execution_count: i64,
        requested_by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
    },
    #[serde(rename = "v1.MultipleExecutionRequested")]
    MultipleExecutionRequested { requested_by: String, cells_info: Vec<CellRun> },
    #[serde(rename = "v1.ExecutionAssigned")]
    ExecutionAssigned { queue_id: QueueId, runtime_session_id: RuntimeSessionId },
    #[serde(rename = "v1.ExecutionStarted")]
    ExecutionStarted {
        queue_id: QueueId,
        cell_id: CellId,
        runtime_session_id: RuntimeSessionId,
        started_at: String,
    },
    #[serde(rename = "v1.ExecutionCompleted")]
    ExecutionCompleted {
        queue_id: QueueId,
        cell_id: CellId,
        status: CompletionStatus,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        completed_at: String,
        execution_duration_ms: i64,
    },
    #[serde(rename = "v1.ExecutionCancelled")]
    ExecutionCancelled {
        queue_id: QueueId,
        cell_id: CellId,
        cancelled_by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor_id: Option<String>,
        reason: String,
    },
    #[serde(rename = "v1.AllExecutionsCancelled")]
    AllExecutionsCancelled {},
    #[serde(rename = "v1.MultimediaDisplayOutputAdded")]
    MultimediaDisplayOutputAdded {
        id: OutputId,
        cell_id: CellId,
        #[serde(serialize_with = "wire::number")]
        position: f64,
        representations: Representations,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_id: Option<String>,
    },
    #[serde(rename = "v1.MultimediaDisplayOutputUpdated")]
    MultimediaDisplayOutputUpdated { display_id: String, representations: Representations },
    #[serde(rename = "v1.MultimediaResultOutputAdded")]
    MultimediaResultOutputAdded {
        id: OutputId,
        cell_id: CellId,
        #[serde(serialize_with = "wire::number")]
        position: f64,
        representations: Representations,
        execution_count: i64,
    },
    #[serde(rename = "v1.TerminalOutputAdded")]
    TerminalOutputAdded {
        id: OutputId,
        cell_id: CellId,
        #[serde(serialize_with = "wire::number")]
        position: f64,
        content: Media,
        stream_name: StreamName,
    },
    #[serde(rename = "v1.TerminalOutputAppended")]
    TerminalOutputAppended { output_id: OutputId, content: Media },
    #[serde(rename = "v2.TerminalOutputAppended")]
    TerminalOutputAppended2 { id: String, output_id: OutputId, delta: String, sequence_number: i64 },
    #[serde(rename = "v1.MarkdownOutputAdded")]
    MarkdownOutputAdded {
        id: OutputId,
        cell_id: CellId,
        #[serde(serialize_with = "wire::number")]
        position: f64,
        content: Media,
    },
    #[serde(rename = "v1.MarkdownOutputAppended")]
    MarkdownOutputAppended { output_id: OutputId, content: Media },
    #[serde(rename = "v2.MarkdownOutputAppended")]
    MarkdownOutputAppended2 { id: String, output_id: OutputId, delta: String, sequence_number: i64 },
    #[serde(rename = "v1.ErrorOutputAdded")]
    ErrorOutputAdded {
        id: OutputId,
        cell_id: CellId,
        #[serde(serialize_with = "wire::number")]
        position: f64,
        content: Media,
    },
    #[serde(rename = "v1.CellOutputsCleared")]
    CellOutputsCleared { cell_id: CellId, wait: bool, cleared_by: String },
    #[serde(rename = "v1.AllOutputsCleared")]
    AllOutputsCleared { cleared_by: String },
    #[serde(rename = "v1.AiSettingsChanged")]
    AiSettingsChanged { cell_id: CellId, provider: String, model: String, settings: Value },
    #[serde(rename = "v1.SqlConnectionChanged")]
    SqlConnectionChanged {
        cell_id: CellId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection_id: Option<String>,
        changed_by: String,
    },
    #[serde(rename = "v1.SqlResultVariableChanged")]
    SqlResultVariableChanged {
        cell_id: CellId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result_variable: Option<String>,
        changed_by: String,
    },
    #[serde(rename = "v1.ActorProfileSet")]
    ActorProfileSet {
        id: String,
        #[serde(rename = "type")]
        actor_type: ActorType,
        display_name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar: Option<String>,
    },
    #[serde(rename = "v1.ToolApprovalRequested")]
    ToolApprovalRequested {
        tool_call_id: String,
        cell_id: CellId,
        tool_name: String,
        arguments: Value,
        requested_at: String,
    },
    #[serde(rename = "v1.ToolApprovalResponded")]
    ToolApprovalResponded {
        tool_call_id: String,
        status: ApprovalStatus,
        approved_by: String,
        responded_at: String,
    },

    #[serde(rename = "purlin.v1.CellAnnotated")]
    CellAnnotated {
        cell_id: CellId,
        kind: CellKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hidden: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<CellId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_output: Option<OutputId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extension: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prepared: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prepared_text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<BTreeMap<String, Value>>,
    },
    #[serde(rename = "purlin.v1.LanesAnnounced")]
    LanesAnnounced { session_id: RuntimeSessionId, lanes: Vec<CellKind> },
    #[serde(rename = "purlin.v1.BranchSelected")]
    BranchSelected {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leaf_id: Option<CellId>,
    },
    #[serde(rename = "purlin.v1.CellLabelled")]
    CellLabelled {
        cell_id: CellId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    #[serde(rename = "purlin.v1.SteerSent")]
    SteerSent {
        id: String,
        cell_id: CellId,
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<String>,
        by: String,
    },
    #[serde(rename = "purlin.v1.SteerTaken")]
    SteerTaken { id: String, output_id: OutputId },
    #[serde(rename = "purlin.v1.ToolCallStarted")]
    ToolCallStarted { tool_call_id: String, cell_id: CellId, output_id: OutputId, arguments: Value },
    #[serde(rename = "purlin.v1.ToolCallEnded")]
    ToolCallEnded { tool_call_id: String, status: ToolCallStatus, duration_ms: i64 },
    #[serde(rename = "purlin.v1.ModelUsed")]
    ModelUsed {
        id: String,
        cell_id: CellId,
        queue_id: QueueId,
        provider: String,
        model: String,
        input: i64,
        output: i64,
        cache_read: i64,
        cache_write: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost_micros: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finish_reason: Option<String>,
    },
    #[serde(rename = "purlin.v1.Compacted")]
    Compacted {
        id: String,
        leaf_id: CellId,
        summary: String,
        first_kept_id: String,
        tokens_before: i64,
        source: CompactionSource,
        #[serde(default, deserialize_with = "wire::present", skip_serializing_if = "Option::is_none")]
        details: Option<Value>,
    },
    #[serde(rename = "purlin.v1.ExecutionReleased")]
    ExecutionReleased { queue_id: QueueId, runtime_session_id: RuntimeSessionId, reason: String },
    #[serde(rename = "purlin.v1.ExecutionNoted")]
    ExecutionNoted {
        queue_id: QueueId,
        source: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    #[serde(rename = "purlin.v1.StateSet")]
    StateSet {
        extension: String,
        key: String,
        #[serde(default, deserialize_with = "wire::present", skip_serializing_if = "Option::is_none")]
        value: Option<Value>,
    },
    #[serde(rename = "purlin.v1.ForkedFrom")]
    ForkedFrom {
        notebook_id: NotebookId,
        cell_id: CellId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_id: Option<OutputId>,
    },

    /// An event whose name this build does not know: kept, passed on, ignored by the tables.
    #[serde(skip)]
    Unknown { name: String, args: Value },
}
