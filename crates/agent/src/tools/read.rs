//! The tool `read`: lines of a text file.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::blocking::blocking;
use super::clip::floor;
use super::{INLINE_LIMIT, Tool, ToolContext, ToolKind, ToolOutcome, ToolSpec, shown};

/// Lines that are read when no limit is given.
const LINES: usize = 2_000;
/// Bytes of one line that are shown.
const LINE_BYTES: usize = 4_000;
/// Bytes of lines that are shown; room is left for the notice below them, which a further cut would part from them.
const SHOWN: usize = INLINE_LIMIT - 512;
/// Entries of a directory that are listed.
const ENTRIES: usize = 400;

/// Reads lines of a text file, or lists a directory.
#[derive(Clone, Debug)]
pub struct ReadTool(ToolSpec);

impl ReadTool {
    /// Makes the tool.
    #[expect(clippy::new_without_default, reason = "a tool is made by name, not by default")]
    pub fn new() -> Self {
        let schema = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "File to read, relative to the working directory or absolute."},
                "offset": {"type": "integer", "minimum": 1, "description": "First line, counted from 1."},
                "limit": {"type": "integer", "minimum": 1, "description": "How many lines."},
            },
            "required": ["path"],
            "additionalProperties": false,
        });
        let description = "Reads a text file, up to 2,000 lines or 64 KiB at a time; `offset` and `limit` choose \
                           lines. A directory is listed.";
        Self(ToolSpec::new("read", description, schema, ToolKind::Read))
    }
}

impl Tool for ReadTool {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn run(&self, args: Value, cx: ToolContext) -> LocalBoxFuture<'static, ToolOutcome> {
        let path = cx.path(args["path"].as_str().unwrap_or_default());
        let number = |name: &str| args[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let (offset, limit) = (number("offset").unwrap_or(1).max(1), number("limit").unwrap_or(LINES));
        let name = shown(&path, &cx.cwd);
        async move {
            match blocking(move || read(&path, &name, offset, limit)).await.and_then(|result| result) {
                Ok(outcome) => outcome,
                Err(message) => ToolOutcome::error(message),
            }
        }
        .boxed_local()
    }
}

fn read(path: &Path, name: &str, offset: usize, limit: usize) -> Result<ToolOutcome, String> {
    let failed = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return list(path, name);
    }
    if !metadata.is_file() {
        return Err(format!("`{name}` is not a regular file"));
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut head = vec![0; 8_192];
    let got = file.read(&mut head).map_err(failed)?;
    if head[..got].contains(&0) {
        return Err(format!("`{name}` is a binary file of {} bytes", metadata.len()));
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let lines = Lines::collect(BufReader::new(file), offset, limit).map_err(failed)?;
    let details = json!({"path": name, "first_line": offset, "lines": lines.count, "bytes": metadata.len()});
    Ok(ToolOutcome::ok(lines.text(name, offset, metadata.len())?).with_details(details))
}

/// Lines that were read, and where reading stopped.
#[derive(Default)]
struct Lines {
    content: String,
    count: usize,
    skipped: usize,
    more: bool,
    cut: usize,
}

impl Lines {
    /// Reads line by line, so that a huge file costs what is asked for.
    fn collect(mut reader: impl BufRead, offset: usize, limit: usize) -> std::io::Result<Self> {
        let mut lines = Self::default();
        while lines.skipped + 1 < offset {
            if reader.skip_until(b'\n')? == 0 {
                return Ok(lines);
            }
            lines.skipped += 1;
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            // A file of one endless line must not be read whole.
            let taken = (&mut reader).take(LINE_BYTES as u64 + 4).read_until(b'\n', &mut line)?;
            if taken == 0 {
                return Ok(lines);
            }
            let whole = line.ends_with(b"\n") || line.len() <= LINE_BYTES;
            // What is no UTF-8 grows here.
            let text = String::from_utf8_lossy(&line);
            if lines.count == limit || lines.content.len() + text.len() > SHOWN {
                lines.more = true;
                return Ok(lines);
            }
            if whole {
                lines.content.push_str(&text);
            } else {
                reader.skip_until(b'\n')?;
                lines.cut += 1;
                lines.content.push_str(&text[..floor(&text, LINE_BYTES)]);
                lines.content.push_str(" [… line cut …]\n");
            }
            lines.count += 1;
        }
    }

    fn text(self, name: &str, offset: usize, bytes: u64) -> Result<String, String> {
        if self.count == 0 {
            return match bytes {
                0 => Ok(format!("[`{name}` is empty]")),
                _ => Err(format!(
                    "`{name}` has only {} lines; `offset` {offset} is past its end",
                    self.skipped
                )),
            };
        }
        let mut text = self.content;
        if self.more {
            let last = offset + self.count - 1;
            let newline = if text.ends_with('\n') { "" } else { "\n" };
            // Writing into a string cannot fail.
            let _ = write!(
                text,
                "{newline}[… lines {offset} to {last} of a file of {bytes} bytes; go on with `offset` {} …]",
                last + 1
            );
        }
        Ok(text)
    }
}

fn list(path: &Path, name: &str) -> Result<ToolOutcome, String> {
    let failed = |error: std::io::Error| format!("`{name}` cannot be listed: {error}");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let slash = if entry.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names.sort_unstable();
    let left_out = names.len().saturating_sub(ENTRIES);
    names.truncate(ENTRIES);
    let mut text = names.join("\n");
    if left_out > 0 {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n[… {left_out} more entries …]");
    }
    if text.is_empty() {
        "[the directory is empty]".clone_into(&mut text);
    }
    Ok(ToolOutcome::ok(text).with_details(json!({"path": name, "directory": true})))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, offset: usize, limit: usize) -> String {
        let lines = Lines::collect(text.as_bytes(), offset, limit).expect("reads");
        lines.text("f", offset, text.len() as u64).unwrap_or_else(|error| error)
    }

    #[test]
    fn ranges_ends_and_notices() {
        assert_eq!(lines("a\nb\nc\n", 1, 10), "a\nb\nc\n");
        assert_eq!(
            lines("a\nb\nc", 2, 1),
            "b\n[… lines 2 to 2 of a file of 5 bytes; go on with `offset` 3 …]"
        );
        assert_eq!(lines("a\nb", 9, 1), "`f` has only 2 lines; `offset` 9 is past its end");
        assert_eq!(lines("", 1, 1), "[`f` is empty]");
    }

    #[test]
    fn one_endless_line_is_cut() {
        let text = lines(&format!("{}\nend\n", "x".repeat(1_000_000)), 1, 10);
        assert_eq!(text, format!("{} [… line cut …]\nend\n", "x".repeat(LINE_BYTES)));
    }
}
