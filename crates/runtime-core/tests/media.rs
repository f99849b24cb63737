//! What fuzzing found of media and printed text, and what it learnt from, replayed. See `fuzz/`.
#![cfg(not(target_family = "wasm"))]

mod support {
    pub mod shown;
}

#[test]
fn the_corpus_of_the_fuzz_target_media_holds() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/media");
    let mut count = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus is part of the repository") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("a file that can be read");
        support::shown::check(&bytes);
        count += 1;
    }
    assert!(count > 10, "{count} files");
}

#[test]
fn the_recorded_progress_bars_hold() {
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/progress")).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("a file");
        for piece in [1, 30, 255] {
            support::shown::check(&[&[piece][..], &bytes].concat());
        }
    }
}
