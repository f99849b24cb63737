//! OpenAI Chat Completions, streamed, as spoken by many servers.
//!
//! What differs between servers stands in one table, [`Quirks`].

mod decode;
mod encode;
mod quirks;

pub use decode::Decoder;
pub use encode::encode;
pub use quirks::Quirks;

/// Name of this wire in stored opaque items and hooks.
pub const API: &str = "openai-chat";
