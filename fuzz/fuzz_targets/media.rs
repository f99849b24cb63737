//! Media bundles and what processes print: whatever a handler shows is committed in its form, bounded and complete.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/runtime-core/tests/support/shown.rs"]
mod shown;

fuzz_target!(|bytes: &[u8]| shown::check(bytes));
