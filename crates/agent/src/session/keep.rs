//! What extensions keep in a session, and the notes they add to it.
//!
//! What was set is answered from then on, whether the commit can be seen already or not. A session that does not exist
//! yet is not begun by keeping something: what waits is committed with its first cell.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_notebook::{CellId, CellKind, CellType, Event, StoreExt};
use serde_json::Value;

use super::send::NewCell;
use super::{Session, SessionError};

/// What was set and cannot be seen in the store yet, by extension and key.
#[derive(Default)]
pub(super) struct Kept {
    writes: RefCell<BTreeMap<(String, String), Write>>,
    next: Cell<u64>,
}

struct Write {
    /// Tells it from a later one of the same key.
    number: u64,
    value: Option<Value>,
    /// Whether it waits for the session's first commit.
    waits: bool,
}

/// A note for people, which an extension or the program adds to a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Its text.
    pub text: String,
    /// The extension whose it is.
    pub extension: Option<String>,
    /// Whether models read it as well.
    pub model: bool,
    /// How it is shown: `kind`, `role` and `meta` of its block.
    pub data: BTreeMap<String, Value>,
}

/// The field of a note's data that says whether models read it.
pub(crate) const FOR_MODEL: &str = "model";

impl Kept {
    fn put(&self, extension: &str, key: &str, value: Option<Value>, waits: bool) -> u64 {
        let number = self.next.get() + 1;
        self.next.set(number);
        let place = (extension.to_owned(), key.to_owned());
        self.writes.borrow_mut().insert(place, Write { number, value, waits });
        number
    }

    /// Forgets writes that can be seen in the store by now.
    fn forget(&self, numbers: &[u64]) {
        self.writes.borrow_mut().retain(|_, write| !numbers.contains(&write.number));
    }

    /// Takes up what waits: the events, and the numbers to forget once they are committed.
    pub(super) fn take_up(&self) -> (Vec<Event>, Vec<u64>) {
        let mut writes = self.writes.borrow_mut();
        let waiting = writes.iter_mut().filter(|(_, write)| write.waits);
        waiting
            .map(|((extension, key), write)| {
                write.waits = false;
                (event(extension, key, write.value.clone()), write.number)
            })
            .unzip()
    }
}

fn event(extension: &str, key: &str, value: Option<Value>) -> Event {
    Event::StateSet { extension: extension.to_owned(), key: key.to_owned(), value }
}

impl Session {
    /// Answers what an extension keeps in this session under a key; nothing if it is not set.
    pub fn kept(&self, extension: &str, key: &str) -> Result<Option<Value>, SessionError> {
        let place = (extension.to_owned(), key.to_owned());
        if let Some(write) = self.0.kept.writes.borrow().get(&place) {
            return Ok(write.value.clone());
        }
        Ok(self.0.read.state(extension, Some(key))?.pop().map(|row| row.value))
    }

    /// Lists the keys under which an extension keeps something in this session, sorted.
    pub fn kept_keys(&self, extension: &str) -> Result<Vec<String>, SessionError> {
        let stored = self.0.read.state(extension, None)?;
        let mut keys: BTreeSet<String> = stored.into_iter().map(|row| row.key).collect();
        for ((owner, key), write) in self.0.kept.writes.borrow().iter() {
            if owner != extension {
                continue;
            }
            if write.value.is_some() {
                keys.insert(key.clone());
            } else {
                keys.remove(key);
            }
        }
        Ok(keys.into_iter().collect())
    }

    /// Keeps a value, or forgets it: at once for whoever asks here; the future completes when it is committed, or when it
    /// waits for the session's first commit.
    pub fn keep(
        &self,
        extension: &str,
        key: &str,
        value: Option<Value>,
    ) -> LocalBoxFuture<'static, Result<(), SessionError>> {
        let waits = !self.exists();
        let number = self.0.kept.put(extension, key, value.clone(), waits);
        if waits {
            return std::future::ready(Ok(())).boxed_local();
        }
        let posted = self.0.committer.post(vec![event(extension, key, value)]);
        let session = self.clone();
        async move {
            posted.await?;
            session.0.kept.forget(&[number]);
            Ok(())
        }
        .boxed_local()
    }

    /// Commits what was set while the session's first commit was under way.
    pub(super) async fn keep_the_rest(&self, committed: &[u64]) -> Result<(), SessionError> {
        self.0.kept.forget(committed);
        let (events, numbers) = self.0.kept.take_up();
        if !events.is_empty() {
            self.0.committer.post(events).await?;
            self.0.kept.forget(&numbers);
        }
        Ok(())
    }

    /// Adds a note at the end of the session.
    pub fn note(&self, note: Note) -> LocalBoxFuture<'static, Result<CellId, SessionError>> {
        let session = self.clone();
        async move {
            let Note { text, extension, model, mut data } = note;
            if model {
                data.insert(FOR_MODEL.to_owned(), true.into());
            }
            let cell = NewCell {
                extension,
                data: (!data.is_empty()).then_some(data),
                ..NewCell::new(text, CellKind::Note, CellType::Markdown)
            };
            session.commit_cell(cell, Vec::new()).await.map(|(cell, _)| cell)
        }
        .boxed_local()
    }
}
