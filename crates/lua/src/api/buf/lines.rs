//! `purlin.buf`: the text by lines.

use mlua::MultiValue;

use super::super::call::Call;
use super::super::declare::{ApiFn, Run, Ty, opt, req};
use super::{NAME, ensure};

const FROM: &str =
    "The first line, from 0; a negative one counts from the end, -1 being behind the last line.";
const TO: &str = "The line after the last; negative as above, -1 without it.";

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "buf.get_lines",
        params: &[NAME, opt("start", Ty::Integer, FROM), opt("end", Ty::Integer, TO)],
        returns: "string[]",
        errors: &[],
        doc: "Answers lines without their line ends.",
        example: "purlin.buf.set_text('notes', 'a\\nb')\nassert(purlin.buf.get_lines('notes', 1)[1] == 'b')",
        run: Run::Now(get_lines),
    },
    ApiFn {
        name: "buf.set_lines",
        params: &[
            NAME,
            req("start", Ty::Integer, FROM),
            req("end", Ty::Integer, TO),
            req("lines", Ty::List, "What comes there instead."),
        ],
        returns: "",
        errors: &[],
        doc: "Replaces lines.",
        example: "purlin.buf.set_lines('notes', 0, -1, { 'one', 'two' })\nassert(purlin.buf.get_text('notes') == 'one\\ntwo')",
        run: Run::Now(set_lines),
    },
    ApiFn {
        name: "buf.line_count",
        params: &[NAME],
        returns: "integer",
        errors: &[],
        doc: "Counts the lines; an empty text has one.",
        example: "assert(purlin.buf.line_count('nowhere') == 1)",
        run: Run::Now(|call| {
            let count = call.kernel()?.buf().line_count(&call.str(0)?);
            call.one(count)
        }),
    },
];

/// A line number as authors write it, as an index up to `count`.
fn line_index(given: i64, count: usize) -> usize {
    let count = count as i64;
    let index = if given < 0 { count + 1 + given } else { given };
    index.clamp(0, count) as usize
}

fn get_lines(call: &Call) -> mlua::Result<MultiValue> {
    let Some(buffer) = call.kernel()?.buf().get(&call.str(0)?) else {
        return call.one(call.lua.create_table()?);
    };
    let count = buffer.line_count();
    let from = line_index(call.int_or(1, 0), count);
    let to = line_index(call.int_or(2, -1), count);
    let lines = call.lua.create_table()?;
    for index in from..to {
        let line = buffer.rope.line(index).to_string();
        call.spend(line.len())?;
        lines.raw_push(line.trim_end_matches(['\n', '\r']))?;
    }
    call.one(lines)
}

fn set_lines(call: &Call) -> mlua::Result<MultiValue> {
    let lines = call.strings(3)?;
    let name = ensure(call)?;
    let kernel = call.kernel()?;
    let Some(buffer) = kernel.buf().get(&name) else { return call.none() };
    let count = buffer.line_count();
    let from = line_index(call.int_or(1, 0), count);
    let to = line_index(call.int_or(2, -1), count).max(from);
    let joined = lines.join("\n");
    if to < count {
        let text = if lines.is_empty() { joined } else { joined + "\n" };
        kernel.buf().replace(&name, buffer.rope.line_to_char(from), buffer.rope.line_to_char(to), &text);
    } else if from == 0 {
        kernel.buf().replace(&name, 0, usize::MAX, &joined);
    } else {
        // The last lines have no line end of their own: the one before them goes or stays with them.
        let text = if lines.is_empty() { joined } else { format!("\n{joined}") };
        let start = if from == count { buffer.rope.len_chars() } else { buffer.rope.line_to_char(from) - 1 };
        kernel.buf().replace(&name, start, usize::MAX, &text);
    }
    call.none()
}
