//! The one who writes: it has the writing connection and commits what queued up. The store thread, which hears the
//! doorbell, lends it through the pen (`pen.rs`) to whoever commits.

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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
use super::log;
use super::pen::Pen;
use super::queue::{Command, Next, Reply, Shared};
use super::tables::{answer, nothing};
use super::write::{Batch, Written, is_about_the_file, write};
use crate::doorbell::Doorbell;

/// How many batches one transaction takes at most, so that the first of them is not kept waiting.
const GROUP: usize = 512;
/// How long the thread looks for further commands after it carried some out.
const EAGER: Duration = Duration::from_micros(20);

/// What writes a notebook.
pub(super) struct Worker {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    doorbell: Option<Doorbell>,
    /// Whether the store thread has begun; before, nobody else may write, because the doorbell does not hang yet.
    begun: bool,
    /// The database's version when it was looked at last; another one means that another process wrote.
    seen: i64,
    disk: Disk,
    /// Device and number of the open file.
    place: Option<Place>,
    /// Those of the log beside it.
    log: Option<Place>,
    unknown: UnknownNames,
    /// Where the notebook is only read and had no log beside it, what removes the one that readers made.
    after_readers: Option<file::LeavesNothing>,
}

type Group = Vec<(Batch, Reply<CommitId>)>;

/// Works until the store is closed and everything that was queued is done; the body of the store thread.
pub(super) fn run(pen: &Pen, waker: &UnixStream) {
    // However the thread ends, nobody waits for it: watches end, and later commands are refused.
    let ending = Ending(pen);
    let bell = pen.take().begin();
    // Whoever got an answer is likely to ask again at once, and others have queued up meanwhile: to look again for
    // a moment is cheaper for all than to sleep and be woken.
    let mut rested = Instant::now();
    loop {
        if pen.work_off(&mut rested) {
            break;
        }
        pen.tidy_log();
        // Whoever could not have the pen while it was held here relies on this look.
        if !pen.shared.waits() && sleep(waker, bell.as_ref()) {
            pen.take().hear();
        }
    }
    // The one who writes closes last, since only that leaves nothing beside the file.
    pen.close_readers();
    pen.take().finish();
    drop(ending);
}

/// Sleeps until somebody queues something or rings; answers whether it rang.
fn sleep(waker: &UnixStream, bell: Option<&OwnedFd>) -> bool {
    let fds: Vec<BorrowedFd<'_>> = std::iter::once(waker.as_fd()).chain(bell.map(AsFd::as_fd)).collect();
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    // An interrupted wait is tried again by the loop; whatever woke it is looked at below.
    let _ = poll(&mut polled, None);
    let rang = polled.get(1).is_some_and(|fd| !fd.revents().is_empty());
    let mut waker = waker;
    while matches!(waker.read(&mut [0; 64]), Ok(1..)) {}
    rang
}

impl Worker {
    /// Makes what writes a notebook.
    pub(super) fn new(shared: Arc<Shared>, connection: Option<Connection>) -> Self {
        let read = shared.path.as_deref().filter(|_| shared.read_only.is_some());
        Self {
            after_readers: read.and_then(file::LeavesNothing::beside),
            shared,
            connection,
            doorbell: None,
            begun: false,
            seen: 0,
            disk: Disk::new(),
            place: None,
            log: None,
            unknown: UnknownNames::default(),
        }
    }

    /// Tells whether the store thread has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Begins, and answers what becomes readable when somebody rings.
    fn begin(&mut self) -> Option<OwnedFd> {
        self.begun = true;
        if let Some(Err(error)) = self.connection.take().map(|connection| self.keep(connection)) {
            tracing::warn!(%error, "the notebook's file cannot be written");
        }
        self.seen = self.version();
        if let Err(error) = self.check_place() {
            tracing::warn!(%error, "the notebook's file went away while it was opened");
        }
        let path = self.shared.path.clone()?;
        self.doorbell = Doorbell::hang(&path);
        // Between the opening of the file and here somebody may have written without knowing of this process.
        self.look();
        let bell = self.doorbell.as_ref()?.fd().try_clone_to_owned();
        bell.inspect_err(|error| tracing::warn!(%error, "commits of other processes will be seen late")).ok()
    }

    /// Carries out what is queued until nothing came for a moment; answers whether the store was closed.
    pub(super) fn work_off(&mut self, rested: &mut Instant) -> bool {
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
                    *rested = Instant::now();
                }
                Next::Sleep if eager => std::thread::yield_now(),
                Next::Sleep => return false,
                Next::End => return true,
            }
        }
    }

    /// Takes in what rang.
    fn hear(&mut self) {
        if let Some(doorbell) = &mut self.doorbell {
            doorbell.hear();
        }
        self.look();
    }

    /// Closes the file.
    fn finish(&mut self) {
        let has_its_log = self.has_its_log();
        if let Some(connection) = self.connection.take().filter(|_| self.shared.path.is_some()) {
            // What would be moved from a log that is gone may be older than what is in the file.
            if has_its_log { file::close(connection) } else { file::abandon(connection) }
        }
        self.after_readers = None;
        self.doorbell = None;
    }

    /// Carries out commands, in order.
    pub(super) fn serve(&mut self, commands: VecDeque<Command>) {
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
        let (touched, answers) = match self.shared.refusal() {
            None => self.write(&mut batches),
            Some(error) => (Tables::NONE, vec![Err(error); replies.len()]),
        };
        self.shared.done(replies.len());
        // First: those who watch have a way to go, and those who wait are waiting for themselves.
        if !touched.is_empty() {
            self.shared.bell.ring(touched);
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            if let Err(error) = &answer {
                tracing::warn!(%error, "a batch was not committed");
            }
            reply.send(answer);
        }
        if !touched.is_empty() && self.doorbell.as_mut().is_some_and(Doorbell::ring) {
            self.look();
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
    pub(super) fn has_its_log(&mut self) -> bool {
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
            let connection = file::make(path)?;
            self.keep(connection)?;
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
        let path = path.to_owned();
        match file::writer(&path, false).and_then(|connection| self.keep(connection)) {
            Ok(()) => self.seen = -1,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a notebook's file cannot be opened");
            }
        }
    }

    /// Takes a connection to write with.
    fn keep(&mut self, mut connection: Connection) -> Result<(), rusqlite::Error> {
        if self.shared.path.is_some() {
            log::measure(&mut connection, &self.shared.log)?;
        }
        self.connection = Some(connection);
        Ok(())
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
struct Ending<'a>(&'a Pen);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.shared.end();
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
        let (shared, _waker) = Shared::new(replica, None, None).unwrap();
        Worker::new(Arc::new(shared), Some(connection))
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
        let (shared, _waker) = Shared::new(replica, Some(path.to_owned()), None).unwrap();
        let mut worker = Worker::new(Arc::new(shared), None);
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
