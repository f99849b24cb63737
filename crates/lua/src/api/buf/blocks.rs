//! `purlin.buf`: blocks, by range.

use mlua::{MultiValue, Table, Value};
use purlin_kernel::Block;
use serde_json::{Value as Json, json};

use super::super::call::Call;
use super::super::declare::{ApiFn, Run, Ty, opt, req};
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
        returns: "{ id, kind, role, text, streaming, created_at, meta }[]",
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
            req(
                "blocks",
                Ty::List,
                "Tables with any of `kind, role, id, text, created_at, streaming, meta`.",
            ),
        ],
        returns: "",
        errors: &["An item is no block."],
        doc: "Replaces the buffer's own blocks.",
        example: "purlin.buf.set_blocks('notes', { { kind = 'note', text = 'a' } })",
        run: Run::Now(|call| {
            let blocks = match call.opt_table(1) {
                Some(list) => block_list(call, &list)?,
                None => Vec::new(),
            };
            let name = ensure(call)?;
            call.kernel()?.buf().set_blocks(&name, blocks);
            call.none()
        }),
    },
];

fn get_blocks(call: &Call) -> mlua::Result<MultiValue> {
    let (kernel, name) = (call.kernel()?, call.str(0)?);
    let count = kernel.buf().block_count(&name) as i64;
    let index = |given: i64| (if given < 0 { count + given } else { given }).clamp(0, count) as usize;
    let (from, to) = (index(call.int_or(1, 0)), index(call.int_or(2, count)));
    let list = call.lua.create_table()?;
    for block in kernel.buf().blocks(&name, from..to.max(from)) {
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

/// The blocks of a list of tables.
pub(super) fn block_list(call: &Call, list: &Table) -> mlua::Result<Vec<Block>> {
    let mut blocks = Vec::with_capacity(list.raw_len());
    for index in 1..=list.raw_len() {
        match list.raw_get::<Value>(index)? {
            Value::Table(table) => blocks.push(block(call, 1, &table)?),
            other => {
                return Err(
                    call.refuse(1, format!("item {index}: a table expected, got {}", other.type_name()))
                );
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
    block.created_at = fields.shift_remove("created_at").and_then(|at| at.as_i64()).unwrap_or(0);
    if let Some(Json::Object(meta)) = fields.shift_remove("meta").or_else(|| fields.shift_remove("metadata"))
    {
        block.meta = meta;
    }
    // What is left, such as `model = true`, is the block's own business.
    block.meta.extend(fields);
    Ok(block)
}
