//! How many events a second the memory store reads and applies, from a log as a database keeps it.
//!
//! Prints `name=value` pairs for `cargo xtask bench --only replay`; the fastest round counts, because whatever else runs
//! on the machine only takes away.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::rc::Rc;
use std::time::Instant;

use purlin_notebook::{Event, LogEntry, MemoryStore, NotebookId, Replica};

mod support {
    pub mod session;
}

const EVENTS: usize = 200_000;
const ROUNDS: usize = 5;

fn main() {
    let log: Vec<(String, String)> = support::session::log(EVENTS)
        .iter()
        .map(|event| (event.name().to_owned(), event.args_text()))
        .collect();
    let decode = fastest(|| {
        for (name, args) in &log {
            std::hint::black_box(Event::from_log(name, args));
        }
    });
    let memory = fastest(|| replay(&log));
    let per_second = |seconds: f64| log.len() as f64 / seconds;
    println!("decode={:.0}\nmemory={:.0}", per_second(decode), per_second(memory));
}

fn replay(log: &[(String, String)]) -> MemoryStore {
    let replica = Replica {
        store_id: NotebookId::from("bench"),
        client_id: "client".to_owned(),
        session_id: "session".to_owned(),
    };
    let entries = (1..).zip(log).map(|(rowid, (name, args))| LogEntry {
        rowid,
        batch: rowid,
        seq: Some(rowid),
        event: Event::from_log(name, args),
        client_id: "client".to_owned(),
        session_id: "session".to_owned(),
        at: 0,
    });
    MemoryStore::from_log(replica, Rc::new(|| 0), entries).expect("memory takes every event")
}

/// Returns seconds. What a round made is dropped after its time was taken.
fn fastest<T>(mut work: impl FnMut() -> T) -> f64 {
    let round = |_| {
        let begun = Instant::now();
        let made = work();
        let seconds = begun.elapsed().as_secs_f64();
        drop(made);
        seconds
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}
