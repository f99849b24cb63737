//! What extensions written in Lua can rely on, run from Lua sources against a kernel with a
//! virtual clock.

mod api;
mod asking;
mod bounds;
mod compat;
mod contract;
mod conventions;
mod dispatch;
mod evaluating;
mod examples;
mod guard;
mod keeping;
mod librecode;
mod libs;
mod loading;
mod marks;
mod tools;
mod vim_mode;
mod windows;
mod world;
