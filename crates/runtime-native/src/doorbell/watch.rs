//! The way without sockets: a watch on the directory of the notebooks.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Watches a directory for writes to its files.
#[cfg(target_os = "linux")]
pub(super) fn files(directory: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    add_watch(&watch, directory, WatchFlags::MODIFY | WatchFlags::CREATE)?;
    Ok(watch)
}

/// Watches a directory for writes to its files.
#[cfg(not(target_os = "linux"))]
pub(super) fn files(_directory: &Path) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Takes in every event.
pub(super) fn drain(watch: &OwnedFd) {
    let mut buffer = [0; 4096];
    while matches!(rustix::io::read(watch, &mut buffer), Ok(1..)) {}
}
