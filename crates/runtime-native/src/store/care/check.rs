//! Is a notebook sound?

use std::fmt;
use std::path::Path;

use purlin_notebook::tables::SCHEMA_VERSION;
use purlin_notebook::{Query, Rows, Table};
use rusqlite::Connection;

use crate::artifacts::{ArtifactError, FileArtifacts};
use crate::store::OpenError;
use crate::store::care::gaps;
use crate::store::care::marks::collect;
use crate::store::file::{self, opened};
use crate::store::schema::{self, Version, version};
use crate::store::tables::answer;

/// How many findings SQLite's own check reports at most.
const FINDINGS: u32 = 20;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many events the log has.
    pub events: u64,
    /// The place of the last of them.
    pub last: i64,
    /// How many artifacts the log refers to.
    pub references: u64,
    /// What is wrong, the gravest first; nothing for a sound notebook.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The database itself is damaged.
    Damaged(String),
    /// The log has a gap, or a row that no commit could have written.
    Log(String),
    /// A table is not what the log gives.
    Table {
        /// The table.
        table: Table,
        /// How it differs.
        why: String,
    },
    /// An artifact that the log refers to is missing or is not what its name says.
    Artifact {
        /// The reference.
        reference: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Checked {
    /// Tells whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(why) => write!(f, "The database is damaged: {why}."),
            Self::Log(why) => write!(f, "The log is not whole: {why}."),
            Self::Table { table, why } => write!(f, "The table `{table}` is not what the log gives: {why}."),
            // The reason is a sentence of its own and names the artifact.
            Self::Artifact { why, .. } => f.write_str(why),
        }
    }
}

/// Checks a notebook's file, its log, its tables and, where `artifacts` is given, the artifacts that it refers to.
///
/// Nothing is written or moved. The tables of an older version are not compared, because opening makes them anew.
///
/// # Errors
/// There is no such file, it is no notebook, or it cannot be opened as a database at all.
pub fn check(path: &Path, artifacts: Option<&FileArtifacts>) -> Result<Checked, OpenError> {
    let mut checked = Checked { events: 0, last: 0, references: 0, problems: Vec::new() };
    let Some(connection) = opened(path)? else { return Ok(checked) };
    let unreadable = |error: rusqlite::Error| file::unreadable(path, &error);
    // One state of the notebook for all that follows, whoever commits meanwhile.
    connection.execute_batch("BEGIN").map_err(unreadable)?;
    let version = version(&connection).map_err(unreadable)?;
    damage(&connection, &mut checked.problems);
    if let Err(error) = log(&connection, &mut checked) {
        checked.problems.push(Problem::Damaged(error.to_string()));
    }
    if matches!(version, Version::Ours(SCHEMA_VERSION)) {
        match tables(&connection) {
            Ok(found) => checked.problems.extend(found),
            Err(error) => checked.problems.push(Problem::Damaged(error.to_string())),
        }
    }
    if let Some(artifacts) = artifacts {
        match collect(&connection) {
            Ok(all) => {
                checked.references = all.len() as u64;
                checked.problems.extend(all.into_iter().filter_map(|it| lost(artifacts, it)));
            }
            Err(error) => checked.problems.push(Problem::Damaged(error.to_string())),
        }
    }
    checked.problems.dedup();
    Ok(checked)
}

/// Asks SQLite for damaged pages.
fn damage(connection: &Connection, problems: &mut Vec<Problem>) {
    let ask = || -> Result<Vec<String>, rusqlite::Error> {
        let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS})"))?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    match ask() {
        Ok(said) => problems.extend(said.into_iter().filter(|line| line != "ok").map(Problem::Damaged)),
        Err(error) => problems.push(Problem::Damaged(error.to_string())),
    }
}

/// Reads the log row by row: places without a gap but those that a repair has told and noted, batches that begin where they say.
fn log(connection: &Connection, checked: &mut Checked) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare("SELECT rowid, batch, seq FROM events ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let known = gaps::known(connection);
    let mut batch = 0;
    while let Some(row) = rows.next()? {
        let (rowid, begun, seq): (i64, i64, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut wrong = |why: String| checked.problems.push(Problem::Log(why));
        if rowid != checked.last + 1 {
            let gap = checked.last + 1..=rowid - 1;
            if !gaps::is_within(&gap, &known) {
                wrong(format!("the events {} to {} are missing", gap.start(), gap.end()));
            }
        } else if begun != rowid && begun != batch {
            wrong(format!(
                "the event {rowid} is of a batch that begins at {begun}, and its neighbour is not"
            ));
        }
        if seq.is_some_and(|seq| seq != rowid) {
            wrong(format!("the event {rowid} is confirmed as number {}", seq.unwrap_or_default()));
        }
        (checked.events, checked.last, batch) = (checked.events + 1, rowid, begun);
        if checked.problems.len() > FINDINGS as usize {
            break;
        }
    }
    Ok(())
}

/// Makes the tables once more, in memory, and compares.
fn tables(connection: &Connection) -> Result<Vec<Problem>, rusqlite::Error> {
    let fresh = Connection::open_in_memory()?;
    schema::create(&fresh)?;
    fresh.execute_batch("BEGIN")?;
    schema::apply_log(connection, &fresh)?;
    let mut problems = Vec::new();
    for table in Table::ALL {
        let query = Query::Table(*table);
        match answer(connection, &query) {
            Ok(found) => problems.extend(
                difference(&found, &answer(&fresh, &query)?).map(|why| Problem::Table { table: *table, why }),
            ),
            Err(error) => problems.push(Problem::Table { table: *table, why: error.to_string() }),
        }
    }
    Ok(problems)
}

fn difference(found: &Rows, right: &Rows) -> Option<String> {
    if found.rows == right.rows {
        return None;
    }
    let place = found.rows.iter().zip(&right.rows).position(|(a, b)| a != b);
    let place = place.unwrap_or(found.rows.len().min(right.rows.len()));
    let (has, should) = (found.rows.len(), right.rows.len());
    Some(format!(
        "it has {has} rows where the log gives {should}, and row {} is the first that differs",
        place + 1
    ))
}

fn lost(artifacts: &FileArtifacts, reference: String) -> Option<Problem> {
    let error: ArtifactError = artifacts.open(&reference).err()?;
    Some(Problem::Artifact { why: error.to_string(), reference })
}
