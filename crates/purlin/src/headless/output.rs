//! Standard output that never holds the run up: a reader that has stopped reading must not keep a signal from being
//! heard.

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::task::JoinHandle;

/// What a pipe that has room takes at once, for certain.
const ATOMIC: usize = 4096;

/// Writes to standard output: at once where that cannot wait, else on a thread of its own.
#[derive(Debug, Default)]
pub struct Output {
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Output {
    /// Whether something is still being written; nothing more may be handed over meanwhile.
    pub fn is_busy(&self) -> bool {
        self.writing.is_some()
    }

    /// Takes what is to be written.
    pub fn put(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.len() <= ATOMIC && has_room() {
            return write(&bytes);
        }
        self.writing = Some(tokio::task::spawn_blocking(move || write(&bytes)));
        Ok(())
    }

    /// Waits until everything that was handed over is written; never completes while there is nothing.
    pub async fn written(&mut self) -> io::Result<()> {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let result = writing.await;
        self.writing = None;
        result.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn has_room() -> bool {
    let stdout = io::stdout();
    let fd = stdout.as_fd();
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(&fd, PollFlags::OUT)];
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
