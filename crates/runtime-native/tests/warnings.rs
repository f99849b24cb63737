//! Events that this build does not know, in a file: kept, passed on, told of once.
//!
//! Alone in its file: who hears warnings is a matter of the whole process, since a commit may run on the store's thread.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/home.rs"]
mod support;

use std::sync::{Arc, Mutex};

use purlin_notebook::{Durability, Event, Store, StoreExt, dump};
use support::{Home, title, wait};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps the names in warnings about events.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "name" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn row_093_in_a_file_each_unknown_name_is_kept_and_warned_of_once() {
    let warnings = Warnings::default();
    tracing::subscriber::set_global_default(warnings.clone()).unwrap();
    let later = |name: &str| Event::from_log(name, r#"{"z":[1.5,"é",{"b":null,"a":2}]}"#);
    let events =
        [later("v9.Later"), later("v1.CellMoved"), later("v9.Later"), title("known"), later("v9.Other")];
    let home = Home::new();
    let notebook = home.open("n");
    let store = notebook.store().unwrap();
    store.commit(&events[..3]).unwrap();
    // Whoever does not wait for a commit has it made by the store's thread.
    drop(notebook.client().post(events[3..].to_vec()));
    wait(notebook.client().flush(Durability::Process)).unwrap();
    store.commit(&events).unwrap();
    assert_eq!(*warnings.0.lock().unwrap(), ["\"v9.Later\"", "\"v1.CellMoved\"", "\"v9.Other\""]);
    let other = home.open("known");
    let known = other.store().unwrap();
    known.commit(&[title("known")]).unwrap();
    assert_eq!(
        dump::canonical(&store).unwrap(),
        dump::canonical(&known).unwrap(),
        "the tables know nothing of them"
    );
    drop(store);
    notebook.close();
    let log = home.open("n").store().unwrap().log_since(0, usize::MAX).unwrap();
    let kept: Vec<Event> = log.into_iter().map(|entry| entry.event).collect();
    assert_eq!(kept, [&events[..], &events[..]].concat(), "to whomever the log is passed on");
}
