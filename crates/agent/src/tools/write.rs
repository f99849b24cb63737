//! The tool `write`: a whole file, atomically.

use std::io::Write;
use std::path::Path;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::blocking::blocking;
use super::edit::diff;
use super::{Tool, ToolContext, ToolKind, ToolOutcome, ToolSpec, regular_file, shown};

/// Largest file whose change is shown, in bytes.
const MAX_DIFFED: u64 = 1024 * 1024;

/// Writes a whole file.
#[derive(Clone, Debug)]
pub struct WriteTool(ToolSpec);

impl WriteTool {
    /// Makes the tool.
    #[expect(clippy::new_without_default, reason = "a tool is made by name, not by default")]
    pub fn new() -> Self {
        let schema = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "File to write, relative to the working directory or absolute."},
                "content": {"type": "string", "description": "The whole new content."},
            },
            "required": ["path", "content"],
            "additionalProperties": false,
        });
        let description = "Writes a whole file; missing directories are made and an existing file is replaced. \
                           Prefer `edit` for changes to a file.";
        Self(ToolSpec::new("write", description, schema, ToolKind::Edit))
    }
}

impl Tool for WriteTool {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn run(&self, args: Value, cx: ToolContext) -> LocalBoxFuture<'static, ToolOutcome> {
        let path = cx.path(args["path"].as_str().unwrap_or_default());
        let content = args["content"].as_str().unwrap_or_default().to_owned();
        let name = shown(&path, &cx.cwd);
        async move {
            match blocking(move || write(&path, &name, &content)).await.and_then(|result| result) {
                Ok(outcome) => outcome,
                Err(message) => ToolOutcome::error(message),
            }
        }
        .boxed_local()
    }
}

fn write(path: &Path, name: &str, content: &str) -> Result<ToolOutcome, String> {
    let old = regular_file(path, name)?;
    let before = old
        .as_ref()
        .filter(|old| old.len() <= MAX_DIFFED && content.len() as u64 <= MAX_DIFFED)
        .and_then(|_| std::fs::read_to_string(path).ok());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| format!("the directory of `{name}` cannot be made: {error}"))?;
    }
    replace(path, content.as_bytes()).map_err(|error| format!("`{name}` cannot be written: {error}"))?;
    let lines = content.lines().count();
    let verb = if old.is_some() { "Replaced" } else { "Created" };
    let diff = before.as_deref().map(|before| diff(before, content, name));
    let details = json!({"path": name, "created": old.is_none(), "lines": lines, "diff": diff});
    Ok(ToolOutcome::ok(format!("{verb} `{name}` ({lines} lines, {} bytes).", content.len()))
        .with_details(details))
}

/// Replaces a file in one step: readers see the old content or the new, never a part. Links and modes stay.
pub(crate) fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let target = std::fs::canonicalize(path)
        // A link to a file that is not there yet makes that file.
        .or_else(|_| std::fs::read_link(path).map(|to| path.with_file_name(to)))
        .unwrap_or_else(|_| path.to_owned());
    let (Some(parent), Some(file)) = (target.parent(), target.file_name()) else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(file);
    temporary.push(format!(".purlin-{}", std::process::id()));
    let temporary = parent.join(temporary);
    let written = (|| {
        let mut file = std::fs::File::create(&temporary)?;
        if let Ok(metadata) = std::fs::metadata(&target) {
            file.set_permissions(metadata.permissions())?;
        }
        file.write_all(content)?;
        file.sync_data()?;
        std::fs::rename(&temporary, &target)
    })();
    if written.is_err() {
        // Best effort: the error that matters is the one above.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
