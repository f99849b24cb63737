//! What a process reads: a pipe that is fed, or a terminal of its own.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use purlin_kernel::host::{HostError, LBF, ProcessInput};
use rustix::fd::OwnedFd;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio::process::ChildStdin;
use tokio::sync::{mpsc, oneshot};

/// What ends the input of a program that reads a terminal line by line.
const END_OF_INPUT: u8 = 4;

/// What is to be written, in the order in which it was asked for; a task writes it piece by piece. It ends, and the
/// process's input with it, when the last holder lets go.
#[derive(Clone)]
pub(super) struct Queue(mpsc::UnboundedSender<Piece>);

enum Piece {
    Bytes(Vec<u8>, Option<oneshot::Sender<Result<(), HostError>>>),
    End,
}

impl Queue {
    /// Feeds the pipe of a process's standard input, first with what is to be read first.
    pub(super) fn of_pipe(stdin: ChildStdin, first: Option<Vec<u8>>) -> Self {
        let (queue, pieces) = mpsc::unbounded_channel();
        let queue = Self(queue);
        if let Some(bytes) = first {
            // A process that does not read its input to the end is not at fault.
            queue.put(Piece::Bytes(bytes, None));
        }
        tokio::spawn(feed_pipe(stdin, pieces));
        queue
    }

    /// A piece for a process that is gone is dropped, which answers whoever waits for it.
    fn put(&self, piece: Piece) {
        drop(self.0.send(piece));
    }

    fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        let (answer, answered) = oneshot::channel();
        self.put(Piece::Bytes(bytes, Some(answer)));
        Box::pin(async move { answered.await.unwrap_or_else(|_dropped| Err(closed())) })
    }
}

async fn feed_pipe(stdin: ChildStdin, mut pieces: mpsc::UnboundedReceiver<Piece>) {
    let mut stdin = Some(stdin);
    while let Some(piece) = pieces.recv().await {
        let Piece::Bytes(bytes, answer) = piece else {
            stdin = None;
            continue;
        };
        let written = match stdin.as_mut() {
            Some(pipe) => pipe.write_all(&bytes).await.map_err(|error| refused(&error)),
            None => Err(closed()),
        };
        if written.is_err() {
            stdin = None;
        }
        if let Some(answer) = answer {
            // Whoever wrote may not wait for the answer.
            drop(answer.send(written));
        }
    }
}

impl ProcessInput for Queue {
    fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        self.write(bytes)
    }

    fn close(&self) {
        self.put(Piece::End);
    }
}

/// The near side of a process's own terminal.
#[derive(Clone)]
pub(super) struct Terminal {
    near: Arc<AsyncFd<OwnedFd>>,
    queue: Queue,
}

impl Terminal {
    /// Makes a terminal of so many columns and rows, and answers it with its far side.
    pub(super) fn open(columns: u16, rows: u16) -> io::Result<(Self, OwnedFd)> {
        use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&near)?;
        unlockpt(&near)?;
        let far = open(
            ptsname(&near, Vec::new())?,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        fcntl_setfl(&near, fcntl_getfl(&near)? | OFlags::NONBLOCK)?;
        tcsetwinsize(&near, size(columns, rows))?;
        let near = Arc::new(crate::ready::ready(near)?);
        let (queue, pieces) = mpsc::unbounded_channel();
        tokio::spawn(feed_terminal(Arc::clone(&near), pieces));
        Ok((Self { near, queue: Queue(queue) }, far))
    }

    /// Answers what reads from the terminal what the process prints.
    pub(super) fn output(&self) -> Printed {
        Printed(self.near.clone())
    }
}

async fn feed_terminal(near: Arc<AsyncFd<OwnedFd>>, mut pieces: mpsc::UnboundedReceiver<Piece>) {
    while let Some(piece) = pieces.recv().await {
        let (bytes, answer) = match piece {
            Piece::Bytes(bytes, answer) => (bytes, answer),
            Piece::End => (vec![END_OF_INPUT], None),
        };
        let written = write_all(&near, &bytes).await.map_err(|error| refused(&error));
        if let Some(answer) = answer {
            // Whoever wrote may not wait for the answer.
            drop(answer.send(written));
        }
    }
}

async fn write_all(near: &AsyncFd<OwnedFd>, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        let mut ready = near.writable().await?;
        match ready.try_io(|near| rustix::io::write(near, rest).map_err(io::Error::from)) {
            Ok(written) => rest = &rest[written?..],
            Err(_not_yet) => {}
        }
    }
    Ok(())
}

impl ProcessInput for Terminal {
    fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        self.queue.write(bytes)
    }

    fn close(&self) {
        self.queue.put(Piece::End);
    }

    fn resize(&self, cols: u16, rows: u16) {
        // A terminal whose process is gone keeps its size.
        let _ = tcsetwinsize(&*self.near, size(cols, rows));
    }
}

/// What a process prints on its terminal. The end of the process is the end of it, which systems tell as an error.
pub(super) struct Printed(Arc<AsyncFd<OwnedFd>>);

impl AsyncRead for Printed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            match ready.try_io(|near| rustix::io::read(near, &mut *unfilled).map_err(io::Error::from)) {
                Ok(Ok(count)) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(_ended)) => return Poll::Ready(Ok(())),
                Err(_not_yet) => {}
            }
        }
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows.max(1), ws_col: columns.max(1), ws_xpixel: 0, ws_ypixel: 0 }
}

fn closed() -> HostError {
    HostError::io("write to", Path::new("standard input"), "it is closed")
}

fn refused(error: &io::Error) -> HostError {
    HostError::io("write to", Path::new("standard input"), error)
}
