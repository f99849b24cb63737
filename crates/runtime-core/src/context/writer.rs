//! Collects the text of an execution and commits it in the order of the calls.

mod backlog;
mod show;

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use purlin_notebook::{CellId, CommitId, Event, OutputId, OutputMeta, Store, StoreError, StreamName};

use crate::artifacts::Artifacts;
use crate::context::COALESCE;
use crate::context::held::Held;
use crate::context::page::{Form, Page};
use crate::context::stream::{Body, Markdown, Stream, TextKind, TextStream};
use crate::context::terminal::Terminal;
use crate::host::{Host, Level, MonoMs, Record, TaskHandle};
use crate::ids::new_id;
use crate::options::TerminalText;
use crate::signal::Cancellation;
use backlog::Backlog;

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
    settings: Settings,
    this: Weak<Writer>,
}

/// What the agent's options say of outputs.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) terminal: TerminalText,
    pub(crate) image_artifact_threshold: u64,
}

#[derive(Default)]
pub(crate) struct State {
    position: f64,
    /// Streams that are not finished, in the order of their opening.
    open: Vec<StreamRef>,
    /// Streams with pending text, in the order of its arrival.
    dirty: Vec<StreamRef>,
    pending: usize,
    /// When what is pending is looked at, and the task that does it.
    timer: Option<(MonoMs, TaskHandle)>,
    /// Events that a failed commit left, and those of outputs that are full: first in the next batch.
    unsent: Vec<Event>,
    backlog: Backlog,
    /// How many bytes were written since others could run.
    ran: usize,
    held: Held,
    /// A clear is committed that takes effect with the next output.
    clear_pending: bool,
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
        (position, settings): (f64, Settings),
        cancellation: Cancellation,
    ) -> Rc<Self> {
        let state = RefCell::new(State { position, ..State::default() });
        Rc::new_cyclic(|this| Self {
            store,
            host,
            artifacts,
            state,
            cell,
            cancellation,
            settings,
            this: this.clone(),
        })
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
        let (id, stream) = self.open_stream(kind, meta);
        TextStream { id, stream, writer: self.this.clone() }
    }

    /// Puts out bytes of a process, in the current output if that is of the same stream.
    pub(crate) fn terminal(&self, name: StreamName, bytes: &[u8]) {
        if !bytes.is_empty() && !self.state.borrow().closed {
            let stream = self.group(name);
            self.append(&stream, bytes);
        }
    }

    pub(crate) fn append(&self, stream: &StreamRef, bytes: &[u8]) {
        if bytes.is_empty() || self.state.borrow().closed || stream.borrow().finished {
            return;
        }
        let mut full = Vec::new();
        stream.borrow_mut().push(bytes, &|| self.new_output(), &mut full);
        if !full.is_empty() {
            self.state.borrow_mut().unsent.append(&mut full);
        }
        self.pend(stream, bytes.len());
    }

    /// Commits an event soon, with the text that is pending.
    pub(crate) fn append_event(&self, event: Event, bytes: usize) {
        if self.state.borrow().closed {
            return;
        }
        // What was put out before comes first.
        let mut batch = self.take_pending();
        batch.push(event);
        let mut state = self.state.borrow_mut();
        state.unsent.append(&mut batch);
        state.pending += bytes;
        drop(state);
        self.commit_soon();
    }

    pub(crate) fn finish(&self, stream: &StreamRef) {
        let ended = stream.borrow_mut().end(&|| self.new_output());
        self.state.borrow_mut().open.retain(|open| !Rc::ptr_eq(open, stream));
        if ended && !self.state.borrow().closed {
            self.pend(stream, 0);
        }
    }

    /// Commits an output that is not a stream, after what was pending.
    pub(crate) fn output(&self, build: impl FnOnce(OutputId, CellId, f64) -> Event) -> OutputId {
        let id = self.new_output();
        self.end_group();
        let position = self.next_position();
        self.commit_or_fail(vec![build(id.clone(), self.cell.clone(), position)]);
        id
    }

    pub(crate) fn clear(&self, wait: bool, cleared_by: String) {
        self.end_group();
        let last_groups = std::mem::take(&mut self.state.borrow_mut().last_groups);
        for (_, stream) in &last_groups {
            self.finish(stream);
        }
        let event = Event::CellOutputsCleared { cell_id: self.cell.clone(), wait, cleared_by };
        if wait && self.state.borrow().held.adds() {
            // An output that is on its way was put out before, so it does not carry the clear out.
            self.state.borrow_mut().held.clear(event);
            return;
        }
        self.commit_or_fail(vec![event]);
        if wait {
            return;
        }
        let mut state = self.state.borrow_mut();
        state.held.drop_outputs();
        state.clear_pending = false;
        state.position = 0.0;
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
        self.commit_batch(Vec::new(), u64::MAX).map(drop)
    }

    /// Commits a handler's events, after what was pending.
    pub(crate) fn commit(&self, events: Vec<Event>) -> Result<CommitId, StoreError> {
        if self.state.borrow().closed {
            return Err(StoreError::Rejected { event: 0, why: "the execution is over".to_owned() });
        }
        if events.iter().any(adds_or_clears) {
            self.end_group();
        }
        self.commit_batch(events, u64::MAX)?.map_or_else(|| self.store.commit(&[]), Ok)
    }

    /// Commits events whose failure cannot be answered to the caller: it stops the execution instead.
    pub(crate) fn commit_or_fail(&self, events: Vec<Event>) {
        self.commit_of_call(events, u64::MAX);
    }

    fn commit_of_call(&self, events: Vec<Event>, call: u64) {
        if self.state.borrow().closed {
            return;
        }
        if let Err(error) = self.commit_batch(events, call) {
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
        let mut events = self.take_pending();
        events.extend(self.break_off_uploads());
        let mut state = self.state.borrow_mut();
        state.closed = true;
        state.timer = None;
        state.dirty.clear();
        state.last_groups.clear();
        state.on_cancel.clear();
        state.backlog.clear();
        events
    }

    fn nothing_pending(&self) -> bool {
        let state = self.state.borrow();
        state.dirty.is_empty() && state.unsent.is_empty()
    }

    fn pend(&self, stream: &StreamRef, added: usize) {
        let mut state = self.state.borrow_mut();
        state.pending += added;
        if !std::mem::replace(&mut stream.borrow_mut().dirty, true) {
            state.dirty.push(stream.clone());
        }
        drop(state);
        self.commit_soon();
    }

    fn commit_soon(&self) {
        let mut state = self.state.borrow_mut();
        if state.pending >= AT_ONCE && state.backlog.is_empty() {
            drop(state);
            return self.drain_or_fail();
        }
        // What may wait longer has a later timer.
        let soon = self.host.mono() + COALESCE.as_millis() as MonoMs;
        if state.timer.as_ref().is_none_or(|(due, _)| *due > soon) {
            state.timer = Some(self.arm(COALESCE));
        }
    }

    fn arm(&self, after: Duration) -> (MonoMs, TaskHandle) {
        let (this, sleep) = (self.this.clone(), self.host.sleep(after));
        let task = self.host.spawn(Box::pin(async move {
            sleep.await;
            if let Some(writer) = this.upgrade() {
                // This task ends here by itself; dropping its own handle would stop it half-way.
                if let Some((_, timer)) = writer.state.borrow_mut().timer.take() {
                    timer.detach();
                }
                writer.drain_or_fail();
            }
        }));
        (self.host.mono() + after.as_millis() as MonoMs, task)
    }

    fn drain_or_fail(&self) {
        match self.drain() {
            Ok(()) => self.state.borrow_mut().busy = 0,
            Err(StoreError::Busy) if self.state.borrow().busy < BUSY_TRIES => {
                let timer = self.arm(COALESCE);
                let mut state = self.state.borrow_mut();
                state.busy += 1;
                state.timer = Some(timer);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Remembers that the store refuses, and stops the execution: what it puts out could not be kept.
    fn fail(&self, error: StoreError) {
        let mut state = self.state.borrow_mut();
        state.failure.get_or_insert(error);
        state.backlog.wake();
        drop(state);
        self.cancellation.raise();
    }

    fn log(&self, level: Level, message: &str) {
        self.host.log(&Record::new(level, "outputs", message));
    }

    fn new_output(&self) -> OutputId {
        OutputId::from(new_id(&*self.host))
    }

    /// Makes events of what is pending. What is not due yet stays, with a timer of its own.
    fn take_pending(&self) -> Vec<Event> {
        let mut state = self.state.borrow_mut();
        state.timer = None;
        state.pending = 0;
        let mut events = std::mem::take(&mut state.unsent);
        let dirty = std::mem::take(&mut state.dirty);
        let now = self.host.mono();
        let mut next: Option<Duration> = None;
        for stream in dirty {
            let wait = stream.borrow_mut().take(now, &|| self.new_output(), &mut events);
            if let Some(wait) = wait {
                next = Some(next.map_or(wait, |next| next.min(wait)));
                state.dirty.push(stream);
            }
        }
        state.timer = next.map(|wait| self.arm(wait.max(COALESCE)));
        events
    }

    /// Commits what is pending and the events of a call; answers nothing if there was nothing.
    fn commit_batch(&self, events: Vec<Event>, call: u64) -> Result<Option<CommitId>, StoreError> {
        let mut batch = self.take_pending();
        let mut own = batch.len();
        batch.extend(events);
        if let Some(at) = batch.iter().position(adds_output) {
            let clears = self.state.borrow_mut().held.force_clears(call);
            own += if at <= own { clears.len() } else { 0 };
            batch.splice(at..at, clears);
        }
        if batch.is_empty() {
            return Ok(None);
        }
        match self.store.commit(&batch) {
            Ok(id) => {
                self.committed(&batch);
                Ok(Some(id))
            }
            Err(StoreError::Rejected { event, why }) if event >= own => {
                // The caller's event is at fault; the text in front of it is not.
                batch.truncate(own);
                if own > 0 {
                    self.store.commit(&batch)?;
                    self.committed(&batch);
                }
                Err(StoreError::Rejected { event: event - own, why })
            }
            Err(error) => {
                batch.truncate(own);
                let mut state = self.state.borrow_mut();
                state.backlog.grow(&batch);
                state.unsent = batch;
                let full = state.backlog.is_full();
                drop(state);
                if full {
                    self.fail(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Takes in what a batch means for the streams that are open: an output that follows a pending clear takes them
    /// away, and they begin anew.
    fn committed(&self, batch: &[Event]) {
        let mut state = self.state.borrow_mut();
        state.backlog.clear();
        state.backlog.wake();
        let mut added = None;
        for (at, event) in batch.iter().enumerate() {
            match event {
                Event::CellOutputsCleared { cell_id, wait: true, .. } if *cell_id == self.cell => {
                    state.clear_pending = true;
                    state.open.iter().for_each(|stream| stream.borrow_mut().grow_old());
                }
                event if state.clear_pending && adds_output(event) => {
                    state.clear_pending = false;
                    added = Some(at);
                }
                _ => {}
            }
        }
        let Some(at) = added else { return };
        let fresh: Vec<&OutputId> = batch[at..].iter().filter_map(added_id).collect();
        let open = state.open.clone();
        for stream in open {
            let mut stream = stream.borrow_mut();
            if stream.is_begun() && !fresh.iter().any(|id| stream.has(id)) {
                state.position += 1.0;
                stream.restart(state.position - 1.0);
            }
        }
    }

    fn open_stream(&self, kind: TextKind, meta: Option<OutputMeta>) -> (OutputId, StreamRef) {
        let position = self.next_position();
        let id = self.new_output();
        let page = Page::new(id.clone(), position);
        let body = match kind {
            TextKind::Markdown => Body::Markdown(Markdown::new(page)),
            TextKind::Terminal(_) => {
                let terminal = Terminal::new(page, self.artifacts.clone(), self.settings.terminal);
                Body::Terminal(Box::new(terminal))
            }
        };
        let form = Form { cell: self.cell.clone(), kind, meta };
        let stream = Rc::new(RefCell::new(Stream::new(form, body)));
        self.state.borrow_mut().open.push(stream.clone());
        (id, stream)
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
        let (_, stream) = self.open_stream(TextKind::Terminal(name), None);
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

fn adds_or_clears(event: &Event) -> bool {
    adds_output(event) || matches!(event, Event::CellOutputsCleared { .. })
}

fn adds_output(event: &Event) -> bool {
    added_id(event).is_some()
}

/// The output that an event adds.
fn added_id(event: &Event) -> Option<&OutputId> {
    match event {
        Event::MultimediaDisplayOutputAdded { id, .. }
        | Event::MultimediaResultOutputAdded { id, .. }
        | Event::TerminalOutputAdded { id, .. }
        | Event::MarkdownOutputAdded { id, .. }
        | Event::ErrorOutputAdded { id, .. } => Some(id),
        _ => None,
    }
}
