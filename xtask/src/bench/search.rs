//! The rows of the search: the benchmark of `runtime-native` makes the sessions and measures, this says what it means.

use super::report::{Bar, Row};
use crate::workspace::{Workspace, output};

/// The bar of the product: the 50 newest hits of a term in at most one of a hundred outputs.
const BAR_MS: f64 = 30.0;

/// What is shown of what the benchmark says: its name there, the name of the row, its unit and bar.
const SHOWN: &[(&str, &str, &str, Bar)] = &[
    ("search_common", "search, a word in 1 % of 1,000,000 outputs", "ms", Bar::Most(BAR_MS)),
    ("search_rare", "search, a word in 0.01 %", "ms", Bar::Most(BAR_MS)),
    ("search_two_words", "search, two words", "ms", Bar::None),
    ("search_phrase", "search, a phrase of frequent words", "ms", Bar::None),
    ("search_beginning", "search, the beginning of a word", "ms", Bar::None),
    ("opened_updated_searched", "search, index opened and 1,000 sessions looked at first", "ms", Bar::None),
    ("like_common", "`LIKE`, a word in 1 %", "ms", Bar::None),
    ("like_rare", "`LIKE`, a word in 0.01 %", "ms", Bar::None),
    ("grep_common", "`grep`, a word in 1 %", "ms", Bar::None),
    ("grep_rare", "`grep`, a word in 0.01 %", "ms", Bar::None),
    ("text_mib", "text that is searched", "MiB", Bar::None),
    ("index_mib", "index of it", "MiB", Bar::None),
    ("indexed_s", "index made from scratch", "s", Bar::None),
    ("ended_ms", "index at the end of a short session", "ms", Bar::None),
    ("list", "list of 2,000 sessions", "ms", Bar::None),
    ("list_every_file", "list of 2,000 sessions, every file read", "ms", Bar::None),
];

/// Runs the benchmark and reads its values.
pub(super) fn rows(workspace: &Workspace, quick: bool) -> Vec<Row> {
    let mut command =
        workspace.cargo(&["bench", "--quiet", "--package", "purlin-runtime-native", "--bench", "search"]);
    if quick {
        command.env("PURLIN_BENCH_OUTPUTS", "100000");
    }
    let said = output(&mut command).map_err(|error| format!("{error:#}"));
    SHOWN
        .iter()
        .map(|(key, name, unit, bar)| Row {
            name: (*name).to_owned(),
            unit,
            bar: *bar,
            ours: said.as_ref().map_err(Clone::clone).and_then(|said| value(said, key)),
            editor: None,
        })
        .collect()
}

fn value(said: &str, key: &str) -> Result<f64, String> {
    let word = said.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    word.and_then(|word| word.parse().ok()).ok_or_else(|| format!("no `{key}` in `{said}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        assert_eq!(value("list_every_file=9 list=2.5 ", "list"), Ok(2.5));
        assert!(value("list=2.5", "search_rare").is_err());
    }
}
