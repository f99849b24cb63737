//! Opening: whatever lies where a notebook and its log should be is opened or refused without a panic and without a loss.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/runtime-native/tests/support/opening.rs"]
mod opening;

fuzz_target!(|bytes: &[u8]| opening::check_bytes(bytes));
