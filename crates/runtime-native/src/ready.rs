//! Descriptors that the event loop waits for.

use std::io;

use rustix::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Hands a descriptor to the event loop of the current runtime.
#[expect(unsafe_code, reason = "the event loop cannot see that the descriptor stays open")]
pub(crate) fn ready(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and the same descriptor until it is dropped, and the answer owns it until then.
    let registered = unsafe { AsyncFd::register(fd) };
    Ok(registered?)
}

/// Waits until nobody can read any more what is written into a pipe or socket; never completes for what has no reader
/// that could leave, such as a file.
pub async fn unread(written: OwnedFd) {
    let Ok(watched) = ready(written) else { return std::future::pending().await };
    loop {
        match watched.ready(Interest::ERROR).await {
            Ok(mut found) if !found.ready().is_error() => found.clear_ready(),
            Ok(_) => return,
            Err(_) => std::future::pending().await,
        }
    }
}
