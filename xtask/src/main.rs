//! Developer commands of Purlin: `cargo xtask <command>`.
//!
//! Every check that CI makes is a command here, so that a person sees the same result on their own machine.
//! Nothing in this crate is part of the product, and no crate of the product depends on it.
//!
//! | command | what it does |
//! |---|---|
//! | `test` | installs what the tests need and runs all of them: native, wasm, documentation |
//! | `ci` | formatting, layers, tidy, clippy with warnings denied, then `test` |
//! | `layers` | compares the workspace's dependencies with the architecture's table |
//! | `tidy` | holds the written rules that no lint knows: sizes, names, comments |
//! | `wasm` | checks the portable crates for `wasm32-unknown-unknown` and runs their suite under Node |
//! | `docs` | runs the commands, parses the configuration and loads the Lua that the documentation shows |
//! | `reference` | makes `docs/lua/reference` and `docs/lua/stubs` from the declarations of hooks and Lua functions |
//! | `picture` | runs the program in a pseudo-terminal and draws its screens into the pictures of `docs` |
//! | `bench` | measures the release build beside `nvim` and writes the table of `docs/bench.md` |
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks on its standard streams"
)]

mod bench;
mod ci;
mod docs;
mod layers;
mod needs;
mod picture;
mod terminal;
mod tidy;
mod wasm;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use workspace::Workspace;

const USAGE: &str = "usage: cargo xtask <command>

  test     install what the tests need, then run all of them
  ci       everything that CI checks: formatting, layers, tidy, clippy, test
  layers   check the dependencies between crates against the architecture
  tidy     check sizes, names and comments of the sources
  wasm     check the portable crates for wasm and run their suite under Node
  docs     run, parse and load the snippets of README, docs/ and examples/
  reference  make docs/lua/reference and docs/lua/stubs from the declarations of hooks and Lua functions
  picture  run the program in a pseudo-terminal and draw its screens into the pictures of docs
  bench    measure the release build beside nvim; writes docs/bench.md
           (--print: only print; --only NAME: one group of rows; --quick: fewer runs)";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = if arguments.is_empty() { String::new() } else { arguments.remove(0) };
    match dispatch(&command, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &str, arguments: &[String]) -> Result<()> {
    let workspace = Workspace::locate()?;
    match command {
        "test" => ci::test(&workspace),
        "ci" => ci::ci(&workspace),
        "layers" => layers::check(&workspace),
        "tidy" => tidy::check(&workspace),
        "wasm" => wasm::check(&workspace),
        "docs" => docs::check(&workspace),
        "bench" => bench::run(&workspace, arguments),
        "picture" => picture::take(&workspace),
        "reference" => docs::write_reference(&workspace),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("there is no command `{command}`\n{USAGE}"),
    }
}
