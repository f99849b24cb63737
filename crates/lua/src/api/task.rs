//! `purlin.spawn`, `sleep`, `schedule`, `defer`, `debounce`, `throttle`: work that waits, and work for later.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, Shared, select};
use mlua::{Function, IntoLuaMulti, MultiValue, UserData, UserDataMethods, Value};
use purlin_kernel::{DeadlineClass, Handle, HandlerError};

use super::call::Call;
use super::declare::{ApiFn, Run, Ty, Waiting, req, rest};
use crate::env::Env;
use crate::handle::{LuaHandle, done};

const FN: Ty = Ty::AsyncFunction;

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "spawn",
        params: &[req("fn", FN, "What to run; it may wait."), rest("args", "What it is called with.")],
        returns: "Task",
        errors: &["The extension already runs as many tasks as its quota allows."],
        doc: "Starts a coroutine of the runtime in the next turn of the loop. The task has `:cancel()` and `:wait()`, which answers what the function returned; a task that waits for itself, also by way of others, is an error.",
        example: "purlin.spawn(function(name) purlin.sleep(1) purlin.log('hello ' .. name) end, 'Bob')",
        run: Run::Now(spawn),
    },
    ApiFn {
        name: "sleep",
        params: &[req("ms", Ty::Integer, "Milliseconds from 0.")],
        returns: "true | nil, string",
        errors: &["The place cannot wait."],
        doc: "Waits. Answers `nil, 'user'` when what the handler works for was cancelled meanwhile.",
        example: "purlin.spawn(function() purlin.sleep(1) end)",
        run: Run::Wait(sleep),
    },
    ApiFn {
        name: "schedule",
        params: &[req("fn", FN, "What to run; it may wait.")],
        returns: "",
        errors: &[],
        doc: "Runs a function in the next turn of the loop.",
        example: "purlin.schedule(function() purlin.log('later') end)",
        run: Run::Now(|call| {
            spawn(call)?;
            call.none()
        }),
    },
    ApiFn {
        name: "defer",
        params: &[req("fn", FN, "What to run; it may wait."), req("ms", Ty::Integer, "Milliseconds from 0.")],
        returns: "Handle",
        errors: &[],
        doc: "Runs a function once, later. `purlin.timer.defer` takes the arguments the other way round.",
        example: "purlin.defer(function() purlin.log('one second later') end, 1000)",
        run: Run::Now(|call| {
            let (function, ms) = (call.function(0)?, call.milliseconds(1)?);
            call.one(defer(call, function, ms)?)
        }),
    },
    ApiFn {
        name: "debounce",
        params: &[req("fn", FN, "What to run; it may wait."), req("ms", Ty::Integer, "Milliseconds from 0.")],
        returns: "function",
        errors: &[],
        doc: "Answers a function that runs `fn` once it has not been called for `ms`, with the latest arguments.",
        example: "local save = purlin.debounce(function(text) purlin.log(text) end, 200)\nsave('a') save('ab')",
        run: Run::Now(debounce),
    },
    ApiFn {
        name: "throttle",
        params: &[req("fn", FN, "What to run; it may wait."), req("ms", Ty::Integer, "Milliseconds from 0.")],
        returns: "function",
        errors: &[],
        doc: "Answers a function that runs `fn` at most once in `ms`; what is called in between runs at the end of it, with the latest arguments.",
        example: "local draw = purlin.throttle(function() purlin.log('drawn') end, 100)\ndraw() draw()",
        run: Run::Now(throttle),
    },
];

type Outcome = Result<MultiValue, String>;

/// A running task as Lua code holds it.
struct Task {
    env: Rc<Env>,
    handle: Handle,
    /// The number of its coroutine.
    body: u64,
    outcome: Shared<oneshot::Receiver<Outcome>>,
}

impl UserData for Task {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        for verb in ["cancel", "del"] {
            methods.add_method(verb, |lua, task, ()| {
                let runs = task.env.is_alive() && !task.handle.is_stale();
                if runs {
                    task.handle.del();
                }
                done(lua, runs)
            });
        }
        methods.add_async_method("wait", |lua, task, ()| {
            let outcome = task.outcome.clone();
            let ended = outcome.peek().is_some();
            let waiting = if ended { None } else { task.env.wait_for(task.body) };
            let stuck = (!ended && waiting.is_none()).then(|| {
                crate::fault::raise(&lua, "Task:wait: the task waits for itself and would never end")
            });
            async move {
                if let Some(error) = stuck {
                    return Err(error);
                }
                let _waiting = waiting;
                match outcome.await {
                    Ok(Ok(values)) => Ok(values),
                    Ok(Err(why)) => (Value::Nil, why).into_lua_multi(&lua),
                    Err(oneshot::Canceled) => (Value::Nil, "cancelled").into_lua_multi(&lua),
                }
            }
        });
        methods.add_method("is_running", |_, task, ()| Ok(task.env.is_alive() && !task.handle.is_stale()));
    }
}

fn spawn(call: &Call) -> mlua::Result<MultiValue> {
    let function = call.function(0)?;
    let args: MultiValue = call.args.iter().skip(1).cloned().collect();
    let kernel = call.kernel()?;
    let (sender, receiver) = oneshot::channel();
    let body = call.env.next_body();
    let running = call.env.call_waiting_as::<MultiValue>(body, function, args);
    let guarded = kernel.guard().future(call.env.ext, DeadlineClass::Main, "spawn", running);
    let task = async move {
        let outcome = guarded.await.map_err(|error| error.to_string());
        // Nobody has to wait for a task.
        let _ = sender.send(outcome);
    };
    let handle =
        kernel.spawn_within_quota(call.env.ext, Box::pin(task)).map_err(|error| call.fail(error.message))?;
    call.one(Task { env: Rc::clone(&call.env), handle, body, outcome: receiver.shared() })
}

fn sleep(call: Call) -> Waiting {
    Box::pin(async move {
        let kernel = call.kernel()?;
        let time = Duration::from_millis(call.milliseconds(0)?);
        let nap = kernel.host().sleep(time);
        let token = kernel.guard().current_cancel();
        drop(kernel);
        let Some(token) = token else {
            nap.await;
            return call.one(true);
        };
        match select(nap, token.cancelled()).await {
            Either::Left(_) => call.one(true),
            Either::Right(_) => call.nothing("user"),
        }
    })
}

/// Runs a function as far as it goes without waiting, inside the stretch of the caller; the rest
/// becomes a task.
pub(crate) fn start(
    env: &Rc<Env>,
    what: &'static str,
    function: &Function,
    args: MultiValue,
) -> Result<(), HandlerError> {
    begin(env, what, function, args, ())
}

/// Does the same for a function that says while it is running, waits included.
pub(super) fn start_once(
    env: &Rc<Env>,
    what: &'static str,
    function: &Function,
    running: &Rc<Cell<bool>>,
) -> Result<(), HandlerError> {
    running.set(true);
    begin(env, what, function, MultiValue::new(), Runs(Rc::clone(running)))
}

/// A function runs as long as this lives.
struct Runs(Rc<Cell<bool>>);

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

fn begin<K: 'static>(
    env: &Rc<Env>,
    what: &'static str,
    function: &Function,
    args: MultiValue,
    kept: K,
) -> Result<(), HandlerError> {
    let mut body = env.call_waiting::<MultiValue>(function.clone(), args);
    match body.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map(|_| ()),
        Poll::Pending => {
            let kernel = env.kernel().ok_or_else(|| HandlerError::new("the session has ended"))?;
            let guarded = kernel.guard().future(env.ext, DeadlineClass::Main, what, body);
            // Dropped with the task, however it ends.
            let task = guarded.map(move |_| drop(kept));
            kernel.spawn_within_quota(env.ext, Box::pin(task)).map(|_| ())
        }
    }
}

/// Runs a function once, `ms` from now.
pub(super) fn defer(call: &Call, function: Function, ms: u64) -> mlua::Result<LuaHandle> {
    let handle =
        run_later(&call.env, function, MultiValue::new(), ms).map_err(|error| call.fail(error.message))?;
    Ok(LuaHandle::new(&call.env, handle, "timer"))
}

fn run_later(env: &Rc<Env>, function: Function, args: MultiValue, ms: u64) -> Result<Handle, HandlerError> {
    let kernel = env.kernel().ok_or_else(|| HandlerError::new("the session has ended"))?;
    let owner = Rc::clone(env);
    let run = Rc::new(move || start(&owner, "timer", &function, args.clone()));
    kernel.timer().defer(env.ext, ms, run)
}

fn debounce(call: &Call) -> mlua::Result<MultiValue> {
    let (function, ms, env) = (call.function(0)?, call.milliseconds(1)?, Rc::clone(&call.env));
    let pending: RefCell<Option<Handle>> = RefCell::new(None);
    let callable = call.lua.create_function(move |lua, args: MultiValue| {
        if let Some(earlier) = pending.borrow_mut().take() {
            earlier.del();
        }
        let later = run_later(&env, function.clone(), args, ms)
            .map_err(|error| crate::fault::raise(lua, &error.message))?;
        *pending.borrow_mut() = Some(later);
        Ok(())
    })?;
    call.one(callable)
}

/// What a throttled function remembers between two calls.
#[derive(Default)]
struct Throttled {
    /// When it may run again, in milliseconds of the kernel's clock.
    open_at: u64,
    /// The call that runs at the end of the current period.
    trailing: Option<Handle>,
}

fn throttle(call: &Call) -> mlua::Result<MultiValue> {
    let (function, ms, env) = (call.function(0)?, call.milliseconds(1)?, Rc::clone(&call.env));
    let state = RefCell::new(Throttled::default());
    let callable = call.lua.create_function(move |lua, args: MultiValue| {
        let Some(kernel) = env.kernel() else { return Ok(()) };
        let now = kernel.now();
        let mut state = state.borrow_mut();
        if let Some(trailing) = state.trailing.take() {
            trailing.del();
        }
        let wait = state.open_at.saturating_sub(now);
        state.open_at = now + wait + ms;
        let later = run_later(&env, function.clone(), args, wait)
            .map_err(|error| crate::fault::raise(lua, &error.message))?;
        if wait > 0 {
            state.open_at = now + wait;
            state.trailing = Some(later);
        }
        Ok(())
    })?;
    call.one(callable)
}
