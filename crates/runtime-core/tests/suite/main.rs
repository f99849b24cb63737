//! The runtime agent's behaviours on a virtual clock, named after the rows of `contracts/runtime.md`.
//!
//! The same tests run natively and, by `cargo xtask wasm`, as wasm under Node: no clock, thread or file is used.
//!
//! | rows | about | file |
//! |---|---|---|
//! | 1 to 7, 13 to 19, 83 | start and end of an agent, its callbacks, its store | `lifecycle` |
//! | 8 to 12 | renewals and health | `renewal` |
//! | 20 to 26, 29 to 31, 38 to 41, 44 | claiming and completing | `claim` |
//! | 6, 27, 28, 45 | claiming from a remote authority, simulated | `remote` |
//! | 32 to 37 | cancellation | `cancel` |
//! | 42, 43 | what dead sessions leave behind | `loss` |
//! | 46 to 52, 62 | streams of text | `stream` |
//! | 53 to 61, 63, 64 | other outputs | `output` |
//! | 99, 100 | approval of tool calls | `approval` |
//! | Claiming 5 | what comes late is dropped | `fence` |
//! | | who holds a lane | `lanes` |
//! | Ours 5 | a store that does not know our events | `known` |
//! | | a store that fails | `faults` |
//! | | any order of everything, by seed | `interleaving` |

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approval;
mod cancel;
mod claim;
mod faults;
mod fence;
mod interleaving;
mod known;
mod lanes;
mod lifecycle;
mod loss;
mod media;
mod output;
mod progress;
mod remote;
mod renewal;
mod stream;
mod support;
