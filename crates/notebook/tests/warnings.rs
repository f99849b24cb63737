//! Events that this build does not know are told of once.
//!
//! Alone in its file: who hears warnings is a matter of the whole process.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use purlin_notebook::{Event, MemoryStore, NotebookId, Store, StoreExt};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps the names in warnings.
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
fn row_093_each_unknown_name_is_warned_of_once() {
    let warnings = Warnings::default();
    let unreadable = || Event::from_log("v1.CellMoved", r#"{"id":"c"}"#);
    let later = |name: &str| Event::from_log(name, "{}");
    tracing::subscriber::with_default(warnings.clone(), || {
        let store = MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
        store.commit(&[later("v9.Later"), unreadable(), later("v9.Later")]).unwrap();
        store.commit(&[later("v9.Other"), unreadable(), later("v9.Later")]).unwrap();
        store.log_since(0, 100).unwrap();
    });
    assert_eq!(*warnings.0.lock().unwrap(), ["\"v9.Later\"", "\"v1.CellMoved\"", "\"v9.Other\""]);
}
