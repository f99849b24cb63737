//! The tool `edit`: an exact replacement in a file.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_kernel::text::unified_diff;
use serde_json::{Value, json};

use super::blocking::blocking;
use super::clip::clip;
use super::write::replace;
use super::{Tool, ToolContext, ToolKind, ToolOutcome, ToolSpec, regular_file, shown};

/// Bytes of a diff that the model is shown.
const DIFF_BYTES: usize = 8 * 1024;
/// Bytes of a diff that people are shown: what is stored of a result has to stay below the inline limit.
const SHOWN_DIFF: usize = 32 * 1024;
/// How long a small diff may be looked for; a larger one is found at once.
const DIFF_TIME: Duration = Duration::from_millis(500);
/// Largest file that is edited, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Replaces one exact text, or all of its occurrences.
#[derive(Clone, Debug)]
pub struct EditTool(ToolSpec);

impl EditTool {
    /// Makes the tool.
    #[expect(clippy::new_without_default, reason = "a tool is made by name, not by default")]
    pub fn new() -> Self {
        let schema = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "File to change, relative to the working directory or absolute."},
                "old_string": {"type": "string", "description": "Exact text to replace, white space included; it has to be unique in the file unless `replace_all` is set."},
                "new_string": {"type": "string", "description": "Text to put in its place."},
                "replace_all": {"type": "boolean", "description": "Replace every occurrence."},
            },
            "required": ["path", "old_string", "new_string"],
            "additionalProperties": false,
        });
        let description = "Replaces an exact text in a file and answers with the diff. Give enough surrounding lines \
                           to make `old_string` unique.";
        Self(ToolSpec::new("edit", description, schema, ToolKind::Edit))
    }
}

impl Tool for EditTool {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn run(&self, args: Value, cx: ToolContext) -> LocalBoxFuture<'static, ToolOutcome> {
        let path = cx.path(args["path"].as_str().unwrap_or_default());
        let text = |name: &str| args[name].as_str().unwrap_or_default().to_owned();
        let (old, new) = (text("old_string"), text("new_string"));
        let all = args["replace_all"].as_bool().unwrap_or(false);
        let name = shown(&path, &cx.cwd);
        async move {
            match blocking(move || edit(&path, &name, &old, &new, all)).await.and_then(|result| result) {
                Ok(outcome) => outcome,
                Err(message) => ToolOutcome::error(message),
            }
        }
        .boxed_local()
    }
}

fn edit(path: &Path, name: &str, old: &str, new: &str, all: bool) -> Result<ToolOutcome, String> {
    let failed = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    let metadata = regular_file(path, name)?.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    if metadata.len() > MAX_FILE {
        return Err(format!("`{name}` has {} bytes, which is too large to edit", metadata.len()));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let before = String::from_utf8(bytes).map_err(|_| format!("`{name}` is not UTF-8 text"))?;
    let (after, count) =
        substitute(&before, old, new, all).map_err(|problem| problem.message(name, &before, old))?;
    replace(path, after.as_bytes()).map_err(|error| format!("`{name}` cannot be written: {error}"))?;
    let diff = diff(&before, &after, name);
    let plural = if count == 1 { "occurrence" } else { "occurrences" };
    let content = format!("Replaced {count} {plural} in `{name}`.\n{}", clip(&diff, DIFF_BYTES, None));
    Ok(ToolOutcome::ok(content).with_details(json!({"path": name, "replaced": count, "diff": diff})))
}

/// Why nothing was replaced.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Empty,
    Same,
    Missing,
    /// Lines on which the text begins.
    Ambiguous(Vec<usize>),
}

impl Problem {
    fn message(&self, name: &str, text: &str, old: &str) -> String {
        match self {
            Self::Empty => format!("`old_string` is empty; use `write` to make `{name}` anew"),
            Self::Same => "`old_string` and `new_string` are the same".to_owned(),
            Self::Missing => format!("`old_string` does not occur in `{name}`. {}", nearest(text, old)),
            Self::Ambiguous(lines) => {
                let shown: Vec<String> = lines.iter().take(8).map(usize::to_string).collect();
                format!(
                    "`old_string` occurs {} times in `{name}` (lines {}). Add surrounding lines to make it unique, or \
                     set `replace_all`",
                    lines.len(),
                    shown.join(", ")
                )
            }
        }
    }
}

fn substitute(text: &str, old: &str, new: &str, all: bool) -> Result<(String, usize), Problem> {
    if old.is_empty() {
        return Err(Problem::Empty);
    }
    if old == new {
        return Err(Problem::Same);
    }
    let (old, new) = in_line_ends_of(text, old, new);
    let found: Vec<usize> = text.match_indices(&old).map(|(at, _)| at).collect();
    match found.len() {
        0 => Err(Problem::Missing),
        1 => Ok((text.replacen(&old, &new, 1), 1)),
        count if all => Ok((text.replace(&old, &new), count)),
        _ => Err(Problem::Ambiguous(lines_of(text, &found))),
    }
}

/// Models write line feeds; a file with CR LF is matched and answered in its own line ends.
fn in_line_ends_of(text: &str, old: &str, new: &str) -> (String, String) {
    let crlf = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
    let lines = text.matches('\n').count();
    let all_crlf = lines > 0 && text.matches("\r\n").count() == lines;
    if all_crlf {
        (crlf(old), crlf(new))
    } else if text.contains("\r\n") && old.contains('\n') && !text.contains(old) && text.contains(&crlf(old))
    {
        // The file has both kinds; the place in question has this one.
        (crlf(old), crlf(new))
    } else {
        (old.to_owned(), new.to_owned())
    }
}

/// The line of each ascending offset, in one pass.
fn lines_of(text: &str, offsets: &[usize]) -> Vec<usize> {
    let (mut line, mut from) = (1, 0);
    let mut lines = Vec::with_capacity(offsets.len());
    for at in offsets {
        line += text[from..*at].bytes().filter(|b| *b == b'\n').count();
        from = *at;
        lines.push(line);
    }
    lines
}

/// A hint on what the model may have meant: the place that differs only in white space, or the likeliest line.
fn nearest(text: &str, old: &str) -> String {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted: Vec<String> = old.lines().map(squeeze).filter(|line| !line.is_empty()).collect();
    let Some(first) = wanted.first() else { return "It holds nothing but white space".to_owned() };
    let lines: Vec<(usize, String)> =
        text.lines().map(squeeze).enumerate().filter(|(_, line)| !line.is_empty()).collect();
    let only = |line: usize, what: &str| {
        format!("Line {line} {what}; read the file again and copy the text exactly")
    };
    for window in lines.windows(wanted.len()) {
        if window.iter().zip(&wanted).all(|((_, have), want)| have == want) {
            return only(window[0].0 + 1, "differs only in white space");
        }
    }
    if let Some((at, _)) = lines.iter().find(|(_, line)| line == first) {
        return only(at + 1, "is its first line, but the lines after it differ");
    }
    let best = lines
        .iter()
        .take(20_000)
        .map(|(at, line)| (*at, likeness(line, first)))
        .filter(|(_, score)| *score > 0.6)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((at, _)) => only(at + 1, "is the most similar to its first line"),
        None => "No line is similar to its first line; read the file again".to_owned(),
    }
}

/// Share of words two lines have in common, 0 to 1: cheap enough for every line of a file.
fn likeness(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (a, b) = (words(a), words(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let shared = a.iter().filter(|word| b.contains(word)).count();
    2.0 * shared as f64 / (a.len() + b.len()) as f64
}

/// A unified diff of two texts.
pub(crate) fn diff(before: &str, after: &str, name: &str) -> String {
    let until = Instant::now().checked_add(DIFF_TIME);
    let text = unified_diff(before, after, name, until);
    clip(&text, SHOWN_DIFF, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_all_and_crlf() {
        assert_eq!(substitute("a b", "b", "c", false), Ok(("a c".into(), 1)));
        assert_eq!(substitute("a a", "a", "b", true), Ok(("b b".into(), 2)));
        assert_eq!(substitute("a\na\n", "a", "b", false), Err(Problem::Ambiguous(vec![1, 2])));
        assert_eq!(substitute("x\r\ny\r\n", "x\ny", "1\n2", false), Ok(("1\r\n2\r\n".into(), 1)));
        assert_eq!(substitute("x\r\ny\r\n", "x", "1\n2", false), Ok(("1\r\n2\r\ny\r\n".into(), 1)));
        assert_eq!(substitute("x\r\ny\n", "y", "1\n2", false), Ok(("x\r\n1\n2\n".into(), 1)));
        assert_eq!(substitute("x\r\ny\nz", "x\ny", "1\n2", false), Ok(("1\r\n2\nz".into(), 1)));
        assert_eq!(substitute("a", "b", "c", false), Err(Problem::Missing));
        assert_eq!(substitute("a", "", "c", false), Err(Problem::Empty));
        assert_eq!(substitute("a", "a", "a", false), Err(Problem::Same));
    }

    #[test]
    fn hints_name_the_line() {
        let text = "fn a() {\n    let x = 1;\n}\n\nfn b() {}\n";
        assert!(nearest(text, "fn a() {\n  let x = 1;").starts_with("Line 1 differs only in white space"));
        assert!(nearest(text, "fn a() {\n  let y;").starts_with("Line 1 is its first line"));
        assert!(nearest(text, "let x = 2;").starts_with("Line 2 is the most similar"));
        assert!(nearest(text, "zzz").starts_with("No line"));
    }
}
