//! What keeps extensions of earlier hosts running: other names of functions, views in events,
//! and words in answers.

use std::rc::Rc;

use mlua::{Lua, LuaString, Table, Value};
use purlin_kernel::{Combine, HandlerError, HookEvent};
use serde_json::{Map, Value as Json};

use crate::api;
use crate::convert;
use crate::env::Env;
use crate::event::context_value;

/// The other names of functions in a namespace, each with the declared one.
pub(crate) fn aliases(namespace: &str) -> &'static [(&'static str, &'static str)] {
    match namespace {
        "buf" => &[("delete_text", "buf.delete_range")],
        "win" => &[("get_buffer", "win.get_buf"), ("set_buffer", "win.set_buf")],
        "api" => &[
            ("nvim_create_autocmd", "api.create_autocmd"),
            ("nvim_create_user_command", "api.create_user_command"),
        ],
        "autocmd" => &[("create", "api.create_autocmd")],
        _ => &[],
    }
}

/// The fields that every event has beside its own.
pub(crate) fn event_view(lua: &Lua, env: &Rc<Env>, event: &HookEvent, name: &str) -> mlua::Result<Value> {
    Ok(match name {
        "composer" => Value::Table(api::buffer_view(lua, env, "composer")?),
        "buffers" => Value::Table(by_name(lua, env, api::buffer_view)?),
        "windows" => Value::Table(by_name(lua, env, window_view)?),
        "working" => convert::to_lua_or_nil(lua, &context_value(env, "working"))?,
        "context" => match env.events.context() {
            Ok(context) => Value::Table(context),
            Err(_) => Value::Nil,
        },
        "focus" => {
            let focused = env.kernel().and_then(|kernel| kernel.win().focused());
            convert::to_lua(lua, &api::focus_json(focused.as_deref()))?
        }
        // The older names of two fields of tools.
        "call_id" => field(lua, event, "tool_call_id")?,
        "input_text" => field(lua, event, "input")?,
        _ => Value::Nil,
    })
}

fn field(lua: &Lua, event: &HookEvent, name: &str) -> mlua::Result<Value> {
    convert::to_lua_or_nil(lua, &event.get(name).unwrap_or(Json::Null))
}

type View = fn(&Lua, &Rc<Env>, &str) -> mlua::Result<Table>;

/// A table that makes the view of a name when it is read.
fn by_name(lua: &Lua, env: &Rc<Env>, view: View) -> mlua::Result<Table> {
    let owner = Rc::clone(env);
    let fetch = lua.create_function(move |lua, name: LuaString| view(lua, &owner, &name.to_str()?))?;
    env.glue()?.raw_get::<mlua::Function>("live")?.call(fetch)
}

fn window_view(lua: &Lua, env: &Rc<Env>, name: &str) -> mlua::Result<Table> {
    env.views()?.window(lua, name)
}

/// Brings the fields of an answer into the declared words; what asked for an effect has it now.
pub(crate) fn answer(
    env: &Rc<Env>,
    event: &HookEvent,
    mut fields: Map<String, Json>,
) -> Result<Map<String, Json>, HandlerError> {
    let Some(decl) = event.decl() else { return Ok(fields) };
    let declared = |name: &str| decl.answer.iter().any(|field| field.name == name);
    let marks = decl.answer.iter().any(|field| field.combine == Combine::Mark);
    for name in ["stop", "stopped"] {
        if !declared(name) && fields.shift_remove(name) == Some(Json::Bool(true)) {
            event.stop();
        }
    }
    for name in ["consume", "consumed", "handled"] {
        if declared(name) || !fields.contains_key(name) {
            continue;
        }
        let flag = fields.shift_remove(name) == Some(Json::Bool(true));
        if flag && marks {
            event.consume();
        } else if flag && declared("action") {
            fields.entry("action").or_insert_with(|| Json::String("handled".into()));
        }
    }
    nested(&mut fields, &declared);
    effects(env, &mut fields)?;
    Ok(fields)
}

/// Fields that earlier hosts put into a table of their own.
fn nested(fields: &mut Map<String, Json>, declared: &dyn Fn(&str) -> bool) {
    const RENAMED: [(&str, &str, &str); 6] = [
        ("tool_call", "arguments", "args"),
        ("tool_result", "result", "content"),
        ("tool_result", "details_json", "details"),
        ("tool_result", "error", "is_error"),
        ("provider_request", "headers", "headers"),
        ("provider_request", "payload", "payload"),
    ];
    for (outer, inner, name) in RENAMED {
        if !declared(name) || fields.contains_key(name) {
            continue;
        }
        let Some(Json::Object(table)) = fields.get_mut(outer) else { continue };
        let Some(value) = table.shift_remove(inner) else { continue };
        let value = renamed_value(inner, value);
        fields.insert(name.to_owned(), value);
    }
    for outer in ["tool_call", "tool_result", "provider_request"] {
        if !declared(outer) {
            fields.shift_remove(outer);
        }
    }
    if declared("payload") {
        return;
    }
    if let Some(Json::Object(payload)) = fields.shift_remove("payload") {
        for (name, value) in payload {
            if declared(&name) && !fields.contains_key(&name) {
                fields.insert(name, value);
            }
        }
    }
}

/// A value in the form the declared field has.
fn renamed_value(name: &str, value: Json) -> Json {
    match (name, value) {
        // JSON text, where a table is meant.
        ("arguments" | "details_json", Json::String(text)) => {
            serde_json::from_str(&text).unwrap_or(Json::String(text))
        }
        // An error's text, where a flag is meant.
        ("error", Json::String(text)) => Json::Bool(!text.is_empty()),
        (_, value) => value,
    }
}

/// Answers that change something: buffers, actions.
fn effects(env: &Rc<Env>, fields: &mut Map<String, Json>) -> Result<(), HandlerError> {
    let Some(kernel) = env.kernel() else { return Ok(()) };
    if let Some(Json::Object(buffers)) = fields.shift_remove("buffers") {
        for (name, value) in buffers {
            if !kernel.buf().exists(&name) {
                kernel.buf().create(env.ext, &name);
            }
            let text = match &value {
                Json::String(text) => Some(text.as_str()),
                other => other.get("text").and_then(Json::as_str),
            };
            if let Some(text) = text {
                kernel.buf().set_text(&name, text);
            }
            if let Some(cursor) = value.get("cursor").and_then(Json::as_u64) {
                kernel.buf().set_cursor(&name, cursor as usize);
            }
        }
    }
    if let Some(Json::Array(names)) = fields.shift_remove("deleted_buffers") {
        for name in names.iter().filter_map(Json::as_str) {
            kernel.buf().delete(name);
        }
    }
    if let Some(Json::Array(names)) = fields.shift_remove("deleted_windows") {
        for name in names.iter().filter_map(Json::as_str) {
            kernel.win().delete(name);
        }
    }
    if let Some(Json::Array(actions)) = fields.shift_remove("actions") {
        for action in actions {
            let name = action.as_str().or_else(|| action.get("name").and_then(Json::as_str));
            match name {
                Some(name) if kernel.command().get(name).is_some() => kernel.command().invoke(name, ""),
                Some(name) => {
                    return Err(HandlerError::new(format!("unknown action `{name}` in the answer")));
                }
                None => {}
            }
        }
    }
    Ok(())
}
