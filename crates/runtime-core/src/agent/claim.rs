//! Claiming: what waits in a free lane becomes ours, and begins when nobody else can have it.
//!
//! A local store decides at once. A remote authority decides by its order: the first confirmed claim since the request
//! is the one that counts, so a claim of ours waits until it is confirmed, and is dropped if another came first.

use std::collections::BTreeSet;

use purlin_notebook::{
    Annotation, Cell, CellKind, Event, EventNames, QueueEntry, QueueId, QueueStatus, RuntimeSessionId,
    StoreError, StoreExt,
};

use crate::agent::backlog::Waiting;
use crate::agent::lanes::lane_of;
use crate::agent::serve::Serve;

/// Which attempt to execute something a late word is about: it counts only while that attempt is the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    pub(super) session: RuntimeSessionId,
    pub(super) queue: QueueId,
    pub(super) attempt: u64,
}

/// A claim that the authority has not confirmed yet.
pub(super) struct Claim {
    pub(super) entry: Waiting,
    pub(super) lane: CellKind,
    /// Whether somebody else's claim was confirmed before.
    lost: bool,
}

/// What the authority's order is asked about.
pub(super) fn decisive() -> EventNames {
    EventNames::of(&["v1.RuntimeSessionStarted", "v1.ExecutionAssigned", "purlin.v1.ExecutionReleased"])
}

impl Serve<'_> {
    /// Learns what changed in the queue: sees to executions that are not ours any more, then claims.
    pub(super) fn look_at_queue(&mut self) -> Result<(), StoreError> {
        self.backlog.refresh(&*self.agent.store)?;
        let fences: Vec<Fence> = self.active.iter().map(|active| active.fence.clone()).collect();
        for fence in &fences {
            self.look_at(fence)?;
        }
        self.drop_claims()?;
        self.backlog.forget_cuts();
        self.claim()
    }

    /// Claims what waits in lanes that are free, in log order.
    pub(super) fn claim(&mut self) -> Result<(), StoreError> {
        if self.is_blocked() || !self.leads {
            return Ok(());
        }
        self.settle_orphans()?;
        let lanes = self.active.iter().map(|active| active.lane);
        let mut taken: BTreeSet<CellKind> = lanes.chain(self.claims.iter().map(|claim| claim.lane)).collect();
        while let Some((entry, lane)) = self.next(&taken)? {
            if self.others_execute(lane)? || self.take(entry, lane)? {
                taken.insert(lane);
            }
        }
        Ok(())
    }

    /// Finds what waits longest in the free lanes.
    fn next(&mut self, taken: &BTreeSet<CellKind>) -> Result<Option<(Waiting, CellKind)>, StoreError> {
        let mut next: Option<(Waiting, CellKind)> = None;
        for lane in self.agent.options.lanes.iter().filter(|lane| !taken.contains(*lane)) {
            let first = self.backlog.first(&*self.agent.store, *lane)?;
            let sooner = |entry: &Waiting| next.as_ref().is_none_or(|(next, _)| entry.place < next.place);
            if let Some(first) = first.filter(sooner) {
                next = Some((first, *lane));
            }
        }
        Ok(next)
    }

    /// Tries to make an entry ours; answers whether its lane is taken now.
    fn take(&mut self, entry: Waiting, lane: CellKind) -> Result<bool, StoreError> {
        let store = &self.agent.store;
        let row = store.queue_entry(&entry.queue)?.filter(|row| row.status == QueueStatus::Pending);
        let Some(row) = row else {
            self.backlog.remove(&entry.queue);
            return Ok(false);
        };
        let annotation = store.annotation(&entry.cell)?;
        let Some(cell) = store.cell(&entry.cell)? else {
            self.refuse(&entry)?;
            return Ok(false);
        };
        if lane_of(&cell, annotation.as_ref()) != lane {
            self.backlog.refile(&**store, &entry.queue)?;
            return Ok(false);
        }
        if !self.assign(&entry.queue)? {
            return Ok(false);
        }
        if self.waits_for_confirmation {
            self.claims.push(Claim { entry, lane, lost: false });
            return Ok(true);
        }
        self.begin(entry, &row, cell, annotation, lane)
    }

    /// Claims an entry; answers whether it is ours, as far as this store knows.
    fn assign(&mut self, queue: &QueueId) -> Result<bool, StoreError> {
        let (queue_id, runtime_session_id) = (queue.clone(), self.session.clone());
        self.agent.store.commit(&[Event::ExecutionAssigned { queue_id, runtime_session_id }])?;
        self.backlog.remove(queue);
        self.is_ours(queue, QueueStatus::Assigned)
    }

    /// Starts what is ours; what cannot be started is given back, and executed once the store takes commits again.
    fn begin(
        &mut self,
        entry: Waiting,
        row: &QueueEntry,
        cell: Cell,
        annotation: Option<Annotation>,
        lane: CellKind,
    ) -> Result<bool, StoreError> {
        let again = entry.clone();
        self.start(entry, row, cell, annotation, lane).or_else(|error| {
            let (queue, cell, session) = (again.queue.clone(), again.cell.clone(), self.session.clone());
            let agent = self.agent;
            self.settle(vec![agent.give_back(queue, cell, session, "the start could not be written")])?;
            if agent.can_release() {
                self.backlog.put_back(&*agent.store, again)?;
            }
            Err(error)
        })
    }

    /// Hears what the authority has confirmed.
    pub(super) fn confirmed(&mut self, event: &Event) -> Result<(), StoreError> {
        match event {
            Event::RuntimeSessionStarted { session_id, .. } if *session_id == self.session => {
                self.leads = true;
                self.agent.connected(&self.session);
                self.look_at_queue()
            }
            Event::ExecutionReleased { queue_id, .. } => {
                self.claims_of(queue_id).for_each(|claim| claim.lost = false);
                Ok(())
            }
            Event::ExecutionAssigned { queue_id, runtime_session_id } => {
                if *runtime_session_id == self.session {
                    self.decided(queue_id)
                } else {
                    self.claims_of(queue_id).for_each(|claim| claim.lost = true);
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    fn claims_of(&mut self, queue: &QueueId) -> impl Iterator<Item = &mut Claim> {
        self.claims.iter_mut().filter(move |claim| claim.entry.queue == *queue)
    }

    /// Begins what we claimed first; goes on with the next if we did not.
    fn decided(&mut self, queue: &QueueId) -> Result<(), StoreError> {
        let Some(at) = self.claims.iter().position(|claim| claim.entry.queue == *queue) else {
            return Ok(());
        };
        let Claim { entry, lane, lost } = self.claims.remove(at);
        let store = &self.agent.store;
        if !lost && self.is_ours(queue, QueueStatus::Assigned)? {
            let (row, cell) = (store.queue_entry(queue)?, store.cell(&entry.cell)?);
            let annotation = store.annotation(&entry.cell)?;
            match (row, cell) {
                (Some(row), Some(cell)) => drop(self.begin(entry, &row, cell, annotation, lane)?),
                _ => self.refuse(&entry)?,
            }
        }
        self.claim()
    }

    /// Forgets claims of what is over. A claim that another came before is kept until it is confirmed itself: its
    /// entry may have been given back by then, which makes it the first.
    fn drop_claims(&mut self) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        for claim in std::mem::take(&mut self.claims) {
            let entry = self.agent.store.queue_entry(&claim.entry.queue)?;
            if entry.is_some_and(|entry| !entry.status.is_terminal()) {
                kept.push(claim);
            }
        }
        self.claims = kept;
        Ok(())
    }

    /// Gives back what is claimed and not confirmed.
    pub(super) fn release_claims(&mut self, why: &str) -> Result<(), StoreError> {
        let claims = std::mem::take(&mut self.claims);
        let release = |claim: Claim| Event::ExecutionReleased {
            queue_id: claim.entry.queue,
            runtime_session_id: self.session.clone(),
            reason: why.to_owned(),
        };
        let events = claims.into_iter().map(release).collect();
        self.settle(events)
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

    /// Fails the entries whose cell is gone, unless they belong to a lane of others.
    fn settle_orphans(&mut self) -> Result<(), StoreError> {
        for entry in self.backlog.orphans() {
            let annotation = self.agent.store.annotation(&entry.cell)?;
            if annotation.is_none_or(|annotation| self.agent.options.lanes.contains(&annotation.kind)) {
                self.refuse(&entry)?;
            } else {
                self.backlog.leave_orphan(&entry.queue);
            }
        }
        Ok(())
    }

    /// Claims an entry whose cell is gone, and fails it.
    fn refuse(&mut self, entry: &Waiting) -> Result<(), StoreError> {
        let ours = self.is_ours(&entry.queue, QueueStatus::Assigned)? || self.assign(&entry.queue)?;
        self.backlog.remove(&entry.queue);
        if !ours {
            return Ok(());
        }
        self.settle(vec![self.agent.failed(entry.queue.clone(), entry.cell.clone(), "cell not found")])
    }

    pub(super) fn is_ours(&self, queue: &QueueId, status: QueueStatus) -> Result<bool, StoreError> {
        let entry = self.agent.store.queue_entry(queue)?;
        Ok(entry.is_some_and(|entry| {
            entry.status == status && entry.assigned_runtime_session.as_ref() == Some(&self.session)
        }))
    }
}
