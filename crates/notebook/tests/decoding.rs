//! What fuzzing found, and what it learnt from, replayed. See `fuzz/`.
#![cfg(not(target_family = "wasm"))]

mod support {
    pub mod decoding;
}

#[test]
fn the_corpus_of_the_fuzz_target_events_holds() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/events");
    let mut count = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus is part of the repository") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("a file that can be read");
        support::decoding::check(&bytes);
        count += 1;
    }
    assert!(count > 50, "{count} files");
}

#[test]
fn the_examples_and_logs_of_the_other_tests_hold() {
    support::decoding::check(include_bytes!("wire.jsonl"));
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).expect("a folder") {
        support::decoding::check(&std::fs::read(file.expect("a file").path()).expect("a file"));
    }
}
