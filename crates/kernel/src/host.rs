//! What the kernel needs from the outside world: a clock, tasks, processes and files.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;

/// So many bytes of a file are read at once at most: it must fit an extension's memory.
pub const MOST_READ: u64 = 32 << 20;

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

    /// Describes a file or folder, links followed; absent = there is none.
    fn fs_stat(&self, _path: PathBuf) -> LBF<Result<Option<FileStat>, HostError>> {
        Box::pin(std::future::ready(Err(HostError::Unsupported("fs.stat"))))
    }

    /// Tells what changes in a file or directly in a folder, until the answer is dropped.
    fn fs_watch(&self, _path: PathBuf) -> Result<LocalBoxStream<'static, FileEvent>, HostError> {
        Err(HostError::Unsupported("fs.watch"))
    }

    /// Lists what matches a [`Glob`](crate::glob::Glob) below a folder, sorted, as paths relative to it; at most `most`.
    fn fs_glob(
        &self,
        _root: PathBuf,
        _pattern: String,
        _most: usize,
    ) -> LBF<Result<Vec<PathBuf>, HostError>> {
        Box::pin(std::future::ready(Err(HostError::Unsupported("fs.glob"))))
    }

    /// Sends a request; completes with the answer's head, whose body then arrives piece by piece.
    fn http(&self, _request: HttpRequest) -> LBF<Result<HttpResponse, HostError>> {
        Box::pin(std::future::ready(Err(HostError::Unsupported("http"))))
    }
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileChange {
    /// It came to be, or was moved here.
    Created,
    /// Its content changed.
    Modified,
    /// It is gone.
    Removed,
}

impl FileChange {
    /// Answers the word that extensions see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }
}

/// Something that happened where somebody watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEvent {
    /// The file.
    pub path: PathBuf,
    /// What happened to it.
    pub change: FileChange,
}

/// A request over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// Where to.
    pub url: String,
    /// The method; empty = GET.
    pub method: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
    /// How long the server may be silent.
    pub timeout: Option<Duration>,
}

/// The answer to a request; its body arrives in pieces.
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Names, in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: LocalBoxStream<'static, Result<Vec<u8>, HostError>>,
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
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
    /// A server did not do as asked; the words name it and what to do, never a header or a key.
    #[error("{0}")]
    Http(String),
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
    /// Whether its input stays open for [`Process::input`] after `stdin` has been read.
    pub keep_stdin: bool,
    /// Columns and rows of a terminal of its own, which then is its input, output and standard error.
    pub pty: Option<(u16, u16)>,
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
        /// Whether it was killed because its time was over.
        timed_out: bool,
    },
}

/// A running process.
pub struct Process {
    /// What it prints, then its exit; dropping it kills the process.
    pub output: LocalBoxStream<'static, ProcessEvent>,
    /// Kills the process and its group.
    pub kill: Rc<dyn Fn()>,
    /// Its input, where it was asked for.
    pub input: Option<Rc<dyn ProcessInput>>,
}

/// The input of a running process.
pub trait ProcessInput {
    /// Writes all of `bytes`; waits while the process does not read.
    fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HostError>>;

    /// Ends the input.
    fn close(&self);

    /// Says that its terminal has another size, in columns and rows; without one nothing happens.
    fn resize(&self, _cols: u16, _rows: u16) {}
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}
