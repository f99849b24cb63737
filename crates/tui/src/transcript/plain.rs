//! The transcript as plain text, for a pager or an editor.

use std::fmt::Write as _;

use purlin_kernel::{Block, Kernel, text::visible};
use serde_json::Value;

/// Blocks that are read at a time.
const BATCH: usize = 256;

/// A longer text is cut at its beginning: pagers hold what they show in memory.
const MOST: usize = 32 << 20;

/// Writes out the blocks of a buffer, oldest first; where they are too long, the newest.
pub fn text(kernel: &Kernel, buffer: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut size = 0;
    let mut end = kernel.buf().block_count(buffer);
    while end > 0 && size <= MOST {
        let begin = end.saturating_sub(BATCH);
        let blocks = kernel.buf().blocks(buffer, begin..end);
        for block in blocks.iter().rev().filter(|block| !block.hidden) {
            let part = written(block);
            size += part.len();
            parts.push(part);
            if size > MOST {
                parts.push("… what was before is not shown\n".to_owned());
                break;
            }
        }
        end = begin;
    }
    parts.reverse();
    parts.join("\n")
}

fn written(block: &Block) -> String {
    let text = visible(block.text.trim_end());
    let mut out = String::new();
    match block.kind.as_str() {
        "prompt" => lines(&mut out, &text, "› ", "  "),
        "text" | "note" => lines(&mut out, &text, "", ""),
        "thinking" => lines(&mut out, &text, "┊ ", "┊ "),
        "error" => lines(&mut out, &text, "✗ ", "  "),
        _ => {
            lines(&mut out, &visible(&head(block)), "● ", "  ");
            if !text.is_empty() {
                lines(&mut out, &text, "  ", "  ");
            }
        }
    }
    out
}

/// What was called, with its arguments.
fn head(block: &Block) -> String {
    if let Some(command) = block.meta.get("command").and_then(Value::as_str) {
        return format!("! {command}");
    }
    let name = block.meta.get("name").and_then(Value::as_str).unwrap_or("tool");
    let mut head = name.to_owned();
    let args = block.meta.get("args").and_then(Value::as_object);
    for (key, value) in args.into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // Writing to a string cannot fail.
        let _ = if text.contains('\n') {
            write!(head, "\n{key}:\n{text}")
        } else {
            write!(head, " {key}={text}")
        };
    }
    head
}

fn lines(out: &mut String, text: &str, first: &str, rest: &str) {
    for (at, line) in text.split('\n').enumerate() {
        let line = format!("{}{line}", if at == 0 { first } else { rest });
        out.push_str(line.trim_end());
        out.push('\n');
    }
}
