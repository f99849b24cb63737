//! The log beside the file (`-wal`): how long it is, and moving it into the file.
//!
//! Moving waits for the disk. So the store thread does it when it has nothing else to do, through a connection of its
//! own, while others go on committing; only where nobody ever pauses does a commit do it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};

/// After so many pages, 16 MiB, the log is moved as soon as there is a pause. A page that was written often in between
/// is moved once.
const LONG: i32 = 8_000;
/// After so many, 64 MiB, it is moved by whoever commits. Where a process was killed, the next one reads them all.
pub(super) const LONGEST: i32 = 4 * LONG;
/// Where somebody reads an old state, the log cannot be begun anew; moving it is tried again after so many more.
const STEP: i32 = 2_000;

/// How long the log beside a file is, in pages, and up to which it was moved.
#[derive(Debug, Default)]
pub(super) struct LogLength {
    pages: AtomicI32,
    moved: AtomicI32,
}

impl LogLength {
    /// Tells whether it is time to move the log.
    pub(super) fn is_long(&self) -> bool {
        self.unmoved() >= LONG
    }

    /// Notes that the log was moved up to its present end, or that this failed and is not tried again at once.
    pub(super) fn is_moved(&self) {
        self.moved.store(self.pages.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn unmoved(&self) -> i32 {
        self.pages.load(Ordering::Relaxed) - self.moved.load(Ordering::Relaxed)
    }

    /// Notes the length after a commit; answers whether whoever commits is to move the log.
    fn grew_to(&self, pages: i32) -> bool {
        if pages < self.pages.swap(pages, Ordering::Relaxed) {
            // It was begun anew.
            self.moved.store(0, Ordering::Relaxed);
        }
        pages >= LONGEST && self.unmoved() >= STEP
    }
}

/// Keeps the length of a connection's log up to date, in place of SQLite's own rule, which moves it in a commit.
pub(super) fn measure(connection: &mut Connection, length: &Arc<LogLength>) -> Result<(), rusqlite::Error> {
    let length = Arc::clone(length);
    connection.wal_hook(Some(move |log: &mut Wal, pages| {
        if length.grew_to(pages) {
            if let Err(error) = log.checkpoint() {
                tracing::debug!(%error, "the log was not moved into the notebook's file");
            }
            length.is_moved();
        }
        Ok(())
    }))
}

/// Moves the log into the file, as far as nobody needs it, while others write.
pub(super) fn tidy(path: &Path) {
    let moved = (|| {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0))
    })();
    if let Err(error) = moved {
        tracing::debug!(%error, path = %path.display(), "the log was not moved into the notebook's file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_moved_in_a_pause_and_at_the_latest_when_it_is_very_long() {
        let length = LogLength::default();
        assert!(!length.grew_to(LONG - 1) && !length.is_long());
        assert!(!length.grew_to(LONG) && length.is_long());
        length.is_moved();
        assert!(!length.is_long(), "what was moved is not moved again");
        assert!(!length.grew_to(LONG + 10) && !length.is_long());
        assert!(!length.grew_to(2 * LONG) && length.is_long());
        assert!(length.grew_to(LONGEST));
        length.is_moved();
        assert!(
            !length.grew_to(LONGEST + 1),
            "while somebody reads an old state it is not tried with every commit"
        );
        assert!(!length.grew_to(20) && !length.is_long(), "begun anew");
        assert!(!length.grew_to(LONG + 20 - 21) && length.grew_to(LONGEST));
    }

    #[test]
    fn a_long_log_is_moved_beside_the_writer() {
        let folder = std::env::temp_dir().join(format!("purlin-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("n.db");
        let mut writer = super::super::file::writer(&path, true).unwrap();
        let length = Arc::new(LogLength::default());
        measure(&mut writer, &length).unwrap();
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let mut insert = writer.prepare("INSERT INTO t VALUES (zeroblob(4000000))").unwrap();
        let before = std::fs::metadata(&path).unwrap().len();
        while !length.is_long() {
            insert.execute([]).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), before, "no commit moved anything");
        tidy(&path);
        assert!(std::fs::metadata(&path).unwrap().len() > 16_000_000);
        insert.execute([]).unwrap();
        assert!(!length.is_long(), "the log was begun anew");
        drop(insert);
        drop(writer);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
