//! Descriptors that the event loop waits for.

use std::io;

use rustix::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// Hands a descriptor to the event loop of the current runtime.
#[expect(unsafe_code, reason = "the event loop cannot see that the descriptor stays open")]
pub(crate) fn ready(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and the same descriptor until it is dropped, and the answer owns it until then.
    let registered = unsafe { AsyncFd::register(fd) };
    Ok(registered?)
}
