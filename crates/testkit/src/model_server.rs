//! A local HTTP server that streams both wire formats from one script.
//!
//! `POST …/messages` answers as Anthropic Messages, `POST …/chat/completions` as OpenAI Chat Completions. Both count
//! requests together: turn n of the script answers request n. Each connection has its own thread and serves one
//! request. Nothing waits on a clock unless the script says so.

mod http;
mod wire;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::script::{Headers, Script, Turn};

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path.
    pub path: String,
    /// The headers by lower-case name.
    pub headers: Headers,
    /// The body.
    pub body: Value,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    received: Mutex<Vec<Received>>,
    arrived: Condvar,
    stopping: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Anthropic,
    OpenAiChat,
}

impl ModelServer {
    /// Starts a server on a free port of the loopback interface.
    pub fn start(script: Script) -> io::Result<Self> {
        Self::bind(script, "127.0.0.1:0")
    }

    /// Starts a server at an address.
    pub fn bind(script: Script, address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            received: Mutex::default(),
            arrived: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let accepting = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("model-server".into()).spawn(move || accept(&listener, &shared))?
        };
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// The address without a path, for the `base_url` of an Anthropic provider.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address with `/v1`, for the `base_url` of an OpenAI Chat provider.
    pub fn url_v1(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Waits until `n` requests have arrived; answers whether they have within the time.
    pub fn wait_for_requests(&self, n: usize, at_most: Duration) -> bool {
        let received = lock(&self.shared.received);
        let waited = self.shared.arrived.wait_timeout_while(received, at_most, |list| list.len() < n);
        waited.is_ok_and(|(list, _)| list.len() >= n)
    }

    /// Replaces the script; requests keep being counted from where they are.
    pub fn set_script(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // A connection wakes the accepting thread, which then sees the flag.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A client that leaves early ends its thread with an error, which is the client's matter.
        thread::spawn(move || drop(serve(stream, &shared)));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(request) = http::read_request(&mut stream)? else { return Ok(()) };
    let wire = match request.path.split('?').next().unwrap_or_default() {
        path if path.ends_with("/messages") => Wire::Anthropic,
        path if path.ends_with("/chat/completions") => Wire::OpenAiChat,
        path => {
            let body = json!({"error": {"message": format!("no such endpoint: {path}")}}).to_string();
            return http::write_response(&mut stream, 404, &[], &body);
        }
    };
    let n = {
        let mut received = lock(&shared.received);
        received.push(request.clone());
        shared.arrived.notify_all();
        received.len() - 1
    };
    let script = lock(&shared.script).clone();
    if let Some(key) = &script.key
        && wire::key(wire, &request.headers) != Some(key.as_str())
    {
        let body = wire::error(wire, 401, "the key is not valid");
        return http::write_response(&mut stream, 401, &[], &body);
    }
    answer(&mut stream, wire, &request, &script.turn(n), n)
}

fn answer(stream: &mut TcpStream, wire: Wire, request: &Received, turn: &Turn, n: usize) -> io::Result<()> {
    if let Some(failure) = &turn.error {
        let retry = failure.retry_after.map(|seconds| format!("Retry-After: {seconds}"));
        let body = wire::error(wire, failure.status, &failure.message);
        return http::write_response(stream, failure.status, retry.as_slice(), &body);
    }
    let streamed = request.body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    if !streamed {
        let body = wire::error(wire, 400, "this server only streams: set `stream`");
        return http::write_response(stream, 400, &[], &body);
    }
    http::write_stream_head(stream)?;
    let mut left = turn.cut_after.unwrap_or(usize::MAX);
    if let Some(garbage) = &turn.garbage {
        http::write_chunk(stream, garbage.as_bytes(), &mut left)?;
        return http::write_stream_end(stream);
    }
    for event in wire::events(wire, turn, n, request) {
        if event.delayed && turn.delay_ms > 0 {
            thread::sleep(Duration::from_millis(turn.delay_ms));
        }
        http::write_chunk(stream, event.text.as_bytes(), &mut left)?;
        if left == 0 {
            // The last chunk of the coding is never sent: the client sees the connection break.
            return stream.shutdown(std::net::Shutdown::Both);
        }
        if turn.hang {
            return http::wait_for_end(stream);
        }
    }
    http::write_stream_end(stream)?;
    stream.flush()
}
