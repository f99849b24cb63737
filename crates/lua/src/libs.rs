//! The standard library as authors know it from Lua 5.1 and Neovim: what Luau lacks is given
//! back, what blocks runs as a job, what would end or freeze the program says what to do instead.

mod bit;
mod file;
mod io;
mod os;
pub(crate) mod package;
pub(crate) mod shell;

use std::cell::OnceCell;
use std::rc::Rc;

use mlua::chunk::{ChunkMode, Compiler};
use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};

use crate::env::Env;
use crate::fault;

/// How many bytes are worked through between two looks at the deadline.
const DEADLINE_EVERY: usize = 64 * 1024;

const GLUE: &str = concat!(include_str!("libs/glue.lua"), "\n", include_str!("libs/event.lua"));

thread_local! {
    /// The glue's bytecode, compiled once per thread rather than once per extension.
    static COMPILED: OnceCell<Vec<u8>> = const { OnceCell::new() };
}

/// Completes the globals of a fresh state; answers the table of glue functions.
pub(crate) fn install(lua: &Lua, env: &Rc<Env>) -> mlua::Result<Table> {
    let globals = lua.globals();
    let glue = lua.create_table()?;
    glue.raw_set("pending", Value::LightUserData(Lua::poll_pending()))?;
    glue.raw_set(
        "clean",
        lua.create_function(|_, value: Value| {
            Ok(match &value {
                Value::Error(error) => fault::text(error),
                other => other.to_string()?,
            })
        })?,
    )?;
    glue.raw_set(
        "is_fatal",
        lua.create_function(|_, value: Value| {
            Ok(matches!(&value, Value::Error(error) if fault::is_fatal(error)))
        })?,
    )?;
    let waiter = Rc::clone(env);
    glue.raw_set("can_wait", lua.create_function(move |_, ()| Ok(waiter.can_wait()))?)?;
    let searcher = Rc::clone(env);
    glue.raw_set(
        "bounded_find",
        lua.create_function(move |_, (text, wanted, from): (LuaString, LuaString, Option<i64>)| {
            bounded_find(&searcher, &text.as_bytes(), &wanted.as_bytes(), from.unwrap_or(1))
        })?,
    )?;
    run_glue(lua, &glue)?;
    let bit = lua.create_table()?;
    lazy(lua, &glue, &bit, bit::fill)?;
    globals.raw_set("bit", bit)?;
    let (kept, owner) = (glue.clone(), Rc::clone(env));
    lazy(lua, &glue, &globals.raw_get("os")?, move |lua, os| os::fill(lua, os, &kept, &owner))?;
    let io = lua.create_table()?;
    let (kept, owner) = (glue.clone(), Rc::clone(env));
    lazy(lua, &glue, &io, move |lua, io| io::fill(lua, io, &kept, &owner))?;
    globals.raw_set("io", io)?;
    package::install(lua, &globals, env)?;
    let printer = Rc::clone(env);
    globals.raw_set(
        "print",
        lua.create_function(move |lua, values: MultiValue| print(lua, &printer, &values))?,
    )?;
    Ok(glue)
}

/// Has a library filled when it is first used: most extensions use few of them.
fn lazy(
    lua: &Lua,
    glue: &Table,
    library: &Table,
    fill: impl Fn(&Lua, &Table) -> mlua::Result<()> + 'static,
) -> mlua::Result<()> {
    let fill = lua.create_function(move |lua, library: Table| fill(lua, &library))?;
    glue.raw_get::<Function>("lazy")?.call((library, fill))
}

/// `string.find` for plain text so large that it could take hours; one-based, inclusive answers.
fn bounded_find(
    env: &Env,
    text: &[u8],
    wanted: &[u8],
    from: i64,
) -> mlua::Result<(Option<usize>, Option<usize>)> {
    let from = if from < 0 { (text.len() as i64 + 1 + from).max(1) } else { from.max(1) };
    let start = (from - 1) as usize;
    let mut work = 0;
    for at in start..(text.len() + 1).saturating_sub(wanted.len()) {
        let rest = &text[at..at + wanted.len()];
        let same = rest.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        if same == wanted.len() {
            return Ok((Some(at + 1), Some(at + wanted.len())));
        }
        work += same + 1;
        if work > DEADLINE_EVERY {
            work = 0;
            if env.is_overdue() {
                return Err(mlua::Error::external(fault::Overdue { place: None }));
            }
        }
    }
    Ok((None, None))
}

fn run_glue(lua: &Lua, glue: &Table) -> mlua::Result<()> {
    let bytecode = COMPILED.with(|compiled| match compiled.get() {
        Some(bytecode) => Ok(bytecode.clone()),
        None => Compiler::new().compile(GLUE).inspect(|bytecode| {
            // Nobody else fills it: the cell belongs to this thread.
            let _ = compiled.set(bytecode.clone());
        }),
    })?;
    lua.load(bytecode).set_name("=purlin:glue").set_mode(ChunkMode::Binary).call(glue)
}

fn print(lua: &Lua, env: &Env, values: &MultiValue) -> mlua::Result<()> {
    let mut line = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            line.push('\t');
        }
        match value {
            Value::String(text) => line.push_str(&text.to_string_lossy()),
            Value::Error(error) => line.push_str(&fault::text(error)),
            other => match lua.coerce_string(other.clone())? {
                Some(text) => line.push_str(&text.to_string_lossy()),
                None => line.push_str(&other.to_string()?),
            },
        }
    }
    env.log("info", &line);
    Ok(())
}
