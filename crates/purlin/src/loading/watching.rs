//! Loading an extension anew when its files are written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use purlin_kernel::Kernel;
use purlin_kernel::host::FileEvent;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Shelf;
use super::shelf::Reloaded;

/// How long an extension's files must be quiet: editors and checkouts write more than once.
const QUIET: Duration = Duration::from_millis(300);

/// How long they may be written before they are loaded all the same.
const LONGEST: Duration = Duration::from_secs(3);

/// No more folders are watched; the system has few watches for everybody.
const MOST: usize = 64;

impl Shelf {
    /// Loads extensions anew whose files are written, until the answer is aborted; `say` hears what became of it.
    ///
    /// Nothing is watched where there are no extensions, or where the system cannot tell of changes.
    pub fn watch(&self, kernel: &Kernel, say: impl Fn(Reloaded) + 'static) -> Option<JoinHandle<()>> {
        let host = kernel.host();
        let paths: Vec<PathBuf> = self.list().into_iter().map(|kept| kept.path).collect();
        let folders = paths.iter().flat_map(|path| folders(path)).collect::<BTreeSet<_>>();
        let watched = folders.into_iter().take(MOST).filter_map(|folder| host.fs_watch(folder).ok());
        let mut events: SelectAll<_> = watched.collect();
        if events.is_empty() {
            return None;
        }
        let extensions = self.clone();
        Some(tokio::task::spawn_local(async move {
            while let Some(event) = events.next().await {
                let mut written = meant(&paths, &event);
                if written.is_empty() {
                    continue;
                }
                let end = Instant::now() + LONGEST;
                let mut quiet = Instant::now() + QUIET;
                while let Ok(Some(event)) = tokio::time::timeout_at(quiet.min(end), events.next()).await {
                    let more = meant(&paths, &event);
                    // What else is written in the folder holds nothing up.
                    if !more.is_empty() {
                        quiet = Instant::now() + QUIET;
                        written.extend(more);
                    }
                }
                for reloaded in written.into_iter().filter_map(|at| extensions.reload_path(&paths[at])) {
                    say(reloaded);
                }
            }
        }))
    }
}

/// The places of the extensions that something was written of.
fn meant(paths: &[PathBuf], event: &FileEvent) -> BTreeSet<usize> {
    let of = |path: &PathBuf| *path == event.path || (event.path.starts_with(path) && is_part(&event.path));
    (0..paths.len()).filter(|at| of(&paths[*at])).collect()
}

/// Whether a file in an extension's folder is part of what is loaded.
fn is_part(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let is_source = file.extension().is_some_and(|end| end == "lua" || end == "luau");
    let is_test = stem.ends_with("_test") || stem.ends_with("_spec");
    !name.starts_with('.') && (name == "purlin.toml" || (is_source && !is_test))
}

/// The folders in which an extension's files lie.
fn folders(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return path.parent().map(Path::to_owned).into_iter().collect();
    }
    let mut found = vec![path.to_owned()];
    let mut at = 0;
    while let Some(folder) = found.get(at).filter(|_| found.len() < MOST).cloned() {
        at += 1;
        // What cannot be listed cannot be watched either.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let inner = entries.map(|entry| entry.path()).filter(|entry| entry.is_dir() && !entry.is_symlink());
        let mut inner: Vec<PathBuf> = inner.filter(|entry| !is_hidden(entry)).collect();
        inner.sort();
        found.extend(inner);
    }
    found
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use purlin_kernel::host::FileChange;

    use super::*;

    #[test]
    fn what_is_written_means_one_extension() {
        let paths = ["/e/a.lua", "/e/b.lua", "/e/deep"].map(PathBuf::from);
        let written = |path: &str| {
            let event = FileEvent { path: path.into(), change: FileChange::Modified };
            meant(&paths, &event).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(written("/e/a.lua"), [0]);
        assert_eq!(written("/e/c.lua"), [0; 0]);
        assert_eq!(written("/e/deep/inner/part.lua"), [2]);
        assert_eq!(written("/e/deep/purlin.toml"), [2]);
        for other in ["/e/deep/notes.txt", "/e/deep/x_test.lua", "/e/deep/.x.lua", "/e/deeper/x.lua"] {
            assert_eq!(written(other), [0; 0], "{other}");
        }
    }
}
