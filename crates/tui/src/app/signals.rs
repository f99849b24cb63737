//! The signals that a full-screen program must answer.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caught {
    /// The terminal has another size.
    Resize,
    /// The process goes on after it was stopped.
    Continued,
    /// The process shall end, by the signal of this number.
    End(i32),
}

/// The caught signals of the process.
#[derive(Debug)]
pub(super) struct Signals {
    resize: Signal,
    continued: Signal,
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn catch() -> io::Result<Signals> {
        Ok(Signals {
            resize: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.terminate.recv() => Caught::End(SignalKind::terminate().as_raw_value()),
            _ = self.hangup.recv() => Caught::End(SignalKind::hangup().as_raw_value()),
            _ = self.interrupt.recv() => Caught::End(SignalKind::interrupt().as_raw_value()),
            _ = self.continued.recv() => Caught::Continued,
            _ = self.resize.recv() => Caught::Resize,
        }
    }
}
