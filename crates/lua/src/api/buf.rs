//! `purlin.buf`: text and block containers, by name.
//!
//! Positions are zero-based code points, ranges exclude their end. Reading an unknown buffer
//! answers an empty one and creates nothing; writing to one creates it.

pub(super) mod blocks;
pub(super) mod lines;
pub(crate) mod view;

use mlua::MultiValue;

use super::call::Call;
use super::declare::{ApiFn, Opt, Param, Run, Ty, key, opt, req};
use crate::handle::LuaHandle;

pub(super) const NAME: Param = req("name", Ty::String, "The buffer's name.");

/// What `create` and `set` take.
const VALUE: &[Opt] = &[
    key("name", Ty::String, "Ignored; there so that what `get` answered can be given back."),
    key("text", Ty::Text, "The text."),
    key("chars", Ty::List, "The text as a list of characters; `text` wins if it was changed."),
    key("cursor", Ty::Integer, "Where the cursor is, clamped; the end of the text without it."),
    key("label", Ty::String, "A short title."),
    key("metadata", Ty::Table, "Anything."),
    key("blocks", Ty::List, "Blocks, each with any of `kind, role, id, text, created_at, streaming, meta`."),
];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "buf.list",
        params: &[],
        returns: "string[]",
        errors: &[],
        doc: "Lists the names of the buffers, sorted.",
        example: "for _, name in ipairs(purlin.buf.list()) do purlin.log(name) end",
        run: Run::Now(|call| {
            let names = call.kernel()?.buf().list();
            call.one(names)
        }),
    },
    ApiFn {
        name: "buf.get",
        params: &[NAME],
        returns: "{ name, text, chars, cursor, label, metadata, blocks }",
        errors: &[],
        doc: "Answers a buffer; its fields are read when they are used. An unknown name gives an empty buffer and creates nothing.",
        example: "assert(purlin.buf.get('nowhere').text == '')",
        run: Run::Now(|call| call.one(call.env.views()?.buffer(&call.lua, call.value(0))?)),
    },
    ApiFn {
        name: "buf.create",
        params: &[NAME, opt("value", Ty::Options(VALUE), "What it holds at first.")],
        returns: "Handle",
        errors: &[],
        doc: "Creates a buffer; one that exists keeps what `value` does not name. Deleting the handle deletes the buffer.",
        example: "purlin.buf.create('notes', { text = 'first line' })",
        run: Run::Now(create),
    },
    ApiFn {
        name: "buf.set",
        params: &[
            NAME,
            req("value", Ty::Options(VALUE), "Absent `label`, `metadata` and `blocks` become empty."),
        ],
        returns: "",
        errors: &[],
        doc: "Replaces all of a buffer.",
        example: "purlin.buf.set('notes', { text = 'new', label = 'Notes' })",
        run: Run::Now(|call| {
            let name = ensure(call)?;
            if let Some(value) = call.opt_table(1) {
                view::replace(call, &name, &value)?;
            }
            call.none()
        }),
    },
    ApiFn {
        name: "buf.delete",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Deletes a buffer and tells whether there was one; a built-in buffer is emptied instead.",
        example: "purlin.buf.create('notes')\nassert(purlin.buf.delete('notes'))",
        run: Run::Now(|call| {
            let gone = call.kernel()?.buf().delete(&call.str(0)?);
            call.one(gone)
        }),
    },
    ApiFn {
        name: "buf.reset",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Empties a buffer and shows the blocks of a projection as they are stored; false when there is none of that name.",
        example: "purlin.buf.set_text('notes', 'x')\nassert(purlin.buf.reset('notes') and purlin.buf.get_text('notes') == '')",
        run: Run::Now(|call| {
            let reset = call.kernel()?.buf().reset(&call.str(0)?);
            call.one(reset)
        }),
    },
    ApiFn {
        name: "buf.get_text",
        params: &[NAME],
        returns: "string",
        errors: &[],
        doc: "Answers the text.",
        example: "local text = purlin.buf.get_text('composer')",
        run: Run::Now(|call| {
            let text = call.kernel()?.buf().text(&call.str(0)?);
            call.one(text)
        }),
    },
    ApiFn {
        name: "buf.set_text",
        params: &[NAME, req("text", Ty::Text, "The new text.")],
        returns: "",
        errors: &[],
        doc: "Replaces the text and puts the cursor at its end.",
        example: "purlin.buf.set_text('notes', 'hello')\nassert(purlin.buf.get_cursor('notes') == 5)",
        run: Run::Now(|call| {
            let name = ensure(call)?;
            call.kernel()?.buf().set_text(&name, &call.text(1)?);
            call.none()
        }),
    },
    ApiFn {
        name: "buf.get_cursor",
        params: &[NAME],
        returns: "integer",
        errors: &[],
        doc: "Answers where the cursor is.",
        example: "local at = purlin.buf.get_cursor('composer')",
        run: Run::Now(|call| {
            let cursor = call.kernel()?.buf().cursor(&call.str(0)?);
            call.one(cursor)
        }),
    },
    ApiFn {
        name: "buf.set_cursor",
        params: &[NAME, req("pos", Ty::Integer, "A position; clamped to the text.")],
        returns: "",
        errors: &[],
        doc: "Puts the cursor somewhere.",
        example: "purlin.buf.set_text('notes', 'hello')\npurlin.buf.set_cursor('notes', 0)",
        run: Run::Now(|call| {
            let cursor = call.int_or(1, 0).max(0) as usize;
            call.kernel()?.buf().set_cursor(&call.str(0)?, cursor);
            call.none()
        }),
    },
    ApiFn {
        name: "buf.insert",
        params: &[
            NAME,
            req("pos", Ty::Integer, "A position from 0; clamped to the text."),
            req("text", Ty::Text, ""),
        ],
        returns: "",
        errors: &[],
        doc: "Inserts text; a cursor at or after the position moves along.",
        example: "purlin.buf.set_text('notes', 'world')\npurlin.buf.insert('notes', 0, 'hello ')",
        run: Run::Now(|call| {
            let (at, text) = (call.position(1)?, call.text(2)?);
            let (kernel, name) = (call.kernel()?, call.str(0)?);
            if !kernel.buf().insert(&name, at, &text) {
                kernel.buf().create(call.env.ext, &name);
                kernel.buf().insert(&name, at, &text);
            }
            call.none()
        }),
    },
    ApiFn {
        name: "buf.delete_range",
        params: &[
            NAME,
            req("a", Ty::Integer, "From here, from 0."),
            req("b", Ty::Integer, "To here, not included."),
        ],
        returns: "",
        errors: &[],
        doc: "Removes the text between two positions.",
        example: "purlin.buf.set_text('notes', 'hello')\npurlin.buf.delete_range('notes', 1, 4)",
        run: Run::Now(|call| {
            let (from, to) = (call.position(1)?, call.position(2)?);
            call.kernel()?.buf().delete_range(&call.str(0)?, from, to);
            call.none()
        }),
    },
    ApiFn {
        name: "buf.replace",
        params: &[
            NAME,
            req("a", Ty::Integer, "From here, from 0."),
            req("b", Ty::Integer, "To here, not included."),
            req("text", Ty::Text, "What comes there instead."),
        ],
        returns: "",
        errors: &[],
        doc: "Replaces the text between two positions.",
        example: "purlin.buf.set_text('notes', 'hello')\npurlin.buf.replace('notes', 0, 1, 'J')",
        run: Run::Now(|call| {
            let (from, to, text) = (call.position(1)?, call.position(2)?, call.text(3)?);
            let name = ensure(call)?;
            call.kernel()?.buf().replace(&name, from, to, &text);
            call.none()
        }),
    },
    ApiFn {
        name: "buf.append",
        params: &[
            NAME,
            req(
                "what",
                Ty::Either(&[Ty::Text, Ty::Table]),
                "Text, or a block: a table with any of `kind, role, id, created_at, streaming`.",
            ),
        ],
        returns: "",
        errors: &["The table is no block.", "The buffer's source refuses the block."],
        doc: "Adds text or a block at the end. What is appended to `transcript`, text or block, becomes a note of the session.",
        example: "purlin.buf.append('notes', 'one more')\npurlin.buf.append('notes', { kind = 'note', text = 'a block' })",
        run: Run::Now(|call| {
            let name = ensure(call)?;
            match call.opt_table(1) {
                Some(block) => blocks::append(call, &name, &block)?,
                None => blocks::append_text(call, &name)?,
            }
            call.none()
        }),
    },
    ApiFn {
        name: "buf.clear",
        params: &[NAME],
        returns: "",
        errors: &[],
        doc: "Empties text and blocks, and puts the cursor at the start. Blocks of a projection such as `transcript` are shown as they are stored again.",
        example: "purlin.buf.clear('notes')",
        run: Run::Now(|call| {
            call.kernel()?.buf().clear(&call.str(0)?);
            call.none()
        }),
    },
    ApiFn {
        name: "buf.get_var",
        params: &[NAME, req("key", Ty::String, "The variable.")],
        returns: "any",
        errors: &[],
        doc: "Answers a variable of a buffer; nil if it is not set.",
        example: "assert(purlin.buf.get_var('notes', 'mode') == nil)",
        run: Run::Now(|call| {
            let value = call.kernel()?.buf().var(&call.str(0)?, &call.str(1)?);
            call.answer(&value.unwrap_or_default())
        }),
    },
    ApiFn {
        name: "buf.set_var",
        params: &[
            NAME,
            req("key", Ty::String, "The variable."),
            opt("value", Ty::Any, "Anything JSON has; nil removes it."),
        ],
        returns: "",
        errors: &["The value holds something that cannot be stored."],
        doc: "Sets a variable of a buffer.",
        example: "purlin.buf.set_var('notes', 'mode', 'insert')",
        run: Run::Now(|call| {
            let value = call.json(2)?;
            let name = ensure(call)?;
            call.kernel()?.buf().set_var(&name, &call.str(1)?, value);
            call.none()
        }),
    },
    ApiFn {
        name: "buf.tick",
        params: &[NAME],
        returns: "integer",
        errors: &[],
        doc: "Answers the change counter, which rises with every change of text or blocks.",
        example: "local before = purlin.buf.tick('notes')",
        run: Run::Now(|call| {
            let tick = call.kernel()?.buf().tick(&call.str(0)?);
            call.one(tick)
        }),
    },
    ApiFn {
        name: "buf.undo",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Undoes the last group of edits; false when there is none.",
        example: "purlin.buf.set_text('notes', 'x')\nassert(purlin.buf.undo('notes'))",
        run: Run::Now(|call| {
            let undone = call.kernel()?.buf().undo(&call.str(0)?);
            call.one(undone)
        }),
    },
    ApiFn {
        name: "buf.redo",
        params: &[NAME],
        returns: "boolean",
        errors: &[],
        doc: "Takes the last undo back; false when there is none.",
        example: "assert(not purlin.buf.redo('notes'))",
        run: Run::Now(|call| {
            let redone = call.kernel()?.buf().redo(&call.str(0)?);
            call.one(redone)
        }),
    },
    ApiFn {
        name: "buf.attach",
        params: &[
            NAME,
            req(
                "opts",
                Ty::Options(&[super::declare::must(
                    "on_change",
                    Ty::Function,
                    "`fn(change)` with `buffer, start, removed, added, blocks`.",
                )]),
                "",
            ),
        ],
        returns: "Handle",
        errors: &[],
        doc: "Calls a function after each change of the buffer's text or blocks.",
        example: "local watch = purlin.buf.attach('notes', { on_change = function(change) end })\nwatch:del()",
        run: Run::Now(attach),
    },
];

/// The buffer named by the first argument, created if it is not there.
pub(super) fn ensure(call: &Call) -> mlua::Result<std::rc::Rc<str>> {
    let name = call.str(0)?;
    let kernel = call.kernel()?;
    if !kernel.buf().exists(&name) {
        kernel.buf().create(call.env.ext, &name);
    }
    Ok(name)
}

fn create(call: &Call) -> mlua::Result<MultiValue> {
    let name = call.string(0)?;
    let handle = call.kernel()?.buf().create(call.env.ext, &name);
    if let Some(value) = call.opt_table(1) {
        view::update(call, &name, &value)?;
    }
    call.one(LuaHandle::new(&call.env, handle, "buffer"))
}

fn attach(call: &Call) -> mlua::Result<MultiValue> {
    let name = ensure(call)?;
    let Some(on_change) = call.options(1).function("on_change") else { return call.none() };
    let env = std::rc::Rc::clone(&call.env);
    let told = std::rc::Rc::new(move |change: &purlin_kernel::BufferChange| {
        let lua = env.lua()?;
        let table = change_table(&lua, change).map_err(|error| crate::fault::handler_error(&error))?;
        env.call::<MultiValue>(&on_change, table).map(|_| ())
    });
    let handle = call.kernel()?.buf().attach(call.env.ext, &name, told);
    call.one(LuaHandle::new(&call.env, handle, "listener"))
}

fn change_table(lua: &mlua::Lua, change: &purlin_kernel::BufferChange) -> mlua::Result<mlua::Table> {
    let table = lua.create_table()?;
    table.raw_set("buffer", change.buffer.as_str())?;
    table.raw_set("start", change.start)?;
    table.raw_set("removed", change.removed)?;
    table.raw_set("added", change.added)?;
    table.raw_set("blocks", change.blocks)?;
    Ok(table)
}
