//! What the store has not taken yet, and who waits for it.

use std::task::Waker;

use purlin_notebook::{Event, Representations};

/// How many bytes the store may be behind, before an execution that does not wait is stopped.
const MOST: usize = 8 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Backlog {
    bytes: usize,
    waiting: Vec<Waker>,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes > MOST
    }

    /// Measures what a commit left.
    pub(super) fn grow(&mut self, unsent: &[Event]) {
        self.bytes = unsent.iter().map(weight).sum();
    }

    pub(super) fn clear(&mut self) {
        self.bytes = 0;
    }

    /// Wakes whoever waits for the store, or for an upload.
    pub(super) fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|other| other.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}

/// Roughly how many bytes an event holds.
fn weight(event: &Event) -> usize {
    const HEAD: usize = 200;
    let content = match event {
        Event::TerminalOutputAppended2 { delta, .. } | Event::MarkdownOutputAppended2 { delta, .. } => {
            delta.len()
        }
        Event::TerminalOutputAdded { content, .. }
        | Event::MarkdownOutputAdded { content, .. }
        | Event::ErrorOutputAdded { content, .. } => content.as_text().map_or(0, str::len),
        Event::MultimediaDisplayOutputAdded { representations, .. }
        | Event::MultimediaDisplayOutputUpdated { representations, .. }
        | Event::MultimediaResultOutputAdded { representations, .. } => all(representations),
        _ => 0,
    };
    HEAD + content
}

fn all(representations: &Representations) -> usize {
    representations.values().map(|media| media.as_text().map_or(HEAD_OF_JSON, str::len)).sum()
}

/// What JSON is taken for; it is bounded by the inline limit.
const HEAD_OF_JSON: usize = 4096;
