//! The difference of two texts, line by line.
//!
//! Lines are numbered before they are compared, so that the search for a short edit script is compiled once, for numbers.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;
use std::time::Instant;

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag as OpTag};

/// Unchanged lines shown around what changed.
const CONTEXT: usize = 3;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffTag {
    /// It is in both.
    Equal,
    /// It is in the old text only.
    Delete,
    /// It is in the new text only.
    Insert,
}

impl DiffTag {
    /// Answers the sign in front of such a line: a blank, `-` or `+`.
    pub fn sign(self) -> char {
        match self {
            Self::Equal => ' ',
            Self::Delete => '-',
            Self::Insert => '+',
        }
    }
}

/// Neighbouring changes with a few lines around them; line numbers are zero-based.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line in the old text.
    pub old_start: usize,
    /// Lines in the old text.
    pub old_count: usize,
    /// The first line in the new text.
    pub new_start: usize,
    /// Lines in the new text.
    pub new_count: usize,
    /// The lines, without their ends.
    pub lines: Vec<(DiffTag, String)>,
}

/// Answers what changed between two texts.
pub fn diff(old: &str, new: &str) -> Vec<Hunk> {
    let compared = Compared::new(old, new, None);
    let hunk = |ops: &Vec<DiffOp>| {
        let (old, new) = ranges(ops)?;
        let lines =
            compared.changes(ops).map(|(tag, line)| (tag, line.trim_end_matches(['\n', '\r']).to_owned()));
        Some(Hunk {
            old_start: old.start,
            old_count: old.len(),
            new_start: new.start,
            new_count: new.len(),
            lines: lines.collect(),
        })
    };
    compared.groups.iter().filter_map(hunk).collect()
}

/// Answers the same as a unified diff under `name`, empty for equal texts. After `until` a longer script than
/// necessary will do.
pub fn unified_diff(old: &str, new: &str, name: &str, until: Option<Instant>) -> String {
    let compared = Compared::new(old, new, until);
    let mut out = String::new();
    for ops in &compared.groups {
        let Some((old, new)) = ranges(ops) else { continue };
        if out.is_empty() {
            push(&mut out, format_args!("--- {name}\n+++ {name}\n"));
        }
        push(&mut out, format_args!("@@ -{} +{} @@\n", place(&old), place(&new)));
        for (tag, line) in compared.changes(ops) {
            out.push(tag.sign());
            out.push_str(line);
            if !line.ends_with(['\n', '\r']) {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// Two texts as lines, and where they differ.
struct Compared<'a> {
    /// The lines of the old and of the new text, with their ends.
    lines: [Vec<&'a str>; 2],
    /// Changes that are near each other, with the context around them.
    groups: Vec<Vec<DiffOp>>,
}

impl<'a> Compared<'a> {
    fn new(old: &'a str, new: &'a str, until: Option<Instant>) -> Self {
        let lines = [split(old), split(new)];
        let mut numbers = HashMap::new();
        let mut number = |line: &&'a str| -> usize {
            let next = numbers.len();
            *numbers.entry(*line).or_insert(next)
        };
        let old: Vec<usize> = lines[0].iter().map(&mut number).collect();
        let new: Vec<usize> = lines[1].iter().map(&mut number).collect();
        let (old, new) = (old.as_slice(), new.as_slice());
        let mut found = Compact::new(Replace::new(Capture::new()), old, new);
        let Ok(()) = myers::diff_deadline(&mut found, old, 0..old.len(), new, 0..new.len(), until);
        Self { lines, groups: found.into_inner().into_inner().into_grouped_ops(CONTEXT) }
    }

    /// The lines of a group: of each change what went, then what came.
    fn changes<'b>(&'b self, ops: &'b [DiffOp]) -> impl Iterator<Item = (DiffTag, &'a str)> + 'b {
        ops.iter().flat_map(|op| {
            let (tag, old, new) = op.as_tag_tuple();
            let (first, second) = match tag {
                OpTag::Equal => (DiffTag::Equal, 0..0),
                OpTag::Delete | OpTag::Insert | OpTag::Replace => (DiffTag::Delete, new),
            };
            let first = self.lines[0][old].iter().map(move |line| (first, *line));
            first.chain(self.lines[1][second].iter().map(|line| (DiffTag::Insert, *line)))
        })
    }
}

/// The lines of a text, each with its end: `\n`, `\r\n` or `\r`.
fn split(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after;
    }
    lines.extend(Some(rest).filter(|rest| !rest.is_empty()));
    lines
}

/// The lines that a group covers in the old and in the new text.
fn ranges(ops: &[DiffOp]) -> Option<(Range<usize>, Range<usize>)> {
    let (first, last) = (ops.first()?, ops.last()?);
    let old = first.old_range().start..last.old_range().end;
    Some((old, first.new_range().start..last.new_range().end))
}

/// A range as a unified diff writes it: lines count from one, an empty range lies behind the line before it.
fn place(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        count => format!("{},{count}", range.start + 1),
    }
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what); // Writing to a string cannot fail.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distant_changes_are_hunks_of_their_own() {
        let old = (0..20).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        let new = old.replace("2\n3\n", "2\nnew\n3\n").replace("17\n", "");
        let shown: Vec<String> = diff(&old, &new)
            .iter()
            .map(|hunk| {
                let signed = hunk.lines.iter().map(|(tag, line)| format!("{}{line}", tag.sign()));
                let lines = signed.collect::<Vec<_>>().join(" ");
                let Hunk { old_start, old_count, new_start, new_count, .. } = hunk;
                format!("{old_start},{old_count} {new_start},{new_count} {lines}")
            })
            .collect();
        assert_eq!(shown, ["0,6 0,7  0  1  2 +new  3  4  5", "14,6 15,5  14  15  16 -17  18  19"]);
        assert!(diff(&old, &old).is_empty());
    }

    #[test]
    fn a_unified_diff_counts_from_one_and_tells_of_a_missing_end() {
        let shown = unified_diff("a\nb\r\nc", "a\nB\r\nc\n", "f", None);
        let right = "--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\r\n-c\n\\ No newline at end of file\n+B\r\n+c\n";
        assert_eq!(shown, right);
        assert_eq!(unified_diff("", "a\n", "f", None), "--- f\n+++ f\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(unified_diff("a\n", "", "f", None), "--- f\n+++ f\n@@ -1 +0,0 @@\n-a\n");
        assert_eq!(unified_diff("a\rb", "a\rb", "f", None), "");
    }
}
