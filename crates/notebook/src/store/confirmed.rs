//! The confirmation stream of a store that orders its own events: its log, followed.

use std::collections::VecDeque;
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};

use super::{ConfirmedEvent, EventNames, Store, StoreExt};
use crate::tables::Tables;

/// How many events of the log are read at a time.
const PAGE: usize = 256;

/// Streams a local authority's events: those after `names.since`, then what is committed later.
///
/// The stream ends when the store is closed or cannot be read any more.
pub fn confirmed_from_log(
    store: Rc<dyn Store>,
    names: EventNames,
) -> LocalBoxStream<'static, ConfirmedEvent> {
    let ticks = store.watch(Tables::LOG);
    let after = names.since.or_else(|| store.last_rowid().ok()).unwrap_or(0);
    let state = Following { store, names, ticks, after, ready: VecDeque::new(), caught_up: true };
    stream::unfold(state, |mut state| async move { state.next().await.map(|event| (event, state)) })
        .boxed_local()
}

struct Following {
    store: Rc<dyn Store>,
    names: EventNames,
    ticks: LocalBoxStream<'static, ()>,
    after: i64,
    ready: VecDeque<ConfirmedEvent>,
    caught_up: bool,
}

impl Following {
    async fn next(&mut self) -> Option<ConfirmedEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.caught_up {
                self.ticks.next().await?;
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Option<()> {
        let entries = self.store.log_since(self.after, PAGE).ok()?;
        self.caught_up = entries.len() < PAGE;
        for entry in entries {
            self.after = entry.rowid;
            if self.names.has(entry.event.name()) {
                self.ready.push_back(ConfirmedEvent {
                    seq: entry.seq.unwrap_or(entry.rowid),
                    event: entry.event,
                    client_id: entry.client_id,
                    session_id: entry.session_id,
                });
            }
        }
        Some(())
    }
}
