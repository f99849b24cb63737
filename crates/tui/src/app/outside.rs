//! A program that has the terminal while the loop goes on: nothing is drawn, and what is typed is the program's.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use purlin_kernel::{ExtId, Level};
use tokio::process::{Child, Command};

use super::surface::Surface;
use crate::terminal::TerminalError;

/// A program that shall have the terminal, and what is done when it has ended.
pub struct Outside {
    /// A command line for `sh`.
    command: String,
    /// The file it opens, if one was made for it.
    file: Option<Opened>,
}

/// A file that was made for a program, and what is done with it when the program has ended well.
struct Opened {
    file: Scratch,
    then: Box<dyn FnOnce(&Path)>,
}

/// A file that only its owner can read and that goes with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn write(ending: &str, text: &str) -> io::Result<Scratch> {
        let folder = std::env::temp_dir();
        for number in 0..100 {
            let path = folder.join(format!("purlin-{}-{number}.{ending}", std::process::id()));
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            match made {
                Ok(mut file) => {
                    let scratch = Scratch(path);
                    file.write_all(text.as_bytes())?;
                    return Ok(scratch);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // An editor may have moved it away.
        let _ = fs::remove_file(&self.0);
    }
}

impl Outside {
    /// Describes a program by a command line for `sh`.
    pub fn command(line: &str) -> Outside {
        Outside { command: line.to_owned(), file: None }
    }

    /// Describes a program that opens a text as a file, which is removed afterwards; `then` is called with the file when
    /// the program has ended well. It is an error when no file can be made.
    pub fn with_file(
        command: String,
        ending: &str,
        text: &str,
        then: impl FnOnce(&Path) + 'static,
    ) -> io::Result<Outside> {
        let opened = Opened { file: Scratch::write(ending, text)?, then: Box::new(then) };
        Ok(Outside { command, file: Some(opened) })
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new("sh");
        // In the terminal's foreground group, so that its keys reach it.
        match &self.file {
            Some(opened) => {
                command.arg("-c").arg(format!("{} \"$1\"", self.command)).arg("sh").arg(&opened.file.0)
            }
            None => command.arg("-c").arg(&self.command),
        };
        command.kill_on_drop(true).spawn()
    }
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The program that has the terminal.
pub(super) struct Running {
    child: Child,
    outside: Outside,
}

impl Running {
    /// Completes when the program has ended; answers whether it ended well.
    pub(super) async fn ended(&mut self) -> bool {
        // A program that cannot be waited for is over.
        self.child.wait().await.is_ok_and(|status| status.success())
    }
}

impl Surface {
    /// Hands the terminal to a program that somebody wants, if there is one.
    pub(super) fn hand_over(&mut self) -> Result<(), TerminalError> {
        let wanted = self.stage.take_outside().or_else(|| self.wishes.outside.take());
        let Some(outside) = wanted.filter(|_| self.outside.is_none()) else { return Ok(()) };
        self.terminal.leave();
        match outside.start() {
            Ok(child) => self.outside = Some(Running { child, outside }),
            Err(error) => {
                let message = format!("`{}` could not be started: {error}.", outside.command);
                self.kernel.ui().notify(ExtId::CORE, message, Level::Error);
                self.back()?;
            }
        }
        Ok(())
    }

    /// Takes the terminal back.
    pub(super) fn take_back(&mut self, well: bool) -> Result<(), TerminalError> {
        let Some(Running { outside, .. }) = self.outside.take() else { return Ok(()) };
        self.back()?;
        if !well {
            let message = format!("`{}` did not end well.", outside.command);
            self.kernel.ui().notify(ExtId::CORE, message, Level::Warn);
        } else if let Some(Opened { file, then }) = outside.file {
            then(&file.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_may_read_the_file_and_it_goes_with_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = Scratch::write("md", "a secret").expect("a temporary folder");
        let path = file.0.clone();
        assert_eq!(fs::read_to_string(&path).expect("readable"), "a secret");
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!path.exists());
    }
}
