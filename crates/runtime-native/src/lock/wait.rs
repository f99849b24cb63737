//! Waiting for a lock without a thread that sits on it and without a timer.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How long a lock that cannot be looked at is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// Waits until the file was closed by somebody who had it open for writing, as a lock's owner has, or is gone.
pub(super) async fn until_closed(path: &Path) {
    #[cfg(target_os = "linux")]
    if watched(path).await.is_ok() {
        return;
    }
    block(path).await;
}

/// The system tells of the closing a moment before it lets go of the lock; so after it the lock itself is waited for.
#[cfg(target_os = "linux")]
async fn watched(path: &Path) -> std::io::Result<()> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use tokio::net::unix::pipe::Receiver;

    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    match add_watch(&watch, path, WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF | WatchFlags::ATTRIB) {
        Ok(_) => {}
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    // The owner may have gone between the last look and the watch.
    if File::open(path).is_ok_and(|file| file.try_lock_shared().is_err()) {
        // Not a pipe, but waited for like one: it becomes readable, and does not block.
        Receiver::from_file_unchecked(File::from(watch))?.readable().await?;
    }
    block(path).await;
    Ok(())
}

async fn block(path: &Path) {
    let path = path.to_owned();
    let waited = tokio::task::spawn_blocking(move || {
        let locked = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            opened => opened.and_then(|file| file.lock_shared()),
        };
        if let Err(error) = locked {
            // It counts as held, so whoever waits looks again; not at once, or a full table of files takes a core.
            std::thread::sleep(PAUSE);
            tracing::warn!(%error, path = %path.display(), "a lock cannot be waited for");
        }
    });
    if waited.await.is_err() {
        tracing::warn!("the wait for a lock was given up");
    }
}
