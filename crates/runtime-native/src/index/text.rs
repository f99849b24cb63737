//! What can be searched of a notebook: the texts of cells and outputs as a person reads them.

use purlin_notebook::{Media, Representations, TOOL_CALL_MIME, TOOL_RESULT_MIME};
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

/// So many bytes of a text are searched; longer outputs are artifacts with head and tail in the log.
const SEARCHED: usize = 256 * 1024;

/// Kinds of content that people read, the most readable first.
const READABLE: [&str; 6] =
    ["text/markdown", "text/plain", "text/latex", "text/html", "application/json", "image/svg+xml"];

/// The text of a cell; `None` if there is no such cell.
pub(super) fn of_cell(notebook: &Connection, id: &str) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = notebook.prepare_cached("SELECT source FROM cells WHERE id = ?")?;
    let source: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(source.map(cut))
}

/// The text of an output with what was appended to it; `None` if there is no such output. What no surface shows (text
/// put into a model's context, outputs of a deleted cell) has an empty one.
pub(super) fn of_output(notebook: &Connection, id: &str) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = notebook.prepare_cached(
        "SELECT o.outputType, o.data, o.representations, \
         coalesce(r.role = 'inject', 0) OR NOT EXISTS (SELECT 1 FROM cells c WHERE c.id = o.cellId) \
         FROM outputs o LEFT JOIN outputRoles r ON r.outputId = o.id WHERE o.id = ?",
    )?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    if row.get(3)? {
        return Ok(Some(String::new()));
    }
    let data = row.get_ref(1)?.as_str_or_null()?.unwrap_or_default();
    let mut text = match row.get_ref(2)?.as_str_or_null()? {
        Some(json) if json != "null" => represented(json),
        _ if row.get_ref(0)?.as_str()? == "error" => error(data),
        _ => data.to_owned(),
    };
    let mut statement = notebook.prepare_cached(
        "SELECT delta FROM output_deltas WHERE outputId = ? ORDER BY sequenceNumber, rowid",
    )?;
    let mut deltas = statement.query([id])?;
    while let Some(row) = deltas.next()? {
        text.push_str(row.get_ref(0)?.as_str()?);
        if text.len() > SEARCHED {
            break;
        }
    }
    Ok(Some(cut(text)))
}

/// The texts of an output that has several representations: what it says as a tool call or answer, or else the most
/// readable of them.
fn represented(json: &str) -> String {
    let Ok(all) = serde_json::from_str::<Representations>(json) else { return String::new() };
    let inline = |mime: &str| match all.get(mime) {
        Some(Media::Inline { data, .. }) => Some(data),
        _ => None,
    };
    if let Some(call) = inline(TOOL_CALL_MIME) {
        let mut text = call["tool_name"].as_str().unwrap_or_default().to_owned();
        values(&call["arguments"], &mut text);
        return text;
    }
    if let Some(answer) = inline(TOOL_RESULT_MIME) {
        let mut text = String::new();
        values(&answer["result"], &mut text);
        return text;
    }
    let readable = READABLE.iter().find_map(|mime| inline(mime));
    match readable {
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            let mut text = String::new();
            values(other, &mut text);
            text
        }
        None => String::new(),
    }
}

fn error(data: &str) -> String {
    let Ok(error) = serde_json::from_str::<Value>(data) else { return data.to_owned() };
    let mut text = String::new();
    for part in ["ename", "evalue", "traceback"] {
        values(&error[part], &mut text);
    }
    text
}

/// Adds every text and number in a value, one to a line.
fn values(value: &Value, text: &mut String) {
    let mut line = |part: &str| {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(part);
    };
    match value {
        Value::Null => {}
        Value::String(part) => line(part),
        Value::Bool(_) | Value::Number(_) => line(&value.to_string()),
        Value::Array(items) => items.iter().for_each(|item| values(item, text)),
        Value::Object(map) => map.values().for_each(|item| values(item, text)),
    }
}

fn cut(mut text: String) -> String {
    if text.len() > SEARCHED {
        let end = (0..=SEARCHED).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
