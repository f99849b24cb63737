//! The `purlin` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(purlin::run(std::env::args_os()))
}
