//! Lua that a person types: cells of kind `lua`, and `purlin lua FILE`.

mod file;
mod lane;

pub use file::run;
pub use lane::{LuaHandler, serve};

/// The name under which typed Lua is known to the guard, and of what it does there.
pub const NAME: &str = "lua";
