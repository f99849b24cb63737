//! JSON values to Lua values and back.
//!
//! A list stays a list and a map a map, in both directions: an empty list carries mlua's array
//! marker so that it comes back as a list; any other empty table is a map. JSON null inside a
//! container is `purlin.null`, so that nothing is lost on a round trip.

use mlua::{Lua, LuaSerdeExt, Table, Value};
use serde_json::{Map, Number, Value as Json};

use crate::env::spend;
use crate::fault;

/// How deeply tables may be nested.
const MAX_DEPTH: usize = 100;
/// A longer path to what is wrong is cut in messages.
const MAX_SHOWN: usize = 8;
/// More values are not converted at once: it would take too long, and too much memory.
const MAX_VALUES: usize = 500_000;
/// After so many values it is asked whether there is time for more.
const ASK_EVERY: usize = 64;
/// The largest magnitude up to which every integer is exact in a Lua number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Converts JSON into a Lua value; null becomes `purlin.null`.
pub(crate) fn to_lua(lua: &Lua, json: &Json) -> mlua::Result<Value> {
    Ok(match json {
        Json::Null => Value::NULL,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => number_to_lua(number),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => Value::Table(list_to_lua(lua, items)?),
        Json::Object(map) => Value::Table(map_to_lua(lua, map)?),
    })
}

/// Converts JSON into a Lua value in a place where an absent value is nil.
pub(crate) fn to_lua_or_nil(lua: &Lua, json: &Json) -> mlua::Result<Value> {
    match json {
        Json::Null => Ok(Value::Nil),
        other => to_lua(lua, other),
    }
}

/// Converts a JSON object into a Lua table.
pub(crate) fn map_to_lua(lua: &Lua, map: &Map<String, Json>) -> mlua::Result<Table> {
    take_time(lua, map.len())?;
    let table = lua.create_table_with_capacity(0, map.len())?;
    for (key, value) in map {
        table.raw_set(key.as_str(), to_lua(lua, value)?)?;
    }
    Ok(table)
}

fn list_to_lua(lua: &Lua, items: &[Json]) -> mlua::Result<Table> {
    take_time(lua, items.len())?;
    let table = lua.create_table_with_capacity(items.len(), 0)?;
    for item in items {
        table.raw_push(to_lua(lua, item)?)?;
    }
    if items.is_empty() {
        table.set_metatable(Some(lua.array_metatable()))?;
    }
    Ok(table)
}

/// Counts the making of a table; an error once the time of the handler is over.
fn take_time(lua: &Lua, entries: usize) -> mlua::Result<()> {
    spend(lua, entries * ASK_EVERY).map_err(|why| fault::raise(lua, &why))
}

pub(crate) fn number_to_lua(number: &Number) -> Value {
    match number.as_i64() {
        Some(integer) => Value::Integer(integer),
        None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Converts a Lua value into JSON; the error names the place, like `a function at 'args.run'`.
pub(crate) fn to_json(lua: &Lua, value: &Value) -> Result<Json, String> {
    Walk::new(lua, false).value(value)
}

/// Converts a handler's answer: a table that mixes list and named keys becomes a map, and
/// functions in it are left out, because an answer may carry what another host understood.
pub(crate) fn answer_to_json(lua: &Lua, value: &Value) -> Result<Json, String> {
    Walk::new(lua, true).value(value)
}

/// Converts a Lua table into a JSON object; an empty table is an empty object.
pub(crate) fn table_to_map(lua: &Lua, table: &Table) -> Result<Map<String, Json>, String> {
    match to_json(lua, &Value::Table(table.clone()))? {
        Json::Object(map) => Ok(map),
        Json::Array(items) if items.is_empty() => Ok(Map::new()),
        _ => Err("a table with names expected, got a list".into()),
    }
}

struct Walk<'a> {
    lua: &'a Lua,
    arrays: Table,
    path: Vec<String>,
    /// The tables around the value, outermost first.
    open: Vec<*const std::ffi::c_void>,
    lenient: bool,
    /// How many values were converted.
    seen: usize,
}

impl<'a> Walk<'a> {
    fn new(lua: &'a Lua, lenient: bool) -> Self {
        let arrays = lua.array_metatable();
        Self { lua, arrays, path: Vec::new(), open: Vec::new(), lenient, seen: 0 }
    }

    fn value(&mut self, value: &Value) -> Result<Json, String> {
        self.seen += 1;
        if self.seen > MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        match value {
            Value::String(text) => spend(self.lua, text.as_bytes().len())?,
            _ if self.seen.is_multiple_of(ASK_EVERY) => spend(self.lua, ASK_EVERY * size_of::<Value>())?,
            _ => {}
        }
        Ok(match value {
            Value::Nil => Json::Null,
            Value::LightUserData(pointer) if pointer.0.is_null() => Json::Null,
            Value::Boolean(flag) => Json::Bool(*flag),
            Value::Integer(integer) => Json::Number((*integer).into()),
            Value::Number(number) => self.number(*number)?,
            Value::String(text) => match text.to_str() {
                Ok(text) => Json::String(text.to_owned()),
                Err(_) if self.lenient => Json::String(text.to_string_lossy()),
                Err(_) => return Err(self.refuse("a string that is not valid UTF-8 cannot be stored")),
            },
            Value::Table(table) => self.table(table)?,
            other => return Err(self.refuse(&format!("a {} cannot be stored", other.type_name()))),
        })
    }

    fn number(&self, number: f64) -> Result<Json, String> {
        if number.fract() == 0.0 && number.abs() < EXACT {
            return Ok(Json::Number((number as i64).into()));
        }
        Number::from_f64(number)
            .map(Json::Number)
            .ok_or_else(|| self.refuse(&format!("{number} is not a JSON number")))
    }

    fn table(&mut self, table: &Table) -> Result<Json, String> {
        let pointer = table.to_pointer();
        if self.open.len() >= MAX_DEPTH {
            return Err(if self.open.contains(&pointer) {
                self.refuse("the table contains itself")
            } else {
                self.refuse(&format!("tables are nested deeper than {MAX_DEPTH} levels"))
            });
        }
        self.open.push(pointer);
        let json = self.entries(table);
        self.open.pop();
        json
    }

    fn entries(&mut self, table: &Table) -> Result<Json, String> {
        let length = table.raw_len();
        if length == 0 {
            return self.map(table);
        }
        let mut items = Vec::with_capacity(length);
        for index in 1..=length {
            let item: Value = table.raw_get(index).map_err(|error| self.refuse(&error.to_string()))?;
            self.path.push(index.to_string());
            items.push(self.value(&item)?);
            self.path.pop();
        }
        let named = self.count_beyond(table, length)?;
        if named == 0 {
            return Ok(Json::Array(items));
        }
        if self.lenient {
            return self.map(table);
        }
        Err(self.refuse("a table has either list items or named fields, not both"))
    }

    /// How many entries a table has beside its list part.
    fn count_beyond(&self, table: &Table, length: usize) -> Result<usize, String> {
        let mut entries = 0_usize;
        table
            .for_each::<Value, Value>(|_, _| {
                entries += 1;
                Ok(())
            })
            .map_err(|error| self.refuse(&error.to_string()))?;
        Ok(entries.saturating_sub(length))
    }

    fn map(&mut self, table: &Table) -> Result<Json, String> {
        let mut map = Map::new();
        let mut entries = Vec::new();
        table
            .for_each::<Value, Value>(|key, value| {
                entries.push((key, value));
                Ok(())
            })
            .map_err(|error| self.refuse(&error.to_string()))?;
        if entries.is_empty() && table.metatable().is_some_and(|found| found == self.arrays) {
            return Ok(Json::Array(Vec::new()));
        }
        for (key, value) in entries {
            let key = self.key(&key)?;
            if self.lenient && matches!(value, Value::Function(_) | Value::UserData(_) | Value::Thread(_)) {
                continue;
            }
            self.path.push(key.clone());
            let value = self.value(&value)?;
            self.path.pop();
            map.insert(key, value);
        }
        // Lua does not keep the order of named fields, so they are put into one that is defined.
        map.sort_keys();
        Ok(Json::Object(map))
    }

    fn key(&self, key: &Value) -> Result<String, String> {
        match key {
            Value::String(text) => match text.to_str() {
                Ok(text) => Ok(text.to_owned()),
                Err(_) if self.lenient => Ok(text.to_string_lossy()),
                Err(_) => Err(self.refuse("a string that is not valid UTF-8 cannot be a key")),
            },
            Value::Integer(integer) => Ok(integer.to_string()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(self.refuse(&format!("a {} cannot be a key", other.type_name()))),
        }
    }

    fn refuse(&self, what: &str) -> String {
        match self.path.as_slice() {
            [] => what.to_owned(),
            path if path.len() > MAX_SHOWN => format!("{what} (at '{}.…')", path[..MAX_SHOWN].join(".")),
            path => format!("{what} (at '{}')", path.join(".")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_survive_the_round_trip() {
        let lua = Lua::new();
        for value in [
            json!(null),
            json!(true),
            json!(-3),
            json!(1.5),
            json!("käse"),
            json!([]),
            json!({}),
            json!([1, [2, []], {"a": []}]),
            json!({"list": [], "map": {}, "null": null, "n": 9_007_199_254_740_991_i64}),
        ] {
            let there = to_lua(&lua, &value).expect("to Lua");
            assert_eq!(to_json(&lua, &there).expect("to JSON"), value);
        }
    }

    #[test]
    fn what_cannot_be_stored_is_named_with_its_place() {
        let lua = Lua::new();
        let check = |source: &str, expected: &str| {
            let value: Value = lua.load(source).eval().expect("eval");
            assert_eq!(to_json(&lua, &value).expect_err("an error"), expected);
        };
        check("{a = {b = print}}", "a function cannot be stored (at 'a.b')");
        check("{1, 2, x = 3}", "a table has either list items or named fields, not both");
        check("{a = {'x', '\\255'}}", "a string that is not valid UTF-8 cannot be stored (at 'a.2')");
        check("{['\\255'] = 1}", "a string that is not valid UTF-8 cannot be a key");
        check("{0/0}", "NaN is not a JSON number (at '1')");
        let cycle: Value = lua.load("local t = {} t.t = t return t").eval().expect("eval");
        let why = to_json(&lua, &cycle).expect_err("a cycle");
        assert_eq!(why, "the table contains itself (at 't.t.t.t.t.t.t.t.…')");
    }

    #[test]
    fn a_deep_table_is_told_the_limit() {
        let lua = Lua::new();
        let nested = |levels: usize| -> Result<Json, String> {
            let source = format!("local t = {{}} for _ = 2, {levels} do t = {{ a = t }} end return t");
            to_json(&lua, &lua.load(source).eval::<Value>().expect("eval"))
        };
        assert!(nested(100).is_ok());
        let why = nested(100_000).expect_err("too deep");
        assert_eq!(why, "tables are nested deeper than 100 levels (at 'a.a.a.a.a.a.a.a.…')");
    }

    #[test]
    fn named_fields_come_out_sorted() {
        let lua = Lua::new();
        let value: Value = lua.load("{z = 1, a = 2, m = {y = 1, b = 2}}").eval().expect("eval");
        assert_eq!(to_json(&lua, &value).expect("to JSON").to_string(), r#"{"a":2,"m":{"b":2,"y":1},"z":1}"#);
    }
}
