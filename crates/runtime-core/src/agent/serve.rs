//! The loop of an agent that holds its lanes: claims, cancellations, ends of executions, one at a time.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, LocalBoxFuture};
use futures_util::stream::{self, FuturesUnordered, LocalBoxStream};
use purlin_notebook::{
    CellKind, ConfirmedEvent, Event, QueueStatus, RuntimeSessionId, RuntimeStatus, StoreError, StoreExt,
    Tables,
};

use crate::agent::backlog::{Backlog, Waiting};
use crate::agent::claim::{Claim, Fence};
use crate::agent::execution::End;
use crate::agent::handle::AgentStatus;
use crate::agent::{GIVE_UP_AFTER, Inner, RETRY_AFTER, may_pass};
use crate::context::ExecutionContext;
use crate::host::{Level, MonoMs};
use crate::options::Latency;

/// How long a change between ready and busy must last to be announced.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(60);

/// Why the loop ended.
pub(super) enum Served {
    Shutdown,
    Displaced,
}

/// What woke the loop.
pub(super) enum Wake {
    Stop,
    Sessions,
    Queue,
    Confirmed(Event),
    Finished(Fence, End),
    Timer(Timer),
    Closed,
}

/// What was to be done later.
pub(super) enum Timer {
    /// The grace period of a cancelled execution is over.
    Grace(Fence),
    /// A change of the status has lasted.
    Status(u64),
    /// Try again to commit what the store refused.
    Retry,
    /// A displaced session's owner is gone.
    Gone(RuntimeSessionId),
    /// Our session has to be renewed.
    Renew,
}

/// An execution that runs.
pub(super) struct Active {
    pub(super) cx: ExecutionContext,
    pub(super) lane: CellKind,
    pub(super) entry: Waiting,
    pub(super) fence: Fence,
    pub(super) started: MonoMs,
    /// Whether its handler was called.
    pub(super) entered: Rc<Cell<bool>>,
    pub(super) abort: AbortHandle,
    /// Why it is being stopped, once it is.
    pub(super) stopping: Option<&'static str>,
}

pub(super) struct Serve<'a> {
    pub(super) agent: &'a Inner,
    pub(super) session: RuntimeSessionId,
    pub(super) active: Vec<Active>,
    pub(super) running: FuturesUnordered<LocalBoxFuture<'static, (Fence, End)>>,
    pub(super) backlog: Backlog,
    /// What we claimed and the authority has not confirmed.
    pub(super) claims: Vec<Claim>,
    pub(super) waits_for_confirmation: bool,
    /// Whether our start is confirmed, so that we may claim.
    pub(super) leads: bool,
    /// Others may still be executing in our lanes, because we displaced them while they lived.
    pub(super) others_run: bool,
    /// What ended executions, refused by the store so far.
    unsettled: Vec<Event>,
    pub(super) timers: FuturesUnordered<LocalBoxFuture<'static, Timer>>,
    /// What a remote authority confirms; silent where the store itself is the authority.
    confirmations: LocalBoxStream<'static, ConfirmedEvent>,
    queue_ticks: LocalBoxStream<'static, ()>,
    session_ticks: LocalBoxStream<'static, ()>,
    announced: RuntimeStatus,
    change: u64,
    change_armed: bool,
    retrying: bool,
    /// Since when the store has taken nothing, while it does not.
    failing_since: Option<MonoMs>,
}

impl<'a> Serve<'a> {
    pub(super) fn new(agent: &'a Inner, session: RuntimeSessionId) -> Result<Self, StoreError> {
        let confirmations = agent.confirmations.borrow_mut().take();
        let remote = confirmations.is_some();
        Ok(Self {
            agent,
            session,
            active: Vec::new(),
            running: FuturesUnordered::new(),
            backlog: Backlog::read(&*agent.store)?,
            claims: Vec::new(),
            waits_for_confirmation: remote && agent.options.latency == Latency::Confirmed,
            leads: !remote,
            others_run: true,
            unsettled: Vec::new(),
            timers: FuturesUnordered::new(),
            confirmations: confirmations.unwrap_or_else(|| stream::pending().boxed_local()),
            queue_ticks: agent.store.watch(Tables::QUEUE | Tables::CELLS | Tables::ANNOTATIONS),
            session_ticks: agent.store.watch(Tables::SESSIONS),
            announced: RuntimeStatus::Ready,
            change: 0,
            change_armed: false,
            retrying: false,
            failing_since: None,
        })
    }

    pub(super) async fn run(mut self) -> Result<Served, StoreError> {
        self.watch_displaced()?;
        self.renew_later();
        loop {
            let mut wake = poll_fn(|cx| self.poll_wake(cx)).await;
            if !self.agent.store.status().open {
                // Whatever woke us: nothing more is asked of a store that is closed.
                wake = Wake::Closed;
            }
            match wake {
                Wake::Stop => {
                    self.wind_down("shutdown").await?;
                    return Ok(Served::Shutdown);
                }
                Wake::Sessions => match self.agent.is_displaced(&self.session) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.wind_down("displaced").await?;
                        return Ok(Served::Displaced);
                    }
                    Err(error) => self.tolerate(Err(error))?,
                },
                Wake::Queue => {
                    let looked = self.look_at_queue();
                    self.tolerate(looked)?;
                }
                Wake::Confirmed(event) => {
                    let heard = self.confirmed(&event);
                    self.tolerate(heard)?;
                }
                Wake::Finished(fence, end) => {
                    let finished = self.finish(&fence, end).and_then(|()| self.claim());
                    self.tolerate(finished)?;
                }
                Wake::Timer(timer) => {
                    let done = self.timer(timer);
                    self.tolerate(done)?;
                }
                Wake::Closed => return Err(StoreError::Closed("it was closed under the runtime".to_owned())),
            }
            self.watch_status();
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if self.agent.shared.poll_stop(cx) {
            return Poll::Ready(Wake::Stop);
        }
        match self.session_ticks.as_mut().poll_next(cx) {
            Poll::Ready(Some(())) => return Poll::Ready(Wake::Sessions),
            Poll::Ready(None) => return Poll::Ready(Wake::Closed),
            Poll::Pending => {}
        }
        match self.confirmations.as_mut().poll_next(cx) {
            Poll::Ready(Some(confirmed)) => return Poll::Ready(Wake::Confirmed(confirmed.event)),
            Poll::Ready(None) => return Poll::Ready(Wake::Closed),
            Poll::Pending => {}
        }
        if let Poll::Ready(Some((fence, end))) = self.running.poll_next_unpin(cx) {
            return Poll::Ready(Wake::Finished(fence, end));
        }
        match self.queue_ticks.as_mut().poll_next(cx) {
            Poll::Ready(Some(())) => return Poll::Ready(Wake::Queue),
            Poll::Ready(None) => return Poll::Ready(Wake::Closed),
            Poll::Pending => {}
        }
        match self.timers.poll_next_unpin(cx) {
            Poll::Ready(Some(timer)) => Poll::Ready(Wake::Timer(timer)),
            _ => Poll::Pending,
        }
    }

    fn timer(&mut self, timer: Timer) -> Result<(), StoreError> {
        match timer {
            Timer::Grace(fence) => self.stop_hard(&fence),
            Timer::Status(change) if change == self.change => self.announce(),
            Timer::Status(_) => {}
            Timer::Renew => {
                self.agent.renew(&self.session);
                self.renew_later();
            }
            Timer::Retry => {
                self.retrying = false;
                self.settle(Vec::new())?;
                self.look_at_queue()?;
                if !self.is_blocked() {
                    self.failing_since = None;
                }
            }
            Timer::Gone(session) => {
                self.agent.gone.borrow_mut().insert(session.clone());
                let mut lost: Vec<_> = self.agent.end_lost(&session)?.into_iter().collect();
                lost.extend(self.agent.settle_lost(&self.session)?);
                self.settle(lost)?;
                self.claim()?;
            }
        }
        Ok(())
    }

    /// Goes on after a failure of the store that may pass, such as a full disk, and tries again later.
    fn tolerate(&mut self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        match result {
            Err(error) if may_pass(&error) => {
                self.agent.log(Level::Error, &format!("The store failed, and is tried again: {error}"));
                self.agent.call("on_store_failure", |lifecycle| lifecycle.on_store_failure(&error));
                self.retry_or_give_up(error)
            }
            other => other,
        }
    }

    /// Tries again later, unless the disk has refused for so long that people have to be told: the run ends then.
    ///
    /// A store that is in use by others is waited for.
    fn retry_or_give_up(&mut self, error: StoreError) -> Result<(), StoreError> {
        let now = self.agent.host.mono();
        if matches!(error, StoreError::Backend(_)) {
            let since = *self.failing_since.get_or_insert(now);
            if now.saturating_sub(since) >= GIVE_UP_AFTER.as_millis() as u64 {
                return Err(error);
            }
        }
        self.retry();
        Ok(())
    }

    fn retry(&mut self) {
        if !std::mem::replace(&mut self.retrying, true) {
            self.after(RETRY_AFTER, Timer::Retry);
        }
    }

    /// Commits what ends executions; what the store refuses for now is kept and tried again.
    pub(super) fn settle(&mut self, events: Vec<Event>) -> Result<(), StoreError> {
        let agent = self.agent;
        // What a store does not know it does without; its application may not survive it.
        self.unsettled.extend(events.into_iter().filter(|event| agent.store.knows(event.name())));
        if self.unsettled.is_empty() {
            return Ok(());
        }
        match self.agent.store.commit(&self.unsettled) {
            Ok(_) => {
                self.unsettled.clear();
                self.failing_since = None;
                Ok(())
            }
            Err(StoreError::Closed(why)) => Err(StoreError::Closed(why)),
            Err(StoreError::Rejected { event, why }) => {
                // One bad event must not keep the others, or the next execution, from being settled.
                self.agent.log(
                    Level::Error,
                    &format!("The store refused an event at the end of an execution: {why}."),
                );
                self.unsettled.remove(event.min(self.unsettled.len() - 1));
                self.settle(Vec::new())
            }
            Err(error) => {
                self.agent
                    .log(Level::Error, &format!("The end of an execution could not be written yet: {error}"));
                self.agent.call("on_store_failure", |lifecycle| lifecycle.on_store_failure(&error));
                self.retry_or_give_up(error)
            }
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// Hears of the end of sessions that live and still hold entries of the queue.
    fn watch_displaced(&mut self) -> Result<(), StoreError> {
        let mut entries = self.agent.store.queue(Some(QueueStatus::Executing))?;
        entries.extend(self.agent.store.queue(Some(QueueStatus::Assigned))?);
        let owners: BTreeSet<RuntimeSessionId> = entries
            .into_iter()
            .filter_map(|entry| entry.assigned_runtime_session)
            .filter(|owner| *owner != self.session && self.agent.is_alive(owner))
            .collect();
        for owner in owners {
            let gone = self.agent.liveness.gone(&owner);
            self.timers.push(Box::pin(async move {
                gone.await;
                Timer::Gone(owner)
            }));
        }
        Ok(())
    }

    /// Announces a change between ready and busy once it has lasted.
    fn watch_status(&mut self) {
        let status = if self.active.is_empty() { RuntimeStatus::Ready } else { RuntimeStatus::Busy };
        let shown = if self.active.is_empty() { AgentStatus::Ready } else { AgentStatus::Busy };
        self.agent.shared.set_status(shown);
        if status == self.announced {
            self.change += u64::from(std::mem::take(&mut self.change_armed));
        } else if !std::mem::replace(&mut self.change_armed, true) {
            self.change += 1;
            self.after(ANNOUNCE_AFTER, Timer::Status(self.change));
        }
    }

    fn announce(&mut self) {
        self.change_armed = false;
        let status = if self.active.is_empty() { RuntimeStatus::Ready } else { RuntimeStatus::Busy };
        let event = Event::RuntimeSessionStatusChanged { session_id: self.session.clone(), status };
        // The next change tries again; nobody's work depends on the announcement, and trying at once would be polling.
        self.announced = status;
        if let Err(error) = self.agent.store.commit(&[event]) {
            self.agent.log(Level::Warn, &format!("The status could not be announced: {error}"));
        }
    }

    /// Sees to the next renewal, where sessions live by them.
    fn renew_later(&mut self) {
        if let Some(delay) = self.agent.next_renewal() {
            self.after(delay, Timer::Renew);
        }
    }

    pub(super) fn after(&mut self, duration: Duration, timer: Timer) {
        let sleep = self.agent.host.sleep(duration);
        self.timers.push(Box::pin(async move {
            sleep.await;
            timer
        }));
    }
}
