//! Artifacts as files: one file for equal bytes, nothing left of what was not finished.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use purlin_runtime_core::Artifacts;
use purlin_runtime_native::FileArtifacts;

fn place(name: &str) -> (PathBuf, FileArtifacts) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    (folder.clone(), FileArtifacts::new(folder))
}

fn files(folder: &PathBuf) -> usize {
    fs::read_dir(folder).map_or(0, |entries| {
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { files(&path) } else { 1 })
            .sum()
    })
}

#[test]
fn equal_bytes_are_kept_once_however_they_come() {
    let (folder, artifacts) = place("equal");
    let whole = artifacts.put(b"some bytes").unwrap();
    let mut writer = artifacts.writer().unwrap();
    writer.write(b"some ").unwrap();
    writer.write(b"bytes").unwrap();
    assert_eq!(writer.finish().unwrap(), whole);
    assert_eq!(artifacts.get(&whole).unwrap(), b"some bytes");
    assert_eq!(files(&folder), 1);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let (folder, artifacts) = place("unfinished");
    let mut writer = artifacts.writer().unwrap();
    writer.write(b"half").unwrap();
    assert_eq!(files(&folder), 1);
    drop(writer);
    assert_eq!(files(&folder), 0);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn only_our_references_name_files() {
    let (folder, artifacts) = place("references");
    for reference in ["artifact:../../etc/passwd", "artifact:", "file:abc", ""] {
        assert_eq!(artifacts.path_of(reference), None, "{reference}");
        assert!(artifacts.get(reference).is_err());
    }
    assert!(!folder.exists());
}

#[test]
fn a_place_that_cannot_be_written_says_so() {
    let error = FileArtifacts::new("/proc/no/artifacts").put(b"x").unwrap_err();
    assert!(error.starts_with("`/proc/no/artifacts/unfinished-"), "{error}");
    assert!(error.contains("cannot be written ("), "{error}");
}
