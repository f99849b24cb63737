//! A pseudo-terminal with a person on the other side who has a stopwatch.
//!
//! A thread reads what the program prints and stamps each piece the moment it arrived; only then is it understood,
//! by a terminal emulator, so that understanding costs none of the time that is measured.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    num::NonZero,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Rows and columns of a screen.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rows: NonZero<u16>,
    pub(crate) columns: NonZero<u16>,
}

impl Size {
    /// A size known when this is compiled; none of the two may be zero.
    pub(crate) const fn new(rows: u16, columns: u16) -> Self {
        match (NonZero::new(rows), NonZero::new(columns)) {
            (Some(rows), Some(columns)) => Self { rows, columns },
            _ => panic!("a screen has rows and columns"),
        }
    }
}

struct Piece {
    at: Instant,
    bytes: Vec<u8>,
}

/// A running program and its screen.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    pieces: Receiver<Piece>,
    parser: vt100::Parser,
    unanswered: Vec<u8>,
    started: Instant,
    /// Keeps the terminal open until the program is gone.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts a program in an empty terminal; the keys are typed ahead, before it can have read any.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        home: &Path,
        size: Size,
        keys: &str,
    ) -> Result<Self> {
        let cells =
            PtySize { rows: size.rows.get(), cols: size.columns.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(cells).context("cannot open a pseudo-terminal")?;
        if let Some(name) = pair.master.tty_name() {
            silence(&name)?;
        }
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(home);
        command.env_clear();
        for (name, value) in environment(home) {
            command.env(name, value);
        }
        let mut reader = pair.master.try_clone_reader()?;
        let mut writer = pair.master.take_writer()?;
        let (sender, pieces) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(length) = reader.read(&mut buffer) {
                let at = Instant::now();
                if length == 0 || sender.send(Piece { at, bytes: buffer[..length].to_vec() }).is_err() {
                    return;
                }
            }
        });
        let started = Instant::now();
        let child = pair
            .slave
            .spawn_command(command)
            .with_context(|| format!("cannot start {}", program.display()))?;
        writer.write_all(keys.as_bytes())?;
        let parser = vt100::Parser::new(size.rows, size.columns, 0);
        Ok(Self { child, writer, pieces, parser, unanswered: Vec::new(), started, _master: pair.master })
    }

    /// When the program was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.process_id().context("the program is gone")
    }

    /// Types keys; answers when they were typed.
    pub(crate) fn type_keys(&mut self, keys: &str) -> Result<Instant> {
        let at = Instant::now();
        self.writer.write_all(keys.as_bytes())?;
        Ok(at)
    }

    /// Waits until the screen satisfies a condition; answers when the piece arrived that made it true.
    pub(crate) fn wait(
        &mut self,
        what: &str,
        within: Duration,
        done: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<Instant> {
        let end = Instant::now() + within;
        loop {
            match self.pieces.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(piece) => {
                    self.understand(&piece.bytes)?;
                    if done(self.parser.screen()) {
                        return Ok(piece.at);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{what}: not within {within:?}; the screen is\n{}", self.shown())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{what}: the program ended; the screen is\n{}", self.shown())
                }
            }
        }
    }

    /// Reads on until nothing more comes for a while.
    pub(crate) fn rest(&mut self, quiet: Duration) -> Result<()> {
        while let Ok(piece) = self.pieces.recv_timeout(quiet) {
            self.understand(&piece.bytes)?;
        }
        Ok(())
    }

    /// The screen as last understood.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    fn shown(&self) -> String {
        self.parser.screen().contents()
    }

    fn understand(&mut self, bytes: &[u8]) -> Result<()> {
        self.parser.process(bytes);
        self.unanswered.extend_from_slice(bytes);
        let answers = answers(&mut self.unanswered, self.parser.screen());
        if !answers.is_empty() {
            self.writer.write_all(answers.as_bytes())?;
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The program may have ended by itself; then there is nothing to end or to wait for.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Switches the line discipline's own echo off: only the program's echo counts.
fn silence(terminal: &Path) -> Result<()> {
    let terminal =
        OpenOptions::new().read(true).write(true).open(terminal).context("cannot open the terminal")?;
    let mut modes = tcgetattr(&terminal)?;
    modes.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Now, &modes)?;
    Ok(())
}

/// What every measured program finds in its environment: an empty home, a modern terminal, no keys of models.
pub(crate) fn environment(home: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    vec![
        ("PATH", path),
        ("HOME", home.into()),
        ("XDG_CONFIG_HOME", home.join("config").into()),
        ("XDG_DATA_HOME", home.join("data").into()),
        ("XDG_STATE_HOME", home.join("state").into()),
        ("XDG_RUNTIME_DIR", home.join("run").into()),
        ("TERM", "xterm-256color".into()),
        ("COLORTERM", "truecolor".into()),
        ("LANG", "C.UTF-8".into()),
    ]
}

/// Answers the questions that programs ask a terminal, as a modern one would; forgets what was understood.
fn answers(pending: &mut Vec<u8>, screen: &vt100::Screen) -> String {
    let mut answers = String::new();
    let text = String::from_utf8_lossy(pending).into_owned();
    let mut rest = text.as_str();
    while let Some(escape) = rest.find('\u{1b}') {
        rest = &rest[escape..];
        let Some(length) = sequence_length(rest) else { break };
        answer(&rest[..length], screen, &mut answers);
        rest = &rest[length..];
    }
    let unfinished =
        if rest.starts_with('\u{1b}') && rest.len() < 256 { rest.as_bytes().to_vec() } else { Vec::new() };
    *pending = unfinished;
    answers
}

/// The length of the escape sequence that a text begins with, if it is complete.
fn sequence_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.get(1)? {
        b'[' => bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 3),
        b']' | b'P' | b'_' | b'^' | b'X' => {
            let bell = text.find('\u{7}').map(|at| at + 1);
            let terminator = text[1..].find("\u{1b}\\").map(|at| at + 3);
            bell.into_iter().chain(terminator).min()
        }
        _ => Some(1),
    }
}

fn answer(sequence: &str, screen: &vt100::Screen, answers: &mut String) {
    use std::fmt::Write as _;
    let written = match sequence {
        "\u{1b}[c" | "\u{1b}[0c" => write!(answers, "\u{1b}[?62;22c"),
        "\u{1b}[>c" | "\u{1b}[>0c" => write!(answers, "\u{1b}[>1;10;0c"),
        "\u{1b}[?u" => write!(answers, "\u{1b}[?0u"),
        "\u{1b}[5n" => write!(answers, "\u{1b}[0n"),
        "\u{1b}[6n" => {
            let (row, column) = screen.cursor_position();
            write!(answers, "\u{1b}[{};{}R", row + 1, column + 1)
        }
        _ => {
            if let Some(mode) = sequence.strip_prefix("\u{1b}[?").and_then(|rest| rest.strip_suffix("$p")) {
                write!(answers, "\u{1b}[?{mode};2$y")
            } else if sequence.starts_with("\u{1b}]11;?") {
                write!(answers, "\u{1b}]11;rgb:0000/0000/0000\u{1b}\\")
            } else if sequence.starts_with("\u{1b}]10;?") {
                write!(answers, "\u{1b}]10;rgb:ffff/ffff/ffff\u{1b}\\")
            } else {
                Ok(())
            }
        }
    };
    // Writing to a string cannot fail.
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_however_they_are_cut() {
        let asked = "\u{1b}[?2026$p\u{1b}[?uabc\u{1b}]11;?\u{1b}\\\u{1b}[6n\u{1b}[c";
        let size = Size::new(2, 10);
        let parser = vt100::Parser::new(size.rows, size.columns, 0);
        let whole = answers(&mut asked.as_bytes().to_vec(), parser.screen());
        assert!(whole.contains(
            "\u{1b}[?2026;2$y\u{1b}[?0u\u{1b}]11;rgb:0000/0000/0000\u{1b}\\\u{1b}[1;1R\u{1b}[?62;22c"
        ));
        for cut in 0..asked.len() {
            let mut pending = asked.as_bytes()[..cut].to_vec();
            let mut parts = answers(&mut pending, parser.screen());
            pending.extend_from_slice(&asked.as_bytes()[cut..]);
            parts.push_str(&answers(&mut pending, parser.screen()));
            assert_eq!(parts, whole, "cut at {cut}");
        }
    }
}
