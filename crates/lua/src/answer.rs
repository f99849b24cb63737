//! What a handler answered, as the kernel takes it.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};
use purlin_kernel::{HandlerError, HookEvent};
use serde_json::Value as Json;

use crate::compat;
use crate::convert;
use crate::env::Env;

/// Converts a handler's answer; words of earlier hosts become the declared ones.
pub(crate) fn of_handler(
    lua: &Lua,
    env: &Rc<Env>,
    event: &HookEvent,
    values: &MultiValue,
) -> Result<Json, HandlerError> {
    match values.front() {
        None | Some(Value::Nil) => Ok(Json::Null),
        Some(Value::Boolean(flag)) => Ok(Json::Bool(*flag)),
        Some(value) => {
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
