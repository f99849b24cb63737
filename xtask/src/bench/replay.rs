//! The notebook's rows: how fast a log becomes tables in memory. The SQLite store's replay is among the store's rows.

use super::report::{Bar, Row};
use crate::workspace::{Workspace, output};

const VALUES: &[(&str, &str, Bar)] = &[
    ("decode", "log: events read from their JSON text", Bar::None),
    ("memory", "log: replay into memory, reading included, events", Bar::Least(500_000.0)),
];

/// Runs the benchmark of the notebook and reads what it printed.
pub(super) fn rows(workspace: &Workspace) -> Vec<Row> {
    let said = output(&mut workspace.cargo(&[
        "bench",
        "--quiet",
        "--package",
        "purlin-notebook",
        "--bench",
        "replay",
    ]))
    .map_err(|error| format!("{error:#}"));
    let value = |key: &str| -> Result<f64, String> {
        let said = said.as_ref().map_err(Clone::clone)?;
        super::store::find(said, key).ok_or_else(|| format!("no `{key}` in `{said}`"))
    };
    let row = |(key, name, bar): &(&str, &str, Bar)| Row {
        name: (*name).to_owned(),
        unit: "/s",
        bar: *bar,
        ours: value(key),
        editor: None,
    };
    VALUES.iter().map(row).collect()
}
