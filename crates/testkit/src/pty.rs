//! A program in a pseudo-terminal, with a terminal emulator on the other side.
//!
//! A thread reads what the program writes into a `vt100` screen and answers the questions a terminal answers; tests
//! wait on a condition variable for the screen to become what they expect. Nothing sleeps or polls.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::Home;

/// How long a test waits for what must come. Far beyond what it takes, for machines that are busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running program and its screen.
pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// How much of `raw` has been searched for questions.
    asked: usize,
    ended: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Code(u32),
    /// By a signal.
    Signal,
}

impl Pty {
    /// Starts the program in the home's working directory on a terminal of this size.
    pub fn spawn<S: AsRef<OsStr>>(
        program: &str,
        arguments: &[S],
        home: &Home,
        rows: u16,
        columns: u16,
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        command.cwd(home.work());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("a reader");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let state = State { parser: parser(rows, columns), raw: Vec::new(), asked: 0, ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        {
            let (shared, writer) = (Arc::clone(&shared), Arc::clone(&writer));
            thread::spawn(move || read(reader, &shared, &writer));
        }
        Self { master: pair.master, child, writer, shared }
    }

    /// Types these bytes.
    pub fn send(&self, keys: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A program that has ended reads no more; the test sees that on the screen it waits for.
        drop(writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()));
    }

    /// Pastes the text as a terminal does in bracketed-paste mode.
    pub fn paste(&self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Changes the size; the program gets `SIGWINCH`.
    pub fn resize(&self, rows: u16, columns: u16) {
        let (tall, wide) = self::size(rows, columns);
        self.state().parser.set_size(tall, wide);
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("the terminal is open");
    }

    /// Waits until the predicate holds for the screen; panics with the screen if it never does.
    #[track_caller]
    pub fn wait_for(&self, what: &str, predicate: impl FnMut(&vt100::Screen) -> bool) {
        assert!(
            self.wait_within(PATIENCE, predicate),
            "waited in vain for {what}; the screen:\n{}",
            self.dump()
        );
    }

    /// Waits until the text stands on the screen.
    #[track_caller]
    pub fn wait_text(&self, text: &str) {
        self.wait_for(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    /// Waits until the text has left the screen.
    #[track_caller]
    pub fn wait_gone(&self, text: &str) {
        self.wait_for(&format!("{text:?} to leave"), |screen| !screen.contents().contains(text));
    }

    /// Waits for the predicate at most this long; answers whether it came to hold.
    pub fn wait_within(&self, at_most: Duration, mut predicate: impl FnMut(&vt100::Screen) -> bool) -> bool {
        let end = Instant::now() + at_most;
        let mut state = self.state();
        loop {
            if predicate(state.parser.screen()) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written this many bytes, or has ended.
    pub fn wait_written(&self, bytes: usize) {
        let state = self.state();
        let few = |state: &mut State| state.raw.len() < bytes && !state.ended;
        drop(self.shared.changed.wait_timeout_while(state, PATIENCE, few));
    }

    /// Waits until the program has closed the terminal, and answers how it ended.
    pub fn wait_end(&mut self) -> Ended {
        let state = self.state();
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| !state.ended);
        let ended = waited.unwrap_or_else(PoisonError::into_inner).0.ended;
        assert!(ended, "the program did not end; the screen:\n{}", self.dump());
        let status = self.child.wait().expect("a child of ours");
        if status.signal().is_some() { Ended::Signal } else { Ended::Code(status.exit_code()) }
    }

    /// The screen as text.
    pub fn dump(&self) -> String {
        self.state().parser.screen().contents()
    }

    /// Everything the program wrote.
    pub fn raw(&self) -> Vec<u8> {
        self.state().raw.clone()
    }

    /// A look at the screen.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.state().parser.screen())
    }

    /// The program's process id.
    pub fn id(&self) -> i32 {
        self.child.process_id().map_or(0, |id| id as i32)
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: rustix::process::Signal) {
        if let Some(id) = rustix::process::Pid::from_raw(self.id()) {
            rustix::process::kill_process(id, signal).expect("the program runs");
        }
    }

    /// Whether the terminal line echoes and edits, as it did before the program.
    pub fn is_cooked(&self) -> bool {
        let flags = self.master.get_termios().map_or(0, |termios| termios.local_flags.bits());
        flags & libc::ECHO != 0 && flags & libc::ICANON != 0
    }

    /// Asserts that the program has left the terminal as it found it: main screen, cursor shown, no mouse, no
    /// bracketed paste, no keyboard flags, a cooked line.
    #[track_caller]
    pub fn assert_restored(&self) {
        self.with_screen(|screen| {
            assert!(!screen.alternate_screen(), "the alternate screen is still open");
            assert!(!screen.hide_cursor(), "the cursor is still hidden");
            assert!(!screen.bracketed_paste(), "bracketed paste is still on");
            let mouse = screen.mouse_protocol_mode();
            assert!(mouse == vt100::MouseProtocolMode::None, "the mouse is still reported");
        });
        let raw = self.raw();
        assert_eq!(sequences(&raw, b'>', b'u'), sequences(&raw, b'<', b'u'), "keyboard flags stay pushed");
        let count = |needle: &[u8]| raw.windows(needle.len()).filter(|window| *window == needle).count();
        assert!(count(b"\x1b[?2026h") <= count(b"\x1b[?2026l"), "a synchronized update is still open");
        assert!(self.is_cooked(), "the line is still raw");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves the program with `ctrl+c` twice, as anyone would: it ends with 0 and leaves the terminal as it found it.
#[track_caller]
pub fn quit(mut pty: Pty) -> Pty {
    pty.send("\x03");
    pty.send("\x03");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
    pty
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read(mut reader: Box<dyn Read + Send>, shared: &Shared, writer: &Mutex<Box<dyn Write + Send>>) {
    let mut bytes = [0; 16384];
    loop {
        // Linux answers EIO once the last process has closed its side.
        let n = reader.read(&mut bytes).unwrap_or(0);
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if n == 0 {
            state.ended = true;
            shared.changed.notify_all();
            return;
        }
        state.raw.extend_from_slice(&bytes[..n]);
        state.parser.process(&bytes[..n]);
        let answer = answers(&mut state);
        shared.changed.notify_all();
        drop(state);
        if !answer.is_empty() {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            drop(writer.write_all(answer.as_bytes()).and_then(|()| writer.flush()));
        }
    }
}

/// What a plain terminal answers to the questions in what was written since `asked`: its device attributes and the
/// cursor's place. Everything else stays unanswered, which means unsupported.
fn answers(state: &mut State) -> String {
    let mut answer = String::new();
    let (row, column) = state.parser.screen().cursor_position();
    let place = format!("\x1b[{};{}R", row + 1, column + 1);
    let questions = [("\x1b[6n", place.as_str()), ("\x1b[c", "\x1b[?62;22c"), ("\x1b[0c", "\x1b[?62;22c")];
    while let Some((end, reply)) = questions
        .iter()
        .filter_map(|(question, reply)| {
            let new = &state.raw[state.asked..];
            let at = new.windows(question.len()).position(|window| window == question.as_bytes())?;
            Some((state.asked + at + question.len(), reply))
        })
        .min()
    {
        answer.push_str(reply);
        state.asked = end;
    }
    // A question may have been cut in two by the read; the longest has four bytes.
    state.asked = state.asked.max(state.raw.len().saturating_sub(3));
    answer
}

fn parser(rows: u16, columns: u16) -> vt100::Parser {
    let (rows, columns) = size(rows, columns);
    vt100::Parser::new(rows, columns, 10_000)
}

fn size(rows: u16, columns: u16) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(rows).expect("at least one row"), NonZeroU16::new(columns).expect("at least one column"))
}

/// How often a sequence of `\x1b[`, the introducer, digits and the final byte occurs.
fn sequences(raw: &[u8], introducer: u8, last: u8) -> usize {
    let start = [0x1b, b'[', introducer];
    raw.windows(3)
        .enumerate()
        .filter(|(_, window)| *window == start)
        .filter(|(at, _)| {
            raw[at + 3..].iter().find(|byte| !byte.is_ascii_digit() && **byte != b';') == Some(&last)
        })
        .count()
}
