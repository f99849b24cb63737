//! Collects the text of an execution and commits it in the order of the calls.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use purlin_notebook::{CellId, CommitId, Event, OutputId, OutputMeta, Store, StoreError, StreamName};

use crate::artifacts::Artifacts;
use crate::context::COALESCE;
use crate::context::stream::{Stream, TextKind, TextStream};
use crate::host::{Host, TaskHandle};
use crate::ids::new_id;
use crate::signal::Cancellation;

/// At how many pending bytes text is committed at once.
const AT_ONCE: usize = 64 * 1024;
/// After how many changes between standard output and standard error their order is given up: from then on the text
/// goes to the last output of its stream, so that a process cannot fill a notebook with outputs.
const MAX_GROUPS: usize = 256;

/// How often a commit that finds the store in use is tried again, 20 ms apart, before the execution fails.
const BUSY_TRIES: u32 = 250;

type StreamRef = Rc<RefCell<Stream>>;
type OnCancel = Box<dyn FnOnce(&str)>;

pub(crate) struct Writer {
    pub(crate) store: Rc<dyn Store>,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) artifacts: Rc<dyn Artifacts>,
    pub(crate) state: RefCell<State>,
    cell: CellId,
    cancellation: Cancellation,
    this: Weak<Writer>,
}

#[derive(Default)]
pub(crate) struct State {
    position: f64,
    /// Streams that are not finished, in the order of their opening.
    open: Vec<StreamRef>,
    /// Streams with pending text, in the order of its arrival.
    dirty: Vec<StreamRef>,
    pending: usize,
    timer: Option<TaskHandle>,
    /// Events that a failed commit left, and those of outputs that are full: first in the next batch.
    unsent: Vec<Event>,
    failure: Option<StoreError>,
    busy: u32,
    closed: bool,
    group: Option<(StreamName, StreamRef)>,
    last_groups: Vec<(StreamName, StreamRef)>,
    groups: usize,
    pub(crate) on_cancel: Vec<OnCancel>,
}

impl Writer {
    pub(crate) fn new(
        store: Rc<dyn Store>,
        host: Rc<dyn Host>,
        artifacts: Rc<dyn Artifacts>,
        cell: CellId,
        position: f64,
        cancellation: Cancellation,
    ) -> Rc<Self> {
        let state = RefCell::new(State { position, ..State::default() });
        Rc::new_cyclic(|this| Self { store, host, artifacts, state, cell, cancellation, this: this.clone() })
    }

    pub(crate) fn next_position(&self) -> f64 {
        let mut state = self.state.borrow_mut();
        state.position += 1.0;
        state.position - 1.0
    }

    /// Returns why the store stopped taking our commits, once it has.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.state.borrow().failure.clone()
    }

    pub(crate) fn open(&self, kind: TextKind, meta: Option<OutputMeta>) -> TextStream {
        self.end_group();
        let stream = self.open_stream(kind, meta);
        let id = stream.borrow().id.clone();
        TextStream { id, stream, writer: self.this.clone() }
    }

    /// Puts out bytes of a process, in the current output if that is of the same stream.
    pub(crate) fn terminal(&self, name: StreamName, bytes: &[u8]) {
        if !bytes.is_empty() {
            let stream = self.group(name);
            self.append(&stream, bytes);
        }
    }

    pub(crate) fn append(&self, stream: &StreamRef, bytes: &[u8]) {
        if bytes.is_empty() || self.state.borrow().closed || stream.borrow().finished {
            return;
        }
        let mut full = Vec::new();
        let new_output = || OutputId::from(new_id(&*self.host));
        let added = stream.borrow_mut().push(bytes, &self.cell, &new_output, &mut full);
        if !full.is_empty() {
            self.state.borrow_mut().unsent.append(&mut full);
        }
        self.pend(stream, added);
    }

    pub(crate) fn finish(&self, stream: &StreamRef) {
        let added = stream.borrow_mut().end();
        self.state.borrow_mut().open.retain(|open| !Rc::ptr_eq(open, stream));
        if !self.state.borrow().closed {
            self.pend(stream, added);
        }
    }

    /// Commits an output that is not a stream, after what was pending.
    pub(crate) fn output(&self, build: impl FnOnce(OutputId, CellId, f64) -> Event) -> OutputId {
        let id = OutputId::from(new_id(&*self.host));
        self.end_group();
        let position = self.next_position();
        self.commit_or_fail(vec![build(id.clone(), self.cell.clone(), position)]);
        id
    }

    pub(crate) fn clear(&self, wait: bool, cleared_by: String) {
        self.end_group();
        self.commit_or_fail(vec![Event::CellOutputsCleared { cell_id: self.cell.clone(), wait, cleared_by }]);
        if wait {
            return;
        }
        let mut state = self.state.borrow_mut();
        state.position = 0.0;
        state.last_groups.clear();
        let open = state.open.clone();
        for stream in open {
            stream.borrow_mut().restart(state.position);
            state.position += 1.0;
        }
    }

    /// Commits what is pending.
    pub(crate) fn drain(&self) -> Result<(), StoreError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if self.nothing_pending() {
            return Ok(());
        }
        self.commit_batch(Vec::new()).map(drop)
    }

    /// Commits a handler's events, after what was pending.
    pub(crate) fn commit(&self, events: Vec<Event>) -> Result<CommitId, StoreError> {
        if self.state.borrow().closed {
            return Err(StoreError::Rejected { event: 0, why: "the execution is over".to_owned() });
        }
        if events.iter().any(adds_output) {
            self.end_group();
        }
        self.commit_batch(events)
    }

    /// Commits events whose failure cannot be answered to the caller: it stops the execution instead.
    pub(crate) fn commit_or_fail(&self, events: Vec<Event>) {
        if self.state.borrow().closed {
            return;
        }
        if let Err(error) = self.commit_batch(events) {
            self.fail(error);
        }
    }

    /// Finishes every stream and answers the pending events; nothing is taken afterwards.
    pub(crate) fn close(&self) -> Vec<Event> {
        self.end_group();
        let open = self.state.borrow().open.clone();
        for stream in open {
            self.finish(&stream);
        }
        let events = self.take_pending();
        let mut state = self.state.borrow_mut();
        state.closed = true;
        state.last_groups.clear();
        state.on_cancel.clear();
        events
    }

    fn nothing_pending(&self) -> bool {
        let state = self.state.borrow();
        state.dirty.is_empty() && state.unsent.is_empty()
    }

    fn pend(&self, stream: &StreamRef, added: usize) {
        let mut state = self.state.borrow_mut();
        state.pending += added;
        if added > 0 && !std::mem::replace(&mut stream.borrow_mut().dirty, true) {
            state.dirty.push(stream.clone());
        }
        if state.pending >= AT_ONCE {
            drop(state);
            self.drain_or_fail();
        } else if state.timer.is_none() && !(state.dirty.is_empty() && state.unsent.is_empty()) {
            state.timer = Some(self.arm());
        }
    }

    fn arm(&self) -> TaskHandle {
        let (this, sleep) = (self.this.clone(), self.host.sleep(COALESCE));
        self.host.spawn(Box::pin(async move {
            sleep.await;
            if let Some(writer) = this.upgrade() {
                // This task ends here by itself; dropping its own handle would stop it half-way.
                if let Some(timer) = writer.state.borrow_mut().timer.take() {
                    timer.detach();
                }
                writer.drain_or_fail();
            }
        }))
    }

    fn drain_or_fail(&self) {
        match self.drain() {
            Ok(()) => self.state.borrow_mut().busy = 0,
            Err(StoreError::Busy) if self.state.borrow().busy < BUSY_TRIES => {
                let timer = self.arm();
                let mut state = self.state.borrow_mut();
                state.busy += 1;
                state.timer = Some(timer);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Remembers that the store refuses, and stops the execution: what it puts out could not be kept.
    fn fail(&self, error: StoreError) {
        self.state.borrow_mut().failure.get_or_insert(error);
        self.cancellation.raise();
    }

    fn take_pending(&self) -> Vec<Event> {
        let mut state = self.state.borrow_mut();
        state.timer = None;
        state.pending = 0;
        let mut events = std::mem::take(&mut state.unsent);
        let dirty = std::mem::take(&mut state.dirty);
        events.extend(dirty.iter().filter_map(|stream| stream.borrow_mut().take_event(&self.cell)));
        events
    }

    fn commit_batch(&self, events: Vec<Event>) -> Result<CommitId, StoreError> {
        let mut batch = self.take_pending();
        let own = batch.len();
        batch.extend(events);
        match self.store.commit(&batch) {
            Ok(id) => Ok(id),
            Err(StoreError::Rejected { event, why }) if event >= own => {
                // The caller's event is at fault; the text in front of it is not.
                batch.truncate(own);
                if own > 0 {
                    self.store.commit(&batch)?;
                }
                Err(StoreError::Rejected { event: event - own, why })
            }
            Err(error) => {
                batch.truncate(own);
                self.state.borrow_mut().unsent = batch;
                Err(error)
            }
        }
    }

    fn open_stream(&self, kind: TextKind, meta: Option<OutputMeta>) -> StreamRef {
        let position = self.next_position();
        let id = OutputId::from(new_id(&*self.host));
        let stream = Stream::new(id, kind, meta, position, self.artifacts.clone());
        let stream = Rc::new(RefCell::new(stream));
        self.state.borrow_mut().open.push(stream.clone());
        stream
    }

    /// Finds the output that text of a process goes to.
    fn group(&self, name: StreamName) -> StreamRef {
        let state = self.state.borrow();
        let current = state.group.iter().chain(&state.last_groups).find(|(n, _)| *n == name);
        if let Some((_, stream)) = current {
            return stream.clone();
        }
        let last = state.groups >= MAX_GROUPS;
        drop(state);
        if !last {
            self.end_group();
        }
        let stream = self.open_stream(TextKind::Terminal(name), None);
        let mut state = self.state.borrow_mut();
        state.groups += 1;
        if last {
            state.last_groups.push((name, stream.clone()));
        } else {
            state.group = Some((name, stream.clone()));
        }
        stream
    }

    /// Ends the current output of a process's text, because another output follows.
    fn end_group(&self) {
        let group = self.state.borrow_mut().group.take();
        if let Some((_, stream)) = group {
            self.finish(&stream);
        }
    }
}

fn adds_output(event: &Event) -> bool {
    matches!(
        event,
        Event::MultimediaDisplayOutputAdded { .. }
            | Event::MultimediaResultOutputAdded { .. }
            | Event::TerminalOutputAdded { .. }
            | Event::MarkdownOutputAdded { .. }
            | Event::ErrorOutputAdded { .. }
            | Event::CellOutputsCleared { .. }
    )
}
