//! What every create-call answers: a handle with `:del()`.

use std::rc::Rc;

use mlua::{Lua, MultiValue, UserData, UserDataFields, UserDataMethods, Value};
use purlin_kernel::Handle;

use crate::env::Env;

/// A registration as Lua code holds it.
///
/// A handle whose thing is gone, or whose extension was unloaded, answers `nil, "stale"`.
pub(crate) struct LuaHandle {
    env: Rc<Env>,
    handle: Handle,
    kind: &'static str,
    /// What the thing is called, where that was made up.
    name: Option<String>,
}

impl LuaHandle {
    pub(crate) fn new(env: &Rc<Env>, handle: Handle, kind: &'static str) -> Self {
        Self { env: Rc::clone(env), handle, kind, name: None }
    }

    /// Answers the handle of a thing with this name.
    pub(crate) fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Ends what the handle names; false if it is gone already.
    pub(crate) fn end(&self) -> bool {
        if self.is_stale() {
            return false;
        }
        self.handle.del();
        true
    }

    fn is_stale(&self) -> bool {
        !self.env.is_alive() || self.handle.is_stale()
    }
}

/// The answer of a verb of a handle.
pub(crate) fn done(lua: &Lua, was_there: bool) -> mlua::Result<MultiValue> {
    if was_there { lua.pack_multi(true) } else { lua.pack_multi((Value::Nil, "stale")) }
}

impl UserData for LuaHandle {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("name", |_, this| Ok(this.name.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        for verb in ["del", "delete", "stop", "close"] {
            methods.add_method(verb, |lua, this, ()| done(lua, this.end()));
        }
        methods.add_method("is_stale", |_, this, ()| Ok(this.is_stale()));
        methods.add_meta_method("__tostring", |_, this, ()| {
            let state = if this.is_stale() { " (stale)" } else { "" };
            Ok(format!("{} handle{state}", this.kind))
        });
    }
}
