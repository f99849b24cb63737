//! How a finished file gets its name: whole or not at all, also if the machine loses power in between.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::touch;
use crate::private;

/// One step, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Makes the folder that the name stands in.
    Folder(&'a Path),
    /// Brings a file's content, or a folder's names, to the disk.
    Sync(&'a Path),
    /// Dates the file to now: the commit that refers to it is still to come, however long ago its last byte was written.
    Touch(&'a Path),
    /// Gives the file its name.
    Rename(&'a Path, &'a Path),
}

/// The steps from an unfinished file in `base` to `place` in a folder below it.
///
/// A name that is on the disk before what it names would be a reference to nothing.
pub(super) fn steps<'a>(base: &'a Path, unfinished: &'a Path, place: &'a Path) -> Vec<Step<'a>> {
    let folder = place.parent().unwrap_or(base);
    vec![
        Step::Folder(folder),
        Step::Sync(base),
        Step::Touch(unfinished),
        Step::Sync(unfinished),
        Step::Rename(unfinished, place),
        Step::Sync(folder),
    ]
}

impl Step<'_> {
    pub(super) fn take(self) -> io::Result<()> {
        match self {
            Self::Folder(path) => private::folder(path),
            Self::Sync(path) => match File::open(path)?.sync_all() {
                // Not every file system can bring a folder to the disk by itself.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput && path.is_dir() => Ok(()),
                done => done,
            },
            Self::Touch(path) => touch(path),
            Self::Rename(from, to) => fs::rename(from, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The power goes after any number of steps; what was not brought to the disk may be there or not.
    #[test]
    fn row_094_a_name_that_outlives_a_loss_of_power_names_the_whole_content() {
        let (base, unfinished) = (Path::new("/a"), Path::new("/a/unfinished-1-0"));
        let place = Path::new("/a/ab/abcd");
        let steps = steps(base, unfinished, place);
        for taken in 0..=steps.len() {
            let done = &steps[..taken];
            let at = |step: Step<'_>| done.iter().position(|it| *it == step);
            // The name may have reached the disk by itself as soon as the file was renamed.
            if let Some(renamed) = at(Step::Rename(unfinished, place)) {
                let earlier = |step| at(step).is_some_and(|at| at < renamed);
                assert!(earlier(Step::Sync(unfinished)), "its content is on the disk");
                assert!(
                    earlier(Step::Folder(Path::new("/a/ab"))) && earlier(Step::Sync(base)),
                    "and its folder"
                );
            }
        }
        // Whoever is told that it is done may rely on the name.
        assert_eq!(steps.last(), Some(&Step::Sync(Path::new("/a/ab"))));
    }
}
