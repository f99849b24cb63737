//! Messages on standard error, which belongs to them; standard output belongs to answers.
#![allow(
    clippy::print_stderr,
    reason = "this is the one place that talks to the person outside of the terminal"
)]

use std::fmt::Display;

/// Says what failed.
pub fn error(message: impl Display) {
    eprintln!("purlin: {message}");
}

/// Says what the person should know.
pub fn warning(message: &str) {
    eprintln!("purlin: {message}");
}
