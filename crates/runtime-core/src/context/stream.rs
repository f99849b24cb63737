//! One output of text that grows.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use purlin_notebook::{CellId, Event, Media, OutputId, OutputMeta, StreamName};

use crate::context::writer::Writer;
use crate::excerpt::{Excerpt, INLINE_LIMIT};
use crate::text::{floor_boundary, visible_nul};

/// What kind of output a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Markdown. Beyond the inline limit it goes on in a further output, so nothing of it is ever left out.
    Markdown,
    /// Text of a stream. Beyond the inline limit only head and tail stay, and the whole becomes an artifact.
    Terminal(StreamName),
}

/// Appends to one output of text; cheap to clone.
#[derive(Clone)]
pub struct TextStream {
    pub(crate) id: OutputId,
    pub(crate) stream: Rc<RefCell<Stream>>,
    pub(crate) writer: Weak<Writer>,
}

impl TextStream {
    /// Returns the id of the output; of the first, if the text went on in further ones.
    pub fn id(&self) -> OutputId {
        self.id.clone()
    }

    /// Appends text; it is committed soon, together with what else there is.
    pub fn append(&self, text: &str) {
        self.append_bytes(text.as_bytes());
    }

    /// Appends bytes of a process; a UTF-8 sequence may be cut at their end.
    pub fn append_bytes(&self, bytes: &[u8]) {
        if let Some(writer) = self.writer.upgrade() {
            writer.append(&self.stream, bytes);
        }
    }

    /// Ends the text: what was kept back is put out. Appending afterwards does nothing.
    pub fn finish(&self) {
        if let Some(writer) = self.writer.upgrade() {
            writer.finish(&self.stream);
        }
    }
}

impl std::fmt::Debug for TextStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextStream").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The state behind a [`TextStream`].
pub(crate) struct Stream {
    pub(crate) id: OutputId,
    kind: TextKind,
    meta: Option<OutputMeta>,
    position: f64,
    added: bool,
    sequence: i64,
    pending: String,
    body: Body,
    pub(crate) finished: bool,
    pub(crate) dirty: bool,
}

enum Body {
    Excerpt(Box<Excerpt>),
    Rolling { decoder: crate::text::Utf8Decoder, shown: usize },
}

/// How much of the distance between two positions a continued output takes.
const CONTINUED: f64 = 1.0 / 1024.0;
/// How far before the limit a line's end is looked for.
const LINE_SEARCH: usize = 4096;

impl Stream {
    pub(crate) fn new(
        id: OutputId,
        kind: TextKind,
        meta: Option<OutputMeta>,
        position: f64,
        artifacts: Rc<dyn crate::artifacts::Artifacts>,
    ) -> Self {
        let body = match kind {
            TextKind::Markdown => Body::Rolling { decoder: crate::text::Utf8Decoder::new(), shown: 0 },
            TextKind::Terminal(_) => Body::Excerpt(Box::new(Excerpt::new(artifacts))),
        };
        Self {
            id,
            kind,
            meta,
            position,
            added: false,
            sequence: 0,
            pending: String::new(),
            body,
            finished: false,
            dirty: false,
        }
    }

    /// Takes bytes. Answers how much text became pending; events of outputs that are full go to `full`.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        cell: &CellId,
        new_id: &dyn Fn() -> OutputId,
        full: &mut Vec<Event>,
    ) -> usize {
        match &mut self.body {
            Body::Excerpt(excerpt) => {
                let text = excerpt.push_bytes(bytes);
                self.pending.push_str(&text);
                text.len()
            }
            Body::Rolling { decoder, .. } => {
                let text = decoder.decode(bytes);
                self.roll(&text, cell, new_id, full);
                text.len()
            }
        }
    }

    /// Ends the text. Answers how much text became pending.
    pub(crate) fn end(&mut self) -> usize {
        if std::mem::replace(&mut self.finished, true) {
            return 0;
        }
        let before = self.pending.len();
        match &mut self.body {
            Body::Excerpt(excerpt) => self.pending.push_str(&visible_nul(&excerpt.finish().text)),
            Body::Rolling { decoder, .. } => self.pending.push_str(decoder.finish()),
        }
        self.pending.len() - before
    }

    /// Makes the event of the pending text, if there is any.
    pub(crate) fn take_event(&mut self, cell: &CellId) -> Option<Event> {
        self.dirty = false;
        if self.pending.is_empty() {
            return None;
        }
        let text = std::mem::take(&mut self.pending);
        Some(if std::mem::replace(&mut self.added, true) {
            self.appended(text)
        } else {
            self.first(cell, text)
        })
    }

    /// Makes the output appear anew with its next text, after the cell's outputs have been cleared.
    pub(crate) fn restart(&mut self, position: f64) {
        self.added = false;
        self.position = position;
    }

    fn roll(&mut self, mut text: &str, cell: &CellId, new_id: &dyn Fn() -> OutputId, full: &mut Vec<Event>) {
        loop {
            let Body::Rolling { shown, .. } = &mut self.body else { return };
            let room = INLINE_LIMIT - *shown;
            if text.len() <= room {
                *shown += text.len();
                self.pending.push_str(text);
                return;
            }
            let at = break_near(text, room);
            *shown = 0;
            self.pending.push_str(&text[..at]);
            text = &text[at..];
            full.extend(self.take_event(cell));
            self.id = new_id();
            self.position += CONTINUED;
            self.added = false;
            self.sequence = 0;
        }
    }

    fn first(&self, cell: &CellId, text: String) -> Event {
        let content = Media::text(text);
        let content = match &self.meta {
            Some(meta) => content.with_meta(meta),
            None => content,
        };
        let (id, cell_id, position) = (self.id.clone(), cell.clone(), self.position);
        match self.kind {
            TextKind::Markdown => Event::MarkdownOutputAdded { id, cell_id, position, content },
            TextKind::Terminal(stream_name) => {
                Event::TerminalOutputAdded { id, cell_id, position, content, stream_name }
            }
        }
    }

    fn appended(&mut self, delta: String) -> Event {
        self.sequence += 1;
        let (output_id, sequence_number) = (self.id.clone(), self.sequence);
        // The last 17 characters of an id of ours are its random half; with the number they are unique in a notebook.
        let half = self.id.as_str();
        let half = half.get(half.len().saturating_sub(17)..).unwrap_or(half);
        let id = format!("{half}.{sequence_number}");
        match self.kind {
            TextKind::Markdown => Event::MarkdownOutputAppended2 { id, output_id, delta, sequence_number },
            TextKind::Terminal(_) => Event::TerminalOutputAppended2 { id, output_id, delta, sequence_number },
        }
    }
}

/// Finds where to cut a text that has to be cut at `room` at the latest: after a line if one ends near.
fn break_near(text: &str, room: usize) -> usize {
    let at = floor_boundary(text, room);
    let from = floor_boundary(text, at.saturating_sub(LINE_SEARCH));
    text[from..at].rfind('\n').map_or(at, |line| from + line + 1)
}
