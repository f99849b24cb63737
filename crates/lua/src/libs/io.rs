//! `io`: files, and commands whose input or output is a file.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::rc::Rc;

use mlua::{AnyUserData, Function, Lua, MultiValue, Table, Value};

use super::file::{Body, LuaFile, io_failure, lines};
use super::shell;
use crate::env::Env;
use crate::fault;

const NO_READ: &str = "io.read would take the keyboard away from the screen; ask with purlin.ui.input, or read a file with io.open";

/// Fills the global `io`.
pub(super) fn fill(lua: &Lua, io: &Table, glue: &Table, env: &Rc<Env>) -> mlua::Result<()> {
    let opener = Rc::clone(env);
    io.raw_set(
        "open",
        lua.create_function(move |lua, (path, mode): (String, Option<String>)| {
            match open(lua, &opener, &path, mode.as_deref().unwrap_or("r"))? {
                Ok(file) => lua.pack_multi(file),
                Err(error) => io_failure(lua, &path, &error),
            }
        })?,
    )?;
    let liner = Rc::clone(env);
    io.raw_set(
        "lines",
        lua.create_function(move |lua, (path, formats): (Option<String>, MultiValue)| {
            let Some(path) = path else { return Err(fault::raise(lua, NO_READ)) };
            match open(lua, &liner, &path, "r")? {
                Ok(file) => lines(lua, lua.create_userdata(file)?, formats, true),
                Err(error) => Err(fault::raise(lua, &format!("{path}: {error}"))),
            }
        })?,
    )?;
    io.raw_set("popen", popen(lua, glue, env)?)?;
    io.raw_set("type", lua.create_function(|_, value: Value| Ok(file_type(&value)))?)?;
    let temporary = Rc::clone(env);
    io.raw_set("tmpfile", lua.create_function(move |lua, ()| tmpfile(lua, &temporary))?)?;
    for (name, level) in [("stdout", "info"), ("stderr", "error")] {
        io.raw_set(name, LuaFile::new(env, name, Body::Log { level, line: Vec::new() }))?;
    }
    for name in ["read", "input", "output"] {
        io.raw_set(
            name,
            lua.create_function(|lua, _: MultiValue| -> mlua::Result<()> {
                Err(fault::raise(lua, NO_READ))
            })?,
        )?;
    }
    let written: Function = lua
        .load("local io = ... return function(...) return io.stdout:write(...) end")
        .set_name("=purlin:glue")
        .call(io)?;
    io.raw_set("write", written)?;
    let closed: Function =
        lua.load("return function(file) return file:close() end").set_name("=purlin:glue").call(())?;
    io.raw_set("close", closed)
}

fn open(lua: &Lua, env: &Rc<Env>, path: &str, mode: &str) -> mlua::Result<std::io::Result<LuaFile>> {
    let mut options = OpenOptions::new();
    match mode.trim_end_matches('b').replace("b+", "+").as_str() {
        "r" => options.read(true),
        "w" => options.write(true).create(true).truncate(true),
        "a" => options.append(true).create(true),
        "r+" => options.read(true).write(true),
        "w+" => options.read(true).write(true).create(true).truncate(true),
        "a+" => options.read(true).append(true).create(true),
        _ => return Err(fault::raise(lua, &format!("bad argument #2 to 'open' (invalid mode '{mode}')"))),
    };
    // A pipe or a terminal must not be able to freeze the program; plain files do not notice.
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    Ok(options.open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(std::io::Error::from_raw_os_error(libc::EISDIR));
        }
        Ok(LuaFile::new(env, path, Body::Disk(file)))
    }))
}

fn tmpfile(lua: &Lua, env: &Rc<Env>) -> mlua::Result<MultiValue> {
    let os: Table = lua.globals().get("os")?;
    let path: String = os.get::<Function>("tmpname")?.call(())?;
    let made = open(lua, env, &path, "w+")?;
    // An open file keeps its content without a name, and leaves nothing behind.
    let removed = std::fs::remove_file(&path);
    match made.and_then(|file| removed.map(|()| file)) {
        Ok(file) => lua.pack_multi(file),
        Err(error) => io_failure(lua, &path, &error),
    }
}

/// `io.popen(command, mode)`; waits as a job where it can.
fn popen(lua: &Lua, glue: &Table, env: &Rc<Env>) -> mlua::Result<Function> {
    let bounded = {
        let env = Rc::clone(env);
        lua.create_function(move |lua, (command, mode): (String, Option<String>)| {
            if mode.as_deref().is_some_and(|mode| mode.starts_with('w')) {
                return Ok(LuaFile::new(
                    &env,
                    &command.clone(),
                    Body::Command { command, input: Vec::new() },
                ));
            }
            let done =
                shell::run_until_deadline(&env, &command, &[]).map_err(|why| fault::raise(lua, &why))?;
            Ok(LuaFile::of_output(&env, &command, done))
        })?
    };
    let waiting = {
        let env = Rc::clone(env);
        lua.create_async_function(move |lua, (command, mode): (String, Option<String>)| {
            let env = Rc::clone(&env);
            async move {
                if mode.as_deref().is_some_and(|mode| mode.starts_with('w')) {
                    return Ok(LuaFile::new(
                        &env,
                        &command.clone(),
                        Body::Command { command, input: Vec::new() },
                    ));
                }
                let done = shell::run_as_job(&env, &command, Vec::new())
                    .await
                    .map_err(|why| fault::raise(&lua, &why))?;
                Ok(LuaFile::of_output(&env, &command, done))
            }
        })?
    };
    glue.raw_get::<Function>("either")?.call((waiting, bounded))
}

fn file_type(value: &Value) -> Option<&'static str> {
    let Value::UserData(found) = value else { return None };
    let found: &AnyUserData = found;
    let file = found.borrow::<LuaFile>().ok()?;
    Some(if file.is_open() { "file" } else { "closed file" })
}
