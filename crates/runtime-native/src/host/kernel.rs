//! The outside world as the kernel asks for it: tasks, processes, files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use purlin_kernel::host::{DirEntry, Host, HostError, LBF, Process, ProcessSpec, TaskHandle};

use crate::process;

/// The native [`Host`] of a kernel; needs a tokio runtime with a `LocalSet` around it.
#[derive(Clone, Debug)]
pub struct KernelHost {
    start: Instant,
}

impl KernelHost {
    /// Makes a host whose clock begins now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for KernelHost {
    fn default() -> Self {
        Self::new()
    }
}

/// A task on the `LocalSet`.
struct Task(tokio::task::JoinHandle<()>);

impl TaskHandle for Task {
    fn abort(&self) {
        self.0.abort();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host for KernelHost {
    fn now_mono(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn now_micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    fn sleep(&self, duration: Duration) -> LBF<()> {
        Box::pin(async move { tokio::time::sleep(duration).await })
    }

    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle> {
        Box::new(Task(tokio::task::spawn_local(task)))
    }

    fn spawn_process(&self, spec: ProcessSpec) -> Result<Process, HostError> {
        process::spawn(spec)
    }

    fn fs_read(&self, path: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        blocking("read", path, |path| std::fs::read(path))
    }

    fn fs_write(&self, path: PathBuf, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        blocking("write", path, move |path| std::fs::write(path, &bytes))
    }

    fn fs_list(&self, path: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        blocking("list", path, list)
    }
}

fn list(path: &Path) -> std::io::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // A link to a folder counts as a folder; a dangling one is a file.
        let is_dir = entry.path().is_dir();
        entries.push(DirEntry { name: entry.file_name().to_string_lossy().into_owned(), is_dir });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Does file work on another thread.
fn blocking<T: Send + 'static>(
    what: &'static str,
    path: PathBuf,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> LBF<Result<T, HostError>> {
    Box::pin(async move {
        let name = path.clone();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(HostError::io(what, &name, error)),
            Err(_) => Err(HostError::io(what, &name, "the work was abandoned")),
        }
    })
}
