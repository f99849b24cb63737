//! The store's rows: rates and times beside what bare SQLite does in the same run.

use super::report::{Bar, Row};
use crate::workspace::{Workspace, output};

/// What the benchmark of the store calls a value, what the table calls it, its unit and its bar.
const VALUES: &[(&str, &str, &str, Bar)] = &[
    ("single", "commits one at a time, acknowledged", "/s", Bar::Least(12_000.0)),
    ("producers", "commits from 8 producers, acknowledged", "/s", Bar::Least(50_000.0)),
    ("batches", "events in batches of 1,000", "/s", Bar::Least(150_000.0)),
    ("open_ms", "opening a notebook of 100,000 events", "ms", Bar::Most(15.0)),
    ("replay", "replay into SQLite, events", "/s", Bar::Least(150_000.0)),
];

/// Runs the benchmark of the store and reads what it printed. A row's second value is bare SQLite's.
pub(super) fn rows(workspace: &Workspace) -> Vec<Row> {
    let said = output(&mut workspace.cargo(&[
        "bench",
        "--quiet",
        "--package",
        "purlin-runtime-native",
        "--bench",
        "store",
    ]))
    .map_err(|error| format!("{error:#}"));
    let value = |key: &str| -> Result<f64, String> {
        let said = said.as_ref().map_err(Clone::clone)?;
        find(said, key).ok_or_else(|| format!("no `{key}` in `{said}`"))
    };
    let row = |(key, name, unit, bar): &(&str, &str, &'static str, Bar)| {
        let bare = value(&format!("{key}_bare"));
        let name = match &bare {
            Ok(bare) => format!("store: {name} (bare SQLite, the log alone: {bare} {unit})"),
            Err(_) => format!("store: {name}"),
        };
        Row { name, unit, bar: *bar, ours: value(key), editor: None }
    };
    VALUES.iter().map(row).collect()
}

/// Finds a value among `name=value` pairs.
pub(super) fn find(said: &str, key: &str) -> Option<f64> {
    said.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let said = "single=13 single_bare=74\nopen_ms=0.5";
        assert_eq!(super::find(said, "single_bare"), Some(74.0));
        assert_eq!(super::find(said, "single"), Some(13.0));
        assert_eq!(super::find(said, "open"), None);
    }
}
