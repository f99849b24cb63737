//! `purlin.on`, `purlin.emit`, `purlin.hook`: handlers.

use std::rc::Rc;

use mlua::{Function, MultiValue, Value};
use purlin_kernel::{HandlerFn, HookMode, OnOptions, Phase};
use serde_json::{Map, Value as Json, json};

use super::call::{Call, Options};
use super::declare::{ApiFn, Run, Ty, key, opt, req, skip};
use crate::answer;
use crate::env::Env;
use crate::fault;
use crate::handle::LuaHandle;

const PHASES: &[&str] = &["early", "normal", "final"];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "on",
        params: &[
            req("name", Ty::String, "A hook, or an event of your own whose name contains `:`."),
            skip(
                "opts",
                Ty::Options(&[
                    key("priority", Ty::Integer, "Higher runs first within a phase; 0 without it."),
                    key("phase", Ty::Choice(PHASES), "`early`, `normal` or `final`; nothing skips `final`."),
                    key("once", Ty::Boolean, "Whether it ends after its first run."),
                    key("timeout_ms", Ty::Integer, "How long a gate may take as a whole, in milliseconds."),
                    key("desc", Ty::String, "What it is for, as `/extensions` shows it."),
                    key("filter", Ty::Table, "Field = value, or a list of values, for which it runs."),
                ]),
                "",
            ),
            req("fn", Ty::Function, "`fn(ev, ctx)`; what it returns is its answer."),
        ],
        returns: "Handle",
        errors: &["There is no hook of that name; the error names the nearest."],
        doc: "Registers a handler.",
        example: "local handle = purlin.on('key', function(ev) if ev.key == 'f1' then return true end end)\nhandle:del()",
        run: Run::Now(on),
    },
    ApiFn {
        name: "emit",
        params: &[
            req("name", Ty::String, "The event's name; it contains `:`."),
            opt("payload", Ty::Table, "The fields its handlers see."),
        ],
        returns: "",
        errors: &["The name has no `:`.", "Events are nested deeper than 32."],
        doc: "Calls the handlers of an event of your own, in order, before it returns.",
        example: "purlin.on('demo:ping', function(ev) assert(ev.n == 1) end)\npurlin.emit('demo:ping', { n = 1 })",
        run: Run::Now(|call| {
            let (name, payload) = (call.string(0)?, call.map(1)?);
            let kernel = call.kernel()?;
            kernel.hook().emit(&name, payload, &call.env.name).map_err(|error| call.fail(error.message))?;
            call.none()
        }),
    },
    ApiFn {
        name: "hook.list",
        params: &[],
        returns: "{ name, handlers, mode, aliases, doc, fields, answer }[]",
        errors: &[],
        doc: "Lists every hook by name.",
        example: "assert(#purlin.hook.list() > 0)",
        run: Run::Now(|call| {
            let listed: Vec<Json> = call.kernel()?.hook().list().iter().map(listing).collect();
            call.answer(&Json::Array(listed))
        }),
    },
    ApiFn {
        name: "hook.has_handlers",
        params: &[req("name", Ty::String, "A hook, or an event of your own.")],
        returns: "boolean",
        errors: &[],
        doc: "Tells whether somebody handles a hook.",
        example: "assert(not purlin.hook.has_handlers('demo:nobody'))",
        run: Run::Now(|call| {
            let has = call.kernel()?.hook().has_handlers(&call.str(0)?);
            call.one(has)
        }),
    },
];

fn listing(found: &purlin_kernel::HookListing) -> Json {
    let decl = found.decl;
    let fields: Map<String, Json> =
        decl.payload.iter().map(|field| (field.name.to_owned(), json!(field.ty.name()))).collect();
    let answer: Map<String, Json> =
        decl.answer.iter().map(|field| (field.name.to_owned(), json!(field.ty.name()))).collect();
    json!({
        "name": decl.name,
        "handlers": found.handlers,
        "mode": if decl.mode == HookMode::Sync { "sync" } else { "async" },
        "aliases": decl.aliases,
        "doc": decl.doc,
        "fields": fields,
        "answer": answer,
    })
}

fn on(call: &Call) -> mlua::Result<MultiValue> {
    let handle = register(call, &call.string(0)?, options(&call.options(1))?, call.function(2)?)?;
    call.one(handle)
}

/// How a handler is registered, for `on` and its older names.
pub(crate) fn options(options: &Options<'_>) -> mlua::Result<OnOptions> {
    Ok(OnOptions {
        priority: options.int("priority").unwrap_or(0) as i32,
        phase: match options.string("phase").as_deref() {
            Some("early") => Phase::Early,
            Some("final") => Phase::Final,
            _ => Phase::Normal,
        },
        once: options.flag("once").unwrap_or(false),
        timeout_ms: options.count("timeout_ms")?,
        desc: options.string("desc").unwrap_or_default(),
        filter: options.map("filter")?,
        ..OnOptions::default()
    })
}

/// Registers a handler for `on` and its older names.
pub(crate) fn register(
    call: &Call,
    name: &str,
    mut options: OnOptions,
    function: Function,
) -> mlua::Result<LuaHandle> {
    options.place = call.place();
    let kernel = call.kernel()?;
    let waits = kernel.hook().decl(name).is_some_and(|decl| decl.mode == HookMode::Async);
    let run = if waits { waiting(&call.env, function) } else { sync(&call.env, function) };
    let handle =
        kernel.hook().on(call.env.ext, name, options, run).map_err(|error| call.fail(error.to_string()))?;
    Ok(LuaHandle::new(&call.env, handle, "handler"))
}

/// A handler of a hook on the frame path.
fn sync(env: &Rc<Env>, function: Function) -> HandlerFn {
    let env = Rc::clone(env);
    HandlerFn::sync(move |event| {
        let lua = env.lua()?;
        env.events.with_sync(&lua, &env, event, |object, context| {
            let value: Value = env.call_in(&lua, &function, (object, context))?;
            answer::of_handler(&lua, &env, event, &value)
        })
    })
}

/// A handler that may wait: a coroutine with an event object of its own.
fn waiting(env: &Rc<Env>, function: Function) -> HandlerFn {
    let env = Rc::clone(env);
    HandlerFn::future(move |event| {
        let (env, function) = (Rc::clone(&env), function.clone());
        async move {
            let own = {
                let lua = env.lua()?;
                env.events.own(&lua, &env, &event).map_err(|error| fault::handler_error(&error))?
            };
            let context = env.events.context()?;
            let value: Value = env.call_waiting(function, (own.object.clone(), context)).await?;
            answer::of_handler(&env.lua()?, &env, &event, &value).map(|answer| own.merge(answer))
        }
    })
}
