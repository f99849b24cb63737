//! The log in memory: events in their order, each with its author.

use serde_json::Value;

use crate::event::Event;
use crate::materialize::Author;

/// A log. The rowid of an event is its place, from 1.
#[derive(Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
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

impl Log {
    /// Returns the rowid of the last event, 0 if there is none.
    pub(super) fn last_rowid(&self) -> i64 {
        self.entries.len() as i64
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
        self.entries.push(Entry { batch, seq, event, author, at });
    }

    /// Returns the rows after a rowid, in the columns of the log's table.
    pub(super) fn since(&self, rowid: i64) -> impl Iterator<Item = Vec<Value>> {
        let from = usize::try_from(rowid).unwrap_or(0).min(self.entries.len());
        (from as i64 + 1..).zip(&self.entries[from..]).map(|(rowid, entry)| {
            let (client, session) = &self.authors[entry.author];
            vec![
                Value::from(rowid),
                Value::from(entry.batch),
                Value::from(entry.seq),
                Value::from(entry.event.name()),
                Value::from(entry.event.args_text()),
                Value::from(client.as_str()),
                Value::from(session.as_str()),
                Value::from(entry.at),
            ]
        })
    }
}
