//! Artifacts as files: one file for equal bytes, nothing left of what was not finished.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/home.rs"]
mod support;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use purlin_notebook::{Event, Media, Store};
use purlin_runtime_core::Artifacts;
use purlin_runtime_native::FileArtifacts;
use purlin_runtime_native::artifacts::{self as sweep, ArtifactError, SweepError, SweepOptions};
use support::Home;

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
            .filter(|path| !path.ends_with(".lock"))
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

#[test]
fn what_is_read_is_held_against_its_name() {
    let (folder, artifacts) = place("verified");
    let reference = artifacts.put(b"as it was").unwrap();
    let path = artifacts.path_of(&reference).unwrap();
    fs::write(&path, b"as it is!").unwrap();
    let error = artifacts.get(&reference).unwrap_err();
    assert!(matches!(error, ArtifactError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    fs::remove_file(&path).unwrap();
    let error = artifacts.get(&reference).unwrap_err();
    assert!(error.to_string().contains("is missing: there is no `"), "{error}");
    // A file that lost its end is written again.
    artifacts.put(b"as it was").unwrap();
    fs::write(&path, b"as").unwrap();
    assert_eq!(artifacts.put(b"as it was").unwrap(), reference);
    assert_eq!(artifacts.get(&reference).unwrap(), b"as it was");
    fs::remove_dir_all(folder).unwrap();
}

/// A home whose artifacts are all older than the time of grace.
struct Swept {
    home: Home,
    artifacts: FileArtifacts,
}

impl Swept {
    fn new() -> Self {
        let home = Home::new();
        let artifacts = FileArtifacts::new(home.paths.artifacts());
        Self { home, artifacts }
    }

    fn options(dry_run: bool) -> SweepOptions {
        let day = Duration::from_secs(24 * 60 * 60);
        SweepOptions { dry_run, grace: day, now: SystemTime::now() + 2 * day }
    }

    fn sweep(&self, dry_run: bool) -> Result<sweep::Swept, SweepError> {
        purlin_runtime_native::artifacts::sweep(&self.home.paths, &Self::options(dry_run))
    }

    fn put(&self, text: &str) -> String {
        self.artifacts.put(text.as_bytes()).expect("the folder can be written")
    }

    fn refer(&self, notebook: &str, reference: &str) {
        let content = Media::Artifact { artifact_id: reference.to_owned(), metadata: None };
        let event =
            Event::MarkdownOutputAdded { id: "o".into(), cell_id: "c".into(), position: 0.0, content };
        self.home.open(notebook).store().expect("a store").commit(&[event]).expect("a commit");
    }
}

#[test]
fn a_sweep_removes_what_nothing_refers_to_and_only_that() {
    let it = Swept::new();
    let [one, two, draft, gone] = ["one", "two", "draft", "gone!"].map(|text| it.put(text));
    it.refer("a", &one);
    it.refer("b", &two);
    fs::create_dir_all(it.home.paths.drafts()).unwrap();
    fs::write(it.home.paths.drafts().join("a.json"), format!("{{\"attachments\":[\"{draft}\"]}}")).unwrap();
    // Its writer was killed.
    fs::write(it.home.paths.artifacts().join("unfinished-1-0"), "half").unwrap();
    let foreign = it.home.paths.artifacts().join("notes.txt");
    fs::write(&foreign, "put here by somebody").unwrap();

    let planned = it.sweep(true).unwrap();
    assert!(it.artifacts.get(&gone).is_ok(), "a dry run removes nothing");
    let swept = it.sweep(false).unwrap();
    assert_eq!(planned, swept);
    let expected =
        sweep::Swept { kept: 3, kept_bytes: 11, removed: 1, removed_bytes: 5, young: 0, unfinished: 1 };
    assert_eq!(swept, expected);
    assert!([&one, &two, &draft].iter().all(|reference| it.artifacts.get(reference).is_ok()));
    assert!(matches!(it.artifacts.get(&gone), Err(ArtifactError::Missing { .. })));
    assert!(foreign.exists());
    assert_eq!(it.sweep(false).unwrap().removed, 0);
}

#[test]
fn what_is_young_or_was_just_renewed_stays() {
    let it = Swept::new();
    fs::create_dir_all(it.home.paths.notebooks()).unwrap();
    let reference = it.put("fresh");
    let now = SweepOptions { now: SystemTime::now(), ..Swept::options(false) };
    let swept = purlin_runtime_native::artifacts::sweep(&it.home.paths, &now).unwrap();
    assert_eq!((swept.removed, swept.young), (0, 1));
    // Old, and then written again by somebody whose commit is under way.
    let path = it.artifacts.path_of(&reference).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    it.put("fresh");
    let swept = purlin_runtime_native::artifacts::sweep(&it.home.paths, &now).unwrap();
    assert_eq!((swept.removed, swept.young), (0, 1));
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let swept = purlin_runtime_native::artifacts::sweep(&it.home.paths, &now).unwrap();
    assert_eq!((swept.removed, swept.young), (1, 0));
}

#[test]
fn where_a_session_cannot_be_read_nothing_is_removed() {
    let it = Swept::new();
    let lost = it.put("lost");
    it.refer("a", &it.put("one"));
    fs::write(it.home.file("b"), "garbage".repeat(1000)).unwrap();
    let error = it.sweep(false).unwrap_err();
    assert!(matches!(&error, SweepError::Unreadable { path, .. } if *path == it.home.file("b")), "{error}");
    assert!(error.to_string().starts_with("nothing was removed, because `"), "{error}");
    // A damaged file that was kept aside may be all that refers to it.
    fs::rename(it.home.file("b"), it.home.file("b").with_extension("db.corrupt")).unwrap();
    assert!(it.sweep(false).is_err());
    assert!(it.artifacts.get(&lost).is_ok());
    fs::remove_file(it.home.file("b").with_extension("db.corrupt")).unwrap();
    assert_eq!(it.sweep(false).unwrap().removed, 1);
}

#[test]
fn where_the_folder_of_the_sessions_is_gone_nothing_is_removed() {
    let it = Swept::new();
    let one = it.put("one");
    let (folder, moved) = (it.home.paths.notebooks(), it.home.root.join("moved"));
    it.refer("a", &one);
    fs::rename(&folder, &moved).unwrap();
    let refused = |it: &Swept| {
        let error = it.sweep(false).unwrap_err();
        assert!(matches!(&error, SweepError::NoSessions { path, .. } if *path == folder), "{error}");
        assert!(it.artifacts.get(&one).is_ok());
    };
    refused(&it);
    // A link to a disk that is not there for now, and what is no folder at all.
    std::os::unix::fs::symlink(it.home.root.join("nowhere"), &folder).unwrap();
    refused(&it);
    fs::remove_file(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    refused(&it);
    fs::remove_file(&folder).unwrap();
    fs::rename(&moved, &folder).unwrap();
    assert_eq!(it.sweep(false).unwrap().kept, 1);
    // So it is with drafts that a link names.
    let drafts = it.home.paths.drafts();
    fs::create_dir_all(drafts.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(it.home.root.join("nowhere"), &drafts).unwrap();
    assert!(matches!(it.sweep(false), Err(SweepError::Io { .. })));
}

#[test]
fn what_can_be_read_of_a_kept_file_counts_once_its_session_was_repaired() {
    let it = Swept::new();
    let [one, two, gone] = ["one", "two", "gone"].map(|text| it.put(text));
    it.refer("a", &one);
    it.refer("b", &two);
    let moved = rusqlite::Connection::open(it.home.file("b")).unwrap();
    moved.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(moved);
    // What was the session `a` before is damaged at its end, and refers to an artifact of its own.
    let kept = it.home.file("a").with_extension("db.corrupt");
    fs::rename(it.home.file("b"), &kept).unwrap();
    let file = fs::File::options().write(true).open(&kept).unwrap();
    file.set_len(file.metadata().unwrap().len() - 4096).unwrap();
    drop(file);
    fs::write(it.home.file("a").with_extension("db.corrupt-2"), "garbage".repeat(1000)).unwrap();
    let swept = it.sweep(false).unwrap();
    assert_eq!((swept.kept, swept.removed), (2, 1));
    assert!(it.artifacts.get(&two).is_ok() && it.artifacts.get(&gone).is_err());
    // As long as nothing sound stands beside it, it may be all there is.
    fs::remove_file(it.home.file("a")).unwrap();
    assert!(matches!(it.sweep(false), Err(SweepError::Unreadable { .. })));
}

#[test]
fn a_sweep_of_nothing_makes_nothing() {
    let it = Swept::new();
    assert_eq!(it.sweep(false).unwrap(), sweep::Swept::default());
    assert!(!it.home.paths.artifacts().exists());
}

#[test]
fn what_somebody_still_writes_is_not_swept_and_is_young_when_it_is_finished() {
    let it = Swept::new();
    fs::create_dir_all(it.home.paths.notebooks()).unwrap();
    let mut writer = it.artifacts.writer().unwrap();
    writer.write(b"first ").unwrap();
    let path = fs::read_dir(it.home.paths.artifacts()).unwrap().next().unwrap().unwrap().path();
    fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let now = SweepOptions { now: SystemTime::now(), ..Swept::options(false) };
    let sweep = || purlin_runtime_native::artifacts::sweep(&it.home.paths, &now).unwrap();
    assert_eq!(sweep().unfinished, 0, "a quiet day is no end");
    // What it wrote long ago was the last of it.
    let reference = writer.finish().unwrap();
    assert_eq!((sweep().removed, sweep().young), (0, 1));
    assert_eq!(it.artifacts.get(&reference).unwrap(), b"first ");
}

/// Of equal size and with other bytes, as a disk leaves it that forgets.
#[test]
fn an_artifact_that_was_damaged_is_written_again_when_its_content_comes_again() {
    let home = Home::new();
    let artifacts = FileArtifacts::new(home.paths.artifacts());
    let content = "the right bytes ".repeat(10_000);
    let reference = artifacts.put(content.as_bytes()).unwrap();
    let path = artifacts.path_of(&reference).unwrap();
    let mut damaged = content.clone().into_bytes();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&path, damaged).unwrap();
    assert!(artifacts.get(&reference).is_err());
    assert_eq!(artifacts.put(content.as_bytes()).unwrap(), reference);
    assert_eq!(artifacts.get(&reference).unwrap(), content.as_bytes());
}
