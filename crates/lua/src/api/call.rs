//! One call of an API function: its checked arguments, and who made it.

use std::rc::Rc;

use mlua::{BorrowedStr, Function, IntoLua, IntoLuaMulti, Lua, MultiValue, Table, Value};
use purlin_kernel::Kernel;
use serde_json::{Map, Value as Json};

use super::check::bad_argument;
use super::declare::ApiFn;
use crate::convert;
use crate::env::{Env, spend};
use crate::fault;

/// The checked arguments of one call, with the state and the extension it came from.
///
/// The accessors count from zero. They fail only where a check of the declaration cannot tell,
/// as for text that is not UTF-8.
pub struct Call {
    /// The interpreter.
    pub(crate) lua: Lua,
    /// The extension that called.
    pub(crate) env: Rc<Env>,
    pub(crate) declared: &'static ApiFn,
    pub(crate) args: MultiValue,
}

impl Call {
    /// The kernel, or an error once it is gone.
    pub(crate) fn kernel(&self) -> mlua::Result<Kernel> {
        self.env.kernel().ok_or_else(|| self.fail("the session has ended"))
    }

    /// Where the caller's code stands.
    pub(crate) fn place(&self) -> Option<purlin_kernel::Place> {
        fault::caller(&self.lua).map(|(file, line)| purlin_kernel::Place { file: file.into(), line })
    }

    /// An error with the caller's place.
    pub(crate) fn fail(&self, message: impl AsRef<str>) -> mlua::Error {
        fault::raise(&self.lua, message.as_ref())
    }

    /// An error that blames an argument.
    pub(crate) fn refuse(&self, index: usize, why: impl AsRef<str>) -> mlua::Error {
        self.fail(bad_argument(self.declared.name, index, why.as_ref()))
    }

    /// The argument as it came.
    pub(crate) fn value(&self, index: usize) -> &Value {
        self.args.get(index).unwrap_or(&Value::Nil)
    }

    /// Whether the argument is absent or nil.
    pub(crate) fn is_nil(&self, index: usize) -> bool {
        self.value(index).is_nil()
    }

    /// A name; see [`Names`](crate::names::Names).
    pub(crate) fn str(&self, index: usize) -> mlua::Result<Rc<str>> {
        match self.value(index) {
            Value::String(text) => {
                self.env.names.get(text).ok_or_else(|| self.refuse(index, "valid UTF-8 expected"))
            }
            other => Err(self.refuse(index, format!("string expected, got {}", other.type_name()))),
        }
    }

    /// Text, borrowed from the interpreter; a number is taken as its text.
    pub(crate) fn text(&self, index: usize) -> mlua::Result<Text> {
        match self.value(index) {
            Value::Integer(number) => Ok(Text::Made(number.to_string())),
            Value::Number(number) => Ok(Text::Made(number.to_string())),
            Value::String(text) => {
                text.to_str().map(Text::Lent).map_err(|_| self.refuse(index, "valid UTF-8 expected"))
            }
            other => Err(self.refuse(index, format!("string expected, got {}", other.type_name()))),
        }
    }

    /// Text; a number is taken as its text.
    pub(crate) fn string(&self, index: usize) -> mlua::Result<String> {
        Ok(match self.text(index)? {
            Text::Lent(text) => text.to_owned(),
            Text::Made(text) => text,
        })
    }

    /// Text, if given.
    pub(crate) fn opt_string(&self, index: usize) -> mlua::Result<Option<String>> {
        if self.is_nil(index) { Ok(None) } else { self.string(index).map(Some) }
    }

    /// A number without a fraction, or `default`.
    pub(crate) fn int_or(&self, index: usize, default: i64) -> i64 {
        self.opt_int(index).unwrap_or(default)
    }

    /// A number without a fraction, if given.
    pub(crate) fn opt_int(&self, index: usize) -> Option<i64> {
        match self.value(index) {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// A count or position; a negative one is refused.
    pub(crate) fn position(&self, index: usize) -> mlua::Result<usize> {
        let given = self.int_or(index, 0);
        usize::try_from(given)
            .map_err(|_| self.refuse(index, format!("a position from 0 expected, got {given}")))
    }

    /// A number of milliseconds.
    pub(crate) fn milliseconds(&self, index: usize) -> mlua::Result<u64> {
        let given = self.int_or(index, 0);
        u64::try_from(given)
            .map_err(|_| self.refuse(index, format!("milliseconds from 0 expected, got {given}")))
    }

    /// A function.
    pub(crate) fn function(&self, index: usize) -> mlua::Result<Function> {
        match self.value(index) {
            Value::Function(function) => Ok(function.clone()),
            other => Err(self.refuse(index, format!("function expected, got {}", other.type_name()))),
        }
    }

    /// A function that is given as it stands, or as the `callback` of a table.
    pub(crate) fn callback(&self, index: usize) -> mlua::Result<Function> {
        match self.value(index) {
            Value::Function(function) => Ok(function.clone()),
            _ => self
                .options(index)
                .function("callback")
                .ok_or_else(|| self.refuse(index, "field 'callback' is missing")),
        }
    }

    /// Counts an item that is copied; an error once there is no room or no time for more.
    pub(crate) fn spend(&self, bytes: usize) -> mlua::Result<()> {
        self.env.spend(bytes).map_err(|why| self.fail(format!("'{}': {why}", self.declared.name)))
    }

    /// A table, if given.
    pub(crate) fn opt_table(&self, index: usize) -> Option<Table> {
        match self.value(index) {
            Value::Table(table) => Some(table.clone()),
            _ => None,
        }
    }

    /// The argument as JSON.
    pub(crate) fn json(&self, index: usize) -> mlua::Result<Json> {
        convert::to_json(&self.lua, self.value(index)).map_err(|why| self.refuse(index, why))
    }

    /// The argument as a JSON object; absent is empty.
    pub(crate) fn map(&self, index: usize) -> mlua::Result<Map<String, Json>> {
        match self.value(index) {
            Value::Table(table) => {
                convert::table_to_map(&self.lua, table).map_err(|why| self.refuse(index, why))
            }
            _ => Ok(Map::new()),
        }
    }

    /// A list of strings; numbers in it are taken as text.
    pub(crate) fn strings(&self, index: usize) -> mlua::Result<Vec<String>> {
        let Value::Table(table) = self.value(index) else { return Ok(Vec::new()) };
        string_list(&self.lua, table).map_err(|why| self.refuse(index, why))
    }

    /// The options table at an index, which may be absent.
    pub(crate) fn options(&self, index: usize) -> Options<'_> {
        Options { call: self, index, table: self.opt_table(index) }
    }

    /// Answers nothing.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "it reads like the other answers")]
    pub(crate) fn none(&self) -> mlua::Result<MultiValue> {
        Ok(MultiValue::new())
    }

    /// Answers one value.
    pub(crate) fn one(&self, value: impl IntoLua) -> mlua::Result<MultiValue> {
        value.into_lua_multi(&self.lua)
    }

    /// Answers several values.
    pub(crate) fn many(&self, values: impl IntoLuaMulti) -> mlua::Result<MultiValue> {
        values.into_lua_multi(&self.lua)
    }

    /// Answers `nil, reason`.
    pub(crate) fn nothing(&self, reason: &str) -> mlua::Result<MultiValue> {
        (Value::Nil, reason).into_lua_multi(&self.lua)
    }

    /// Answers a JSON value.
    pub(crate) fn answer(&self, json: &Json) -> mlua::Result<MultiValue> {
        self.one(convert::to_lua_or_nil(&self.lua, json)?)
    }
}

/// Text of an argument.
pub(crate) enum Text {
    /// The interpreter's own.
    Lent(BorrowedStr),
    /// That of a number.
    Made(String),
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Lent(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// The strings of a list; the error says which item is none.
pub(crate) fn string_list(lua: &Lua, table: &Table) -> Result<Vec<String>, String> {
    let mut strings = Vec::new();
    for index in 1..=table.raw_len() {
        match table.raw_get::<Value>(index) {
            Ok(Value::String(text)) => strings.push(text.to_string_lossy()),
            Ok(Value::Integer(number)) => strings.push(number.to_string()),
            Ok(Value::Number(number)) => strings.push(number.to_string()),
            Ok(other) => return Err(format!("item {index}: string expected, got {}", other.type_name())),
            Err(error) => return Err(error.to_string()),
        }
        let bytes = strings.last().map_or(0, String::len);
        spend(lua, bytes).map_err(|why| format!("item {index}: {why}"))?;
    }
    Ok(strings)
}

/// A checked options table; every accessor answers `None` for an absent key.
pub(crate) struct Options<'a> {
    call: &'a Call,
    index: usize,
    table: Option<Table>,
}

impl Options<'_> {
    /// The value of a key, nil if absent.
    pub(crate) fn value(&self, key: &str) -> Value {
        self.table.as_ref().and_then(|table| table.raw_get(key).ok()).unwrap_or(Value::Nil)
    }

    pub(crate) fn string(&self, key: &str) -> Option<String> {
        match self.value(key) {
            Value::String(text) => Some(text.to_string_lossy()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn int(&self, key: &str) -> Option<i64> {
        match self.value(key) {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// A number of milliseconds or cells; a negative one is refused.
    pub(crate) fn count(&self, key: &str) -> mlua::Result<Option<u64>> {
        self.int(key)
            .map(|given| {
                u64::try_from(given).map_err(|_| {
                    self.call
                        .refuse(self.index, format!("field '{key}': a number from 0 expected, got {given}"))
                })
            })
            .transpose()
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key) {
            Value::Boolean(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn function(&self, key: &str) -> Option<Function> {
        match self.value(key) {
            Value::Function(function) => Some(function),
            _ => None,
        }
    }

    pub(crate) fn table(&self, key: &str) -> Option<Table> {
        match self.value(key) {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn strings(&self, key: &str) -> mlua::Result<Vec<String>> {
        let Some(table) = self.table(key) else { return Ok(Vec::new()) };
        string_list(&self.call.lua, &table)
            .map_err(|why| self.call.refuse(self.index, format!("field '{key}': {why}")))
    }

    pub(crate) fn json(&self, key: &str) -> mlua::Result<Json> {
        convert::to_json(&self.call.lua, &self.value(key))
            .map_err(|why| self.call.refuse(self.index, format!("field '{key}': {why}")))
    }

    pub(crate) fn map(&self, key: &str) -> mlua::Result<Map<String, Json>> {
        match self.table(key) {
            Some(table) => convert::table_to_map(&self.call.lua, &table)
                .map_err(|why| self.call.refuse(self.index, format!("field '{key}': {why}"))),
            None => Ok(Map::new()),
        }
    }
}
