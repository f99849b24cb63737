//! An empty home in which one snippet runs, with the built `purlin` on the path and no network configured.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result, bail};

use super::session;
use crate::workspace::Workspace;

static STAGES: AtomicUsize = AtomicUsize::new(0);

/// A folder of its own, removed at the end.
pub(super) struct Stage {
    folder: PathBuf,
    path: OsString,
    /// Where the built programs are.
    programs: PathBuf,
}

impl Stage {
    pub(super) fn new(workspace: &Workspace) -> Result<Self> {
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("purlin-docs-{}-{number}", std::process::id()));
        std::fs::create_dir_all(folder.join("home")).context("cannot make a folder for a snippet")?;
        let built = workspace.target().join("debug");
        let mut path = built.clone().into_os_string();
        path.push(":");
        path.push(built.join("examples"));
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        Ok(Self { folder, path, programs: built })
    }

    /// Runs a shell snippet.
    pub(super) fn shell(&self, text: &str) -> Result<()> {
        let mut command = self.command("bash");
        command.args(["-euo", "pipefail", "-c", text]);
        finish(&mut command).map(drop)
    }

    /// Runs once with a configuration file.
    pub(super) fn configuration(&self, text: &str) -> Result<()> {
        let file = self.write("config.toml", text)?;
        let mut command = self.purlin();
        command.arg("--config").arg(file).args(["--model", "echo"]);
        quiet(&mut command)
    }

    /// Plays a scripted model's first turn.
    pub(super) fn script(&self, text: &str) -> Result<()> {
        let file = self.write("script.toml", text)?;
        let mut command = self.purlin();
        command.arg("--model").arg(format!("script:{}", file.display()));
        finish(&mut command).map(drop)
    }

    /// Loads an extension from its text.
    pub(super) fn extension(&self, text: &str) -> Result<()> {
        let file = self.write("snippet.lua", text)?;
        self.extension_at(&file)
    }

    /// Loads an extension from its text, or with this text at its end, and keeps it under a name.
    pub(super) fn extension_named(&self, name: &str, text: &str, more: bool) -> Result<()> {
        let before =
            if more { std::fs::read_to_string(self.folder.join(name))? + "\n" } else { String::new() };
        let file = self.write(name, &(before + text))?;
        self.extension_at(&file)
    }

    /// Plays a session in a terminal.
    pub(super) fn session(&self, text: &str) -> Result<()> {
        session::play(text, &self.programs, &self.folder)
    }

    /// Loads an extension from its file.
    pub(super) fn extension_at(&self, file: &Path) -> Result<()> {
        let mut command = self.purlin();
        command.arg("-e").arg(file);
        quiet(&mut command)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap_or(&self.folder))?;
        std::fs::write(&file, text)?;
        Ok(file)
    }

    fn purlin(&self) -> Command {
        let mut command = self.command("purlin");
        command.args(["-p", "hello", "--no-session"]);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.folder).stdin(Stdio::null());
        command.env("HOME", self.folder.join("home")).env("PATH", &self.path).env("TERM", "xterm-256color");
        command
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A folder that cannot be removed is the temporary folder's business.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn finish(command: &mut Command) -> Result<Output> {
    let output =
        command.output().with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("ends with {} after: {}", output.status, said.trim());
    }
    Ok(output)
}

/// Runs a command that must succeed and have nothing to complain of.
fn quiet(command: &mut Command) -> Result<()> {
    let output = finish(command)?;
    if !output.stderr.is_empty() {
        bail!("complains: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
