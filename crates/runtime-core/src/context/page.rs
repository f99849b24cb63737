//! One output of text as events: it appears, grows, and may be written anew.

use purlin_notebook::{CellId, Event, Media, OutputId, OutputMeta};
use serde_json::Map;

use crate::context::stream::TextKind;

/// How much of the distance between two positions a continued output takes.
const CONTINUED: f64 = 1.0 / 1024.0;

/// Under this name an output that is written anew says which delta was the last before: its text holds that one and all
/// in front of it. So it is told from a repetition of the event that first added the output.
const WRITTEN_AFTER: &str = "sequenceNumber";

/// What all outputs of one stream have in common.
pub(crate) struct Form {
    pub(crate) cell: CellId,
    pub(crate) kind: TextKind,
    pub(crate) meta: Option<OutputMeta>,
}

/// One output of a stream.
pub(crate) struct Page {
    pub(crate) id: OutputId,
    pub(crate) position: f64,
    /// It stands in the store.
    pub(crate) added: bool,
    /// It stands there at another position than it is to have.
    pub(crate) moved: bool,
    /// The number of the last delta. It goes on after the output was written anew, so that no number comes twice.
    sequence: i64,
}

impl Page {
    pub(crate) fn new(id: OutputId, position: f64) -> Self {
        Self { id, position, added: false, moved: false, sequence: 0 }
    }

    /// Makes the output that goes on after this one.
    pub(crate) fn next(&self, id: OutputId) -> Self {
        Self::new(id, self.position + CONTINUED)
    }

    /// Takes its place behind another output, from when it is written anew.
    pub(crate) fn follow(&mut self, before: &Self) {
        self.position = before.position + CONTINUED;
        self.moved = self.added;
    }

    /// Makes the output appear anew, after it was cleared away.
    pub(crate) fn restart(&mut self, position: f64) {
        (self.added, self.moved) = (false, false);
        self.position = position;
    }

    /// Writes further text.
    pub(crate) fn write(&mut self, form: &Form, text: String) -> Event {
        if !self.added {
            return self.replace(form, text);
        }
        self.sequence += 1;
        let (output_id, delta, sequence_number) = (self.id.clone(), text, self.sequence);
        let id = output_id.delta(sequence_number);
        match form.kind {
            TextKind::Markdown => Event::MarkdownOutputAppended2 { id, output_id, delta, sequence_number },
            TextKind::Terminal(_) => Event::TerminalOutputAppended2 { id, output_id, delta, sequence_number },
        }
    }

    /// Writes the whole text; what the output held before is gone.
    pub(crate) fn replace(&mut self, form: &Form, text: String) -> Event {
        (self.added, self.moved) = (true, false);
        let metadata =
            (self.sequence > 0).then(|| Map::from_iter([(WRITTEN_AFTER.to_owned(), self.sequence.into())]));
        let content = Media::Inline { data: text.into(), metadata };
        let content = match &form.meta {
            Some(meta) => content.with_meta(meta),
            None => content,
        };
        let (id, cell_id, position) = (self.id.clone(), form.cell.clone(), self.position);
        match form.kind {
            TextKind::Markdown => Event::MarkdownOutputAdded { id, cell_id, position, content },
            TextKind::Terminal(stream_name) => {
                Event::TerminalOutputAdded { id, cell_id, position, content, stream_name }
            }
        }
    }
}
