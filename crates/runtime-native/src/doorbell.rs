//! The doorbell: how processes on one notebook tell each other of commits.
//!
//! Each has a datagram socket in a folder beside the notebook's file, named after that file (`doorbell/socket.rs`). The
//! folder goes by the file and not by the process, so that processes with different environments hear each other. A
//! committer sends one byte to every other socket of the file. A byte says only "look": what a listener finds is in the
//! database, so lost and doubled bytes do no harm. A newcomer says hello to those that are there, and every committer
//! reads its own socket before it rings; so either the committer knows of the newcomer, or the newcomer's first look
//! sees the commit.
//!
//! Where sockets cannot be made, a committer changes the date of the notebook's file instead, and the others watch that.
//! (Watching for writes would not do: what is written is seen by readers a moment after the write.)

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

mod socket;
mod watch;

use socket::Socket;

/// The doorbell of one open notebook.
#[derive(Debug)]
pub(crate) struct Doorbell {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Socket(Socket),
    Watch { watch: OwnedFd, notebook: PathBuf },
}

impl Doorbell {
    /// Hangs a doorbell for a notebook's file, and says hello to the others. `None` where there is no way.
    pub(crate) fn hang(notebook: &Path) -> Option<Self> {
        match Socket::bind(notebook) {
            Ok(socket) => Some(Self { kind: Kind::Socket(socket) }),
            Err(error) => {
                tracing::info!(%error, "no doorbell; the notebook's file is watched instead");
                watch::dates(notebook)
                    .map(|watch| Self { kind: Kind::Watch { watch, notebook: notebook.to_owned() } })
                    .inspect_err(
                        |error| tracing::warn!(%error, "commits of other processes will be seen late"),
                    )
                    .ok()
            }
        }
    }

    /// Returns what becomes readable when somebody rings.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            Kind::Socket(socket) => socket.fd(),
            Kind::Watch { watch, .. } => watch.as_fd(),
        }
    }

    /// Takes in every ring.
    pub(crate) fn hear(&mut self) {
        match &mut self.kind {
            Kind::Socket(socket) => {
                socket.hear();
            }
            Kind::Watch { watch, .. } => watch::drain(watch),
        }
    }

    /// Tells the others of a commit. Answers whether one of them rang meanwhile.
    pub(crate) fn ring(&mut self) -> bool {
        match &mut self.kind {
            Kind::Socket(socket) => {
                let rang = socket.hear();
                socket.ring();
                rang
            }
            Kind::Watch { notebook, .. } => {
                if let Err(error) = watch::touch(notebook) {
                    tracing::debug!(%error, "other processes are not told of a commit");
                }
                false
            }
        }
    }
}

/// Tells whether somebody has a notebook's file open and hears of commits through a socket.
pub(crate) fn is_heard(notebook: &Path) -> bool {
    socket::is_heard(notebook)
}
