//! The doorbell: how processes on one notebook tell each other of commits.
//!
//! Each has a datagram socket in the runtime directory, named after the notebook's file. A committer sends one byte to
//! every other socket of that file. A byte says only "look": what a listener finds is in the database, so lost and
//! doubled bytes do no harm. A newcomer says hello to those that are there, and every committer reads its own socket
//! before it rings; so either the committer knows of the newcomer, or the newcomer's first look sees the commit.
//!
//! Where sockets cannot be made, a committer changes the date of the notebook's file instead, and the others watch that.
//! (Watching for writes would not do: what is written is seen by readers a moment after the write.)

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

mod watch;

/// A commit was made.
const RING: u8 = b'r';
/// A process came.
const HELLO: u8 = b'h';

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

#[derive(Debug)]
struct Socket {
    datagrams: UnixDatagram,
    directory: PathBuf,
    /// The names of sockets of the same notebook begin with it.
    prefix: String,
    name: String,
    others: Vec<PathBuf>,
}

impl Doorbell {
    /// Hangs a doorbell for a notebook's file, and says hello to the others. `None` where there is no way.
    pub(crate) fn hang(bells: &Path, notebook: &Path) -> Option<Self> {
        match Socket::bind(bells, notebook) {
            Ok(socket) => Some(Self { kind: Kind::Socket(socket) }),
            Err(error) => {
                tracing::info!(%error, bells = %bells.display(), "no doorbell; the notebook's file is watched instead");
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
            Kind::Socket(socket) => socket.datagrams.as_fd(),
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
                socket.send(RING);
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

impl Socket {
    fn bind(bells: &Path, notebook: &Path) -> std::io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(bells)?;
        let real = real_path(notebook);
        let hash = blake3::hash(real.as_os_str().as_bytes()).to_hex();
        let prefix = format!("{}-", &hash[..16]);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}{}-{count}", std::process::id());
        let path = bells.join(&name);
        // A process of the same number that was killed may have left its socket.
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        let mut bell =
            Self { datagrams: socket, directory: bells.to_owned(), prefix, name, others: Vec::new() };
        bell.find();
        bell.sweep();
        bell.send(HELLO);
        Ok(bell)
    }

    /// Finds the sockets of the others.
    fn find(&mut self) {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let is_other = |name: &str| name.starts_with(&self.prefix) && name != self.name;
        self.others = entries
            .filter(|entry| entry.file_name().to_str().is_some_and(is_other))
            .map(|entry| entry.path())
            .collect();
    }

    /// Removes sockets that processes left behind when they were killed, of whatever notebook.
    fn sweep(&self) {
        let Ok(probe) = UnixDatagram::unbound() else { return };
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten().take(256) {
            let path = entry.path();
            let refused = probe
                .connect(&path)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
            if refused {
                remove(&path);
            }
        }
    }

    fn hear(&mut self) -> bool {
        let mut byte = [0; 1];
        let (mut rang, mut came) = (false, false);
        while let Ok(count) = self.datagrams.recv(&mut byte) {
            rang = true;
            came |= count == 1 && byte[0] == HELLO;
        }
        if came {
            self.find();
        }
        rang
    }

    fn send(&mut self, byte: u8) {
        let socket = &self.datagrams;
        self.others.retain(|other| match socket.send_to(&[byte], other) {
            Ok(_) => true,
            Err(error) => match error.kind() {
                // It has not read the last ones yet, so it will look anyway.
                std::io::ErrorKind::WouldBlock => true,
                std::io::ErrorKind::ConnectionRefused => {
                    remove(other);
                    false
                }
                _ => false,
            },
        });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        remove(&self.directory.join(&self.name));
    }
}

/// Finds the one name of a file whose directories may be reached by several names, and need not exist yet.
fn real_path(path: &Path) -> PathBuf {
    let existing = path.ancestors().skip(1).find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    match existing {
        Some((folder, real)) => {
            path.strip_prefix(folder).map_or_else(|_| path.to_owned(), |rest| real.join(rest))
        }
        None => path.to_owned(),
    }
}

/// Removes a socket that nobody reads.
fn remove(path: &Path) {
    // Somebody else may have been faster; a socket that stays is found dead by the next one who rings.
    let _ = fs::remove_file(path);
}
