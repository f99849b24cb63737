//! The terminal surface.

pub mod encode;
