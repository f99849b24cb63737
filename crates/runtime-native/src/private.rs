//! What is kept for one person: folders that others cannot enter, files that others cannot read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// What a group and everybody else may do.
const OTHERS: u32 = 0o077;

/// Makes a folder, with those above it that are not there, for its owner only (0700). One that is there already, as from
/// a backup or by another program, is [closed](close).
///
/// # Errors
/// The folder cannot be made.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    close(path);
    Ok(())
}

/// Closes a folder to others, if it is ours. What a link leads to belongs to somebody else's order of things and keeps
/// its permissions; so does what cannot be closed.
pub fn close(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    let is_ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if is_ours && found.mode() & OTHERS != 0 {
        let closed = fs::Permissions::from_mode(found.mode() & 0o7700);
        if let Err(error) = fs::set_permissions(path, closed) {
            tracing::warn!(%error, path = %path.display(), "a folder cannot be closed to others");
        }
    }
}

/// How a file of one person is opened for writing: one that is made may be read by its owner only (0600).
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Makes an empty file for its owner only, unless there is one already.
///
/// # Errors
/// The file cannot be made.
pub fn file(path: &Path) -> io::Result<Option<File>> {
    match options().create_new(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_their_owners_only_and_what_a_link_leads_to_stays_as_it_is() {
        let root = std::env::temp_dir().join(format!("purlin-private-{}", std::process::id()));
        let (open, linked) = (root.join("open"), root.join("linked"));
        for folder in [&open, &linked] {
            fs::create_dir_all(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(&linked, root.join("link")).unwrap();
        for made in ["new/deep", "open", "link"] {
            folder(&root.join(made)).unwrap();
        }
        assert_eq!([mode(&root.join("new")), mode(&root.join("new/deep"))], [0o700; 2]);
        assert_eq!([mode(&open), mode(&linked)], [0o700, 0o755]);
        let made = root.join("open/file");
        assert!(file(&made).unwrap().is_some() && file(&made).unwrap().is_none());
        assert_eq!(mode(&made), 0o600);
        fs::remove_dir_all(root).unwrap();
    }
}
