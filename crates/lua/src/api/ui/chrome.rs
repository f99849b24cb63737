//! `purlin.ui`: segments of the status line, and the one clock for what moves.

use std::rc::Rc;

use mlua::{MultiValue, Value};

use super::super::call::Call;
use super::super::declare::{ApiFn, Run, Ty, opt, req};
use super::super::task;
use crate::handle::LuaHandle;
use crate::spans::{self, Reader};

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "ui.status.set",
        params: &[
            req("key", Ty::String, "Which segment of the extension; the same key replaces it in its place."),
            req("what", Ty::Either(&[Ty::Text, Ty::List]), "A text or spans."),
            opt("priority", Ty::Integer, "Higher stands first; 0 without it."),
        ],
        returns: "Handle",
        errors: &[],
        doc: "Shows a segment in the status line.",
        example: "purlin.ui.status.set('branch', { { text = 'main', fg = 'accent' } }, 5)",
        run: Run::Now(status_set),
    },
    ApiFn {
        name: "ui.status.del",
        params: &[req("key", Ty::String, "The segment.")],
        returns: "boolean",
        errors: &[],
        doc: "Takes a segment of the extension out of the status line; false if there was none.",
        example: "purlin.ui.status.set('branch', 'main')\nassert(purlin.ui.status.del('branch') and not purlin.ui.status.del('branch'))",
        run: Run::Now(|call| {
            let gone = call.kernel()?.ui().status_del(call.env.ext, &call.str(0)?);
            call.one(gone)
        }),
    },
    ApiFn {
        name: "ui.status.list",
        params: &[],
        returns: "{ key: string, spans: Span[], priority: integer, extension: string }[]",
        errors: &[],
        doc: "Lists the segments that extensions show, as they stand in the status line.",
        example: "purlin.ui.status.set('branch', 'main')\nassert(purlin.ui.status.list()[1].spans[1].text == 'main')",
        run: Run::Now(status_list),
    },
    ApiFn {
        name: "ui.animate",
        params: &[
            req("fps", Ty::Number, "How often a second, from 1 to 30."),
            req("fn", Ty::Function, "What to run."),
        ],
        returns: "Handle",
        errors: &["The extension already has as many timers as its quota allows."],
        doc: "Runs a function again and again, on one clock for all that moves; nothing ticks while there is none.",
        example: "local spin = purlin.ui.animate(10, function() end)\nspin:stop()",
        run: Run::Now(animate),
    },
];

fn status_set(call: &Call) -> mlua::Result<MultiValue> {
    let kernel = call.kernel()?;
    let spans = Reader::new(&kernel).line(call.value(1)).map_err(|why| call.refuse(1, why))?;
    let priority = call.int_or(2, 0).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    let handle = kernel.ui().status_set(call.env.ext, &call.str(0)?, spans, priority);
    call.one(LuaHandle::new(&call.env, handle, "status segment"))
}

fn status_list(call: &Call) -> mlua::Result<MultiValue> {
    let kernel = call.kernel()?;
    let list = call.lua.create_table()?;
    for segment in kernel.ui().status() {
        let item = call.lua.create_table()?;
        item.raw_set("key", segment.key)?;
        item.raw_set("spans", spans::line_to_lua(&call.lua, &segment.spans)?)?;
        item.raw_set("priority", segment.priority)?;
        item.raw_set("extension", kernel.ext().name(segment.owner))?;
        list.raw_push(item)?;
    }
    call.one(list)
}

fn animate(call: &Call) -> mlua::Result<MultiValue> {
    let fps = match call.value(0) {
        Value::Integer(fps) => *fps as f64,
        Value::Number(fps) => *fps,
        _ => 0.0,
    };
    if !(fps > 0.0 && fps.is_finite()) {
        return Err(call.refuse(0, format!("a number above 0 expected, got {fps}")));
    }
    let (env, function) = (Rc::clone(&call.env), call.function(1)?);
    let run = Rc::new(move || task::start(&env, "animation", &function, MultiValue::new()));
    let handle = call.kernel()?.ui().animate(call.env.ext, fps.clamp(1.0, 30.0), run);
    let handle = handle.map_err(|error| call.fail(error.message))?;
    call.one(LuaHandle::new(&call.env, handle, "animation"))
}
