//! What is measured: our program and the editor it is compared with, driven the same way.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::terminal::{Size, Terminal};

/// The screen of every measurement.
const SCREEN: Size = Size::new(40, 120);

/// A program that echoes what is typed.
pub(super) struct Subject {
    program: PathBuf,
    arguments: Vec<String>,
    home: PathBuf,
    /// What must be typed before a letter is text.
    to_typing: &'static str,
    /// What its screen shows once it is what is meant to be measured.
    pub(super) shows: Option<String>,
}

impl Subject {
    /// The editor, empty or with a file.
    pub(super) fn nvim(home: &Path, file: Option<&Path>) -> Self {
        let mut arguments = vec!["--clean".to_owned()];
        arguments.extend(file.map(|file| file.display().to_string()));
        // With a file, typing goes to a new line at its end, where an agent's composer is.
        let to_typing = if file.is_some() { "Go" } else { "i" };
        Self { program: "nvim".into(), arguments, home: home.into(), to_typing, shows: None }
    }

    /// Our program with the given arguments.
    pub(super) fn purlin(program: &Path, home: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { program: program.into(), arguments, home: home.into(), to_typing: "", shows: None }
    }

    /// Says what must be on its screen before anything is measured.
    pub(super) fn showing(mut self, text: &str) -> Self {
        self.shows = Some(text.to_owned());
        self
    }

    /// Starts it with one letter typed ahead.
    pub(super) fn start(&self, letter: char) -> Result<Terminal> {
        // An editor that was killed asks about the file it left; that question is not what is measured.
        let left = self.home.join("data/nvim/swap");
        if left.is_dir() {
            std::fs::remove_dir_all(left)?;
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let keys = format!("{}{letter}", self.to_typing);
        Terminal::start(&self.program, &arguments, &self.home, SCREEN, &keys)
    }
}
