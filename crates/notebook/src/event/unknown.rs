//! Unknown events are kept and change nothing; that they are there is told once.

use std::collections::BTreeSet;

use super::Event;

/// Remembers the names of events that the tables cannot follow, so that each is told of once.
///
/// A store keeps one and asks it about every event that it applies. Whoever asks does the telling.
///
/// # Example
/// ```
/// use purlin_notebook::{Event, event::UnknownNames};
/// let mut unknown = UnknownNames::default();
/// let later = Event::from_log("v9.Later", "{}");
/// assert!(unknown.is_new(&later) && !unknown.is_new(&later));
/// assert!(!unknown.is_new(&Event::NotebookTitleChanged { title: "t".into() }));
/// ```
#[derive(Clone, Debug, Default)]
pub struct UnknownNames(BTreeSet<String>);

impl UnknownNames {
    /// Tells whether the tables cannot follow the event and its name was not met before.
    pub fn is_new(&mut self, event: &Event) -> bool {
        match event {
            Event::Unknown { name, .. } if !self.0.contains(name) => self.0.insert(name.clone()),
            _ => false,
        }
    }

    /// Writes a warning to the program's log where [`UnknownNames::is_new`] holds.
    pub fn warn(&mut self, event: &Event) {
        if !self.is_new(event) {
            return;
        }
        let name = event.name();
        if Event::is_known(name) {
            tracing::warn!(name, "an event's arguments cannot be read; such events are kept and not shown");
        } else {
            tracing::warn!(name, "events of this name are not known; they are kept and not shown");
        }
    }
}
