//! `os`: what Luau leaves out of it.

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::file::io_failure;
use super::shell;
use crate::env::Env;
use crate::fault;

/// Completes the global `os`.
pub(super) fn fill(lua: &Lua, os: &Table, glue: &Table, env: &Rc<Env>) -> mlua::Result<()> {
    os.raw_set("getenv", lua.create_function(|_, name: String| Ok(std::env::var(name).ok()))?)?;
    os.raw_set("remove", lua.create_function(|lua, path: String| remove(lua, &path))?)?;
    os.raw_set(
        "rename",
        lua.create_function(|lua, (from, to): (String, String)| match std::fs::rename(&from, &to) {
            Ok(()) => lua.pack_multi(true),
            Err(error) => io_failure(lua, &from, &error),
        })?,
    )?;
    os.raw_set("tmpname", lua.create_function(|lua, ()| tmpname(lua))?)?;
    os.raw_set("setlocale", lua.create_function(|_, _: MultiValue| Ok("C"))?)?;
    os.raw_set(
        "exit",
        lua.create_function(|lua, _: MultiValue| -> mlua::Result<()> {
            Err(fault::raise(
                lua,
                "os.exit would end the whole program; return from the function, or run the command `/quit`",
            ))
        })?,
    )?;
    os.raw_set("execute", execute(lua, glue, env)?)
}

fn remove(lua: &Lua, path: &str) -> mlua::Result<MultiValue> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir(path),
        _ => std::fs::remove_file(path),
    };
    match removed {
        Ok(()) => lua.pack_multi(true),
        Err(error) => io_failure(lua, path, &error),
    }
}

/// Makes an empty file of a new name, so that nobody else can take the name in between.
fn tmpname(lua: &Lua) -> mlua::Result<String> {
    let folder = std::env::temp_dir();
    for attempt in 0..100_u32 {
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos());
        let path = folder.join(format!("purlin-{}-{nanos:09}-{attempt}", std::process::id()));
        if std::fs::OpenOptions::new().write(true).create_new(true).open(&path).is_ok() {
            return Ok(path.to_string_lossy().into_owned());
        }
    }
    Err(fault::raise(lua, "unable to generate a unique filename"))
}

/// `os.execute(command)`: the exit code; waits as a job where it can.
fn execute(lua: &Lua, glue: &Table, env: &Rc<Env>) -> mlua::Result<Function> {
    let bounded = {
        let env = Rc::clone(env);
        lua.create_function(move |lua, command: Option<String>| {
            let Some(command) = command else { return Ok(Value::Boolean(true)) };
            let done =
                shell::run_until_deadline(&env, &command, &[]).map_err(|why| fault::raise(lua, &why))?;
            env.log_output(&done);
            Ok(Value::Integer(done.code))
        })?
    };
    let waiting = {
        let env = Rc::clone(env);
        lua.create_async_function(move |lua, command: Option<String>| {
            let env = Rc::clone(&env);
            async move {
                let Some(command) = command else { return Ok(Value::Boolean(true)) };
                let done = shell::run_as_job(&env, &command, Vec::new())
                    .await
                    .map_err(|why| fault::raise(&lua, &why))?;
                env.log_output(&done);
                Ok(Value::Integer(done.code))
            }
        })?
    };
    glue.raw_get::<Function>("either")?.call((waiting, bounded))
}
