//! What fuzzing the opening of notebooks found, and what it learnt from, replayed. See `fuzz/`.

mod support {
    pub mod opening;
}

use support::opening::check_bytes;

#[test]
fn the_corpus_of_the_fuzz_target_open_holds() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/open");
    let mut count = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus is part of the repository") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("a file that can be read");
        check_bytes(&bytes);
        count += 1;
    }
    assert!(count >= 8, "{count} files");
}

#[test]
fn a_file_and_a_log_changed_anywhere_are_opened_or_kept() {
    // Each place once over the file's and the log's headers, then here and there.
    for choice in [2, 3] {
        for at in (0_u32..120).step_by(7).chain((120..40_000).step_by(1_733)) {
            let [_, a, b, c] = at.to_be_bytes();
            check_bytes(&[choice, a, b, c, 0xff]);
        }
    }
}
