//! The store thread: it owns the writing connection, commits what queued up, and hears the doorbell.

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use purlin_notebook::event::UnknownNames;
use purlin_notebook::{CommitId, Durability, StoreError, Tables};
use rusqlite::Connection;
use rustix::event::{PollFd, PollFlags, poll};

use super::aside::beside;
use super::disk::Disk;
use super::error::explain;
use super::file;
use super::queue::{Command, Next, Reply, Shared, refuse};
use super::tables::{answer, nothing};
use super::write::{Batch, Written, is_about_the_file, write};
use crate::doorbell::Doorbell;

/// How many batches one transaction takes at most, so that the first of them is not kept waiting.
const GROUP: usize = 512;
/// How long the thread looks for further commands after it carried some out.
const EAGER: Duration = Duration::from_micros(20);

/// The state of the store thread.
pub(super) struct Worker {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    waker: UnixStream,
    doorbell: Option<Doorbell>,
    /// The database's version when this thread looked last; another one means that another process wrote.
    seen: i64,
    disk: Disk,
    /// Device and number of the open file.
    place: Option<Place>,
    /// Those of the log beside it.
    log: Option<Place>,
    unknown: UnknownNames,
}

type Group = Vec<(Batch, Reply<CommitId>)>;

impl Worker {
    /// Makes the state of the thread.
    pub(super) fn new(shared: Arc<Shared>, connection: Option<Connection>, waker: UnixStream) -> Self {
        Self {
            shared,
            connection,
            waker,
            doorbell: None,
            seen: 0,
            disk: Disk::new(),
            place: None,
            log: None,
            unknown: UnknownNames::default(),
        }
    }

    /// Works until the store is closed and everything that was queued is done.
    pub(super) fn run(mut self) {
        // However the thread ends, nobody waits for it: watches end, and later commands are refused.
        let ending = Ending(Arc::clone(&self.shared));
        self.seen = self.version();
        if let Err(error) = self.check_place() {
            tracing::warn!(%error, "the notebook's file went away while it was opened");
        }
        if let Some(path) = &self.shared.path {
            self.doorbell = Doorbell::hang(path);
            // Between the opening of the file and here somebody may have written without knowing of this process.
            self.look();
        }
        // Whoever got an answer is likely to ask again at once, and others have queued up meanwhile: to look again for
        // a moment is cheaper for all than to sleep and be woken.
        let mut rested = Instant::now();
        loop {
            let eager = rested.elapsed() < EAGER;
            match self.shared.take(eager) {
                Next::Commands(commands) => {
                    let together = commands.len();
                    self.serve(commands);
                    if together > 1 {
                        // Several were answered at once: with a moment to ask again they make the next group together.
                        std::thread::yield_now();
                    }
                    rested = Instant::now();
                }
                Next::Sleep if eager => std::thread::yield_now(),
                Next::Sleep => self.sleep(),
                Next::End => break,
            }
        }
        let has_its_log = self.has_its_log();
        if let Some(connection) = self.connection.take().filter(|_| self.shared.path.is_some()) {
            // What would be moved from a log that is gone may be older than what is in the file.
            if has_its_log { file::close(connection) } else { file::abandon(connection) }
        }
        drop(ending);
    }

    fn sleep(&mut self) {
        let bell = self.doorbell.as_ref().map(Doorbell::fd);
        let fds: Vec<BorrowedFd<'_>> = std::iter::once(self.waker.as_fd()).chain(bell).collect();
        let mut polled: Vec<PollFd<'_>> =
            fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        // An interrupted wait is tried again by the loop; whatever woke it is looked at below.
        let _ = poll(&mut polled, None);
        let rang = polled.get(1).is_some_and(|fd| !fd.revents().is_empty());
        while matches!((&self.waker).read(&mut [0; 64]), Ok(1..)) {}
        if rang {
            if let Some(doorbell) = &mut self.doorbell {
                doorbell.hear();
            }
            self.look();
        }
    }

    fn serve(&mut self, commands: VecDeque<Command>) {
        let mut group = Group::new();
        for command in commands {
            match command {
                Command::Commit(batch, reply) => {
                    group.push((batch, reply));
                    if group.len() >= GROUP {
                        self.commit(std::mem::take(&mut group));
                    }
                }
                Command::Flush(level, reply) => {
                    self.commit(std::mem::take(&mut group));
                    let flushed = self.flush(level);
                    self.shared.done(1);
                    reply.send(flushed);
                }
                Command::Query(query, reply) => {
                    self.commit(std::mem::take(&mut group));
                    let rows =
                        self.connection.as_ref().map_or_else(|| Ok(nothing(&query)), |c| answer(c, &query));
                    self.shared.done(1);
                    reply.send(rows.map_err(|error| explain(&error, self.path())));
                }
            }
        }
        self.commit(group);
    }

    /// Commits a group in one transaction; if that fails, each batch in one of its own, so that each has its answer.
    fn commit(&mut self, group: Group) {
        if group.is_empty() {
            return;
        }
        let (mut batches, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let allowed = self.shared.refusal().map_or_else(|| self.check_place(), Err);
        let (touched, answers) = match allowed {
            Ok(()) => self.write(&mut batches),
            Err(error) => (Tables::NONE, vec![Err(error); replies.len()]),
        };
        self.shared.done(replies.len());
        for (reply, answer) in replies.into_iter().zip(answers) {
            if let Err(error) = &answer {
                tracing::warn!(%error, "a batch was not committed");
            }
            reply.send(answer);
        }
        if !touched.is_empty() {
            self.shared.bell.ring(touched);
            if self.doorbell.as_mut().is_some_and(Doorbell::ring) {
                self.look();
            }
        }
    }

    /// Fails if the file or its log was deleted or replaced while it was open: what is written then is found by nobody.
    ///
    /// Anything in this process that opens and closes file and log, other than SQLite, lets go of the locks on them. The
    /// next process that closes the file then takes itself for the last, moves the log into it and removes the log.
    fn check_place(&mut self) -> Result<(), StoreError> {
        let (Some(_), Some(path)) = (&self.connection, self.shared.path.clone()) else { return Ok(()) };
        let place = place(&path);
        self.place = self.place.or(place);
        let (what, way_out) = if place.is_none() || place != self.place {
            ("", "begin a new session")
        } else if !self.has_its_log() {
            ("the log beside ", "open the session again: what was saved in it is there")
        } else {
            return Ok(());
        };
        Err(StoreError::Closed(format!(
            "{what}`{}` was deleted or replaced while this session was open, so nothing more can be saved in it; {way_out}",
            path.display()
        )))
    }

    /// Tells whether the log beside the file is the one that is open, and notes it where that is not known yet.
    fn has_its_log(&mut self) -> bool {
        let Some(path) = &self.shared.path else { return true };
        let found = place(&beside(path, "-wal"));
        self.log = self.log.or(found);
        found == self.log
    }

    fn write(&mut self, batches: &mut [Batch]) -> Written {
        let error = match self.transaction(batches) {
            Ok(written) => return written,
            Err(error) => error,
        };
        if batches.len() == 1 || is_about_the_file(&error) {
            let error = explain(&error, self.path());
            return (Tables::NONE, vec![Err(error); batches.len()]);
        }
        let mut touched = Tables::NONE;
        let mut answers = Vec::with_capacity(batches.len());
        for one in batches.chunks_mut(1) {
            let (changed, answer) = self.write(one);
            touched |= changed;
            answers.extend(answer);
        }
        (touched, answers)
    }

    /// Writes batches in one transaction. Answers which tables changed, and for each batch where it stands.
    fn transaction(&mut self, batches: &mut [Batch]) -> Result<Written, rusqlite::Error> {
        if self.connection.is_none() {
            let path = self.shared.path.as_deref().unwrap_or(Path::new(""));
            self.connection = Some(file::make(path)?);
        }
        self.connected()?.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        // Whoever held the lock until now may have moved the file or made it one of a newer version.
        let written = match self.check_place() {
            Ok(()) => self.write_begun(batches),
            Err(error) => Ok((Tables::NONE, vec![Err(error); batches.len()])),
        };
        let connection = self.connected()?;
        if !connection.is_autocommit() {
            // Nothing of it was committed; the error that led here is the one to tell.
            let _ = connection.execute_batch("ROLLBACK");
        }
        written
    }

    /// Writes batches in the transaction that is open, and commits it unless the file may not be written.
    fn write_begun(&mut self, batches: &mut [Batch]) -> Result<Written, rusqlite::Error> {
        let Some(connection) = &self.connection else { return Err(rusqlite::Error::InvalidQuery) };
        let path = self.shared.path.as_deref().unwrap_or(Path::new(""));
        if let Some(why) = file::prepare(connection, path)? {
            return Ok((Tables::NONE, vec![Err(StoreError::Closed(why)); batches.len()]));
        }
        let written = write(connection, batches, &self.shared.replica, &mut self.unknown)?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(written)
    }

    fn connected(&self) -> Result<&Connection, rusqlite::Error> {
        self.connection.as_ref().ok_or(rusqlite::Error::InvalidQuery)
    }

    /// Makes what was committed durable. Everything before was committed already, which is all that a process needs;
    /// the authority of this store is its file.
    fn flush(&mut self, level: Durability) -> Result<(), StoreError> {
        let (Some(path), Some(_)) = (&self.shared.path, &self.connection) else { return Ok(()) };
        if level == Durability::Process {
            return Ok(());
        }
        self.disk.flush(path).map_err(|error| {
            StoreError::Backend(format!("`{}` could not be written to the disk: {error}", path.display()))
        })
    }

    /// Looks whether another process wrote, and tells the watches.
    fn look(&mut self) {
        if self.connection.is_none() {
            self.connect();
        }
        let version = self.version();
        if version != self.seen {
            self.seen = version;
            self.shared.bell.ring(Tables::ALL);
        }
    }

    /// Opens the file that another process has made since.
    fn connect(&mut self) {
        let Some(path) = self.path().filter(|path| path.exists()) else { return };
        if self.shared.read_only.is_some() {
            // Readers have their own connections, and which of them has seen what is not known: let all look.
            self.seen -= 1;
            return;
        }
        match file::writer(path, false) {
            Ok(connection) => {
                self.connection = Some(connection);
                self.seen = -1;
            }
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a notebook's file cannot be opened");
            }
        }
    }

    fn version(&self) -> i64 {
        let Some(connection) = &self.connection else { return 0 };
        let version = connection.prepare_cached("PRAGMA data_version");
        version.and_then(|mut version| version.query_row([], |row| row.get(0))).unwrap_or(0)
    }

    fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }
}

/// Device and number of a file.
type Place = (u64, u64);

fn place(path: &Path) -> Option<Place> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Ends the store for everybody when the thread ends, by whatever way.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
        self.0.bell.close();
        while let Next::Commands(commands) = self.0.take(false) {
            let error = StoreError::Closed("the store thread ended".to_owned());
            for command in commands {
                refuse(command, &error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::promise::{Waiting, promise};
    use super::*;
    use purlin_notebook::{Event, NotebookId, Replica};

    /// The state of a store thread whose database may not grow, as on a disk that is full.
    fn full() -> Worker {
        let connection = file::memory().unwrap().connection.unwrap();
        connection.execute_batch("PRAGMA max_page_count = 150").unwrap();
        let replica =
            Replica { store_id: NotebookId::from("n"), client_id: "c".into(), session_id: "s".into() };
        let (shared, waker) = Shared::new(replica, None, None).unwrap();
        Worker::new(Arc::new(shared), Some(connection), waker)
    }

    fn set(n: usize, size: usize) -> Event {
        Event::NotebookMetadataSet { key: format!("k{n}"), value: "x".repeat(size) }
    }

    /// Commits batches as one group and returns their answers.
    fn commit(worker: &mut Worker, batches: Vec<Vec<Event>>) -> Vec<Result<CommitId, StoreError>> {
        let (senders, answers): (Vec<_>, Vec<_>) = batches.iter().map(|_| promise()).unzip();
        let batches = batches.into_iter().map(Batch::unchecked);
        worker.commit(batches.zip(senders.into_iter().map(Reply::Now)).collect());
        answers.into_iter().map(Waiting::wait).collect()
    }

    #[test]
    fn a_full_disk_fails_the_commit_whole_and_the_store_goes_on() {
        let mut worker = full();
        commit(&mut worker, vec![vec![set(0, 10_000)]]).remove(0).unwrap();
        let large = (1..200).map(|n| set(n, 10_000)).collect();
        let error = commit(&mut worker, vec![large]).remove(0).unwrap_err().to_string();
        assert!(
            error.contains("the disk is full") && error.contains("what was saved before is safe"),
            "{error}"
        );
        let id = commit(&mut worker, vec![vec![set(1, 10_000)]]).remove(0).unwrap();
        assert_eq!((id.first, id.last), (2, 2), "nothing of the failed batch is there");
    }

    #[test]
    fn one_batch_that_does_not_fit_does_not_take_its_group_with_it() {
        let large = (1..200).map(|n| set(n, 10_000)).collect();
        let answers = commit(&mut full(), vec![vec![set(0, 9)], large, vec![set(2, 9)]]);
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    }

    /// The state of a store thread that has a file open and committed one batch to it.
    fn on_file(path: &Path) -> Worker {
        let replica =
            Replica { store_id: NotebookId::from("n"), client_id: "c".into(), session_id: "s".into() };
        let (shared, waker) = Shared::new(replica, Some(path.to_owned()), None).unwrap();
        let mut worker = Worker::new(Arc::new(shared), None, waker);
        commit(&mut worker, vec![vec![set(0, 9)]]).remove(0).unwrap();
        worker
    }

    #[test]
    fn a_file_that_is_moved_while_the_lock_is_waited_for_gets_no_commit() {
        let folder = std::env::temp_dir().join(format!("purlin-moved-{}", std::process::id()));
        let (path, moved) = (folder.join("n.db"), folder.join("n.db.corrupt"));
        let mut worker = on_file(&path);
        // What `commit` looks at before it waits was in order.
        worker.check_place().unwrap();
        std::fs::rename(&path, &moved).unwrap();
        let mut batches = [Batch::unchecked(vec![set(1, 9)])];
        let (touched, answers) = worker.transaction(&mut batches).unwrap();
        assert!(touched.is_empty());
        let error = answers[0].as_ref().unwrap_err().to_string();
        assert!(error.contains("was deleted or replaced while this session was open"), "{error}");
        let connection = worker.connection.as_ref().unwrap();
        let events: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
        assert_eq!(events, 1, "nothing went into the moved file");
        assert!(connection.is_autocommit(), "the lock was let go");
        drop(worker);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
