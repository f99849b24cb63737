//! What a commit refuses, and the one thing it rewrites: NUL in text.
//!
//! Whatever passes is read back from the log as it was committed, by this program and by the other applications.

use std::borrow::Cow;

use serde_json::Value;

use super::Event;
use crate::time;
use crate::values::{Capabilities, Media};

impl Event {
    /// Checks the event for a commit and returns it with the JSON text of its arguments.
    ///
    /// NaN and infinity, dates that are not ISO-8601, JSON that is nested too deeply to be read again, and NUL in ids
    /// and names are refused with the reason; NUL in text is written U+2400, because some stores cut text at NUL.
    pub fn check(&self) -> Result<(Cow<'_, Event>, String), String> {
        self.check_numbers()?;
        self.check_dates()?;
        self.check_depth()?;
        let args = self.args_text();
        // `\u0000` is how JSON text writes NUL; no other escape can hold a NUL.
        if !args.contains("\\u0000") && !self.name().contains('\0') {
            return Ok((Cow::Borrowed(self), args));
        }
        let mut value = self.args();
        replace_nul(&mut value, "")?;
        let event = Event::from_wire(self.name(), value).map_err(|e| e.to_string())?;
        if event.name().contains('\0') {
            return Err("the event's name contains NUL".to_owned());
        }
        let args = event.args_text();
        Ok((Cow::Owned(event), args))
    }

    fn check_numbers(&self) -> Result<(), String> {
        let number = match self {
            Self::CellCreated { position, .. }
            | Self::MultimediaDisplayOutputAdded { position, .. }
            | Self::MultimediaResultOutputAdded { position, .. }
            | Self::TerminalOutputAdded { position, .. }
            | Self::MarkdownOutputAdded { position, .. }
            | Self::ErrorOutputAdded { position, .. } => *position,
            Self::CellMoved { new_position, .. } => *new_position,
            _ => return Ok(()),
        };
        if number.is_finite() { Ok(()) } else { Err(format!("the position {number} is not a number")) }
    }

    fn check_depth(&self) -> Result<(), String> {
        let deep = match self {
            Self::AiSettingsChanged { settings: json, .. }
            | Self::ToolApprovalRequested { arguments: json, .. }
            | Self::ToolCallStarted { arguments: json, .. }
            | Self::Compacted { details: Some(json), .. }
            | Self::StateSet { value: Some(json), .. }
            | Self::RuntimeSessionStarted {
                capabilities: Capabilities { available_ai_models: Some(json), .. },
                ..
            }
            | Self::Unknown { args: json, .. } => is_deep(json, DEPTH),
            Self::CellAnnotated { data: Some(facts), .. } => facts.values().any(|json| is_deep(json, DEPTH)),
            Self::TerminalOutputAdded { content, .. }
            | Self::TerminalOutputAppended { content, .. }
            | Self::MarkdownOutputAdded { content, .. }
            | Self::MarkdownOutputAppended { content, .. }
            | Self::ErrorOutputAdded { content, .. } => is_deep_media(content),
            Self::MultimediaDisplayOutputAdded { representations, .. }
            | Self::MultimediaDisplayOutputUpdated { representations, .. }
            | Self::MultimediaResultOutputAdded { representations, .. } => {
                representations.values().any(is_deep_media)
            }
            _ => false,
        };
        if deep { Err(format!("JSON is nested more than {DEPTH} levels deep")) } else { Ok(()) }
    }

    fn check_dates(&self) -> Result<(), String> {
        let (Self::FileUploaded { created_at: date, .. }
        | Self::FileDeleted2 { deleted_at: date, .. }
        | Self::RuntimeSessionRenewal { renewed_at: date, .. }
        | Self::ExecutionStarted { started_at: date, .. }
        | Self::ExecutionCompleted { completed_at: date, .. }
        | Self::ToolApprovalRequested { requested_at: date, .. }
        | Self::ToolApprovalResponded { responded_at: date, .. }) = self
        else {
            return Ok(());
        };
        if time::parse_iso(date).is_some() {
            Ok(())
        } else {
            Err(format!("`{date}` is not an ISO-8601 date"))
        }
    }
}

/// How deep JSON in an event may be nested. Readers give up at 128, the event's own levels included.
const DEPTH: usize = 100;

fn is_deep_media(media: &Media) -> bool {
    let facts = media.metadata().into_iter().flat_map(serde_json::Map::values);
    match media {
        Media::Inline { data, .. } => facts.chain([data]).any(|json| is_deep(json, DEPTH)),
        Media::Artifact { .. } => facts.into_iter().any(|json| is_deep(json, DEPTH)),
    }
}

fn is_deep(json: &Value, left: usize) -> bool {
    match json {
        Value::Array(items) => left == 0 || items.iter().any(|item| is_deep(item, left - 1)),
        Value::Object(map) => left == 0 || map.values().any(|item| is_deep(item, left - 1)),
        _ => false,
    }
}

/// Replaces NUL in text; refuses it in keys and in the fields that name things.
fn replace_nul(value: &mut Value, field: &str) -> Result<(), String> {
    match value {
        Value::String(text) if text.contains('\0') => {
            if names_something(field) {
                return Err(format!("`{field}` contains NUL"));
            }
            *text = text.replace('\0', "\u{2400}");
        }
        Value::Array(items) => {
            for item in items {
                replace_nul(item, field)?;
            }
        }
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                if key.contains('\0') {
                    return Err(format!("a key of `{field}` contains NUL"));
                }
                replace_nul(item, key)?;
            }
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn names_something(field: &str) -> bool {
    const NAMES: &[&str] = &[
        "id",
        "key",
        "extension",
        "provider",
        "model",
        "mimeType",
        "fileName",
        "toolName",
        "fractionalIndex",
        "createdBy",
        "modifiedBy",
        "requestedBy",
        "cancelledBy",
        "clearedBy",
        "changedBy",
        "approvedBy",
        "by",
        "runtimeType",
        "afterOutput",
        "attachments",
    ];
    field.ends_with("Id") || NAMES.contains(&field)
}
