//! What extensions written in Lua can rely on, run from Lua sources against a kernel with a
//! virtual clock.

mod api;
mod bench;
mod dispatch;
mod examples;
mod guard;
mod libs;
mod loading;
mod tools;
mod vim_mode;
mod world;
