//! `purlin.win.render`: a window drawn by a function.

use std::rc::Rc;

use mlua::{Function, MultiValue, Table, Value};
use purlin_kernel::text::Line;
use purlin_kernel::{HandlerError, Kernel, RenderContext, Renderer, Window};

use super::super::call::Call;
use super::super::declare::{ApiFn, Opt, Run, Ty, key, opt, req};
use super::NAME;
use crate::env::Env;
use crate::fault;
use crate::handle::LuaHandle;
use crate::spans::{self, Reader};

const OPTIONS: &[Opt] = &[key(
    "wrap",
    Ty::Boolean,
    "Whether the function is given what would have been drawn; answering nil then leaves it as it is.",
)];

pub(crate) const FNS: &[ApiFn] = &[ApiFn {
    name: "win.render",
    params: &[
        NAME,
        req(
            "fn",
            Ty::Function,
            "`fn(win, prev)`, answering a text, a list of lines or of span lists; or nil after drawing with `purlin.ui`.",
        ),
        opt("opts", Ty::Options(OPTIONS), ""),
    ],
    returns: "Handle",
    errors: &[],
    doc: "Lets a function draw a window whenever it is dirty, until the handle is deleted; the newest counts. One that fails is recorded, and the window looks as without it. The window may come later.",
    example: "local look = purlin.win.render('transcript', function(win, prev)\n  return { { { text = 'I am ' .. win.width .. ' wide', bold = true } } }\nend)\nlook:del()",
    run: Run::Now(render),
}];

fn render(call: &Call) -> mlua::Result<MultiValue> {
    let (name, function) = (call.string(0)?, call.function(1)?);
    let wrap = call.options(2).flag("wrap").unwrap_or(false);
    let renderer = Rc::new(LuaRenderer { env: Rc::clone(&call.env), function });
    let handle = call.kernel()?.win().render(call.env.ext, &name, renderer, wrap);
    call.one(LuaHandle::new(&call.env, handle, "renderer"))
}

/// A function that draws a window.
struct LuaRenderer {
    env: Rc<Env>,
    function: Function,
}

impl LuaRenderer {
    /// What the function answers: lines, or nothing when it drew by itself.
    fn lines(&self, window: &Table, prev: Value) -> Result<Option<Vec<Line>>, HandlerError> {
        let answer: Value = self.env.call(&self.function, (window, prev))?;
        if answer.is_nil() || matches!(answer, Value::Boolean(_)) {
            return Ok(None);
        }
        let kernel = self.env.kernel().ok_or_else(|| HandlerError::new("the session has ended"))?;
        let lines = Reader::new(&kernel).lines(&answer);
        lines.map(Some).map_err(|why| HandlerError::new(format!("wrong answer of a renderer: {why}")))
    }

    /// The window's view, with its size as it will be.
    fn view(&self, window: &Window, width: u16) -> Result<Table, HandlerError> {
        let lua = self.env.lua()?;
        let failed = |error: mlua::Error| fault::handler_error(&error);
        let views = self.env.views().map_err(failed)?;
        let view = views.window(&lua, window.name.as_str()).map_err(failed)?;
        view.raw_set("width", width).map_err(failed)?;
        Ok(view)
    }
}

impl Renderer for LuaRenderer {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let lua = self.env.lua()?;
        let view = self.view(&cx.window, cx.canvas.width())?;
        view.raw_set("height", cx.canvas.height()).map_err(|error| fault::handler_error(&error))?;
        let previous = cx.previous_lines();
        let prev = match &previous {
            Some(lines) => {
                Value::Table(spans::to_lua(&lua, lines).map_err(|error| fault::handler_error(&error))?)
            }
            None => Value::Nil,
        };
        let lines = self.lines(&view, prev)?.or(previous);
        for (row, line) in lines.unwrap_or_default().iter().take(cx.canvas.height().into()).enumerate() {
            cx.canvas.spans(row as i32, 0, line);
        }
        Ok(())
    }

    fn measure(&self, _: &Kernel, window: &Window, width: u16) -> Option<u16> {
        let view = self.view(window, width).ok()?;
        let lines = self.lines(&view, Value::Nil).ok()??;
        Some(lines.len().min(usize::from(u16::MAX)) as u16)
    }
}
