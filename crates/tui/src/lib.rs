//! The terminal surface.

pub mod composer;
pub mod encode;
pub mod history;
pub mod terminal;
pub mod transcript;
