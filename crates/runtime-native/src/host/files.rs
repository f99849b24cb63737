//! Questions about files and folders.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use purlin_kernel::glob::Glob;
use purlin_kernel::host::{DirEntry, FileStat, MOST_READ};

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

/// Reads a file of at most [`MOST_READ`] bytes; what is no regular file may never end, and is refused.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() && !found.is_dir() {
        return Err(io::Error::other("it is no regular file; `io.open` reads it in parts"));
    }
    let too_large = |bytes: u64| {
        let limit = MOST_READ >> 20;
        io::Error::other(format!(
            "it holds {bytes} bytes, and at most {limit} MiB are read at once; `io.open` reads it in parts"
        ))
    };
    if found.len() > MOST_READ {
        return Err(too_large(found.len()));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    // It may grow meanwhile, or say nothing of its size, as those of the system do.
    fs::File::open(path)?.take(MOST_READ + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_READ { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_or_too_large_is_refused_and_says_what_to_do() {
        let folder = std::env::temp_dir().join(format!("purlin-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (large, small) = (folder.join("large"), folder.join("small"));
        fs::File::create(&large).unwrap().set_len(MOST_READ + 1).unwrap();
        fs::write(&small, "text").unwrap();
        assert_eq!(read(&small).unwrap(), b"text");
        let told = read(&large).unwrap_err().to_string();
        assert_eq!(
            told,
            "it holds 33554433 bytes, and at most 32 MiB are read at once; `io.open` reads it in parts"
        );
        let told = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(told.contains("no regular file"), "{told}");
        assert!(read(Path::new("/proc/self/status")).is_ok_and(|text| !text.is_empty()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
