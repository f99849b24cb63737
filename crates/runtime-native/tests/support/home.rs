//! A directory of its own for each test, and child processes that run another part of the same test binary.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use purlin_notebook::{CellType, Event, NotebookId};
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook};

/// A directory that is removed with its content.
pub struct Home {
    pub root: PathBuf,
    pub paths: Paths,
}

impl Home {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("purlin-test-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        Self { paths: Paths::below(&root), root }
    }

    pub fn open(&self, id: &str) -> SqliteNotebook {
        SqliteNotebook::open(&self.paths, NotebookId::from(id), OpenMode::Create).unwrap()
    }

    pub fn file(&self, id: &str) -> PathBuf {
        self.paths.notebook(&NotebookId::from(id))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What stays behind in the directory for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// A child that runs the test `child` of this binary in a role. It is killed when dropped.
pub struct Role {
    pub process: Child,
    pub lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Role {
    pub fn spawn(role: &str, root: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env("PURLIN_TEST_ROLE", role)
            .env("PURLIN_TEST_ROOT", root)
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Returns the next line that the role printed, without what the test harness prints.
    pub fn line(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.ok()?;
            // The harness prints the test's name in front of the first line.
            if let Some((_, said)) = line.split_once("> ") {
                return Some(said.to_owned());
            }
        }
    }

    pub fn expect(&mut self, wanted: &str) {
        assert_eq!(self.line().as_deref(), Some(wanted));
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The role that this process is to play, and where.
pub fn role() -> Option<(String, Paths)> {
    let role = std::env::var("PURLIN_TEST_ROLE").ok()?;
    let root = PathBuf::from(std::env::var_os("PURLIN_TEST_ROOT")?);
    Some((role, Paths::below(&root)))
}

/// Prints a line for the parent.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {line}").and_then(|()| out.flush()).unwrap();
}

pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn title(title: &str) -> Event {
    Event::NotebookTitleChanged { title: title.into() }
}

pub fn set(key: &str, value: &str) -> Event {
    Event::NotebookMetadataSet { key: key.into(), value: value.into() }
}

pub fn cell(id: &str) -> Event {
    Event::CellCreated2 {
        id: id.into(),
        fractional_index: "m".into(),
        cell_type: CellType::Ai,
        created_by: "u".into(),
    }
}
