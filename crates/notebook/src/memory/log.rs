//! The log in memory: events in their order, each with its author.

use crate::event::Event;
use crate::materialize::Author;

/// Events of a page.
const PAGE: usize = 256;

/// A log. The rowid of an event is its place, from 1.
#[derive(Default)]
pub(super) struct Log {
    /// Pages of equal length, all but the last full, so that a long log is never copied to grow.
    pages: Vec<Vec<Entry>>,
    /// Client id and session id of everybody who committed something; they are few.
    authors: Vec<(String, String)>,
}

struct Entry {
    batch: i64,
    seq: Option<i64>,
    event: Event,
    author: usize,
    at: i64,
}

/// An event with its place.
pub(super) struct Logged<'a> {
    pub(super) rowid: i64,
    pub(super) batch: i64,
    pub(super) seq: Option<i64>,
    pub(super) event: &'a Event,
    pub(super) author: Author<'a>,
    pub(super) at: i64,
}

impl Log {
    /// Returns the rowid of the last event, 0 if there is none.
    pub(super) fn last_rowid(&self) -> i64 {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len()) as i64
    }

    /// Adds an event with its batch, its place in the authority's order, and its time.
    pub(super) fn push(
        &mut self,
        event: Event,
        author: Author<'_>,
        (batch, seq, at): (i64, Option<i64>, i64),
    ) {
        let is_author =
            |(client, session): &(String, String)| client == author.client_id && session == author.session_id;
        // Whoever committed last commits next, most of the time.
        let author = self.authors.iter().rposition(is_author).unwrap_or_else(|| {
            self.authors.push((author.client_id.to_owned(), author.session_id.to_owned()));
            self.authors.len() - 1
        });
        if self.pages.last().is_none_or(|last| last.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        // There is one, made above if there was none with room.
        if let Some(last) = self.pages.last_mut() {
            last.push(Entry { batch, seq, event, author, at });
        }
    }

    /// Returns the events after a rowid.
    pub(super) fn since(&self, rowid: i64) -> impl Iterator<Item = Logged<'_>> {
        let from = rowid.clamp(0, self.last_rowid());
        let (page, place) = (from as usize / PAGE, from as usize % PAGE);
        let pages = self.pages.get(page..).unwrap_or_default();
        (from + 1..).zip(pages.iter().flatten().skip(place)).map(|(rowid, entry)| {
            let (client_id, session_id) = &self.authors[entry.author];
            let author = Author { client_id, session_id };
            Logged { rowid, batch: entry.batch, seq: entry.seq, event: &entry.event, author, at: entry.at }
        })
    }
}
