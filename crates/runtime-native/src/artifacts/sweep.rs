//! Mark and sweep: what no session and no draft refers to is removed, after a time of grace.
//!
//! Between the writing of an artifact and the commit that refers to it nothing refers to it, so what was written or
//! renewed within the time of grace stays. Whoever writes holds a lock together with others, whoever sweeps holds it
//! alone, so that an artifact is never found kept by one and removed by the other. A session that cannot be read might
//! refer to anything; then nothing is removed at all.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::reference::{SCHEME, is_hash, references};
use super::{UNFINISHED, is_written, lock_file};
use crate::Paths;
use crate::store::{OpenError, care};

/// How a sweep is made.
#[derive(Clone, Copy, Debug)]
pub struct SweepOptions {
    /// Only tells what would be removed.
    pub dry_run: bool,
    /// For how long an artifact stays although nothing refers to it. Default one day.
    pub grace: Duration,
    /// What time it is.
    pub now: SystemTime,
}

impl Default for SweepOptions {
    fn default() -> Self {
        Self { dry_run: false, grace: Duration::from_secs(24 * 60 * 60), now: SystemTime::now() }
    }
}

/// What a sweep did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many artifacts something refers to.
    pub kept: u64,
    /// Their size in bytes.
    pub kept_bytes: u64,
    /// How many were removed.
    pub removed: u64,
    /// Their size in bytes.
    pub removed_bytes: u64,
    /// How many stay only because they are young.
    pub young: u64,
    /// How many files were removed that had been begun and never finished.
    pub unfinished: u64,
}

/// Why nothing was swept.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Something that may refer to artifacts cannot be read.
    #[error(
        "nothing was removed, because `{}` cannot be read and may refer to anything: {why}; repair it or move it away",
        path.display()
    )]
    Unreadable {
        /// The session's file or the draft.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder of the artifacts cannot be read or changed.
    #[error("`{}` cannot be swept: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Removes the artifacts that no session and no draft refers to.
///
/// # Errors
/// A session or a draft cannot be read, in which case nothing is removed; or the folder cannot be changed.
pub fn sweep(paths: &Paths, options: &SweepOptions) -> Result<Swept, SweepError> {
    let folder = paths.artifacts();
    let mut swept = Swept::default();
    let found = found(&folder).map_err(|source| SweepError::Io { path: folder.clone(), source })?;
    if found.is_empty() {
        return Ok(swept);
    }
    let marked = marked(paths)?;
    let mut doomed = Vec::new();
    for file in found {
        let is_young = file.is_young(options);
        match &file.reference {
            Some(reference) if marked.contains(reference) => {
                swept.kept += 1;
                swept.kept_bytes += file.bytes;
            }
            Some(_) if is_young => swept.young += 1,
            None if is_young || is_written(&file.path) => {}
            _ => doomed.push(file),
        }
    }
    if !doomed.is_empty() {
        remove(paths, options, doomed, &mut swept)?;
    }
    Ok(swept)
}

/// One file in the folder of the artifacts.
struct Found {
    path: PathBuf,
    /// `None` for one that was never finished.
    reference: Option<String>,
    bytes: u64,
    modified: SystemTime,
}

impl Found {
    fn of(entry: &fs::DirEntry) -> io::Result<Option<Self>> {
        let name = entry.file_name().to_string_lossy().into_owned();
        let reference = is_hash(&name).then(|| format!("{SCHEME}{name}"));
        // What is neither was put there by somebody else.
        if reference.is_none() && !name.starts_with(UNFINISHED) {
            return Ok(None);
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // It was finished, or given up, since the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (bytes, modified) = (metadata.len(), metadata.modified()?);
        Ok(metadata.is_file().then(|| Self { path: entry.path(), reference, bytes, modified }))
    }

    /// A date in the future is a young one.
    fn is_young(&self, options: &SweepOptions) -> bool {
        options.now.duration_since(self.modified).map_or(true, |age| age < options.grace)
    }
}

fn found(folder: &Path) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    for entry in entries(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            for inner in entries(&entry.path())? {
                all.extend(Found::of(&inner?)?);
            }
        } else {
            all.extend(Found::of(&entry)?);
        }
    }
    Ok(all)
}

/// Lists a folder; one that is not there is empty.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

/// Collects what sessions and drafts refer to.
fn marked(paths: &Paths) -> Result<BTreeSet<String>, SweepError> {
    let mut marked = BTreeSet::new();
    let (notebooks, drafts) = (paths.notebooks(), paths.drafts());
    for path in files(&notebooks)?.into_iter().filter(|path| is_session(path)) {
        match care::references(&path) {
            Ok(all) => marked.extend(all),
            // It was deleted since the folder was listed, or belongs to another program.
            Err(OpenError::NotFound { .. } | OpenError::NotANotebook { .. }) => {}
            Err(error) => return Err(SweepError::Unreadable { path, why: error.to_string() }),
        }
    }
    for path in files(&drafts)? {
        match fs::read(&path) {
            Ok(bytes) => marked.extend(references(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(SweepError::Unreadable { path, why: error.to_string() }),
        }
    }
    Ok(marked)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, SweepError> {
    let listed = entries(folder).and_then(|entries| {
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                files.push(entry.path());
            }
        }
        Ok(files)
    });
    listed.map_err(|source| SweepError::Io { path: folder.to_owned(), source })
}

/// Sessions, and damaged ones that were kept: what they refer to may be all that is left of a day's work.
fn is_session(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_beside = ["-wal", "-shm", "-journal"].iter().any(|suffix| name.ends_with(suffix));
    path.extension().is_some_and(|it| it == "db") || name.contains(".db.corrupt") && !is_beside
}

fn remove(
    paths: &Paths,
    options: &SweepOptions,
    mut doomed: Vec<Found>,
    swept: &mut Swept,
) -> Result<(), SweepError> {
    let folder = paths.artifacts();
    let failed = |source| SweepError::Io { path: folder.clone(), source };
    let lock = lock_file(&folder).map_err(failed)?;
    if !options.dry_run {
        lock.lock().map_err(failed)?;
        // A session may have been made from another, and that one deleted, while they were read one after the other;
        // whoever refers now is found by reading again.
        let marked = marked(paths)?;
        doomed.retain(|file| file.reference.as_ref().is_none_or(|it| !marked.contains(it)));
    }
    for file in doomed {
        let path = &file.path;
        if !options.dry_run {
            let renewed =
                fs::metadata(path).and_then(|now| now.modified()).map_or(true, |it| it != file.modified);
            if renewed {
                swept.young += u64::from(file.reference.is_some());
                continue;
            }
            fs::remove_file(path).map_err(|source| SweepError::Io { path: path.clone(), source })?;
        }
        if file.reference.is_some() {
            swept.removed += 1;
            swept.removed_bytes += file.bytes;
        } else {
            swept.unfinished += 1;
        }
    }
    Ok(())
}
