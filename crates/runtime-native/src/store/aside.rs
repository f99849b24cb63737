//! Keeping a damaged file aside: under a name that nobody had, together with the log beside it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// How many damaged files of one notebook are kept at most.
const MOST: u32 = 1000;

/// Moves a notebook's file to `….corrupt`, or `….corrupt-2` and so on where that name is taken, and answers the name.
///
/// The log beside it goes along under the name that belongs to it, so that whoever opens the kept file finds all of it.
pub(super) fn keep(path: &Path) -> io::Result<PathBuf> {
    let kept = move_to_free_name(path)?;
    for suffix in ["-wal", "-shm"] {
        match rename_new(&beside(path, suffix), &beside(&kept, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "the log beside a damaged file was not kept with it");
            }
            _ => {}
        }
    }
    Ok(kept)
}

/// Finds the damaged file of a notebook that was kept last.
pub(super) fn newest(path: &Path) -> Option<PathBuf> {
    (1..=MOST).map(|number| name(path, number)).take_while(|kept| kept.exists()).last()
}

/// Returns a file's name with a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn name(path: &Path, number: u32) -> PathBuf {
    if number == 1 { beside(path, ".corrupt") } else { beside(path, &format!(".corrupt-{number}")) }
}

fn move_to_free_name(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=MOST {
        let kept = name(path, number);
        match rename_new(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| kept),
        }
    }
    Err(io::Error::other(format!("there are {MOST} damaged files of this session already")))
}

/// Renames a file, unless there is one of the new name.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system knows how.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            done => return Ok(done?),
        }
    }
    if to.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}
