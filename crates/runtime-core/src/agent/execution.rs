//! One execution: claimed, started, ended.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::abortable;
use purlin_notebook::{
    Annotation, Cell, CellKind, CompletionStatus, Event, OutputId, QueueEntry, QueueId, QueueStatus,
    StoreError, StoreExt, ToolCallStatus, time,
};

use crate::agent::lanes::lane_of;
use crate::agent::serve::{Active, Serve};
use crate::context::writer::{Settings, Writer};
use crate::context::{ExecutionContext, carry_out, error_content};
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
    /// Sees to cancelled executions first, then claims.
    pub(super) fn look_at_queue(&mut self) -> Result<(), StoreError> {
        let queues: Vec<QueueId> = self.active.iter().map(|active| active.cx.queue_id.clone()).collect();
        for queue in queues {
            if !self.is_ours(&queue, QueueStatus::Executing)? {
                self.interrupted(&queue)?;
            }
        }
        self.claim()
    }

    /// Claims what is pending in lanes that are free, in log order.
    pub(super) fn claim(&mut self) -> Result<(), StoreError> {
        if self.is_blocked() {
            return Ok(());
        }
        let pending = self.agent.store.queue(Some(QueueStatus::Pending))?;
        self.seen = pending.iter().map(|entry| entry.id.clone()).collect();
        for entry in pending {
            if self.active.len() >= self.agent.options.lanes.len() {
                break;
            }
            let cell = self.agent.store.cell(&entry.cell_id)?;
            let annotation = self.agent.store.annotation(&entry.cell_id)?;
            let Some(cell) = cell else {
                if annotation.is_none_or(|annotation| self.agent.options.lanes.contains(&annotation.kind)) {
                    self.refuse(entry, "cell not found")?;
                }
                continue;
            };
            let lane = lane_of(&cell, annotation.as_ref());
            if !self.agent.options.lanes.contains(&lane) {
                continue;
            }
            if !self.active.iter().any(|active| active.lane == lane) && !self.others_execute(lane)? {
                self.execute(entry, cell, annotation, lane)?;
            }
        }
        Ok(())
    }

    /// Tells whether a session that we displaced while it lived has not yet ended its work in a lane.
    fn others_execute(&mut self, lane: CellKind) -> Result<bool, StoreError> {
        if !self.others_run {
            return Ok(false);
        }
        let mut any = false;
        for entry in self.agent.store.queue(Some(QueueStatus::Executing))? {
            let owner = entry.assigned_runtime_session.as_ref();
            if owner.is_none_or(|owner| *owner == self.session || !self.agent.is_alive(owner)) {
                continue;
            }
            any = true;
            let cell = self.agent.store.cell(&entry.cell_id)?;
            let annotation = self.agent.store.annotation(&entry.cell_id)?;
            if cell.is_some_and(|cell| lane_of(&cell, annotation.as_ref()) == lane) {
                return Ok(true);
            }
        }
        self.others_run = any;
        Ok(false)
    }

    /// Claims an entry that cannot be executed, and fails it.
    fn refuse(&mut self, entry: QueueEntry, why: &str) -> Result<(), StoreError> {
        let assigned =
            Event::ExecutionAssigned { queue_id: entry.id.clone(), runtime_session_id: self.session.clone() };
        self.agent.store.commit(&[assigned])?;
        if !self.is_ours(&entry.id, QueueStatus::Assigned)? {
            return Ok(());
        }
        let completed = Event::ExecutionCompleted {
            queue_id: entry.id,
            cell_id: entry.cell_id,
            status: CompletionStatus::Error,
            error: Some(why.to_owned()),
            completed_at: time::iso(self.agent.host.now()),
            execution_duration_ms: 0,
        };
        self.settle(vec![completed])
    }

    /// Assigns, starts and calls the handler; does nothing if somebody was faster.
    fn execute(
        &mut self,
        entry: QueueEntry,
        cell: Cell,
        annotation: Option<Annotation>,
        lane: CellKind,
    ) -> Result<(), StoreError> {
        let store = &self.agent.store;
        let assigned =
            Event::ExecutionAssigned { queue_id: entry.id.clone(), runtime_session_id: self.session.clone() };
        store.commit(&[assigned])?;
        if !self.is_ours(&entry.id, QueueStatus::Assigned)? {
            return Ok(());
        }
        let queue = entry.id.clone();
        self.start(entry, cell, annotation, lane).or_else(|error| {
            // It is claimed and will not run: given back, it is executed once the store takes commits again.
            let (runtime_session_id, reason) =
                (self.session.clone(), "the start could not be written".to_owned());
            self.settle(vec![Event::ExecutionReleased { queue_id: queue, runtime_session_id, reason }])?;
            Err(error)
        })
    }

    /// Starts what is assigned to us.
    fn start(
        &mut self,
        entry: QueueEntry,
        cell: Cell,
        annotation: Option<Annotation>,
        lane: CellKind,
    ) -> Result<(), StoreError> {
        let store = &self.agent.store;
        let Some(handler) = self.agent.handlers.get(lane).cloned() else { return Ok(()) };
        let cancellation = Cancellation::new();
        let cx = self.context(&entry, cell, annotation, lane, cancellation)?;
        let mut start = vec![Event::ExecutionStarted {
            queue_id: entry.id.clone(),
            cell_id: entry.cell_id.clone(),
            runtime_session_id: self.session.clone(),
            started_at: time::iso(self.agent.host.now()),
        }];
        if lane != CellKind::Ai {
            let cleared_by = format!("runtime-{}", self.agent.options.runtime_id);
            start.push(Event::CellOutputsCleared { cell_id: entry.cell_id.clone(), wait: false, cleared_by });
        }
        start.push(note(&cx, None, None));
        start.retain(|event| store.knows(event.name()));
        let rowid = store.commit(&start)?.last;
        if !self.is_ours(&entry.id, QueueStatus::Executing)? {
            return Ok(());
        }
        let flush = store.flush(self.agent.options.durability, self.agent.options.flush_deadline);
        let (queue, context) = (entry.id, cx.clone());
        let (future, abort) = abortable(
            AssertUnwindSafe(async move {
                flush.await?;
                context.check()?;
                carry_out(handler, context).await
            })
            .catch_unwind(),
        );
        self.running.push(Box::pin(async move {
            let end = match future.await {
                Ok(Ok(answer)) => End::Answered(answer),
                Ok(Err(panic)) => End::Panicked(panic_message(&*panic)),
                Err(_aborted) => End::Dropped,
            };
            (queue, end)
        }));
        let started = self.agent.host.mono();
        self.active.push(Active { cx, lane, started, rowid, abort, stopping: None });
        Ok(())
    }

    fn context(
        &self,
        entry: &QueueEntry,
        cell: Cell,
        annotation: Option<Annotation>,
        lane: CellKind,
        cancellation: Cancellation,
    ) -> Result<ExecutionContext, StoreError> {
        let options = &self.agent.options;
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

    /// Settles an execution whose handler has ended.
    pub(super) fn finish(&mut self, queue: &QueueId, end: End) -> Result<(), StoreError> {
        let Some(at) = self.active.iter().position(|active| active.cx.queue_id == *queue) else {
            return Ok(());
        };
        let active = self.active.remove(at);
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
        events.retain(|event| self.agent.store.knows(event.name()));
        self.settle(events)?;
        if failed && self.agent.options.stop_on_error {
            self.cancel_behind(&active, "an execution before it failed")?;
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

    /// Stops an execution whose entry was cancelled, and what stood behind it.
    fn interrupted(&mut self, queue: &QueueId) -> Result<(), StoreError> {
        let active = self.active.iter().find(|active| active.cx.queue_id == *queue);
        let Some(active) = active.filter(|active| active.stopping.is_none()) else { return Ok(()) };
        if self.agent.options.interrupt_clears_queue {
            let (lane, rowid) = (active.lane, active.rowid);
            self.cancel_pending(lane, rowid, Some(queue), "interrupted")?;
        }
        self.stop(queue, "user_requested");
        Ok(())
    }

    fn cancel_behind(&mut self, active: &Active, reason: &str) -> Result<(), StoreError> {
        self.cancel_pending(active.lane, active.rowid, None, reason)
    }

    /// Cancels what is pending in a lane; of what came since we last looked only what came before `interrupt`.
    fn cancel_pending(
        &mut self,
        lane: CellKind,
        since: i64,
        interrupt: Option<&QueueId>,
        reason: &str,
    ) -> Result<(), StoreError> {
        let store = &self.agent.store;
        let mut events = Vec::new();
        let mut later = None;
        for entry in store.queue(Some(QueueStatus::Pending))? {
            let Some(cell) = store.cell(&entry.cell_id)? else { continue };
            if lane_of(&cell, store.annotation(&entry.cell_id)?.as_ref()) != lane {
                continue;
            }
            if let Some(interrupt) = interrupt.filter(|_| !self.seen.contains(&entry.id)) {
                if later.is_none() {
                    later = Some(self.requested_after(interrupt, since)?);
                }
                if later.as_ref().is_some_and(|later| later.contains(&entry.id)) {
                    continue;
                }
            }
            events.push(Event::ExecutionCancelled {
                queue_id: entry.id,
                cell_id: entry.cell_id,
                cancelled_by: format!("runtime-{}", self.agent.options.runtime_id),
                actor_id: None,
                reason: reason.to_owned(),
            });
        }
        if !events.is_empty() {
            store.commit(&events)?;
        }
        Ok(())
    }

    /// Lists the requests that stand in the log after the cancellation of an execution.
    fn requested_after(&self, interrupt: &QueueId, since: i64) -> Result<Vec<QueueId>, StoreError> {
        const PAGE: usize = 1000;
        let (mut rowid, mut cancelled, mut requests) = (since, false, Vec::new());
        loop {
            let page = self.agent.store.log_since(rowid, PAGE)?;
            let more = page.len() == PAGE;
            for entry in page {
                rowid = entry.rowid;
                match entry.event {
                    Event::ExecutionCancelled { queue_id, .. } if queue_id == *interrupt => cancelled = true,
                    Event::AllExecutionsCancelled {} => cancelled = true,
                    Event::ExecutionRequested { queue_id, .. } if cancelled => requests.push(queue_id),
                    Event::MultipleExecutionRequested { cells_info, .. } if cancelled => {
                        requests.extend(cells_info.into_iter().map(|cell| cell.queue_id));
                    }
                    _ => {}
                }
            }
            if !more {
                return Ok(requests);
            }
        }
    }

    fn is_ours(&self, queue: &QueueId, status: QueueStatus) -> Result<bool, StoreError> {
        let entry = self.agent.store.queue_entry(queue)?;
        Ok(entry.is_some_and(|entry| {
            entry.status == status && entry.assigned_runtime_session.as_ref() == Some(&self.session)
        }))
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
