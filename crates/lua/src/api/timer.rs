//! `purlin.timer`: once, again and again, and no more.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{MultiValue, Value};

use super::call::Call;
use super::declare::{ApiFn, Run, Ty, req};
use super::task;
use crate::handle::{LuaHandle, done};

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "timer.defer",
        params: &[
            req("ms", Ty::Integer, "Milliseconds from 0."),
            req("fn", Ty::AsyncFunction, "What to run; it may wait."),
        ],
        returns: "Handle",
        errors: &["The extension already has as many timers as its quota allows."],
        doc: "Runs a function once, later.",
        example: "purlin.timer.defer(1000, function() purlin.log('one second later') end)",
        run: Run::Now(|call| {
            let (ms, function) = (call.milliseconds(0)?, call.function(1)?);
            call.one(task::defer(call, function, ms)?)
        }),
    },
    ApiFn {
        name: "timer.interval",
        params: &[
            req("ms", Ty::Integer, "Milliseconds; less than 10 is 10."),
            req("fn", Ty::AsyncFunction, "What to run; it may wait."),
        ],
        returns: "Handle",
        errors: &["The extension already has as many timers as its quota allows."],
        doc: "Runs a function again and again, first `ms` from now; not while its last run still waits.",
        example: "local clock = purlin.timer.interval(1000, function() end)\nclock:stop()",
        run: Run::Now(interval),
    },
    ApiFn {
        name: "timer.stop",
        params: &[req("handle", Ty::Value, "What `defer` or `interval` answered.")],
        returns: "true | nil, string",
        errors: &[],
        doc: "Stops a timer; one that is over answers `nil, 'stale'`.",
        example: "local timer = purlin.timer.defer(1000, function() end)\nassert(purlin.timer.stop(timer))",
        run: Run::Now(|call| {
            let Value::UserData(found) = call.value(0) else {
                return Err(call.refuse(0, "a timer's handle expected"));
            };
            let Ok(handle) = found.borrow::<LuaHandle>() else {
                return Err(call.refuse(0, "a timer's handle expected"));
            };
            done(&call.lua, handle.end())
        }),
    },
];

fn interval(call: &Call) -> mlua::Result<MultiValue> {
    let (ms, function) = (call.milliseconds(0)?, call.function(1)?);
    let env = Rc::clone(&call.env);
    let running = Rc::new(Cell::new(false));
    let run = Rc::new(move || {
        // One that still waits is not begun a second time.
        if running.get() { Ok(()) } else { task::start_once(&env, "timer", &function, &running) }
    });
    let handle =
        call.kernel()?.timer().interval(call.env.ext, ms, run).map_err(|error| call.fail(error.message))?;
    call.one(LuaHandle::new(&call.env, handle, "timer"))
}
