//! Serves a script as a model, on both wires, until it is stopped.
//!
//! `cargo run -p purlin-testkit --example model-server -- script.toml [ADDRESS]`, then for example
//! `OPENAI_API_KEY=x PURLIN_CONFIG=…` with `[providers.local] api = "openai-chat", base_url = "http://127.0.0.1:8080/v1"`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the person who starts it")]

use std::process::ExitCode;

use purlin_testkit::{ModelServer, Script};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: model-server SCRIPT.toml [ADDRESS]");
        return ExitCode::from(2);
    };
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = std::fs::read_to_string(&file)
        .map_err(|error| error.to_string())
        .and_then(|text| Script::parse(&text))
        .and_then(|script| ModelServer::bind(script, &address).map_err(|error| error.to_string()));
    match server {
        Ok(server) => {
            println!("anthropic    base_url = \"{}\"", server.url());
            println!("openai-chat  base_url = \"{}\"", server.url_v1());
            server.wait();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}
