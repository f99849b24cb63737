//! Artifacts as files, named by the BLAKE3 hash of their content: equal bytes are kept once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use purlin_runtime_core::{ArtifactWriter, Artifacts};

/// What references to these artifacts begin with.
const SCHEME: &str = "artifact:";

/// Distinguishes the unfinished files of one process.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// Keeps artifacts under a folder, which is made with the first of them.
#[derive(Clone, Debug)]
pub struct FileArtifacts {
    folder: PathBuf,
}

impl FileArtifacts {
    /// Makes a place for artifacts; nothing is touched before the first is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Finds the file of a reference, whether or not it exists; `None` if it is none of ours.
    pub fn path_of(&self, reference: &str) -> Option<PathBuf> {
        let hash = reference.strip_prefix(SCHEME)?;
        let hex = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        hex.then(|| self.place(hash))
    }

    /// Reads the artifact of a reference.
    pub fn get(&self, reference: &str) -> io::Result<Vec<u8>> {
        let path = self.path_of(reference).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        fs::read(path)
    }

    fn place(&self, hash: &str) -> PathBuf {
        self.folder.join(&hash[..2]).join(hash)
    }

    fn begin(&self) -> Result<FileWriter, String> {
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("unfinished-{}-{number}", std::process::id()));
        let file = fs::create_dir_all(&self.folder).and_then(|()| create(&path));
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
}

impl Artifacts for FileArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<String, String> {
        let hash = blake3::hash(bytes).to_hex();
        if self.place(&hash).exists() {
            return Ok(format!("{SCHEME}{hash}"));
        }
        let mut writer = Box::new(self.begin()?);
        writer.write(bytes)?;
        writer.finish()
    }

    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String> {
        Ok(Box::new(self.begin()?))
    }
}

struct FileWriter {
    place: FileArtifacts,
    path: PathBuf,
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
        let folder = place.parent().unwrap_or(&self.place.folder);
        // The file gets its name whole or not at all, so a crash leaves no artifact with wrong content.
        let named = fs::create_dir_all(folder).and_then(|()| fs::rename(&self.path, &place));
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
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("`{}` cannot be written ({error}).", path.display())
}
