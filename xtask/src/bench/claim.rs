//! How long a request waits for its handler, as the bench `claim` measures it.

use super::report::{Bar, Row};
use crate::workspace::{Workspace, output};

/// The bars, in milliseconds: within a process, and from one process to another.
const IN_PROCESS: f64 = 1.0;
const ACROSS: f64 = 10.0;

/// Runs the bench and makes its rows; a row that cannot be measured says why.
pub(super) fn rows(workspace: &Workspace) -> Vec<Row> {
    let arguments = ["bench", "--quiet", "--package", "xtask", "--bench", "claim"];
    let said = output(&mut workspace.cargo(&arguments)).map_err(|error| format!("{error:#}"));
    let row = |name: &str, key: &str, most: f64| Row {
        name: format!("request until its handler is called, {name}"),
        unit: "ms",
        bar: Bar::Most(most),
        ours: said.clone().and_then(|said| value(&said, key)),
        editor: None,
    };
    vec![
        row("in process, p50", "in_process_p50", IN_PROCESS),
        row("in process, p99", "in_process_p99", IN_PROCESS),
        row("across processes, p50", "across_p50", ACROSS),
        row("across processes, p99", "across_p99", ACROSS),
    ]
}

fn value(said: &str, key: &str) -> Result<f64, String> {
    let word = said.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    word.and_then(|word| word.parse().ok()).ok_or_else(|| format!("no `{key}` in `{said}`"))
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_value_is_found_by_its_whole_key() {
        let said = "in_process_p50=0.250 in_process_p99=0.5\nacross_p50=1.5";
        assert_eq!(value(said, "in_process_p50"), Ok(0.25));
        assert_eq!(value(said, "across_p50"), Ok(1.5));
        assert!(value(said, "across_p99").is_err());
    }
}
