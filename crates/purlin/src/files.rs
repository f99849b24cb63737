//! Small files that are written whole: what was there before, or all of what is new, never a piece of it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Replaces a file's content, through links to the file they lead to.
///
/// A new file is its owner's alone, as are folders that have to be made; one that is there keeps its permissions.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mode = fs::metadata(&file).map_or(0o600, |found| found.permissions().mode() & 0o7777);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let next = file.with_file_name(format!(".{name}.{}.next", std::process::id()));
    let written = write(&next, mode, bytes).and_then(|()| fs::rename(&next, &file));
    if written.is_err() {
        // What could not be moved into place is of no use; that it stays is no further failure.
        let _ = fs::remove_file(&next);
    }
    written
}

fn write(next: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut out = OpenOptions::new().create(true).truncate(true).write(true).mode(mode).open(next)?;
    // The mask of the process may have taken away what the file had before.
    out.set_permissions(fs::Permissions::from_mode(mode))?;
    out.write_all(bytes)?;
    out.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_owners_and_one_that_was_there_keeps_what_it_had() {
        let folder = std::env::temp_dir().join(format!("purlin-files-{}", std::process::id()));
        let file = folder.join("deep").join("a.json");
        replace(&file, b"one").expect("it is written");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("its owner may");
        let link = folder.join("link.json");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        replace(&link, b"two").expect("it is written");
        assert_eq!(fs::read(&file).expect("it is there"), b"two");
        assert_eq!(mode(&file), 0o640);
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read_dir(folder.join("deep")).expect("a folder").count(), 1);
        assert!(replace(&file.join("below"), b"x").is_err());
        fs::remove_dir_all(&folder).expect("the folder can go");
    }
}
