//! Behaviours of the kernel, on a fake host with virtual time.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod asking;
mod dialogs;
mod dispatch;
mod editing;
mod extensions;
mod frames;
mod generations;
mod guarding;
mod host;
mod keeping;
mod keymaps;
mod layouts;
mod marks;
mod ports;
mod raising;
mod timers;
mod transactions;
mod windows;
