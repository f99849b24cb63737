//! The owner's lock of a runtime session: whoever holds it is alive, and the system lets go when the process dies.
//!
//! On a local store nobody writes renewals. A process that owns a runtime session holds a lock on a file named after
//! it; whether the session is alive is whether the lock is held, which needs no clock and survives `kill -9`.

use std::any::Any;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use futures_util::future::LocalBoxFuture;
use purlin_notebook::RuntimeSessionId;
use purlin_runtime_core::Liveness;

use crate::{Paths, private};

mod wait;

/// The lock of a runtime session that this process owns. It is let go when dropped.
#[derive(Debug)]
pub struct LaneLock {
    path: PathBuf,
    _file: File,
}

/// Why a lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The session belongs to a process that is alive.
    #[error("the runtime session `{0}` is owned by another process")]
    Held(RuntimeSessionId),
    /// The session's id cannot be part of a file's name.
    #[error("`{0}` cannot be a runtime session's id: letters, digits, `_` and `-` can")]
    Id(RuntimeSessionId),
    /// The file of the lock cannot be made.
    #[error("`{}` cannot be locked: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LaneLock {
    /// Takes the lock of a runtime session that this process begins.
    pub fn acquire(paths: &Paths, session: &RuntimeSessionId) -> Result<Self, LockError> {
        let path = place(paths, session).ok_or_else(|| LockError::Id(session.clone()))?;
        let failed = |source| LockError::Io { path: path.clone(), source };
        private::folder(&paths.locks()).map_err(failed)?;
        let mut tries = 0;
        loop {
            let file = private::options().create(true).truncate(false).open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                // Somebody who looks whether the session is alive holds the lock for a moment.
                Err(TryLockError::WouldBlock) if tries < 20 => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_micros(200));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(session.clone())),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Whoever had the lock before may have removed the file between the opening and the locking.
            if is_same(&file, &path) {
                sign(&file);
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for LaneLock {
    fn drop(&mut self) {
        // A file that stays is an unlocked one, which says the same.
        let _ = fs::remove_file(&self.path);
    }
}

/// The process that owns a runtime session, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// The directory it was started in.
    pub cwd: PathBuf,
}

/// Finds the process that owns a runtime session, for people who want to know who it is; nothing depends on it.
pub fn owner(paths: &Paths, session: &RuntimeSessionId) -> Option<Owner> {
    let signature = fs::read(place(paths, session)?).ok()?;
    let (pid, cwd) = signature.split_at_checked(signature.iter().position(|byte| *byte == b'\n')?)?;
    let pid = std::str::from_utf8(pid).ok()?.parse().ok()?;
    Some(Owner { pid, cwd: PathBuf::from(OsStr::from_bytes(&cwd[1..])) })
}

/// Writes into the file of a lock whose it is.
fn sign(mut file: &File) {
    let cwd = std::env::current_dir().unwrap_or_default();
    let signature = [std::process::id().to_string().as_bytes(), b"\n", cwd.as_os_str().as_bytes()].concat();
    if let Err(error) = file.set_len(0).and_then(|()| file.write_all(&signature)) {
        // The lock holds without it; only its owner's name will be missing.
        tracing::debug!(%error, "a lock could not be signed");
    }
}

/// Tells whether the process that owns a runtime session is alive.
///
/// Only a lock that is not there, or that can be had, says that it is not: whoever has no file descriptors left, say,
/// knows nothing of the others, and must not end their sessions.
pub fn is_alive(paths: &Paths, session: &RuntimeSessionId) -> bool {
    let Some(path) = place(paths, session) else { return false };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
        Err(error) => {
            tracing::debug!(%error, path = %path.display(), "whether a runtime session is alive cannot be seen");
            return true;
        }
    };
    match file.try_lock_shared() {
        Ok(()) => {
            // Its owner was killed; nobody else will remove it.
            let _ = fs::remove_file(&path);
            false
        }
        Err(_) => true,
    }
}

/// Waits until the process that owns a runtime session lets go of it or dies. Nothing polls.
///
/// Must be called in a tokio runtime with its I/O driver.
pub async fn wait_released(paths: &Paths, session: &RuntimeSessionId) {
    let Some(path) = place(paths, session) else { return };
    while is_alive(paths, session) {
        wait::until_closed(&path).await;
    }
}

/// The liveness of the runtime sessions of one user's machine.
#[derive(Clone, Debug)]
pub struct Locks {
    paths: Paths,
}

impl Locks {
    /// Looks at the locks below a user's directories.
    pub fn new(paths: &Paths) -> Self {
        Self { paths: paths.clone() }
    }
}

impl Liveness for Locks {
    fn hold(&self, session: &RuntimeSessionId) -> Result<Box<dyn Any>, String> {
        let lock = LaneLock::acquire(&self.paths, session).map_err(|error| error.to_string())?;
        Ok(Box::new(lock))
    }

    fn is_alive(&self, session: &RuntimeSessionId) -> bool {
        is_alive(&self.paths, session)
    }

    fn gone(&self, session: &RuntimeSessionId) -> LocalBoxFuture<'static, ()> {
        let (paths, session) = (self.paths.clone(), session.clone());
        Box::pin(async move { wait_released(&paths, &session).await })
    }
}

fn place(paths: &Paths, session: &RuntimeSessionId) -> Option<PathBuf> {
    let id = session.as_str();
    let is_name = !id.is_empty()
        && id.len() <= 200
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b));
    (is_name && !id.starts_with('.')).then(|| paths.locks().join(format!("{id}.lock")))
}

fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_that_is_not_there_says_that_its_owner_is_dead() {
        let root = std::env::temp_dir().join(format!("purlin-alive-{}", std::process::id()));
        let (paths, session) = (Paths::below(&root), RuntimeSessionId::from("s"));
        assert!(!is_alive(&paths, &session));
        // A circle of links cannot be opened, as nothing can where no file descriptor is left.
        fs::create_dir_all(paths.locks()).unwrap();
        let path = place(&paths, &session).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(is_alive(&paths, &session));
        fs::remove_dir_all(root).unwrap();
    }
}
