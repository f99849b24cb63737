//! The outside world as the kernel asks for it: tasks, processes, files.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::LocalBoxStream;
use purlin_kernel::host::{
    DirEntry, FileEvent, FileStat, Host, HostError, HttpRequest, HttpResponse, LBF, Process, ProcessSpec,
    TaskHandle,
};

use super::{files, http, watch};
use crate::process;

/// The native [`Host`] of a kernel; needs a tokio runtime with a `LocalSet` around it.
#[derive(Clone)]
pub struct KernelHost {
    start: Instant,
    clients: Rc<http::Clients>,
}

impl KernelHost {
    /// Makes a host whose clock begins now.
    pub fn new() -> Self {
        Self { start: Instant::now(), clients: Rc::default() }
    }
}

impl std::fmt::Debug for KernelHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KernelHost").finish_non_exhaustive()
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
        blocking("read", path, files::read)
    }

    fn fs_write(&self, path: PathBuf, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        blocking("write", path, move |path| std::fs::write(path, &bytes))
    }

    fn fs_list(&self, path: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        blocking("list", path, files::list)
    }

    fn fs_stat(&self, path: PathBuf) -> LBF<Result<Option<FileStat>, HostError>> {
        blocking("look at", path, files::stat)
    }

    fn fs_watch(&self, path: PathBuf) -> Result<LocalBoxStream<'static, FileEvent>, HostError> {
        watch::watch(&path)
    }

    fn fs_glob(&self, root: PathBuf, pattern: String, most: usize) -> LBF<Result<Vec<PathBuf>, HostError>> {
        blocking("search", root, move |root| files::glob(root, &pattern, most))
    }

    fn http(&self, request: HttpRequest) -> LBF<Result<HttpResponse, HostError>> {
        let clients = self.clients.clone();
        Box::pin(async move {
            let method = if request.method.is_empty() { "GET".to_owned() } else { request.method };
            let request = purlin_runtime_core::HttpRequest {
                method,
                url: request.url,
                headers: request.headers,
                body: request.body,
                timeout: request.timeout,
            };
            let failed = |error: purlin_runtime_core::HttpError| HostError::Http(error.to_string());
            let answer = http::fetch(clients, request, "the address").await.map_err(failed)?;
            let body = answer.body.map(move |piece| piece.map_err(failed)).boxed_local();
            Ok(HttpResponse { status: answer.status, headers: answer.headers, body })
        })
    }
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
