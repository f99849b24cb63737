//! The `purlin` module: every function is declared once, in its family's file, with its
//! implementation beside it.

mod action;
mod buf;
mod call;
mod check;
mod command;
mod core;
mod declare;
mod feature;
mod fs;
mod hl;
mod hook;
mod http;
mod job;
mod json;
mod keymap;
mod layout;
mod legacy;
mod mark;
mod option;
mod shape;
mod state;
mod task;
mod timer;
mod tool;
mod ui;
mod win;

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};

pub(crate) use buf::view::{live as buffer_view, read as buffer_field};
pub(crate) use call::{Call, string_list};
pub use check::describe;
pub use declare::{ApiFn, Need, Opt, Param, Run, Ty};
pub use shape::{Method, SHAPES, Shape, ShapeField};
pub(crate) use win::{field as window_field, focus_json};

use crate::compat;
use crate::env::Env;
use crate::fault;

/// Every family, in the order of the reference.
const FAMILIES: &[&[ApiFn]] = &[
    core::FNS,
    task::FNS,
    hook::FNS,
    json::FNS,
    buf::FNS,
    buf::lines::FNS,
    buf::blocks::FNS,
    win::FNS,
    win::open::FNS,
    win::render::FNS,
    layout::FNS,
    ui::FNS,
    mark::FNS,
    hl::FNS,
    ui::draw::FNS,
    ui::ask::FNS,
    ui::chrome::FNS,
    ui::text::FNS,
    ui::lists::FNS,
    keymap::FNS,
    command::FNS,
    action::FNS,
    tool::FNS,
    timer::FNS,
    job::spawn::FNS,
    job::FNS,
    fs::FNS,
    http::FNS,
    state::FNS,
    option::FNS,
    legacy::FNS,
];

/// Every function of the Lua API, in the order of the reference.
pub fn functions() -> impl Iterator<Item = &'static ApiFn> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// Builds the `purlin` table and makes it the global and the module of that name.
///
/// A namespace is filled when it is first used: an extension pays for what it touches.
pub(crate) fn install(lua: &Lua, env: &Rc<Env>, glue: &Table) -> mlua::Result<()> {
    let purlin = lua.create_table()?;
    for declared in functions().filter(|declared| declared.namespace().is_empty()) {
        purlin.raw_set(declared.short_name(), make(lua, env, glue, declared)?)?;
    }
    purlin.raw_set("null", Value::NULL)?;
    purlin.raw_set("version", env!("CARGO_PKG_VERSION"))?;
    purlin.raw_set("api_level", crate::API_LEVEL)?;
    purlin.raw_set("args", arguments(lua, env)?)?;
    let (owner, kept) = (Rc::clone(env), glue.clone());
    let open = lua.create_function(move |lua, (purlin, name): (Table, Value)| {
        let Value::String(wanted) = &name else { return Ok(Value::Nil) };
        let Some(namespace) = fill(lua, &owner, &kept, &wanted.to_string_lossy())? else {
            return Ok(Value::Nil);
        };
        purlin.raw_set(&name, &namespace)?;
        Ok(Value::Table(namespace))
    })?;
    let walk = lua.create_function(|lua, purlin: Table| {
        for name in inner_namespaces("") {
            purlin.get::<Value>(name)?;
        }
        Ok((lua.globals().raw_get::<Function>("next")?, purlin))
    })?;
    let meta = lua.create_table()?;
    meta.raw_set("__index", open)?;
    meta.raw_set("__iter", &walk)?;
    meta.raw_set("__pairs", &walk)?;
    // What `getmetatable` answers: enough for `pairs`, and nothing by which it could be changed.
    let shown = lua.create_table()?;
    shown.raw_set("__pairs", walk)?;
    meta.raw_set("__metatable", shown)?;
    purlin.set_metatable(Some(meta))?;
    let globals = lua.globals();
    let loaded: Table = globals.get::<Table>("package")?.get("loaded")?;
    for name in ["purlin", "librecode"] {
        globals.raw_set(name, &purlin)?;
        loaded.raw_set(name, &purlin)?;
    }
    Ok(())
}

/// What stood behind `--` on the command line of a program of its own; empty elsewhere.
fn arguments(lua: &Lua, env: &Env) -> mlua::Result<Table> {
    let given = env.kernel().and_then(|kernel| kernel.context("args"));
    let words = given.as_ref().and_then(serde_json::Value::as_array).into_iter().flatten();
    lua.create_sequence_from(words.filter_map(serde_json::Value::as_str))
}

/// The table of one namespace, or `None` if there is none of that name.
fn fill(lua: &Lua, env: &Rc<Env>, glue: &Table, name: &str) -> mlua::Result<Option<Table>> {
    let members: Vec<&ApiFn> = functions().filter(|declared| declared.namespace() == name).collect();
    let legacy = compat::aliases(name);
    if members.is_empty() && legacy.is_empty() {
        return Ok(None);
    }
    let table = lua.create_table()?;
    for declared in members {
        table.raw_set(declared.short_name(), make(lua, env, glue, declared)?)?;
    }
    for inner in inner_namespaces(name) {
        if let Some(filled) = fill(lua, env, glue, &format!("{name}.{inner}"))? {
            table.raw_set(inner, filled)?;
        }
    }
    for (alias, real) in legacy {
        if let Some(declared) = functions().find(|declared| declared.name == *real) {
            table.raw_set(*alias, make(lua, env, glue, declared)?)?;
        }
    }
    Ok(Some(table))
}

/// The names of the namespaces directly inside another, or of the outermost ones.
fn inner_namespaces(name: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for declared in functions() {
        let rest = match name {
            "" => Some(declared.namespace()),
            name => declared.namespace().strip_prefix(name).and_then(|rest| rest.strip_prefix('.')),
        };
        if let Some(inner) = rest.and_then(|rest| rest.split('.').next())
            && !inner.is_empty()
            && !found.contains(&inner)
        {
            found.push(inner);
        }
    }
    found
}

/// Calls a function of the API that does not wait, as code of the extension would.
pub(crate) fn invoke(lua: &Lua, env: &Rc<Env>, name: &str, args: Vec<Value>) -> mlua::Result<MultiValue> {
    let declared = find(name).ok_or_else(|| mlua::Error::runtime(format!("there is no `{name}`")))?;
    let mut args = MultiValue::from_vec(args);
    check::check(declared, &mut args).map_err(mlua::Error::runtime)?;
    match declared.run {
        Run::Now(run) => run(&Call { lua: lua.clone(), env: Rc::clone(env), declared, args }),
        Run::Wait(_) => Err(mlua::Error::runtime(format!("`{name}` waits"))),
    }
}

/// The keys that an argument of a function takes.
pub(crate) fn keys(name: &str, index: usize) -> &'static [Opt] {
    match find(name).and_then(|declared| declared.params.get(index)).map(|param| param.ty) {
        Some(Ty::Options(options)) => options,
        _ => &[],
    }
}

/// The Lua function of a declaration.
fn make(lua: &Lua, env: &Rc<Env>, glue: &Table, declared: &'static ApiFn) -> mlua::Result<Function> {
    let env = Rc::clone(env);
    match declared.run {
        Run::Now(run) => lua.create_function(move |lua, mut args: MultiValue| {
            env.begin();
            check::check(declared, &mut args).map_err(|message| fault::raise(lua, &message))?;
            run(&Call { lua: lua.clone(), env: Rc::clone(&env), declared, args })
        }),
        Run::Wait(run) => {
            let waiter = Rc::clone(&env);
            let waiting = lua.create_function(move |lua, ()| {
                let env = Rc::clone(&waiter);
                lua.create_async_function(move |lua, args: MultiValue| {
                    run(Call { lua, env: Rc::clone(&env), declared, args })
                })
            })?;
            let check = lua.create_function(move |lua, mut args: MultiValue| {
                env.begin();
                check::check(declared, &mut args).map_err(|message| fault::raise(lua, &message))?;
                Ok(args)
            })?;
            glue.raw_get::<Function>("waiting")?.call((declared.name, check, waiting))
        }
    }
}

/// The position of a function among all, for tests and documents that walk the registry.
pub fn find(name: &str) -> Option<&'static ApiFn> {
    functions().find(|declared| declared.name == name)
}
