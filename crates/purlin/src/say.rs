//! Messages on standard error, which belongs to them; standard output belongs to answers.
#![allow(
    clippy::print_stderr,
    reason = "this is the one place that talks to the person outside of the terminal"
)]

use std::fmt::Display;

use purlin_kernel::text::visible;

/// Says what failed. A server's words may be part of it: what they hold must not act on the terminal.
pub fn error(message: impl Display) {
    eprintln!("purlin: {}", visible(&message.to_string()));
}

/// Says what the person should know.
pub fn warning(message: &str) {
    eprintln!("purlin: {}", visible(message));
}

/// Prints what was asked for on standard output.
pub fn print(text: &str) {
    // A reader that has left has read what it wanted.
    drop(std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()));
}

/// Says something without the program's name before it.
pub fn plain(message: &str) {
    eprintln!("{}", visible(message));
}

/// Asks something; the answer is typed behind it.
pub fn ask(question: &str) {
    eprint!("{}", visible(question));
}

/// Says how far something has come, in place of what was said before; empty wipes it out.
pub fn progress(message: &str) {
    eprint!("\r\x1b[K{}", visible(message));
}
