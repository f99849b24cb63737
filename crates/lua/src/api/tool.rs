//! `purlin.tool`: what a model may do.

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};
use purlin_agent::tools::{ToolFn, ToolInvocation, validate};
use purlin_agent::{ToolKind, ToolOutcome, ToolRegistration, ToolSpec};
use purlin_kernel::{HandlerError, Registrar};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Run, Ty, key, must, req};
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
        Ty::Function,
        "`fn(args, ctx)`; it may wait. Answers text, `{content, details, is_error}`, or `nil, error`.",
    ),
    key("kind", Ty::Choice(KINDS), "What kind of thing it does; gates filter by it. `other` without it."),
    key("timeout_ms", Ty::Integer, "How long one call may take."),
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
        returns: "{ name, description, schema, kind, extension }[]",
        errors: &[],
        doc: "Lists the tools that extensions have registered, in order.",
        example: "for _, tool in ipairs(purlin.tool.list()) do purlin.log(tool.name) end",
        run: Run::Now(|call| {
            let kernel = call.kernel()?;
            let listed = kernel.ext().registrations::<ToolRegistration>().into_iter().map(|(ext, tool)| {
                json!({
                    "name": tool.spec.name,
                    "description": tool.spec.description,
                    "schema": tool.spec.schema,
                    "kind": tool.spec.kind.as_str(),
                    "extension": kernel.ext().name(ext),
                })
            });
            call.answer(&Json::Array(listed.collect()))
        }),
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
    call.one(add(call, spec, execute)?)
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
    if let Err(why) = check_schema(&spec) {
        return Err(call.refuse(0, why));
    }
    let execute = body(&call.env, execute);
    let kernel = call.kernel()?;
    let handle = Registrar::new(&kernel, call.env.ext).add(ToolRegistration { spec, execute });
    Ok(LuaHandle::new(&call.env, handle, "tool"))
}

/// Whether the schema itself can be used; what the empty arguments lack does not matter.
fn check_schema(spec: &ToolSpec) -> Result<(), String> {
    if !spec.schema.is_object() {
        return Err(format!("the schema of `{}` is not valid: a table with names expected", spec.name));
    }
    match validate(spec, &json!({})) {
        Err(why) if why.starts_with("the schema of") => Err(why),
        _ => Ok(()),
    }
}

fn body(env: &Rc<Env>, function: Function) -> ToolFn {
    let env = Rc::clone(env);
    Rc::new(move |args, invocation| {
        let (env, function) = (Rc::clone(&env), function.clone());
        Box::pin(async move {
            let (args, context) = {
                let lua = env.lua()?;
                let args = convert::to_lua(&lua, &args).map_err(|error| fault::handler_error(&error))?;
                let context =
                    context(&lua, &env, &invocation).map_err(|error| fault::handler_error(&error))?;
                (args, context)
            };
            let values: MultiValue = env.call_waiting(function, (args, context)).await?;
            outcome(&env, &values)
        })
    })
}

/// The `ctx` of a tool: `cancelled()`, `progress(what)`, `call_id`, and what every `ctx` has.
fn context(lua: &Lua, env: &Rc<Env>, invocation: &ToolInvocation) -> mlua::Result<Table> {
    let common = env.events.context().map_err(|error| mlua::Error::runtime(error.message))?;
    let context = lua.create_table()?;
    context.raw_set("call_id", invocation.call_id.as_str())?;
    context.raw_set("session_id", invocation.session_id.as_str())?;
    context.raw_set("cwd", invocation.cwd.as_str())?;
    let cancelled = invocation.cancelled.clone();
    context
        .raw_set("cancelled", lua.create_function(move |_, _: MultiValue| Ok(cancelled.is_cancelled()))?)?;
    let progress = Rc::clone(&invocation.progress);
    context.raw_set(
        "progress",
        lua.create_function(move |lua, what: Value| {
            let shown = convert::to_json(lua, &what).map_err(|why| fault::raise(lua, &why))?;
            progress(shown);
            Ok(())
        })?,
    )?;
    let meta = lua.create_table()?;
    meta.raw_set("__index", common)?;
    context.set_metatable(Some(meta))?;
    Ok(context)
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
