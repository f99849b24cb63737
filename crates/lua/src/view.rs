//! Buffers and windows as tables whose fields are read when they are used.

use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, LuaString, Table, Value};

use crate::env::{Env, unmetered};

/// Reads one field of a named thing.
pub(crate) type ReadField = fn(&Lua, &Env, &str, &str) -> mlua::Result<Value>;

/// The metatables that all views of one state share.
pub(crate) struct Views {
    buffer: Table,
    window: Table,
    /// The key under which a view keeps its name.
    name: LuaString,
}

impl Views {
    pub(crate) fn new(
        lua: &Lua,
        glue: &Table,
        env: &Rc<Env>,
        buffer: ReadField,
        window: ReadField,
    ) -> mlua::Result<Self> {
        let name = lua.create_string("name")?;
        Ok(Self { buffer: meta(lua, glue, env, buffer)?, window: meta(lua, glue, env, window)?, name })
    }

    /// A buffer as it is when its fields are read.
    pub(crate) fn buffer(&self, lua: &Lua, name: impl IntoLua) -> mlua::Result<Table> {
        self.view(lua, &self.buffer, name)
    }

    /// A window as it is when its fields are read.
    pub(crate) fn window(&self, lua: &Lua, name: impl IntoLua) -> mlua::Result<Table> {
        self.view(lua, &self.window, name)
    }

    fn view(&self, lua: &Lua, meta: &Table, name: impl IntoLua) -> mlua::Result<Table> {
        unmetered(lua, || {
            let table = lua.create_table_with_capacity(0, 1)?;
            table.raw_set(&self.name, name)?;
            table.set_metatable(Some(meta.clone()))?;
            Ok(table)
        })
    }
}

fn meta(lua: &Lua, glue: &Table, env: &Rc<Env>, read: ReadField) -> mlua::Result<Table> {
    let env = Rc::clone(env);
    let fetch =
        lua.create_function(move |lua, (name, field): (String, String)| read(lua, &env, &name, &field))?;
    glue.raw_get::<Function>("view_meta")?.call(fetch)
}
