//! One configuration file: reading it, and saying exactly where it is wrong.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::options::{self, Setting, Shape, Value};
use crate::report::{Kind, Report};

/// The settings of one file.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub settings: Vec<Setting>,
    /// One sentence for each key that nobody knows.
    pub unknown: Vec<String>,
}

/// Reads the file's text; an absent file is `None` unless it is required.
pub(super) fn read(path: &Path, required: bool) -> Result<Option<String>, Report> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        // A `.purlin` that is a file, or a path through one, is no configuration either.
        Err(error) if !required && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => {
            let message = format!("The configuration `{}` cannot be read: {error}.", path.display());
            Err(Report::new(Kind::Config, message))
        }
    }
}

/// Parses and checks the file's text.
pub(super) fn parse(path: &Path, text: &str) -> Result<Layer, Report> {
    let table = DeTable::parse(text).map_err(|error| {
        at(
            path,
            text,
            error.span().unwrap_or(0..0),
            error.message().lines().next().unwrap_or("not valid TOML"),
        )
    })?;
    let mut layer = Layer::default();
    let mut prefix = Vec::new();
    walk(path, text, table.get_ref(), &mut prefix, &mut layer)?;
    Ok(layer)
}

fn walk(
    file: &Path,
    text: &str,
    table: &DeTable<'_>,
    prefix: &mut Vec<String>,
    layer: &mut Layer,
) -> Result<(), Report> {
    for (key, value) in table {
        prefix.push(key.get_ref().to_string());
        let inner = value.get_ref().as_table().filter(|_| options::is_table(prefix));
        if let Some(inner) = inner {
            walk(file, text, inner, prefix, layer)?;
        } else if let Some(declared) = options::find(prefix) {
            let (line, ..) = locate(text, key.span().start);
            let value = convert(declared.shape, value.get_ref())
                .ok_or_else(|| format!("`{}` must be {}", prefix.join("."), declared.shape.describe()))
                .and_then(|found| declared.check(found))
                .map_err(|wrong| at(file, text, value.span(), &wrong))?;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            layer.settings.push(Setting { path: prefix.clone(), value, declared, line });
        } else {
            layer.unknown.push(unknown(file, text, key, prefix));
        }
        prefix.pop();
    }
    Ok(())
}

fn unknown(file: &Path, text: &str, key: &Spanned<std::borrow::Cow<'_, str>>, path: &[String]) -> String {
    let (line, column, _) = locate(text, key.span().start);
    let mut sentence =
        format!("{}:{line}:{column}: there is no setting `{}`", file.display(), path.join("."));
    match options::nearest(path) {
        Some(near) => sentence = format!("{sentence}; did you mean `{near}`?"),
        None => sentence.push('.'),
    }
    sentence
}

fn convert(shape: Shape, value: &DeValue<'_>) -> Option<Value> {
    if shape == Shape::Any {
        return any(value).map(Value::Any);
    }
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Boolean(yes) => Some(Value::Bool(*yes)),
        DeValue::Integer(number) => {
            u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok().map(Value::Integer)
        }
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    }
}

/// Any value as JSON; nothing for a number that JSON has not.
fn any(value: &DeValue<'_>) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Boolean(yes) => Json::from(*yes),
        DeValue::Integer(number) => {
            Json::from(i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()?)
        }
        DeValue::Float(number) => {
            Json::Number(serde_json::Number::from_f64(number.as_str().replace('_', "").parse().ok()?)?)
        }
        DeValue::Datetime(time) => Json::from(time.to_string()),
        DeValue::Array(items) => {
            Json::Array(items.iter().map(|item| any(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(fields) => {
            let named = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                Some((key.get_ref().to_string(), any(value.get_ref())?))
            };
            Json::Object(fields.iter().map(named).collect::<Option<_>>()?)
        }
    })
}

/// A report that shows the line and points at the place.
pub(super) fn at(path: &Path, text: &str, span: Range<usize>, what: &str) -> Report {
    let (line, column, shown) = locate(text, span.start);
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let pointer = " ".repeat(column - 1);
    let message =
        format!("{}:{line}:{column}: {what}.\n{number} | {shown}\n{gutter} | {pointer}^", path.display());
    Report::new(Kind::Config, message)
}

/// The line and column (both from 1, in characters) of a byte, and the line's text with tabs as one blank.
fn locate(text: &str, byte: usize) -> (usize, usize, String) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let shown = text[start..].lines().next().unwrap_or_default().replace('\t', " ");
    (line, text[start..byte].chars().count() + 1, shown)
}
