//! Any Lua value as text, for people.

use std::fmt::Write as _;

use mlua::{Table, Value};

/// Longer lines are broken, one entry a line.
const WIDTH: usize = 72;
/// Deeper tables are abridged.
const MAX_DEPTH: usize = 12;
/// Longer texts are cut.
const MAX_LENGTH: usize = 200_000;

/// A value as Lua source would have it.
pub(crate) fn inspect(value: &Value) -> String {
    let mut walk = Walk { open: Vec::new(), written: 0 };
    walk.value(value, 0)
}

struct Walk {
    /// The tables that contain the one being shown.
    open: Vec<*const std::ffi::c_void>,
    written: usize,
}

impl Walk {
    fn value(&mut self, value: &Value, depth: usize) -> String {
        let text = match value {
            Value::Nil => "nil".to_owned(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => quote(&text.to_string_lossy()),
            Value::LightUserData(pointer) if pointer.0.is_null() => "purlin.null".to_owned(),
            Value::Table(table) => return self.table(table, depth),
            Value::Error(error) => quote(&crate::fault::text(error)),
            other => other.to_string().unwrap_or_else(|_| format!("<{}>", other.type_name())),
        };
        self.written += text.len();
        text
    }

    fn table(&mut self, table: &Table, depth: usize) -> String {
        let pointer = table.to_pointer();
        if self.open.contains(&pointer) {
            return "<cycle>".into();
        }
        if depth >= MAX_DEPTH || self.written > MAX_LENGTH {
            return "{ ... }".into();
        }
        self.open.push(pointer);
        let fields = fields(table);
        let entries = self.entries(fields.as_ref().unwrap_or(table), depth);
        self.open.pop();
        lay_out(&entries, depth)
    }

    fn entries(&mut self, table: &Table, depth: usize) -> Vec<String> {
        let length = table.raw_len();
        let mut entries = Vec::new();
        for index in 1..=length {
            if self.written > MAX_LENGTH {
                entries.push("...".to_owned());
                break;
            }
            let item = table.raw_get::<Value>(index).unwrap_or(Value::Nil);
            entries.push(self.value(&item, depth + 1));
        }
        let mut named = Vec::new();
        // The walk collects only; it cannot fail.
        let _ = table.for_each::<Value, Value>(|key, value| {
            let in_list = matches!(key, Value::Integer(index) if index >= 1 && index as usize <= length);
            if !in_list {
                named.push((key, value));
            }
            Ok(())
        });
        let mut shown: Vec<(bool, String, String)> = named
            .into_iter()
            .map(|(key, value)| {
                let is_word = matches!(key, Value::String(_));
                let key = self.key(&key);
                let value = self.value(&value, depth + 1);
                (is_word, key, value)
            })
            .collect();
        shown.sort();
        entries.extend(shown.into_iter().map(|(_, key, value)| format!("{key} = {value}")));
        entries
    }

    fn key(&mut self, key: &Value) -> String {
        match key {
            Value::String(text) => {
                let text = text.to_string_lossy();
                if is_name(&text) { text } else { format!("[{}]", quote(&text)) }
            }
            other => format!("[{}]", self.value(other, MAX_DEPTH)),
        }
    }
}

/// What `pairs` walks through in a table that says so itself, such as an event.
fn fields(table: &Table) -> Option<Table> {
    let walk = table.metatable()?.raw_get::<mlua::Function>("__pairs").ok()?;
    // One that fails, such as that of an event that is over, is shown as it lies there.
    let (_, fields) = walk.call::<(Value, Table)>(table).ok()?;
    Some(fields)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn lay_out(entries: &[String], depth: usize) -> String {
    if entries.is_empty() {
        return "{}".into();
    }
    let line = format!("{{ {} }}", entries.join(", "));
    if line.len() + depth * 2 <= WIDTH && !line.contains('\n') {
        return line;
    }
    let mut text = String::from("{\n");
    for entry in entries {
        let _ = writeln!(text, "{}{entry},", "  ".repeat(depth + 1)); // Writing to a string cannot fail.
    }
    text.push_str(&"  ".repeat(depth));
    text.push('}');
    text
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c)); // Writing to a string cannot fail.
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;

    #[test]
    fn values_are_shown_as_source() {
        let lua = Lua::new();
        let check = |source: &str, expected: &str| {
            let value: Value = lua.load(format!("return {source}")).eval().expect("eval");
            assert_eq!(inspect(&value), expected, "{source}");
        };
        check("{1, 'a\\n', {x = true}}", r#"{ 1, "a\n", { x = true } }"#);
        check("{b = 1, a = 2, ['c d'] = 3}", r#"{ ["c d"] = 3, a = 2, b = 1 }"#);
        check("(function() local t = {} t.t = t return t end)()", "{ t = <cycle> }");
        check("nil", "nil");
    }
}
