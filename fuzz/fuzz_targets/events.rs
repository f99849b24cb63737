//! Event decoding: whatever stands in a log is read, written and applied without a panic, and reads back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/notebook/tests/support/decoding.rs"]
mod decoding;

fuzz_target!(|bytes: &[u8]| decoding::check(bytes));
