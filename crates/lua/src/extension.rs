//! A Lua extension as the kernel loads it.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};
use purlin_kernel::{ExtId, Extension, HandlerError, Kernel, MemoryUse, Registrar, Watchdog};

use crate::discover::{Found, Looked, PathError, discover};
use crate::env::Env;
use crate::fault;
use crate::libs::package::compile_file;
use crate::state;
use crate::watchdog::WatchdogThread;

/// One extension written in Lua: a file, or a folder with an entry file.
///
/// It is loaded by [`Extensions::load`](purlin_kernel::Extensions::load) into an interpreter of
/// its own, which lives until it is unloaded.
pub struct LuaExtension {
    found: Found,
    lua: Option<Lua>,
    env: Option<Rc<Env>>,
}

impl LuaExtension {
    /// The one extension at a path: a `.lua` file, or a folder with `init.lua` or `purlin.toml`.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, PathError> {
        let path = path.as_ref();
        let mut all = Self::all_from_path(path)?;
        match (all.pop(), all.len()) {
            (Some(one), 0) => Ok(one),
            (_, others) => Err(PathError::Several(path.to_owned(), others + 1)),
        }
    }

    /// Every extension a path stands for, in load order: a folder that is no extension itself
    /// stands for each `.lua` file and each extension folder in it, sorted by name. Files ending
    /// in `_test.lua` and `_spec.lua` are left out.
    pub fn all_from_path(path: impl AsRef<Path>) -> Result<Vec<Self>, PathError> {
        Self::each_from_path(path)?.into_iter().map(|(_, found)| found).collect()
    }

    /// Does the same, and answers each with the file or folder it was looked for in: one that cannot be used leaves the
    /// others as they are.
    pub fn each_from_path(path: impl AsRef<Path>) -> Result<Vec<Looked<Self>>, PathError> {
        let found = discover(path.as_ref())?;
        let loadable = |found| Self { found, lua: None, env: None };
        Ok(found.into_iter().map(|(path, found)| (path, found.map(loadable))).collect())
    }

    /// The file or folder that stands for this extension alone; it is loaded anew from there.
    pub fn path(&self) -> &Path {
        &self.found.path
    }

    /// The file that is run when the extension is loaded.
    pub fn entry(&self) -> &Path {
        &self.found.entry
    }

    /// What its manifest says it is for; empty without one.
    pub fn description(&self) -> &str {
        &self.found.description
    }

    /// The version in its manifest; empty without one.
    pub fn version(&self) -> &str {
        &self.found.version
    }

    fn run(&self, lua: &Lua, env: &Env) -> Result<(), HandlerError> {
        let purlin: Table = lua.globals().get("purlin").map_err(|error| fault::handler_error(&error))?;
        let mut entry = self.found.entry.clone();
        // A manifest names an entry, which may answer a function; a chain of manifests is a mistake.
        for _ in 0..2 {
            match start(lua, env, &entry, &purlin)? {
                Some(next) => entry = next,
                None => return Ok(()),
            }
        }
        Err(HandlerError::new("the manifest's entry is a manifest again"))
    }
}

/// Runs an entry file; answers the file that its manifest names, if it answered a manifest.
fn start(lua: &Lua, env: &Env, entry: &Path, purlin: &Table) -> Result<Option<PathBuf>, HandlerError> {
    let chunk = compile_file(lua, entry, None).map_err(|error| env.failed(lua, &error))?;
    let answer: Value = env.call(&chunk, entry.to_string_lossy().into_owned())?;
    match answer {
        Value::Function(setup) => set_up(env, &setup, purlin).map(|()| None),
        Value::Table(manifest) => {
            let setup = manifest.get::<Value>("setup").unwrap_or(Value::Nil);
            match (manifest.get::<Value>("entry").unwrap_or(Value::Nil), setup) {
                (Value::String(next), _) => Ok(Some(env.root.join(next.to_string_lossy()))),
                (Value::Function(setup), _) | (_, Value::Function(setup)) => {
                    set_up(env, &setup, purlin).map(|()| None)
                }
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

fn set_up(env: &Env, setup: &Function, purlin: &Table) -> Result<(), HandlerError> {
    env.call::<MultiValue>(setup, purlin).map(|_| ())
}

/// The watchdog of a kernel, started with its first Lua extension.
pub(crate) fn watchdog(kernel: &Kernel) -> Result<Rc<dyn Watchdog>, HandlerError> {
    if let Some(watchdog) = kernel.guard().watchdog() {
        return Ok(watchdog);
    }
    let thread = WatchdogThread::start()
        .map_err(|error| HandlerError::new(format!("cannot start the watchdog's thread: {error}")))?;
    let watchdog: Rc<dyn Watchdog> = Rc::new(thread);
    kernel.guard().set_watchdog(Rc::clone(&watchdog));
    Ok(watchdog)
}

/// Says how an interpreter's memory is found whenever somebody asks.
pub(crate) fn tell_memory(kernel: &Kernel, ext: ExtId, lua: &Lua) {
    let weak = lua.weak();
    // The interpreter counts kibibytes. Taken now: what an extension puts in its place is not asked.
    let count = lua.globals().get::<Function>("gcinfo").ok();
    let memory = move || {
        let taken = weak.try_upgrade().map_or(0, |lua| lua.used_memory());
        let values = count.as_ref().filter(|_| taken > 0).and_then(|count| count.call::<usize>(()).ok());
        MemoryUse { values: values.map_or(taken, |kibibytes| kibibytes << 10), taken }
    };
    kernel.guard().on_memory(ext, Rc::new(memory));
}

impl Extension for LuaExtension {
    fn name(&self) -> &str {
        &self.found.name
    }

    fn load(&mut self, registrar: &mut Registrar<'_>) -> Result<(), HandlerError> {
        let kernel = registrar.kernel();
        let watchdog = watchdog(kernel)?;
        let env = Env::new(kernel, registrar.ext(), &self.found.name, self.found.root.clone(), watchdog);
        let memory = kernel.guard().limits().quotas.memory_bytes;
        let lua = state::create(&env, memory).map_err(|error| fault::handler_error(&error))?;
        self.lua = Some(lua.clone());
        self.env = Some(Rc::clone(&env));
        tell_memory(kernel, registrar.ext(), &lua);
        self.run(&lua, &env)
    }

    fn unload(&mut self) {
        if let Some(env) = self.env.take() {
            env.retire();
        }
        self.lua = None;
    }
}

impl Drop for LuaExtension {
    fn drop(&mut self) {
        self.unload();
    }
}
