//! `purlin.win`: views on buffers.

pub(super) mod open;
pub(super) mod render;

use mlua::{Lua, MultiValue, Value};
use purlin_kernel::window::Border;
use purlin_kernel::{Ownership, PartialRect, Placement, Rect, Window};
use serde_json::{Value as Json, json};

use super::call::{Call, Options};
use super::declare::{ApiFn, Opt, Param, Run, Ty, key, opt, req};
use crate::convert;
use crate::env::Env;
use crate::handle::LuaHandle;
use crate::spans::{self, Reader};

const NAME: Param = req("name", Ty::String, "The window's name.");

/// What `create` and `set` take; what a view answers can be given back.
const FIELDS: &[Opt] = &[
    key("name", Ty::String, "Ignored; there so that what `get` answered can be given back."),
    key("role", Ty::String, "What it is for."),
    key("buffer", Ty::String, "The buffer it shows."),
    key("renderer", Ty::Choice(&["default", "extension"]), "Who draws it, as `win.set_renderer` takes it."),
    key("x", Ty::Integer, "Columns from the left of the screen."),
    key("y", Ty::Integer, "Rows from the top."),
    key("width", Ty::Integer, "Columns."),
    key("height", Ty::Integer, "Rows."),
    key("cursor_row", Ty::Integer, "The row of its cursor, from 0."),
    key("cursor_col", Ty::Integer, "The column of its cursor, from 0."),
    key("scroll", Ty::Integer, "Rows it is scrolled."),
    key("visible", Ty::Boolean, "Whether it is shown."),
    key("focusable", Ty::Boolean, "Whether it can have the focus."),
    key("zindex", Ty::Integer, "Higher is drawn over lower."),
    key("border", Ty::Choice(open::BORDERS), "The line around it."),
    key(
        "title",
        Ty::Either(&[Ty::Text, Ty::List]),
        "What stands on the upper side of that line: a text or spans.",
    ),
    key("float", Ty::Boolean, "Ignored; there so that what `get` answered can be given back."),
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
        returns: "string[]",
        errors: &[],
        doc: "Lists the names of the windows in draw order.",
        example: "for _, name in ipairs(purlin.win.list()) do purlin.log(purlin.win.get(name).role) end",
        run: Run::Now(|call| {
            let list = call.lua.create_table()?;
            for window in call.kernel()?.win().list() {
                list.raw_push(window.name.as_str())?;
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
            if call.kernel()?.win().get(&call.str(0)?).is_none() {
                return call.one(Value::Nil);
            }
            // The argument is the name, already a string of the interpreter's.
            call.one(call.env.views()?.window(&call.lua, call.value(0))?)
        }),
    },
    ApiFn {
        name: "win.find",
        params: &[req("by", Ty::Options(FIND), "What the window must have.")],
        returns: "string?",
        errors: &[],
        doc: "Answers the name of the first window in draw order that has all the given properties.",
        example: "local name = purlin.win.find{ role = 'composer' }\nassert(purlin.win.get_buf(name) == 'composer')",
        run: Run::Now(|call| {
            let by = call.options(0);
            let (name, role, buffer) = (by.string("name"), by.string("role"), by.string("buffer"));
            let window = call.kernel()?.win().find(name.as_deref(), role.as_deref(), buffer.as_deref());
            call.one(window.map(|window| window.name.clone()))
        }),
    },
    ApiFn {
        name: "win.create",
        params: &[NAME, opt("value", Ty::Options(FIELDS), "Its fields.")],
        returns: "Handle",
        errors: &[
            "Another owner has a window of that name.",
            "The extension already has as many windows as its quota allows, 256.",
        ],
        doc: "Creates a window. With a place it floats there; without one it is shown where `layout.tree` names it. One the extension already has is changed as `win.set` does.",
        example: "local panel = purlin.win.create('panel', { buffer = 'notes', x = 2, y = 1, width = 20, height = 5 })\nassert(purlin.win.get('panel').buffer == 'notes')\npanel:del()",
        run: Run::Now(create),
    },
    ApiFn {
        name: "win.set",
        params: &[NAME, req("fields", Ty::Options(FIELDS), "Only what is named changes.")],
        returns: "boolean",
        errors: &[
            "The place would not lie on the screen.",
            "The window it is to be drawn with is not there.",
        ],
        doc: "Changes a window; false when there is none of that name. A place given to a window of the layout fixes it there, until `layout.reset`.",
        example: "assert(purlin.win.set('transcript', { visible = true, zindex = 3 }))",
        run: Run::Now(|call| {
            let (name, fields) = (call.string(0)?, call.options(1));
            if call.kernel()?.win().get(&name).is_none() {
                return call.one(false);
            }
            change(call, 1, &name, &fields)?;
            call.one(true)
        }),
    },
    ApiFn {
        name: "win.delete",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Deletes a window and tells whether there was one; a built-in window is hidden until `win.reset`.",
        example: "purlin.win.create('panel')\nassert(purlin.win.delete('panel') and not purlin.win.delete('panel'))",
        run: Run::Now(|call| {
            let gone = call.kernel()?.win().delete(&call.str(0)?);
            call.one(gone)
        }),
    },
    ApiFn {
        name: "win.reset",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Gives a window back the fields it was created with; false when there is none of that name.",
        example: "purlin.win.delete('transcript')\nassert(purlin.win.reset('transcript') and purlin.win.get('transcript').visible)",
        run: Run::Now(|call| {
            let reset = call.kernel()?.win().reset(&call.str(0)?);
            call.one(reset)
        }),
    },
    ApiFn {
        name: "win.set_renderer",
        params: &[
            NAME,
            req(
                "renderer",
                Ty::Choice(&["default", "extension"]),
                "`extension`: the window shows what is drawn on it and nothing else; `default`: as without the extension.",
            ),
        ],
        returns: "",
        errors: &["There is no such window."],
        doc: "Says who draws a window; its place is left alone.",
        example: "purlin.win.set_renderer('transcript', 'extension')\npurlin.ui.draw_text('transcript', 0, 0, 'mine now')\npurlin.win.set_renderer('transcript', 'default')",
        run: Run::Now(|call| {
            let owns = &*call.str(1)? == "extension";
            let set = call.kernel()?.win().set_owner_renderer(call.env.ext, &call.str(0)?, owns);
            set.map_err(|error| call.fail(error.message))?;
            call.none()
        }),
    },
    ApiFn {
        name: "win.cursor",
        params: &[
            NAME,
            opt("row", Ty::Integer, "The row to put the cursor at, from 0."),
            opt("col", Ty::Integer, "The column, from 0; 0 without it."),
        ],
        returns: "integer?, integer?",
        errors: &[],
        doc: "Answers row and column of a window's cursor, nil when it shows none; with `row`, puts it there first.",
        example: "purlin.win.cursor('transcript', 1, 2)\nlocal row, col = purlin.win.cursor('transcript')\nassert(row == 1 and col == 2)",
        run: Run::Now(cursor),
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

/// One field of a window as authors see it.
pub(crate) fn field(lua: &Lua, env: &Env, name: &str, field: &str) -> mlua::Result<Value> {
    let Some(window) = env.kernel().and_then(|kernel| kernel.win().get(name)) else { return Ok(Value::Nil) };
    let text = |text: &str| lua.create_string(text).map(Value::String);
    Ok(match field {
        "role" => text(&window.role)?,
        "buffer" => text(&window.buffer)?,
        "renderer" => text(if is_extensions(&window) { "extension" } else { "default" })?,
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
        "float" => Value::Boolean(window.placement.is_float()),
        "border" => text(open::border_name(window.border))?,
        "title" => Value::Table(spans::line_to_lua(lua, &window.title)?),
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

fn cursor(call: &Call) -> mlua::Result<MultiValue> {
    let kernel = call.kernel()?;
    let name = call.str(0)?;
    if !call.is_nil(1) {
        let (row, col) = (call.position(1)?, call.position(2)?);
        let clamped = |at: usize| at.min(usize::from(u16::MAX)) as u16;
        kernel.win().set_cursor(&name, Some((clamped(row), clamped(col))));
    }
    let cursor = kernel.win().cursor(&name);
    call.many((cursor.map(|(row, _)| row), cursor.map(|(_, col)| col)))
}

/// A number of cells; the screen has no more than fit.
fn cells(given: u64) -> u16 {
    given.min(u64::from(u16::MAX)) as u16
}

fn create(call: &Call) -> mlua::Result<MultiValue> {
    let (name, fields) = (call.string(0)?, call.options(1));
    let kernel = call.kernel()?;
    if name.is_empty() {
        return Err(call.refuse(0, "a name expected, got an empty string"));
    }
    if let Some(handle) = call.env.window(&name) {
        change(call, 1, &name, &fields)?;
        return call.one(LuaHandle::new(&call.env, handle, "window").named(name));
    }
    let buffer = fields.string("buffer").unwrap_or_else(|| name.clone());
    let role = fields.string("role").unwrap_or_else(|| name.clone());
    let place = (fields.count("x")?, fields.count("y")?, fields.count("width")?, fields.count("height")?);
    let window = match place {
        (None, None, None, None) => Window::new(&name, role, buffer),
        (x, y, width, height) => {
            let side = |given: Option<u64>, usual: u16| given.map_or(usual, cells);
            let rect = Rect::new(side(x, 0), side(y, 0), side(width, 20), side(height, 5));
            // What is asked for is there at once, and not only with the next frame.
            Window { rect, ..Window::float(&name, role, buffer, rect) }
        }
    };
    let handle = kernel.win().create(call.env.ext, window).map_err(|error| call.fail(error.message))?;
    call.env.keep_window(&name, &handle);
    let rest =
        ["border", "title", "renderer", "visible", "focusable", "zindex", "metadata", "scroll", "cursor_row"];
    if rest.iter().any(|field| !fields.value(field).is_nil()) {
        change_but_place(call, 1, &name, &fields)?;
    }
    call.one(LuaHandle::new(&call.env, handle, "window").named(name))
}

/// Changes what the fields name.
pub(super) fn change(call: &Call, index: usize, name: &str, fields: &Options<'_>) -> mlua::Result<()> {
    place(call, name, fields)?;
    change_but_place(call, index, name, fields)
}

/// Moves a window: one that floats is put there, one of the layout is fixed there.
fn place(call: &Call, name: &str, fields: &Options<'_>) -> mlua::Result<()> {
    let given = |name: &str| Ok::<_, mlua::Error>(fields.count(name)?.map(cells));
    let rect =
        PartialRect { x: given("x")?, y: given("y")?, width: given("width")?, height: given("height")? };
    if rect == PartialRect::default() {
        return Ok(());
    }
    let kernel = call.kernel()?;
    let Some(window) = kernel.win().get(name) else { return Ok(()) };
    match &window.placement {
        Placement::Float(before) => {
            let rect = rect.over(*before);
            kernel.win().set(name, |window| (window.placement, window.rect) = (Placement::Float(rect), rect));
            Ok(())
        }
        Placement::Anchored(_) => {
            let rect = rect.over(window.rect);
            kernel.win().set(name, |window| (window.placement, window.rect) = (Placement::Float(rect), rect));
            Ok(())
        }
        _ => {
            let rects = kernel.layout().rects();
            let fixed = rects.into_iter().find(|(other, _)| other == name).map(|(_, rect)| rect);
            let fixed = fixed.unwrap_or_default();
            let rect = PartialRect {
                x: rect.x.or(fixed.x),
                y: rect.y.or(fixed.y),
                width: rect.width.or(fixed.width),
                height: rect.height.or(fixed.height),
            };
            let set = kernel.layout().set_rects(&[(name.to_owned(), rect)]);
            set.map_err(|error| call.fail(error.message))
        }
    }
}

fn change_but_place(call: &Call, index: usize, name: &str, fields: &Options<'_>) -> mlua::Result<()> {
    let kernel = call.kernel()?;
    let metadata = if fields.value("metadata").is_nil() { None } else { Some(fields.map("metadata")?) };
    let offset = fields.count("scroll")?;
    let border = fields.string("border").and_then(|word| Border::parse(&word));
    let title = match fields.value("title") {
        Value::Nil => None,
        title => Some(
            Reader::new(&kernel)
                .line(&title)
                .map_err(|why| call.refuse(index, format!("field 'title': {why}")))?,
        ),
    };
    kernel.win().set(name, |window| {
        if let Some(role) = fields.string("role") {
            window.role = role;
        }
        if let Some(buffer) = fields.string("buffer") {
            window.buffer = buffer;
        }
        window.visible = fields.flag("visible").unwrap_or(window.visible);
        window.focusable = fields.flag("focusable").unwrap_or(window.focusable);
        window.zindex = fields.int("zindex").map_or(window.zindex, |zindex| zindex as i32);
        window.scroll.offset = offset.map_or(window.scroll.offset, |offset| offset as usize);
        window.border = border.unwrap_or(window.border);
        if let Some(title) = title {
            window.title = title;
        }
        if let Some(metadata) = metadata {
            window.metadata = metadata.into();
        }
    });
    if let Some(row) = fields.count("cursor_row")? {
        let col = fields.count("cursor_col")?.unwrap_or(0);
        kernel.win().set_cursor(name, Some((cells(row), cells(col))));
    }
    if let Some(renderer) = fields.string("renderer") {
        let owned = kernel.win().get(name).is_some_and(|window| is_extensions(&window));
        let owns = renderer == "extension";
        if owns != owned {
            let set = kernel.win().set_owner_renderer(call.env.ext, name, owns);
            set.map_err(|error| call.fail(error.message))?;
        }
    }
    Ok(())
}

/// Whether an extension draws a window.
fn is_extensions(window: &Window) -> bool {
    matches!(window.ownership, Ownership::Owned | Ownership::Wrapped)
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
