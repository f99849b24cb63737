//! `purlin.*`: logging, notices, feature tests.

use mlua::Value;
use purlin_kernel::{Level, Parting};

use super::declare::{ApiFn, Run, Ty, opt, req, skip};
use crate::inspect::inspect;

const LEVELS: &[&str] = &["debug", "info", "warn", "error"];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "log",
        params: &[
            skip("level", Ty::Choice(LEVELS), "`debug`, `info` (the default), `warn` or `error`."),
            req("message", Ty::Any, "What to write; anything but text is written as `inspect` shows it."),
        ],
        returns: "",
        errors: &[],
        doc: "Writes a line to the extension's log, which `/messages` shows.",
        example: "purlin.log('warn', 'the cache is old')",
        run: Run::Now(|call| {
            let level = call.opt_string(0)?.unwrap_or_else(|| "info".into());
            call.env.log(&level, &shown(call.value(1)));
            call.none()
        }),
    },
    ApiFn {
        name: "notify",
        params: &[
            req("message", Ty::Text, "What to say."),
            opt("level", Ty::Choice(LEVELS), "How serious it is; `info` without it."),
        ],
        returns: "",
        errors: &[],
        doc: "Shows a notice for a few seconds.",
        example: "purlin.notify('saved', 'info')",
        run: Run::Now(notify),
    },
    ApiFn {
        name: "ui.notify",
        params: &[
            req("message", Ty::Text, "What to say."),
            opt("level", Ty::Choice(LEVELS), "How serious it is; `info` without it."),
        ],
        returns: "",
        errors: &[],
        doc: "Shows a notice for a few seconds; the same as `purlin.notify`.",
        example: "purlin.ui.notify('saved')",
        run: Run::Now(notify),
    },
    ApiFn {
        name: "inspect",
        params: &[req("value", Ty::Any, "Any value.")],
        returns: "string",
        errors: &[],
        doc: "Shows a value as Lua source would have it, with sorted keys; what it contains twice by way of itself is shown as `<cycle>`.",
        example: "assert(purlin.inspect({ 1, a = 'x' }) == '{ 1, a = \"x\" }')",
        run: Run::Now(|call| call.one(inspect(call.value(0)))),
    },
    ApiFn {
        name: "quit",
        params: &[
            opt("code", Ty::Integer, "The exit code, from 0 to 255; 0 without it."),
            opt("text", Ty::Text, "What is written to standard output once the screen has been left."),
        ],
        returns: "",
        errors: &["The code is not between 0 and 255."],
        doc: "Ends the program when the running code has returned; handlers of `shutdown` still run. A run without a screen ends by itself.",
        example: "purlin.command.create('leave', function() purlin.quit(0, 'goodbye') end)",
        run: Run::Now(quit),
    },
    ApiFn {
        name: "has",
        params: &[req(
            "feature",
            Ty::String,
            "A function (`buf.insert`), a namespace (`ui.status`), a hook or a field of one (`tool_call.args`), or a key of a function's options (`win.open.float.anchor`; the namespace may be left away: `overlay.anchor`).",
        )],
        returns: "boolean",
        errors: &[],
        doc: "Tells whether this version has a feature.",
        example: "assert(purlin.has('buf.insert') and purlin.has('overlay.anchor') and not purlin.has('buf.fly'))",
        run: Run::Now(|call| {
            let has = super::feature::has(&call.kernel()?, &call.str(0)?);
            call.one(has)
        }),
    },
];

fn quit(call: &super::Call) -> mlua::Result<mlua::MultiValue> {
    let code =
        u8::try_from(call.int_or(0, 0)).map_err(|_| call.refuse(0, "a code from 0 to 255 expected"))?;
    let text = call.opt_string(1)?.unwrap_or_default();
    call.kernel()?.quit_with(Parting { code, text });
    call.none()
}

fn notify(call: &super::Call) -> mlua::Result<mlua::MultiValue> {
    let level = level_of(call.opt_string(1)?.as_deref());
    call.kernel()?.ui().notify(call.env.ext, call.string(0)?, level);
    call.none()
}

fn level_of(word: Option<&str>) -> Level {
    match word {
        Some("debug") => Level::Debug,
        Some("warn") => Level::Warn,
        Some("error") => Level::Error,
        _ => Level::Info,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy(),
        other => inspect(other),
    }
}
