//! How the calls of a tool look: `purlin.tool.renderer`, and the field `render` of a tool.

use std::rc::Rc;

use mlua::{Function, MultiValue, Table, Value};
use purlin_agent::tools::ToolLook;
use purlin_kernel::text::{Line, Style};
use purlin_kernel::{Ground, HandlerError};

use super::super::call::Call;
use super::super::declare::{Opt, Ty, key};
use crate::convert;
use crate::env::Env;
use crate::fault;
use crate::handle::LuaHandle;
use crate::spans::{self, Reader};

/// What `tool.renderer` takes.
pub(super) const LOOK: &[Opt] = &[
    key("display_name", Ty::String, "What the tool is called; its name with a capital without it."),
    key("border", Ty::String, "Colour of the edge; green without it, red for a failure."),
    key("background", Ty::String, "Colour behind it; none without it."),
    key("markdown", Ty::Boolean, "Whether what `body` answers is Markdown."),
    key("header", Ty::Function, "`fn(args, width)`, answering a text, lines or span lists."),
    key("body", Ty::Function, "`fn(result, is_error, width)`, answering the same."),
];

pub(super) fn renderer(call: &Call) -> mlua::Result<MultiValue> {
    let Some(fields) = call.opt_table(1) else { return call.none() };
    let look = read(call, 1, &fields)?;
    call.one(register(call, look, &call.str(0)?)?)
}

pub(super) fn register(call: &Call, look: ToolLook, tool: &str) -> mlua::Result<LuaHandle> {
    let handle = look.register(&call.kernel()?, call.env.ext, tool);
    let handle = handle.map_err(|error| call.fail(error.to_string()))?;
    Ok(LuaHandle::new(&call.env, handle, "renderer"))
}

/// Reads the checked fields of a look.
pub(super) fn read(call: &Call, index: usize, fields: &Table) -> mlua::Result<ToolLook> {
    let color = |name: &str, ground| -> mlua::Result<Option<Style>> {
        let Some(text) = fields.raw_get::<Option<String>>(name)? else { return Ok(None) };
        let found = spans::color(&call.kernel()?, &text, ground);
        found.map(Some).map_err(|why| call.refuse(index, format!("field '{name}': {why}")))
    };
    let mut look = ToolLook {
        display_name: fields.raw_get("display_name")?,
        border: color("border", Ground::Fg)?,
        background: color("background", Ground::Bg)?,
        markdown: fields.raw_get::<Option<bool>>("markdown")?.unwrap_or(false),
        ..ToolLook::default()
    };
    if let Some(header) = fields.raw_get::<Option<Function>>("header")? {
        let env = Rc::clone(&call.env);
        look.header = Some(Rc::new(move |args, width| {
            let lua = env.lua()?;
            let args = convert::to_lua(&lua, args).map_err(|error| fault::handler_error(&error))?;
            lines(&env, &env.call(&header, (args, width))?)
        }));
    }
    if let Some(body) = fields.raw_get::<Option<Function>>("body")? {
        let env = Rc::clone(&call.env);
        look.body = Some(Rc::new(move |result, is_error, width| {
            lines(&env, &env.call(&body, (result, is_error, width))?)
        }));
    }
    Ok(look)
}

/// What a function answered, as lines; nil and an empty text leave it to the built-in look.
fn lines(env: &Env, answer: &Value) -> Result<Option<Vec<Line>>, HandlerError> {
    let is_empty = matches!(answer, Value::String(text) if text.as_bytes().is_empty());
    if answer.is_nil() || is_empty {
        return Ok(None);
    }
    let kernel = env.kernel().ok_or_else(|| HandlerError::new("the session has ended"))?;
    Reader::new(&kernel).lines(answer).map(Some).map_err(HandlerError::new)
}
