//! Questions about files and folders.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use purlin_kernel::glob::Glob;
use purlin_kernel::host::{DirEntry, FileStat};

/// Lists a folder, sorted by name.
pub(super) fn list(path: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A link to a folder counts as a folder; a dangling one is a file.
        let is_dir = entry.path().is_dir();
        entries.push(DirEntry { name: entry.file_name().to_string_lossy().into_owned(), is_dir });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Describes a file; `None` if there is none, also where its folder is missing.
pub(super) fn stat(path: &Path) -> io::Result<Option<FileStat>> {
    match fs::metadata(path) {
        Ok(found) => {
            let modified = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let modified_ms = modified.map_or(0, |since| since.as_millis() as i64);
            Ok(Some(FileStat { is_dir: found.is_dir(), size: found.len(), modified_ms }))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Finds what a pattern matches below a folder, sorted, at most `most`.
///
/// Links to folders are matched but not entered, so that a circle of them ends. A folder that cannot be read is left
/// out, unless it is the first. Names that begin with a dot are found only if the pattern writes one.
pub(super) fn glob(root: &Path, pattern: &str, most: usize) -> io::Result<Vec<PathBuf>> {
    let glob = Glob::new(pattern).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut search = Search { root, glob, most, found: BTreeSet::new() };
    search.folder(String::new())?;
    Ok(search.found.into_iter().take(most).map(PathBuf::from).collect())
}

struct Search<'a> {
    root: &'a Path,
    glob: Glob,
    most: usize,
    found: BTreeSet<String>,
}

impl Search<'_> {
    /// Looks into the folders in the order of their names, so that what is cut off is the end of the list.
    fn folder(&mut self, first: String) -> io::Result<()> {
        let mut open = vec![first];
        while let Some(folder) = open.pop() {
            let entries = match fs::read_dir(self.root.join(&folder)) {
                Ok(entries) => entries,
                Err(error) if folder.is_empty() => return Err(error),
                Err(_unreadable) => continue,
            };
            let mut below = Vec::new();
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                if name.starts_with('.') && !self.glob.wants_hidden() {
                    continue;
                }
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) && self.glob.may_match_below(&path) {
                    below.push(path.clone());
                }
                if self.glob.matches(&path) {
                    self.found.insert(path);
                }
            }
            if self.found.len() >= self.most {
                return Ok(());
            }
            below.sort_by(|a, b| b.cmp(a));
            open.extend(below);
        }
        Ok(())
    }
}
