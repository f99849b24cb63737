//! The transcript in a pager, the composer's text in an editor: programs that have the terminal for a while.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use purlin_kernel::{CommandSpec, ExtId, Level};

use super::Screen;
use crate::{
    composer::COMPOSER,
    transcript::{TRANSCRIPT, plain},
};

/// An edited prompt of more bytes is not taken back.
const LONGEST: u64 = 4 << 20;

/// A program that shall have the terminal, and what is done when it has ended.
pub(crate) struct Outside {
    /// A command line for `sh`, which is given the file as its first argument.
    pub(crate) command: String,
    /// The file it opens; removed when it has ended.
    pub(crate) file: Scratch,
    /// Called with the file when the program has ended well.
    pub(crate) then: Box<dyn FnOnce(&Screen, &Path)>,
}

/// A file that only its owner can read and that goes with this value.
pub(crate) struct Scratch(PathBuf);

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

    /// Answers where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // An editor may have moved it away.
        let _ = fs::remove_file(&self.0);
    }
}

/// Answers the first of these variables that says something, else a program that every system has.
fn program(names: &[&str], otherwise: &str) -> String {
    let said = names.iter().filter_map(|name| std::env::var(name).ok());
    said.map(|value| value.trim().to_owned()).find(|value| !value.is_empty()).unwrap_or(otherwise.to_owned())
}

impl Screen {
    /// Registers `/transcript`.
    pub(super) fn register_open(&self) {
        let weak = std::rc::Rc::downgrade(&self.0);
        let spec = CommandSpec::new("transcript", "Opens the transcript in `$PAGER`.", move |_| {
            if let Some(parts) = weak.upgrade() {
                Screen(parts).open_transcript(false);
            }
            Box::pin(std::future::ready(Ok(None)))
        });
        self.0.kernel.command().create(ExtId::CORE, spec);
    }

    /// Opens the transcript in a pager, or in an editor.
    pub(super) fn open_transcript(&self, editor: bool) {
        let text = plain::text(&self.0.kernel, TRANSCRIPT);
        if text.is_empty() {
            self.0.kernel.ui().notify(ExtId::CORE, "The transcript is empty.", Level::Info);
            return;
        }
        let command = if editor {
            program(&["VISUAL", "EDITOR"], "vi")
        } else {
            // Without the second a short transcript would be gone before it is seen.
            program(&["PAGER"], "less -R")
        };
        self.open(command, "md", &text, |_, _| {});
    }

    /// Opens the composer's text in an editor and takes back what it saves.
    pub(super) fn edit_composer(&self) {
        let text = self.0.kernel.buf().text(COMPOSER);
        self.open(program(&["VISUAL", "EDITOR"], "vi"), "md", &text, |screen, file| {
            let kernel = &screen.0.kernel;
            match read(file) {
                Ok(edited) => kernel.buf().set_text(COMPOSER, edited.trim_end()),
                Err(error) => {
                    let message =
                        format!("The edited prompt could not be read: {error}. The composer is as it was.");
                    kernel.ui().notify(ExtId::CORE, message, Level::Error);
                    true
                }
            };
        });
    }

    fn open(&self, command: String, ending: &str, text: &str, then: impl FnOnce(&Screen, &Path) + 'static) {
        match Scratch::write(ending, text) {
            Ok(file) => {
                let outside = Outside { command, file, then: Box::new(then) };
                *self.0.outside.borrow_mut() = Some(outside);
                // The loop looks at its wishes when something is to be drawn.
                self.0.kernel.win().mark_dirty(COMPOSER);
            }
            Err(error) => {
                let folder = std::env::temp_dir();
                let message = format!(
                    "No file could be made in `{}` ({error}). Set `TMPDIR` to a folder that can be written.",
                    folder.display()
                );
                self.0.kernel.ui().notify(ExtId::CORE, message, Level::Error);
            }
        }
    }
}

fn read(file: &Path) -> io::Result<String> {
    if fs::metadata(file)?.len() > LONGEST {
        return Err(io::Error::other("it has more than 4 MiB"));
    }
    fs::read_to_string(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_may_read_the_file_and_it_goes_with_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = Scratch::write("md", "a secret").expect("a temporary folder");
        let path = file.path().to_owned();
        assert_eq!(fs::read_to_string(&path).expect("readable"), "a secret");
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!path.exists());
    }
}
