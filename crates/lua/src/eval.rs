//! Lua typed by a person: `/lua EXPR`, cells of kind `lua`, `purlin lua FILE`.
//!
//! [`Evaluator`] has an interpreter of its own, in which globals stay from one evaluation to the next. What is evaluated
//! may do all that an extension may, inside the same guard; what it registers stays until the evaluator is dropped.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use mlua::{Function, Lua, MultiValue, Value};
use purlin_kernel::{DeadlineClass, ExtId, HandlerError, Kernel, ServiceCall};
use serde_json::{Value as Json, json};

use crate::env::Env;
use crate::extension::{tell_memory, watchdog};
use crate::inspect::inspect;
use crate::libs::package::{compile, compile_file};
use crate::{fault, hint, state};

/// Name of the kernel's service that evaluates for other threads: `{source}` to `{shown}`; what is printed is progress.
pub const LUA_SERVICE: &str = "lua";

/// What people see as the file of a line they typed.
const TYPED: &str = "=lua";
/// And of what came from standard input.
const INPUT: &str = "=stdin";

/// Evaluates Lua for a person.
///
/// ```no_run
/// # async fn demo(kernel: purlin_kernel::Kernel) -> Result<(), purlin_kernel::HandlerError> {
/// let evaluator = purlin_lua::Evaluator::new(&kernel, ".", |line| drop(line.len()))?;
/// assert_eq!(evaluator.eval("{ 1 + 1 }").await?.as_deref(), Some("{ 2 }"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Evaluator(Rc<Inner>);

struct Inner {
    kernel: Kernel,
    ext: ExtId,
    env: Rc<Env>,
    lua: Lua,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.kernel.ext().unload(self.ext);
        self.env.retire();
    }
}

impl Evaluator {
    /// Makes an evaluator; `require` searches `folder` first, and `print` is given each line that is printed.
    pub fn new(
        kernel: &Kernel,
        folder: impl Into<PathBuf>,
        print: impl Fn(&str) + 'static,
    ) -> Result<Self, HandlerError> {
        let ext = kernel.ext().reserve("lua");
        let made = kernel.guard().stretch(ext, DeadlineClass::Load, "load", || {
            let env = Env::new(kernel, ext, "lua", folder.into(), watchdog(kernel)?);
            let memory = kernel.guard().limits().quotas.memory_bytes;
            let lua = state::create(&env, memory).map_err(|error| fault::handler_error(&error))?;
            tell_memory(kernel, ext, &lua);
            env.print_to(Rc::new(print));
            Ok((env, lua))
        });
        match made {
            Ok((env, lua)) => Ok(Self(Rc::new(Inner { kernel: kernel.clone(), ext, env, lua }))),
            Err(error) => {
                kernel.ext().unload(ext);
                Err(error)
            }
        }
    }

    /// Evaluates an expression or statements and shows the values as `purlin.inspect` does, one a line; nothing for no
    /// value. It may wait. The error has the line, and a hint where there is one.
    pub fn eval(&self, source: &str) -> LocalBoxFuture<'static, Result<Option<String>, HandlerError>> {
        let source = source.strip_prefix('=').unwrap_or(source).to_owned();
        let typed = source.clone();
        let run = self.run(DeadlineClass::Main, move |lua| compile_typed(lua, &source, TYPED));
        let hinted = move |mut error: HandlerError| {
            hint::add(&mut error, Some(&typed));
            error
        };
        run.map(move |ran| ran.map_err(hinted)).boxed_local()
    }

    /// Evaluates what came from standard input, as [`Evaluator::eval`] does, within the time that a file has.
    pub fn eval_input(&self, source: &str) -> LocalBoxFuture<'static, Result<Option<String>, HandlerError>> {
        let source = source.to_owned();
        self.run(DeadlineClass::Load, move |lua| compile_typed(lua, &source, INPUT))
    }

    /// Counts what was started and ends by itself: tasks, jobs and timers that run once.
    pub fn pending(&self) -> usize {
        let registered = self.0.kernel.registered(self.0.ext);
        let ends = |(kind, label): &&(&'static str, String)| match *kind {
            "task" | "job" => true,
            "timer" => label == "defer",
            _ => false,
        };
        registered.iter().filter(ends).count()
    }

    /// Runs a file and shows what it answers, as [`Evaluator::eval`] does; it may compute as long as an extension may
    /// while it loads.
    pub fn eval_file(
        &self,
        path: impl AsRef<Path>,
    ) -> LocalBoxFuture<'static, Result<Option<String>, HandlerError>> {
        let path = path.as_ref().to_owned();
        self.run(DeadlineClass::Load, move |lua| compile_file(lua, &path, None))
    }

    fn run(
        &self,
        class: DeadlineClass,
        compiled: impl FnOnce(&Lua) -> mlua::Result<Function> + 'static,
    ) -> LocalBoxFuture<'static, Result<Option<String>, HandlerError>> {
        let inner = Rc::clone(&self.0);
        let body = async move {
            let function = compiled(&inner.lua).map_err(|error| inner.env.failed(&inner.lua, &error))?;
            let values: MultiValue = inner.env.call_waiting(function, ()).await?;
            let shown: Vec<String> = values.iter().map(inspect).collect();
            // A call that answers nothing, or nil alone, has nothing to show.
            let is_nothing = values.iter().all(Value::is_nil);
            Ok((!is_nothing).then(|| shown.join("\n")))
        };
        self.0.kernel.guard().future(self.0.ext, class, "lua", body.boxed_local())
    }

    /// Evaluates for other threads, under the name [`LUA_SERVICE`]; what is printed meanwhile is told as it is printed.
    pub fn serve(&self) {
        // The service must not keep the kernel alive through the evaluator.
        let weak = Rc::downgrade(&self.0);
        self.0.kernel.serve(
            LUA_SERVICE,
            Rc::new(move |call| match weak.upgrade() {
                Some(inner) => Self(inner).answer(call),
                None => async { Err("the evaluator is gone".to_owned()) }.boxed_local(),
            }),
        );
    }

    /// Answers one call of the service [`LUA_SERVICE`].
    pub fn answer(&self, call: ServiceCall) -> LocalBoxFuture<'static, Result<Json, String>> {
        let source = call.payload["source"].as_str().unwrap_or_default().to_owned();
        let (evaluator, progress) = (self.clone(), call.progress);
        async move {
            let _telling = progress.map(|progress| {
                evaluator.0.env.print_also(Rc::new(move |line: &str| {
                    // Whoever stopped listening does not need it.
                    let _ = progress.unbounded_send(Json::String(format!("{line}\n")));
                }))
            });
            let shown = evaluator.eval(&source).await.map_err(|error| error.to_string())?;
            Ok(json!({ "shown": shown }))
        }
        .boxed_local()
    }
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator").field("ext", &self.0.ext).finish_non_exhaustive()
    }
}

/// An expression is the common case; the error of a statement is told in the words for statements.
fn compile_typed(lua: &Lua, source: &str, name: &str) -> mlua::Result<Function> {
    let expression = compile(lua, format!("return {source}").as_bytes(), name, None);
    expression.or_else(|_| compile(lua, source.as_bytes(), name, None))
}
