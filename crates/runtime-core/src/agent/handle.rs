//! The face of an agent towards other threads.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use futures_channel::oneshot;
use futures_util::task::AtomicWaker;

use crate::host::WallMs;
use crate::liveness::Health;

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// It has not been started.
    New,
    /// Somebody alive holds its lanes.
    Waiting,
    /// It waits for work.
    Ready,
    /// It executes.
    Busy,
    /// It is over.
    Stopped,
}

const STATES: [AgentStatus; 5] =
    [AgentStatus::New, AgentStatus::Waiting, AgentStatus::Ready, AgentStatus::Busy, AgentStatus::Stopped];

/// Asks and stops an agent from any thread.
#[derive(Clone, Debug)]
pub struct AgentHandle(pub(crate) Arc<Shared>);

impl AgentHandle {
    /// Asks the agent to stop; the answer comes when it has, or at once if it is over.
    ///
    /// The request stands even if nobody waits for the answer.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.shutdown()
    }

    /// Waits until the agent is over, without asking it to stop.
    pub fn keep_alive(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.over()
    }

    /// Tells what the agent is doing.
    pub fn status(&self) -> AgentStatus {
        self.0.status()
    }

    /// Tells how the agent's session looks to others, at a time of the wall clock in Unix milliseconds: by its last
    /// renewal where sessions live by renewals, else healthy for as long as it holds its lanes.
    pub fn health(&self, now: WallMs) -> Health {
        match self.status() {
            AgentStatus::Stopped => Health::Disconnected,
            AgentStatus::New | AgentStatus::Waiting => Health::Connecting,
            AgentStatus::Ready | AgentStatus::Busy => self.0.health(now),
        }
    }
}

/// What the agent and its handles share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    stop: AtomicBool,
    status: AtomicU8,
    connected: AtomicBool,
    /// When the session was renewed last, in Unix milliseconds; 0 where sessions do not live by renewals.
    renewed: AtomicI64,
    waker: AtomicWaker,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
}

impl Shared {
    pub(crate) fn status(&self) -> AgentStatus {
        let status = usize::from(self.status.load(Ordering::Acquire));
        STATES.get(status).copied().unwrap_or(AgentStatus::Stopped)
    }

    pub(crate) fn set_connected(&self) {
        self.connected.store(true, Ordering::Release);
    }

    pub(crate) fn set_disconnected(&self) {
        self.connected.store(false, Ordering::Release);
    }

    pub(crate) fn set_renewed(&self, at: WallMs) {
        self.renewed.store(at, Ordering::Release);
    }

    fn health(&self, now: WallMs) -> Health {
        match self.renewed.load(Ordering::Acquire) {
            _ if !self.connected.load(Ordering::Acquire) => Health::Connecting,
            0 => Health::Healthy,
            renewed => Health::of_gap(now.saturating_sub(renewed)),
        }
    }

    pub(crate) fn set_status(&self, status: AgentStatus) {
        self.status.store(status as u8, Ordering::Release);
    }

    pub(crate) fn set_stopped(&self) {
        // The status is set under the lock, so that nobody begins to wait after the last answer was given.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.set_status(AgentStatus::Stopped);
        // Dropping a sender answers its receiver.
        waiting.clear();
    }

    pub(crate) fn stop_asked(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Tells whether the agent is to stop; if not, wakes the task when it is.
    pub(crate) fn poll_stop(&self, cx: &mut Context<'_>) -> bool {
        if self.stop_asked() {
            return true;
        }
        self.waker.register(cx.waker());
        self.stop_asked()
    }

    pub(crate) fn shutdown(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let over = self.over();
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
        over
    }

    fn over(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.status() != AgentStatus::Stopped {
            waiting.push(sender);
        }
        async move {
            // Both answers mean that the agent is over: told, or gone.
            let _ = receiver.await;
        }
    }
}
