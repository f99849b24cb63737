//! `purlin.job.spawn`: a process that runs beside everything else.

use std::rc::Rc;

use mlua::{Function, IntoLuaMulti, MultiValue, UserData, UserDataMethods, Value};
use purlin_kernel::{HandlerError, JobEvents, JobExit, RunningJob};

use super::super::call::Call;
use super::super::declare::{ApiFn, Opt, Run, Ty, key, req};
use super::super::task;
use super::{ARGS, CMD, CWD, ENV, TIMEOUT, spec};
use crate::env::Env;
use crate::fault;
use crate::handle::done;

const SPAWN: &[Opt] = &[
    CMD,
    ARGS,
    CWD,
    ENV,
    key(
        "stdin",
        Ty::Either(&[Ty::Boolean, Ty::Text]),
        "What it reads; true keeps its input open for `:write`.",
    ),
    key(
        "pty",
        Ty::Either(&[Ty::Boolean, Ty::Table]),
        "Whether it gets a terminal of its own; `{ cols, rows }` gives its size, 80 and 24 without it.",
    ),
    key("on_stdout", Ty::AsyncFunction, "`fn(text)`, called with each piece of its output; it may wait."),
    key("on_stderr", Ty::AsyncFunction, "`fn(text)`, the same for its errors."),
    key(
        "on_exit",
        Ty::AsyncFunction,
        "`fn(code, signal, timed_out)`, called once; `timed_out` tells that it was killed after `timeout_ms`.",
    ),
    TIMEOUT,
];

pub(crate) const FNS: &[ApiFn] = &[ApiFn {
    name: "job.spawn",
    params: &[req("job", Ty::Options(SPAWN), "")],
    returns: "Job",
    errors: &[
        "The program cannot be started.",
        "The extension already runs as many jobs as its quota allows, 32.",
    ],
    doc: "Starts a process that runs beside everything else. It is killed with its group when the extension is unloaded.",
    example: "local job = purlin.job.spawn{ cmd = 'echo hello', on_stdout = function(text) purlin.log(text) end }\njob:kill()",
    run: Run::Now(spawn),
}];

/// A running process as Lua code holds it.
struct LuaJob {
    env: Rc<Env>,
    job: RunningJob,
}

impl LuaJob {
    fn is_stale(&self) -> bool {
        !self.env.is_alive() || self.job.handle.is_stale()
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
                exit_values(exit).into_lua_multi(&lua)
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

type ExitFn = Rc<dyn Fn(JobExit) -> Result<(), HandlerError>>;

/// How a process ended, as Lua code is told.
fn exit_values(exit: JobExit) -> (Option<i32>, Option<i32>, bool) {
    (exit.code, exit.signal, exit.timed_out)
}

fn exit_fn(env: &Rc<Env>, function: Function) -> ExitFn {
    let env = Rc::clone(env);
    Rc::new(move |exit| {
        let lua = env.lua()?;
        let args = exit_values(exit).into_lua_multi(&lua).map_err(|error| fault::handler_error(&error))?;
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
