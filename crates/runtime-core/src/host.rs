//! What the core needs from the outside world, and the plain types that cross that border.

use std::fmt;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;

/// Wall clock: milliseconds since the Unix epoch.
pub type WallMs = i64;
/// Monotonic clock: milliseconds since some moment of the host's choice; never goes back.
pub type MonoMs = u64;

/// The outside world: clock, random, tasks, network, log.
///
/// Implemented natively by `runtime-native`, by the page in a browser and by
/// [`VirtualHost`](crate::virtual_host::VirtualHost) in tests.
pub trait Host: 'static {
    /// Returns the wall clock; it may jump.
    fn now(&self) -> WallMs;
    /// Returns the monotonic clock.
    fn mono(&self) -> MonoMs;
    /// Fills a buffer with unpredictable bytes.
    fn random(&self, buf: &mut [u8]);
    /// Waits for at least the given time.
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
    /// Runs a future beside the caller, on the same thread, until it ends or its handle is dropped.
    fn spawn(&self, future: LocalBoxFuture<'static, ()>) -> TaskHandle;
    /// Sends a request and answers once the response's head has arrived; the body streams.
    fn fetch(&self, request: HttpRequest) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>>;
    /// Takes one line for the log.
    fn log(&self, record: &Record<'_>);
}

/// A task that runs beside others; dropping the handle stops it.
#[must_use = "dropping the handle stops the task"]
pub struct TaskHandle {
    abort: Option<Box<dyn FnOnce()>>,
}

impl TaskHandle {
    /// Makes a handle from what stops the task.
    pub fn new(abort: impl FnOnce() + 'static) -> Self {
        Self { abort: Some(Box::new(abort)) }
    }

    /// Lets the task run on without a handle.
    pub fn detach(mut self) {
        self.abort = None;
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort();
        }
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").finish_non_exhaustive()
    }
}

/// A request as a provider's codec makes it.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// The absolute address.
    pub url: String,
    /// Headers in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body, empty for none.
    pub body: Vec<u8>,
    /// How long the response's head may take, and after it each piece of the body; `None` waits for ever.
    pub timeout: Option<Duration>,
}

impl HttpRequest {
    /// Makes a request without headers, body and time limit.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: None }
    }
}

/// Header values may be keys, so only their names are shown; of the address only what is before `?`.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url.split('?').next().unwrap_or_default())
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// A response whose head has arrived.
pub struct HttpResponse {
    /// The status code, 100 to 599.
    pub status: u16,
    /// Headers in the order of their arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, piece by piece as it arrives.
    pub body: LocalBoxStream<'static, Result<Vec<u8>, HttpError>>,
}

impl HttpResponse {
    /// Finds the first header of that name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What kind of failure stopped a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The request itself is malformed, for example its address.
    Request,
    /// The server cannot be reached.
    Connect,
    /// The time limit passed.
    Timeout,
    /// The connection broke while the body arrived.
    Body,
    /// This host has no network.
    Unsupported,
}

/// A request that got no response, or not the whole of it.
///
/// The message names the server, never a header or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// The kind of the failure.
    pub kind: HttpErrorKind,
    /// A full sentence that says what failed and what to do.
    pub message: String,
}

impl HttpError {
    /// Makes an error of a kind with a message for people.
    pub fn new(kind: HttpErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Tells whether trying the same request again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, HttpErrorKind::Connect | HttpErrorKind::Timeout | HttpErrorKind::Body)
    }
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look for a fault.
    Debug,
    /// What a person may want to know afterwards.
    Info,
    /// Something went wrong and was dealt with.
    Warn,
    /// Something went wrong and work was lost or refused.
    Error,
}

/// One line for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// How much it matters.
    pub level: Level,
    /// The part that speaks, for example `runtime`.
    pub service: &'a str,
    /// A full sentence.
    pub message: &'a str,
    /// Facts beside the sentence, as a JSON object; never a secret.
    pub data: Option<&'a serde_json::Value>,
}

impl<'a> Record<'a> {
    /// Makes a line without further facts.
    pub fn new(level: Level, service: &'a str, message: &'a str) -> Self {
        Self { level, service, message, data: None }
    }
}
