//! What a handler answered, as the kernel takes it.

use std::rc::Rc;

use mlua::{Lua, Value};
use purlin_kernel::{HandlerError, HookEvent};
use serde_json::Value as Json;

use crate::compat;
use crate::convert;
use crate::env::Env;

/// Converts a handler's first answer; words of earlier hosts become the declared ones.
pub(crate) fn of_handler(
    lua: &Lua,
    env: &Rc<Env>,
    event: &HookEvent,
    value: &Value,
) -> Result<Json, HandlerError> {
    match value {
        Value::Nil => Ok(Json::Null),
        Value::Boolean(flag) => Ok(Json::Bool(*flag)),
        value => {
            let json = convert::answer_to_json(lua, value)
                .map_err(|why| HandlerError::new(format!("wrong answer to `{}`: {why}", event.name())))?;
            match json {
                Json::Object(fields) => compat::answer(env, event, fields).map(Json::Object),
                Json::Array(items) if items.is_empty() => Ok(Json::Null),
                other => Ok(other),
            }
        }
    }
}
