//! Rows of the queue, runtime sessions, tool calls and approvals.

use serde_json::Value;

use super::{DecodeError, FromRow, Row};
use crate::ids::{CellId, OutputId, QueueId, RuntimeSessionId};
use crate::values::{ApprovalStatus, Capabilities, CellKind, QueueStatus, RuntimeStatus, ToolCallStatus};

/// An entry of the execution queue: one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its id.
    pub id: QueueId,
    /// The cell to run.
    pub cell_id: CellId,
    /// How often the cell has been run, this run included.
    pub execution_count: i64,
    /// Who asked.
    pub requested_by: String,
    /// Where it stands.
    pub status: QueueStatus,
    /// Who claimed it.
    pub assigned_runtime_session: Option<RuntimeSessionId>,
    /// When it began, as an ISO date.
    pub started_at: Option<String>,
    /// When it ended, as an ISO date.
    pub completed_at: Option<String>,
    /// How long it took, in milliseconds.
    pub execution_duration_ms: Option<i64>,
}

impl FromRow for QueueEntry {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.text()?,
            cell_id: row.text()?,
            execution_count: row.integer()?,
            requested_by: row.text()?,
            status: row.word()?,
            assigned_runtime_session: row.maybe_text()?,
            started_at: row.maybe_text()?,
            completed_at: row.maybe_text()?,
            execution_duration_ms: row.maybe_integer()?,
        })
    }
}

/// One run of a runtime agent.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeSession {
    /// Its id.
    pub session_id: RuntimeSessionId,
    /// The agent.
    pub runtime_id: String,
    /// What kind of runtime it is.
    pub runtime_type: String,
    /// Where it stands.
    pub status: RuntimeStatus,
    /// Whether it has not ended.
    pub is_active: bool,
    /// What it can execute.
    pub capabilities: Capabilities,
    /// When it was heard of last, as an ISO date; local sessions are not renewed.
    pub last_renewed_at: Option<String>,
    /// Until when that counts, as an ISO date.
    pub expires_at: Option<String>,
    /// The lanes it announced; `None` means that it holds all.
    pub lanes: Option<Vec<CellKind>>,
}

impl RuntimeSession {
    /// Tells whether the session holds a lane, if it is alive.
    pub fn holds(&self, lane: CellKind) -> bool {
        self.lanes.as_ref().is_none_or(|lanes| lanes.contains(&lane))
    }
}

impl FromRow for RuntimeSession {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            session_id: row.text()?,
            runtime_id: row.text()?,
            runtime_type: row.text()?,
            status: row.word()?,
            is_active: row.flag()?,
            capabilities: Capabilities {
                can_execute_code: row.flag()?,
                can_execute_sql: row.flag()?,
                can_execute_ai: row.flag()?,
                available_ai_models: row.json()?,
            },
            last_renewed_at: row.maybe_text()?,
            expires_at: row.maybe_text()?,
            lanes: row.json()?,
        })
    }
}

/// A tool call that was begun, or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Its id.
    pub tool_call_id: String,
    /// The cell; a call that a gate refused was never begun and has none.
    pub cell_id: Option<CellId>,
    /// The output that asked for it.
    pub output_id: Option<OutputId>,
    /// Its arguments as run.
    pub arguments: Option<Value>,
    /// How it ended; `None` while it runs, or if its process went away.
    pub status: Option<ToolCallStatus>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
}

impl FromRow for ToolCall {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            tool_call_id: row.text()?,
            cell_id: row.maybe_text()?,
            output_id: row.maybe_text()?,
            arguments: row.json()?,
            status: row.maybe_word()?,
            duration_ms: row.maybe_integer()?,
        })
    }
}

/// A request for a tool's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The tool call.
    pub tool_call_id: String,
    /// Its cell.
    pub cell_id: CellId,
    /// The tool.
    pub tool_name: String,
    /// The answer.
    pub status: ApprovalStatus,
    /// Who answered.
    pub approved_by: Option<String>,
    /// When it was asked, as an ISO date.
    pub requested_at: String,
    /// When it was answered, as an ISO date.
    pub responded_at: Option<String>,
}

impl FromRow for Approval {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            tool_call_id: row.text()?,
            cell_id: row.text()?,
            tool_name: row.text()?,
            status: row.word()?,
            approved_by: row.maybe_text()?,
            requested_at: row.text()?,
            responded_at: row.maybe_text()?,
        })
    }
}

/// What was executed, and what went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionNote {
    /// The execution.
    pub queue_id: QueueId,
    /// What was executed.
    pub source: String,
    /// Why it ended as it did.
    pub reason: Option<String>,
    /// The error, in words.
    pub error: Option<String>,
}

impl FromRow for ExecutionNote {
    fn from_row(row: &mut Row) -> Result<Self, DecodeError> {
        Ok(Self {
            queue_id: row.text()?,
            source: row.text()?,
            reason: row.maybe_text()?,
            error: row.maybe_text()?,
        })
    }
}
