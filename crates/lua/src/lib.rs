//! Extensions written in Lua: the adapter between the kernel and one interpreter per extension.
//!
//! [`LuaExtension`] is what a host uses: it finds an extension on disk and, as a
//! [`purlin_kernel::Extension`], loads it into a Luau state of its own with the standard library
//! open, the `purlin` module, a memory limit and an interrupt. Everything the module exposes
//! exists in the kernel or in `purlin_agent` first; this crate has no behaviour of its own.
//!
//! Each Lua function is declared once, as an [`ApiFn`], with its implementation beside the
//! declaration. The argument checks, the wrong-argument tests, the reference and the editor stubs
//! are made from [`functions`].
//!
//! Invariants:
//! - Lua runs on the kernel's thread only, and only inside a stretch of the kernel's guard.
//! - What waits is a coroutine driven by the kernel's host; a place that cannot wait says so.
//! - [`WatchdogThread`] only publishes the time; the interpreter stops itself, at a deadline, even
//!   inside `pcall`, a coroutine or a pattern match.
//! - Errors carry file and line of the author's source, never of this crate's.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let kernel: purlin_kernel::Kernel = unimplemented!();
//! for extension in purlin_lua::LuaExtension::all_from_path("hello.lua")? {
//!     kernel.ext().load(Box::new(extension))?;
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod api;
mod compat;
mod convert;
mod discover;
mod env;
mod eval;
mod event;
mod extension;
mod fault;
mod handle;
mod hint;
mod inspect;
mod libs;
mod names;
mod spans;
mod state;
mod syntax;
mod view;
mod watchdog;

pub use api::{
    ApiFn, Method, Need, Opt, Param, Run, SHAPES, Shape, ShapeField, Ty, describe, find, functions,
};
pub use discover::{Looked, PathError};
pub use eval::{Evaluator, LUA_SERVICE};
pub use extension::LuaExtension;
pub use syntax::syntax;
pub use watchdog::WatchdogThread;

/// The level of the Lua API; it rises when a function is added.
pub const API_LEVEL: u32 = 1;
