//! Outputs whose content is still being uploaded, and what has to wait for them.
//!
//! Every output has its position from the call that made it, so others need not wait for it. Only what concerns the
//! same display waits, and a clear that is to come with the next output.

use purlin_notebook::{Event, Representations};

use crate::host::TaskHandle;

/// How many uploads run at once, and how many bytes they hold; beyond that content stays in the log.
pub(super) const MOST_UPLOADS: usize = 8;
pub(super) const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Makes the event of representations that are complete.
pub(super) type Build = Box<dyn FnOnce(Representations) -> Event>;

/// What is not committed yet, in the order of the calls.
#[derive(Default)]
pub(super) struct Held {
    entries: Vec<Entry>,
    last: u64,
}

struct Entry {
    number: u64,
    /// It adds an output to the cell.
    adds: bool,
    display: Option<String>,
    state: State,
}

enum State {
    Uploading {
        /// Absent while its event is made.
        upload: Option<Upload>,
        /// Stops the upload when dropped.
        task: TaskHandle,
    },
    Ready(Event),
    /// A clear that comes with the next output.
    Clear(Event),
}

/// What an upload is for.
pub(super) struct Upload {
    pub(super) representations: Representations,
    pub(super) mime: String,
    pub(super) bytes: usize,
    pub(super) build: Build,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Tells whether one more upload of so many bytes may begin.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let uploads = || {
            self.entries.iter().filter_map(|entry| match &entry.state {
                State::Uploading { upload, .. } => upload.as_ref().map(|upload| upload.bytes),
                _ => None,
            })
        };
        uploads().count() < MOST_UPLOADS && uploads().sum::<usize>() + bytes <= MOST_BYTES
    }

    /// Tells whether an event about a display has to wait.
    pub(super) fn concerns(&self, display: Option<&str>) -> bool {
        display.is_some() && self.entries.iter().any(|entry| entry.display.as_deref() == display)
    }

    /// Tells whether an output of the cell is on its way.
    pub(super) fn adds(&self) -> bool {
        self.entries.iter().any(|entry| entry.adds)
    }

    /// Takes the number of the next entry.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn upload(
        &mut self,
        number: u64,
        (adds, display): (bool, Option<String>),
        upload: Upload,
        task: TaskHandle,
    ) {
        let state = State::Uploading { upload: Some(upload), task };
        self.entries.push(Entry { number, adds, display, state });
    }

    pub(super) fn wait(&mut self, adds: bool, display: Option<String>, event: Event) {
        let number = self.number();
        self.entries.push(Entry { number, adds, display, state: State::Ready(event) });
    }

    pub(super) fn clear(&mut self, event: Event) {
        let number = self.number();
        self.entries.push(Entry { number, adds: false, display: None, state: State::Clear(event) });
    }

    /// Takes what an upload is for, if it is still wanted; [`complete`](Self::complete) follows.
    pub(super) fn arrived(&mut self, number: u64) -> Option<Upload> {
        let entry = self.entries.iter_mut().find(|entry| entry.number == number)?;
        let State::Uploading { upload, task } = &mut entry.state else { return None };
        // The task that tells this ends by itself; dropping its own handle would stop it half-way.
        std::mem::replace(task, TaskHandle::new(|| ())).detach();
        upload.take()
    }

    /// Puts the event of an upload in its place.
    pub(super) fn complete(&mut self, number: u64, event: Event) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == number) {
            entry.state = State::Ready(event);
        }
    }

    /// Takes the next event that waits for nothing any more, with its number.
    pub(super) fn next(&mut self) -> Option<(u64, Event)> {
        let at = (0..self.entries.len()).find(|at| {
            let (before, entry) = (&self.entries[..*at], &self.entries[*at]);
            match &entry.state {
                State::Uploading { .. } => false,
                State::Clear(_) => !before.iter().any(|other| other.adds),
                State::Ready(_) => {
                    entry.display.is_none() || !before.iter().any(|other| other.display == entry.display)
                }
            }
        })?;
        let entry = self.entries.remove(at);
        match entry.state {
            State::Ready(event) | State::Clear(event) => Some((entry.number, event)),
            State::Uploading { .. } => None,
        }
    }

    /// An output is about to be added by the call of a number: clears that were called before it come first, and what
    /// they clear is dropped.
    pub(super) fn force_clears(&mut self, number: u64) -> Vec<Event> {
        let is_clear = |entry: &Entry| entry.number < number && matches!(entry.state, State::Clear(_));
        let Some(last) = self.entries.iter().rposition(is_clear) else { return Vec::new() };
        let mut events = Vec::new();
        let mut at = 0;
        self.entries.retain_mut(|entry| {
            at += 1;
            if at > last + 1 {
                return true;
            }
            if let State::Clear(event) = &entry.state {
                events.push(event.clone());
                return false;
            }
            !entry.adds
        });
        events
    }

    /// Drops the outputs that a clear takes away.
    pub(super) fn drop_outputs(&mut self) {
        self.entries.retain(|entry| !entry.adds && !matches!(entry.state, State::Clear(_)));
    }

    /// Takes what all uploads are for, with their numbers; each is completed without its upload.
    pub(super) fn break_off(&mut self) -> Vec<(u64, Upload)> {
        let uploads = self.entries.iter_mut().filter_map(|entry| match &mut entry.state {
            State::Uploading { upload, .. } => Some((entry.number, upload.take()?)),
            _ => None,
        });
        uploads.collect()
    }
}
