//! The difference of two texts, line by line.

use std::time::Instant;

use similar::{ChangeTag, TextDiff};

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
    diff_until(old, new, None)
}

/// Does the same; what has not been compared at `deadline` is told as replaced, so that texts which have nothing in
/// common do not take the square of their length.
pub fn diff_until(old: &str, new: &str, deadline: Option<Instant>) -> Vec<Hunk> {
    let mut config = TextDiff::configure();
    if let Some(deadline) = deadline {
        config.deadline(deadline);
    }
    let diff = config.diff_lines(old, new);
    let groups = diff.grouped_ops(CONTEXT);
    groups
        .iter()
        .filter_map(|ops| {
            let (first, last) = (ops.first()?, ops.last()?);
            let (old_start, new_start) = (first.old_range().start, first.new_range().start);
            let lines = ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
                let tag = match change.tag() {
                    ChangeTag::Equal => DiffTag::Equal,
                    ChangeTag::Delete => DiffTag::Delete,
                    ChangeTag::Insert => DiffTag::Insert,
                };
                (tag, change.value().trim_end_matches(['\n', '\r']).to_owned())
            });
            Some(Hunk {
                old_start,
                old_count: last.old_range().end - old_start,
                new_start,
                new_count: last.new_range().end - new_start,
                lines: lines.collect(),
            })
        })
        .collect()
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
}
