//! `purlin.command`: one registry for slash commands, actions and what extensions add.

use std::rc::Rc;

use mlua::{Function, MultiValue, Table, Value};
use purlin_kernel::{
    CommandCall, CommandKind, CommandListing, CommandResult, CommandSpec, HandlerError, LBF,
};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, must, opt, req};
use crate::env::Env;
use crate::handle::LuaHandle;
use crate::inspect::inspect;

const SPEC: &[Opt] = &[
    must("callback", Ty::AsyncFunction, "`fn(args, ctx)`; it may wait."),
    key("desc", Ty::String, "What it does, one sentence."),
    key("args", Ty::String, "How its arguments are written, such as `[FILE]`."),
    key("complete", Ty::Function, "`fn(prefix, ctx)`, answering a list of texts."),
    key("aliases", Ty::List, "Other names."),
    key("action", Ty::Boolean, "Whether it is for keymaps and code only, and not offered after a slash."),
];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "command.create",
        params: &[
            req("name", Ty::String, "Its name, without the slash."),
            req(
                "run",
                Ty::Either(&[Ty::AsyncFunction, Ty::Options(SPEC)]),
                "`fn(args, ctx)`, or a table with `callback`.",
            ),
        ],
        returns: "Handle",
        errors: &[],
        doc: "Adds a command. `args` is the text after the name and `ctx.words` its words; a returned string is shown. Of two with one name the built-in or the first keeps it.",
        example: "purlin.command.create('hello', function(args) return 'hello ' .. args end)",
        run: Run::Now(create),
    },
    ApiFn {
        name: "command.run",
        params: &[
            req("name", Ty::String, "A command's name or alias."),
            opt("args", Ty::Text, "The text after the name."),
        ],
        returns: "string | nil, string",
        errors: &["The place cannot wait.", "The text is larger than 1 MiB."],
        doc: "Runs a command and answers its text, or nil and the error.",
        example: "purlin.command.create('two', function() return '2' end)\npurlin.spawn(function() assert(purlin.command.run('two') == '2') end)",
        run: Run::Wait(run),
    },
    ApiFn {
        name: "command.list",
        params: &[],
        returns: "{ name, desc, args, aliases, kind, extension }[]",
        errors: &[],
        doc: "Lists the commands by name.",
        example: "for _, command in ipairs(purlin.command.list()) do purlin.log(command.name) end",
        run: Run::Now(|call| {
            let kernel = call.kernel()?;
            let listed: Vec<Json> = kernel
                .command()
                .list()
                .iter()
                .map(|found| {
                    let extension = kernel.ext().name(found.owner);
                    listing(found, &extension)
                })
                .collect();
            call.answer(&Json::Array(listed))
        }),
    },
];

fn listing(found: &CommandListing, extension: &str) -> Json {
    json!({
        "name": found.name,
        "desc": found.desc,
        "args": found.args,
        "aliases": found.aliases,
        "kind": if found.kind == CommandKind::Slash { "slash" } else { "action" },
        "extension": extension,
    })
}

fn create(call: &Call) -> mlua::Result<MultiValue> {
    let name = call.string(0)?;
    let name = name.strip_prefix('/').unwrap_or(&name);
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(call.refuse(0, format!("a name without blanks expected, got '{name}'")));
    }
    let options = call.options(1);
    let desc = options.string("desc").unwrap_or_default();
    let mut spec = CommandSpec::new(name, desc, body(&call.env, call.callback(1)?));
    spec.args = options.string("args").unwrap_or_default();
    spec.aliases = options.strings("aliases")?;
    if options.flag("action") == Some(true) {
        spec.kind = CommandKind::Action;
    }
    spec.complete = options.function("complete").map(|complete| completer(&call.env, complete));
    call.one(add(call, spec)?)
}

/// Registers a command for `create` and its older names.
pub(crate) fn add(call: &Call, mut spec: CommandSpec) -> mlua::Result<LuaHandle> {
    spec.place = call.place();
    let handle = call.kernel()?.command().create(call.env.ext, spec);
    Ok(LuaHandle::new(&call.env, handle, "command"))
}

/// The code of a command that is a Lua function.
pub(crate) fn body(
    env: &Rc<Env>,
    function: Function,
) -> impl Fn(CommandCall) -> LBF<CommandResult> + 'static {
    let env = Rc::clone(env);
    move |call| {
        let (env, function) = (Rc::clone(&env), function.clone());
        Box::pin(async move {
            let context = context(&env, &call)?;
            let values: MultiValue = env.call_waiting(function, (call.args, context)).await?;
            shown(&values)
        })
    }
}

/// The `ctx` of a command: the common one, with `words` and `args`.
fn context(env: &Rc<Env>, call: &CommandCall) -> Result<Table, HandlerError> {
    let lua = env.lua()?;
    env.events.context_with(&lua, |context| {
        context.raw_set("words", lua.create_sequence_from(call.words.iter().map(String::as_str))?)?;
        context.raw_set("args", call.args.as_str())
    })
}

fn shown(values: &MultiValue) -> CommandResult {
    match (values.front(), values.get(1)) {
        (None | Some(Value::Nil), Some(Value::String(error))) => {
            Err(HandlerError::new(error.to_string_lossy()))
        }
        (None | Some(Value::Nil | Value::Boolean(_)), _) => Ok(None),
        (Some(Value::String(text)), _) => Ok(Some(text.to_string_lossy())),
        (Some(other), _) => Ok(Some(inspect(other))),
    }
}

fn completer(env: &Rc<Env>, function: Function) -> purlin_kernel::command::CompleteFn {
    let env = Rc::clone(env);
    Rc::new(move |prefix| {
        let context = env.events.context()?;
        let answer: Value = env.call(&function, (prefix, context))?;
        match answer {
            Value::Table(list) => super::string_list(&env.lua()?, &list).map_err(HandlerError::new),
            _ => Ok(Vec::new()),
        }
    })
}

/// A command is given a longer text in a buffer or a file.
const MAX_ARGS: usize = 1024 * 1024;

fn run(call: Call) -> Waiting {
    Box::pin(async move {
        let (name, args) = (call.string(0)?, call.opt_string(1)?.unwrap_or_default());
        if args.len() > MAX_ARGS {
            return Err(call.refuse(1, format!("at most {} KiB of text expected", MAX_ARGS / 1024)));
        }
        let running = call.kernel()?.command().run(name.trim_start_matches('/'), &args);
        match running.await {
            Ok(text) => call.one(text),
            Err(error) => call.nothing(&error.to_string()),
        }
    })
}
