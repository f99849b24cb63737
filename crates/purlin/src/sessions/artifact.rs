//! `purlin session artifact`: what was too large for the log, printed whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use purlin_kernel::text::{Span, Style, Token, pad_right, sgr, truncate, visible};
use purlin_notebook::{CellId, LogEntry, OutputId, Store, StoreError, StoreExt as _};
use purlin_runtime_native::FileArtifacts;
use purlin_runtime_native::artifacts::references;
use serde_json::{Value, json};

use super::{Place, unreadable};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::say;
use crate::session::sentence;
use crate::stores::bytes;

/// So many events are read at a time.
const PAGE: usize = 1_024;
/// Characters of a name that tell it from others.
const SHORT: usize = 12;
/// Columns of a size.
const SIZE: usize = 10;
/// So much of an artifact tells whether it is text.
const SAMPLE: usize = 8 * 1_024;

/// Prints an artifact, or writes it to a file.
pub fn print(
    place: &Place<'_>,
    console: &mut Console,
    name: &str,
    output: Option<&Path>,
) -> Result<u8, Stop> {
    let artifacts = FileArtifacts::new(place.paths.artifacts());
    let failed = |error: &dyn std::error::Error| Report::new(Kind::System, sentence(&error.to_string()));
    let reference = artifacts.find(name).map_err(|error| {
        failed(&error).hint("`purlin session artifact` lists those of the newest session of this directory.")
    })?;
    let mut file = artifacts.open(&reference).map_err(|error| failed(&error))?;
    if let Some(output) = output {
        let written = File::create(output).and_then(|mut into| io::copy(&mut file, &mut into));
        let refused = |error: io::Error| {
            Report::new(Kind::System, format!("`{}` cannot be written: {error}.", output.display()))
        };
        written.map_err(refused)?;
    } else if console.is_terminal() {
        show(console, file)?;
    } else {
        console.bytes(&mut file)?;
    }
    Ok(0)
}

/// Prints text on a terminal, on which nothing in it acts.
fn show(console: &mut Console, file: File) -> Result<(), Stop> {
    let mut file = BufReader::with_capacity(SAMPLE, file);
    let unread =
        |error: io::Error| Report::new(Kind::System, format!("The artifact cannot be read: {error}."));
    let sample = file.fill_buf().map_err(unread)?;
    if sample.contains(&0) {
        let report =
            Report::new(Kind::System, "The artifact is no text, and would make no sense on a terminal.");
        return Err(report.hint("`-o FILE` writes it to a file; in a pipe it is printed as it is.").into());
    }
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).map_err(unread)? > 0 {
        let text = String::from_utf8_lossy(&line);
        sgr::output(text.trim_end_matches(['\n', '\r'])).iter().try_for_each(|row| console.line(row))?;
        line.clear();
    }
    Ok(())
}

/// An artifact that a session refers to.
struct Artifact {
    reference: String,
    /// `None` if the file is not on this machine.
    bytes: Option<u64>,
    /// The cell whose output it is; absent for what belongs to none.
    cell: Option<CellId>,
    /// The first line of that cell.
    of: String,
}

/// Lists the artifacts of a session, in the order in which they appeared.
pub fn list(place: &Place<'_>, console: &mut Console, id: Option<&str>, json: bool) -> Result<u8, Stop> {
    let (_notebook, store) = place.open(place.find(id)?)?;
    let artifacts = FileArtifacts::new(place.paths.artifacts());
    let found = collect(&*store, &artifacts).map_err(|error| unreadable(&error))?;
    for artifact in &found {
        if json {
            console.json(&object(artifact))?;
        } else {
            row(console, artifact)?;
        }
    }
    console.flush()?;
    if found.is_empty() && !json {
        say::warning(
            "The session has no artifacts: all of its outputs are whole in it, and `session show --full` prints them.",
        );
    }
    Ok(0)
}

fn collect(store: &dyn Store, artifacts: &FileArtifacts) -> Result<Vec<Artifact>, StoreError> {
    let mut found: Vec<Artifact> = Vec::new();
    let mut places = BTreeMap::new();
    let mut row = 0;
    loop {
        let entries = store.log_since(row, PAGE)?;
        let Some(last) = entries.last() else { return Ok(found) };
        row = last.rowid;
        for entry in &entries {
            let args = entry.event.args();
            for reference in references(&args.to_string()) {
                if places.contains_key(&reference) {
                    continue;
                }
                places.insert(reference.clone(), found.len());
                let cell = cell_of(store, entry, &args)?;
                let source = cell.as_ref().map(|cell| store.cell(cell)).transpose()?.flatten();
                let source = source.map(|cell| cell.source).unwrap_or_default();
                let bytes = artifacts.path_of(&reference).and_then(|path| path.metadata().ok());
                found.push(Artifact {
                    reference,
                    bytes: bytes.map(|file| file.len()),
                    cell,
                    of: source.lines().next().unwrap_or_default().to_owned(),
                });
            }
        }
    }
}

/// The cell that an event is about, by its own word or by that of its output.
fn cell_of(store: &dyn Store, entry: &LogEntry, args: &Value) -> Result<Option<CellId>, StoreError> {
    if let Some(cell) = args["cellId"].as_str() {
        return Ok(Some(CellId::from(cell)));
    }
    let Some(output) = args["outputId"].as_str().or(args["id"].as_str()) else {
        tracing::debug!(rowid = entry.rowid, "an artifact belongs to no output");
        return Ok(None);
    };
    Ok(store.output(&OutputId::from(output))?.map(|output| output.cell_id))
}

fn object(artifact: &Artifact) -> Value {
    json!({
        "name": name(artifact), "reference": artifact.reference, "bytes": artifact.bytes,
        "cell": artifact.cell.as_ref().map(CellId::as_str), "of": artifact.of,
    })
}

/// The name without what all references begin with.
fn name(artifact: &Artifact) -> &str {
    artifact.reference.split_once(':').map_or(&artifact.reference, |(_, name)| name)
}

fn row(console: &mut Console, artifact: &Artifact) -> Result<(), Stop> {
    let name = name(artifact);
    let name = if console.is_terminal() { name.get(..SHORT).unwrap_or(name) } else { name };
    let size = artifact.bytes.map_or_else(|| "missing".to_owned(), bytes);
    let of = visible(&artifact.of).into_owned();
    let room = console.width().saturating_sub(SHORT + 2 + SIZE + 2);
    let of = if console.is_terminal() { truncate(&of, room) } else { of };
    console.line(&[
        Span::new(name.to_owned(), Style::fg(Token::Accent)),
        Span::new(format!("  {}  ", pad_right(&size, SIZE)), Style::fg(Token::Dim)),
        Span::from(of),
    ])
}
