//! How a session stands: read from the queue, kept until the store changes.

use std::collections::BTreeSet;

use purlin_notebook::{CellId, CellKind, QueueId, QueueStatus, StoreError, StoreExt, time};

use super::Session;
use crate::request::Usage;

/// How a session stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionState {
    /// Nothing runs and nothing waits.
    #[default]
    Idle,
    /// Something waits and nothing runs: no agent has claimed it yet.
    Queued {
        /// The first cell that waits.
        cell: CellId,
    },
    /// A prompt is being answered.
    Working {
        /// Its cell.
        cell: CellId,
        /// Since when, in milliseconds since 1970.
        since: i64,
    },
    /// A shell command or another cell runs, and no prompt.
    Running {
        /// Its cell.
        cell: CellId,
    },
}

impl SessionState {
    /// Whether anything runs or waits.
    pub fn is_busy(&self) -> bool {
        *self != Self::Idle
    }
}

/// What is known of the session, as last read.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) state: SessionState,
    /// Everything that runs or waits.
    pub(super) active: Vec<(QueueId, CellId)>,
    pub(super) usage: Usage,
    pub(super) cost_micros: Option<i64>,
    pub(super) context: i64,
    /// What executes in the store only, because its agent ended without being able to say so.
    pub(super) abandoned: BTreeSet<QueueId>,
    requests: usize,
}

impl Session {
    /// Reads how the session stands; answers whether that has changed.
    pub fn refresh(&self) -> bool {
        match self.read_state() {
            Ok(changed) => changed,
            Err(error) => {
                tracing::warn!(%error, "the state of the session cannot be read");
                false
            }
        }
    }

    fn read_state(&self) -> Result<bool, StoreError> {
        let store = &self.0.read;
        let abandoned = self.0.state.borrow().abandoned.clone();
        let mut active = Vec::new();
        let (mut working, mut running, mut queued) = (None, None, None);
        for status in [QueueStatus::Executing, QueueStatus::Assigned, QueueStatus::Pending] {
            for entry in store.queue(Some(status))? {
                if abandoned.contains(&entry.id) && status != QueueStatus::Pending {
                    continue;
                }
                if status == QueueStatus::Executing {
                    let cell = store.cell(&entry.cell_id)?;
                    let kind = cell.map(|cell| store.kind_of(&cell)).transpose()?;
                    if kind == Some(CellKind::Ai) {
                        let since = entry.started_at.as_deref().and_then(time::parse_iso).unwrap_or(0);
                        working.get_or_insert((entry.cell_id.clone(), since));
                    } else {
                        running.get_or_insert(entry.cell_id.clone());
                    }
                } else {
                    queued.get_or_insert(entry.cell_id.clone());
                }
                active.push((entry.id, entry.cell_id));
            }
        }
        let state = match (working, running, queued) {
            (Some((cell, since)), ..) => SessionState::Working { cell, since },
            (_, Some(cell), _) => SessionState::Running { cell },
            (_, _, Some(cell)) => SessionState::Queued { cell },
            _ => SessionState::Idle,
        };
        let mut known = self.0.state.borrow_mut();
        let changed = known.state != state;
        known.state = state;
        known.active = active;
        let used = known.read_usage(&**store)?;
        Ok(changed || used)
    }
}

impl Known {
    fn read_usage(&mut self, store: &dyn purlin_notebook::Store) -> Result<bool, StoreError> {
        let requests = store.model_usage()?;
        if requests.len() == self.requests {
            return Ok(false);
        }
        self.requests = requests.len();
        self.usage = Usage::default();
        self.cost_micros = None;
        for used in &requests {
            let usage = Usage {
                input: used.input,
                output: used.output,
                cache_read: used.cache_read,
                cache_write: used.cache_write,
            };
            self.usage.add(usage);
            if let Some(cost) = used.cost_micros {
                self.cost_micros = Some(self.cost_micros.unwrap_or(0) + cost);
            }
            // A failed attempt tells nothing about the context.
            if usage.prompt() > 0 {
                self.context = usage.prompt() + usage.output;
            }
        }
        Ok(true)
    }
}
