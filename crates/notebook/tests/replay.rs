//! Replay = live: the tables are a fold of the log.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::rc::Rc;

use proptest::prelude::*;
use purlin_notebook::event::NAMES;
use purlin_notebook::{Event, MemoryStore, NotebookId, Store, StoreExt, dump};

mod support {
    pub mod machine;
    pub mod random;
}

use support::machine;

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

/// The same dumps as those of the SQLite store, whose test writes them.
#[test]
fn row_092_the_corpus_gives_its_dumps() {
    let mut names = std::collections::BTreeSet::new();
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).unwrap();
    for path in folder.map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let log = std::fs::read_to_string(&path).unwrap();
        let events: Vec<Event> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        names.extend(events.iter().map(|event| event.name().to_owned()));
        let store = store().as_replica("client", "replica");
        store.commit(&events).unwrap();
        let expected = std::fs::read_to_string(path.with_extension("dump")).unwrap();
        assert_eq!(dump::canonical(&store).unwrap(), expected, "{}", path.display());
    }
    let missing: Vec<_> = NAMES.iter().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty() && names.contains("v9.Later"), "the corpus lacks {missing:?}");
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

    /// Two agents of two replicas, people, and a log in which everything may follow anything.
    #[test]
    fn row_029_any_interleaving_of_two_agents_keeps_every_guard(steps in proptest::collection::vec(any::<[u8; 4]>(), 0..160)) {
        let one = store();
        let two = one.as_replica("elsewhere", "run");
        for step in steps {
            let (by, event) = machine::step(step, [&one, &two]);
            let before = machine::State::of(&one);
            by.commit(std::slice::from_ref(&event)).unwrap();
            let after = machine::State::of(&one);
            if let Err(broken) = machine::check(&before, &event, &by.identity(), &after) {
                prop_assert!(false, "{broken}: {event} by {:?}", by.identity().client_id);
            }
        }
        let log = one.log_since(0, usize::MAX).unwrap();
        let again = MemoryStore::from_log(two.identity(), Rc::new(|| 7), log).unwrap();
        prop_assert_eq!(dump::canonical(&again).unwrap(), dump::canonical(&one).unwrap());
    }
}
