//! The rules for Rust sources.

use std::{ops::RangeInclusive, path::Path};

use super::{
    Finding,
    source::{Line, Source},
};

const FILE_LINES: usize = 800;
const TEST_FILE_LINES: usize = 1_200;
const FUNCTION_LINES: usize = 100;
const CRATE_COMMENT: RangeInclusive<usize> = 10..=60;

/// The comment that allows one long place: `tidy: long (reason)`.
const LONG: &str = "tidy: long (";

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils", "v2"];
const EMPTY_ENDINGS: &[&str] = &["Data", "Helper", "Helpers", "Info", "Manager", "Util", "Utils"];

/// Judges a file's own name.
pub(super) fn names(file: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.extension().is_none_or(|extension| extension != "rs") {
        return findings;
    }
    if file.file_name().is_some_and(|name| name == "mod.rs") {
        findings.push(Finding::new(1, "is a `mod.rs`: put it beside its folder, as `<folder>.rs`"));
    }
    for part in file.components().filter_map(|part| part.as_os_str().to_str()) {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) {
            findings
                .push(Finding::new(1, format!("`{name}` is a name that says nothing: name the idea inside")));
        }
    }
    findings
}

/// Judges what a file contains.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    file_size(source, &mut findings);
    function_sizes(source, &mut findings);
    for index in 0..source.lines.len() {
        unfinished(&source.lines, index, &mut findings);
        ignored_test(&source.lines, index, &mut findings);
        empty_name(&source.lines, index, &mut findings);
        unproven_panic(&source.lines, index, &mut findings);
        dropped_answer(&source.lines, index, &mut findings);
    }
    findings
}

/// Judges the comment that opens a crate, for the `lib.rs` of one.
pub(super) fn crate_comment(file: &Path, source: &Source) -> Vec<Finding> {
    if !(file.starts_with("crates") && file.ends_with("src/lib.rs")) {
        return Vec::new();
    }
    let length = source.lines.iter().take_while(|line| line.comment.starts_with('!')).count();
    if CRATE_COMMENT.contains(&length) {
        return Vec::new();
    }
    let message = format!(
        "the crate's comment has {length} lines instead of {} to {}: what it is, what it is not, its principal type, \
         an example, its invariants",
        CRATE_COMMENT.start(),
        CRATE_COMMENT.end()
    );
    vec![Finding::new(1, message)]
}

fn file_size(source: &Source, findings: &mut Vec<Finding>) {
    let limit = if source.all_test { TEST_FILE_LINES } else { FILE_LINES };
    // The lexer ends every file with one more, empty line.
    let length = source.lines.len() - 1;
    let allowed = source.lines.iter().take(60).any(|line| line.comment.contains(LONG));
    if length > limit && !allowed {
        findings.push(Finding::new(
            1,
            format!("the file has {length} lines, more than {limit}: split it by idea"),
        ));
    }
}

fn function_sizes(source: &Source, findings: &mut Vec<Finding>) {
    for function in &source.functions {
        let length = function.last - function.first + 1;
        if length <= FUNCTION_LINES || source.lines[function.first].test {
            continue;
        }
        if !comment_above(&source.lines, function.first).any(|comment| comment.contains(LONG)) {
            let message = format!("`{}` has {length} lines, more than {FUNCTION_LINES}", function.name);
            findings.push(Finding::new(function.first + 1, message));
        }
    }
}

/// Comments of a line and of those directly above it: comments, attributes, the same statement's earlier lines.
fn comment_above(lines: &[Line], index: usize) -> impl Iterator<Item = &str> {
    let first = (0..index)
        .rev()
        .take_while(|above| {
            let line = &lines[*above];
            let code = line.code.trim();
            let ends_statement = code.ends_with([';', '}', '{', ',']) && !code.starts_with('#');
            (!code.is_empty() || !line.comment.is_empty()) && !ends_statement
        })
        .last()
        .unwrap_or(index);
    lines[first..=index].iter().map(|line| line.comment.as_str()).filter(|comment| !comment.is_empty())
}

fn unfinished(lines: &[Line], index: usize, findings: &mut Vec<Finding>) {
    let line = &lines[index];
    for (mark, wanted) in [("todo!", "TO".to_owned() + "DO"), ("unimplemented!", "FIX".to_owned() + "ME")] {
        let in_code = line.code.match_indices(mark).any(|(at, _)| !in_word(&line.code, at));
        let in_comment = line.comment.split(|c: char| !c.is_alphanumeric()).any(|word| word == wanted);
        if in_code || in_comment {
            findings.push(Finding::new(
                index + 1,
                "is unfinished: finish it, or delete it and say so in the issue",
            ));
        }
    }
}

fn in_word(code: &str, at: usize) -> bool {
    code[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_')
}

fn ignored_test(lines: &[Line], index: usize, findings: &mut Vec<Finding>) {
    if lines[index].code.trim().starts_with("#[ignore]") {
        findings.push(Finding::new(index + 1, "ignores a test without a reason: `#[ignore = \"why\"]`"));
    }
}

fn empty_name(lines: &[Line], index: usize, findings: &mut Vec<Finding>) {
    let mut words =
        lines[index].code.split(|character: char| !character.is_alphanumeric() && character != '_');
    while let Some(word) = words.next() {
        if !matches!(word, "struct" | "enum" | "trait" | "type" | "mod") {
            continue;
        }
        let Some(name) = words.next() else { continue };
        let empty = EMPTY_ENDINGS.iter().any(|ending| name.ends_with(ending)) && word != "mod"
            || EMPTY_NAMES.contains(&name) && word == "mod";
        if empty {
            findings.push(Finding::new(
                index + 1,
                format!("`{name}` is a name that says nothing: name the idea"),
            ));
        }
    }
}

fn unproven_panic(lines: &[Line], index: usize, findings: &mut Vec<Finding>) {
    let line = &lines[index];
    if line.test || !(line.code.contains(".unwrap()") || line.code.contains(".expect(\"")) {
        return;
    }
    // A comment after the chain, as in `.unwrap() // why`, counts as well as one before it.
    if comment_above(lines, index).next().is_none() {
        findings.push(Finding::new(
            index + 1,
            "may panic: handle it, or prove in a comment that it cannot happen",
        ));
    }
}

fn dropped_answer(lines: &[Line], index: usize, findings: &mut Vec<Finding>) {
    let line = &lines[index];
    let Some(dropped) = line.code.trim_start().strip_prefix("let _ =") else { return };
    // Formatting into a string cannot fail, and the lints ask for this very form.
    if line.test || dropped.trim_start().starts_with("write") {
        return;
    }
    if comment_above(lines, index).next().is_none() {
        findings.push(Finding::new(index + 1, "drops an answer: say in a comment why it does not matter"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(content: &str) -> usize {
        check(&Source::parse(Path::new("src/a.rs"), content)).len()
    }

    #[test]
    fn each_rule_finds_its_case_and_no_other() {
        let long = format!("fn a() {{\n{}}}\n", "    b();\n".repeat(FUNCTION_LINES));
        let allowed = format!("// {LONG}one table)\n{long}");
        let table = [
            (long.as_str(), 1),
            (allowed.as_str(), 0),
            ("fn a() { todo!() }", 1),
            ("fn a() { not_todo!() }", 0),
            (concat!("// FIX", "ME: later"), 1),
            ("#[test]\n#[ignore]\nfn a() {}", 1),
            ("#[test]\n#[ignore = \"needs a key\"]\nfn a() {}", 0),
            ("struct BufferManager;", 1),
            ("struct Database;", 0),
            ("mod utils;", 1),
            ("fn a() { b().unwrap() }", 1),
            ("fn a() {\n    // Never empty: made with one element.\n    b().unwrap()\n}", 0),
            ("fn a() {\n    b()\n        // Never empty.\n        .expect(\"full\")\n}", 0),
            ("fn a() {\n    // Another statement's reason.\n    c();\n    b().unwrap()\n}", 1),
            ("fn a() { self.expect(Token::Comma) }", 0),
            ("fn a() {\n    let _ = b();\n}", 1),
            ("fn a() {\n    let _ = write!(text, b);\n}", 0),
            ("fn a() {\n    // Nobody listens any more.\n    let _ = b();\n}", 0),
            ("#[test]\nfn a() { b().unwrap() }", 0),
            ("fn a() { let s = \"todo!() .unwrap()\"; }", 0),
        ];
        for (content, expected) in table {
            assert_eq!(findings(content), expected, "{content}");
        }
    }

    #[test]
    fn file_names_are_judged() {
        let table = [
            ("src/mod.rs", 1),
            ("src/utils.rs", 1),
            ("src/common/a.rs", 1),
            ("src/frame.rs", 0),
            ("docs/data.md", 0),
        ];
        for (file, expected) in table {
            assert_eq!(names(Path::new(file)).len(), expected, "{file}");
        }
    }
}
