//! Buffers and windows as tables whose fields are read when they are used.

use std::rc::Rc;

use mlua::{Function, Lua, LuaString, Table, Value};

use crate::env::Env;

/// Reads one field of a named thing.
pub(crate) type ReadField = fn(&Lua, &Env, &str, &str) -> mlua::Result<Value>;

/// The metatables that all views of one state share.
pub(crate) struct Views {
    buffer: Table,
    window: Table,
}

impl Views {
    pub(crate) fn new(
        lua: &Lua,
        glue: &Table,
        env: &Rc<Env>,
        buffer: ReadField,
        window: ReadField,
    ) -> mlua::Result<Self> {
        Ok(Self { buffer: meta(lua, glue, env, buffer)?, window: meta(lua, glue, env, window)? })
    }

    /// A buffer as it is when its fields are read.
    pub(crate) fn buffer(&self, lua: &Lua, name: &str) -> mlua::Result<Table> {
        view(lua, &self.buffer, name)
    }

    /// A window as it is when its fields are read.
    pub(crate) fn window(&self, lua: &Lua, name: &str) -> mlua::Result<Table> {
        view(lua, &self.window, name)
    }
}

fn view(lua: &Lua, meta: &Table, name: &str) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("name", name)?;
    table.set_metatable(Some(meta.clone()))?;
    Ok(table)
}

fn meta(lua: &Lua, glue: &Table, env: &Rc<Env>, read: ReadField) -> mlua::Result<Table> {
    let env = Rc::clone(env);
    let fetch = lua.create_function(move |lua, (name, field): (LuaString, LuaString)| {
        read(lua, &env, &name.to_str()?, &field.to_str()?)
    })?;
    glue.raw_get::<Function>("view_meta")?.call(fetch)
}
