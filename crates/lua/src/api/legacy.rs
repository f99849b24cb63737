//! Names of earlier hosts that are functions of their own: other arguments, same effect.

use mlua::{MultiValue, Value};
use purlin_agent::{ToolKind, ToolSpec};
use purlin_kernel::CommandSpec;
use serde_json::json;

use super::call::Call;
use super::declare::{ApiFn, Opt, Run, Ty, key, must, opt, req};
use super::{command, hook, tool};

const AUTOCMD: &[Opt] = &[
    must("callback", Ty::Function, "`fn(ev, ctx)`."),
    key("priority", Ty::Integer, "Higher runs first."),
    key("once", Ty::Boolean, "Whether it ends after its first run."),
    key("desc", Ty::String, "What it is for."),
    key("group", Ty::Any, "Ignored."),
    key("pattern", Ty::Any, "Ignored."),
];

const USER_COMMAND: &[Opt] = &[
    must("callback", Ty::AsyncFunction, "`fn(args, ctx)`; it may wait."),
    key("desc", Ty::String, "What it does."),
    key("nargs", Ty::Any, "Ignored."),
    key("complete", Ty::Any, "Ignored."),
];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "register_command",
        params: &[
            req("name", Ty::String, "Its name, without the slash."),
            req("desc", Ty::String, "What it does."),
            req("fn", Ty::AsyncFunction, "`fn(args, ctx)`; it may wait."),
        ],
        returns: "Handle",
        errors: &[],
        doc: "Adds a command. Older name; see `command.create`.",
        example: "purlin.register_command('hello', 'Greets.', function(args) return 'hello ' .. args end)",
        run: Run::Now(|call| {
            let spec = CommandSpec::new(
                call.string(0)?,
                call.string(1)?,
                command::body(&call.env, call.function(2)?),
            );
            call.one(command::add(call, spec)?)
        }),
    },
    ApiFn {
        name: "register_tool",
        params: &[
            req("name", Ty::String, "What the model calls it."),
            req("desc", Ty::String, "What it does, for the model."),
            req("fn", Ty::AsyncFunction, "`fn(args, ctx)`; it may wait."),
            opt("schema", Ty::Table, "JSON Schema of the arguments."),
        ],
        returns: "Handle",
        errors: &["The schema is not valid."],
        doc: "Offers a tool to the model. Older name; see `tool.register`.",
        example: "purlin.register_tool('now', 'The time.', function() return os.date() end)",
        run: Run::Now(|call| {
            let schema = match call.value(3) {
                Value::Nil => json!({ "type": "object" }),
                _ => tool::as_schema(call.json(3)?),
            };
            let spec = ToolSpec::new(&call.string(0)?, &call.string(1)?, schema, ToolKind::Other);
            call.one(tool::add(call, spec, call.function(2)?)?)
        }),
    },
    ApiFn {
        name: "api.create_namespace",
        params: &[req("name", Ty::String, "Any name.")],
        returns: "integer",
        errors: &[],
        doc: "Answers the number of a family of marks. Older name; see `mark.namespace`.",
        example: "assert(purlin.api.create_namespace('mine') == purlin.mark.namespace('mine'))",
        run: Run::Now(|call| {
            let ns = call.kernel()?.mark().namespace(&call.str(0)?);
            call.one(ns.0)
        }),
    },
    ApiFn {
        name: "api.create_autocmd",
        params: &[
            req("events", Ty::Either(&[Ty::String, Ty::List]), "A hook, or several."),
            req(
                "handler",
                Ty::Either(&[Ty::Function, Ty::Options(AUTOCMD)]),
                "The function, or a table with `callback`.",
            ),
        ],
        returns: "Handle",
        errors: &["There is no hook of that name."],
        doc: "Registers a handler for one or several hooks. Older name; see `on`.",
        example: "purlin.api.create_autocmd({ 'startup', 'shutdown' }, function(ev) end)",
        run: Run::Now(create_autocmd),
    },
    ApiFn {
        name: "api.create_user_command",
        params: &[
            req("name", Ty::String, "Its name."),
            req(
                "run",
                Ty::Either(&[Ty::AsyncFunction, Ty::Options(USER_COMMAND)]),
                "The function, or a table with `callback`.",
            ),
        ],
        returns: "Handle",
        errors: &[],
        doc: "Adds a command. Older name; see `command.create`.",
        example: "purlin.api.create_user_command('hello', function() return 'hello' end)",
        run: Run::Now(|call| {
            let desc = call.options(1).string("desc").unwrap_or_default();
            let run = command::body(&call.env, call.callback(1)?);
            call.one(command::add(call, CommandSpec::new(call.string(0)?, desc, run))?)
        }),
    },
    ApiFn {
        name: "event.consume",
        params: &[],
        returns: "",
        errors: &[],
        doc: "Suppresses the default of the event being handled. Older name; a handler answers true instead.",
        example: "purlin.event.consume()",
        run: Run::Now(|call| {
            call.env.consume_key();
            if let Some(event) = call.env.events.current() {
                event.consume();
            }
            call.none()
        }),
    },
    ApiFn {
        name: "event.stop",
        params: &[],
        returns: "",
        errors: &[],
        doc: "Suppresses the default of the event being handled and ends its phase. Older name; see `ev.stop`.",
        example: "purlin.event.stop()",
        run: Run::Now(|call| {
            call.env.consume_key();
            if let Some(event) = call.env.events.current() {
                event.consume();
                event.stop();
            }
            call.none()
        }),
    },
];

fn create_autocmd(call: &Call) -> mlua::Result<MultiValue> {
    let names = match call.value(0) {
        Value::Table(_) => call.strings(0)?,
        _ => vec![call.string(0)?],
    };
    let (options, callback) = (hook::options(&call.options(1))?, call.callback(1)?);
    let mut handles = MultiValue::new();
    for name in names {
        let handle = hook::register(call, &name, options.clone(), callback.clone())?;
        handles.extend(call.one(handle)?);
    }
    Ok(handles)
}
