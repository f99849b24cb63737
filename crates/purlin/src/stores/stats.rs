//! `purlin store stats`.

use std::path::Path;

use purlin_kernel::text::{Span, Style, Token, visible};
use purlin_notebook::{NotebookId, Table};
use purlin_runtime_native::store::{self, Stats};
use purlin_runtime_native::{Index, Paths};
use serde_json::json;

use super::{all as every, bytes, counted};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::session::{self, sentence};
use crate::sessions::{end, moment};

/// Characters of an artifact's name: a hash of 32 bytes.
const NAME: usize = 64;

/// Prints a line for each session, and the sums.
pub fn all(paths: &Paths, console: &mut Console, json: bool) -> Result<u8, Stop> {
    let mut code = 0;
    let (mut sessions, mut events, mut size) = (0, 0, 0);
    let fit = Fit::of(console);
    if !json {
        let (numbers, id) = fit.row(["events", "size", "cells", "outputs"].map(str::to_owned), "id");
        console.line(&[Span::new(numbers + &id, Style::fg(Token::Dim))])?;
    }
    for id in every(paths)? {
        let stats = match store::stats(&paths.notebook(&id)) {
            Ok(stats) => stats,
            Err(error) => {
                code = 1;
                let text = visible(&sentence(&error.to_string())).replace('\n', " ");
                if json {
                    console.json(&json!({"id": id.as_str(), "error": text}))?;
                } else {
                    console.wrapped(&[Span::new(format!("{id}: {text}"), Style::fg(Token::Error))], 2)?;
                }
                continue;
            }
        };
        (sessions, events, size) = (sessions + 1, events + stats.events, size + whole(&stats));
        if json {
            console.json(&object(&id, &stats))?;
        } else {
            let [cells, outputs] = [Table::Cells, Table::Outputs].map(|table| rows(&stats, table));
            let numbers =
                [stats.events.to_string(), bytes(whole(&stats)), cells.to_string(), outputs.to_string()];
            let (numbers, id) = fit.row(numbers, id.as_str());
            console.line(&[Span::from(numbers), Span::new(id, Style::fg(Token::Accent))])?;
        }
    }
    if !json {
        let (files, artifacts) = files_below(&paths.artifacts());
        let index = Index::open(paths).size();
        console.line(&[])?;
        for line in [
            format!("{}, {}, {}", counted(sessions, "session"), counted(events, "event"), bytes(size)),
            format!("{}, {}", counted(files, "artifact"), bytes(artifacts)),
            format!("index: {}, {}", counted(index.texts, "text"), bytes(index.bytes)),
        ] {
            console.wrapped(&[Span::from(line)], 2)?;
        }
    }
    Ok(code)
}

/// Prints what is in one session.
pub fn one(paths: &Paths, console: &mut Console, id: &str, json: bool) -> Result<u8, Stop> {
    let id = session::find(paths, id)?;
    let stats = store::stats(&paths.notebook(&id))
        .map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?;
    if json {
        console.json(&object(&id, &stats))?;
        return Ok(0);
    }
    let dim = Style::fg(Token::Dim);
    let date = |at: Option<i64>| at.map_or_else(|| "–".to_owned(), |at| moment(at, "%Y-%m-%d %H:%M:%S"));
    for line in [
        id.to_string(),
        format!("{} in {}", counted(stats.events, "event"), batches(stats.batches)),
        format!("from {} to {}", date(stats.first_at), date(stats.last_at)),
        format!("{}, and {} in the log beside it", bytes(stats.file_bytes), bytes(stats.wal_bytes)),
        format!(
            "{} of {} bytes, {} free; tables of version {}",
            pages(stats.pages),
            stats.page_size,
            stats.free_pages,
            stats.version
        ),
    ] {
        console.wrapped(&[Span::from(line)], 2)?;
    }
    console.line(&[])?;
    let fit = Fit::of(console);
    console.line(&[Span::new(fit.event("count", "arguments", "event"), dim.clone())])?;
    for name in &stats.by_name {
        let line = fit.event(&name.count.to_string(), &bytes(name.bytes), &visible(&name.name));
        console.wrapped(&[Span::from(line)], 11)?;
    }
    console.line(&[])?;
    console.line(&[Span::new(format!("{:>9}  table", "rows"), dim)])?;
    for (table, rows) in stats.tables.iter().filter(|(_, rows)| *rows > 0) {
        console.line(&[Span::from(format!("{rows:>9}  {table}"))])?;
    }
    Ok(0)
}

/// Which columns have room.
#[derive(Clone, Copy)]
enum Fit {
    /// All of them.
    All,
    /// All of them, with the end of an id.
    Short,
    /// What there is most of, with the end of an id.
    Few,
    /// The end of an id with its size.
    Least,
}

impl Fit {
    fn of(console: &Console) -> Self {
        match console.width() {
            _ if !console.is_terminal() => Self::All,
            78.. => Self::All,
            52.. => Self::Short,
            34.. => Self::Few,
            _ => Self::Least,
        }
    }

    /// The numbers of a session, and as much of its id as there is room for.
    fn row(self, [events, size, cells, outputs]: [String; 4], id: &str) -> (String, String) {
        let all = format!("{events:>9}  {size:>11}  {cells:>6}  {outputs:>8}  ");
        match self {
            Self::All => (all, id.to_owned()),
            Self::Short => (all, end(id, 8).to_owned()),
            Self::Few => (format!("{events:>9}  {size:>11}  "), end(id, 8).to_owned()),
            Self::Least => (format!("{size:>10}  "), end(id, 8).to_owned()),
        }
    }

    /// A line about the events of one name.
    fn event(self, count: &str, size: &str, name: &str) -> String {
        match self {
            Self::All | Self::Short => format!("{count:>9}  {size:>11}  {name}"),
            Self::Few | Self::Least => format!("{count:>9}  {name}"),
        }
    }
}

fn object(id: &NotebookId, stats: &Stats) -> serde_json::Value {
    let tables: serde_json::Map<String, serde_json::Value> =
        stats.tables.iter().map(|(table, rows)| (table.to_string(), (*rows).into())).collect();
    let names: Vec<serde_json::Value> = stats
        .by_name
        .iter()
        .map(|name| json!({"name": name.name, "count": name.count, "bytes": name.bytes}))
        .collect();
    json!({
        "id": id.as_str(), "version": stats.version, "fileBytes": stats.file_bytes, "walBytes": stats.wal_bytes,
        "events": stats.events, "batches": stats.batches, "firstAt": stats.first_at, "lastAt": stats.last_at,
        "names": names, "tables": tables,
    })
}

fn whole(stats: &Stats) -> u64 {
    stats.file_bytes + stats.wal_bytes
}

fn rows(stats: &Stats, table: Table) -> u64 {
    stats.tables.iter().find(|(known, _)| *known == table).map_or(0, |(_, rows)| *rows)
}

fn batches(count: u64) -> String {
    if count == 1 { "1 batch".to_owned() } else { format!("{count} batches") }
}

fn pages(count: u64) -> String {
    counted(count, "page")
}

/// Counts the artifacts below a folder, and their bytes. What else lies there has a shorter name.
fn files_below(folder: &Path) -> (u64, u64) {
    let (mut count, mut size) = (0, 0);
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => open.push(entry.path()),
                Ok(_) if entry.file_name().len() != NAME => {}
                Ok(found) => (count, size) = (count + 1, size + found.len()),
                Err(error) => {
                    tracing::debug!(%error, path = %entry.path().display(), "a file is not counted");
                }
            }
        }
    }
    (count, size)
}
