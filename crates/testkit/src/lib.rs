//! What tests and demonstrations need and the product does not.
//!
//! * [`ModelServer`]: a local HTTP server that streams both wire formats from a scripted TOML file, and fails as real
//!   ones do: refused keys, rate limits, broken streams, garbage.
//! * [`Pty`]: a program in a pseudo-terminal with a terminal emulator on the other side; waits are for what the
//!   screen shows, never for time.
//! * [`Home`]: throw-away directories and an environment that names only them.
//!
//! Nothing here is part of the product, and nothing of the product depends on it outside its tests.
//!
//! ```no_run
//! use purlin_testkit::{ModelServer, Script};
//! let server = ModelServer::start(Script::saying("Hello.")).unwrap();
//! println!("base_url = {}", server.url());
//! ```
#![allow(clippy::expect_used, reason = "a test that cannot be set up should say so at once")]

mod home;
mod model_server;
mod pty;
mod run;
mod script;

pub use home::Home;
pub use model_server::{ModelServer, Received};
pub use pty::{Ended, PATIENCE, Pty, quit};
pub use run::{Run, files, signal};
pub use script::{Failure, Headers, Script, ToolCall, Turn};
pub use {rustix::process::Signal, vt100::Screen};
