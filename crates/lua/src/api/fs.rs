//! `purlin.fs`: files, off the main thread.

use std::path::PathBuf;
use std::rc::Rc;

use futures_util::StreamExt;
use mlua::{IntoLuaMulti, MultiValue, Value};
use purlin_kernel::{DeadlineClass, HostError};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Param, Run, Ty, Waiting, key, opt, req};
use super::task;
use crate::handle::LuaHandle;

const PATH: Param =
    req("path", Ty::String, "Absolute, below the home with `~`, or from the session's directory.");
const CANNOT_WAIT: &str = "The place cannot wait.";
/// A listing is cut here, so that a pattern over a whole disk ends.
const MOST_FOUND: u64 = 10_000;

const GLOB: &[Opt] = &[
    key("cwd", Ty::String, "The folder it starts from; the session's directory without it."),
    key("limit", Ty::Integer, "How many are answered at most; 10,000 without it, and at most."),
];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "fs.read",
        params: &[PATH],
        returns: "string | nil, string",
        errors: &[CANNOT_WAIT],
        doc: "Reads a whole file of at most 32 MiB; its bytes are not changed. What is no regular file is refused: `io.open` reads it in parts.",
        example: "purlin.spawn(function()\n  local text, why = purlin.fs.read('/nowhere')\n  assert(text == nil and why:find('/nowhere', 1, true))\nend)",
        run: Run::Wait(read),
    },
    ApiFn {
        name: "fs.write",
        params: &[PATH, req("text", Ty::Text, "What the file holds from now on.")],
        returns: "true | nil, string",
        errors: &[CANNOT_WAIT],
        doc: "Writes a whole file.",
        example: "purlin.spawn(function()\n  local path = os.tmpname()\n  assert(purlin.fs.write(path, 'hello') and purlin.fs.read(path) == 'hello')\n  os.remove(path)\nend)",
        run: Run::Wait(write),
    },
    ApiFn {
        name: "fs.list",
        params: &[PATH],
        returns: "{ name: string, is_dir: boolean }[] | nil, string",
        errors: &[CANNOT_WAIT],
        doc: "Lists a folder by name.",
        example: "purlin.spawn(function()\n  for _, entry in ipairs(purlin.fs.list('/')) do purlin.log(entry.name) end\nend)",
        run: Run::Wait(list),
    },
    ApiFn {
        name: "fs.stat",
        params: &[PATH],
        returns: "{ is_dir: boolean, size: integer, modified_ms: integer } | nil, string",
        errors: &[CANNOT_WAIT],
        doc: "Tells what is known of a file or folder, links followed; `nil, 'missing'` if there is none. `modified_ms` counts milliseconds since 1970.",
        example: "purlin.spawn(function() assert(purlin.fs.stat('/').is_dir) end)",
        run: Run::Wait(stat),
    },
    ApiFn {
        name: "fs.glob",
        params: &[
            req("pattern", Ty::String, "`*`, `?`, `[a-z]`, `{a,b}` within a name; `**` for any folders."),
            opt("opts", Ty::Options(GLOB), ""),
        ],
        returns: "string[] | nil, string",
        errors: &[CANNOT_WAIT],
        doc: "Lists the files that match a pattern, sorted, as paths from the folder it starts from. A pattern that begins with `/`, `~/`, `./` or `../` starts there, and its paths begin as it does.",
        example: "purlin.spawn(function()\n  for _, path in ipairs(purlin.fs.glob('*.lua', { cwd = '/', limit = 10 })) do purlin.log(path) end\nend)",
        run: Run::Wait(glob),
    },
    ApiFn {
        name: "fs.watch",
        params: &[
            PATH,
            req(
                "fn",
                Ty::AsyncFunction,
                "`fn(path, change)`; `change` is `created`, `modified` or `removed`. It may wait.",
            ),
        ],
        returns: "Handle",
        errors: &[
            "The path cannot be watched.",
            "The extension already runs as many tasks as its quota allows.",
        ],
        doc: "Calls a function when a file, or something directly in a folder, changes.",
        example: "local watch = purlin.fs.watch('/', function(path, change) purlin.log(path .. ' ' .. change) end)\nwatch:del()",
        run: Run::Now(watch),
    },
];

/// A path as authors write it.
pub(super) fn path_of(call: &Call, index: usize) -> mlua::Result<PathBuf> {
    let text = call.string(index)?;
    if text.is_empty() {
        return Err(call.refuse(index, "a path expected, got an empty string"));
    }
    if text.contains('\0') {
        return Err(call.refuse(index, "a path holds no NUL"));
    }
    absolute(call, &text)
}

/// A path from the session's directory.
pub(super) fn absolute(call: &Call, text: &str) -> mlua::Result<PathBuf> {
    let below_home = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if let (Some(rest), Some(home)) = (below_home, std::env::home_dir()) {
        return Ok(home.join(rest.trim_start_matches('/')));
    }
    let cwd = call.kernel()?.context("cwd");
    Ok(match cwd.as_ref().and_then(Json::as_str) {
        Some(cwd) => PathBuf::from(cwd).join(text),
        None => PathBuf::from(text),
    })
}

/// `nil` and the words of a failure.
fn failed(call: &Call, error: &HostError) -> mlua::Result<MultiValue> {
    call.nothing(&error.to_string())
}

fn read(call: Call) -> Waiting {
    Box::pin(async move {
        let reading = call.kernel()?.host().fs_read(path_of(&call, 0)?);
        match reading.await {
            Ok(bytes) => call.one(Value::String(call.lua.create_string(bytes)?)),
            Err(error) => failed(&call, &error),
        }
    })
}

fn write(call: Call) -> Waiting {
    Box::pin(async move {
        let bytes = match call.value(1) {
            Value::String(text) => text.as_bytes().to_vec(),
            _ => call.string(1)?.into_bytes(),
        };
        let writing = call.kernel()?.host().fs_write(path_of(&call, 0)?, bytes);
        match writing.await {
            Ok(()) => call.one(true),
            Err(error) => failed(&call, &error),
        }
    })
}

fn list(call: Call) -> Waiting {
    Box::pin(async move {
        let listing = call.kernel()?.host().fs_list(path_of(&call, 0)?);
        match listing.await {
            Ok(entries) => {
                let entries =
                    entries.into_iter().map(|entry| json!({ "name": entry.name, "is_dir": entry.is_dir }));
                call.answer(&Json::Array(entries.collect()))
            }
            Err(error) => failed(&call, &error),
        }
    })
}

fn stat(call: Call) -> Waiting {
    Box::pin(async move {
        let asking = call.kernel()?.host().fs_stat(path_of(&call, 0)?);
        match asking.await {
            Ok(Some(found)) => {
                let (is_dir, size, modified_ms) = (found.is_dir, found.size, found.modified_ms);
                call.answer(&json!({ "is_dir": is_dir, "size": size, "modified_ms": modified_ms }))
            }
            Ok(None) => call.nothing("missing"),
            Err(error) => failed(&call, &error),
        }
    })
}

fn glob(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(1);
        let pattern = call.string(0)?;
        let (head, rest) = fixed_head(&pattern);
        let mut root = absolute(&call, &options.string("cwd").unwrap_or_else(|| ".".into()))?;
        if head.starts_with(['/', '~']) {
            root = absolute(&call, head)?;
        } else {
            root.push(head);
        }
        let most = options.count("limit")?.unwrap_or(MOST_FOUND).min(MOST_FOUND) as usize;
        let looking = call.kernel()?.host().fs_glob(root, rest.to_owned(), most);
        match looking.await {
            Ok(found) => {
                let paths: Vec<String> =
                    found.into_iter().map(|path| format!("{head}{}", path.to_string_lossy())).collect();
                call.one(paths)
            }
            Err(error) => failed(&call, &error),
        }
    })
}

/// Parts a pattern that begins elsewhere than below the folder, at `/`, `~`, `.` or `..`, into the folder where it begins
/// and the rest, which has every name with a sign of a pattern in it, and the last.
fn fixed_head(pattern: &str) -> (&str, &str) {
    let first = pattern.split('/').next().unwrap_or_default();
    if !(pattern.contains('/') && matches!(first, "" | "~" | "." | "..")) {
        return ("", pattern);
    }
    let sign = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    pattern[..sign].rfind('/').map_or(("", pattern), |slash| pattern.split_at(slash + 1))
}

fn watch(call: &Call) -> mlua::Result<MultiValue> {
    let (path, function) = (path_of(call, 0)?, call.function(1)?);
    let kernel = call.kernel()?;
    let mut events = kernel.host().fs_watch(path).map_err(|error| call.fail(error.to_string()))?;
    let env = Rc::clone(&call.env);
    let task = async move {
        while let Some(event) = events.next().await {
            let (Some(kernel), Ok(lua)) = (env.kernel(), env.lua()) else { return };
            let path = event.path.to_string_lossy().into_owned();
            // The guard has recorded a failure; the next change is told all the same.
            let _ = kernel.guard().stretch(env.ext, DeadlineClass::Main, "fs.watch", || {
                let args = (path, event.change.name())
                    .into_lua_multi(&lua)
                    .map_err(|error| crate::fault::handler_error(&error))?;
                task::start(&env, "fs.watch", &function, args)
            });
        }
    };
    let handle = kernel.spawn_within_quota(call.env.ext, Box::pin(task));
    let handle = handle.map_err(|error| call.fail(error.message))?;
    call.one(LuaHandle::new(&call.env, handle, "watch"))
}

#[cfg(test)]
mod tests {
    use super::fixed_head;

    #[test]
    fn a_pattern_that_begins_elsewhere_is_parted_there() {
        for (pattern, parts) in [
            ("*.lua", ("", "*.lua")),
            ("a/b/*.lua", ("", "a/b/*.lua")),
            ("/etc/host*", ("/etc/", "host*")),
            ("/etc/hosts", ("/etc/", "hosts")),
            ("/*", ("/", "*")),
            ("~/*/x", ("~/", "*/x")),
            ("../a/{b,c}/d", ("../a/", "{b,c}/d")),
            ("./**", ("./", "**")),
            ("~x/*", ("", "~x/*")),
            ("..", ("", "..")),
        ] {
            assert_eq!(fixed_head(pattern), parts, "{pattern}");
        }
    }
}
