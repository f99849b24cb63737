//! What a reader is told to try: a session in a terminal, typed and looked at.
//!
//! ```text
//! $ purlin -e hello.lua
//! type  /hello Ann<enter>
//! see   Hello, Ann.
//! gone  /hello Ann
//! ```
//!
//! The first line is the command. `type` types; keys that are no characters stand in angle brackets: `<enter>`,
//! `<esc>`, `<tab>`, `<up>`, `<ctrl+t>`, `<alt+x>`, and `<lt>` for the bracket itself. `see` waits until the screen shows
//! a text, `gone` until it shows it no longer. `run` runs a shell command, as one would in another terminal.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use crate::terminal::{Size, Terminal};

/// What readers have on their desks.
const SCREEN: Size = Size::new(24, 80);
/// How long something may take to show; machines that build meanwhile are slow.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may be said before the screen is taken to be drawn.
const QUIET: Duration = Duration::from_millis(150);

/// One line of a session after the command.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Type(String),
    See(String),
    Gone(String),
    Run(String),
}

/// A session as a page tells it.
#[derive(Debug, PartialEq, Eq)]
struct Session {
    program: String,
    arguments: Vec<String>,
    steps: Vec<Step>,
}

/// Plays a session with the programs of a folder, at a home of its own.
pub(super) fn play(text: &str, programs: &Path, home: &Path) -> Result<()> {
    let session = parse(text)?;
    let arguments: Vec<&str> = session.arguments.iter().map(String::as_str).collect();
    let program = programs.join(&session.program);
    let mut terminal = Terminal::start(&program, &arguments, home, SCREEN, "")?;
    wait(&mut terminal, "the first frame", |screen| !screen.contents().trim().is_empty())?;
    for step in &session.steps {
        terminal.rest(QUIET)?;
        match step {
            Step::Type(keys) => {
                terminal.type_keys(keys)?;
            }
            Step::Run(command) => run(command, home)?,
            Step::See(text) => {
                wait(&mut terminal, &format!("`{text}` is seen"), |screen| shows(screen, text))?;
            }
            Step::Gone(text) => {
                wait(&mut terminal, &format!("`{text}` is gone"), |screen| !shows(screen, text))?;
            }
        }
    }
    Ok(())
}

fn run(command: &str, home: &Path) -> Result<()> {
    let status = Command::new("sh").args(["-c", command]).current_dir(home).status()?;
    if !status.success() {
        bail!("`{command}` ends with {status}");
    }
    Ok(())
}

fn wait(terminal: &mut Terminal, what: &str, done: impl Fn(&vt100::Screen) -> bool) -> Result<()> {
    if done(terminal.screen()) {
        return Ok(());
    }
    terminal.wait(what, PATIENCE, done).map(drop)
}

/// Whether a row of the screen has a text; how many blanks are between its words does not matter.
fn shows(screen: &vt100::Screen, text: &str) -> bool {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).any(|row| words(&row).contains(text))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parse(text: &str) -> Result<Session> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let command = lines.next().and_then(|line| line.strip_prefix("$ "));
    let mut command = command.context("its first line is no command: `$ purlin …`")?.split_whitespace();
    let program = command.next().unwrap_or_default().to_owned();
    let arguments = command.map(str::to_owned).collect();
    let steps = lines.map(|line| {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "type" => Ok(Step::Type(keys(rest.trim_start())?)),
            "see" => Ok(Step::See(words(rest))),
            "gone" => Ok(Step::Gone(words(rest))),
            "run" => Ok(Step::Run(rest.trim_start().to_owned())),
            _ => bail!("`{line}` does not begin with `type`, `see`, `gone` or `run`"),
        }
    });
    Ok(Session { program, arguments, steps: steps.collect::<Result<_>>()? })
}

/// What a terminal sends for keys as they are written.
fn keys(written: &str) -> Result<String> {
    let mut sent = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').with_context(|| format!("`<{after}` has no end"))?;
        sent.push_str(before);
        sent.push_str(&key(name)?);
        rest = after;
    }
    sent.push_str(rest);
    Ok(sent)
}

fn key(name: &str) -> Result<String> {
    let control = name.strip_prefix("ctrl+").and_then(|key| key.chars().next());
    if let Some(letter) = control.filter(char::is_ascii_lowercase) {
        return Ok(char::from(letter as u8 - b'a' + 1).to_string());
    }
    if let Some(key) = name.strip_prefix("alt+") {
        return Ok(format!("\u{1b}{key}"));
    }
    Ok(match name {
        "enter" => "\r",
        "esc" => "\u{1b}",
        "tab" => "\t",
        "space" => " ",
        "backspace" => "\u{7f}",
        "up" => "\u{1b}[A",
        "down" => "\u{1b}[B",
        "right" => "\u{1b}[C",
        "left" => "\u{1b}[D",
        "lt" => "<",
        _ => bail!("`<{name}>` is no key that can be typed here"),
    }
    .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_command_and_what_is_typed_and_seen() {
        let parsed = parse("$ purlin -e a.lua\ntype  /a b<enter>\nsee   two   words\n\ngone x\nrun   ls")
            .expect("a session");
        let expected = Session {
            program: "purlin".into(),
            arguments: vec!["-e".into(), "a.lua".into()],
            steps: vec![
                Step::Type("/a b\r".into()),
                Step::See("two words".into()),
                Step::Gone("x".into()),
                Step::Run("ls".into()),
            ],
        };
        assert_eq!(parsed, expected);
        for wrong in ["purlin", "", "$ purlin\nclick here", "$ purlin\ntype <hyper>", "$ purlin\ntype <enter"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_what_a_terminal_sends() {
        let check = |written: &str, sent: &str| assert_eq!(keys(written).expect("keys"), sent, "{written}");
        check("a<lt>b<ctrl+t><alt+x>", "a<b\u{14}\u{1b}x");
        check("<up><esc>", "\u{1b}[A\u{1b}");
    }
}
