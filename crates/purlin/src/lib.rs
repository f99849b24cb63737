//! Purlin: the facade that other programs embed, and what the `purlin` binary is made of.
//!
//! This crate is the only one that knows all the others. It reads the command line and the configuration, opens a
//! session's store, starts the runtime agent on its own thread, and lets a surface (the full-screen terminal, or the
//! headless run of `-p`) commit to and watch that store. It holds no logic that a floor below could hold.
//!
//! * [`args`]: the command line, parsed into a [`args::Request`].
//! * [`config`]: the layers of configuration, every setting declared once.
//! * [`report`]: what a person reads when something fails.
//!
//! The principal entry is [`run`], which carries out a request and answers the exit code.

pub mod args;
pub mod config;
pub mod drafts;
pub mod extensions;
pub mod headless;
pub mod report;
pub mod show;
