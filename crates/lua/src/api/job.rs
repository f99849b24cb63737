//! `purlin.job`: processes. Each leads a group of its own, which ends with the extension.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use mlua::{Function, IntoLuaMulti, MultiValue, UserData, UserDataMethods, Value};
use purlin_kernel::{HandlerError, JobEvents, ProcessSpec, RunningJob};

use super::call::{Call, Options};
use super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, must, req};
use super::{fs, task};
use crate::env::Env;
use crate::fault;
use crate::handle::done;

/// What `job.run` keeps of each stream at most.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

const CMD: Opt = must(
    "cmd",
    Ty::Either(&[Ty::String, Ty::List]),
    "A program for `args`; without `args` a line for the shell; or a list: program and arguments.",
);
const ARGS: Opt = key("args", Ty::List, "The program's arguments.");
const CWD: Opt = key("cwd", Ty::String, "Where it runs; the session's directory without it.");
const ENV: Opt = key("env", Ty::Table, "Variables added to its environment.");
const TIMEOUT: Opt = key("timeout_ms", Ty::Integer, "After how many milliseconds its group is killed.");

const SPAWN: &[Opt] = &[
    CMD,
    ARGS,
    CWD,
    ENV,
    key("stdin", Ty::Either(&[Ty::Boolean, Ty::Text]), "What it reads; true keeps its input open for `:write`."),
    key("pty", Ty::Either(&[Ty::Boolean, Ty::Table]), "Whether it gets a terminal of its own; `{ cols, rows }` gives its size, 80 and 24 without it."),
    key("on_stdout", Ty::Function, "`fn(text)`, called with each piece of its output; it may wait."),
    key("on_stderr", Ty::Function, "`fn(text)`, the same for its errors."),
    key("on_exit", Ty::Function, "`fn(code, signal)`, called once."),
    TIMEOUT,
];

const RUN: &[Opt] = &[CMD, ARGS, CWD, ENV, key("stdin", Ty::Text, "What it reads."), TIMEOUT];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "job.spawn",
        params: &[req("job", Ty::Options(SPAWN), "")],
        returns: "Job",
        errors: &["The program cannot be started.", "The extension already runs as many jobs as its quota allows, 32."],
        doc: "Starts a process that runs beside everything else. It is killed with its group when the extension is unloaded.",
        example: "local job = purlin.job.spawn{ cmd = 'echo hello', on_stdout = function(text) purlin.log(text) end }\njob:kill()",
        run: Run::Now(spawn),
    },
    ApiFn {
        name: "job.run",
        params: &[req("job", Ty::Options(RUN), "")],
        returns: "{ code: integer?, signal: integer?, stdout: string, stderr: string } | nil, string",
        errors: &["The place cannot wait."],
        doc: "Runs a process to its end and answers what it wrote, at most 16 MiB of each stream; `nil` and the reason if it cannot be started.",
        example: "purlin.spawn(function()\n  local done = purlin.job.run{ cmd = 'echo', args = { 'hello' } }\n  assert(done.code == 0 and done.stdout == 'hello\\n')\nend)",
        run: Run::Wait(run),
    },
];

/// A running process as Lua code holds it.
struct LuaJob {
    env: Rc<Env>,
    job: RunningJob,
}

impl LuaJob {
    fn is_stale(&self) -> bool {
        !self.env.is_alive() || self.job.handle().is_stale()
    }
}

impl UserData for LuaJob {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        for verb in ["kill", "del", "stop"] {
            methods.add_method(verb, |lua, this, ()| {
                let runs = !this.is_stale();
                if runs {
                    this.job.kill();
                }
                done(lua, runs)
            });
        }
        methods.add_method("write", |lua, this, text: mlua::LuaString| {
            if this.is_stale() {
                return done(lua, false);
            }
            let (writing, env) = (this.job.write(text.as_bytes().to_vec()), Rc::clone(&this.env));
            let Some(kernel) = env.kernel() else { return done(lua, false) };
            // Written in the order of the calls; a process that no longer reads is not an error of the writer.
            let task = async move { drop(writing.await) };
            kernel
                .spawn_within_quota(env.ext, Box::pin(task))
                .map_err(|error| fault::raise(lua, &error.message))?;
            done(lua, true)
        });
        methods.add_method("close", |lua, this, ()| {
            let runs = !this.is_stale();
            if runs {
                this.job.close_stdin();
            }
            done(lua, runs)
        });
        methods.add_async_method("wait", |lua, this, ()| {
            let waiting = this.job.wait();
            async move {
                let exit = waiting.await;
                (exit.code, exit.signal).into_lua_multi(&lua)
            }
        });
        methods.add_method("is_running", |_, this, ()| Ok(!this.is_stale()));
    }
}

fn spawn(call: &Call) -> mlua::Result<MultiValue> {
    let options = call.options(0);
    let mut spec = spec(call, &options)?;
    match options.value("stdin") {
        Value::Boolean(keep) => spec.keep_stdin = keep,
        Value::String(text) => spec.stdin = Some(text.as_bytes().to_vec()),
        Value::Nil => {}
        _ => spec.stdin = options.string("stdin").map(String::into_bytes),
    }
    spec.pty = pty(call, &options.value("pty"))?;
    let events = JobEvents {
        on_stdout: options.function("on_stdout").map(|function| piece_fn(&call.env, function)),
        on_stderr: options.function("on_stderr").map(|function| piece_fn(&call.env, function)),
        on_exit: options.function("on_exit").map(|function| exit_fn(&call.env, function)),
    };
    let job = call.kernel()?.job().start(call.env.ext, spec, events);
    let job = job.map_err(|error| call.fail(error.message))?;
    call.one(LuaJob { env: Rc::clone(&call.env), job })
}

fn piece_fn(env: &Rc<Env>, function: Function) -> Rc<dyn Fn(Vec<u8>) -> Result<(), HandlerError>> {
    let env = Rc::clone(env);
    Rc::new(move |bytes| {
        let lua = env.lua()?;
        let text = lua.create_string(bytes).map_err(|error| fault::handler_error(&error))?;
        let args = text.into_lua_multi(&lua).map_err(|error| fault::handler_error(&error))?;
        task::start(&env, "job", &function, args)
    })
}

type ExitFn = Rc<dyn Fn(Option<i32>, Option<i32>) -> Result<(), HandlerError>>;

fn exit_fn(env: &Rc<Env>, function: Function) -> ExitFn {
    let env = Rc::clone(env);
    Rc::new(move |code, signal| {
        let lua = env.lua()?;
        let args = (code, signal).into_lua_multi(&lua).map_err(|error| fault::handler_error(&error))?;
        task::start(&env, "job", &function, args)
    })
}

fn pty(call: &Call, value: &Value) -> mlua::Result<Option<(u16, u16)>> {
    let table = match value {
        Value::Boolean(true) => return Ok(Some((80, 24))),
        Value::Table(table) => table,
        _ => return Ok(None),
    };
    let side = |name: &str, usual: u16| match table.get::<Option<u16>>(name) {
        Ok(side) => Ok(side.unwrap_or(usual).max(1)),
        Err(_) => Err(call.refuse(0, format!("field 'pty': field '{name}': a number of cells expected"))),
    };
    Ok(Some((side("cols", 80)?, side("rows", 24)?)))
}

fn run(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(0);
        let mut spec = spec(&call, &options)?;
        spec.stdin = match options.value("stdin") {
            Value::String(text) => Some(text.as_bytes().to_vec()),
            _ => options.string("stdin").map(String::into_bytes),
        };
        let running = call.kernel()?.job().run(call.env.ext, spec, MAX_OUTPUT);
        match running.await {
            Ok(ended) => {
                let table = call.lua.create_table()?;
                table.raw_set("code", ended.code)?;
                table.raw_set("signal", ended.signal)?;
                table.raw_set("stdout", call.lua.create_string(&ended.stdout)?)?;
                table.raw_set("stderr", call.lua.create_string(&ended.stderr)?)?;
                call.one(table)
            }
            Err(error) => call.nothing(&error.message),
        }
    })
}

fn spec(call: &Call, options: &Options<'_>) -> mlua::Result<ProcessSpec> {
    let (program, args) = match options.value("cmd") {
        Value::Table(_) => {
            let mut words = options.strings("cmd")?;
            if words.is_empty() {
                return Err(call.refuse(0, "field 'cmd': a program expected, got an empty list"));
            }
            let program = words.remove(0);
            words.extend(options.strings("args")?);
            (program, words)
        }
        _ if options.value("args").is_nil() => {
            ("sh".to_owned(), vec!["-c".to_owned(), options.string("cmd").unwrap_or_default()])
        }
        _ => (options.string("cmd").unwrap_or_default(), options.strings("args")?),
    };
    let mut env = Vec::new();
    for (name, value) in options.map("env")? {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(call.refuse(0, format!("field 'env': `{name}` cannot be a variable")));
        }
        env.push((name, value));
    }
    let cwd: PathBuf = fs::absolute(call, &options.string("cwd").unwrap_or_else(|| ".".into()))?;
    Ok(ProcessSpec {
        program,
        args,
        cwd: Some(cwd),
        env,
        group: true,
        timeout: options.count("timeout_ms")?.map(Duration::from_millis),
        ..ProcessSpec::default()
    })
}
