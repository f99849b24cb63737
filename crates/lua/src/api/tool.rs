//! `purlin.tool`: what a model may do.

mod look;

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};
use purlin_agent::tools::{
    ActiveTools, OwnCall, ToolFn, ToolInvocation, check_schema, offered, run as run_tool,
};
use purlin_agent::{ToolKind, ToolOutcome, ToolRegistration, ToolSpec};
use purlin_kernel::{HandlerError, Registrar};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, must, opt, req};
use crate::convert;
use crate::env::Env;
use crate::fault;
use crate::handle::LuaHandle;
use crate::inspect::inspect;

const KINDS: &[&str] = &["read", "edit", "execute", "network", "other"];

const SPEC: &[Opt] = &[
    must("name", Ty::String, "What the model calls it: letters, digits, `_` and `-`."),
    must("description", Ty::String, "What it does, for the model."),
    key("schema", Ty::Table, "JSON Schema of the arguments; without it, it takes none."),
    must(
        "execute",
        Ty::AsyncFunction,
        "`fn(args, ctx)`; it may wait. Answers text, `{content, details, is_error}`, or `nil, error`.",
    ),
    key("kind", Ty::Choice(KINDS), "What kind of thing it does; gates filter by it. `other` without it."),
    key("timeout_ms", Ty::Integer, "How long one call may take."),
    key("render", Ty::Options(look::LOOK), "How its calls look; the same as `tool.renderer` with its name."),
    key("prompt_hint", Ty::String, "A line for the system prompt."),
    key("override", Ty::Boolean, "Whether it replaces a built-in tool of the same name."),
];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "tool.register",
        params: &[req("tool", Ty::Options(SPEC), "")],
        returns: "Handle",
        errors: &["The schema is not valid; the error names the tool."],
        doc: "Offers a tool to the model from the next request on. Arguments are checked against the schema before the call; a raised error is an error result.",
        example: "purlin.tool.register{\n  name = 'now', description = 'The time of day.',\n  execute = function() return os.date('%H:%M') end,\n}",
        run: Run::Now(register),
    },
    ApiFn {
        name: "tool.list",
        params: &[],
        returns: "{ name: string, description: string, schema: table, kind: string, extension: string? }[]",
        errors: &[],
        doc: "Lists the tools on offer: the built-in ones, then those of extensions in the order of registration.",
        example: "for _, tool in ipairs(purlin.tool.list()) do purlin.log(tool.name) end",
        run: Run::Now(|call| {
            let listed = offered(&call.kernel()?).into_iter().map(|spec| {
                json!({
                    "name": spec.name,
                    "description": spec.description,
                    "schema": spec.schema,
                    "kind": spec.kind.as_str(),
                    "extension": spec.extension,
                })
            });
            let list = call.lua.create_table()?;
            for listing in listed {
                let Json::Object(mut fields) = listing else { continue };
                fields.retain(|_, value| !value.is_null());
                list.raw_push(convert::map_to_lua(&call.lua, &fields)?)?;
            }
            call.one(list)
        }),
    },
    ApiFn {
        name: "tool.run",
        params: &[
            req("name", Ty::String, "The tool's name."),
            opt("args", Ty::Table, "Its arguments; none without it."),
        ],
        returns: "{ content: string, details: any, is_error: boolean } | nil, string",
        errors: &["The place cannot wait.", "Calls are nested deeper than 32."],
        doc: "Runs a tool as the model would: arguments are checked, gates see it with `source = 'extension'`, and `tool_result` handlers may change what comes back. Nothing of it is stored. `nil` and the reason if there is no such tool.",
        example: "purlin.tool.register{ name = 'one', description = 'Answers one.', execute = function() return '1' end }\npurlin.spawn(function() assert(purlin.tool.run('one').content == '1') end)",
        run: Run::Wait(run),
    },
    ApiFn {
        name: "tool.set_active",
        params: &[opt("names", Ty::List, "The only tools on offer; nil offers all again.")],
        returns: "",
        errors: &[],
        doc: "Restricts the tools on offer from the next model request on; a call of another is an error result. The latest restriction counts, and it ends with its extension.",
        example: "purlin.tool.set_active({ 'read' })\nassert(#purlin.tool.list() == 1)\npurlin.tool.set_active(nil)",
        run: Run::Now(|call| {
            let names = if call.is_nil(0) { None } else { Some(call.strings(0)?) };
            let kernel = call.kernel()?;
            let restricted = names.map(|names| ActiveTools::restrict(&kernel, call.env.ext, names));
            if let Some(before) = call.env.keep("active tools", restricted) {
                before.del();
            }
            call.none()
        }),
    },
    ApiFn {
        name: "tool.renderer",
        params: &[
            req("name", Ty::String, "The tool's name."),
            req("look", Ty::Options(look::LOOK), "How its calls look."),
        ],
        returns: "Handle",
        errors: &["A colour is not known."],
        doc: "Says how the calls of a tool look in the transcript. The latest registration for a tool counts as a whole; what a function leaves open, and what fails, looks as usual.",
        example: "purlin.tool.renderer('bash', {\n  display_name = 'Shell',\n  header = function(args, width) return '$ ' .. (args.command or '') end,\n})",
        run: Run::Now(look::renderer),
    },
];

fn register(call: &Call) -> mlua::Result<MultiValue> {
    let options = call.options(0);
    let name = options.string("name").unwrap_or_default();
    let schema = match options.value("schema") {
        Value::Nil => json!({ "type": "object", "properties": {} }),
        _ => as_schema(options.json("schema")?),
    };
    let mut spec = ToolSpec::new(
        &name,
        &options.string("description").unwrap_or_default(),
        schema,
        kind(options.string("kind").as_deref()),
    );
    spec.timeout_ms = options.count("timeout_ms")?;
    spec.prompt_hint = options.string("prompt_hint");
    spec.overrides = options.flag("override").unwrap_or(false);
    let Some(execute) = options.function("execute") else { return call.none() };
    let look = options.table("render").map(|fields| look::read(call, 0, &fields)).transpose()?;
    let handle = add(call, spec, execute)?;
    if let Some(look) = look {
        look::register(call, look, &name)?;
    }
    call.one(handle)
}

/// Calls of `tool.run` that may be under way inside each other.
const MOST_NESTED: usize = 32;

fn run(call: Call) -> Waiting {
    Box::pin(async move {
        let Some((number, _running)) = call.env.begin_call(MOST_NESTED) else {
            return Err(call.fail(format!("calls of 'tool.run' are nested deeper than {MOST_NESTED}")));
        };
        let own = OwnCall {
            owner: call.env.ext,
            call_id: format!("{}_{number}", call.env.name),
            name: call.string(0)?,
            args: Json::Object(call.map(1)?),
        };
        let running = run_tool(&call.kernel()?, own);
        match running.await {
            Ok(outcome) => {
                let table = call.lua.create_table()?;
                table.raw_set("content", outcome.content)?;
                table.raw_set("is_error", outcome.is_error)?;
                if let Some(details) = outcome.details {
                    table.raw_set("details", convert::to_lua(&call.lua, &details)?)?;
                }
                call.one(table)
            }
            Err(why) => call.nothing(&why),
        }
    })
}

fn kind(word: Option<&str>) -> ToolKind {
    match word {
        Some("read") => ToolKind::Read,
        Some("edit") => ToolKind::Edit,
        Some("execute") => ToolKind::Execute,
        Some("network") => ToolKind::Network,
        _ => ToolKind::Other,
    }
}

/// Lua has one empty table: where a schema needs a list or a map, an empty one becomes that.
pub(crate) fn as_schema(schema: Json) -> Json {
    match schema {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let is_list = matches!(
                        name.as_str(),
                        "required" | "enum" | "allOf" | "anyOf" | "oneOf" | "examples"
                    );
                    let value = match value {
                        Json::Object(empty) if empty.is_empty() && is_list => json!([]),
                        Json::Array(empty) if empty.is_empty() && !is_list => json!({}),
                        other => as_schema(other),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(as_schema).collect()),
        other => other,
    }
}

/// Registers a tool for `register` and its older name.
pub(crate) fn add(call: &Call, spec: ToolSpec, execute: Function) -> mlua::Result<LuaHandle> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if spec.name.is_empty() || spec.name.len() > 64 || !spec.name.chars().all(is_word) {
        return Err(call
            .refuse(0, format!("field 'name': letters, digits, `_` and `-` expected, got '{}'", spec.name)));
    }
    if let Err(why) = check_schema(&spec.schema) {
        return Err(call.refuse(0, format!("the schema of `{}` is not valid: {why}", spec.name)));
    }
    let execute = body(&call.env, execute);
    let kernel = call.kernel()?;
    let handle = Registrar::new(&kernel, call.env.ext).add(ToolRegistration { spec, execute });
    Ok(LuaHandle::new(&call.env, handle, "tool"))
}

fn body(env: &Rc<Env>, function: Function) -> ToolFn {
    let env = Rc::clone(env);
    Rc::new(move |args, invocation| {
        let (env, function) = (Rc::clone(&env), function.clone());
        Box::pin(async move {
            let (args, context) = {
                let lua = env.lua()?;
                let args = convert::to_lua(&lua, &args).map_err(|error| fault::handler_error(&error))?;
                (args, context(&lua, &env, &invocation)?)
            };
            let values: MultiValue = env.call_waiting(function, (args, context)).await?;
            outcome(&env, &values)
        })
    })
}

/// The `ctx` of a tool: `cancelled()`, `progress(what)`, `call_id`, and what every `ctx` has.
fn context(lua: &Lua, env: &Rc<Env>, invocation: &ToolInvocation) -> Result<Table, HandlerError> {
    let cancelled = invocation.cancelled.clone();
    let cancelled = move |_: &Lua, _: MultiValue| Ok(cancelled.is_cancelled());
    let progress = Rc::clone(&invocation.progress);
    let progress = move |lua: &Lua, what: Value| {
        let shown = convert::to_json(lua, &what).map_err(|why| fault::raise(lua, &why))?;
        progress(shown);
        Ok(())
    };
    env.events.context_with(lua, |context| {
        context.raw_set("call_id", invocation.call_id.as_str())?;
        context.raw_set("session_id", invocation.session_id.as_str())?;
        context.raw_set("cwd", invocation.cwd.as_str())?;
        context.raw_set("cancelled", lua.create_function(cancelled)?)?;
        context.raw_set("progress", lua.create_function(progress)?)
    })
}

/// What a tool's function answered, as the model gets it.
fn outcome(env: &Env, values: &MultiValue) -> Result<ToolOutcome, HandlerError> {
    match (values.front(), values.get(1)) {
        (Some(Value::String(text)), _) => Ok(ToolOutcome::ok(text.to_string_lossy())),
        (None | Some(Value::Nil | Value::Boolean(false)), Some(error)) => {
            let error = match error {
                Value::String(text) => text.to_string_lossy(),
                other => inspect(other),
            };
            Ok(ToolOutcome::error(error))
        }
        (Some(Value::Table(table)), _) => table_outcome(env, table),
        (None | Some(Value::Nil), _) => Ok(ToolOutcome::ok("")),
        (Some(other), _) => Ok(ToolOutcome::ok(inspect(other))),
    }
}

fn table_outcome(env: &Env, table: &Table) -> Result<ToolOutcome, HandlerError> {
    let lua = env.lua()?;
    let mut fields = match convert::to_json(&lua, &Value::Table(table.clone())) {
        Ok(Json::Object(fields)) => fields,
        Ok(other) => return Ok(ToolOutcome::ok(other.to_string())),
        Err(why) => return Err(HandlerError::new(format!("the tool's answer cannot be read: {why}"))),
    };
    let is_answer = ["content", "details", "is_error"].iter().any(|name| fields.contains_key(*name));
    if !is_answer {
        return Ok(ToolOutcome::ok(Json::Object(fields).to_string()));
    }
    let content = match fields.shift_remove("content") {
        Some(Json::String(text)) => text,
        Some(Json::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let is_error = fields.shift_remove("is_error").and_then(|flag| flag.as_bool()).unwrap_or(false);
    let details = fields.shift_remove("details").filter(|details| !details.is_null());
    Ok(ToolOutcome { content, details, is_error })
}
