//! The beginning of a runtime session: lanes are taken, or waited for.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, LocalBoxStream};
use purlin_notebook::{
    Authority, Event, RuntimeSessionId, RuntimeStatus, StoreError, Tables, TerminationReason,
};

use crate::agent::claim::decisive;
use crate::agent::handle::AgentStatus;
use crate::agent::{Inner, Phase, RETRY_AFTER, RunError, StartError, lanes, may_pass, sessions};
use crate::flush;
use crate::host::Level;
use crate::ids::new_id;

impl Inner {
    pub(super) fn check(&self) -> Result<(), StartError> {
        if self.options.client_id.is_empty() {
            return Err(StartError::NoClientId);
        }
        if self.store.authority() == (Authority::Remote { confirmation: false }) {
            return Err(StartError::NoConfirmation);
        }
        for lane in &self.options.lanes {
            if self.handlers.get(*lane).is_none() {
                return Err(StartError::NoHandler(*lane));
            }
            if !lanes::covered(&self.capabilities, *lane) {
                return Err(StartError::NotCapable(*lane));
            }
        }
        Ok(())
    }

    /// Tries to take the lanes; answers whether they are ours now.
    pub(super) async fn take_lanes(&self) -> Result<bool, StartError> {
        let others = self.others()?;
        let holders: Vec<_> = others.iter().filter(|other| other.alive && other.overlaps).collect();
        if let Some(holder) = holders.first().filter(|_| !self.options.displace) {
            let holder = holder.id.clone();
            self.shared.set_status(AgentStatus::Waiting);
            let told = self.waiting_for.replace(Some(holder.clone()));
            if told.as_ref() != Some(&holder) {
                self.call("on_waiting", |lifecycle| lifecycle.on_waiting(&holder));
            }
            return Ok(false);
        }
        self.waiting_for.take();
        let session = self.new_session();
        *self.hold.borrow_mut() = Some(self.liveness.hold(&session).map_err(StartError::Hold)?);
        let remote = self.store.authority() != Authority::Local;
        if remote {
            // Asked for before the start is committed, so that its confirmation cannot be missed.
            *self.confirmations.borrow_mut() = Some(self.store.confirmed(decisive()));
        }
        let batch = self.start_batch(&session, &others)?;
        if let Err(error) = self.store.commit(&batch) {
            *self.hold.borrow_mut() = None;
            return Err(error.into());
        }
        *self.session.borrow_mut() = Some(session.clone());
        let (level, deadline) = (self.options.durability, self.options.flush_deadline);
        let flushed = flush::within(&*self.store, &self.host, level, deadline).await;
        if let Err(error) = flushed {
            self.terminate(TerminationReason::Error);
            self.stopped().await;
            return Err(error.into());
        }
        self.phase.set(Phase::Started);
        self.shared.set_status(AgentStatus::Ready);
        self.call("on_startup", |lifecycle| lifecycle.on_startup(&session));
        if !remote {
            self.connected(&session);
        }
        Ok(true)
    }

    fn new_session(&self) -> RuntimeSessionId {
        let first = self.starts.replace(self.starts.get() + 1) == 0;
        match &self.options.runtime_session_id {
            Some(id) if first => id.clone(),
            _ => RuntimeSessionId::from(new_id(&*self.host)),
        }
    }

    fn start_batch(
        &self,
        session: &RuntimeSessionId,
        others: &[sessions::Other],
    ) -> Result<Vec<Event>, StoreError> {
        let ended = others.iter().filter(|other| !other.alive || other.overlaps);
        let mut batch: Vec<Event> = ended
            .map(|other| Event::RuntimeSessionTerminated {
                session_id: other.id.clone(),
                reason: TerminationReason::Displaced,
            })
            .collect();
        batch.extend(self.settle_lost(session)?);
        batch.push(Event::RuntimeSessionStarted {
            session_id: session.clone(),
            runtime_id: self.options.runtime_id.clone(),
            runtime_type: self.options.runtime_type.clone(),
            capabilities: self.capabilities.clone(),
        });
        batch.push(Event::LanesAnnounced { session_id: session.clone(), lanes: self.options.lanes.clone() });
        batch.extend(self.first_renewal(session));
        batch.push(Event::RuntimeSessionStatusChanged {
            session_id: session.clone(),
            status: RuntimeStatus::Ready,
        });
        batch.retain(|event| self.store.knows(event.name()));
        Ok(batch)
    }

    /// Waits until the lanes are ours; answers true if the agent is to stop instead.
    pub(super) async fn wait_for_lanes(&self) -> Result<bool, RunError> {
        let mut ticks = self.store.watch(Tables::SESSIONS);
        loop {
            match self.take_lanes().await {
                Ok(true) => return Ok(self.shared.stop_asked()),
                Ok(false) => {}
                Err(StartError::Store(error)) if self.phase.get() == Phase::Waiting && may_pass(&error) => {
                    self.log(
                        Level::Error,
                        &format!("The lanes could not be taken, and are tried again: {error}"),
                    );
                    if self.stopped_within(RETRY_AFTER).await {
                        return Ok(true);
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            let holders = self.others()?.into_iter().filter(|other| other.alive && other.overlaps);
            if self.wait_for_change(&mut ticks, holders.map(|holder| holder.id).collect()).await? {
                return Ok(true);
            }
        }
    }

    /// Waits for a time; answers true at once if the agent is to stop.
    async fn stopped_within(&self, time: Duration) -> bool {
        let mut sleep = self.host.sleep(time);
        poll_fn(|cx| {
            if self.shared.poll_stop(cx) {
                Poll::Ready(true)
            } else {
                sleep.as_mut().poll(cx).map(|()| false)
            }
        })
        .await
    }

    /// Waits until a holder goes or the sessions change; answers true if the agent is to stop.
    async fn wait_for_change(
        &self,
        ticks: &mut LocalBoxStream<'static, ()>,
        holders: Vec<RuntimeSessionId>,
    ) -> Result<bool, StoreError> {
        let mut gone: FuturesUnordered<_> = holders
            .into_iter()
            .map(|id| {
                let gone = self.liveness.gone(&id);
                async move {
                    gone.await;
                    id
                }
            })
            .collect();
        poll_fn(|cx| {
            if self.shared.poll_stop(cx) {
                return Poll::Ready(Ok(true));
            }
            if let Poll::Ready(Some(id)) = gone.poll_next_unpin(cx) {
                self.gone.borrow_mut().insert(id);
                return Poll::Ready(Ok(false));
            }
            match ticks.as_mut().poll_next(cx) {
                Poll::Ready(Some(())) => Poll::Ready(Ok(false)),
                Poll::Ready(None) => Poll::Ready(Err(StoreError::Closed("it was closed".to_owned()))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Tells the program around us that the session's start stands in the authority's order.
    pub(super) fn connected(&self, session: &RuntimeSessionId) {
        self.shared.set_connected();
        self.call("on_connected", |lifecycle| lifecycle.on_connected(session));
    }
}
