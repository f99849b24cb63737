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
            ("nvim_create_namespace", "api.create_namespace"),
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
        "layout" => api::invoke(lua, env, "layout.get", Vec::new())?.pop_front().unwrap_or(Value::Nil),
        "auth_working" => Value::Boolean(false),
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
        "arguments" => field(lua, event, "args")?,
        "result" => field(lua, event, "content")?,
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

/// Answers that change something: buffers, windows, the layout, what is drawn, actions.
fn effects(env: &Rc<Env>, fields: &mut Map<String, Json>) -> Result<(), HandlerError> {
    const EFFECTS: [&str; 9] = [
        "buffers",
        "deleted_buffers",
        "windows",
        "deleted_windows",
        "layout",
        "reset_ui_windows",
        "ui_draw_ops",
        "ui_cursor",
        "actions",
    ];
    for effect in EFFECTS {
        let Some(value) = fields.shift_remove(effect) else { continue };
        let lua = env.lua()?;
        let wanted = Effect { lua: &lua, env };
        wanted.apply(effect, &value).map_err(|error| {
            let mut found = env.failed(&lua, &error);
            found.message = format!("the answer's `{effect}`: {}", found.message);
            found
        })?;
    }
    Ok(())
}

/// Carries out what an answer asks for, through the functions that an extension would call.
struct Effect<'a> {
    lua: &'a Lua,
    env: &'a Rc<Env>,
}

impl Effect<'_> {
    fn apply(&self, effect: &str, value: &Json) -> mlua::Result<()> {
        match effect {
            "buffers" => each(value, |name, value| self.buffer(name, value)),
            "windows" => each(value, |name, value| self.window(name, value)),
            "layout" => self.layout(value),
            "ui_draw_ops" => self.draw(value),
            "ui_cursor" => self.cursor(value),
            "actions" => all(value, |action| self.action(action)),
            "deleted_buffers" => self.all_names(value, "buf.delete"),
            "deleted_windows" => self.all_names(value, "win.delete"),
            _ => self.all_names(value, "ui.clear_window"),
        }
    }

    fn call(&self, name: &str, args: Vec<Value>) -> mlua::Result<()> {
        api::invoke(self.lua, self.env, name, args).map(|_| ())
    }

    fn text(&self, text: &str) -> mlua::Result<Value> {
        self.lua.create_string(text).map(Value::String)
    }

    /// The fields that an argument takes, as a table: earlier hosts knew others as well.
    fn known(&self, function: &str, index: usize, value: &Json) -> mlua::Result<Value> {
        let keys = api::keys(function, index);
        let mut fields = value.as_object().cloned().unwrap_or_default();
        fields.retain(|name, value| !value.is_null() && keys.iter().any(|key| key.name == name));
        convert::map_to_lua(self.lua, &fields).map(Value::Table)
    }

    fn all_names(&self, value: &Json, function: &str) -> mlua::Result<()> {
        all(value, |name| match name.as_str() {
            Some(name) => self.call(function, vec![self.text(name)?]),
            None => Ok(()),
        })
    }

    fn buffer(&self, name: &str, value: &Json) -> mlua::Result<()> {
        match value.as_str() {
            Some(text) => self.call("buf.set_text", vec![self.text(name)?, self.text(text)?]),
            None => self.call("buf.create", vec![self.text(name)?, self.known("buf.create", 1, value)?]),
        }
    }

    fn window(&self, name: &str, value: &Json) -> mlua::Result<()> {
        let there = self.env.kernel().is_some_and(|kernel| kernel.win().get(name).is_some());
        let function = if there { "win.set" } else { "win.create" };
        let mut value = value.clone();
        drop_empty_place(&mut value);
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|_, value| *value != Json::String(String::new()));
        }
        self.call(function, vec![self.text(name)?, self.known(function, 1, &value)?])
    }

    /// Places and fields of the windows named; the others stay as they are.
    fn layout(&self, value: &Json) -> mlua::Result<()> {
        let windows = value.get("windows").unwrap_or(value);
        each(windows, |name, fields| self.window(name, fields))
    }

    fn draw(&self, value: &Json) -> mlua::Result<()> {
        let ops = self.lua.create_table()?;
        for op in value.as_array().into_iter().flatten() {
            ops.raw_push(convert::to_lua(self.lua, op)?)?;
        }
        self.call("ui.draw_batch", vec![Value::Table(ops)])
    }

    fn cursor(&self, value: &Json) -> mlua::Result<()> {
        let Some(window) = value["window"].as_str() else { return Ok(()) };
        let cell = |name: &str| Value::Integer(value[name].as_i64().unwrap_or(0));
        self.call("ui.set_cursor", vec![self.text(window)?, cell("row"), cell("col")])
    }

    fn action(&self, action: &Json) -> mlua::Result<()> {
        let Some(name) = action.as_str().or_else(|| action["name"].as_str()) else { return Ok(()) };
        let known = self.env.kernel().is_some_and(|kernel| kernel.command().get(name).is_some());
        if !known {
            return Err(mlua::Error::runtime(format!("unknown action `{name}`")));
        }
        self.call("action.run", vec![self.text(name)?])
    }
}

/// Runs something for each entry of a table.
fn each(value: &Json, run: impl Fn(&str, &Json) -> mlua::Result<()>) -> mlua::Result<()> {
    value.as_object().into_iter().flatten().try_for_each(|(name, value)| run(name, value))
}

/// Runs something for each item of a list.
fn all(value: &Json, run: impl Fn(&Json) -> mlua::Result<()>) -> mlua::Result<()> {
    value.as_array().into_iter().flatten().try_for_each(run)
}

/// Takes a place without any cell out of a window's fields: earlier hosts write it for a window that is hidden.
fn drop_empty_place(value: &mut Json) {
    let is_zero = |name: &str| value[name].as_u64() == Some(0);
    if is_zero("width")
        && is_zero("height")
        && let Some(fields) = value.as_object_mut()
    {
        for name in ["x", "y", "width", "height"] {
            fields.shift_remove(name);
        }
    }
}
