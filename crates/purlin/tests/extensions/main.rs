//! What stands around extensions in the program: configuration, state, reload, diagnostics, Lua that is typed.

mod config;
mod looking;
mod lua;
mod notes;
mod order;
mod reload;
mod state;

use std::path::Path;
use std::time::Duration;

pub use purlin_testkit::quit;
use purlin_testkit::{Home, Pty};

/// The program.
pub const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

/// Starts the terminal and waits for its first frame.
pub fn open(home: &Home, arguments: &[&str]) -> Pty {
    let pty = Pty::spawn(PURLIN, arguments, home, 24, 160);
    pty.wait_text("›");
    pty
}

/// Starts the terminal with one extension.
pub fn open_with(home: &Home, extension: &Path) -> Pty {
    open(home, &["-e", &extension.display().to_string()])
}

/// Runs a slash command.
pub fn command(pty: &Pty, line: &str) {
    pty.send(&format!("{line}\r"));
}

/// Types into the dialog on which this text stands, until it is gone: one that opens behind a key waits until nothing was
/// typed for half a second.
pub fn answer(pty: &Pty, keys: &str, text: &str) {
    for _ in 0..20 {
        pty.send(keys);
        if pty.wait_within(Duration::from_millis(900), |screen| !screen.contents().contains(text)) {
            return;
        }
    }
    panic!("{text:?} does not leave:\n{}", pty.dump());
}

/// Closes the dialog on which this text stands.
pub fn escape(pty: &Pty, text: &str) {
    answer(pty, "\x1b", text);
}

/// Runs without a terminal; code, standard output and standard error.
pub fn run(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    let output = home.command(PURLIN).args(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}
