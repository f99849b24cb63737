//! Every row of the runtime contract that can be held on one machine has a test named after it.
//!
//! A test is named `row_NNN_…` with the row's number, or `row_NNN_and_NNN_…` where one test holds two rows. Rows that
//! need a server or a browser are not in the list.

use std::{collections::BTreeSet, ops::RangeInclusive, path::Path};

use super::{Finding, source::Source};

/// The rows that must have a test.
const ROWS: &[RangeInclusive<u32>] = &[1..=5, 7..=26, 29..=44, 46..=80, 83..=83, 86..=96, 99..=100];

/// The rows that tests were found for.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeSet<u32>);

impl Held {
    /// Learns which rows a source has tests for.
    pub(super) fn read(&mut self, file: &Path, source: &Source) {
        if !file.starts_with("crates") {
            return;
        }
        let tests = source.functions.iter().filter(|function| {
            let above = source.lines[..function.first].iter().rev();
            let mut attributes = above.map(|line| line.code.trim()).take_while(|code| code.starts_with("#["));
            attributes.any(|code| code.ends_with("test]"))
        });
        for test in tests {
            self.0.extend(rows_of(&test.name));
        }
    }

    /// Names the rows that have no test.
    pub(super) fn missing(&self) -> Option<Finding> {
        let wanted = ROWS.iter().cloned().flatten();
        let missing: Vec<String> =
            wanted.filter(|row| !self.0.contains(row)).map(|row| format!("row_{row:03}_…")).collect();
        let message = format!("no test holds a row of the runtime contract: {}", missing.join(", "));
        (!missing.is_empty()).then(|| Finding::new(1, message))
    }
}

/// Reads the rows out of a test's name.
fn rows_of(name: &str) -> Vec<u32> {
    let mut rows = Vec::new();
    let mut rest = name.strip_prefix("row_");
    while let Some(text) = rest {
        let Some((number, after)) = text.split_at_checked(3) else { break };
        let Ok(number) = number.parse() else { break };
        rows.push(number);
        rest = after.strip_prefix("_and_");
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_several_rows() {
        let table: [(&str, &[u32]); 6] = [
            ("row_027_two_agents_execute_each_request_once", &[27]),
            ("row_054_and_055_displays_of_one_id", &[54, 55]),
            ("row_059_and_060_and_061_clears", &[59, 60, 61]),
            ("row_12_is_too_short", &[]),
            ("row_", &[]),
            ("a_row_012_in_the_middle", &[]),
        ];
        for (name, rows) in table {
            assert_eq!(rows_of(name), rows, "{name}");
        }
    }

    #[test]
    fn only_tests_of_the_crates_count() {
        let content =
            "#[test]\nfn row_001_a() {\n}\nfn row_002_b() {\n}\n#[cfg(unix)]\n#[test]\nfn row_003_c() {\n}\n";
        let mut held = Held::default();
        held.read(
            Path::new("crates/a/tests/a.rs"),
            &Source::parse(Path::new("crates/a/tests/a.rs"), content),
        );
        held.read(
            Path::new("xtask/src/a.rs"),
            &Source::parse(Path::new("xtask/src/a.rs"), "#[test]\nfn row_004_d() {\n}\n"),
        );
        assert_eq!(held.0, BTreeSet::from([1, 3]));
        let missing = held.missing().map(|finding| finding.message).unwrap_or_default();
        assert!(
            missing.contains("row_002_…") && missing.contains("row_100_…") && !missing.contains("row_003_…")
        );
    }
}
