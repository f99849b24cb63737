//! What changes in a file or a folder, told by the system, without looking again and again.

use std::path::Path;

use futures_util::stream::LocalBoxStream;
use purlin_kernel::host::{FileEvent, HostError};

/// Watches a file, or what is directly in a folder, until the answer is dropped.
///
/// A file is watched through its folder, because editors replace a file rather than write into it.
#[cfg(target_os = "linux")]
pub(super) fn watch(path: &Path) -> Result<LocalBoxStream<'static, FileEvent>, HostError> {
    linux::watch(path)
}

/// Watches a file, or what is directly in a folder, until the answer is dropped.
#[cfg(not(target_os = "linux"))]
pub(super) fn watch(_path: &Path) -> Result<LocalBoxStream<'static, FileEvent>, HostError> {
    Err(HostError::Unsupported("fs.watch"))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::VecDeque;
    use std::ffi::OsString;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};

    use futures_util::stream::{self, LocalBoxStream, StreamExt as _};
    use purlin_kernel::host::{FileChange, FileEvent, HostError};
    use rustix::fd::OwnedFd;
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use tokio::io::unix::AsyncFd;

    struct Watching {
        events: AsyncFd<OwnedFd>,
        folder: PathBuf,
        /// The one file that is meant; all of the folder without it.
        file: Option<OsString>,
        ready: VecDeque<FileEvent>,
        /// The folder is gone, and with it the watch.
        ended: bool,
    }

    pub(super) fn watch(path: &Path) -> Result<LocalBoxStream<'static, FileEvent>, HostError> {
        let (folder, file) = if path.is_dir() {
            (path.to_owned(), None)
        } else {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            (folder.unwrap_or(Path::new(".")).to_owned(), path.file_name().map(OsString::from))
        };
        let refused = |error: io::Error| HostError::io("watch", path, error);
        let events = open(&folder).map_err(refused)?;
        let watching = Watching { events, folder, file, ready: VecDeque::new(), ended: false };
        Ok(stream::unfold(watching, Watching::next).boxed_local())
    }

    fn open(folder: &Path) -> io::Result<AsyncFd<OwnedFd>> {
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let wanted = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MODIFY
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        add_watch(&inotify, folder, wanted)?;
        crate::ready::ready(inotify)
    }

    impl Watching {
        async fn next(mut self) -> Option<(FileEvent, Self)> {
            loop {
                if let Some(event) = self.ready.pop_front() {
                    return Some((event, self));
                }
                if self.ended {
                    return None;
                }
                let mut ready = self.events.readable().await.ok()?;
                let read = ready.try_io(|events| read(events.get_ref()));
                match read {
                    Ok(Ok(events)) => {
                        for (flags, name) in events {
                            if flags.contains(ReadFlags::IGNORED) {
                                self.ended = true;
                            } else {
                                self.note(flags, name);
                            }
                        }
                    }
                    Ok(Err(_)) => return None,
                    Err(_not_yet) => {}
                }
            }
        }

        fn note(&mut self, flags: ReadFlags, name: Option<OsString>) {
            if self.file.is_some() && self.file != name {
                return;
            }
            let change = if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                FileChange::Created
            } else if flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::DELETE_SELF) {
                FileChange::Removed
            } else {
                FileChange::Modified
            };
            let path = name.map_or_else(|| self.folder.clone(), |name| self.folder.join(name));
            let event = FileEvent { path, change };
            // One writing is many events for the system, and one for those who watch.
            if self.ready.back() != Some(&event) {
                self.ready.push_back(event);
            }
        }
    }

    fn read(inotify: &OwnedFd) -> io::Result<Vec<(ReadFlags, Option<OsString>)>> {
        let mut buffer = [MaybeUninit::uninit(); 8 * 1024];
        let mut reader = Reader::new(inotify, &mut buffer);
        let mut events = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsString::from_vec(name.to_bytes().to_vec()));
                    events.push((event.events(), name));
                }
                Err(rustix::io::Errno::AGAIN) if !events.is_empty() => return Ok(events),
                Err(error) => return Err(error.into()),
            }
            if reader.is_buffer_empty() {
                return Ok(events);
            }
        }
    }
}
