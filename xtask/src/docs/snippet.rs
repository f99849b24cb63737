//! Fenced code of Markdown files, and example files seen the same way.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// A piece of code that documentation shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) file: PathBuf,
    /// Where its fence opens, counted from one.
    pub(super) line: usize,
    pub(super) language: String,
    /// The words after the language.
    pub(super) marks: Vec<String>,
    pub(super) text: String,
}

impl Snippet {
    /// The file that a piece of Lua is for what follows on its page.
    pub(super) fn name(&self) -> Option<&str> {
        let is_file = |mark: &&String| Path::new(mark).extension().is_some_and(|suffix| suffix == "lua");
        self.marks.iter().find(is_file).map(String::as_str).filter(|_| self.language == "lua")
    }
}

/// Finds the fenced code of a Markdown file.
pub(super) fn parse(file: &Path, markdown: &str) -> Vec<Snippet> {
    let mut snippets = Vec::new();
    let mut open: Option<(Snippet, String)> = None;
    for (index, line) in markdown.lines().enumerate() {
        let trimmed = line.trim_start();
        if let Some((snippet, fence)) = &mut open {
            if trimmed.trim_end() == fence {
                snippets.extend(open.take().map(|(snippet, _)| snippet));
            } else {
                snippet.text.push_str(line);
                snippet.text.push('\n');
            }
            continue;
        }
        let ticks = trimmed.chars().take_while(|character| *character == '`').count();
        if ticks < 3 {
            continue;
        }
        let mut words = trimmed[ticks..].split_whitespace().map(str::to_owned);
        let snippet = Snippet {
            file: file.to_path_buf(),
            line: index + 1,
            language: words.next().unwrap_or_default(),
            marks: words.collect(),
            text: String::new(),
        };
        open = Some((snippet, "`".repeat(ticks)));
    }
    snippets
}

/// An example file as a snippet: an extension, or a scripted model.
///
/// A folder in `examples/extensions` is an extension by its `init.lua`; the other files in it are its own affair.
pub(super) fn example(file: &Path, read: impl FnOnce() -> Result<String>) -> Result<Option<Snippet>> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let nested = file.components().count() > 3;
    let (language, mark, text) = match file.extension().and_then(|extension| extension.to_str()) {
        Some("lua") if !nested || name == "init.lua" => ("lua", "file", String::new()),
        Some("toml") if !nested => {
            let text = read()?;
            let mark = if text.contains("[[turn]]") { "script" } else { "config" };
            ("toml", mark, text)
        }
        _ => return Ok(None),
    };
    Ok(Some(Snippet {
        file: file.to_path_buf(),
        line: 1,
        language: language.into(),
        marks: vec![mark.into()],
        text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_found_with_their_marks() {
        let markdown = "a\n```sh test\necho 1\n```\n````md\n```lua\n````\n```\nplain\n```\n";
        let found = parse(Path::new("a.md"), markdown);
        let seen: Vec<_> =
            found.iter().map(|s| (s.line, s.language.as_str(), s.marks.join(" "), s.text.as_str())).collect();
        let expected = [
            (2, "sh", "test".to_owned(), "echo 1\n"),
            (5, "md", String::new(), "```lua\n"),
            (8, "", String::new(), "plain\n"),
        ];
        assert_eq!(seen, expected);
    }
}
