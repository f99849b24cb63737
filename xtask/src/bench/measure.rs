//! The measurements: start, keys, rest, stream.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    process::{Usage, usage},
    subject::Subject,
};
use crate::terminal::{Terminal, environment};

const PATIENCE: Duration = Duration::from_secs(20);
/// Between two keys both programs come to rest, as between two keys of a person.
const BETWEEN_KEYS: Duration = Duration::from_millis(8);
/// After so many letters the line is emptied, so that none is long enough to wrap.
const LINE: usize = 50;

/// Milliseconds from the start of the program until the letter typed ahead is on the screen.
pub(super) fn start(subject: &Subject) -> Result<f64> {
    let mut terminal = subject.start('x')?;
    let shown = terminal.wait("the first key's echo", PATIENCE, |screen| echoed(screen, 'x'))?;
    Ok(milliseconds(shown.duration_since(terminal.started())))
}

/// Milliseconds from each key to its echo on the screen.
pub(super) fn keys(subject: &Subject, count: usize) -> Result<Vec<f64>> {
    let mut terminal = at_rest(subject)?;
    let mut times = Vec::with_capacity(count);
    let mut on_line = 1;
    for letter in ('a'..='z').cycle().take(count) {
        if on_line == LINE {
            terminal.type_keys(&"\u{7f}".repeat(LINE - 1))?;
            terminal.rest(Duration::from_millis(100))?;
            if !echoed(terminal.screen(), 'x') {
                bail!("the line is not empty after backspaces:\n{}", terminal.screen().contents());
            }
            on_line = 1;
        }
        let (row, column) = terminal.screen().cursor_position();
        let typed = terminal.type_keys(&letter.to_string())?;
        let shown = terminal.wait("a key's echo", PATIENCE, |screen| {
            screen.cursor_position() == (row, column + 1) && echoed(screen, letter)
        })?;
        times.push(milliseconds(shown.duration_since(typed)));
        on_line += 1;
        terminal.rest(BETWEEN_KEYS)?;
    }
    Ok(times)
}

/// What the program holds at rest, and what it did in some seconds in which nothing happened; with a text to wait
/// for, after its first letter was sent as a prompt and answered.
pub(super) fn idle(subject: &Subject, answer: Option<&str>, seconds: u64) -> Result<Usage> {
    let mut terminal = at_rest(subject)?;
    if let Some(answer) = answer {
        terminal.type_keys("\r")?;
        terminal.wait("an answer", PATIENCE, |screen| screen.contents().contains(answer))?;
    }
    terminal.rest(Duration::from_secs(1))?;
    let before = usage(terminal.pid()?)?;
    std::thread::sleep(Duration::from_secs(seconds));
    let after = usage(terminal.pid()?)?;
    Ok(Usage {
        switches: after.switches - before.switches,
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        ..after
    })
}

/// Seconds until a stream is shown whole, and seconds of processor time that it took.
pub(super) fn stream(subject: &Subject, last_words: &str) -> Result<(f64, f64)> {
    let mut terminal = at_rest(subject)?;
    let before = usage(terminal.pid()?)?;
    let sent = terminal.type_keys("\r")?;
    let shown =
        terminal.wait("the end of the stream", PATIENCE, |screen| screen.contents().contains(last_words))?;
    terminal.rest(Duration::from_millis(300))?;
    let after = usage(terminal.pid()?)?;
    Ok((shown.duration_since(sent).as_secs_f64(), after.cpu_seconds - before.cpu_seconds))
}

/// Milliseconds that a whole run without a terminal takes.
pub(super) fn headless(program: &Path, home: &Path, arguments: &[&str]) -> Result<f64> {
    let begun = Instant::now();
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment(home))
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let taken = begun.elapsed();
    if !output.status.success() {
        bail!(
            "`purlin {}` ended with {}: {}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(milliseconds(taken))
}

/// Starts a program, types its first letter and lets it come to rest.
fn at_rest(subject: &Subject) -> Result<Terminal> {
    let mut terminal = subject.start('x')?;
    terminal.wait("the first key's echo", PATIENCE, |screen| echoed(screen, 'x'))?;
    terminal.rest(Duration::from_millis(300))?;
    if let Some(text) = &subject.shows
        && !terminal.screen().contents().contains(text)
    {
        bail!("the screen does not show `{text}`:\n{}", terminal.screen().contents());
    }
    Ok(terminal)
}

/// Whether the letter stands directly before the cursor.
fn echoed(screen: &vt100::Screen, letter: char) -> bool {
    let (row, column) = screen.cursor_position();
    let Some(before) = column.checked_sub(1) else { return false };
    let mut buffer = [0; 4];
    screen.cell(row, before).is_some_and(|cell| cell.contents() == letter.encode_utf8(&mut buffer))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
