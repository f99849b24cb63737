//! Which model: references, and what is known of well-known ones.

mod catalogue;
mod reference;

pub use catalogue::{ModelLimits, Price, ThinkingStyle};
pub use reference::{ModelRef, ModelRefError};
