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

/// The log as it leaves the program and comes back: one event per line, as `{"name": …, "args": …}`.
fn exported(store: &MemoryStore) -> String {
    let log = store.log_since(0, usize::MAX).unwrap();
    log.iter().map(|entry| serde_json::to_string(&entry.event).unwrap() + "\n").collect()
}

fn imported(text: &str) -> Vec<Event> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The log by the other way: the name and the text of the arguments are kept apart, as the columns of a database.
fn stored(store: &MemoryStore) -> Vec<Event> {
    let log = store.log_since(0, usize::MAX).unwrap();
    log.iter().map(|entry| Event::from_log(entry.event.name(), &entry.event.args_text())).collect()
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

/// A kind that is never made is one of which the properties below say nothing.
#[test]
fn row_091_the_random_events_are_of_every_kind() {
    const BYTES: [u8; 6] = [0, 61, 110, 130, 201, 255];
    let mut made = std::collections::BTreeSet::new();
    for kind in 0..61 {
        for (a, b) in BYTES.iter().flat_map(|a| BYTES.iter().map(move |b| (*a, *b))) {
            made.extend((0..=u8::MAX).map(|c| support::random::event([kind, a, b, c]).name().to_owned()));
        }
    }
    let missing: Vec<_> = NAMES.iter().filter(|name| !made.contains(**name)).collect();
    assert!(missing.is_empty() && made.contains("v9.Later"), "never made: {missing:?}");
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
        let text = exported(&live);
        let once = replayed(&imported(&text));
        prop_assert_eq!(&dump::canonical(&once).unwrap(), &expected);
        prop_assert_eq!(&exported(&once), &text, "what was imported is exported alike");
        prop_assert_eq!(&dump::canonical(&replayed(&imported(&exported(&once)))).unwrap(), &expected);
        prop_assert_eq!(&dump::canonical(&replayed(&stored(&live))).unwrap(), &expected);
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
