//! Which rows there are, and how each is measured.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    measure,
    process::Usage,
    report::{Bar, Row},
    subject::Subject,
};
use crate::workspace::{Workspace, installed, output};

/// The groups of rows, for `--only`.
pub(super) const GROUPS: &[&str] = &[
    "start", "keys", "long", "idle", "stream", "coalesce", "hook", "replay", "store", "search", "claim",
    "lua", "renderer", "headless",
];
/// Those that do not start the program.
pub(super) const WITHOUT_PROGRAM: &[&str] =
    &["coalesce", "hook", "replay", "store", "search", "claim", "lua"];

const LAST_WORDS: &str = "end-of-the-stream";
/// A session of 10,000 transcript lines: so many answers of so many lines.
const LONG_TURNS: usize = 20;
const LONG_LINES: usize = 500;

/// A run of the benchmark.
pub(super) struct Bench<'a> {
    workspace: &'a Workspace,
    purlin: PathBuf,
    scratch: PathBuf,
    has_editor: bool,
    repeats: usize,
    keys: usize,
    homes: usize,
    quick: bool,
}

impl<'a> Bench<'a> {
    pub(super) fn new(workspace: &'a Workspace, purlin: &Path, scratch: &Path, quick: bool) -> Result<Self> {
        let has_editor = installed("nvim");
        if !has_editor {
            println!("`nvim` is not installed (on Debian: `apt-get install neovim`): ratios are n/a");
        }
        let (repeats, keys) = if quick { (3, 100) } else { (15, 400) };
        let purlin = std::path::absolute(purlin)?;
        Ok(Self { workspace, purlin, scratch: scratch.into(), has_editor, repeats, keys, homes: 0, quick })
    }

    /// Measures the wanted groups; a row that cannot be measured says why.
    pub(super) fn measure(&mut self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for group in GROUPS.iter().filter(|group| wanted(group)) {
            println!("measuring: {group}");
            rows.extend(match *group {
                "start" => self.start()?,
                "keys" => self.keys_empty()?,
                "long" => self.keys_long()?,
                "idle" => self.idle()?,
                "stream" => self.stream()?,
                "hook" => self.hook(),
                "coalesce" => super::coalesce::rows(self.workspace),
                "claim" => super::claim::rows(self.workspace),
                "replay" => super::replay::rows(self.workspace),
                "search" => super::search::rows(self.workspace, self.quick),
                "store" => super::store::rows(self.workspace),
                "lua" => super::lua::rows(self.workspace, &self.scratch),
                "renderer" => {
                    let home = self.home()?;
                    super::renderer::rows(&self.purlin, &home, self.quick)
                }
                _ => self.headless()?,
            });
        }
        Ok(rows)
    }

    fn start(&mut self) -> Result<Vec<Row>> {
        let (ours, editor) = (self.purlin(&[])?, self.nvim(None)?);
        let (mut our_times, mut editor_times) = (Ok(Vec::new()), Vec::new());
        for _ in 0..self.repeats {
            if let Some(editor) = &editor {
                editor_times.push(measure::start(editor)?);
            }
            collect(&mut our_times, || measure::start(&ours).map(|time| vec![time]));
        }
        let bar = Bar::Ratio(1.2);
        Ok(vec![row("start until the first key's echo", "ms", bar, &our_times, &editor_times, 0.5)])
    }

    fn keys_empty(&mut self) -> Result<Vec<Row>> {
        let (ours, editor) = (self.purlin(&[])?, self.nvim(None)?);
        self.keys("key to screen, empty", &ours, editor.as_ref())
    }

    fn keys_long(&mut self) -> Result<Vec<Row>> {
        let home = self.home()?;
        let script = home.join("long.toml");
        std::fs::write(&script, long_script())?;
        let model = format!("script:{}", script.display());
        let mut prepared = Ok(());
        for turn in 0..LONG_TURNS {
            let prompt = format!("question {turn}");
            let mut arguments = vec!["-p", prompt.as_str(), "--model", model.as_str()];
            if turn > 0 {
                arguments.push("--continue");
            }
            prepared = prepared.and_then(|()| measure::headless(&self.purlin, &home, &arguments).map(drop));
        }
        let text = self.scratch.join("long.txt");
        std::fs::write(&text, long_lines(LONG_TURNS * LONG_LINES))?;
        let editor = self.nvim(Some(&text))?.map(|editor| editor.showing("line 9999 of"));
        let ours =
            Subject::purlin(&self.purlin, &home, &["--continue", "--model", "echo"]).showing("line 499 of");
        if let Err(error) = prepared {
            println!("the long session could not be made: {error:#}");
        }
        let mut rows = self.keys("key to screen, 10,000 lines", &ours, editor.as_ref())?;
        let opening = measure::start(&ours).map(|time| vec![time]).map_err(|error| format!("{error:#}"));
        rows.push(row("start with a session of 10,000 lines", "ms", Bar::None, &opening, &[], 0.5));
        Ok(rows)
    }

    fn keys(&self, name: &str, ours: &Subject, editor: Option<&Subject>) -> Result<Vec<Row>> {
        let (mut our_times, mut editor_times) = (Ok(Vec::new()), Vec::new());
        for _ in 0..3 {
            if let Some(editor) = editor {
                editor_times.extend(measure::keys(editor, self.keys)?);
            }
            collect(&mut our_times, || measure::keys(ours, self.keys));
        }
        Ok(vec![
            row(&format!("{name}, p50"), "ms", Bar::Ratio(1.0), &our_times, &editor_times, 0.5),
            row(&format!("{name}, p99"), "ms", Bar::Ratio(1.5), &our_times, &editor_times, 0.99),
        ])
    }

    fn idle(&mut self) -> Result<Vec<Row>> {
        let editor = self.nvim(None)?.map(|editor| measure::idle(&editor, None, 5)).transpose()?;
        let mut rows = Vec::new();
        // The echo model's answer names itself; by then a session is open and its agent runs.
        for (state, answer) in [("idle, fresh", None), ("idle, after an answer", Some("For a real one"))] {
            let ours = self.purlin(&["--model", "echo"])?;
            let ours = measure::idle(&ours, answer, 5).map_err(|error| format!("{error:#}"));
            let mut value = |name: &str, unit, bar, of: &dyn Fn(&Usage) -> f64| {
                rows.push(Row {
                    name: format!("{state}, {name}"),
                    unit,
                    bar,
                    ours: ours.as_ref().map(of).map_err(Clone::clone),
                    editor: editor.as_ref().map(of),
                });
            };
            value("PSS", "MiB", Bar::Most(25.0), &|usage| whole(usage.pss_kib) / 1_024.0);
            value("wake-ups in 5 s", "", Bar::Most(0.0), &|usage| whole(usage.switches));
            value("threads", "", Bar::Most(6.0), &|usage| whole(usage.threads));
        }
        Ok(rows)
    }

    fn stream(&mut self) -> Result<Vec<Row>> {
        let home = self.home()?;
        let script = home.join("stream.toml");
        std::fs::write(&script, stream_script())?;
        let model = format!("script:{}", script.display());
        let ours = Subject::purlin(&self.purlin, &home, &["--model", &model]);
        let (mut shown, mut cpu) = (Ok(Vec::new()), Ok(Vec::new()));
        for _ in 0..self.repeats.div_ceil(3) {
            match measure::stream(&ours, LAST_WORDS) {
                Ok((seconds, spent)) => {
                    collect(&mut shown, || Ok(vec![seconds]));
                    collect(&mut cpu, || Ok(vec![spent]));
                }
                Err(error) => {
                    shown = Err(format!("{error:#}"));
                    cpu.clone_from(&shown);
                }
            }
        }
        Ok(vec![
            row("stream of 2,000 × 40 characters, shown", "s", Bar::Most(0.4), &shown, &[], 0.5),
            row("stream of 2,000 × 40 characters, processor", "s", Bar::Most(0.3), &cpu, &[], 0.5),
        ])
    }

    fn hook(&self) -> Vec<Row> {
        let said = output(&mut self.workspace.cargo(&[
            "bench",
            "--quiet",
            "--package",
            "xtask",
            "--bench",
            "unhandled_hook",
        ]));
        let value = |key: &str| -> Result<Vec<f64>, String> {
            let said = said.as_ref().map_err(|error| format!("{error:#}"))?;
            let word = said.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            word.and_then(|word| word.parse().ok())
                .map(|value| vec![value])
                .ok_or(format!("no `{key}` in `{said}`"))
        };
        vec![
            row("hook nobody handles, allocations", "", Bar::Most(0.0), &value("allocations"), &[], 0.5),
            row("hook nobody handles, dispatch", "ns", Bar::None, &value("dispatch_ns"), &[], 0.5),
            row(
                "hook nobody handles, asked from another thread",
                "ns",
                Bar::None,
                &value("wants_ns"),
                &[],
                0.5,
            ),
        ]
    }

    fn headless(&mut self) -> Result<Vec<Row>> {
        let home = self.home()?;
        let mut times = Ok(Vec::new());
        for _ in 0..self.repeats {
            collect(&mut times, || {
                let time = measure::headless(&self.purlin, &home, &["-p", "hello", "--model", "echo"])?;
                Ok(vec![time])
            });
        }
        let size = whole(std::fs::metadata(&self.purlin)?.len()) / (1_024.0 * 1_024.0);
        Ok(vec![
            row("`purlin -p hello`, whole run", "ms", Bar::None, &times, &[], 0.5),
            row("size of the release binary", "MiB", Bar::Most(25.0), &Ok(vec![size]), &[], 0.5),
        ])
    }

    fn purlin(&mut self, arguments: &[&str]) -> Result<Subject> {
        let home = self.home()?;
        Ok(Subject::purlin(&self.purlin, &home, arguments))
    }

    fn nvim(&mut self, file: Option<&Path>) -> Result<Option<Subject>> {
        let home = self.home()?;
        Ok(self.has_editor.then(|| Subject::nvim(&home, file)))
    }

    fn home(&mut self) -> Result<PathBuf> {
        self.homes += 1;
        let home = self.scratch.join(self.homes.to_string());
        std::fs::create_dir_all(home.join("run")).context("cannot make a home")?;
        Ok(home)
    }
}

/// Adds what a measurement answers; the first failure stays.
fn collect(times: &mut Result<Vec<f64>, String>, measured: impl FnOnce() -> Result<Vec<f64>>) {
    let Ok(known) = times else { return };
    match measured() {
        Ok(more) => known.extend(more),
        Err(error) => {
            println!("{error:#}");
            *times = Err(format!("{error:#}"));
        }
    }
}

fn row(
    name: &str,
    unit: &'static str,
    bar: Bar,
    ours: &Result<Vec<f64>, String>,
    editor: &[f64],
    at: f64,
) -> Row {
    let ours = ours
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|values| percentile(values, at).ok_or_else(|| "nothing was measured".to_owned()));
    Row { name: name.into(), unit, bar, ours, editor: percentile(editor, at) }
}

/// The value below which the given share of all values lies.
fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((whole(last as u64) * share).round() as usize).copied()
}

fn whole(value: u64) -> f64 {
    value as f64
}

/// An answer of exactly 2,000 pieces of 40 characters: prose in paragraphs, with the last words at its end.
fn stream_script() -> String {
    let mut text = String::new();
    while text.len() < 2_000 * 40 - LAST_WORDS.len() {
        text.push_str("A sentence of a model has about so many words.");
        text.push_str(if text.len().is_multiple_of(9) { "\n\n" } else { " " });
    }
    text.truncate(2_000 * 40 - LAST_WORDS.len() - 2);
    text.push_str("\n\n");
    text.push_str(LAST_WORDS);
    format!("[[turn]]\nchunk = 40\ntext = \"\"\"\n{text}\"\"\"\n")
}

fn long_script() -> String {
    format!("[[turn]]\nchunk = 4000\ntext = \"\"\"\n{}\"\"\"\n", long_lines(LONG_LINES))
}

/// Lines that stay lines when Markdown is laid out: items of a list.
fn long_lines(count: usize) -> String {
    let mut text = String::new();
    for line in 0..count {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- line {line} of an answer that is long");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_values() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&values, 0.5), Some(3.0));
        assert_eq!(percentile(&values, 0.99), Some(5.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn the_stream_has_its_size_and_end() {
        let script: toml::Table = toml::from_str(&stream_script()).unwrap();
        let text = script["turn"][0]["text"].as_str().unwrap().to_owned();
        assert_eq!(text.len(), 2_000 * 40);
        assert!(text.ends_with(LAST_WORDS));
    }
}
