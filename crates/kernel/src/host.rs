//! What the kernel needs from the outside world: a clock, tasks, processes and files.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;

/// A future that lives on the kernel's thread.
pub type LBF<T> = LocalBoxFuture<'static, T>;

/// Supplies time, tasks, processes and files; implemented natively and, for tests, with virtual time.
pub trait Host {
    /// Answers the monotonic clock in milliseconds.
    fn now_mono(&self) -> u64;

    /// Answers the monotonic clock in microseconds, for the diagnostics' timings.
    fn now_micros(&self) -> u64 {
        self.now_mono() * 1000
    }

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> LBF<()>;

    /// Starts a task on the kernel's thread; it ends when the handle is dropped.
    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle>;

    /// Starts a process; dropping the answer kills its group.
    fn spawn_process(&self, spec: ProcessSpec) -> Result<Process, HostError>;

    /// Reads a whole file off the kernel's thread.
    fn fs_read(&self, path: PathBuf) -> LBF<Result<Vec<u8>, HostError>>;

    /// Writes a whole file off the kernel's thread.
    fn fs_write(&self, path: PathBuf, bytes: Vec<u8>) -> LBF<Result<(), HostError>>;

    /// Lists a folder, sorted by name.
    fn fs_list(&self, path: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>>;
}

/// Owns a task; dropping it aborts the task.
pub trait TaskHandle {
    /// Ends the task at its next wait.
    fn abort(&self);
}

/// Why the host could not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The platform has no such facility.
    #[error("`{0}` is not available here")]
    Unsupported(&'static str),
    /// The operating system refused.
    #[error("cannot {what} `{path}`: {reason}")]
    Io {
        /// The operation, as a verb.
        what: &'static str,
        /// The file or program it was tried on.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl HostError {
    /// Builds the I/O variant from a path and a reason.
    #[expect(clippy::needless_pass_by_value, reason = "callers pass errors they have just been given")]
    pub fn io(what: &'static str, path: &Path, reason: impl ToString) -> Self {
        Self::Io { what, path: path.display().to_string(), reason: reason.to_string() }
    }
}

/// One entry of a listed folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The entry's name without its folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
}

/// Describes a process to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The program, looked up in `PATH` when it has no separator.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working directory; absent = the caller's.
    pub cwd: Option<PathBuf>,
    /// Variables added to its environment.
    pub env: Vec<(String, String)>,
    /// What it reads on standard input; absent = nothing.
    pub stdin: Option<Vec<u8>>,
    /// Whether it leads a process group of its own, which is what a kill ends.
    pub group: bool,
    /// After how long it is killed.
    pub timeout: Option<Duration>,
}

/// What a running process tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEvent {
    /// Bytes it wrote on standard output.
    Stdout(Vec<u8>),
    /// Bytes it wrote on standard error.
    Stderr(Vec<u8>),
    /// Its end; nothing follows.
    Exit {
        /// The exit code, if it ended by itself.
        code: Option<i32>,
        /// The signal, if one ended it.
        signal: Option<i32>,
    },
}

/// A running process.
pub struct Process {
    /// What it prints, then its exit; dropping it kills the process.
    pub output: LocalBoxStream<'static, ProcessEvent>,
    /// Kills the process and its group.
    pub kill: Rc<dyn Fn()>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}
