//! The transcript in a pager, the composer's text in an editor: programs that have the terminal for a while.

use std::{fs, io, path::Path, rc::Rc};

use purlin_kernel::{CommandSpec, ExtId, Level};

use super::Screen;
use crate::{
    app::Outside,
    composer::COMPOSER,
    transcript::{TRANSCRIPT, plain},
};

/// An edited prompt of more bytes is not taken back.
const LONGEST: u64 = 4 << 20;

/// Answers the first of these variables that says something, else a program that every system has.
fn program(names: &[&str], otherwise: &str) -> String {
    let said = names.iter().filter_map(|name| std::env::var(name).ok());
    said.map(|value| value.trim().to_owned()).find(|value| !value.is_empty()).unwrap_or(otherwise.to_owned())
}

impl Screen {
    /// Registers `/transcript`.
    pub(super) fn register_open(&self) {
        let weak = Rc::downgrade(&self.0);
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
        let weak = Rc::downgrade(&self.0);
        let then = move |file: &Path| {
            if let Some(parts) = weak.upgrade() {
                then(&Screen(parts), file);
            }
        };
        match Outside::with_file(command, ending, text, then) {
            Ok(outside) => {
                *self.0.outside.borrow_mut() = Some(outside);
                // The loop looks for it when something is to be drawn.
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
