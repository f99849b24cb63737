//! The notebook: what happened in a session, as events, and what follows from them, as tables.
//!
//! A *store* holds one notebook: a log of immutable [`Event`]s and tables derived from it by one pure function,
//! [`apply`]. Whoever wants to change a session commits events; whoever wants to show it queries tables and watches
//! them. The principal types are [`Event`], the [`Store`] trait with its questions ([`Query`], typed by [`StoreExt`]),
//! and [`MemoryStore`], the store in memory that is the reference for every other.
//!
//! This crate has no clock, no randomness, no files and no threads of its own, and compiles for a browser. It does not
//! know who executes cells (`runtime-core`) or where a log is kept (`runtime-native` has the SQLite store, which uses
//! [`apply`], [`create_statements`] and [`Query::compile`]).
//!
//! Invariants:
//! - The tables are a fold of the log: the same log gives the same tables in every store ([`dump::canonical`] compares).
//! - A batch is committed whole or not at all, and what is committed never changes.
//! - An event that a guard rejects is kept and changes nothing; so is one whose name is unknown.
//! - Wire names, payloads, tables and columns of the base schema are those of the existing LiveStore applications.
//!
//! ```
//! use std::rc::Rc;
//! use purlin_notebook::{CellType, Event, MemoryStore, NotebookId, Store, StoreExt};
//!
//! let store = MemoryStore::new(NotebookId::from("demo"), Rc::new(|| 0));
//! store.commit(&[
//!     Event::CellCreated2 {
//!         id: "c1".into(),
//!         fractional_index: "m".into(),
//!         cell_type: CellType::Ai,
//!         created_by: "ada".into(),
//!     },
//!     Event::CellSourceChanged { id: "c1".into(), source: "What is a purlin?".into(), modified_by: "ada".into() },
//! ])?;
//! assert_eq!(store.branch_path(None)?[0].cell.source, "What is a purlin?");
//! # Ok::<(), purlin_notebook::StoreError>(())
//! ```

pub mod dump;
pub mod event;
pub mod ids;
mod materialize;
mod memory;
pub mod order;
pub mod query;
mod reading;
pub mod rows;
pub mod store;
pub mod tables;
pub mod time;
pub mod values;

pub use event::{CellRun, Event, EventError};
pub use ids::{CellId, NotebookId, OutputId, QueueId, RuntimeSessionId};
pub use materialize::{Author, apply};
pub use memory::MemoryStore;
pub use query::{Query, Rows};
pub use reading::{primary, stream_groups};
pub use rows::{
    Annotation, Approval, BranchCell, Cell, Compaction, Delta, ExecutionNote, Fork, Label, LogEntry,
    ModelUse, Output, OutputHead, QueueEntry, RuntimeSession, StateRow, Steer, ToolCall,
};
pub use store::{
    Authority, CommitId, ConfirmedEvent, Durability, EventNames, Replica, Store, StoreError, StoreExt,
    SyncStatus,
};
pub use tables::{Table, Tables, create_statements};
pub use values::{
    ActorType, ApprovalStatus, Capabilities, CellKind, CellType, CompactionSource, CompletionStatus,
    ExecutionState, Media, OutputMeta, OutputType, QueueStatus, RUNTIME_SESSION_TIMEOUT_MS, Representations,
    Role, RuntimeStatus, StreamName, TOOL_CALL_MIME, TOOL_RESULT_MIME, TerminationReason, ToolCallStatus,
};
