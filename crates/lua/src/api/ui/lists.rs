//! `purlin.ui`: what of a long list is visible, code with colours, and differences.

use std::time::{Duration, Instant};

use mlua::{MultiValue, Table, Value};
use purlin_kernel::text::{self, DiffTag, Hunk, viewport, virtual_list};
use serde_json::{Value as Json, json};

use super::super::call::Call;
use super::super::declare::{ApiFn, Run, Ty, opt, req};
use super::text::{MAX_WRAPPED, bounded, width};
use crate::spans;

/// After so long a comparison becomes coarse: what is left of the texts is told as replaced.
const DIFF_TIME: Duration = Duration::from_millis(30);
/// A higher item is nobody's screen.
const MAX_ROWS: usize = 1_000_000;

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "ui.viewport",
        params: &[
            req("lines", Ty::List, "Anything, one item a row."),
            req("height", Ty::Integer, "Rows there is room for."),
            opt("offset", Ty::Integer, "Rows from the bottom, clamped; 0 without it."),
        ],
        returns: "{ lines: any[], start: integer, end: integer, offset: integer, max_offset: integer, total: integer }",
        errors: &[],
        doc: "Answers the part of a list that fits into a height, counted from its end. `start` is zero-based, `end` is not included.",
        example: "local view = purlin.ui.viewport({ 'a', 'b', 'c' }, 2)\nassert(view.lines[1] == 'b' and view.start == 1 and view.max_offset == 1)",
        run: Run::Now(show_part),
    },
    ApiFn {
        name: "ui.virtual_list",
        params: &[
            req("items", Ty::List, "Items with a `height` in rows, 1 without it; or the heights themselves."),
            req("height", Ty::Integer, "Rows there is room for."),
            opt("offset", Ty::Integer, "Rows from the bottom, clamped; 0 without it."),
        ],
        returns: "{ items: { index: integer, lua_index: integer, row_offset: integer, height: integer }[], start: integer, end: integer, offset: integer, max_offset: integer, total: integer }",
        errors: &[],
        doc: "Answers which items of different heights are at least partly visible, and where: `row_offset` is the row of the item's first line, negative when it begins above.",
        example: "local list = purlin.ui.virtual_list({ { height = 3 }, { height = 2 } }, 3)\nassert(list.items[1].row_offset == -2 and list.items[2].lua_index == 2)",
        run: Run::Now(show_items),
    },
    ApiFn {
        name: "ui.highlight",
        params: &[
            req("code", Ty::Text, "Source code."),
            req("lang", Ty::String, "The language, such as `lua`, `rust` or `json`."),
        ],
        returns: "Span[][]",
        errors: &["The code is larger than 1 MiB."],
        doc: "Answers code as lines of spans, coloured where the screen knows the language. It waits 20 ms at most; what is not ready by then is plain, and renderers are called again when it is.",
        example: "local lines = purlin.ui.highlight('local x = 1', 'lua')\nassert(#lines == 1)",
        run: Run::Now(highlight),
    },
    ApiFn {
        name: "ui.diff",
        params: &[req("a", Ty::Text, "The text before."), req("b", Ty::Text, "The text after.")],
        returns: "{ old_start: integer, old_count: integer, new_start: integer, new_count: integer, lines: { kind: string, text: string }[] }[]",
        errors: &["A text is larger than 1 MiB.", "The time of the handler is over."],
        doc: "Compares two texts by lines. Line numbers are zero-based; `kind` is `same`, `delete` or `insert`. What is still not compared after 30 ms is told as replaced.",
        example: "local hunks = purlin.ui.diff('a\\nb\\n', 'a\\nc\\n')\nassert(hunks[1].lines[2].kind == 'delete')",
        run: Run::Now(diff),
    },
];

fn show_part(call: &Call) -> mlua::Result<MultiValue> {
    let Some(lines) = call.opt_table(0) else { return call.none() };
    let view = viewport(lines.raw_len(), width(call, 1), width(call, 2));
    let shown = call.lua.create_table_with_capacity(view.end - view.start, 0)?;
    for index in view.start..view.end {
        call.spend(0)?;
        shown.raw_push(lines.raw_get::<Value>(index + 1)?)?;
    }
    let bounds = [view.start, view.end, view.offset, view.max_offset, view.total];
    call.one(part(call, "lines", shown, bounds)?)
}

/// What `viewport` and `virtual_list` answer: what is shown, and where that is in the whole.
fn part(call: &Call, name: &str, shown: Table, bounds: [usize; 5]) -> mlua::Result<Table> {
    let table = call.lua.create_table_with_capacity(0, 6)?;
    table.raw_set(name, shown)?;
    for (name, value) in ["start", "end", "offset", "max_offset", "total"].into_iter().zip(bounds) {
        table.raw_set(name, value)?;
    }
    Ok(table)
}

fn show_items(call: &Call) -> mlua::Result<MultiValue> {
    let Some(items) = call.opt_table(0) else { return call.none() };
    let mut heights = Vec::new();
    for item in items.sequence_values::<Value>() {
        call.spend(0)?;
        heights.push(height(&item?).clamp(0, MAX_ROWS as i64) as usize);
    }
    let list = virtual_list(&heights, width(call, 1), width(call, 2));
    let shown = call.lua.create_table_with_capacity(list.items.len(), 0)?;
    for item in &list.items {
        call.spend(0)?;
        let entry = call.lua.create_table_with_capacity(0, 4)?;
        entry.raw_set("index", item.index)?;
        entry.raw_set("lua_index", item.index + 1)?;
        entry.raw_set("row_offset", item.row_offset)?;
        entry.raw_set("height", item.height)?;
        shown.raw_push(entry)?;
    }
    let bounds = [list.start, list.end, list.offset, list.max_offset, heights.len()];
    call.one(part(call, "items", shown, bounds)?)
}

/// How many rows an item of a list takes.
fn height(item: &Value) -> i64 {
    let given = match item {
        Value::Table(item) => item.raw_get("height").unwrap_or(Value::Nil),
        other => other.clone(),
    };
    given.as_integer().unwrap_or(1)
}

fn highlight(call: &Call) -> mlua::Result<MultiValue> {
    let (code, lang) = (bounded(call, 0, MAX_WRAPPED)?, bounded(call, 1, MAX_WRAPPED)?);
    let lines = call.kernel()?.highlight(&code, &lang);
    call.one(spans::to_lua(&call.lua, &lines)?)
}

fn diff(call: &Call) -> mlua::Result<MultiValue> {
    let (old, new) = (bounded(call, 0, MAX_WRAPPED)?, bounded(call, 1, MAX_WRAPPED)?);
    let until = Instant::now() + DIFF_TIME;
    let hunks: Vec<Json> = text::diff_until(&old, &new, Some(until)).iter().map(hunk).collect();
    call.answer(&Json::Array(hunks))
}

fn hunk(hunk: &Hunk) -> Json {
    let line = |(tag, text): &(DiffTag, String)| {
        let kind = match tag {
            DiffTag::Equal => "same",
            DiffTag::Delete => "delete",
            DiffTag::Insert => "insert",
        };
        json!({ "kind": kind, "text": text })
    };
    json!({
        "old_start": hunk.old_start,
        "old_count": hunk.old_count,
        "new_start": hunk.new_start,
        "new_count": hunk.new_count,
        "lines": hunk.lines.iter().map(line).collect::<Vec<_>>(),
    })
}
