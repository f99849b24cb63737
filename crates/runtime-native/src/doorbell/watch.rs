//! The way without sockets: the date of the notebook's file, and a watch on its directory.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

#[cfg(target_os = "linux")]
use crate::private;

/// Watches the directory of a notebook for changes of its files' dates.
#[cfg(target_os = "linux")]
pub(super) fn dates(notebook: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let directory = notebook.parent().unwrap_or(Path::new("/"));
    private::folder(directory)?;
    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    add_watch(&watch, directory, WatchFlags::ATTRIB)?;
    Ok(watch)
}

/// Watches the directory of a notebook for changes of its files' dates.
#[cfg(not(target_os = "linux"))]
pub(super) fn dates(_notebook: &Path) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Changes the file's date, which those who watch hear of.
pub(super) fn touch(notebook: &Path) -> io::Result<()> {
    // Both dates: one alone counts as a reading or a writing, which is not watched. And by name: to open and close the
    // file would let go of every lock that this process has on it.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(utimensat(CWD, notebook, &times, AtFlags::empty())?)
}

/// Takes in every event.
pub(super) fn drain(watch: &OwnedFd) {
    let mut buffer = [0; 4096];
    while matches!(rustix::io::read(watch, &mut buffer), Ok(1..)) {}
}
