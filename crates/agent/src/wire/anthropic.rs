//! Anthropic Messages, streamed.
//!
//! Thinking blocks are kept as received (signature included) and sent back verbatim; cache marks stand on the system
//! prompt and on the last user turn, so that each request reads what the previous one wrote.

mod decode;
mod encode;

pub use decode::Decoder;
pub use encode::encode;

/// Name of this wire in stored opaque items and hooks.
pub const API: &str = "anthropic-messages";
