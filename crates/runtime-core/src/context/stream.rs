//! One text that grows, as one output or as several that follow each other.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use purlin_notebook::{Event, OutputId, StreamName};

use crate::context::page::{Form, Page};
use crate::context::terminal::Terminal;
use crate::context::writer::Writer;
use crate::excerpt::INLINE_LIMIT;
use crate::host::MonoMs;
use crate::text::{Utf8Decoder, floor_boundary};

/// What kind of output a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Markdown. Beyond the inline limit it goes on in a further output, so nothing of it is ever left out.
    Markdown,
    /// Text of a stream: a terminal's control characters are carried out, and beyond the inline limit only head and
    /// tail stay, and the whole becomes an artifact.
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
    form: Form,
    body: Body,
    pub(crate) finished: bool,
    pub(crate) dirty: bool,
}

pub(crate) enum Body {
    Terminal(Box<Terminal>),
    Markdown(Markdown),
}

/// Markdown, which is never left out.
pub(crate) struct Markdown {
    page: Page,
    decoder: Utf8Decoder,
    shown: usize,
    pending: String,
}

/// How far before the limit a line's end is looked for.
const LINE_SEARCH: usize = 4096;

impl Stream {
    pub(crate) fn new(form: Form, body: Body) -> Self {
        Self { form, body, finished: false, dirty: false }
    }

    /// Takes bytes. Events of outputs that are full go to `full`.
    pub(crate) fn push(&mut self, bytes: &[u8], new_id: &dyn Fn() -> OutputId, full: &mut Vec<Event>) {
        match &mut self.body {
            Body::Terminal(terminal) => terminal.push(bytes, new_id),
            Body::Markdown(markdown) => {
                let text = markdown.decoder.decode(bytes);
                markdown.roll(&text, &self.form, new_id, full);
            }
        }
    }

    /// Ends the text; answers whether it had not ended before.
    pub(crate) fn end(&mut self, new_id: &dyn Fn() -> OutputId) -> bool {
        if std::mem::replace(&mut self.finished, true) {
            return false;
        }
        match &mut self.body {
            Body::Terminal(terminal) => terminal.end(new_id),
            Body::Markdown(markdown) => markdown.pending.push_str(markdown.decoder.finish()),
        }
        true
    }

    /// Answers what is pending as events, and how long to wait with what is not due yet.
    pub(crate) fn take(
        &mut self,
        now: MonoMs,
        new_id: &dyn Fn() -> OutputId,
        events: &mut Vec<Event>,
    ) -> Option<Duration> {
        let wait = match &mut self.body {
            Body::Terminal(terminal) => terminal.take(&self.form, now, new_id, events),
            Body::Markdown(markdown) => {
                events.extend(markdown.take(&self.form));
                None
            }
        };
        self.dirty = wait.is_some();
        wait
    }

    /// Makes the output appear anew with its next text, after the cell's outputs have been cleared.
    pub(crate) fn restart(&mut self, position: f64) {
        match &mut self.body {
            Body::Terminal(terminal) => terminal.restart(position),
            Body::Markdown(markdown) => {
                markdown.page.restart(position);
                markdown.shown = 0;
            }
        }
    }

    /// Notes that a clear is pending that this text, if it stands there already, must not carry out.
    pub(crate) fn grow_old(&mut self) {
        if let Body::Terminal(terminal) = &mut self.body {
            terminal.grow_old();
        }
    }

    /// Tells whether an output of this text stands in the store.
    pub(crate) fn is_begun(&self) -> bool {
        match &self.body {
            Body::Terminal(terminal) => terminal.is_begun(),
            Body::Markdown(markdown) => markdown.page.added,
        }
    }

    /// Tells whether an output is one of this text.
    pub(crate) fn has(&self, id: &OutputId) -> bool {
        match &self.body {
            Body::Terminal(terminal) => terminal.has(id),
            Body::Markdown(markdown) => markdown.page.id == *id,
        }
    }
}

impl Markdown {
    pub(crate) fn new(page: Page) -> Self {
        Self { page, decoder: Utf8Decoder::new(), shown: 0, pending: String::new() }
    }

    fn take(&mut self, form: &Form) -> Option<Event> {
        if self.pending.is_empty() {
            return None;
        }
        let text = std::mem::take(&mut self.pending);
        Some(self.page.write(form, text))
    }

    fn roll(&mut self, mut text: &str, form: &Form, new_id: &dyn Fn() -> OutputId, full: &mut Vec<Event>) {
        loop {
            let room = INLINE_LIMIT - self.shown;
            if text.len() <= room {
                self.shown += text.len();
                self.pending.push_str(text);
                return;
            }
            let at = break_near(text, room);
            self.shown = 0;
            self.pending.push_str(&text[..at]);
            text = &text[at..];
            full.extend(self.take(form));
            self.page = self.page.next(new_id());
        }
    }
}

/// Finds where to cut a text that has to be cut at `room` at the latest: after a line if one ends near.
fn break_near(text: &str, room: usize) -> usize {
    let at = floor_boundary(text, room);
    let from = floor_boundary(text, at.saturating_sub(LINE_SEARCH));
    text[from..at].rfind('\n').map_or(at, |line| from + line + 1)
}
