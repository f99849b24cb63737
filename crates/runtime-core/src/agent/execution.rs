//! One execution: claimed, started, ended.

use std::any::Any;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::abortable;
use purlin_notebook::{
    Annotation, Cell as NotebookCell, CellKind, CompletionStatus, Event, OutputId, QueueEntry, QueueId,
    QueueStatus, StoreError, StoreExt, ToolCallStatus, time,
};

use crate::agent::backlog::Waiting;
use crate::agent::claim::Fence;
use crate::agent::serve::{Active, Serve};
use crate::context::writer::{Settings, Writer};
use crate::context::{ExecutionContext, carry_out, error_content};
use crate::flush;
use crate::handler::{ExecutionError, Outcome};
use crate::ids::new_id;
use crate::signal::Cancellation;

/// How a handler's future ended.
pub(super) enum End {
    /// It answered.
    Answered(Result<Outcome, ExecutionError>),
    /// It panicked, with this message.
    Panicked(String),
    /// It was dropped.
    Dropped,
}

/// What the log is to say of an end.
struct Verdict {
    status: CompletionStatus,
    error: Option<String>,
    note: Option<String>,
    /// What stands before the completion.
    events: Vec<Event>,
}

impl Serve<'_> {
    /// Starts what is assigned to us; answers whether it runs.
    pub(super) fn start(
        &mut self,
        entry: Waiting,
        row: &QueueEntry,
        cell: NotebookCell,
        annotation: Option<Annotation>,
        lane: CellKind,
    ) -> Result<bool, StoreError> {
        let store = &self.agent.store;
        let Some(handler) = self.agent.handlers.get(lane).cloned() else { return Ok(false) };
        let cx = self.context(row, cell, annotation, lane)?;
        store.commit(&self.start_of(&cx, lane))?;
        if !self.is_ours(&entry.queue, QueueStatus::Executing)? {
            return Ok(false);
        }
        let (level, deadline) = (self.agent.options.durability, self.agent.options.flush_deadline);
        let flush = flush::within(&**store, &self.agent.host, level, deadline);
        let (context, entered) = (cx.clone(), Rc::new(Cell::new(false)));
        let enters = entered.clone();
        let (future, abort) = abortable(
            AssertUnwindSafe(async move {
                flush.await?;
                context.check_cancellation()?;
                enters.set(true);
                carry_out(handler, context).await
            })
            .catch_unwind(),
        );
        let fence = self.fence(&entry.queue);
        let of = fence.clone();
        self.running.push(Box::pin(async move {
            let end = match future.await {
                Ok(Ok(answer)) => End::Answered(answer),
                Ok(Err(panic)) => End::Panicked(panic_message(&*panic)),
                Err(_aborted) => End::Dropped,
            };
            (of, end)
        }));
        let started = self.agent.host.mono();
        self.active.push(Active { cx, lane, entry, fence, started, entered, abort, stopping: None });
        Ok(true)
    }

    /// Makes the events that stand in the log before a handler is called.
    fn start_of(&self, cx: &ExecutionContext, lane: CellKind) -> Vec<Event> {
        let mut start = vec![Event::ExecutionStarted {
            queue_id: cx.queue_id.clone(),
            cell_id: cx.cell.id.clone(),
            runtime_session_id: self.session.clone(),
            started_at: time::iso(self.agent.host.now()),
        }];
        if lane != CellKind::Ai {
            let cleared_by = format!("runtime-{}", self.agent.options.runtime_id);
            start.push(Event::CellOutputsCleared { cell_id: cx.cell.id.clone(), wait: false, cleared_by });
        }
        start.push(note(cx, None, None));
        start.retain(|event| self.agent.store.knows(event.name()));
        start
    }

    fn fence(&self, queue: &QueueId) -> Fence {
        let attempt = self.agent.attempts.get() + 1;
        self.agent.attempts.set(attempt);
        Fence { session: self.session.clone(), queue: queue.clone(), attempt }
    }

    fn context(
        &self,
        entry: &QueueEntry,
        cell: NotebookCell,
        annotation: Option<Annotation>,
        lane: CellKind,
    ) -> Result<ExecutionContext, StoreError> {
        let (options, cancellation) = (&self.agent.options, Cancellation::new());
        let position = if lane == CellKind::Ai { self.next_position(&entry.cell_id)? } else { 0.0 };
        let settings = Settings {
            terminal: options.terminal,
            image_artifact_threshold: options.image_artifact_threshold,
        };
        let writer = Writer::new(
            self.agent.store.clone(),
            self.agent.host.clone(),
            options.artifacts.clone(),
            entry.cell_id.clone(),
            (position, settings),
            cancellation.clone(),
        );
        Ok(ExecutionContext {
            cell: Rc::new(cell),
            annotation: annotation.map(Rc::new),
            kind: lane,
            queue_id: entry.id.clone(),
            queue_entry: Rc::new(entry.clone()),
            session_id: self.session.clone(),
            runtime_id: options.runtime_id.as_str().into(),
            client_id: options.client_id.as_str().into(),
            execution_count: entry.execution_count,
            writer,
            cancellation,
            flush_deadline: options.flush_deadline,
        })
    }

    /// Finds the first position after the outputs that a cell has.
    fn next_position(&self, cell: &purlin_notebook::CellId) -> Result<f64, StoreError> {
        let outputs = self.agent.store.outputs_of(cell)?;
        Ok(outputs.iter().map(|output| output.position.floor() + 1.0).fold(0.0, f64::max))
    }

    /// Settles an execution whose handler has ended; what comes from an attempt that is not current is dropped.
    pub(super) fn finish(&mut self, fence: &Fence, end: End) -> Result<(), StoreError> {
        if !self.is_ours(&fence.queue, QueueStatus::Executing)? {
            // It was cancelled or lost in the moment of its end: what follows from that is done first.
            self.look_at(fence)?;
        }
        let Some(at) = self.active.iter().position(|active| active.fence == *fence) else {
            return Ok(());
        };
        let active = self.active.remove(at);
        let queue = &fence.queue;
        let writer = active.cx.writer.clone();
        let mut events = writer.close();
        let end = match writer.failure() {
            Some(error) => End::Answered(Err(error.into())),
            None => end,
        };
        if !matches!(end, End::Answered(Ok(_))) {
            let status = if active.stopping.is_some() {
                ToolCallStatus::Cancelled
            } else {
                ToolCallStatus::Interrupted
            };
            events.extend(self.agent.end_tool_calls(&active.cx.cell.id, status)?);
        }
        if !self.is_ours(queue, QueueStatus::Executing)? {
            // Cancelled, or settled by others: its last words are kept, its end is not ours to tell.
            return self.settle(events);
        }
        if !active.entered.get() && active.stopping.is_some() && self.agent.can_release() {
            // We end before its handler was called: nothing happened, and the next holder of the lane may do it.
            let (queue_id, runtime_session_id) = (queue.clone(), self.session.clone());
            let reason = "its runtime ended before it began".to_owned();
            events.push(Event::ExecutionReleased { queue_id, runtime_session_id, reason });
            return self.settle(events);
        }
        let verdict = self.judge(&active, end);
        events.extend(verdict.events);
        if verdict.note.is_some() || verdict.error.is_some() {
            events.push(note(&active.cx, verdict.note, verdict.error.clone()));
        }
        let failed = verdict.status == CompletionStatus::Error;
        events.push(Event::ExecutionCompleted {
            queue_id: queue.clone(),
            cell_id: active.cx.cell.id.clone(),
            status: verdict.status,
            error: verdict.error,
            completed_at: time::iso(self.agent.host.now()),
            execution_duration_ms: self.agent.host.mono().saturating_sub(active.started) as i64,
        });
        self.settle(events)?;
        if failed && self.agent.options.stop_on_error {
            let rest = self.backlog.rest_of_batch(&*self.agent.store, &active.entry)?;
            self.cancel(&rest, "an execution of its batch failed")?;
        }
        Ok(())
    }

    fn judge(&self, active: &Active, end: End) -> Verdict {
        let cx = &active.cx;
        let mut verdict =
            Verdict { status: CompletionStatus::Cancelled, error: None, note: None, events: Vec::new() };
        match end {
            End::Answered(Ok(outcome)) => {
                verdict.status = CompletionStatus::Success;
                verdict.note = outcome.reason;
            }
            _ if active.stopping.is_some() => verdict.error = active.stopping.map(str::to_owned),
            End::Answered(Err(ExecutionError::Cancelled)) | End::Dropped => {}
            End::Answered(Err(error)) => self.fail(cx, error, &mut verdict),
            End::Panicked(message) => {
                let message = format!("The handler panicked: {message}");
                self.fail(cx, ExecutionError::failed("Panic", message), &mut verdict);
            }
        }
        verdict
    }

    fn fail(&self, cx: &ExecutionContext, error: ExecutionError, verdict: &mut Verdict) {
        verdict.status = CompletionStatus::Error;
        verdict.error = Some(error.to_string());
        self.agent.call("on_execution_error", |lifecycle| lifecycle.on_execution_error(&cx.queue_id, &error));
        if let ExecutionError::Failed { ename, evalue, traceback, shown: false } = error {
            verdict.events.push(Event::ErrorOutputAdded {
                id: OutputId::from(new_id(&*self.agent.host)),
                cell_id: cx.cell.id.clone(),
                position: cx.next_position(),
                content: error_content(&ename, &evalue, &traceback),
            });
        }
    }
}

/// Makes the event that says what was executed and how it went.
fn note(cx: &ExecutionContext, reason: Option<String>, error: Option<String>) -> Event {
    Event::ExecutionNoted { queue_id: cx.queue_id.clone(), source: cx.source().to_owned(), reason, error }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
