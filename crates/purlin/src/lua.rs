//! Lua that a person types: cells of kind `lua`, and `purlin lua FILE`.

mod file;
mod lane;

pub use file::run;
pub use lane::{LuaHandler, serve};
