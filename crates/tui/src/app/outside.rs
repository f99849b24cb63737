//! A program that has the terminal while the loop goes on: nothing is drawn, and what is typed is the program's.

use purlin_kernel::{ExtId, Level};
use tokio::process::{Child, Command};

use super::surface::Surface;
use crate::{screen::Outside, terminal::TerminalError};

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
    pub(super) fn hand_over(&mut self) {
        let Some(outside) = self.screen.take_outside() else { return };
        if self.outside.is_some() {
            return;
        }
        self.terminal.leave();
        // In the terminal's foreground group, so that its keys reach it.
        let started = Command::new("sh")
            .arg("-c")
            .arg(format!("{} \"$1\"", outside.command))
            .arg("sh")
            .arg(outside.file.path())
            .spawn();
        match started {
            Ok(child) => self.outside = Some(Running { child, outside }),
            Err(error) => {
                let message = format!("`{}` could not be started: {error}.", outside.command);
                self.kernel.ui().notify(ExtId::CORE, message, Level::Error);
                self.encoder.forget();
                if let Err(error) = self.terminal.reenter() {
                    tracing::error!(%error, "the terminal could not be taken back");
                }
            }
        }
    }

    /// Takes the terminal back.
    pub(super) fn take_back(&mut self, well: bool) -> Result<(), TerminalError> {
        let Some(Running { outside, .. }) = self.outside.take() else { return Ok(()) };
        self.back()?;
        let Outside { command, file, then } = outside;
        if well {
            then(&self.screen, file.path());
        } else {
            let message = format!("`{command}` did not end well; nothing was taken from it.");
            self.kernel.ui().notify(ExtId::CORE, message, Level::Warn);
        }
        Ok(())
    }
}
