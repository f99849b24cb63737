//! What a call changes in a file: the lines that go and come, with some of what stays around them, highlighted in the
//! language of the file.

use purlin_kernel::text::{DiffTag, Highlighter, Line, Span, Style, Token, diff, visible};
use serde_json::{Map, Value};

use super::expand;

/// A longer text is shown as it is, without a comparison.
const COMPARED: usize = 256 * 1024;

/// Answers the lines of a change; nothing where the arguments tell of none.
pub(super) fn lines(
    args: Option<&Value>,
    width: usize,
    painter: Option<&dyn Highlighter>,
) -> Option<Vec<Line>> {
    let fields = args?.as_object()?;
    let path =
        ["path", "file_path", "file"].iter().find_map(|name| fields.get(*name)).and_then(Value::as_str);
    let shown = Shown { language: language_of(path.unwrap_or_default()), painter, width };
    let mut lines = shown.edit(fields);
    for edit in fields.get("edits").and_then(Value::as_array).into_iter().flatten() {
        let Some(edit) = edit.as_object() else { continue };
        let more = shown.edit(edit);
        if !lines.is_empty() && !more.is_empty() {
            lines.push(vec![Span::new("⋯", Style::fg(Token::Muted))]);
        }
        lines.extend(more);
    }
    if let Some(content) = fields.get("content").and_then(Value::as_str) {
        let dim = Style::fg(Token::Dim);
        let content = content.trim_end_matches('\n');
        let rows = shown.rows(content);
        lines.extend(rows.into_iter().zip(content.split('\n')).map(|(colored, row)| {
            colored.unwrap_or_else(|| vec![Span::new(expand(&visible(row)), dim.clone())])
        }));
    }
    (!lines.is_empty()).then_some(lines)
}

/// The name by which a highlighter knows the language of a file: its ending, or its name where it has none.
fn language_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(_, ending)| ending)
}

struct Shown<'a> {
    language: &'a str,
    painter: Option<&'a dyn Highlighter>,
    width: usize,
}

impl Shown<'_> {
    fn edit(&self, edit: &Map<String, Value>) -> Vec<Line> {
        let text = |names: [&str; 2]| names.iter().find_map(|name| edit.get(*name)).and_then(Value::as_str);
        let old = text(["old_text", "old_string"]).filter(|text| !text.is_empty());
        let new = text(["new_text", "new_string"]).filter(|text| !text.is_empty());
        let (Some(old), Some(new)) = (old, new) else {
            let (tag, text) = if old.is_some() { (DiffTag::Delete, old) } else { (DiffTag::Insert, new) };
            let Some(text) = text else { return Vec::new() };
            let text = text.trim_end_matches('\n');
            let rows = self.rows(text).into_iter();
            return rows.zip(text.split('\n')).map(|(colored, row)| self.line(tag, row, colored)).collect();
        };
        if old.len() + new.len() > COMPARED {
            let every = |tag, text: &str| {
                text.trim_end_matches('\n')
                    .split('\n')
                    .map(|row| self.line(tag, row, None))
                    .collect::<Vec<_>>()
            };
            return [every(DiffTag::Delete, old), every(DiffTag::Insert, new)].concat();
        }
        let (before, after) = (self.rows(old), self.rows(new));
        let mut lines = Vec::new();
        for (at, hunk) in diff(&ended(old), &ended(new)).into_iter().enumerate() {
            if at > 0 {
                lines.push(vec![Span::new("⋯", Style::fg(Token::Muted))]);
            }
            let (mut old_at, mut new_at) = (hunk.old_start, hunk.new_start);
            for (tag, row) in hunk.lines {
                let (colored, steps) = match tag {
                    DiffTag::Delete => (before.get(old_at), (1, 0)),
                    DiffTag::Insert => (after.get(new_at), (0, 1)),
                    DiffTag::Equal => (after.get(new_at), (1, 1)),
                };
                let colored = colored.cloned().flatten();
                (old_at, new_at) = (old_at + steps.0, new_at + steps.1);
                lines.push(self.line(tag, row.trim_end_matches(['\n', '\r']), colored));
            }
        }
        lines
    }

    /// The rows of a text as the highlighter has them.
    fn rows(&self, text: &str) -> Vec<Option<Line>> {
        let count = text.split('\n').count();
        let painter = self.painter.filter(|_| !self.language.is_empty());
        let colored = painter.and_then(|painter| painter.glance(text, self.language)).unwrap_or_default();
        let clean = |line: Line| -> Line {
            line.into_iter().map(|span| Span::new(expand(&visible(&span.text)), span.style)).collect()
        };
        colored.into_iter().map(|line| Some(clean(line))).chain(std::iter::repeat(None)).take(count).collect()
    }

    /// One line with its mark. What goes is in one colour: it is there to be recognised, not to be read.
    fn line(&self, tag: DiffTag, row: &str, colored: Option<Line>) -> Line {
        let (mark, token, ground) = match tag {
            DiffTag::Delete => ("- ", Token::DiffDelete, Some(Token::ToolErrorBg)),
            DiffTag::Insert => ("+ ", Token::DiffAdd, Some(Token::ToolSuccessBg)),
            DiffTag::Equal => ("  ", Token::Dim, None),
        };
        let base = ground.map_or_else(Style::new, |ground| Style::new().on(ground));
        let mut line = vec![Span::new(mark, base.clone().with_fg(token))];
        match colored.filter(|_| tag != DiffTag::Delete) {
            Some(colored) => {
                line.extend(colored.into_iter().map(|span| Span { style: base.patch(&span.style), ..span }));
            }
            None => line.push(Span::new(expand(&visible(row)), base.clone().with_fg(token))),
        }
        let used = purlin_kernel::text::line_width(&line) + 2;
        if ground.is_some() && used < self.width {
            line.push(Span::new(" ".repeat(self.width - used), base));
        }
        line
    }
}

fn ended(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_kernel::text::line_plain;
    use serde_json::json;

    fn shown(args: &Value) -> Vec<String> {
        let lines = lines(Some(args), 40, None).unwrap_or_default();
        lines.iter().map(|line| line_plain(line).trim_end().to_owned()).collect()
    }

    #[test]
    fn a_change_is_told_by_the_lines_that_differ() {
        let edit = json!({"path": "a.rs", "old_text": "fn a() {\n    one();\n}", "new_text": "fn a() {\n    two();\n}"});
        assert_eq!(shown(&edit), ["  fn a() {", "-     one();", "+     two();", "  }"]);
        assert_eq!(shown(&json!({"path": "a", "old_text": "gone"})), ["- gone"]);
        assert_eq!(shown(&json!({"path": "a", "content": "x\n\ty\n"})), ["x", "    y"]);
        let edits =
            json!({"edits": [{"old_text": "a", "new_text": "b"}, {"old_text": "c", "new_text": "d"}]});
        assert_eq!(shown(&edits), ["- a", "+ b", "⋯", "- c", "+ d"]);
        assert_eq!(shown(&json!({"path": "a"})), Vec::<String>::new());
    }

    #[test]
    fn the_language_is_the_ending() {
        for (path, expected) in
            [("src/lib.rs", "rs"), ("Makefile", "Makefile"), ("a/b.tar.gz", "gz"), ("", "")]
        {
            assert_eq!(language_of(path), expected);
        }
    }
}
