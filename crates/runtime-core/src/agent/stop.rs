//! Stopping executions: cancelled by somebody, lost to others, or at the end of a session.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::StreamExt;
use purlin_notebook::{CellKind, Event, QueueStatus, StoreError, StoreExt};

use crate::agent::backlog::Waiting;
use crate::agent::claim::Fence;
use crate::agent::serve::{Active, Serve, Timer, Wake};
use crate::host::Level;

impl Serve<'_> {
    /// Sees to an execution whose entry may not be ours any more.
    pub(super) fn look_at(&mut self, fence: &Fence) -> Result<(), StoreError> {
        let entry = self.agent.store.queue_entry(&fence.queue)?;
        let owner = entry.as_ref().and_then(|entry| entry.assigned_runtime_session.as_ref());
        match entry.as_ref().map(|entry| entry.status) {
            Some(QueueStatus::Executing) if owner == Some(&self.session) => Ok(()),
            Some(QueueStatus::Cancelled) => self.interrupted(fence),
            _ => {
                self.lost(fence);
                Ok(())
            }
        }
    }

    pub(super) fn find(&self, fence: &Fence) -> Option<&Active> {
        self.active.iter().find(|active| active.fence == *fence)
    }

    /// Stops an execution whose entry was cancelled, and what stood behind it.
    pub(super) fn interrupted(&mut self, fence: &Fence) -> Result<(), StoreError> {
        let Some(active) = self.find(fence).filter(|active| active.stopping.is_none()) else { return Ok(()) };
        let lane = active.lane;
        if self.agent.options.interrupt_clears_queue {
            self.clear_behind(fence, lane)?;
        }
        self.stop(fence, "user_requested");
        Ok(())
    }

    /// Cancels what waits in a lane and was requested before the interrupt.
    fn clear_behind(&mut self, fence: &Fence, lane: CellKind) -> Result<(), StoreError> {
        let store = self.agent.store.clone();
        if self.backlog.cut(&fence.queue).is_none() {
            self.backlog.refresh(&*store)?;
        }
        let Some(cut) = self.backlog.cut(&fence.queue) else { return Ok(()) };
        let behind = self.backlog.before(&*store, lane, cut)?;
        self.cancel(&behind, "interrupted")
    }

    /// Cancels those of some entries that are still pending.
    pub(super) fn cancel(&mut self, entries: &[Waiting], reason: &str) -> Result<(), StoreError> {
        let store = &self.agent.store;
        let mut events = Vec::new();
        for entry in entries {
            let row = store.queue_entry(&entry.queue)?;
            if row.is_some_and(|row| row.status == QueueStatus::Pending) {
                events.push(Event::ExecutionCancelled {
                    queue_id: entry.queue.clone(),
                    cell_id: entry.cell.clone(),
                    cancelled_by: format!("runtime-{}", self.agent.options.runtime_id),
                    actor_id: None,
                    reason: reason.to_owned(),
                });
            }
        }
        if !events.is_empty() {
            store.commit(&events)?;
        }
        for entry in entries {
            self.backlog.remove(&entry.queue);
        }
        Ok(())
    }

    /// Gives up an execution that others have settled or released: nothing of it may reach the log any more.
    fn lost(&mut self, fence: &Fence) {
        self.stop(fence, "lost");
        if let Some(active) = self.find(fence) {
            // What it had put out and not committed belongs to an attempt that is over.
            drop(active.cx.writer.close());
        }
    }

    /// Asks an execution to stop, and sees to it that it has when the grace period is over.
    pub(super) fn stop(&mut self, fence: &Fence, reason: &'static str) {
        let Some(active) = self.active.iter_mut().find(|active| active.fence == *fence) else { return };
        if active.stopping.replace(reason).is_some() {
            return;
        }
        let cx = active.cx.clone();
        cx.cancellation.raise();
        self.after(self.agent.options.grace, Timer::Grace(fence.clone()));
        let callbacks = std::mem::take(&mut cx.writer.state.borrow_mut().on_cancel);
        for callback in callbacks {
            self.agent.call("on_cancel", |_| callback(reason));
        }
        let (queue, cell) = (&fence.queue, &cx.cell.id);
        self.agent.call("on_cancellation", |lifecycle| lifecycle.on_cancellation(queue, cell, reason));
    }

    /// Ends the handler of an execution that did not stop by itself.
    pub(super) fn stop_hard(&mut self, fence: &Fence) {
        if let Some(active) = self.find(fence) {
            active.abort.abort();
            self.agent.log(Level::Warn, "A handler did not stop within its grace period and was ended.");
        }
    }

    /// Stops everything that runs, waits for it at most for the grace period, and settles it.
    pub(super) async fn wind_down(&mut self, reason: &'static str) -> Result<(), StoreError> {
        self.release_claims(reason)?;
        let fences: Vec<Fence> = self.active.iter().map(|active| active.fence.clone()).collect();
        for fence in &fences {
            self.stop(fence, reason);
        }
        while !self.active.is_empty() {
            let wake = poll_fn(|cx| {
                if let Poll::Ready(Some((fence, end))) = self.running.poll_next_unpin(cx) {
                    return Poll::Ready(Wake::Finished(fence, end));
                }
                match self.timers.poll_next_unpin(cx) {
                    Poll::Ready(Some(timer)) => Poll::Ready(Wake::Timer(timer)),
                    _ => Poll::Pending,
                }
            });
            match wake.await {
                Wake::Finished(fence, end) => self.finish(&fence, end)?,
                Wake::Timer(Timer::Grace(fence)) => self.stop_hard(&fence),
                _ => {}
            }
        }
        self.settle(Vec::new())
    }
}
