//! `purlin.hl`: highlight groups, names for styles.

use mlua::{MultiValue, Value};
use purlin_kernel::HighlightSpec;

use super::call::Call;
use super::declare::{ApiFn, Opt, Param, Run, Ty, key, req};
use crate::handle::LuaHandle;
use crate::spans::{self, Reader};

/// What a style is, for functions that take one.
pub(super) const STYLE: &[Opt] = &[
    key(
        "fg",
        Ty::Either(&[Ty::String, Ty::Integer]),
        "Colour of the glyphs: a theme token, a group, `#rrggbb`, or an entry of the palette.",
    ),
    key("bg", Ty::Either(&[Ty::String, Ty::Integer]), "Colour behind them."),
    key("bold", Ty::Boolean, "Heavier strokes."),
    key("italic", Ty::Boolean, "Slanted."),
    key("underline", Ty::Boolean, "A line below."),
    key("reverse", Ty::Boolean, "Foreground and background exchanged."),
    key("strike", Ty::Boolean, "A line through."),
    key("dim", Ty::Boolean, "Lower intensity."),
    key("url", Ty::String, "Where a click leads."),
    key("hl", Ty::String, "The highlight group that the other fields lie on."),
];

const SPEC: &[Opt] = &[
    key("link", Ty::String, "The group it looks like, where it says nothing itself."),
    STYLE[0],
    STYLE[1],
    STYLE[2],
    STYLE[3],
    STYLE[4],
    STYLE[5],
    STYLE[6],
    STYLE[7],
    STYLE[8],
];

const GROUP: Param = req("group", Ty::String, "The group's name; theme tokens are groups as well.");

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "hl.set",
        params: &[GROUP, req("style", Ty::Options(SPEC), "How it looks.")],
        returns: "Handle",
        errors: &["A colour is not known; the error names the nearest.", "The link leads back to the group."],
        doc: "Gives a highlight group a look; the latest counts, and it ends with its handle or its extension. A theme token can be given another look as well. What was drawn with a group before has its new look at once: groups are looked up when the screen is painted.",
        example: "purlin.hl.set('Todo', { fg = 'warning', bold = true })\nassert(purlin.hl.get('Todo').bold)",
        run: Run::Now(set),
    },
    ApiFn {
        name: "hl.get",
        params: &[GROUP],
        returns: "{ link: string?, fg: string?, bg: string?, bold: boolean?, italic: boolean?, underline: boolean?, reverse: boolean?, strike: boolean?, dim: boolean?, url: string? }?",
        errors: &[],
        doc: "Answers how a group was set, links not followed; nil if there is none of that name.",
        example: "assert(purlin.hl.get('nothing like it') == nil)",
        run: Run::Now(|call| {
            let found = call.kernel()?.hl().get(&call.str(0)?);
            let Some(spec) = found else { return call.one(Value::Nil) };
            let table = spans::style_to_lua(&call.lua, &spec.style)?;
            table.raw_set("link", spec.link)?;
            call.one(table)
        }),
    },
    ApiFn {
        name: "hl.list",
        params: &[],
        returns: "string[]",
        errors: &[],
        doc: "Lists the names of the groups, sorted.",
        example: "purlin.hl.set('Todo', { bold = true })\nassert(table.find(purlin.hl.list(), 'Todo'))",
        run: Run::Now(|call| {
            let mut names: Vec<String> =
                call.kernel()?.hl().list().into_iter().map(|(name, _)| name).collect();
            names.sort();
            call.one(names)
        }),
    },
];

fn set(call: &Call) -> mlua::Result<MultiValue> {
    let kernel = call.kernel()?;
    let options = call.options(1);
    let style = call.opt_table(1).map(|table| {
        // A copy without the link, which is no field of a style.
        let copy = call.lua.create_table()?;
        table.for_each::<Value, Value>(|name, value| copy.raw_set(name, value))?;
        copy.raw_set("link", Value::Nil)?;
        Ok::<_, mlua::Error>(copy)
    });
    let style = match style.transpose()? {
        Some(copy) => Reader::new(&kernel).style(&Value::Table(copy)).map_err(|why| call.refuse(1, why))?,
        None => purlin_kernel::text::Style::default(),
    };
    let spec = HighlightSpec { link: options.string("link"), style };
    let handle = kernel.hl().set(call.env.ext, &call.str(0)?, spec);
    let handle = handle.map_err(|error| call.refuse(1, error.message))?;
    call.one(LuaHandle::new(&call.env, handle, "highlight"))
}
