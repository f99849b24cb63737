//! The outside world on a desktop: clock, random, tasks on tokio, network, processes, files.

mod files;
mod http;
mod kernel;
mod watch;

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::LocalBoxFuture;
use purlin_runtime_core::{
    Host, HttpError, HttpRequest, HttpResponse, Level, MonoMs, Record, TaskHandle, WallMs,
};

pub use kernel::KernelHost;

use crate::logging::LogSink;

/// The native [`Host`] of a runtime agent.
///
/// Tasks and timers need a tokio runtime with a `LocalSet` around them. The HTTP client is built by the first request,
/// so that a program that never asks the network pays nothing for it.
#[derive(Clone)]
pub struct NativeHost(Rc<World>);

struct World {
    start: Instant,
    clients: Rc<http::Clients>,
    log: Option<LogSink>,
}

impl NativeHost {
    /// Makes a host whose monotonic clock begins now.
    pub fn new() -> Self {
        Self(Rc::new(World { start: Instant::now(), clients: Rc::new(http::Clients::default()), log: None }))
    }

    /// Makes a host of the same clock and network that gives the lines of its log to a function, such as
    /// [`console_log`](crate::console_log) makes, instead of to `tracing`.
    #[must_use]
    pub fn with_log(self, log: LogSink) -> Self {
        let World { start, clients, .. } = &*self.0;
        Self(Rc::new(World { start: *start, clients: clients.clone(), log: Some(log) }))
    }
}

impl Default for NativeHost {
    fn default() -> Self {
        Self::new()
    }
}

impl Host for NativeHost {
    fn now(&self) -> WallMs {
        wall()
    }

    fn mono(&self) -> MonoMs {
        self.0.start.elapsed().as_millis() as MonoMs
    }

    fn random(&self, buf: &mut [u8]) {
        if getrandom::fill(buf).is_err() {
            // Without the system's source identifiers must still differ; secrets are never made here.
            weak_random(buf);
        }
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(async move { tokio::time::sleep(duration).await })
    }

    fn spawn(&self, future: LocalBoxFuture<'static, ()>) -> TaskHandle {
        let task = tokio::task::spawn_local(future);
        TaskHandle::new(move || task.abort())
    }

    fn fetch(&self, request: HttpRequest) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>> {
        Box::pin(http::fetch(self.0.clients.clone(), request, "`base_url` in the configuration"))
    }

    fn log(&self, record: &Record<'_>) {
        if let Some(log) = &self.0.log {
            return log(record);
        }
        let Record { service, message, .. } = record;
        let data = record.data.map(tracing::field::display);
        match record.level {
            Level::Debug => tracing::debug!(service, data, "{message}"),
            Level::Info => tracing::info!(service, data, "{message}"),
            Level::Warn => tracing::warn!(service, data, "{message}"),
            Level::Error => tracing::error!(service, data, "{message}"),
        }
    }
}

impl std::fmt::Debug for NativeHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeHost").finish_non_exhaustive()
    }
}

/// Reads the wall clock; before 1970 it stands at 0.
pub(crate) fn wall() -> WallMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as WallMs)
}

fn weak_random(buf: &mut [u8]) {
    use std::hash::{BuildHasher, RandomState};
    for (place, chunk) in buf.chunks_mut(8).enumerate() {
        let bits = RandomState::new().hash_one((place, std::process::id(), wall()));
        chunk.copy_from_slice(&bits.to_le_bytes()[..chunk.len()]);
    }
}

/// A value that is made at its first use.
pub(crate) type Lazy<T> = OnceCell<T>;
