//! The store thread: it owns the writing connection, commits what queued up, and hears the doorbell.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use purlin_notebook::{CommitId, Durability, Event, StoreError, Tables};
use rusqlite::Connection;
use rustix::event::{PollFd, PollFlags, poll};

use super::error::explain;
use super::file;
use super::queue::{Command, Next, Reply, Shared, refuse};
use super::tables::{SqliteTables, answer, cause, nothing};
use crate::doorbell::Doorbell;

/// How many batches one transaction takes at most, so that the first of them is not kept waiting.
const GROUP: usize = 512;

/// The state of the store thread.
pub(super) struct Worker {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    waker: UnixStream,
    /// The directory of sockets; `None` in memory.
    bells: Option<PathBuf>,
    doorbell: Option<Doorbell>,
    /// The database's version when this thread looked last; another one means that another process wrote.
    seen: i64,
    directory_synced: bool,
    /// Device and number of the open file.
    place: Option<(u64, u64)>,
}

type Group = Vec<(Vec<Event>, Reply<CommitId>)>;

impl Worker {
    /// Makes the state of the thread.
    pub(super) fn new(
        shared: Arc<Shared>,
        connection: Option<Connection>,
        waker: UnixStream,
        bells: Option<PathBuf>,
    ) -> Self {
        Self {
            shared,
            connection,
            waker,
            bells,
            doorbell: None,
            seen: 0,
            directory_synced: false,
            place: None,
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
        if let (Some(bells), Some(path)) = (&self.bells, &self.shared.path) {
            self.doorbell = Doorbell::hang(bells, path);
            // Between the opening of the file and here somebody may have written without knowing of this process.
            self.look();
        }
        loop {
            match self.shared.take() {
                Next::Commands(commands) => self.serve(commands),
                Next::Sleep => self.sleep(),
                Next::End => break,
            }
        }
        if let Some(connection) = self.connection.take().filter(|_| self.shared.path.is_some()) {
            file::close(connection);
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
                    reply.send(self.flush(level));
                }
                Command::Query(query, reply) => {
                    self.commit(std::mem::take(&mut group));
                    let rows =
                        self.connection.as_ref().map_or_else(|| Ok(nothing(&query)), |c| answer(c, &query));
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
        if let Some(error) = self.shared.refusal() {
            for (_, reply) in group {
                reply.send(Err(error.clone()));
            }
            return;
        }
        if let Err(error) = self.check_place() {
            for (_, reply) in group {
                reply.send(Err(error.clone()));
            }
            return;
        }
        let (batches, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let (touched, answers) = self.write(&batches);
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

    /// Fails if the file was deleted or replaced while it was open: what is written to it then is found by nobody.
    fn check_place(&mut self) -> Result<(), StoreError> {
        let (Some(_), Some(path)) = (&self.connection, &self.shared.path) else { return Ok(()) };
        let place = std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        self.place = self.place.or(place);
        if place.is_some() && place == self.place {
            return Ok(());
        }
        Err(StoreError::Closed(format!(
            "`{}` was deleted or replaced while this session was open, so nothing more can be saved in it; begin a new \
             session",
            path.display()
        )))
    }

    fn write(&mut self, batches: &[Vec<Event>]) -> Written {
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
        for one in batches.chunks(1) {
            let (changed, answer) = self.write(one);
            touched |= changed;
            answers.extend(answer);
        }
        (touched, answers)
    }

    /// Writes batches in one transaction. Answers which tables changed, and for each batch where it stands.
    fn transaction(&mut self, batches: &[Vec<Event>]) -> Result<Written, rusqlite::Error> {
        if self.connection.is_none() {
            let path = self.shared.path.as_deref().unwrap_or(Path::new(""));
            self.connection = Some(file::make(path)?);
        }
        let Some(connection) = &self.connection else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let written = write(connection, batches, &self.shared.replica)
            .and_then(|written| connection.prepare_cached("COMMIT")?.execute([]).map(|_| written));
        if written.is_err() && !connection.is_autocommit() {
            // The error that led here is the one to tell.
            let _ = connection.execute_batch("ROLLBACK");
        }
        written
    }

    /// Makes what was committed durable. Everything before was committed already, which is all that a process needs.
    fn flush(&mut self, level: Durability) -> Result<(), StoreError> {
        let (Durability::Disk, Some(path)) = (level, self.shared.path.clone()) else {
            return Ok(());
        };
        if self.connection.is_none() {
            return Ok(());
        }
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        // The file's own pages are synced by whoever moves the log into it, before the log is used again.
        let synced = sync(Path::new(&log)).and_then(|()| self.sync_directory(&path));
        synced.map_err(|error| {
            StoreError::Backend(format!("`{}` could not be written to the disk: {error}", path.display()))
        })
    }

    fn sync_directory(&mut self, path: &Path) -> std::io::Result<()> {
        if self.directory_synced {
            return Ok(());
        }
        sync(path.parent().unwrap_or(Path::new("/")))?;
        self.directory_synced = true;
        Ok(())
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

type Written = (Tables, Vec<Result<CommitId, StoreError>>);

/// Writes batches to log and tables, in the transaction that is open.
fn write(
    connection: &Connection,
    batches: &[Vec<Event>],
    replica: &purlin_notebook::Replica,
) -> Result<Written, rusqlite::Error> {
    let mut last: i64 = match connection.prepare_cached("SELECT coalesce(max(rowid), 0) FROM events") {
        Ok(mut statement) => statement.query_row([], |row| row.get(0))?,
        Err(_) if !file::is_created(connection)? => {
            file::create(connection)?;
            0
        }
        Err(error) => return Err(error),
    };
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let mut log = connection.prepare_cached(
        "INSERT INTO events (rowid, batch, seq, name, args, clientId, sessionId, at) VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut tables = SqliteTables::new(connection);
    let mut touched = Tables::NONE;
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        let checked: Result<Vec<_>, StoreError> = batch
            .iter()
            .enumerate()
            .map(|(event, it)| it.check().map_err(|why| StoreError::Rejected { event, why }))
            .collect();
        answers.push(match checked {
            Err(rejected) => Err(rejected),
            Ok(events) => {
                let first = last + 1;
                for (event, args) in &events {
                    last += 1;
                    log.execute((
                        last,
                        first,
                        event.name(),
                        args,
                        &replica.client_id,
                        &replica.session_id,
                        at,
                    ))?;
                    purlin_notebook::apply(event, replica.author(), &mut tables).map_err(cause)?;
                    touched |= Tables::LOG;
                }
                Ok(CommitId { first, last })
            }
        });
    }
    Ok((touched | tables.touched(), answers))
}

/// Tells whether an error would meet every batch of a group alike.
fn is_about_the_file(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase, ReadOnly,
    };
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked | CannotOpen | ReadOnly | DatabaseCorrupt | NotADatabase)
    )
}

fn sync(path: &Path) -> std::io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Ends the store for everybody when the thread ends, by whatever way.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
        self.0.bell.close();
        while let Next::Commands(commands) = self.0.take() {
            let error = StoreError::Closed("the store thread ended".to_owned());
            for command in commands {
                refuse(command, &error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_notebook::{NotebookId, Replica};

    /// A database that may not grow is a disk that is full.
    #[test]
    fn a_full_disk_fails_the_commit_whole_and_the_store_goes_on() {
        let connection = file::memory().unwrap().connection.unwrap();
        connection.execute_batch("PRAGMA max_page_count = 150").unwrap();
        let replica =
            Replica { store_id: NotebookId::from("n"), client_id: "c".into(), session_id: "s".into() };
        let (shared, waker) = Shared::new(replica, None, None).unwrap();
        let mut worker = Worker::new(Arc::new(shared), Some(connection), waker, None);
        let large = |n: usize| Event::NotebookMetadataSet { key: format!("k{n}"), value: "x".repeat(10_000) };
        let mut commit = |batch: Vec<Event>| {
            let (sender, answer) = std::sync::mpsc::sync_channel(1);
            worker.commit(vec![(batch, Reply::Now(sender))]);
            answer.recv().unwrap()
        };
        commit(vec![large(0)]).unwrap();
        let error = commit((1..200).map(large).collect()).unwrap_err().to_string();
        assert!(
            error.contains("the disk is full") && error.contains("what was saved before is safe"),
            "{error}"
        );
        let id = commit(vec![large(1)]).unwrap();
        assert_eq!((id.first, id.last), (2, 2), "nothing of the failed batch is there");
    }

    #[test]
    fn one_batch_that_does_not_fit_does_not_take_its_group_with_it() {
        let connection = file::memory().unwrap().connection.unwrap();
        connection.execute_batch("PRAGMA max_page_count = 150").unwrap();
        let replica =
            Replica { store_id: NotebookId::from("n"), client_id: "c".into(), session_id: "s".into() };
        let (shared, waker) = Shared::new(replica, None, None).unwrap();
        let mut worker = Worker::new(Arc::new(shared), Some(connection), waker, None);
        let set = |n: usize, size: usize| Event::NotebookMetadataSet {
            key: format!("k{n}"),
            value: "x".repeat(size),
        };
        let (senders, answers): (Vec<_>, Vec<_>) = (0..3).map(|_| std::sync::mpsc::sync_channel(1)).unzip();
        let batches = [vec![set(0, 9)], (1..200).map(|n| set(n, 10_000)).collect(), vec![set(2, 9)]];
        worker.commit(batches.into_iter().zip(senders.into_iter().map(Reply::Now)).collect());
        let done: Vec<bool> = answers.into_iter().map(|answer| answer.recv().unwrap().is_ok()).collect();
        assert_eq!(done, [true, false, true]);
    }
}
