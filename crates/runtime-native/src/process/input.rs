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
use tokio::sync::{Mutex, OwnedMutexGuard};

/// What ends the input of a program that reads a terminal line by line.
const END_OF_INPUT: u8 = 4;

/// The pipe of a process's standard input; it is closed when the last holder lets go of it.
#[derive(Clone)]
pub(super) struct Pipe(Arc<Mutex<Option<ChildStdin>>>);

impl Pipe {
    /// Takes the pipe, and feeds it what is to be read first; later writes wait for that.
    pub(super) fn new(stdin: ChildStdin, first: Option<Vec<u8>>) -> Self {
        let pipe = Self(Arc::new(Mutex::new(Some(stdin))));
        if let (Some(bytes), Ok(guard)) = (first, pipe.0.clone().try_lock_owned()) {
            // A process that does not read its input to the end is not at fault.
            tokio::spawn(async move { feed(guard, bytes).await.ok() });
        }
        pipe
    }
}

async fn feed(mut pipe: OwnedMutexGuard<Option<ChildStdin>>, bytes: Vec<u8>) -> Result<(), HostError> {
    let Some(stdin) = pipe.as_mut() else { return Err(closed()) };
    if let Err(error) = stdin.write_all(&bytes).await {
        *pipe = None;
        return Err(refused(&error));
    }
    Ok(())
}

impl ProcessInput for Pipe {
    fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        let pipe = self.0.clone();
        Box::pin(async move { feed(pipe.lock_owned().await, bytes).await })
    }

    fn close(&self) {
        let pipe = self.0.clone();
        match pipe.try_lock_owned() {
            Ok(mut stdin) => *stdin = None,
            Err(_busy) => {
                let pipe = self.0.clone();
                tokio::spawn(async move { *pipe.lock().await = None });
            }
        }
    }
}

/// The near side of a process's own terminal.
#[derive(Clone)]
pub(super) struct Terminal {
    near: Arc<AsyncFd<OwnedFd>>,
    /// Writes go one after the other.
    turn: Arc<Mutex<()>>,
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
        Ok((Self { near, turn: Arc::default() }, far))
    }

    /// Answers what reads from the terminal what the process prints.
    pub(super) fn output(&self) -> Printed {
        Printed(self.near.clone())
    }

    async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let _turn = self.turn.lock().await;
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut ready = self.near.writable().await?;
            match ready.try_io(|near| rustix::io::write(near, rest).map_err(io::Error::from)) {
                Ok(written) => rest = &rest[written?..],
                Err(_not_yet) => {}
            }
        }
        Ok(())
    }
}

impl ProcessInput for Terminal {
    fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        let terminal = self.clone();
        Box::pin(async move { terminal.write_all(&bytes).await.map_err(|error| refused(&error)) })
    }

    fn close(&self) {
        let terminal = self.clone();
        // A process that is gone needs no end of its input.
        tokio::spawn(async move { terminal.write_all(&[END_OF_INPUT]).await.ok() });
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
