//! Making what was committed survive the loss of power.
//!
//! A commit is in the log beside the file before it is acknowledged, so it survives the end of the process; it is on
//! the disk when that log was synced. The file's own pages are synced by whoever moves the log into it, before the log
//! is used again.

use std::fs::File;
use std::io;
use std::path::Path;

use super::aside::beside;

/// What has been made durable of one notebook.
pub(super) struct Disk {
    sync: fn(&Path) -> io::Result<()>,
    /// The names of file and log are on the disk.
    named: bool,
}

impl Disk {
    /// Nothing is known to be durable.
    pub(super) fn new() -> Self {
        Self { sync, named: false }
    }

    /// Syncs the log of a notebook, and once the directories that name it.
    pub(super) fn flush(&mut self, notebook: &Path) -> io::Result<()> {
        (self.sync)(&beside(notebook, "-wal"))?;
        if !self.named {
            for directory in notebook.ancestors().skip(1).take(2) {
                (self.sync)(directory)?;
            }
            self.named = true;
        }
        Ok(())
    }
}

fn sync(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        // Without a log everything is in the file, and synced.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local! {
        static SYNCED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    #[test]
    fn the_log_is_synced_each_time_and_its_directories_once() {
        let mut disk = Disk {
            sync: |path| {
                SYNCED.with_borrow_mut(|synced| synced.push(path.display().to_string()));
                Ok(())
            },
            named: false,
        };
        disk.flush(Path::new("/d/notebooks/n.db")).unwrap();
        disk.flush(Path::new("/d/notebooks/n.db")).unwrap();
        let log = "/d/notebooks/n.db-wal";
        assert_eq!(SYNCED.take(), [log, "/d/notebooks", "/d", log]);
    }

    #[test]
    fn what_cannot_be_synced_is_not_called_durable() {
        let mut disk = Disk {
            sync: |path| if path == Path::new("/d") { Err(io::Error::other("no")) } else { Ok(()) },
            named: false,
        };
        assert!(disk.flush(Path::new("/d/notebooks/n.db")).is_err());
        assert!(disk.flush(Path::new("/d/notebooks/n.db")).is_err(), "the names are tried again");
    }
}
