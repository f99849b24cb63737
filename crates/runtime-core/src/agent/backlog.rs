//! What waits in the queue, by lane and in log order, kept up to date by what changed.
//!
//! The queue is read once, when a session begins. From then on only the log's events about requests are read, so the
//! work of a claim does not grow with what waits behind it. Whether an entry is still pending is asked of the store
//! when its turn has come; what was cancelled meanwhile simply falls away then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use purlin_notebook::{
    Authority, CellId, CellKind, Event, LogEntry, QueueId, QueueStatus, Store, StoreError, StoreExt,
};

use crate::agent::lanes::lane_of;

/// The events that change what waits, or where.
const NEWS: &[&str] = &[
    "v1.ExecutionRequested",
    "v1.MultipleExecutionRequested",
    "v1.ExecutionCancelled",
    "v1.AllExecutionsCancelled",
    "v1.CellDeleted",
    "v1.CellTypeChanged",
    "purlin.v1.CellAnnotated",
    "purlin.v1.ExecutionReleased",
];
const REQUESTS: &[&str] = &["v1.ExecutionRequested", "v1.MultipleExecutionRequested"];
/// How many entries of the log are read at a time.
const PAGE: usize = 256;

/// Where an entry stands among all: the rowid of its request, and its number in a list of them.
///
/// What was there when the session began stands at 0; what was released goes before everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(i64, usize);

impl Place {
    /// Tells whether the entry was requested before an event of the log.
    pub(super) fn is_before(self, rowid: i64) -> bool {
        self.0 < rowid
    }
}

/// An entry that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) queue: QueueId,
    pub(super) cell: CellId,
    pub(super) place: Place,
    /// The batch of its request, if that is known.
    pub(super) batch: Option<i64>,
}

struct Known {
    entry: Waiting,
    /// Absent as long as nobody had to know.
    lane: Option<CellKind>,
}

/// What waits in the queue.
#[derive(Default)]
pub(super) struct Backlog {
    /// How far the log is known.
    rowid: i64,
    /// How many entries were released, to keep their order.
    released: usize,
    entries: BTreeMap<QueueId, Known>,
    /// Entries of which no lane is known yet; all of them stand behind those of `lanes`.
    unfiled: VecDeque<QueueId>,
    lanes: BTreeMap<CellKind, BTreeMap<Place, QueueId>>,
    cells: BTreeMap<CellId, BTreeSet<QueueId>>,
    /// Entries whose cell is gone.
    orphans: BTreeSet<QueueId>,
    /// Where in the log entries were cancelled, and the last cancellation of all.
    cuts: BTreeMap<QueueId, i64>,
    cut_all: Option<i64>,
}

impl Backlog {
    /// Reads what waits now.
    pub(super) fn read(store: &dyn Store) -> Result<Self, StoreError> {
        // Read first: what is requested between the two questions is seen twice, which is once.
        let mut backlog = Self { rowid: store.last_rowid()?, ..Self::default() };
        for (number, entry) in store.queue(Some(QueueStatus::Pending))?.into_iter().enumerate() {
            let place = Place(0, number);
            backlog.add(Waiting { queue: entry.id, cell: entry.cell_id, place, batch: None });
        }
        Ok(backlog)
    }

    /// Learns what changed.
    pub(super) fn refresh(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if store.authority() != Authority::Local {
            return self.reread(store);
        }
        loop {
            let page = store.log_named(NEWS, self.rowid, PAGE)?;
            let more = page.len() == PAGE;
            for entry in page {
                let rowid = entry.rowid;
                self.hear(store, entry)?;
                self.rowid = rowid;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// A log that is ordered elsewhere may change behind what is known of it, so the queue itself is asked.
    fn reread(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let pending = store.queue(Some(QueueStatus::Pending))?;
        self.cut_all = Some(self.rowid + 1);
        self.rowid += 1;
        let now: BTreeSet<QueueId> = pending.iter().map(|entry| entry.id.clone()).collect();
        let left: Vec<QueueId> = self.entries.keys().filter(|id| !now.contains(*id)).cloned().collect();
        for queue in &left {
            self.remove(queue);
        }
        for (number, entry) in pending.into_iter().enumerate() {
            let place = Place(self.rowid, number);
            self.add(Waiting { queue: entry.id, cell: entry.cell_id, place, batch: None });
        }
        Ok(())
    }

    fn hear(&mut self, store: &dyn Store, entry: LogEntry) -> Result<(), StoreError> {
        let (rowid, batch) = (entry.rowid, Some(entry.batch));
        match entry.event {
            Event::ExecutionRequested { queue_id, cell_id, .. } => {
                let place = Place(rowid, 0);
                self.add(Waiting { queue: queue_id, cell: cell_id, place, batch });
            }
            Event::MultipleExecutionRequested { cells_info, .. } => {
                for (number, run) in cells_info.into_iter().enumerate() {
                    let place = Place(rowid, number);
                    self.add(Waiting { queue: run.queue_id, cell: run.id, place, batch });
                }
            }
            Event::ExecutionCancelled { queue_id, .. } => {
                self.remove(&queue_id);
                self.cuts.insert(queue_id, rowid);
            }
            Event::AllExecutionsCancelled {} => {
                let (rowid, released) = (self.rowid, self.released);
                *self = Self { rowid, released, cut_all: Some(entry.rowid), ..Self::default() };
            }
            Event::ExecutionReleased { queue_id, .. } => self.released(store, &queue_id)?,
            Event::CellDeleted { id, .. } => {
                self.orphans.extend(self.cells.get(&id).into_iter().flatten().cloned());
            }
            Event::CellTypeChanged { id: cell, .. } | Event::CellAnnotated { cell_id: cell, .. } => {
                for queue in self.cells.get(&cell).cloned().unwrap_or_default() {
                    self.refile(store, &queue)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn released(&mut self, store: &dyn Store, queue: &QueueId) -> Result<(), StoreError> {
        if self.entries.contains_key(queue) {
            return Ok(());
        }
        let entry = store.queue_entry(queue)?.filter(|entry| entry.status == QueueStatus::Pending);
        if let Some(entry) = entry {
            self.released += 1;
            let place = Place(i64::MIN, self.released);
            self.put_back(store, Waiting { queue: entry.id, cell: entry.cell_id, place, batch: None })?;
        }
        Ok(())
    }

    fn add(&mut self, entry: Waiting) {
        if !self.entries.contains_key(&entry.queue) {
            self.cells.entry(entry.cell.clone()).or_default().insert(entry.queue.clone());
            self.unfiled.push_back(entry.queue.clone());
            self.entries.insert(entry.queue.clone(), Known { entry, lane: None });
        }
    }

    /// Puts an entry back to where it stood.
    pub(super) fn put_back(&mut self, store: &dyn Store, entry: Waiting) -> Result<(), StoreError> {
        let queue = entry.queue.clone();
        self.cells.entry(entry.cell.clone()).or_default().insert(queue.clone());
        self.entries.insert(queue.clone(), Known { entry, lane: None });
        self.refile(store, &queue)
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, queue: &QueueId) -> Option<Waiting> {
        let Known { entry, lane } = self.entries.remove(queue)?;
        if let Some(entries) = lane.and_then(|lane| self.lanes.get_mut(&lane)) {
            entries.remove(&entry.place);
        }
        if let Some(queues) = self.cells.get_mut(&entry.cell) {
            queues.remove(queue);
            if queues.is_empty() {
                self.cells.remove(&entry.cell);
            }
        }
        self.orphans.remove(queue);
        Some(entry)
    }

    /// Finds out again which lane an entry belongs to.
    pub(super) fn refile(&mut self, store: &dyn Store, queue: &QueueId) -> Result<(), StoreError> {
        let Some(known) = self.entries.get_mut(queue) else { return Ok(()) };
        let cell = store.cell(&known.entry.cell)?;
        let annotation = store.annotation(&known.entry.cell)?;
        let lane = match (&cell, &annotation) {
            (Some(cell), annotation) => Some(lane_of(cell, annotation.as_ref())),
            (None, Some(annotation)) => Some(annotation.kind),
            (None, None) => None,
        };
        if let Some(entries) = known.lane.and_then(|lane| self.lanes.get_mut(&lane)) {
            entries.remove(&known.entry.place);
        }
        known.lane = lane;
        if let Some(lane) = lane {
            self.lanes.entry(lane).or_default().insert(known.entry.place, queue.clone());
        }
        if cell.is_none() {
            self.orphans.insert(queue.clone());
        }
        Ok(())
    }

    /// Finds the lane of the first entry of which none is known; answers whether there was one.
    fn file_next(&mut self, store: &dyn Store) -> Result<bool, StoreError> {
        let Some(queue) = self.unfiled.front().cloned() else { return Ok(false) };
        if self.entries.get(&queue).is_some_and(|known| known.lane.is_none()) {
            self.refile(store, &queue)?;
        }
        self.unfiled.pop_front();
        Ok(true)
    }

    /// Finds the first entry of a lane.
    pub(super) fn first(&mut self, store: &dyn Store, lane: CellKind) -> Result<Option<Waiting>, StoreError> {
        loop {
            let first = self.lanes.get(&lane).and_then(|entries| entries.values().next());
            if let Some(known) = first.and_then(|queue| self.entries.get(queue)) {
                return Ok(Some(known.entry.clone()));
            }
            if !self.file_next(store)? {
                return Ok(None);
            }
        }
    }

    /// Lists the entries whose cell is gone, in log order.
    pub(super) fn orphans(&self) -> Vec<Waiting> {
        let orphans = self.orphans.iter().filter_map(|queue| self.entries.get(queue));
        let mut orphans: Vec<Waiting> = orphans.map(|known| known.entry.clone()).collect();
        orphans.sort_by_key(|entry| entry.place);
        orphans
    }

    /// Leaves an entry whose cell is gone to the holder of its lane.
    pub(super) fn leave_orphan(&mut self, queue: &QueueId) {
        self.orphans.remove(queue);
    }

    /// Lists what waits in a lane and was requested before an event of the log.
    pub(super) fn before(
        &mut self,
        store: &dyn Store,
        lane: CellKind,
        rowid: i64,
    ) -> Result<Vec<Waiting>, StoreError> {
        while self.unfiled.front().is_some_and(|queue| {
            self.entries.get(queue).is_none_or(|known| known.entry.place.is_before(rowid))
        }) {
            self.file_next(store)?;
        }
        let entries = self.lanes.get(&lane).into_iter().flatten();
        let entries = entries.take_while(|(place, _)| place.is_before(rowid));
        Ok(entries.filter_map(|(_, queue)| Some(self.entries.get(queue)?.entry.clone())).collect())
    }

    /// Lists what waits of the batch that requested an entry, whatever its lane.
    pub(super) fn rest_of_batch(
        &mut self,
        store: &dyn Store,
        failed: &Waiting,
    ) -> Result<Vec<Waiting>, StoreError> {
        let batch = match failed.batch {
            Some(batch) => Some(batch),
            None => self.find_batches(store, &failed.queue)?,
        };
        let Some(batch) = batch else { return Ok(Vec::new()) };
        let mut rest = Vec::new();
        each_request(store, batch - 1, |entry, queue| {
            let of_it = entry.batch == batch;
            rest.extend(self.entries.get(queue).filter(|_| of_it).map(|known| known.entry.clone()));
            of_it
        })?;
        Ok(rest)
    }

    /// Finds the batch of an entry in the log, and on the way that of all others that are not known.
    fn find_batches(&mut self, store: &dyn Store, wanted: &QueueId) -> Result<Option<i64>, StoreError> {
        let mut found = None;
        each_request(store, 0, |entry, queue| {
            if let Some(known) = self.entries.get_mut(queue) {
                known.entry.batch.get_or_insert(entry.batch);
            }
            if queue == wanted {
                found.get_or_insert(entry.batch);
            }
            true
        })?;
        Ok(found)
    }

    /// Tells where in the log an execution was cancelled, if it was.
    pub(super) fn cut(&self, queue: &QueueId) -> Option<i64> {
        self.cuts.get(queue).copied().max(self.cut_all)
    }

    /// Forgets the cancellations that were dealt with.
    pub(super) fn forget_cuts(&mut self) {
        self.cuts.clear();
        self.cut_all = None;
    }
}

/// Looks at every request after a rowid, in log order, until told to stop.
fn each_request(
    store: &dyn Store,
    mut rowid: i64,
    mut look: impl FnMut(&LogEntry, &QueueId) -> bool,
) -> Result<(), StoreError> {
    loop {
        let page = store.log_named(REQUESTS, rowid, PAGE)?;
        for entry in &page {
            rowid = entry.rowid;
            let goes_on = match &entry.event {
                Event::ExecutionRequested { queue_id, .. } => look(entry, queue_id),
                Event::MultipleExecutionRequested { cells_info, .. } => {
                    cells_info.iter().all(|run| look(entry, &run.queue_id))
                }
                _ => true,
            };
            if !goes_on {
                return Ok(());
            }
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}
