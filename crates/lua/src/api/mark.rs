//! `purlin.mark`: annotations of text that move with edits.

use std::ops::Range;

use mlua::{MultiValue, Value};
use purlin_kernel::mark::VirtPos;
use purlin_kernel::{Mark, MarkOptions, Namespace};

use super::call::Call;
use super::declare::{ApiFn, Opt, Param, Run, Ty, key, opt, req};
use crate::spans::{self, Reader};

const POSITIONS: &[&str] = &["eol", "inline", "overlay", "right_align"];
const SPANS: Ty = Ty::Either(&[Ty::Text, Ty::List]);

const OPTIONS: &[Opt] = &[
    key("end_pos", Ty::Integer, "Where it ends, not included; a point without it."),
    key("hl", Ty::String, "The highlight group or theme token of its text."),
    key("virt_text", SPANS, "Text of its own: a string or spans."),
    key(
        "virt_text_pos",
        Ty::Choice(POSITIONS),
        "Where that is shown: `eol` (without it), `inline`, `overlay` or `right_align`.",
    ),
    key("virt_lines", SPANS, "Lines of their own below its line: a text, lines or span lists."),
    key(
        "sign",
        Ty::Either(&[Ty::Text, Ty::Table]),
        "Shown at the left edge of its line: a string or a span of at most two cells.",
    ),
    key("url", Ty::String, "Where a click on its text leads."),
    key("priority", Ty::Integer, "Higher is drawn over lower; 0 without it."),
    key("ephemeral", Ty::Boolean, "Whether it goes away with the next frame."),
    key("id", Ty::Integer, "Moves the mark of this number."),
];

const BUF: Param = req("buf", Ty::String, "The buffer's name.");
const NS: Param = req("ns", Ty::Integer, "What `mark.namespace` answered.");
const FROM: Param = opt("a", Ty::Integer, "From here, from 0; the start without it.");
const TO: Param = opt("b", Ty::Integer, "To here, not included; the end without it.");

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "mark.namespace",
        params: &[req("name", Ty::String, "Any name; the same name is the same namespace for everyone.")],
        returns: "integer",
        errors: &[],
        doc: "Answers the number of a family of marks.",
        example: "assert(purlin.mark.namespace('mine') == purlin.mark.namespace('mine'))",
        run: Run::Now(|call| {
            let ns = call.kernel()?.mark().namespace(&call.str(0)?);
            call.one(ns.0)
        }),
    },
    ApiFn {
        name: "mark.set",
        params: &[
            BUF,
            NS,
            req("pos", Ty::Integer, "A position from 0; one behind the text is its end."),
            opt("opts", Ty::Options(OPTIONS), ""),
        ],
        returns: "integer",
        errors: &[
            "There is no such buffer, or no such namespace.",
            "`end_pos` is before `pos`.",
            "The extension already has as many marks as its quota allows, 200,000.",
        ],
        doc: "Sets a mark and answers its number. It moves with the text around it.",
        example: "purlin.buf.set_text('notes', 'hello world')\nlocal ns = purlin.mark.namespace('mine')\nlocal id = purlin.mark.set('notes', ns, 6, { end_pos = 11, hl = 'accent' })\npurlin.buf.insert('notes', 0, '> ')\nassert(purlin.mark.get('notes', ns)[1].pos == 8)",
        run: Run::Now(set),
    },
    ApiFn {
        name: "mark.get",
        params: &[BUF, NS, FROM, TO],
        returns: "Mark[]",
        errors: &[],
        doc: "Answers the marks of a namespace that touch a range, by position.",
        example: "local ns = purlin.mark.namespace('mine')\nassert(#purlin.mark.get('composer', ns) == 0)",
        run: Run::Now(get),
    },
    ApiFn {
        name: "mark.del",
        params: &[BUF, NS, req("id", Ty::Integer, "The mark's number.")],
        returns: "boolean",
        errors: &[],
        doc: "Takes a mark away; false if there is none of that number.",
        example: "local ns = purlin.mark.namespace('mine')\nlocal id = purlin.mark.set('composer', ns, 0)\nassert(purlin.mark.del('composer', ns, id) and not purlin.mark.del('composer', ns, id))",
        run: Run::Now(|call| {
            let (ns, id) = (namespace(call)?, call.position(2)? as u64);
            let gone = call.kernel()?.mark().del(&call.str(0)?, ns, id);
            call.one(gone)
        }),
    },
    ApiFn {
        name: "mark.clear",
        params: &[BUF, NS, FROM, TO],
        returns: "integer",
        errors: &[],
        doc: "Takes the marks of a namespace that begin in a range away, and answers how many.",
        example: "local ns = purlin.mark.namespace('mine')\npurlin.mark.set('composer', ns, 0)\nassert(purlin.mark.clear('composer', ns) == 1)",
        run: Run::Now(|call| {
            let (ns, range) = (namespace(call)?, range(call)?);
            let gone = call.kernel()?.mark().clear(&call.str(0)?, ns, range);
            call.one(gone)
        }),
    },
];

fn namespace(call: &Call) -> mlua::Result<Namespace> {
    let number = call.int_or(1, 0);
    u32::try_from(number)
        .map(Namespace)
        .map_err(|_| call.refuse(1, format!("a namespace from 'mark.namespace' expected, got {number}")))
}

fn range(call: &Call) -> mlua::Result<Range<usize>> {
    let to = if call.is_nil(3) { usize::MAX } else { call.position(3)? };
    Ok(call.position(2)?..to)
}

fn set(call: &Call) -> mlua::Result<MultiValue> {
    let (ns, pos) = (namespace(call)?, call.position(2)?);
    let kernel = call.kernel()?;
    if !kernel.mark().is_namespace(ns) {
        return Err(call.refuse(1, format!("a namespace from 'mark.namespace' expected, got {}", ns.0)));
    }
    let options = if call.is_nil(3) { MarkOptions::default() } else { options(call)? };
    if let Some(end) = options.end.filter(|end| *end < pos) {
        return Err(call.refuse(
            3,
            format!("field 'end_pos': {pos} or more expected, as the mark begins there, got {end}"),
        ));
    }
    let id = kernel.mark().set(call.env.ext, &call.str(0)?, ns, pos, options);
    call.one(id.map_err(|error| call.fail(error.message))?)
}

/// Reads the options in one walk over what is there.
fn options(call: &Call) -> mlua::Result<MarkOptions> {
    let Some(table) = call.opt_table(3) else { return Ok(MarkOptions::default()) };
    let kernel = call.kernel()?;
    let reader = Reader::new(&kernel);
    let mut options = MarkOptions::default();
    let mut failed = None;
    table.for_each::<Value, Value>(|name, value| {
        let Value::String(name) = name else { return Ok(()) };
        if let Err(why) = option(&reader, &mut options, &name.as_bytes(), &value) {
            failed.get_or_insert(format!("field '{}': {why}", name.to_string_lossy()));
        }
        Ok(())
    })?;
    failed.map_or(Ok(options), |why| Err(call.refuse(3, why)))
}

fn option(reader: &Reader<'_>, options: &mut MarkOptions, name: &[u8], value: &Value) -> Result<(), String> {
    let position = || match value {
        Value::Integer(at) => {
            usize::try_from(*at).map_err(|_| format!("a position from 0 expected, got {at}"))
        }
        _ => Ok(0),
    };
    let text = || match value {
        Value::String(text) => text.to_string_lossy(),
        _ => String::new(),
    };
    match name {
        b"end_pos" => options.end = Some(position()?),
        b"hl" => options.hl = Some(text().into()),
        b"virt_text" => options.virt_text = reader.line(value)?,
        b"virt_text_pos" => options.virt_text_pos = VirtPos::parse(&text()).unwrap_or_default(),
        b"virt_lines" => options.virt_lines = reader.lines(value)?,
        b"sign" => options.sign = reader.line(value)?.into_iter().next(),
        b"url" => options.url = Some(text().into()),
        b"priority" => options.priority = value.as_i32().unwrap_or(0),
        b"ephemeral" => options.ephemeral = *value == Value::Boolean(true),
        b"id" => options.id = Some(position()? as u64),
        _ => {}
    }
    Ok(())
}

fn get(call: &Call) -> mlua::Result<MultiValue> {
    let (ns, range) = (namespace(call)?, range(call)?);
    let list = call.lua.create_table()?;
    for mark in call.kernel()?.mark().get(&call.str(0)?, ns, range) {
        list.raw_push(to_lua(call, &mark)?)?;
    }
    call.one(list)
}

fn to_lua(call: &Call, mark: &Mark) -> mlua::Result<mlua::Table> {
    let (lua, options) = (&call.lua, &mark.options);
    let table = lua.create_table()?;
    table.raw_set("id", mark.id)?;
    table.raw_set("pos", mark.start)?;
    table.raw_set("end_pos", mark.end)?;
    table.raw_set("priority", options.priority)?;
    table.raw_set("hl", options.hl.as_deref())?;
    table.raw_set("url", options.url.as_deref())?;
    if !options.virt_text.is_empty() {
        table.raw_set("virt_text", spans::line_to_lua(lua, &options.virt_text)?)?;
        table.raw_set("virt_text_pos", options.virt_text_pos.name())?;
    }
    if !options.virt_lines.is_empty() {
        table.raw_set("virt_lines", spans::to_lua(lua, &options.virt_lines)?)?;
    }
    if let Some(sign) = &options.sign {
        table.raw_set("sign", spans::line_to_lua(lua, std::slice::from_ref(sign))?)?;
    }
    if options.ephemeral {
        table.raw_set("ephemeral", true)?;
    }
    Ok(table)
}
