//! What handles and the store thread share: the queue of commands, the bell, the way to wake the thread.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;
use purlin_notebook::store::Bell;
use purlin_notebook::{CommitId, Durability, Query, Replica, Rows, StoreError};

use super::log::LogLength;
use super::promise::Promise;
use super::tables::Answer;
use super::write::Batch;

/// What the store thread is asked to do.
pub(super) enum Command {
    /// Write a batch.
    Commit(Batch, Reply<CommitId>),
    /// Make what was committed before durable.
    Flush(Durability, Reply<()>),
    /// Answer a query; only for notebooks in memory, which have one connection.
    Query(Query, Reply<Rows>),
}

/// Where an answer goes. Whoever asked may have gone away, which is no error.
pub(super) enum Reply<T> {
    /// To a future.
    Later(oneshot::Sender<Answer<T>>),
    /// To a thread that waits.
    Now(Promise<T>),
}

impl<T> Reply<T> {
    /// Answers.
    pub(super) fn send(self, answer: Answer<T>) {
        // An answer that nobody waits for any more is dropped.
        match self {
            Self::Later(sender) => drop(sender.send(answer)),
            Self::Now(promise) => promise.send(answer),
        }
    }
}

/// What handles and the store thread share.
pub(super) struct Shared {
    pub(super) replica: Replica,
    /// The file; `None` in memory.
    pub(super) path: Option<PathBuf>,
    pub(super) read_only: Option<String>,
    pub(super) bell: Bell,
    /// How long the log beside the file is.
    pub(super) log: Arc<LogLength>,
    queue: Mutex<Queue>,
    waker: UnixStream,
}

#[derive(Default)]
struct Queue {
    commands: VecDeque<Command>,
    /// The thread sleeps, or is about to: the next command must wake it.
    asleep: bool,
    /// How many commands were sent and are not carried out yet.
    pending: usize,
    closed: bool,
}

/// What the store thread finds in the queue.
pub(super) enum Next {
    /// Commands to carry out, in order.
    Commands(VecDeque<Command>),
    /// Nothing: the thread may sleep until it is woken.
    Sleep,
    /// Nothing, and nothing will come.
    End,
}

impl Shared {
    /// Makes the shared part and the stream on which the store thread is woken.
    pub(super) fn new(
        replica: Replica,
        path: Option<PathBuf>,
        read_only: Option<String>,
    ) -> io::Result<(Self, UnixStream)> {
        let (waker, sleeper) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        sleeper.set_nonblocking(true)?;
        let shared = Self {
            replica,
            path,
            read_only,
            bell: Bell::new(),
            log: Arc::default(),
            queue: Mutex::default(),
            waker,
        };
        Ok((shared, sleeper))
    }

    /// Queues a command for the store thread. A closed store answers it at once.
    pub(super) fn send(&self, command: Command) {
        let asleep = self.push(command).is_some_and(|mut queue| std::mem::take(&mut queue.asleep));
        if asleep {
            self.wake();
        }
    }

    /// Queues a command that the caller sees to. A closed store answers it at once.
    pub(super) fn queue(&self, command: Command) {
        drop(self.push(command));
    }

    fn push(&self, command: Command) -> Option<MutexGuard<'_, Queue>> {
        let mut queue = self.lock();
        if queue.closed {
            drop(queue);
            refuse(command, &was_closed());
            return None;
        }
        queue.commands.push_back(command);
        queue.pending += 1;
        Some(queue)
    }

    /// Takes everything that is queued.
    pub(super) fn take_all(&self) -> VecDeque<Command> {
        std::mem::take(&mut self.lock().commands)
    }

    /// Tells whether something is queued.
    pub(super) fn waits(&self) -> bool {
        !self.lock().commands.is_empty()
    }

    /// Wakes the store thread, unless it is awake.
    pub(super) fn wake_if_asleep(&self) {
        let asleep = std::mem::take(&mut self.lock().asleep);
        if asleep {
            self.wake();
        }
    }

    /// Takes everything that is queued. Where nothing is, the thread may sleep, unless it is `eager` and asks again.
    pub(super) fn take(&self, eager: bool) -> Next {
        let mut queue = self.lock();
        if !queue.commands.is_empty() {
            return Next::Commands(std::mem::take(&mut queue.commands));
        }
        if queue.closed {
            return Next::End;
        }
        queue.asleep = !eager;
        Next::Sleep
    }

    /// Notes that commands were carried out; called before they are answered.
    pub(super) fn done(&self, count: usize) {
        let mut queue = self.lock();
        queue.pending = queue.pending.saturating_sub(count);
    }

    /// Tells whether everything that was asked for is done, which needs no answer of the store thread; and if so,
    /// whether the store is open.
    pub(super) fn at_rest(&self) -> Option<Answer<()>> {
        let queue = self.lock();
        (queue.pending == 0).then(|| if queue.closed { Err(was_closed()) } else { Ok(()) })
    }

    /// Takes no further commands; those that are queued are still carried out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    /// Ends the store for everybody: watches end, and what is queued is refused.
    pub(super) fn end(&self) {
        self.close();
        self.bell.close();
        let error = StoreError::Closed("the store thread ended".to_owned());
        for command in self.take_all() {
            refuse(command, &error);
        }
    }

    /// Tells whether commands are taken.
    pub(super) fn is_open(&self) -> bool {
        !self.lock().closed
    }

    /// Says why nothing may be written, if so.
    pub(super) fn refusal(&self) -> Option<StoreError> {
        self.read_only.clone().map(StoreError::Closed)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // A full pipe has woken the thread already, and a broken one means that it is gone.
        let _ = (&self.waker).write(&[1]);
    }
}

fn was_closed() -> StoreError {
    StoreError::Closed("it was closed".to_owned())
}

/// Answers a command that is not carried out.
fn refuse(command: Command, error: &StoreError) {
    match command {
        Command::Commit(_, reply) => reply.send(Err(error.clone())),
        Command::Flush(_, reply) => reply.send(Err(error.clone())),
        Command::Query(_, reply) => reply.send(Err(error.clone())),
    }
}
