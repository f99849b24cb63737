//! Artifacts as files, named by the BLAKE3 hash of their content: equal bytes are kept once.
//!
//! A file gets its name whole or not at all, and what is read is held against the name. Artifacts that nothing refers to
//! any more go with the next [`sweep`].

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use purlin_runtime_core::{ArtifactWriter, Artifacts};

mod find;
mod naming;
mod reference;
mod sweep;

pub use find::FindArtifactError;
pub use reference::references;
pub use sweep::{SweepError, SweepOptions, Swept, sweep};

use crate::private;
use reference::SCHEME;

/// How many bytes one artifact that is written piece by piece has at most, unless it is said otherwise: 1 GiB.
pub const MAX_ARTIFACT_BYTES: u64 = 1 << 30;

/// What unfinished files are named.
const UNFINISHED: &str = "unfinished-";
/// Who adds artifacts holds it together with others, who removes them holds it alone.
const LOCK: &str = ".lock";

/// Distinguishes the unfinished files of one process.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Keeps artifacts under a folder, which is made with the first of them.
#[derive(Clone, Debug)]
pub struct FileArtifacts {
    folder: PathBuf,
    limit: u64,
}

/// Why an artifact cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The reference is none of ours.
    #[error("`{0}` names no artifact of this machine: such a name is `artifact:` and 64 hexadecimal digits")]
    Reference(String),
    /// There is no such file.
    #[error(
        "the artifact `{reference}` is missing: there is no `{}`; it was deleted, or the session came here without it",
        path.display()
    )]
    Missing {
        /// The reference.
        reference: String,
        /// Where it would be.
        path: PathBuf,
    },
    /// The content is not what the name says.
    #[error("the artifact `{reference}` is damaged: what is in `{}` is not what was kept", path.display())]
    Damaged {
        /// The reference.
        reference: String,
        /// Where it is.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("the artifact `{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileArtifacts {
    /// Makes a place for artifacts; nothing is touched before the first is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), limit: MAX_ARTIFACT_BYTES }
    }

    /// Keeps so many bytes of one output at most; what comes after them is left out, and the output says so.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Finds the file of a reference, whether or not it exists; `None` if it is none of ours.
    pub fn path_of(&self, reference: &str) -> Option<PathBuf> {
        reference::hash(reference).map(|hash| self.place(hash))
    }

    /// Reads the artifact of a reference, and holds it against its name.
    pub fn get(&self, reference: &str) -> Result<Vec<u8>, ArtifactError> {
        let refused = || ArtifactError::Reference(reference.to_owned());
        let hash = reference::hash(reference).ok_or_else(refused)?;
        let (path, reference) = (self.place(hash), reference.to_owned());
        match fs::read(&path) {
            Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == hash => Ok(bytes),
            Ok(_) => Err(ArtifactError::Damaged { reference, path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ArtifactError::Missing { reference, path })
            }
            Err(source) => Err(ArtifactError::Unreadable { path, source }),
        }
    }

    fn place(&self, hash: &str) -> PathBuf {
        self.folder.join(&hash[..2]).join(hash)
    }

    fn begin(&self) -> Result<FileWriter, String> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
        let file = private::folder(&self.folder).and_then(|()| create(&path));
        match file {
            Ok(file) => Ok(FileWriter {
                place: self.clone(),
                path,
                file,
                hasher: blake3::Hasher::new(),
                finished: false,
            }),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    /// Keeps sweeps away for as long as the answer lives. They are rare, so nobody waits long.
    fn shared(&self) -> Option<File> {
        let lock = lock_file(&self.folder).and_then(|file| file.lock_shared().map(|()| file));
        lock.inspect_err(|error| tracing::warn!(%error, "artifacts cannot be locked")).ok()
    }

    /// Tells whether bytes are kept already; if so they count as new for the next sweep.
    fn renews(&self, hash: &str, bytes: &[u8]) -> bool {
        let place = self.place(hash);
        // A file that holds something else was damaged; the right bytes are at hand, and it is written again.
        if holds(&place, bytes).unwrap_or(false) {
            let _lock = self.shared();
            return touch(&place).is_ok();
        }
        false
    }
}

impl Artifacts for FileArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<String, String> {
        let hash = blake3::hash(bytes).to_hex();
        if self.renews(&hash, bytes) {
            return Ok(format!("{SCHEME}{hash}"));
        }
        let mut writer = Box::new(self.begin()?);
        writer.write(bytes)?;
        writer.finish()
    }

    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String> {
        Ok(Box::new(self.begin()?))
    }

    fn limit(&self) -> u64 {
        self.limit
    }
}

struct FileWriter {
    place: FileArtifacts,
    path: PathBuf,
    /// Whoever holds it open holds its lock.
    file: File,
    hasher: blake3::Hasher,
    finished: bool,
}

impl ArtifactWriter for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(|error| cannot_write(&self.path, &error))
    }

    fn finish(mut self: Box<Self>) -> Result<String, String> {
        let hash = self.hasher.finalize().to_hex();
        let place = self.place.place(&hash);
        let _lock = self.place.shared();
        let named = naming::steps(&self.place.folder, &self.path, &place)
            .into_iter()
            .try_for_each(naming::Step::take);
        named.map_err(|error| cannot_write(&place, &error))?;
        self.finished = true;
        Ok(format!("{SCHEME}{hash}"))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is found by the next sweep.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let file = private::options().create_new(true).open(path)?;
    // However long nothing more is written, a sweep finds that somebody has it.
    if let Err(error) = file.lock_shared() {
        tracing::warn!(%error, path = %path.display(), "an unfinished artifact cannot be locked");
    }
    Ok(file)
}

/// Tells whether somebody writes an unfinished file. One that cannot be looked at counts as written.
fn is_written(path: &Path) -> bool {
    File::open(path).map_or(true, |file| file.try_lock().is_err())
}

/// Tells whether a file holds these bytes and no others.
fn holds(path: &Path, mut bytes: &[u8]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut piece = vec![0; bytes.len().min(64 * 1024)];
    while !bytes.is_empty() {
        let count = piece.len().min(bytes.len());
        file.read_exact(&mut piece[..count])?;
        if piece[..count] != bytes[..count] {
            return Ok(false);
        }
        bytes = &bytes[count..];
    }
    Ok(true)
}

fn lock_file(folder: &Path) -> io::Result<File> {
    private::options().create(true).truncate(false).open(folder.join(LOCK))
}

/// Dates a file to now.
fn touch(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
    let date = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let times = Timestamps { last_access: date(UTIME_OMIT), last_modification: date(UTIME_NOW) };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("`{}` cannot be written ({error}).", path.display())
}
