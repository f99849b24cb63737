//! Stubs in `LuaCATS` annotations, which lua-language-server and `EmmyLua` read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use purlin_kernel::{HookDecl, HookMode, Ty as FieldTy};
use purlin_lua::{ApiFn, Need, SHAPES};

use crate::types::{self, Type, luacats_field};
use crate::{Pages, class_of, hooks, params_of};

/// What Luau's standard library has beside Lua's, and what is given back of Lua 5.1.
const GLOBALS: &str = "
---The same module, for extensions of an earlier host.
librecode = purlin

---@generic T: table
---@param t T
---@return T
function table.clone(t) end

---@param t table
---@param value any
---@param init? integer
---@return integer?
function table.find(t, value, init) end

---@generic T: table
---@param t T
---@return T
function table.freeze(t) end

---@param t table
---@return boolean
function table.isfrozen(t) end

---@param t table
function table.clear(t) end

---@param count integer
---@param value? any
---@return any[]
function table.create(count, value) end

---@param text string
---@param separator? string
---@return string[]
function string.split(text, separator) end

---@param n number
---@param min number
---@param max number
---@return number
function math.clamp(n, min, max) end

---@param n number
---@return integer
function math.round(n) end

---@param n number
---@return integer
function math.sign(n) end
";

/// Writes the stub.
pub fn write(pages: &mut Pages) {
    let mut stub = String::from(
        "---@meta purlin\n\n-- Made by `cargo xtask reference` from the declarations in the source. Nothing here runs: editors read it.\n",
    );
    shapes(&mut stub);
    events(&mut stub);
    let _ = write!(
        stub,
        "\n---The module of extensions.\n---@class purlin\n---@field null any JSON null.\n---@field version string The version of Purlin.\n---@field api_level integer The level of this API.\n---@field args string[] What stood behind `--` on the command line of `purlin --bare`.\nlocal purlin = {{}}\n"
    );
    let namespaces: BTreeSet<&str> =
        purlin_lua::functions().map(ApiFn::namespace).filter(|namespace| !namespace.is_empty()).collect();
    for namespace in namespaces {
        let _ = writeln!(stub, "---@class purlin.{namespace}\npurlin.{namespace} = {{}}");
    }
    for declared in purlin_lua::functions() {
        function(declared, &mut stub);
    }
    stub.push_str(GLOBALS);
    stub.push_str("\nreturn purlin\n");
    pages.insert("stubs/purlin.lua".into(), stub);
}

fn shapes(stub: &mut String) {
    for shape in SHAPES {
        let _ = writeln!(stub, "\n{}---@class purlin.{}", comment(shape.doc), shape.name);
        for field in shape.fields {
            let ty =
                types::one(field.ty).unwrap_or_else(|error| panic!("{}.{}: {error}", shape.name, field.name));
            let (name, ty) = split(field.name, &ty);
            let _ = writeln!(stub, "---@field {name} {ty} {}", field.doc);
        }
        if shape.methods.is_empty() {
            continue;
        }
        let _ = writeln!(stub, "local {} = {{}}", shape.name);
        for method in shape.methods {
            let _ = writeln!(stub, "\n{}", comment(method.doc).trim_end());
            let params = params_of(method.params);
            for (name, ty) in &params {
                let _ = writeln!(stub, "---@param {}", spaced(&luacats_field(name, ty)));
            }
            returns(&format!("{}:{}", shape.name, method.name), method.returns, stub);
            let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
            let _ = writeln!(stub, "function {}:{}({}) end", shape.name, method.name, names.join(", "));
        }
    }
}

/// A class for the event of each hook, and one for what its handlers may answer.
fn events(stub: &mut String) {
    let _ = write!(
        stub,
        "\n---What every handler gets as its first argument.\n---@class purlin.Event\n---@field name string The hook's name.\n---@field payload table All fields in one table; `data` is the same.\n---@field data table\n---@field consumed boolean Whether the default action is suppressed already.\n---@field source string? Who emitted an event of an extension's own.\n---@field working boolean Whether the agent works.\n---@field focus {{ kind: string, window: string?, buffer: string?, role: string? }} Where keys go.\n---@field context purlin.Context What is true now.\nlocal Event = {{}}\n\n---Ends the phase.\nfunction Event.stop() end\n\n---Suppresses the default action.\nfunction Event.consume() end\n\n---Copies the event, to keep it beyond the handler.\n---@return table\nfunction Event:copy() end\n"
    );
    for hook in hooks() {
        let class = class_of(hook.name);
        let _ = writeln!(stub, "\n{}---@class purlin.{class}Event : purlin.Event", comment(hook.doc));
        for field in hook.payload {
            let _ = writeln!(
                stub,
                "---@field {} {} {}",
                field.name,
                types::values_or(field, "|", field_type(field.ty)),
                field.doc()
            );
        }
        if !hook.answer.is_empty() {
            let _ = writeln!(stub, "\n---@class purlin.{class}Answer");
            for field in hook.answer {
                let _ = writeln!(stub, "---@field {}? {}", field.name, field_type(field.ty));
            }
        }
    }
}

fn field_type(ty: FieldTy) -> &'static str {
    match ty {
        FieldTy::Bool => "boolean",
        FieldTy::Str => "string",
        FieldTy::Int => "integer",
        FieldTy::Num => "number",
        FieldTy::List => "any[]",
        FieldTy::Map => "table",
        FieldTy::Any => "any",
    }
}

fn function(declared: &ApiFn, stub: &mut String) {
    let _ = write!(stub, "\n{}", comment(declared.doc));
    if declared.waits() {
        stub.push_str("---\n---Waits: only where a coroutine can.\n---@async\n");
    }
    for param in declared.params {
        let ty = types::of(&param.ty);
        let doc = one_line(param.doc);
        let _ = match param.need {
            Need::Rest => writeln!(stub, "---@param ... any {doc}"),
            Need::Required => {
                writeln!(stub, "---@param {} {} {doc}", param.name, named(&ty))
            }
            Need::Optional | Need::Skippable => {
                writeln!(stub, "---@param {}? {} {doc}", param.name, named(&ty))
            }
        };
    }
    returns(declared.name, declared.returns, stub);
    if declared.name == "on" {
        hooks().for_each(|hook| overloads(hook, stub));
        stub.push_str(
            "---@overload fun(name: string, fn: fun(ev: table, ctx: purlin.Context)): purlin.Handle\n",
        );
    }
    skipping(declared, stub);
    let names: Vec<String> = declared
        .params
        .iter()
        .map(|param| if param.need == Need::Rest { "...".into() } else { escaped(param.name) })
        .collect();
    let _ = writeln!(stub, "function purlin.{}({}) end", declared.name, names.join(", "));
}

/// What may be left out from the middle: the function without it.
fn skipping(declared: &ApiFn, stub: &mut String) {
    if declared.name == "on" || declared.params.iter().all(|param| param.need != Need::Skippable) {
        return;
    }
    let kept = declared.params.iter().filter(|param| param.need != Need::Skippable);
    let kept: Vec<String> =
        kept.map(|param| luacats_field(&escaped(param.name), &types::of(&param.ty))).collect();
    let _ = writeln!(stub, "---@overload fun({})", kept.join(", "));
}

/// The type of a parameter; an absent `any` is said at the name.
fn named(ty: &Type) -> String {
    match ty {
        Type::Optional(ty) => ty.luacats(),
        ty => ty.luacats(),
    }
}

fn overloads(hook: &HookDecl, stub: &mut String) {
    let class = class_of(hook.name);
    let answer =
        if hook.answer.is_empty() { String::new() } else { format!(": purlin.{class}Answer|boolean|nil") };
    let waits = if hook.mode == HookMode::Async { "async " } else { "" };
    let handler = format!("{waits}fun(ev: purlin.{class}Event, ctx: purlin.Context){answer}");
    for name in std::iter::once(&hook.name).chain(hook.aliases) {
        let _ = writeln!(stub, "---@overload fun(name: \"{name}\", fn: {handler}): purlin.Handle");
        let _ =
            writeln!(stub, "---@overload fun(name: \"{name}\", opts: table, fn: {handler}): purlin.Handle");
    }
}

fn returns(name: &str, expression: &str, stub: &mut String) {
    let types = types::returns(expression).unwrap_or_else(|error| panic!("{name}: {error}"));
    for ty in types {
        let _ = writeln!(stub, "---@return {}", ty.luacats());
    }
}

fn split(name: &str, ty: &Type) -> (String, String) {
    match ty {
        Type::Optional(ty) => (format!("{name}?"), ty.luacats()),
        ty => (name.to_owned(), ty.luacats()),
    }
}

fn spaced(field: &str) -> String {
    field.replacen(": ", " ", 1)
}

fn comment(doc: &str) -> String {
    doc.lines().fold(String::new(), |text, line| text + "---" + line + "\n")
}

fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Parameter names that are words of the language.
fn escaped(name: &str) -> String {
    if ["end", "function", "repeat"].contains(&name) { format!("{name}_") } else { name.to_owned() }
}
