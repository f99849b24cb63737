//! The runtime agent's behaviours on a virtual clock, named after the rows of `contracts/runtime.md`.
//!
//! The same tests run natively and, by `cargo xtask wasm`, as wasm under Node: no clock, thread or file is used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancel;
mod claim;
mod faults;
mod lanes;
mod lifecycle;
mod loss;
mod media;
mod output;
mod progress;
mod stream;
mod support;
