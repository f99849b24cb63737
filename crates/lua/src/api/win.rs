//! `purlin.win`: views on buffers.

use mlua::{Lua, MultiValue, Value};
use purlin_kernel::{Ownership, Placement, Window};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Param, Run, Ty, key, opt, req};
use crate::convert;
use crate::env::Env;

const NAME: Param = req("name", Ty::String, "The window's name.");

const FIELDS: &[Opt] = &[
    key("role", Ty::String, "What it is for."),
    key("buffer", Ty::String, "The buffer it shows."),
    key("visible", Ty::Boolean, "Whether it is shown."),
    key("focusable", Ty::Boolean, "Whether it can have the focus."),
    key("zindex", Ty::Integer, "Higher is drawn over lower."),
    key("metadata", Ty::Table, "Anything."),
];

const FIND: &[Opt] = &[
    key("name", Ty::String, "Its name."),
    key("role", Ty::String, "Its role."),
    key("buffer", Ty::String, "The buffer it shows."),
];

const SCROLL: &[Opt] = &[
    key("to", Ty::Integer, "The offset in rows, from 0."),
    key("by", Ty::Integer, "Rows to add to the offset."),
];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "win.list",
        params: &[],
        returns: "Window[]",
        errors: &[],
        doc: "Lists the windows in draw order.",
        example: "for _, window in ipairs(purlin.win.list()) do purlin.log(window.name) end",
        run: Run::Now(|call| {
            let list = call.lua.create_table()?;
            for window in call.kernel()?.win().list() {
                list.raw_push(call.env.views()?.window(&call.lua, &window.name)?)?;
            }
            call.one(list)
        }),
    },
    ApiFn {
        name: "win.get",
        params: &[NAME],
        returns: "Window | nil",
        errors: &[],
        doc: "Answers a window as it stands; nil if there is none of that name.",
        example: "local composer = purlin.win.get('composer')",
        run: Run::Now(|call| {
            let window = call.kernel()?.win().get(&call.str(0)?);
            found(call, window.as_deref())
        }),
    },
    ApiFn {
        name: "win.find",
        params: &[req("by", Ty::Options(FIND), "What the window must have.")],
        returns: "Window | nil",
        errors: &[],
        doc: "Finds the first window in draw order that has all the given properties.",
        example: "local window = purlin.win.find{ role = 'composer' }",
        run: Run::Now(|call| {
            let by = call.options(0);
            let (name, role, buffer) = (by.string("name"), by.string("role"), by.string("buffer"));
            let window = call.kernel()?.win().find(name.as_deref(), role.as_deref(), buffer.as_deref());
            found(call, window.as_deref())
        }),
    },
    ApiFn {
        name: "win.set",
        params: &[NAME, req("fields", Ty::Options(FIELDS), "Only what is named changes.")],
        returns: "boolean",
        errors: &[],
        doc: "Changes a window; false when there is none of that name.",
        example: "purlin.win.set('status', { visible = true })",
        run: Run::Now(set),
    },
    ApiFn {
        name: "win.get_buf",
        params: &[NAME],
        returns: "string | nil",
        errors: &[],
        doc: "Answers the buffer a window shows.",
        example: "local buffer = purlin.win.get_buf('composer')",
        run: Run::Now(|call| {
            let buffer = call.kernel()?.win().get(&call.str(0)?).map(|window| window.buffer.clone());
            call.one(buffer)
        }),
    },
    ApiFn {
        name: "win.set_buf",
        params: &[NAME, req("buffer", Ty::String, "The buffer's name.")],
        returns: "boolean",
        errors: &[],
        doc: "Shows another buffer in a window; false when there is no such window.",
        example: "purlin.win.set_buf('nowhere', 'notes')",
        run: Run::Now(|call| {
            let buffer = call.string(1)?;
            let set = call.kernel()?.win().set(&call.str(0)?, |window| window.buffer = buffer);
            call.one(set)
        }),
    },
    ApiFn {
        name: "win.get_var",
        params: &[NAME, req("key", Ty::String, "The variable.")],
        returns: "any",
        errors: &[],
        doc: "Answers a variable of a window; nil if it is not set.",
        example: "assert(purlin.win.get_var('composer', 'mine') == nil)",
        run: Run::Now(|call| {
            let value = call.kernel()?.win().var(&call.str(0)?, &call.str(1)?);
            call.answer(&value.unwrap_or_default())
        }),
    },
    ApiFn {
        name: "win.set_var",
        params: &[
            NAME,
            req("key", Ty::String, "The variable."),
            opt("value", Ty::Any, "Anything JSON has; nil removes it."),
        ],
        returns: "boolean",
        errors: &["The value holds something that cannot be stored."],
        doc: "Sets a variable of a window; false when there is no such window.",
        example: "purlin.win.set_var('composer', 'mine', 1)",
        run: Run::Now(|call| {
            let value = call.json(2)?;
            let set = call.kernel()?.win().set_var(&call.str(0)?, &call.str(1)?, value);
            call.one(set)
        }),
    },
    ApiFn {
        name: "win.focus",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Gives a window the focus; false when it cannot have it.",
        example: "purlin.win.focus('composer')",
        run: Run::Now(|call| {
            let focused = call.kernel()?.win().focus(&call.str(0)?);
            call.one(focused)
        }),
    },
    ApiFn {
        name: "win.focused",
        params: &[],
        returns: "string | nil",
        errors: &[],
        doc: "Answers the name of the window with the focus.",
        example: "local name = purlin.win.focused()",
        run: Run::Now(|call| {
            let name = call.kernel()?.win().focused().map(|window| window.name.clone());
            call.one(name)
        }),
    },
    ApiFn {
        name: "win.scroll",
        params: &[NAME, req("how", Ty::Options(SCROLL), "`to` or `by`.")],
        returns: "boolean",
        errors: &[],
        doc: "Scrolls a window; the offset counts rows from where it would be unscrolled.",
        example: "purlin.win.scroll('transcript', { by = 10 })",
        run: Run::Now(scroll),
    },
];

fn found(call: &Call, window: Option<&Window>) -> mlua::Result<MultiValue> {
    match window {
        Some(window) => call.one(call.env.views()?.window(&call.lua, &window.name)?),
        None => call.one(Value::Nil),
    }
}

/// One field of a window as authors see it.
pub(crate) fn field(lua: &Lua, env: &Env, name: &str, field: &str) -> mlua::Result<Value> {
    let Some(window) = env.kernel().and_then(|kernel| kernel.win().get(name)) else { return Ok(Value::Nil) };
    let text = |text: &str| lua.create_string(text).map(Value::String);
    Ok(match field {
        "role" => text(&window.role)?,
        "buffer" => text(&window.buffer)?,
        "renderer" => text(if window.ownership == Ownership::Stock { "default" } else { "extension" })?,
        "x" => Value::Integer(window.rect.x.into()),
        "y" => Value::Integer(window.rect.y.into()),
        "width" => Value::Integer(window.rect.width.into()),
        "height" => Value::Integer(window.rect.height.into()),
        "cursor_row" => window.cursor.map_or(Value::Nil, |(row, _)| Value::Integer(row.into())),
        "cursor_col" => window.cursor.map_or(Value::Nil, |(_, col)| Value::Integer(col.into())),
        "scroll" => Value::Integer(window.scroll.offset as i64),
        "visible" => Value::Boolean(window.visible),
        "focusable" => Value::Boolean(window.focusable),
        "zindex" => Value::Integer(window.zindex.into()),
        "float" => Value::Boolean(matches!(window.placement, Placement::Float(_))),
        "metadata" => Value::Table(convert::map_to_lua(lua, &window.metadata)?),
        _ => Value::Nil,
    })
}

/// The focus as a hook's `focus` field has it.
pub(crate) fn focus_json(window: Option<&Window>) -> Json {
    match window {
        Some(window) => json!({
            "kind": "window",
            "window": window.name,
            "buffer": window.buffer,
            "role": window.role,
        }),
        None => json!({ "kind": "none" }),
    }
}

fn set(call: &Call) -> mlua::Result<MultiValue> {
    let fields = call.options(1);
    let metadata = if fields.value("metadata").is_nil() { None } else { Some(fields.map("metadata")?) };
    let changed = call.kernel()?.win().set(&call.str(0)?, |window| {
        if let Some(role) = fields.string("role") {
            window.role = role;
        }
        if let Some(buffer) = fields.string("buffer") {
            window.buffer = buffer;
        }
        window.visible = fields.flag("visible").unwrap_or(window.visible);
        window.focusable = fields.flag("focusable").unwrap_or(window.focusable);
        window.zindex = fields.int("zindex").map_or(window.zindex, |zindex| zindex as i32);
        if let Some(metadata) = metadata {
            window.metadata = metadata.into();
        }
    });
    call.one(changed)
}

fn scroll(call: &Call) -> mlua::Result<MultiValue> {
    let how = call.options(1);
    let (to, by) = (how.count("to")?, how.int("by").unwrap_or(0));
    let scrolled = call.kernel()?.win().scroll(&call.str(0)?, |scroll| {
        let from = to.map_or(scroll.offset as i64, |to| to as i64);
        scroll.offset = from.saturating_add(by).max(0) as usize;
    });
    call.one(scrolled)
}
