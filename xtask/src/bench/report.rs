//! The table as people read it: ratios and bars first, absolutes as information.

use std::fmt::Write as _;

/// What a value is held against.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bar {
    /// At most so many times the editor's value.
    Ratio(f64),
    /// At most this much.
    Most(f64),
    /// At least this much.
    Least(f64),
    /// Nothing: the value is information.
    None,
}

/// One measured value.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) bar: Bar,
    /// What was measured, or why it could not be.
    pub(super) ours: Result<f64, String>,
    pub(super) editor: Option<f64>,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        let (ours, editor) = (self.ours.as_ref().ok()?, self.editor?);
        (editor > 0.0).then(|| ours / editor)
    }

    /// Whether the bar is held; nothing when there is no bar or no value to hold against it.
    fn held(&self) -> Option<bool> {
        match self.bar {
            Bar::Ratio(most) => self.ratio().map(|ratio| ratio <= most),
            Bar::Most(most) => self.ours.as_ref().ok().map(|ours| *ours <= most),
            Bar::Least(least) => self.ours.as_ref().ok().map(|ours| *ours >= least),
            Bar::None => None,
        }
    }
}

/// Renders the page.
pub(super) fn render(rows: &[Row], machine: &str) -> String {
    let mut page = String::from(HEAD);
    page.push_str("| | ratio | bar | | purlin | nvim |\n|---|---:|---:|---|---:|---:|\n");
    for row in rows {
        let ratio = row.ratio().map_or_else(|| "n/a".to_owned(), |ratio| format!("{ratio:.2} ×"));
        let ratio =
            if row.editor.is_none() && !matches!(row.bar, Bar::Ratio(_)) { String::new() } else { ratio };
        let bar = match row.bar {
            Bar::Ratio(most) => format!("≤ {most:.1} ×"),
            Bar::Most(most) => format!("≤ {}", value_with_unit(most, row.unit)),
            Bar::Least(least) => format!("≥ {}", value_with_unit(least, row.unit)),
            Bar::None => String::new(),
        };
        let verdict = match (row.held(), row.bar) {
            (Some(true), _) => "hit",
            (Some(false), _) => "**miss**",
            (None, Bar::None) => "",
            (None, _) => "not measured",
        };
        let ours =
            row.ours.as_ref().map_or_else(|_| "–".to_owned(), |value| value_with_unit(*value, row.unit));
        let editor = row.editor.map_or_else(String::new, |value| value_with_unit(value, row.unit));
        let _ = writeln!(page, "| {} | {ratio} | {bar} | {verdict} | {ours} | {editor} |", row.name);
    }
    page.push_str("\nMeasured on ");
    page.push_str(machine);
    page.push_str(".\n");
    misses(rows, &mut page);
    page
}

fn misses(rows: &[Row], page: &mut String) {
    let missed: Vec<&str> =
        rows.iter().filter(|row| row.held() == Some(false)).map(|row| row.name.as_str()).collect();
    let list = if missed.is_empty() { "none".to_owned() } else { missed.join("; ") };
    let _ = write!(page, "\nMisses: {list}.\n");
    for row in rows {
        if let Err(reason) = &row.ours {
            let first = reason.lines().next().unwrap_or_default();
            let _ = write!(page, "\nNot measured: {} ({first}).\n", row.name);
        }
    }
}

fn value_with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() { number(value) } else { format!("{} {unit}", number(value)) }
}

/// Three digits that matter, and no more.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size < 0.1 => 4,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

const HEAD: &str = "# Benchmarks

This page is written by

```sh
cargo xtask bench
```

which builds the release binary and measures it beside `nvim --clean` (Debian: `apt-get install neovim`) in the same run:
the same pseudo-terminal of 120×40, the same environment, by turns. A ratio is our value over the editor's; the absolutes
say something only about the machine named below. Each value is a median of several runs, p99 the 99th percentile of all keys.

- *start*: from the start of the process until a letter that was typed ahead stands on the screen.
- *key*: from writing one letter to the terminal until what arrives from the program shows it before the cursor; with
  10,000 lines, a resumed session of that length on our side, a file on the editor's.
- *idle*: one second after the last key, or after an answer was shown, when a session is open and its agent runs. PSS is from `smaps_rollup`, wake-ups are context switches of all threads in 5 s.
- *stream*: a scripted model's answer in 2,000 pieces of 40 characters without delay, until its last words are shown.
- *request until its handler is called*: from before the request is committed to a store on the disk until the handler of a
  runtime agent is entered, in its own thread or in another process; claim, start and their flush are inside.
- *store*: an agent's session (prompts, executions, answers that stream in) committed through a handle, by turns with bare
  SQLite writing the same rows of the log and no tables in one thread.
- *hook*: a dispatch that no handler waits for, called in a loop, with a counting allocator.
- *a Lua renderer*: a program of its own (`--bare`) that draws 40 rows of four spans, all of them new with each frame; processor time of all its
  threads, from the second second on.
- *search*: full text over 1,000,000 outputs of 40 words in 1,000 sessions, the 50 newest hits with their texts read from the sessions; beside it, in the same run,
  `LIKE` over one table of the same texts and `grep -F` over one file of them. *list*: 2,000 sessions, of which none has changed.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let table = [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (0.5, "0.5"),
            (2.34567, "2.35"),
            (12.34, "12.3"),
            (1234.5, "1234"),
        ];
        for (value, expected) in table {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn verdicts_follow_the_bars() {
        let row = |bar, ours, editor| Row { name: "a".into(), unit: "ms", bar, ours: Ok(ours), editor };
        let table = [
            (row(Bar::Ratio(1.2), 12.0, Some(10.0)), Some(true)),
            (row(Bar::Ratio(1.2), 12.1, Some(10.0)), Some(false)),
            (row(Bar::Ratio(1.2), 12.0, None), None),
            (row(Bar::Most(0.0), 0.0, Some(3.0)), Some(true)),
            (row(Bar::None, 5.0, None), None),
        ];
        for (row, expected) in table {
            assert_eq!(row.held(), expected, "{row:?}");
        }
    }
}
