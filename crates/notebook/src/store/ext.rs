//! Typed questions, for every store.

use std::collections::BTreeMap;

use super::{Store, StoreError};
use crate::event::Event;
use crate::ids::{CellId, OutputId, QueueId, RuntimeSessionId};
use crate::order::{self, Placed, Places, Spot};
use crate::query::Query;
use crate::rows::{
    Annotation, Approval, BranchCell, Cell, Compaction, Delta, ExecutionNote, Fork, FromRow, Label, LogEntry,
    MetadataRow, ModelUse, Output, OutputHead, QueueEntry, RuntimeSession, StateRow, Steer, ToolCall,
};
use crate::values::{CellKind, QueueStatus};

/// The questions of [`Query`] with typed answers.
pub trait StoreExt: Store {
    /// Answers a query with typed rows.
    fn rows<T: FromRow>(&self, query: &Query) -> Result<Vec<T>, StoreError> {
        Ok(self.query(query)?.decode()?)
    }

    /// Answers a query that has at most one row.
    fn row<T: FromRow>(&self, query: &Query) -> Result<Option<T>, StoreError> {
        Ok(self.rows(query)?.into_iter().next())
    }

    /// Returns every cell, in cell order.
    fn cells(&self) -> Result<Vec<Cell>, StoreError> {
        self.rows(&Query::Cells)
    }

    /// Returns a cell.
    fn cell(&self, id: &CellId) -> Result<Option<Cell>, StoreError> {
        self.row(&Query::Cell(id.clone()))
    }

    /// Returns the outputs of a cell, by position.
    fn outputs_of(&self, cell: &CellId) -> Result<Vec<Output>, StoreError> {
        self.rows(&Query::OutputsOf(cell.clone()))
    }

    /// Returns the cell that is last in cell order, after which a new one goes.
    fn last_cell(&self) -> Result<Option<Cell>, StoreError> {
        self.row(&Query::LastCell)
    }

    /// Finds the place of a new cell. `jitter` gives random numbers, see [`order::between`].
    ///
    /// The moves that come with it are committed in one batch with the cell, before it; there are some only where keys
    /// leave no room.
    fn place_cell(&self, spot: &Spot, jitter: &mut dyn FnMut() -> u32) -> Result<Placed, StoreError> {
        if *spot == Spot::Last {
            // Appending is what happens all day, and needs the last cell only.
            let last = self.last_cell()?;
            let key = last.as_ref().and_then(|cell| cell.fractional_index.as_deref());
            if let Ok(fractional_index) = order::between(key, None, jitter) {
                return Ok(Placed { fractional_index, moves: Vec::new() });
            }
        }
        Ok(self.places()?.insert(spot, jitter))
    }

    /// Makes the events that move a cell: none if it is there already, has no place, or does not exist.
    fn move_cell(
        &self,
        id: &CellId,
        spot: &Spot,
        jitter: &mut dyn FnMut() -> u32,
    ) -> Result<Vec<Event>, StoreError> {
        Ok(self.places()?.move_to(id, spot, jitter))
    }

    /// Returns the cells in cell order with their keys.
    fn places(&self) -> Result<Places, StoreError> {
        Ok(Places::new(self.cells()?.into_iter().map(|cell| (cell.id, cell.fractional_index))))
    }

    /// Returns the outputs of a cell or of all cells, by cell and position, without their content.
    fn output_heads(&self, cell: Option<&CellId>) -> Result<Vec<OutputHead>, StoreError> {
        self.rows(&Query::OutputHeads { cell: cell.cloned() })
    }

    /// Returns an output.
    fn output(&self, id: &OutputId) -> Result<Option<Output>, StoreError> {
        self.row(&Query::Output(id.clone()))
    }

    /// Returns what was appended to an output after a number; -1 for all.
    fn deltas_after(&self, output: &OutputId, seq: i64) -> Result<Vec<Delta>, StoreError> {
        self.rows(&Query::DeltasAfter { output: output.clone(), seq })
    }

    /// Returns the whole text of a text output: its data and what was appended to it.
    fn text_of(&self, output: &Output) -> Result<String, StoreError> {
        let mut text = output.data.clone().unwrap_or_default();
        for delta in self.deltas_after(&output.id, i64::MIN)? {
            text.push_str(&delta.delta);
        }
        Ok(text)
    }

    /// Returns every annotation.
    fn annotations(&self) -> Result<Vec<Annotation>, StoreError> {
        self.rows(&Query::Annotations)
    }

    /// Returns the annotation of a cell.
    fn annotation(&self, cell: &CellId) -> Result<Option<Annotation>, StoreError> {
        self.row(&Query::Annotation(cell.clone()))
    }

    /// Tells what executes a cell: its annotation's kind, or else what its type means in the base schema.
    fn kind_of(&self, cell: &Cell) -> Result<CellKind, StoreError> {
        Ok(self.annotation(&cell.id)?.map_or(cell.cell_type.kind(), |annotation| annotation.kind))
    }

    /// Returns the cells of a branch, root first: of the current one, or of the one that ends in `leaf`.
    fn branch_path(&self, leaf: Option<&CellId>) -> Result<Vec<BranchCell>, StoreError> {
        self.rows(&Query::BranchPath { leaf: leaf.cloned() })
    }

    /// Returns the leaf that somebody selected; `None` means the newest cell.
    fn selected_leaf(&self) -> Result<Option<CellId>, StoreError> {
        let row = self.query(&Query::SelectedBranch)?.rows.into_iter().next();
        Ok(row.and_then(|row| row.get(1).and_then(|leaf| leaf.as_str().map(CellId::from))))
    }

    /// Returns entries of the execution queue, in log order.
    fn queue(&self, status: Option<QueueStatus>) -> Result<Vec<QueueEntry>, StoreError> {
        self.rows(&Query::Queue { status })
    }

    /// Returns an entry of the execution queue.
    fn queue_entry(&self, id: &QueueId) -> Result<Option<QueueEntry>, StoreError> {
        self.row(&Query::QueueEntry(id.clone()))
    }

    /// Returns the queue entries of a cell, in log order.
    fn queue_of(&self, cell: &CellId) -> Result<Vec<QueueEntry>, StoreError> {
        self.rows(&Query::QueueOf(cell.clone()))
    }

    /// Returns every runtime session, in log order.
    fn runtime_sessions(&self) -> Result<Vec<RuntimeSession>, StoreError> {
        self.rows(&Query::RuntimeSessions)
    }

    /// Returns the lanes that a runtime session announced; `None` means that it holds all.
    fn lanes(&self, session: &RuntimeSessionId) -> Result<Option<Vec<CellKind>>, StoreError> {
        let row = self.query(&Query::Lanes(session.clone()))?.rows.into_iter().next();
        Ok(row.and_then(|mut row| row.pop()).and_then(|lanes| serde_json::from_value(lanes).ok()))
    }

    /// Returns the facts about the notebook by key.
    fn metadata(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let rows: Vec<MetadataRow> = self.rows(&Query::Metadata)?;
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// Returns the state of an extension, one key of it or all.
    fn state(&self, extension: &str, key: Option<&str>) -> Result<Vec<StateRow>, StoreError> {
        self.rows(&Query::State { extension: extension.to_owned(), key: key.map(str::to_owned) })
    }

    /// Returns the messages sent while a cell ran, in log order.
    fn steers(&self, cell: &CellId) -> Result<Vec<Steer>, StoreError> {
        self.rows(&Query::Steers(cell.clone()))
    }

    /// Returns the tool calls of a cell that were begun, in log order.
    fn tool_calls(&self, cell: &CellId) -> Result<Vec<ToolCall>, StoreError> {
        self.rows(&Query::ToolCalls(cell.clone()))
    }

    /// Returns a tool call, also one that a gate refused.
    fn tool_call(&self, id: &str) -> Result<Option<ToolCall>, StoreError> {
        self.row(&Query::ToolCall(id.to_owned()))
    }

    /// Returns what model requests used, in log order.
    fn model_usage(&self) -> Result<Vec<ModelUse>, StoreError> {
        self.rows(&Query::ModelUsage)
    }

    /// Returns the labels of cells.
    fn labels(&self) -> Result<Vec<Label>, StoreError> {
        self.rows(&Query::Labels)
    }

    /// Returns the requests for approval, in log order.
    fn approvals(&self) -> Result<Vec<Approval>, StoreError> {
        self.rows(&Query::Approvals)
    }

    /// Returns the compactions, in log order.
    fn compactions(&self) -> Result<Vec<Compaction>, StoreError> {
        self.rows(&Query::Compactions)
    }

    /// Returns what is noted of an execution.
    fn execution_note(&self, id: &QueueId) -> Result<Option<ExecutionNote>, StoreError> {
        self.row(&Query::ExecutionNote(id.clone()))
    }

    /// Returns where the notebook was forked from.
    fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        self.rows(&Query::Forks)
    }

    /// Returns the log after a rowid, at most `limit` entries.
    fn log_since(&self, rowid: i64, limit: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.rows(&Query::LogSince { rowid, limit })
    }

    /// Returns the log after a rowid, events of some wire names only, at most `limit` entries.
    fn log_named(
        &self,
        names: &'static [&'static str],
        rowid: i64,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        self.rows(&Query::LogNamed { names, rowid, limit })
    }

    /// Returns the rowid of the log's last entry, 0 if it is empty.
    fn last_rowid(&self) -> Result<i64, StoreError> {
        let rows = self.query(&Query::LastRowid)?.rows;
        Ok(rows.first().and_then(|row| row.first()).and_then(serde_json::Value::as_i64).unwrap_or(0))
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
