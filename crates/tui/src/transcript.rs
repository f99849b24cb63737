//! transcript
pub mod cache;
pub mod look;
