//! Replay = live: the tables are a fold of the log.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::rc::Rc;

use proptest::prelude::*;
use purlin_notebook::{Event, MemoryStore, NotebookId, Store, StoreExt, dump};

mod support {
    pub mod random;
}

fn store() -> MemoryStore {
    MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7))
}

fn replayed(log: &[Event]) -> MemoryStore {
    let store = store();
    for event in log {
        store.commit(std::slice::from_ref(event)).unwrap();
    }
    store
}

proptest! {
    #[test]
    fn row_091_replay_is_live_and_replay_twice_is_once(seeds in proptest::collection::vec(any::<[u8; 4]>(), 0..120), batch in 1_usize..9) {
        let live = store();
        let events: Vec<Event> = seeds.into_iter().map(support::random::event).collect();
        for chunk in events.chunks(batch) {
            live.commit(chunk).unwrap();
        }
        let expected = dump::canonical(&live).unwrap();
        let log: Vec<Event> = live.log_since(0, usize::MAX).unwrap().into_iter().map(|entry| entry.event).collect();
        let once = replayed(&log);
        prop_assert_eq!(&dump::canonical(&once).unwrap(), &expected);
        let log: Vec<Event> = once.log_since(0, usize::MAX).unwrap().into_iter().map(|entry| entry.event).collect();
        prop_assert_eq!(&dump::canonical(&replayed(&log)).unwrap(), &expected);
    }

    /// Any interleaving of two agents' claims leaves each entry with one owner and one end.
    #[test]
    fn row_029_any_interleaving_keeps_every_guard(choices in proptest::collection::vec(any::<bool>(), 40)) {
        use purlin_notebook::{CellType, CompletionStatus, QueueStatus};
        let store = store();
        store.commit(&[Event::CellCreated2 { id: "c".into(), fractional_index: "m".into(), cell_type: CellType::Ai, created_by: "u".into() }]).unwrap();
        let agent = |session: &str| -> Vec<Event> {
            (0..5).flat_map(|n| {
                let queue = format!("q{n}");
                let date = "2026-11-21T10:00:00.000Z".to_owned();
                [
                    Event::ExecutionRequested { queue_id: queue.as_str().into(), cell_id: "c".into(), execution_count: 1, requested_by: "u".into(), actor_id: None },
                    Event::ExecutionAssigned { queue_id: queue.as_str().into(), runtime_session_id: session.into() },
                    Event::ExecutionStarted { queue_id: queue.as_str().into(), cell_id: "c".into(), runtime_session_id: session.into(), started_at: date.clone() },
                    Event::ExecutionCompleted { queue_id: queue.into(), cell_id: "c".into(), status: CompletionStatus::Success, error: None, completed_at: date, execution_duration_ms: 1 },
                ]
            }).collect()
        };
        let (mut one, mut two) = (agent("s1").into_iter(), agent("s2").into_iter());
        let mut owners = std::collections::BTreeMap::new();
        for first in choices.into_iter().chain([true; 20]).chain([false; 20]) {
            let Some(event) = (if first { one.next() } else { two.next() }) else { continue };
            store.commit(&[event]).unwrap();
            for entry in store.queue(None).unwrap() {
                if let Some(owner) = entry.assigned_runtime_session {
                    let known = owners.entry(entry.id).or_insert_with(|| owner.clone());
                    prop_assert_eq!(&*known, &owner, "an owner never changes");
                }
            }
        }
        prop_assert!(store.queue(None).unwrap().iter().all(|entry| entry.status == QueueStatus::Completed));
        prop_assert_eq!(store.queue(None).unwrap().len(), 5);
    }
}
