//! `package`, `require`, `load`, `loadstring`, `loadfile`, `dofile`.
//!
//! Each extension searches its own folder first, then what it added to `package.path`, then the
//! modules shipped with Purlin. Two extensions may both have a `text.lua`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::{Error, Function, Lua, MultiValue, Table, Value};

use crate::env::Env;
use crate::fault;

/// Where a module `a.b` may be below the extension's folder.
const OWN_PLACES: [&str; 4] = ["?.lua", "?/init.lua", "lua/?.lua", "lua/?/init.lua"];

/// A longer text names no module.
const LONGEST_NAME: usize = 4096;

/// Larger files are no source.
const MAX_SOURCE: u64 = 16 * 1024 * 1024;

/// Adds the globals.
pub(super) fn install(lua: &Lua, globals: &Table, env: &Rc<Env>) -> mlua::Result<()> {
    let package = lua.create_table()?;
    let loaded = lua.create_table()?;
    for name in
        ["string", "table", "math", "io", "os", "debug", "coroutine", "bit", "bit32", "utf8", "buffer"]
    {
        loaded.raw_set(name, globals.raw_get::<Value>(name)?)?;
    }
    loaded.raw_set("_G", globals)?;
    loaded.raw_set("package", &package)?;
    package.raw_set("loaded", loaded)?;
    package.raw_set("preload", lua.create_table()?)?;
    package.raw_set("path", own_path(&env.root))?;
    package.raw_set("cpath", "")?;
    package.raw_set("config", "/\n;\n?\n!\n-\n")?;
    package.raw_set(
        "searchpath",
        lua.create_function(|_, (name, path): (String, String)| {
            Ok(match search(&name, &path) {
                Ok(found) => (Some(found.to_string_lossy().into_owned()), None),
                Err(tried) => (None, Some(tried)),
            })
        })?,
    )?;
    globals.raw_set("package", &package)?;
    globals
        .raw_set("require", lua.create_function(move |lua, name: String| require(lua, &package, &name))?)?;
    install_loaders(lua, globals)
}

fn install_loaders(lua: &Lua, globals: &Table) -> mlua::Result<()> {
    let load = lua.create_function(
        |lua, (chunk, name, _mode, env): (Value, Option<String>, Option<String>, Option<Table>)| {
            let source = match chunk {
                Value::String(text) => text.as_bytes().to_vec(),
                Value::Function(reader) => read_pieces(&reader)?,
                other => {
                    let kind = other.type_name();
                    return Err(fault::raise(
                        lua,
                        &format!("bad argument #1 to 'load' (string expected, got {kind})"),
                    ));
                }
            };
            let name = name.unwrap_or_else(|| format!("={}", abridge(&source)));
            answer(lua, compile(lua, &source, &name, env))
        },
    )?;
    globals.raw_set("load", &load)?;
    globals.raw_set("loadstring", load)?;
    globals.raw_set(
        "loadfile",
        lua.create_function(|lua, (path, _mode, env): (String, Option<String>, Option<Table>)| {
            answer(lua, compile_file(lua, Path::new(&path), env))
        })?,
    )?;
    globals.raw_set(
        "dofile",
        lua.create_function(|lua, path: String| {
            compile_file(lua, Path::new(&path), None)?.call::<MultiValue>(())
        })?,
    )
}

/// The first line of a piece of source, as its name in messages.
fn abridge(source: &[u8]) -> String {
    let text = String::from_utf8_lossy(source);
    let line = text.lines().next().unwrap_or("");
    let short: String = line.chars().take(40).collect();
    format!("[string \"{short}{}\"]", if short.len() < text.trim_end().len() { "..." } else { "" })
}

fn read_pieces(reader: &Function) -> mlua::Result<Vec<u8>> {
    let mut source = Vec::new();
    loop {
        match reader.call::<Value>(())? {
            Value::String(piece) if !piece.as_bytes().is_empty() => {
                source.extend_from_slice(&piece.as_bytes());
            }
            _ => return Ok(source),
        }
    }
}

fn answer(lua: &Lua, compiled: mlua::Result<Function>) -> mlua::Result<MultiValue> {
    match compiled {
        Ok(function) => lua.pack_multi(function),
        Err(error) => lua.pack_multi((Value::Nil, fault::text(&error))),
    }
}

/// Compiles source text; bytecode is refused, because a crafted one could break the interpreter.
pub(crate) fn compile(lua: &Lua, source: &[u8], name: &str, env: Option<Table>) -> mlua::Result<Function> {
    let mut chunk = lua.load(source).set_name(name).set_mode(ChunkMode::Text);
    if let Some(env) = env {
        chunk = chunk.set_environment(env);
    }
    chunk.into_function()
}

/// Compiles a file; its path is its name in messages. A first line that begins with `#` is skipped.
pub(crate) fn compile_file(lua: &Lua, path: &Path, env: Option<Table>) -> mlua::Result<Function> {
    let mut source = read_source(path)
        .map_err(|reason| Error::RuntimeError(format!("cannot read `{}`: {reason}", path.display())))?;
    if source.starts_with(b"\xEF\xBB\xBF") {
        source.drain(..3);
    }
    if source.starts_with(b"#") {
        let end = source.iter().position(|byte| *byte == b'\n').unwrap_or(source.len());
        source.drain(..end);
    }
    compile(lua, &source, &format!("@{}", path.display()), env)
}

/// Reads source; a pipe or a device, which might never end, is none.
fn read_source(path: &Path) -> Result<Vec<u8>, String> {
    let plain = |error: std::io::Error| {
        let text = error.to_string();
        text.split(" (os error").next().unwrap_or(&text).to_owned()
    };
    let found = std::fs::metadata(path).map_err(plain)?;
    if !found.is_file() {
        return Err("it is not a file".into());
    }
    if found.len() > MAX_SOURCE {
        return Err(format!("it is larger than {} MiB", MAX_SOURCE / 1024 / 1024));
    }
    std::fs::read(path).map_err(plain)
}

fn own_path(root: &Path) -> String {
    let places: Vec<String> =
        OWN_PLACES.iter().map(|place| root.join(place).to_string_lossy().into_owned()).collect();
    places.join(";")
}

/// Looks for a module along a path of templates; the error lists what was tried.
fn search(name: &str, path: &str) -> Result<PathBuf, String> {
    let file = name.replace('.', "/");
    let mut tried = String::new();
    for template in path.split(';').filter(|template| !template.is_empty()) {
        let candidate = PathBuf::from(template.replace('?', &file));
        if candidate.is_file() {
            return Ok(candidate);
        }
        let _ = write!(tried, "\n\tno file '{}'", candidate.display()); // Writing to a string cannot fail.
    }
    Err(tried)
}

fn require(lua: &Lua, package: &Table, name: &str) -> mlua::Result<Value> {
    if name.len() > LONGEST_NAME {
        let text = format!("bad argument #1 to 'require' (at most {LONGEST_NAME} bytes expected)");
        return Err(fault::raise(lua, &text));
    }
    let loaded: Table = package.get("loaded")?;
    let found: Value = loaded.get(name)?;
    if !found.is_nil() {
        return Ok(found);
    }
    let preload: Table = package.get("preload")?;
    let (chunk, place) = if let Ok(chunk) = preload.get::<Function>(name) {
        (chunk, ":preload:".to_owned())
    } else {
        let path: String = package.get("path")?;
        match search(name, &path) {
            Ok(file) => (compile_file(lua, &file, None)?, file.to_string_lossy().into_owned()),
            Err(tried) => {
                let message =
                    format!("module '{name}' not found:\n\tno field package.preload['{name}']{tried}");
                return Err(fault::raise(lua, &message));
            }
        }
    };
    // A module that requires itself gets `true` instead of an endless recursion.
    loaded.set(name, true)?;
    match chunk.call::<Value>((name, place)) {
        Ok(Value::Nil) => {}
        Ok(value) => loaded.set(name, value)?,
        Err(error) => {
            loaded.set(name, Value::Nil)?;
            return Err(error);
        }
    }
    loaded.get(name)
}
