//! What a handler sees of its execution: the cell, the ways to put out, the signal to stop.

mod held;
mod page;
pub(crate) mod stream;
mod terminal;
pub(crate) mod writer;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use purlin_notebook::{
    Annotation, Cell, CellKind, CommitId, Durability, Event, Media, OutputId, OutputMeta, QueueEntry,
    QueueId, RuntimeSessionId, Store, StoreError, StreamName,
};

use crate::artifacts::Artifacts;
use crate::context::stream::{TextKind, TextStream};
use crate::context::writer::Writer;
use crate::excerpt::INLINE_LIMIT;
use crate::flush;
use crate::handler::{Cancelled, ExecutionError, Handler, Outcome};
use crate::host::{Host, Level, Record};
use crate::ids::new_id;
use crate::limit::bounded_text;
use crate::media::MediaBundle;
use crate::signal::Cancellation;

/// How long text is collected before it is committed.
pub const COALESCE: Duration = Duration::from_millis(20);

/// One execution, as its handler sees it; cheap to clone.
///
/// Text is coalesced: it is committed 20 ms after the first of it, at 64 KiB, before any other output or commit, and
/// when the execution ends. Outputs stand in the store in the order of the calls. After the execution has ended, calls
/// on a context that was kept change nothing.
///
/// Calls that answer at once never wait for the store: if it falls behind by more than 8 MiB, the execution fails with
/// the store's error. A handler that prints without end uses [`write`](Self::write), which waits.
#[derive(Clone)]
pub struct ExecutionContext {
    /// The cell, as it was when the execution started.
    pub cell: Rc<Cell>,
    /// What we know of the cell beyond the base schema.
    pub annotation: Option<Rc<Annotation>>,
    /// The lane.
    pub kind: CellKind,
    /// The queue entry, which is also the execution's id.
    pub queue_id: QueueId,
    /// The queue entry, as it was when it was claimed.
    pub queue_entry: Rc<QueueEntry>,
    /// The runtime session that executes.
    pub session_id: RuntimeSessionId,
    /// Names the runtime.
    pub runtime_id: Rc<str>,
    /// The user for whom the agent acts.
    pub client_id: Rc<str>,
    /// How often the cell has been run, this run included.
    pub execution_count: i64,
    pub(crate) writer: Rc<Writer>,
    pub(crate) cancellation: Cancellation,
    pub(crate) flush_deadline: Duration,
}

impl ExecutionContext {
    /// Returns the store, to query and to watch; [`commit`](Self::commit) keeps the order of outputs.
    pub fn store(&self) -> Rc<dyn Store> {
        self.writer.store.clone()
    }

    /// Returns the outside world.
    pub fn host(&self) -> Rc<dyn Host> {
        self.writer.host.clone()
    }

    /// Returns the place for large bytes.
    pub fn artifacts(&self) -> Rc<dyn Artifacts> {
        self.writer.artifacts.clone()
    }

    /// Returns what is to be executed: the prepared text if there is one, else the cell's source.
    pub fn source(&self) -> &str {
        let prepared = self.annotation.as_ref().and_then(|annotation| annotation.prepared_text.as_deref());
        prepared.unwrap_or(&self.cell.source)
    }

    /// Returns the signal that asks the execution to stop, for what is started beside it.
    pub fn abort_signal(&self) -> Cancellation {
        self.cancellation.clone()
    }

    /// Tells whether the execution is asked to stop.
    pub fn cancelled(&self) -> bool {
        self.cancellation.is_raised()
    }

    /// Waits until the execution is asked to stop.
    pub fn cancellation(&self) -> LocalBoxFuture<'static, ()> {
        self.cancellation.raised()
    }

    /// Fails with "Execution cancelled" if the execution is asked to stop.
    pub fn check_cancellation(&self) -> Result<(), Cancelled> {
        if self.cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Calls a function when the execution is cancelled, with the reason; a panic in it is caught.
    pub fn on_cancel(&self, function: impl FnOnce(&str) + 'static) {
        self.writer.state.borrow_mut().on_cancel.push(Box::new(function));
    }

    /// Puts text out on standard output. Consecutive text of one stream is one output.
    pub fn stdout(&self, text: &str) {
        self.writer.terminal(StreamName::Stdout, text.as_bytes());
    }

    /// Puts text out on standard error. Consecutive text of one stream is one output.
    pub fn stderr(&self, text: &str) {
        self.writer.terminal(StreamName::Stderr, text.as_bytes());
    }

    /// Puts bytes of a process out; a UTF-8 sequence may be cut at their end.
    pub fn terminal_bytes(&self, name: StreamName, bytes: &[u8]) {
        self.writer.terminal(name, bytes);
    }

    /// Puts bytes of a process out, and waits while the store is behind; lets others run every 64 KiB.
    ///
    /// Fails if the execution is asked to stop.
    pub async fn write(&self, name: StreamName, bytes: &[u8]) -> Result<(), Cancelled> {
        self.check_cancellation()?;
        self.writer.write(name, bytes).await?;
        self.check_cancellation()
    }

    /// Appends to an output of text of an earlier moment; the caller numbers what is appended. A number that was there
    /// already is ignored by the store.
    pub fn append_terminal(&self, output: &OutputId, delta: &str, sequence_number: i64) {
        let (id, output_id) = (output.delta(sequence_number), output.clone());
        let event =
            Event::TerminalOutputAppended2 { id, output_id, delta: delta.to_owned(), sequence_number };
        self.writer.append_event(event, delta.len());
    }

    /// Appends to an output of markdown of an earlier moment; the caller numbers what is appended, as with
    /// [`append_terminal`](Self::append_terminal).
    pub fn append_markdown(&self, output: &OutputId, delta: &str, sequence_number: i64) {
        let (id, output_id) = (output.delta(sequence_number), output.clone());
        let event =
            Event::MarkdownOutputAppended2 { id, output_id, delta: delta.to_owned(), sequence_number };
        self.writer.append_event(event, delta.len());
    }

    /// Shows something in several representations; all displays of the same display id change with it.
    ///
    /// A large image becomes an artifact; until it is there, later outputs are committed before it, at later
    /// positions.
    pub fn display(&self, content: impl Into<MediaBundle>, display_id: Option<String>) -> OutputId {
        let display = display_id.clone();
        self.writer.show(content.into(), display, |id, cell_id, position, representations| {
            Event::MultimediaDisplayOutputAdded { id, cell_id, position, representations, display_id }
        })
    }

    /// Changes every display of that display id; makes none.
    pub fn update_display(&self, display_id: impl Into<String>, content: impl Into<MediaBundle>) {
        self.writer.update(content.into(), display_id.into());
    }

    /// Puts out the value of the cell.
    pub fn result(&self, content: impl Into<MediaBundle>) -> OutputId {
        let execution_count = self.execution_count;
        self.writer.show(content.into(), None, move |id, cell_id, position, representations| {
            Event::MultimediaResultOutputAdded { id, cell_id, position, representations, execution_count }
        })
    }

    /// Waits until no image is being uploaded any more. The end of an execution waits for that by itself.
    pub async fn uploaded(&self) {
        self.writer.uploaded().await;
    }

    /// Puts out an error; it does not end the execution.
    pub fn error(&self, ename: &str, evalue: &str, traceback: &[String]) -> OutputId {
        self.writer.output(|id, cell_id, position| Event::ErrorOutputAdded {
            id,
            cell_id,
            position,
            content: error_content(ename, evalue, traceback),
        })
    }

    /// Clears the cell's outputs: at once, or (`wait`) when the next output arrives.
    pub fn clear(&self, wait: bool) {
        self.writer.clear(wait, format!("runtime-{}", self.runtime_id));
    }

    /// Puts out markdown and answers the stream that appends to it.
    pub fn markdown(&self, text: &str) -> TextStream {
        let stream = self.writer.open(TextKind::Markdown, None);
        stream.append(text);
        stream
    }

    /// Opens an output of text with a role. The output appears in the store with its first text.
    pub fn open_text(&self, kind: TextKind, meta: OutputMeta) -> TextStream {
        self.writer.open(kind, Some(meta))
    }

    /// Commits events in one batch, after what was coalesced.
    pub fn commit(&self, events: Vec<Event>) -> Result<CommitId, StoreError> {
        self.writer.commit(events)
    }

    /// Commits what was coalesced and waits until it has reached a level of durability.
    pub fn flush(&self, level: Durability) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let drained = self.writer.drain();
        let (store, host) = (self.writer.store.clone(), self.host());
        let deadline = self.flush_deadline;
        Box::pin(async move {
            drained?;
            flush::within(&*store, &host, level, deadline).await
        })
    }

    /// Makes an identifier.
    pub fn new_id(&self) -> String {
        new_id(&*self.writer.host)
    }

    /// Takes the position of the next output of the cell.
    pub fn next_position(&self) -> f64 {
        self.writer.next_position()
    }

    /// Writes a line into the log.
    pub fn log(&self, level: Level, message: &str) {
        self.writer.host.log(&Record::new(level, "runtime", message));
    }
}

/// Calls a handler, puts its value out and waits for what is being uploaded.
pub(crate) async fn carry_out(
    handler: Rc<dyn Handler>,
    cx: ExecutionContext,
) -> Result<Outcome, ExecutionError> {
    let mut answer = handler.execute(cx.clone()).await;
    if let Ok(outcome) = &mut answer
        && let Some(result) = outcome.result.take()
    {
        cx.result(result);
    }
    cx.uploaded().await;
    answer
}

impl fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionContext")
            .field("cell", &self.cell.id)
            .field("kind", &self.kind)
            .field("queue_id", &self.queue_id)
            .finish_non_exhaustive()
    }
}

/// Makes the content of an error output.
pub(crate) fn error_content(ename: &str, evalue: &str, traceback: &[String]) -> Media {
    Media::Inline {
        data: serde_json::json!({
            "ename": ename,
            "evalue": bounded_text(evalue),
            "traceback": if traceback.iter().map(String::len).sum::<usize>() > INLINE_LIMIT / 2 { &[] } else { traceback },
        }),
        metadata: None,
    }
}
