//! What a handler is called with: `fn(ev, ctx)`.
//!
//! Fields are fetched when they are read. Handlers of sync hooks share one event object per
//! state, so that the key path makes no table; a waiting handler, and a handler that runs inside
//! another one's dispatch, has its own. `ev:copy()` makes one that may be kept.
//!
//! Which small fields a state's handlers read of a hook is learned from their first run: they then stand in the shared
//! object before a handler is called, which costs a third of fetching them.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};
use purlin_kernel::{Combine, HandlerError, HookDecl, HookEvent};
use serde_json::{Map, Value as Json};

use crate::compat;
use crate::convert;
use crate::env::{Env, unmetered};
use crate::fault;

/// The shared event object, and the constructors of the others.
#[derive(Default)]
pub(crate) struct Events {
    parts: OnceCell<Parts>,
    shared: Rc<Shared>,
}

/// What the shared event object stands for.
#[derive(Default)]
struct Shared {
    /// The latest event; its fields may still be in the object.
    event: RefCell<Option<HookEvent>>,
    /// Whether a handler is being called for it.
    active: Cell<bool>,
    assigned: Assigned,
    learned: RefCell<Vec<Learned>>,
}

/// The fields of one hook that handlers of this state have read and that are small.
struct Learned {
    decl: &'static HookDecl,
    fields: Vec<(&'static str, LuaString)>,
}

/// A longer text is fetched when it is read.
const SMALL_TEXT: usize = 64;

fn is_small(value: &Json) -> bool {
    match value {
        Json::Bool(_) | Json::Number(_) => true,
        Json::String(text) => text.len() <= SMALL_TEXT,
        Json::Null | Json::Array(_) | Json::Object(_) => false,
    }
}

/// What the running handler has assigned to answer fields.
#[derive(Default)]
struct Assigned(RefCell<Map<String, Json>>);

impl Assigned {
    /// Takes the assignments as part of an answer; a field that was returned as well wins.
    fn merge(&self, answer: Json) -> Json {
        if self.0.borrow().is_empty() {
            return answer;
        }
        let mut fields = self.0.take();
        match answer {
            Json::Null | Json::Bool(false) => {}
            Json::Bool(true) => drop(fields.insert("consume".into(), Json::Bool(true))),
            Json::Object(returned) => fields.extend(returned),
            other => return other,
        }
        Json::Object(fields)
    }
}

/// An event object of a waiting handler, or a copy.
struct Own {
    event: HookEvent,
    /// Absent for a copy: what is assigned to it answers nothing.
    assigned: Option<Assigned>,
}

/// An event object that one handler has for itself.
pub(crate) struct OwnEvent {
    pub(crate) object: Table,
    own: Rc<Own>,
}

impl OwnEvent {
    /// The answer with what the handler assigned.
    pub(crate) fn merge(&self, answer: Json) -> Json {
        match &self.own.assigned {
            Some(assigned) => assigned.merge(answer),
            None => answer,
        }
    }
}

struct Parts {
    shared: Table,
    /// What was read of the shared event.
    kept: Table,
    context: Table,
    make: Function,
}

impl Events {
    /// Prepares a state; `glue` holds what `event.lua` made.
    pub(crate) fn install(&self, lua: &Lua, glue: &Table, env: &Rc<Env>) -> mlua::Result<()> {
        let make: Function = glue.raw_get("event")?;
        let (shared, kept) = object(lua, &make, env, Source::Shared(Rc::clone(&self.shared)))?;
        let context = context_table(lua, glue, env)?;
        // A state is prepared once.
        let _ = self.parts.set(Parts { shared, kept, context, make });
        Ok(())
    }

    fn parts(&self) -> Result<&Parts, HandlerError> {
        self.parts.get().ok_or_else(|| HandlerError::new("the extension is not set up"))
    }

    /// The event that a handler of a sync hook is being called for.
    pub(crate) fn current(&self) -> Option<HookEvent> {
        if self.shared.active.get() { self.shared.event.borrow().clone() } else { None }
    }

    /// The `ctx` of handlers, commands and tools.
    pub(crate) fn context(&self) -> Result<Table, HandlerError> {
        Ok(self.parts()?.context.clone())
    }

    /// A `ctx` with fields of its own, which are set by `fill`; all others are those of the common one.
    pub(crate) fn context_with(
        &self,
        lua: &Lua,
        fill: impl FnOnce(&Table) -> mlua::Result<()>,
    ) -> Result<Table, HandlerError> {
        let common = self.context()?;
        let made = || {
            let context = lua.create_table()?;
            fill(&context)?;
            let meta = lua.create_table()?;
            meta.raw_set("__index", common)?;
            context.set_metatable(Some(meta))?;
            Ok(context)
        };
        made().map_err(|error: mlua::Error| fault::handler_error(&error))
    }

    /// Runs a handler of a sync hook with the shared event object, or its own if that is in use.
    ///
    /// The answer is what `run` answers, with what the handler assigned to the event's answer fields.
    pub(crate) fn with_sync(
        &self,
        lua: &Lua,
        env: &Rc<Env>,
        event: &HookEvent,
        run: impl FnOnce(&Table, &Table) -> Result<Json, HandlerError>,
    ) -> Result<Json, HandlerError> {
        let parts = self.parts()?;
        if self.shared.active.get() {
            let own = self.own(lua, env, event).map_err(|error| fault::handler_error(&error))?;
            return run(&own.object, &parts.context).map(|answer| own.merge(answer));
        }
        if !self.shared.still_holds(event) {
            *self.shared.event.borrow_mut() = Some(event.clone());
            let filled =
                unmetered(lua, || parts.kept.clear().and_then(|()| self.shared.fill(event, &parts.kept)));
            filled.map_err(|error| fault::handler_error(&error))?;
        }
        self.shared.active.set(true);
        let _release = Release(&self.shared);
        run(&parts.shared, &parts.context).map(|answer| self.shared.assigned.merge(answer))
    }

    /// An event object for one handler that may wait.
    pub(crate) fn own(&self, lua: &Lua, env: &Rc<Env>, event: &HookEvent) -> mlua::Result<OwnEvent> {
        self.object_of(lua, env, Own { event: event.clone(), assigned: Some(Assigned::default()) })
    }

    /// An event object that may outlive the handler, and answers nothing.
    fn copy(&self, lua: &Lua, env: &Rc<Env>, event: &HookEvent) -> mlua::Result<Table> {
        Ok(self.object_of(lua, env, Own { event: event.clone(), assigned: None })?.object)
    }

    fn object_of(&self, lua: &Lua, env: &Rc<Env>, own: Own) -> mlua::Result<OwnEvent> {
        let Some(parts) = self.parts.get() else {
            return Err(mlua::Error::runtime("the extension is not set up"));
        };
        let own = Rc::new(own);
        let (object, _) = object(lua, &parts.make, env, Source::Own(Rc::clone(&own)))?;
        Ok(OwnEvent { object, own })
    }
}

impl Shared {
    /// Whether the object holds fields of this very event that no handler can have replaced since.
    fn still_holds(&self, event: &HookEvent) -> bool {
        let is_fixed = event.decl().is_some_and(|decl| {
            !decl.answer.iter().any(|field| matches!(field.combine, Combine::Replace | Combine::Patch))
        });
        is_fixed && self.event.borrow().as_ref().is_some_and(|last| last.is_same(event))
    }

    /// Puts what is known to be read into the object.
    fn fill(&self, event: &HookEvent, kept: &Table) -> mlua::Result<()> {
        let Some(decl) = event.decl() else { return Ok(()) };
        let learned = self.learned.borrow();
        let Some(known) = learned.iter().find(|known| std::ptr::eq(known.decl, decl)) else { return Ok(()) };
        for (name, key) in &known.fields {
            match event.get(name) {
                Some(Json::String(text)) if text.len() <= SMALL_TEXT => kept.raw_set(key, text)?,
                Some(Json::Bool(flag)) => kept.raw_set(key, flag)?,
                Some(Json::Number(number)) => kept.raw_set(key, convert::number_to_lua(&number))?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Remembers that a handler has read a field.
    fn learn(&self, lua: &Lua, event: &HookEvent, name: &str, value: &Json) -> mlua::Result<()> {
        let Some(decl) = event.decl().filter(|_| is_small(value)) else { return Ok(()) };
        let Some(field) = decl.payload.iter().find(|field| field.name == name) else { return Ok(()) };
        let mut learned = self.learned.borrow_mut();
        let at = learned.iter().position(|known| std::ptr::eq(known.decl, decl)).unwrap_or_else(|| {
            learned.push(Learned { decl, fields: Vec::new() });
            learned.len() - 1
        });
        let fields = &mut learned[at].fields;
        if fields.iter().all(|(known, _)| *known != field.name) {
            fields.push((field.name, lua.create_string(field.name)?));
        }
        Ok(())
    }
}

/// Gives the shared object back, also when the handler raised or panicked; what it assigned is then forgotten.
struct Release<'a>(&'a Shared);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.active.set(false);
        self.0.assigned.0.borrow_mut().clear();
    }
}

/// Which event an event object stands for.
#[derive(Clone)]
enum Source {
    Shared(Rc<Shared>),
    Own(Rc<Own>),
}

impl Source {
    fn event(&self, lua: &Lua) -> mlua::Result<HookEvent> {
        let event = match self {
            Self::Own(own) => Some(own.event.clone()),
            Self::Shared(shared) if shared.active.get() => shared.event.borrow().clone(),
            Self::Shared(_) => None,
        };
        event.ok_or_else(|| {
            fault::raise(
                lua,
                "this event is over; keep `ev:copy()` to read it after the handler has returned",
            )
        })
    }
}

/// An event object, and the table of what was read of it.
fn object(lua: &Lua, make: &Function, env: &Rc<Env>, source: Source) -> mlua::Result<(Table, Table)> {
    let fixed = lua.create_table()?;
    let stopped = source.clone();
    fixed.raw_set(
        "stop",
        lua.create_function(move |lua, _: MultiValue| {
            stopped.event(lua)?.stop();
            Ok(())
        })?,
    )?;
    let consumed = source.clone();
    fixed.raw_set(
        "consume",
        lua.create_function(move |lua, _: MultiValue| {
            consumed.event(lua)?.consume();
            Ok(())
        })?,
    )?;
    let (copied, owner) = (source.clone(), Rc::clone(env));
    fixed.raw_set(
        "copy",
        lua.create_function(move |lua, _: MultiValue| owner.events.copy(lua, &owner, &copied.event(lua)?))?,
    )?;
    let (owner, target) = (Rc::clone(env), source.clone());
    let store = lua.create_function(move |lua, (name, value): (String, Value)| {
        assign(lua, &owner, &target, &name, &value)
    })?;
    let listed = source.clone();
    let names = lua.create_function(move |lua, ()| Ok(listed.event(lua)?.fields()))?;
    let env = Rc::clone(env);
    let fetch = lua.create_function(move |lua, name: String| {
        // The common case borrows the event instead of cloning it.
        if let Source::Shared(shared) = &source
            && shared.active.get()
            && name != "payload"
            && let Some(event) = shared.event.borrow().as_ref()
            && !is_own(event, &name)
            && let Some(found) = event.get(&name)
        {
            shared.learn(lua, event, &name, &found)?;
            return value(lua, event, &found);
        }
        fetch(lua, &env, &source.event(lua)?, &name)
    })?;
    make.call((fetch, fixed, store, names))
}

/// Takes an assignment to a field: one to an answer field is part of the handler's answer, any other has no effect and
/// is said once.
fn assign(lua: &Lua, env: &Env, source: &Source, name: &str, value: &Value) -> mlua::Result<()> {
    let event = source.event(lua)?;
    let declared = |decl: &&'static HookDecl| decl.answer.iter().any(|field| field.name == name);
    let assigned = match source {
        Source::Shared(shared) => Some(&shared.assigned),
        Source::Own(own) => own.assigned.as_ref(),
    };
    if let (Some(assigned), Some(_)) = (assigned, event.decl().filter(declared)) {
        let json = convert::to_json(lua, value)
            .map_err(|why| fault::raise(lua, &format!("the field '{name}' of the event: {why}")))?;
        assigned.0.borrow_mut().insert(name.to_owned(), json);
        return Ok(());
    }
    if let Some(kernel) = env.kernel() {
        let fields = event.decl().map(|decl| decl.answer).unwrap_or_default();
        let hint = match purlin_kernel::nearest(name, fields.iter().map(|field| field.name)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        let text = format!("assigning to the field `{name}` of the event has no effect{hint}");
        kernel.hook().complain_once(env.ext, event.name(), &text);
    }
    Ok(())
}

/// Whether a field is the event's own, whatever an extension's own event carries under that name; a declared hook has the
/// fields of its declaration.
fn is_own(event: &HookEvent, name: &str) -> bool {
    event.decl().is_none() && matches!(name, "name" | "source" | "consumed")
}

fn fetch(lua: &Lua, env: &Rc<Env>, event: &HookEvent, name: &str) -> mlua::Result<Value> {
    if name == "payload" {
        return payload(lua, env, event);
    }
    if !is_own(event, name)
        && let Some(found) = event.get(name)
    {
        return value(lua, event, &found);
    }
    match name {
        "name" => Ok(Value::String(lua.create_string(event.name())?)),
        "consumed" => Ok(Value::Boolean(event.consumed())),
        "source" => match event.source() {
            Some(source) => Ok(Value::String(lua.create_string(source)?)),
            None => Ok(Value::Nil),
        },
        "data" => Ok(Value::Nil),
        _ => compat::event_view(lua, env, event, name),
    }
}

/// A field's value. What an extension emits arrives as it was given, null as `purlin.null`; a field of a declared hook that
/// holds nothing is absent.
fn value(lua: &Lua, event: &HookEvent, found: &Json) -> mlua::Result<Value> {
    if event.decl().is_none() { convert::to_lua(lua, found) } else { convert::to_lua_or_nil(lua, found) }
}

/// All fields in one table. A hook with a field of that name answers the field, in which the others can be read as well:
/// earlier hosts had it inside of such a table.
fn payload(lua: &Lua, env: &Rc<Env>, event: &HookEvent) -> mlua::Result<Value> {
    let own = event.get("payload").map(|found| convert::to_lua_or_nil(lua, &found)).transpose()?;
    let table = match own {
        Some(Value::Table(table)) => table,
        Some(other) if !other.is_nil() => return Ok(other),
        _ => {
            let table = lua.create_table()?;
            for name in event.fields() {
                if let Some(found) = event.get(&name) {
                    table.raw_set(name, value(lua, event, &found)?)?;
                }
            }
            table
        }
    };
    let (owner, event) = (Rc::clone(env), event.clone());
    let meta = lua.create_table()?;
    meta.raw_set(
        "__index",
        lua.create_function(move |lua, (table, name): (Table, Value)| {
            let Value::String(name) = &name else { return Ok(Value::Nil) };
            match &*name.to_str()? {
                "payload" | "data" => Ok(Value::Table(table)),
                // An earlier host's payload has the tool's name here; the event's own is beside the payload.
                "name" if event.get("tool_name").is_some() => fetch(lua, &owner, &event, "tool_name"),
                "session_id" if event.get("session_id").is_none() => {
                    convert::to_lua_or_nil(lua, &context_value(&owner, "session_id"))
                }
                name => fetch(lua, &owner, &event, name),
            }
        })?,
    )?;
    table.set_metatable(Some(meta))?;
    Ok(Value::Table(table))
}

/// `ctx`: what is true now, whenever it is read.
fn context_table(lua: &Lua, glue: &Table, env: &Rc<Env>) -> mlua::Result<Table> {
    let env = Rc::clone(env);
    let fetch = lua.create_function(move |lua, name: String| match name.as_str() {
        "extension" => Ok(Value::String(lua.create_string(&env.name)?)),
        name => convert::to_lua_or_nil(lua, &context_value(&env, name)),
    })?;
    glue.raw_get::<Function>("live")?.call(fetch)
}

/// One value of the context the surface has published.
pub(crate) fn context_value(env: &Env, name: &str) -> Json {
    let Some(kernel) = env.kernel() else { return Json::Null };
    match name {
        "interactive" | "has_ui" => Json::Bool(kernel.ui().is_interactive()),
        name => kernel.context(name).unwrap_or(Json::Null),
    }
}
