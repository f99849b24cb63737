//! The terminal itself: modes, bytes in, bytes out, and everything put back at the end.
//!
//! A [`Terminal`] has its own open file of the controlling terminal, which does not block and which nobody else shares;
//! standard input and output are left as they were found. Entering switches to the alternate screen first and sets the
//! keyboard up last; leaving goes the other way, whether it happens by call, by drop or while a panic unwinds.
//!
//! Nothing here waits for an answer of the terminal: queries are sent with the first frame, replies arrive among the
//! keys ([`input::Incoming::Reply`]), and a terminal that never answers costs nothing.

pub mod input;
pub mod panics;
pub mod sequences;

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    process::{Signal, kill_current_process_group},
    termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr},
};
use tokio::io::{Interest, unix::AsyncFd};

/// How long leaving waits for a terminal that does not take its last bytes.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Why the terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// There is no controlling terminal.
    #[error("there is no terminal to draw on: {0}")]
    Open(#[source] io::Error),
    /// The terminal refuses a mode.
    #[error("the terminal cannot be set up: {0}")]
    Mode(#[source] io::Error),
    /// The terminal went away.
    #[error("the terminal cannot be read or written: {0}")]
    Io(#[source] io::Error),
}

/// The controlling terminal, in full-screen mode between [`Terminal::enter`] and [`Terminal::leave`].
#[derive(Debug)]
pub struct Terminal {
    file: AsyncFd<OwnedFd>,
    cooked: Termios,
    entered: bool,
    mouse: bool,
    keyboard: Keyboard,
    waiting: Vec<u8>,
    written: usize,
    /// Bytes still to be read that were typed before raw mode: the terminal driver has made line feeds of their returns.
    cooked_bytes: Cell<usize>,
}

/// Which keyboard protocol has been switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyboard {
    /// What terminals have always done.
    Legacy,
    /// The kitty protocol: keys are told apart from each other and from escape sequences.
    Kitty,
    /// xterm's `modifyOtherKeys`, which tells shift+enter from enter.
    Modify,
}

impl Terminal {
    /// Opens the controlling terminal; changes nothing about it. Needs a tokio runtime with I/O.
    pub fn open() -> Result<Terminal, TerminalError> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            open("/dev/tty", flags, Mode::empty()).map_err(|error| TerminalError::Open(error.into()))?;
        let cooked = tcgetattr(&file).map_err(|error| TerminalError::Mode(error.into()))?;
        #[expect(
            deprecated,
            reason = "an owned descriptor stays open for as long as it is registered; the successor is unsafe"
        )]
        let file = AsyncFd::with_interest(file, Interest::READABLE | Interest::WRITABLE)
            .map_err(TerminalError::Open)?;
        Ok(Terminal {
            file,
            cooked,
            entered: false,
            mouse: true,
            keyboard: Keyboard::Legacy,
            waiting: Vec::new(),
            written: 0,
            cooked_bytes: Cell::new(0),
        })
    }

    /// Says whether the mouse is reported (as it is by default) or left to the terminal; asked for when entering.
    pub fn set_mouse(&mut self, mouse: bool) {
        self.mouse = mouse;
    }

    /// Switches to raw mode and the alternate screen and asks what the terminal can do; answers arrive as input.
    pub fn enter(&mut self) -> Result<(), TerminalError> {
        if self.entered {
            return Ok(());
        }
        let mut raw = self.cooked.clone();
        raw.make_raw();
        // `Now` and not `Flush`: what was typed while the program started is the person's.
        tcsetattr(&self.file, OptionalActions::Now, &raw)
            .map_err(|error| TerminalError::Mode(error.into()))?;
        let pending = rustix::io::ioctl_fionread(&self.file).unwrap_or(0);
        self.cooked_bytes.set(usize::try_from(pending).unwrap_or(0));
        self.entered = true;
        panics::hold(true);
        self.send(sequences::ENTER);
        if self.mouse {
            self.send(sequences::MOUSE);
        }
        self.send(sequences::QUERIES);
        Ok(())
    }

    /// Switches the keyboard protocol on that the terminal has said it knows.
    pub fn set_keyboard(&mut self, keyboard: Keyboard) {
        if !self.entered || self.keyboard == keyboard {
            return;
        }
        self.send(sequences::keyboard_off(self.keyboard));
        self.keyboard = keyboard;
        self.send(sequences::keyboard_on(keyboard));
    }

    /// Puts everything back as it was found. Does nothing when it has been done.
    pub fn leave(&mut self) {
        if !self.entered {
            return;
        }
        self.entered = false;
        // A frame of which a part has been written is given up: what follows resets every mode it may have left.
        self.waiting.clear();
        self.written = 0;
        self.send(b"\x1b\\");
        self.send(sequences::keyboard_off(self.keyboard));
        self.keyboard = Keyboard::Legacy;
        self.send(sequences::LEAVE);
        self.drain();
        // Nothing is left to do when the terminal is gone.
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.cooked);
        panics::hold(false);
    }

    /// Leaves and stops the process as ctrl+z does in other programs; [`Terminal::reenter`] follows.
    pub fn suspend(&mut self) -> Result<(), TerminalError> {
        self.leave();
        // In a job that no shell controls the system ignores the signal, and the screen comes back at once.
        kill_current_process_group(Signal::TSTP).map_err(|error| TerminalError::Mode(error.into()))
    }

    /// Takes the terminal over again, whatever was done to it while the process was stopped.
    pub fn reenter(&mut self) -> Result<(), TerminalError> {
        if self.entered {
            // Stopped from outside, without leaving: what was pushed then is not pushed a second time.
            self.send(sequences::keyboard_off(self.keyboard));
        }
        self.entered = false;
        self.keyboard = Keyboard::Legacy;
        self.enter()
    }

    /// Answers columns and rows, at least 1 each; 80×24 where the terminal does not say.
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&self.file) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }

    /// Queues bytes and writes what the terminal takes at once.
    pub fn send(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.flush();
    }

    /// Tells whether bytes wait for a slow terminal; a new frame is better drawn later then.
    pub fn is_behind(&self) -> bool {
        self.written < self.waiting.len()
    }

    /// Writes what the terminal takes now.
    fn flush(&mut self) {
        while self.written < self.waiting.len() {
            match rustix::io::write(&self.file, &self.waiting[self.written..]) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return,
                Ok(count) => self.written += count,
                Err(rustix::io::Errno::INTR) => {}
                // The hangup itself arrives through reading.
                Err(_) => break,
            }
        }
        self.waiting.clear();
        self.written = 0;
    }

    /// Completes when there is something to read (`true`) or when more could be written (`false`).
    pub async fn wait_either(&mut self) -> io::Result<bool> {
        let mut ready = self.file.ready(Interest::READABLE | Interest::WRITABLE).await?;
        if ready.ready().is_readable() {
            ready.retain_ready();
            return Ok(true);
        }
        ready.clear_ready_matching(tokio::io::Ready::WRITABLE);
        drop(ready);
        self.flush();
        Ok(false)
    }

    /// Completes when there is something to read.
    pub async fn readable(&self) -> io::Result<()> {
        self.file.readable().await.map(|mut guard| guard.retain_ready())
    }

    /// Reads everything that has arrived into `buffer`, at most 64 KiB a call; answers whether more may be there.
    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<bool, TerminalError> {
        buffer.resize(CHUNK, 0);
        let attempt =
            self.file.try_io(Interest::READABLE, |file| Ok(rustix::io::read(file, &mut buffer[..])?));
        match attempt {
            Ok(0) => Err(TerminalError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                buffer.truncate(count);
                let cooked = self.cooked_bytes.get().min(count);
                self.cooked_bytes.set(self.cooked_bytes.get() - cooked);
                for byte in buffer[..cooked].iter_mut().filter(|byte| **byte == b'\n') {
                    *byte = b'\r';
                }
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                buffer.clear();
                Ok(error.kind() == io::ErrorKind::Interrupted)
            }
            Err(error) => Err(TerminalError::Io(error)),
        }
    }

    /// Writes what waits, for at most half a second.
    fn drain(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            self.flush();
            let left = until.saturating_duration_since(Instant::now());
            if !self.is_behind() || left.is_zero() {
                return;
            }
            let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
            let descriptor = self.file.as_fd();
            if poll(&mut [PollFd::new(&descriptor, PollFlags::OUT)], Some(&wait)).is_err() {
                return;
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}
