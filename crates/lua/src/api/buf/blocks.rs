//! `purlin.buf`: blocks, by range.

use std::ops::Range;

use mlua::{MultiValue, Table, Value};
use purlin_kernel::Block;
use serde_json::{Value as Json, json};

use super::super::call::Call;
use super::super::declare::{ApiFn, Run, Ty, opt, req, skip};
use super::{NAME, ensure};
use crate::convert;

/// The fields by which a table is known to be a block.
const MARKS: [&str; 5] = ["kind", "role", "id", "created_at", "streaming"];

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "buf.get_blocks",
        params: &[
            NAME,
            opt("start", Ty::Integer, "The first block, from 0; a negative one counts from the end."),
            opt("end", Ty::Integer, "The block after the last; the end without it."),
        ],
        returns: "{ id, kind, role, text, streaming, created_at, hidden, meta }[]",
        errors: &[],
        doc: "Answers blocks; only the range that is asked for is read.",
        example: "for _, block in ipairs(purlin.buf.get_blocks('transcript', -10)) do purlin.log(block.text) end",
        run: Run::Now(get_blocks),
    },
    ApiFn {
        name: "buf.block_count",
        params: &[NAME],
        returns: "integer",
        errors: &[],
        doc: "Counts the blocks.",
        example: "assert(purlin.buf.block_count('nowhere') == 0)",
        run: Run::Now(|call| {
            let count = call.kernel()?.buf().block_count(&call.str(0)?);
            call.one(count)
        }),
    },
    ApiFn {
        name: "buf.set_blocks",
        params: &[
            NAME,
            skip(
                "start",
                Ty::Integer,
                "The first block that is replaced, from 0; negative from the end. All without it.",
            ),
            skip("end", Ty::Integer, "The block after the last that is replaced."),
            req(
                "blocks",
                Ty::List,
                "Tables with any of `kind, role, id, text, created_at, streaming, meta`.",
            ),
        ],
        returns: "",
        errors: &[
            "An item is no block.",
            "More blocks than a projection has there, before its end.",
            "The buffer's source refuses the blocks.",
        ],
        doc: "Replaces blocks. Of a projection such as `transcript` it changes how they are shown, until `buf.clear`, never what is stored.",
        example: "purlin.buf.set_blocks('notes', { { kind = 'note', text = 'a' }, { kind = 'note', text = 'b' } })\npurlin.buf.set_blocks('notes', 0, 1, {})\nassert(purlin.buf.get_blocks('notes')[1].text == 'b')",
        run: Run::Now(|call| {
            let blocks = match call.opt_table(3) {
                Some(list) => block_list(call, 3, &list)?,
                None => Vec::new(),
            };
            let name = ensure(call)?;
            let range = range(call, &name)?;
            let set = call.kernel()?.buf().set_block_range(&name, range, blocks);
            set.map_err(|why| call.fail(why))?;
            call.none()
        }),
    },
    ApiFn {
        name: "buf.delete_blocks",
        params: &[
            NAME,
            opt("start", Ty::Integer, "The first block, from 0; a negative one counts from the end."),
            opt("end", Ty::Integer, "The block after the last; the end without it."),
        ],
        returns: "",
        errors: &["The buffer's source refuses it."],
        doc: "Deletes blocks. Of a projection such as `transcript` it hides them, until `buf.clear`.",
        example: "purlin.buf.set_blocks('notes', { { kind = 'note', text = 'a' } })\npurlin.buf.delete_blocks('notes')\nassert(purlin.buf.block_count('notes') == 0)",
        run: Run::Now(|call| {
            let name = call.string(0)?;
            let range = range(call, &name)?;
            let kernel = call.kernel()?;
            if kernel.buf().exists(&name) {
                kernel.buf().delete_blocks(&name, range).map_err(|why| call.fail(why))?;
            }
            call.none()
        }),
    },
];

/// The range of blocks that the second and third argument mean.
fn range(call: &Call, name: &str) -> mlua::Result<Range<usize>> {
    let count = call.kernel()?.buf().block_count(name) as i64;
    let index = |given: i64| (if given < 0 { count + given } else { given }).clamp(0, count) as usize;
    let (from, to) = (index(call.int_or(1, 0)), index(call.int_or(2, count)));
    Ok(from..to.max(from))
}

fn get_blocks(call: &Call) -> mlua::Result<MultiValue> {
    let name = call.str(0)?;
    let range = range(call, &name)?;
    let list = call.lua.create_table()?;
    for block in call.kernel()?.buf().blocks(&name, range) {
        list.raw_push(convert::to_lua(&call.lua, &block_json(&block))?)?;
    }
    call.one(list)
}

/// A block as authors see it.
pub(crate) fn block_json(block: &Block) -> Json {
    json!({
        "id": block.id,
        "kind": block.kind,
        "role": block.role,
        "text": block.text,
        "streaming": block.streaming,
        "created_at": block.created_at,
        "hidden": block.hidden,
        "meta": block.meta,
    })
}

/// Appends a block given as a table.
pub(super) fn append(call: &Call, name: &str, table: &Table) -> mlua::Result<()> {
    let is_block = MARKS.iter().any(|mark| table.contains_key(*mark).unwrap_or(false));
    if !is_block {
        return Err(
            call.refuse(1, format!("a text or a block expected; a block has any of {}", MARKS.join(", ")))
        );
    }
    let block = block(call, 1, table)?;
    call.kernel()?.buf().append_block(name, block).map_err(|why| call.fail(why))
}

/// Appends the text of the second argument; to a projection, which has no text of its own, as a note.
pub(super) fn append_text(call: &Call, name: &str) -> mlua::Result<()> {
    let (kernel, text) = (call.kernel()?, call.text(1)?);
    if kernel.buf().source(name).is_none() {
        kernel.buf().append_text(name, &text);
        return Ok(());
    }
    let block =
        Block { kind: "note".into(), role: "note".into(), text: text.to_string(), ..Block::default() };
    kernel.buf().append_block(name, block).map_err(|why| call.fail(why))
}

/// The blocks of a list of tables.
pub(super) fn block_list(call: &Call, index: usize, list: &Table) -> mlua::Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for item in 1..=list.raw_len() {
        match list.raw_get::<Value>(item)? {
            Value::Table(table) => blocks.push(block(call, index, &table)?),
            other => {
                let kind = other.type_name();
                return Err(call.refuse(index, format!("item {item}: a table expected, got {kind}")));
            }
        }
    }
    Ok(blocks)
}

fn block(call: &Call, index: usize, table: &Table) -> mlua::Result<Block> {
    let mut fields = convert::table_to_map(&call.lua, table).map_err(|why| call.refuse(index, why))?;
    let mut text = |name: &str| match fields.shift_remove(name) {
        Some(Json::String(text)) => text,
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let mut block = Block {
        id: text("id"),
        kind: text("kind"),
        role: text("role"),
        text: text("text"),
        ..Block::default()
    };
    block.streaming = fields.shift_remove("streaming").and_then(|flag| flag.as_bool()).unwrap_or(false);
    // Said of a block that was read; who gives a block wants it shown.
    fields.shift_remove("hidden");
    block.created_at = fields.shift_remove("created_at").and_then(|at| at.as_i64()).unwrap_or(0);
    if let Some(Json::Object(meta)) = fields.shift_remove("meta").or_else(|| fields.shift_remove("metadata"))
    {
        block.meta = meta;
    }
    // What is left, such as `model = true`, is the block's own business.
    block.meta.extend(fields);
    Ok(block)
}
