//! The rows of coalesced outputs: what ten thousand pieces in a second become.

use super::report::{Bar, Row};
use crate::workspace::{Workspace, output};

/// What the benchmark calls a value, and what the table calls it.
const VALUES: &[(&str, &str)] = &[
    ("stdout", "10,000 pieces of stdout in a second"),
    ("markdown", "10,000 pieces of Markdown in a second"),
];

/// Runs the benchmark and reads what it printed; a text that is not complete is no value.
pub(super) fn rows(workspace: &Workspace) -> Vec<Row> {
    let said = output(&mut workspace.cargo(&[
        "bench",
        "--quiet",
        "--package",
        "purlin-runtime-native",
        "--bench",
        "coalesce",
    ]))
    .map_err(|error| format!("{error:#}"));
    let row = |(key, name): &(&str, &str)| Row {
        name: format!("{name}, complete: commits"),
        unit: "",
        bar: Bar::Most(60.0),
        ours: said.as_ref().map_err(Clone::clone).and_then(|said| commits(said, key)),
        editor: None,
    };
    VALUES.iter().map(row).collect()
}

fn commits(said: &str, key: &str) -> Result<f64, String> {
    let value = |name: &str| -> Option<f64> {
        said.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let missing = || format!("no `{key}` in `{said}`");
    match value(&format!("{key}_complete")).ok_or_else(missing)? {
        1.0 => value(key).ok_or_else(missing),
        _ => Err(format!("the text of `{key}` is not complete")),
    }
}

#[cfg(test)]
mod tests {
    use super::commits;

    #[test]
    fn a_text_that_is_not_complete_is_no_value() {
        let said = "stdout=14 stdout_seconds=1.0 stdout_complete=1\nmarkdown=50 markdown_complete=0";
        assert_eq!(commits(said, "stdout"), Ok(14.0));
        assert_eq!(commits(said, "markdown"), Err("the text of `markdown` is not complete".to_owned()));
        assert!(commits(said, "other").is_err());
    }
}
