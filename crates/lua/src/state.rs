//! Making an interpreter: libraries, limits, the interrupt, the `purlin` module.

use std::rc::Rc;

use mlua::{Lua, LuaOptions, StdLib, VmState};

use crate::api;
use crate::env::Env;
use crate::fault::{self, Overdue};
use crate::libs;
use crate::view::Views;

/// Makes the state of one extension, ready to run its entry file.
pub(crate) fn create(env: &Rc<Env>, memory_limit: usize) -> mlua::Result<Lua> {
    // The interpreter's own `pcall` can wait, which one that lets panics through could not; the
    // glue's `pcall` hands a panic on to the guard.
    let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::new().catch_rust_panics(true))?;
    env.attach(&lua);
    let glue = libs::install(&lua, env)?;
    env.set_glue(&glue);
    env.events.install(&lua, &glue, env)?;
    env.set_views(Views::new(&lua, &glue, env, api::buffer_field, api::window_field)?);
    api::install(&lua, env, &glue)?;
    // What was needed only to get here makes room for the extension.
    lua.gc_collect()?;
    lua.set_memory_limit(memory_limit)?;
    let watched = Rc::clone(env);
    lua.set_interrupt(move |lua| {
        if watched.is_overdue() {
            return Err(mlua::Error::external(Overdue { place: fault::caller(lua) }));
        }
        if memory_limit > 0 && lua.used_memory() > memory_limit / 2 {
            *watched.crowded.borrow_mut() = fault::caller(lua);
        }
        Ok(VmState::Continue)
    });
    Ok(lua)
}
