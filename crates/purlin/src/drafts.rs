//! What is typed but not sent, kept beside the notebooks so that a killed process loses none of it.
//!
//! One file per session and process, replaced atomically. A process owns its file through an OS lock until it ends; a
//! second process on the same session takes the next file, so that neither reads nor overwrites the other's. What a
//! killed process left is taken over by the next one that comes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use purlin_runtime_native::private;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// One unsent prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The session it would be sent to. Its notebook may not exist yet.
    pub session: String,
    /// The directory it was typed in.
    pub cwd: PathBuf,
    /// The text.
    pub text: String,
    /// The cursor, in code points.
    pub cursor: usize,
    /// When it was saved, in Unix milliseconds.
    pub saved_at: i64,
}

/// The folder of drafts.
#[derive(Clone, Debug)]
pub struct Drafts {
    folder: PathBuf,
}

/// The right to one session's draft; it ends with the process.
#[derive(Debug)]
pub struct Ownership {
    path: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Drafts {
    /// The drafts in this folder, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Whether a session has a draft.
    pub fn exists(&self, session: &str) -> bool {
        names(session).any(|name| self.folder.join(format!("{name}.json")).exists())
    }

    /// Takes a draft of a session that no live process has: one with a text if there is any, else an empty one. `None`
    /// if more processes than anybody starts have one each.
    pub fn own(&self, session: &str) -> io::Result<Option<Ownership>> {
        // What somebody types is nobody else's, sent or not.
        private::folder(&self.folder)?;
        self.folder.parent().into_iter().for_each(private::close);
        let mut free = None;
        for name in names(session) {
            let Some(own) = self.lock(&name)? else { continue };
            if own.path.exists() {
                return Ok(Some(own));
            }
            free.get_or_insert(own);
        }
        Ok(free)
    }

    fn lock(&self, name: &str) -> io::Result<Option<Ownership>> {
        let lock = self.folder.join(format!("{name}.lock"));
        let held = private::options().create(true).truncate(false).open(&lock)?;
        match flock(&held, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let path = self.folder.join(format!("{name}.json"));
                Ok(Some(Ownership { path, lock, _held: held }))
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The newest draft that was typed in this directory.
    pub fn latest_for(&self, cwd: &Path) -> Option<Draft> {
        let entries = fs::read_dir(&self.folder).ok()?;
        let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let drafts = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
        drafts
            .filter_map(|path| read(&path))
            .filter(|draft| draft.cwd == cwd)
            .max_by_key(|draft| draft.saved_at)
    }
}

/// The names of a session's files. An id holds no `~`.
fn names(session: &str) -> impl Iterator<Item = String> {
    let others = (1..8).map(move |n| format!("{session}~{n}"));
    std::iter::once(session.to_owned()).chain(others)
}

impl Ownership {
    /// The draft as it was last saved.
    pub fn read(&self) -> Option<Draft> {
        read(&self.path)
    }

    /// Replaces the draft; an empty text removes it.
    pub fn save(&self, draft: &Draft) -> io::Result<()> {
        if draft.text.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let next = self.path.with_extension("new");
        let mut file = private::options().create(true).truncate(true).open(&next)?;
        file.write_all(serde_json::to_string(draft)?.as_bytes())?;
        fs::rename(&next, &self.path)
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // Without a draft nothing is worth a lock file; a leftover does no harm either.
        if !self.path.exists() {
            drop(fs::remove_file(&self.lock));
        }
    }
}

/// A draft that cannot be read is as good as none: it is a convenience, the session itself is in the store.
fn read(path: &Path) -> Option<Draft> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafts(name: &str) -> Drafts {
        let folder = std::env::temp_dir().join(format!("purlin-drafts-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        Drafts::new(folder)
    }

    fn draft(session: &str, cwd: &str, text: &str, saved_at: i64) -> Draft {
        Draft { session: session.into(), cwd: cwd.into(), text: text.into(), cursor: 1, saved_at }
    }

    #[test]
    fn a_draft_is_saved_replaced_and_removed_when_empty() {
        let drafts = drafts("saved");
        let own = drafts.own("s").unwrap().expect("free");
        assert_eq!(own.read(), None);
        own.save(&draft("s", "/w", "one", 1)).unwrap();
        own.save(&draft("s", "/w", "two", 2)).unwrap();
        assert_eq!(own.read(), Some(draft("s", "/w", "two", 2)));
        own.save(&draft("s", "/w", "", 3)).unwrap();
        assert_eq!(own.read(), None);
        own.save(&draft("s", "/w", "", 4)).unwrap();
        drop(own);
        assert_eq!(fs::read_dir(&drafts.folder).unwrap().count(), 0);
        fs::remove_dir_all(&drafts.folder).unwrap();
    }

    #[test]
    fn nobody_else_may_read_a_draft() {
        use std::os::unix::fs::PermissionsExt;
        let drafts = drafts("mode");
        let own = drafts.own("s").unwrap().expect("free");
        own.save(&draft("s", "/w", "a secret", 1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&drafts.folder), mode(&own.path)), (0o700, 0o600));
        fs::remove_dir_all(&drafts.folder).unwrap();
    }

    #[test]
    fn the_newest_draft_of_a_directory_is_found() {
        let drafts = drafts("newest");
        for (session, cwd, at) in [("a", "/w", 1), ("b", "/w", 3), ("c", "/w", 2), ("d", "/elsewhere", 9)] {
            drafts.own(session).unwrap().expect("free").save(&draft(session, cwd, session, at)).unwrap();
        }
        assert_eq!(drafts.latest_for(Path::new("/w")).map(|draft| draft.session), Some("b".to_owned()));
        assert_eq!(drafts.latest_for(Path::new("/none")), None);
        fs::remove_dir_all(&drafts.folder).unwrap();
    }

    #[test]
    fn each_process_has_its_own_and_what_is_left_is_taken_over() {
        let drafts = drafts("owner");
        let first = drafts.own("s").unwrap().expect("free");
        // A second descriptor of the same process contends as another process does.
        let second = drafts.own("s").unwrap().expect("another file");
        first.save(&draft("s", "/w", "first", 1)).unwrap();
        second.save(&draft("s", "/w", "second", 2)).unwrap();
        drop(second);
        let third = drafts.own("s").unwrap().expect("the second's");
        assert_eq!(third.read().map(|draft| draft.text), Some("second".to_owned()));
        assert_eq!(drafts.own("s").unwrap().expect("free").read(), None);
        fs::remove_dir_all(&drafts.folder).unwrap();
    }
}
