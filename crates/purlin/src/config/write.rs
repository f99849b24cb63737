//! Changing one setting of a file and nothing else of it: order, comments and spelling stay.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde_json::Value as Json;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::file;
use crate::files;

/// Sets a setting of a file, or takes it away, and has `accept` read what came of it; where that refuses, the file is as it
/// was before. Nobody else who writes so writes meanwhile.
pub(super) fn set(
    path: &Path,
    setting: &[String],
    value: Option<&Json>,
    accept: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let unwritable =
        |error: io::Error| format!("the configuration `{}` cannot be written: {error}", path.display());
    let _held = hold(path).map_err(unwritable)?;
    let before = file::read(path, false).map_err(|report| report.message)?;
    let text = before.clone().unwrap_or_default();
    let changed = edit(&text, setting, value).map_err(|why| format!("`{}`: {why}", path.display()))?;
    if changed == text {
        return Ok(());
    }
    files::replace(path, changed.as_bytes()).map_err(unwritable)?;
    accept().inspect_err(|_| {
        let restored = match &before {
            Some(text) => files::replace(path, text.as_bytes()),
            None => fs::remove_file(path),
        };
        if let Err(error) = restored {
            tracing::warn!(%error, "a refused change of the configuration stays in its file");
        }
    })
}

/// Waits until nobody else changes a file of this folder, until the answer is dropped.
fn hold(path: &Path) -> io::Result<fs::File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let held = fs::File::open(folder)?;
    flock(&held, FlockOperation::LockExclusive)?;
    Ok(held)
}

fn edit(text: &str, setting: &[String], value: Option<&Json>) -> Result<String, String> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.to_string().trim_end().to_owned())?;
    let Some((last, above)) = setting.split_last() else { return Ok(text.to_owned()) };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for part in above {
        if value.is_none() && !table.contains_key(part) {
            return Ok(text.to_owned());
        }
        let inner = table.entry(part).or_insert_with(|| {
            let mut table = Table::new();
            // A table that holds nothing but tables needs no line of its own.
            table.set_implicit(true);
            Item::Table(table)
        });
        table =
            inner.as_table_like_mut().ok_or_else(|| format!("`{part}` is a value there, and not a table"))?;
    }
    match value {
        None => drop(table.remove(last)),
        Some(value) => {
            let mut new = convert(value).ok_or("TOML has no null")?;
            match table.get_mut(last).and_then(Item::as_value_mut) {
                Some(old) => {
                    // What stands around the value, such as a comment behind it, stays.
                    *new.decor_mut() = old.decor().clone();
                    *old = new;
                }
                None => drop(table.insert(last, Item::Value(new))),
            }
        }
    }
    Ok(document.to_string())
}

fn convert(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(yes) => Value::from(*yes),
        Json::String(text) => Value::from(text.as_str()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            // Lua's numbers are floating ones; a whole one is meant as such.
            (None, Some(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Value::from(number as i64)
            }
            (None, Some(number)) => Value::from(number),
            (None, None) => return None,
        },
        Json::Array(items) => Value::from(items.iter().map(convert).collect::<Option<Array>>()?),
        Json::Object(fields) => {
            let named = fields.iter().map(|(key, value)| Some((key.clone(), convert(value)?)));
            Value::from(named.collect::<Option<InlineTable>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(before: &str, path: &str, value: &Json, after: &str) {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let value = (!value.is_null()).then_some(value);
        assert_eq!(edit(before, &path, value).expect("it can be changed"), after, "{path:?}");
    }

    #[test]
    fn one_setting_changes_and_everything_else_stays() {
        let file = "# mine\nmodel = 'a/b'  # the good one\n\n[ui] # looks\ntheme = \"dark\"\n";
        check(file, "ui.theme", &json!("light"), &file.replace("dark", "light"));
        check(file, "model", &json!("c/d"), &file.replace("'a/b'", "\"c/d\""));
        check(file, "ui.mouse", &json!(false), &format!("{file}mouse = false\n"));
        check(file, "ui.theme", &Json::Null, &file.replace("theme = \"dark\"\n", ""));
        check(file, "thinking", &Json::Null, file);
        check(file, "agent.max_turns", &Json::Null, file);
        check(file, "thinking", &json!("low"), &file.replace("one\n", "one\nthinking = \"low\"\n"));
        check("", "agent.max_turns", &json!(7.0), "[agent]\nmax_turns = 7\n");
        check("ui.theme = 'x'\n", "ui.theme", &json!("y"), "ui.theme = \"y\"\n");
        check("ui = { theme = 'x' }\n", "ui.theme", &json!("y"), "ui = { theme = \"y\" }\n");
        check(
            "",
            "extensions.options.gate.rules",
            &json!({ "a": [1, "b"], "half": 0.5 }),
            "[extensions.options.gate]\nrules = { a = [1, \"b\"], half = 0.5 }\n",
        );
    }

    #[test]
    fn what_cannot_be_changed_says_why() {
        let fails = |text: &str, path: &str| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            edit(text, &path, Some(&json!(1))).expect_err("it cannot be changed")
        };
        assert!(fails("ui = 3", "ui.theme").contains("`ui` is a value there"));
        assert!(fails("ui = [", "ui.theme").contains("line 1"));
    }
}
