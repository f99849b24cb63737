//! The shell runtime with a real `sh`: output, failures, cancellation, and a command that prints a gigabyte.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/home.rs"]
mod support;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use purlin_notebook::{
    Capabilities, CellId, CellKind, CellType, Event, OutputType, QueueId, QueueStatus, Store, StoreExt,
    Tables, dump,
};
use purlin_runtime_core::{Handlers, INLINE_LIMIT, Options, RuntimeAgent};
use purlin_runtime_native::{FileArtifacts, NativeHost, ShellHandler, SqliteNotebook, SqliteStore};
use support::Home;

/// A session on the disk with a shell runtime.
struct World {
    store: Rc<SqliteStore>,
    artifacts: FileArtifacts,
    notebook: SqliteNotebook,
}

fn run<T>(test: impl AsyncFnOnce(&World) -> T) -> T {
    run_with(|artifacts| artifacts, test)
}

fn run_with<T>(limited: fn(FileArtifacts) -> FileArtifacts, test: impl AsyncFnOnce(&World) -> T) -> T {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let notebook = home.open("test");
        let store = Rc::new(notebook.store().unwrap());
        let artifacts = limited(FileArtifacts::new(home.paths.artifacts()));
        let world = World { store, artifacts, notebook };
        let mut options = Options::new("shell", "local", [CellKind::Shell]);
        options.artifacts = Rc::new(world.artifacts.clone());
        let handlers = Handlers::new().with(CellKind::Shell, Rc::new(ShellHandler::new("/")));
        let capabilities = Capabilities { can_execute_code: true, ..Capabilities::default() };
        let host = Rc::new(NativeHost::new());
        let agent = RuntimeAgent::new(world.store.clone(), host, capabilities, handlers, options);
        agent.start().await.unwrap();
        let running = agent.clone();
        tokio::task::spawn_local(async move { running.run().await });
        let answer = test(&world).await;
        agent.shutdown().await;
        answer
    })
}

impl World {
    fn ask(&self, id: &str, source: &str) -> CellId {
        let cell = CellId::from(id);
        let events = [
            Event::CellCreated2 {
                id: cell.clone(),
                fractional_index: id.to_owned(),
                cell_type: CellType::Code,
                created_by: "ada".to_owned(),
            },
            Event::CellSourceChanged {
                id: cell.clone(),
                source: source.to_owned(),
                modified_by: "ada".to_owned(),
            },
            Event::CellAnnotated {
                cell_id: cell.clone(),
                kind: CellKind::Shell,
                hidden: None,
                parent_id: None,
                after_output: None,
                extension: None,
                attachments: Vec::new(),
                prepared: None,
                prepared_text: None,
                data: None,
            },
            Event::ExecutionRequested {
                queue_id: QueueId::from(id),
                cell_id: cell.clone(),
                execution_count: 1,
                requested_by: "ada".to_owned(),
                actor_id: None,
            },
        ];
        self.store.commit(&events).unwrap();
        cell
    }

    /// Waits until the store satisfies a condition.
    async fn until(&self, condition: impl Fn(&SqliteStore) -> bool) {
        let mut ticks = self.store.watch(Tables::ALL);
        while !condition(&self.store) {
            ticks.next().await.unwrap();
        }
    }

    async fn end(&self, id: &str) -> QueueStatus {
        let queue = QueueId::from(id);
        let status = |store: &SqliteStore| store.queue_entry(&queue).unwrap().unwrap().status;
        self.until(|store| status(store).is_terminal()).await;
        status(&self.store)
    }

    fn texts(&self, cell: &CellId) -> Vec<String> {
        let outputs = self.store.outputs_of(cell).unwrap();
        outputs.iter().map(|output| self.store.text_of(output).unwrap()).collect()
    }
}

#[test]
fn a_command_puts_out_what_it_prints() {
    run(async |world| {
        let cell = world.ask("a", "echo one; echo two >&2; pwd");
        assert_eq!(world.end("a").await, QueueStatus::Completed);
        let text = world.texts(&cell).concat();
        assert!(text.contains("one\n") && text.contains("two\n") && text.contains("/\n"), "{text}");
    });
}

#[test]
fn a_command_that_fails_says_its_code() {
    run(async |world| {
        let cell = world.ask("a", "echo before; exit 7");
        assert_eq!(world.end("a").await, QueueStatus::Failed);
        let outputs = world.store.outputs_of(&cell).unwrap();
        assert_eq!(outputs[1].output_type, OutputType::Error);
        assert!(outputs[1].data.as_deref().unwrap().contains("The command exited with code 7."));
    });
}

#[test]
fn a_cancelled_command_ends_with_its_children() {
    run(async |world| {
        let cell = world.ask("a", "sleep 1000 & echo $!; wait");
        world.until(|store| !store.outputs_of(&cell).unwrap().is_empty()).await;
        let child = world.texts(&cell).concat().trim().to_owned();
        assert!(PathBuf::from(format!("/proc/{child}")).exists());
        world
            .store
            .commit(&[Event::ExecutionCancelled {
                queue_id: "a".into(),
                cell_id: cell,
                cancelled_by: "ada".to_owned(),
                actor_id: None,
                reason: "esc".to_owned(),
            }])
            .unwrap();
        assert_eq!(world.end("a").await, QueueStatus::Cancelled);
        world.ask("b", &format!("while kill -0 {child} 2>/dev/null; do sleep 0.01; done; echo gone"));
        assert_eq!(world.end("b").await, QueueStatus::Completed);
    });
}

#[test]
fn bytes_that_are_no_text_are_shown_and_kept() {
    run(async |world| {
        let cell = world.ask("a", r"printf 'a\377b\000c'");
        assert_eq!(world.end("a").await, QueueStatus::Completed);
        let text = world.texts(&cell).concat();
        assert!(text.starts_with("a\u{FFFD}b\u{2400}c\n[Some bytes were not UTF-8 text."), "{text}");
        let reference = text.split('`').nth(1).unwrap();
        assert_eq!(world.artifacts.get(reference).unwrap(), b"a\xffb\0c");
    });
}

/// The session lies in a file, what is kept of the output ends at a limit, and the store goes on.
#[test]
fn row_051_a_gigabyte_stays_bounded_in_memory_and_ends_as_head_and_tail() {
    run_with(
        |artifacts| artifacts.with_limit(64 << 20),
        async |world| {
            let before = peak_memory();
            let begun = Instant::now();
            let cell = world.ask("a", "yes | head -c 1G; echo the end");
            assert_eq!(world.end("a").await, QueueStatus::Completed);
            let text = world.texts(&cell).concat();
            assert!(text.len() <= INLINE_LIMIT, "{}", text.len());
            assert!(text.starts_with("y\ny\n") && text.ends_with("y\nthe end\n"));
            let notice = text.lines().find(|line| line.starts_with('[')).unwrap();
            assert!(notice.contains(" left out here. The first 64.0 MiB are kept as `artifact:"), "{notice}");
            assert!(
                notice.ends_with("and the 960.0 MiB after them are not: it is cut at the limit.]"),
                "{notice}"
            );
            let reference = text.split('`').nth(1).unwrap();
            let path = world.artifacts.path_of(reference).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), 64 << 20);
            let grown = peak_memory() - before;
            assert!(grown < 64 << 10, "memory grew by {grown} KiB");
            // Generous: the machine that runs the tests may be busy.
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
            eprintln!("1 GiB in {:?}, memory grew by {grown} KiB", begun.elapsed());
            // The store is alive, its file small and sound.
            let next = world.ask("b", "echo on");
            assert_eq!(world.end("b").await, QueueStatus::Completed);
            assert_eq!(world.texts(&next).concat(), "on\n");
            let path = world.notebook.path().unwrap();
            let checked = purlin_runtime_native::store::check(path, Some(&world.artifacts)).unwrap();
            assert!(checked.is_sound() && checked.references == 1, "{:?}", checked.problems);
            let stats = purlin_runtime_native::store::stats(path).unwrap();
            assert!(stats.file_bytes + stats.wal_bytes < 32 << 20, "{} in the session", stats.file_bytes);
            let tables = purlin_runtime_native::store::replayed(path).unwrap();
            assert_eq!(tables, dump::canonical(&*world.store).unwrap());
        },
    );
}

/// Without a limit that is said otherwise, the whole of what a build prints is kept.
#[test]
fn row_051_the_whole_of_a_long_output_is_kept() {
    run(async |world| {
        let cell = world.ask("a", "seq 12000000; echo the end");
        assert_eq!(world.end("a").await, QueueStatus::Completed);
        let text = world.texts(&cell).concat();
        let notice = text.lines().find(|line| line.starts_with('[')).unwrap();
        assert!(notice.contains("left out here. All 92.4 MiB are kept as `artifact:"), "{notice}");
        let reference = text.split('`').nth(1).unwrap();
        // Read line by line: the memory of this process is measured by another test.
        let kept = std::fs::File::open(world.artifacts.path_of(reference).unwrap()).unwrap();
        let mut numbers = 0;
        for line in BufReader::new(kept).lines().map(Result::unwrap) {
            numbers += 1;
            assert!(line == numbers.to_string() || (numbers, &*line) == (12_000_001, "the end"), "{line}");
        }
        assert_eq!(numbers, 12_000_001);
    });
}

/// Reads the greatest resident size of this process so far, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
