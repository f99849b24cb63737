//! A buffer as a table: read field by field when it is used.

use std::rc::Rc;

use mlua::{Function, Lua, LuaString, Table, Value};
use purlin_kernel::Buffer;

use super::super::call::Call;
use super::blocks::{block_json, block_list};
use crate::convert;
use crate::env::Env;
use crate::fault;

/// A view whose `text`, `cursor` and the like can be set, as `ev.composer` has it.
pub(crate) fn live(lua: &Lua, env: &Rc<Env>, name: &str) -> mlua::Result<Table> {
    let (reader, read_name) = (Rc::clone(env), name.to_owned());
    let fetch =
        lua.create_function(move |lua, field: LuaString| read(lua, &reader, &read_name, &field.to_str()?))?;
    let (setter, set_name) = (Rc::clone(env), name.to_owned());
    let store = lua.create_function(move |lua, (field, value): (LuaString, Value)| {
        write(lua, &setter, &set_name, &field.to_str()?, &value)
    })?;
    env.glue()?.raw_get::<Function>("live")?.call((fetch, store))
}

/// One field of a buffer.
pub(crate) fn read(lua: &Lua, env: &Env, name: &str, field: &str) -> mlua::Result<Value> {
    let Some(kernel) = env.kernel() else { return Ok(Value::Nil) };
    let buffer = kernel.buf().get(name);
    let text = || buffer.as_deref().map(Buffer::text).unwrap_or_default();
    Ok(match field {
        "name" => Value::String(lua.create_string(name)?),
        "text" => Value::String(lua.create_string(text())?),
        "chars" => {
            let chars = lua.create_table()?;
            for c in text().chars() {
                env.spend(c.len_utf8()).map_err(|why| fault::raise(lua, &why))?;
                chars.raw_push(c.to_string())?;
            }
            Value::Table(chars)
        }
        "cursor" => Value::Integer(buffer.map_or(0, |buffer| buffer.cursor as i64)),
        "label" => Value::String(lua.create_string(buffer.as_deref().map_or("", |buffer| &buffer.label))?),
        "metadata" => match &buffer {
            Some(buffer) => Value::Table(convert::map_to_lua(lua, &buffer.metadata)?),
            None => Value::Table(lua.create_table()?),
        },
        "blocks" => {
            let list = lua.create_table()?;
            for block in kernel.buf().blocks(name, 0..usize::MAX) {
                list.raw_push(convert::to_lua(lua, &block_json(&block))?)?;
            }
            Value::Table(list)
        }
        "line_count" => Value::Integer(kernel.buf().line_count(name) as i64),
        "tick" => Value::Integer(kernel.buf().tick(name) as i64),
        _ => Value::Nil,
    })
}

fn write(lua: &Lua, env: &Env, name: &str, field: &str, value: &Value) -> mlua::Result<()> {
    let Some(kernel) = env.kernel() else { return Ok(()) };
    if !kernel.buf().exists(name) {
        kernel.buf().create(env.ext, name);
    }
    match (field, value) {
        ("text", value) => {
            let text =
                lua.coerce_string(value.clone())?.map(|text| text.to_string_lossy()).unwrap_or_default();
            kernel.buf().set_text(name, &text);
        }
        ("cursor", Value::Integer(cursor)) => {
            kernel.buf().set_cursor(name, (*cursor).max(0) as usize);
        }
        ("label", Value::String(label)) => {
            kernel.buf().set_label(name, &label.to_string_lossy());
        }
        ("metadata", Value::Table(metadata)) => {
            let map = convert::table_to_map(lua, metadata).map_err(|why| fault::raise(lua, &why))?;
            kernel.buf().set_metadata(name, map);
        }
        _ => {
            return Err(fault::raise(
                lua,
                &format!("the field '{field}' of a buffer cannot be set to this value"),
            ));
        }
    }
    Ok(())
}

/// Sets what a table names, and leaves the rest.
pub(super) fn update(call: &Call, name: &str, value: &Table) -> mlua::Result<()> {
    let kernel = call.kernel()?;
    if let Some(text) = text_of(call, name, value)? {
        kernel.buf().set_text(name, &text);
    }
    if let Value::Integer(cursor) = value.get::<Value>("cursor")? {
        kernel.buf().set_cursor(name, cursor.max(0) as usize);
    }
    if let Value::String(label) = value.get::<Value>("label")? {
        kernel.buf().set_label(name, &label.to_string_lossy());
    }
    if let Value::Table(metadata) = value.get::<Value>("metadata")? {
        let map = convert::table_to_map(&call.lua, &metadata).map_err(|why| call.refuse(1, why))?;
        kernel.buf().set_metadata(name, map);
    }
    if let Value::Table(blocks) = value.get::<Value>("blocks")? {
        kernel.buf().set_blocks(name, block_list(call, 1, &blocks)?);
    }
    Ok(())
}

/// Sets all of a buffer: what the table leaves out becomes empty.
pub(super) fn replace(call: &Call, name: &str, value: &Table) -> mlua::Result<()> {
    let kernel = call.kernel()?;
    if text_of(call, name, value)?.is_none() {
        kernel.buf().set_text(name, "");
    }
    if value.get::<Value>("label")?.is_nil() {
        kernel.buf().set_label(name, "");
    }
    if value.get::<Value>("metadata")?.is_nil() {
        kernel.buf().set_metadata(name, serde_json::Map::new());
    }
    if value.get::<Value>("blocks")?.is_nil() && kernel.buf().source(name).is_none() {
        kernel.buf().set_blocks(name, Vec::new());
    }
    update(call, name, value)
}

/// The text a table means: `text`, unless only `chars` was changed.
fn text_of(call: &Call, name: &str, value: &Table) -> mlua::Result<Option<String>> {
    let text = match value.get::<Value>("text")? {
        Value::Nil => None,
        text => call.lua.coerce_string(text)?.map(|text| text.to_string_lossy()),
    };
    let chars = match value.raw_get::<Value>("chars")? {
        Value::Table(chars) => {
            Some(super::super::string_list(&call.lua, &chars).map_err(|why| call.refuse(1, why))?.concat())
        }
        _ => None,
    };
    let current = call.kernel()?.buf().text(name);
    Ok(match (text, chars) {
        (Some(text), Some(chars)) if text == current && chars != current => Some(chars),
        (Some(text), _) => Some(text),
        (None, chars) => chars,
    })
}
