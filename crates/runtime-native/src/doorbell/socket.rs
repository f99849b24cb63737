//! One process's socket in the folder of the sockets of a directory's notebooks.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::private;

/// The folder of the sockets, beside the notebooks.
const FOLDER: &str = ".bells";
/// A commit was made.
const RING: u8 = b'r';
/// A process came.
const HELLO: u8 = b'h';
/// The longest address that every system takes.
const ADDRESS: usize = 100;

/// The socket of one open notebook, and those of the others who have it open.
#[derive(Debug)]
pub(super) struct Socket {
    datagrams: UnixDatagram,
    folder: Folder,
    /// The names of sockets of the same notebook begin with it.
    prefix: String,
    name: String,
    others: Vec<PathBuf>,
}

impl Socket {
    /// Binds a socket for a notebook's file, and says hello to the others.
    pub(super) fn bind(notebook: &Path) -> io::Result<Self> {
        let (place, prefix) = place(notebook);
        let name = format!("{prefix}{}", &crate::store::random_id()[..8]);
        let (datagrams, folder) = bind(&place, &name)?;
        let mut socket = Self { datagrams, folder, prefix, name, others: Vec::new() };
        socket.datagrams.set_nonblocking(true)?;
        socket.find();
        socket.sweep();
        socket.send(HELLO);
        Ok(socket)
    }

    /// Returns what becomes readable when somebody rings.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.datagrams.as_fd()
    }

    /// Takes in every ring. Answers whether there was one.
    pub(super) fn hear(&mut self) -> bool {
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

    /// Rings at the others.
    pub(super) fn ring(&mut self) {
        self.send(RING);
    }

    /// Finds the sockets of the others.
    fn find(&mut self) {
        let is_other = |name: &str| name.starts_with(&self.prefix) && name != self.name;
        let names = self.folder.names().filter(|name| is_other(name));
        self.others = names.map(|name| self.folder.address(&name)).collect();
    }

    /// Removes sockets that processes left behind when they were killed, of whatever notebook.
    fn sweep(&self) {
        let Ok(probe) = UnixDatagram::unbound() else { return };
        for name in self.folder.names().take(256) {
            let path = self.folder.address(&name);
            let refused = probe.connect(&path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
            if refused {
                remove(&path);
            }
        }
    }

    fn send(&mut self, byte: u8) {
        let socket = &self.datagrams;
        self.others.retain(|other| match socket.send_to(&[byte], other) {
            Ok(_) => true,
            Err(error) => match error.kind() {
                // It has not read the last ones yet, so it will look anyway.
                io::ErrorKind::WouldBlock => true,
                io::ErrorKind::ConnectionRefused => {
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
        remove(&self.folder.address(&self.name));
        // It stays while there are sockets in it, which is what its removal asks.
        let _ = fs::remove_dir(&self.folder.path);
    }
}

/// Tells whether somebody listens at a notebook's file.
pub(super) fn is_heard(notebook: &Path) -> bool {
    let (path, prefix) = place(notebook);
    let (Ok(folder), Ok(probe)) = (Folder::open(&path, prefix.len() + 8), UnixDatagram::unbound()) else {
        return false;
    };
    folder.names().any(|name| name.starts_with(&prefix) && probe.connect(folder.address(&name)).is_ok())
}

/// Returns the folder of a notebook's sockets, and what their names begin with.
fn place(notebook: &Path) -> (PathBuf, String) {
    let real = real_path(notebook);
    let file = real.file_name().unwrap_or_default();
    (real.with_file_name(FOLDER), format!("{}-", &blake3::hash(file.as_bytes()).to_hex()[..16]))
}

/// Binds a socket in a folder, which is made for it, and which the last of its users may just be removing.
fn bind(path: &Path, name: &str) -> io::Result<(UnixDatagram, Folder)> {
    let mut tries = 0;
    loop {
        let folder = Folder::make(path, name.len())?;
        match UnixDatagram::bind(folder.address(name)) {
            Ok(socket) => return Ok((socket, folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The folder of the sockets.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Where its path is too long for an address: the folder, held open, so that its number stands for its path.
    #[cfg(target_os = "linux")]
    held: Option<std::os::fd::OwnedFd>,
}

impl Folder {
    fn make(path: &Path, name: usize) -> io::Result<Self> {
        private::folder(path)?;
        Self::open(path, name)
    }

    fn open(path: &Path, name: usize) -> io::Result<Self> {
        let fits = path.as_os_str().len() + 1 + name <= ADDRESS;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{Mode, OFlags, open};
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let held = if fits { None } else { Some(open(path, flags, Mode::empty())?) };
            Ok(Self { path: path.to_owned(), held })
        }
        #[cfg(not(target_os = "linux"))]
        if fits { Ok(Self { path: path.to_owned() }) } else { Err(io::ErrorKind::InvalidFilename.into()) }
    }

    fn address(&self, name: &str) -> PathBuf {
        #[cfg(target_os = "linux")]
        if let Some(held) = &self.held {
            use std::os::fd::AsRawFd;
            return PathBuf::from(format!("/proc/self/fd/{}/{name}", held.as_raw_fd()));
        }
        self.path.join(name)
    }

    fn names(&self) -> impl Iterator<Item = String> + use<> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    }
}

/// Finds the one name of a file that may be reached by several names, and need not exist yet.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
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
