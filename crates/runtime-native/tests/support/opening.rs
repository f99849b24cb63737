//! What the fuzz target `open` checks: whatever lies where a notebook and its log should be, opening, reading and
//! committing end without a panic and lose nothing that was there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use purlin_notebook::{CellType, Event, NotebookId, Store, StoreExt};
use purlin_runtime_native::store::{check, repair, stats};
use purlin_runtime_native::{OpenError, OpenMode, Paths, SqliteNotebook};

/// A directory that is removed with its content.
struct Place {
    root: PathBuf,
    paths: Paths,
}

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // In memory where there is such a place: thousands of files a minute need no disk.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = base.join(format!("purlin-open-{}-{count}", std::process::id()));
        let paths = Paths::below(&root);
        fs::create_dir_all(paths.notebooks()).expect("a folder for temporary files");
        Self { root, paths }
    }

    fn file(&self) -> PathBuf {
        self.paths.notebook(&NotebookId::from("n"))
    }

    fn log(&self) -> PathBuf {
        self.file().with_extension("db-wal")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays behind in the folder for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// What the first byte chooses to be done with the others.
enum Input {
    /// They are the file.
    File,
    /// They are the log beside a sound file.
    Log,
    /// They are changes of a sound file.
    ChangedFile,
    /// They are changes of a sound log beside its file.
    ChangedLog,
}

/// A sound notebook and the log beside it, with small pages.
struct Sound {
    file: Vec<u8>,
    log: Vec<u8>,
}

impl Sound {
    fn get() -> &'static Self {
        static SOUND: std::sync::OnceLock<Sound> = std::sync::OnceLock::new();
        SOUND.get_or_init(Self::make)
    }

    fn make() -> Self {
        let place = Place::new();
        let empty = rusqlite::Connection::open(place.file()).expect("a database");
        empty.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = WAL").expect("its form");
        drop(empty);
        let open = || SqliteNotebook::open(&place.paths, "n".into(), OpenMode::Create).expect("a notebook");
        let cell = |n: usize| Event::CellCreated2 {
            id: format!("c{n}").into(),
            fractional_index: format!("m{n}"),
            cell_type: CellType::Ai,
            created_by: "u".into(),
        };
        let set = |n: usize| Event::NotebookMetadataSet { key: format!("k{n}"), value: "v".repeat(n * 50) };
        let notebook = open();
        let store = notebook.store().expect("a store");
        for n in 0..20 {
            store.commit(&[cell(n), set(n)]).expect("a commit");
        }
        drop(store);
        notebook.close();
        let file = fs::read(place.file()).expect("the file");
        // What follows stays in the log, which is read while it is in use; the file itself is not touched.
        let notebook = open();
        let store = notebook.store().expect("a store");
        for n in 20..24 {
            store.commit(&[cell(n), set(n)]).expect("a commit");
        }
        let log = fs::read(place.log()).expect("the log");
        drop(store);
        notebook.close();
        Self { file, log }
    }
}

/// Opens what the bytes make.
pub fn check_bytes(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let input = match choice % 4 {
        0 => Input::File,
        1 => Input::Log,
        2 => Input::ChangedFile,
        _ => Input::ChangedLog,
    };
    let sound = Sound::get();
    let (file, log) = match input {
        Input::File => (rest.to_vec(), Vec::new()),
        Input::Log => (sound.file.clone(), rest.to_vec()),
        Input::ChangedFile => (changed(&sound.file, rest), Vec::new()),
        Input::ChangedLog => (sound.file.clone(), changed(&sound.log, rest)),
    };
    let sound_rows = matches!(input, Input::Log | Input::ChangedLog).then_some(40);
    check_file(&file, &log, sound_rows);
}

/// Changes bytes in fours: where, in three bytes, and to what. A change past the end cuts there.
fn changed(bytes: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes.chunks_exact(4) {
        let at = usize::from(change[0]) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
        if at < bytes.len() {
            bytes[at] = change[3];
        } else {
            bytes.truncate(bytes.len() * usize::from(change[3]) / 256);
        }
    }
    bytes
}

fn check_file(file: &[u8], log: &[u8], at_least: Option<i64>) {
    let place = Place::new();
    fs::write(place.file(), file).expect("the file");
    if !log.is_empty() {
        fs::write(place.log(), log).expect("the log");
    }
    // Those who only look change nothing they may not, and answer.
    let looked = check(&place.file(), None);
    let counted = stats(&place.file());
    assert_eq!(fs::read(place.file()).expect("the file").len(), file.len(), "{looked:?} {counted:?}");
    match SqliteNotebook::open(&place.paths, "n".into(), OpenMode::Create) {
        Ok(notebook) => {
            let store = notebook.store().expect("a store");
            let last = store.last_rowid();
            if let (Some(at_least), Ok(last)) = (at_least, &last) {
                assert!(*last >= at_least, "what was moved into the file is there, whatever its log is");
            }
            // Where pages deeper in are damaged these fail, and say so.
            let _ = (store.cells(), store.metadata(), store.log_since(0, 100));
            let _ = store.commit(&[Event::NotebookTitleChanged { title: "t".into() }]);
            drop(store);
            notebook.close();
        }
        Err(OpenError::Corrupt { kept, .. }) => {
            assert_eq!(fs::read(&kept).expect("the kept file"), file, "it is kept as it was");
            assert!(!place.file().exists());
        }
        Err(OpenError::NotANotebook { .. } | OpenError::Unreadable { .. }) => {
            assert!(place.file().exists(), "what is not understood is left alone");
        }
        Err(other) => panic!("{other}"),
    }
    if let Ok(repaired) = repair(&place.file()) {
        assert!(repaired.kept.exists());
        let checked = check(&place.file(), None).expect("a repaired notebook can be opened");
        let only_gaps =
            checked.problems.iter().all(|it| matches!(it, purlin_runtime_native::store::Problem::Log(_)));
        assert!(only_gaps, "{:?}", checked.problems);
    }
}
