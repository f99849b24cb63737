//! What a stretch of a log may have changed of what can be searched.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Deserialize;

/// So many events are taken at a time, so that another process never waits long.
const EVENTS: i64 = 4_096;
/// A stretch ends early after so many bytes.
const BYTES: usize = 4 << 20;

/// Where an event stands and when it was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) event: i64,
    pub(super) at: i64,
}

/// What the events of a stretch are about.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Cells whose text may differ; the moment at which the text was given, if it was.
    pub(super) cells: BTreeMap<String, Option<Moment>>,
    /// Outputs whose text may differ; the moment at which they were added, if they were.
    pub(super) outputs: BTreeMap<String, Option<Moment>>,
    /// Whether outputs may have gone without being named.
    pub(super) cleared: bool,
    /// The last event of the stretch; `None` at the end of the log.
    pub(super) last: Option<Last>,
}

/// The last event of a stretch, by which the log is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) rowid: i64,
    pub(super) mark: i64,
}

/// The parts of an event's arguments that say what it is about; the rest is not read.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct About {
    id: String,
    cell_id: String,
    output_id: String,
    display_id: Option<String>,
}

/// Reads the stretch of a log after a rowid.
pub(super) fn stretch(notebook: &Connection, after: i64, pending: bool) -> Result<Touched, rusqlite::Error> {
    let mut touched = Touched::default();
    let mut statement = notebook.prepare_cached(
        "SELECT rowid, name, args, clientId, sessionId, at FROM events WHERE rowid > ? ORDER BY rowid LIMIT ?",
    )?;
    let mut rows = statement.query([after, EVENTS])?;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        let (name, args) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
        let moment = Moment { event: row.get(0)?, at: row.get(5)? };
        touched.take(notebook, name, args, moment, pending)?;
        touched.last = Some(Last { rowid: moment.event, mark: mark(row)? });
        read += args.len();
        if read > BYTES {
            break;
        }
    }
    Ok(touched)
}

/// Reads what an event of the log is known again by; `None` if there is no such event.
pub(super) fn mark_of(notebook: &Connection, rowid: i64) -> Result<Option<i64>, rusqlite::Error> {
    let mut statement = notebook
        .prepare_cached("SELECT rowid, name, args, clientId, sessionId, at FROM events WHERE rowid = ?")?;
    let mut rows = statement.query([rowid])?;
    rows.next()?.map(mark).transpose()
}

fn mark(row: &rusqlite::Row<'_>) -> Result<i64, rusqlite::Error> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&row.get::<_, i64>(0)?.to_le_bytes()).update(&row.get::<_, i64>(5)?.to_le_bytes());
    for column in 1..5 {
        hasher.update(row.get_ref(column)?.as_str()?.as_bytes()).update(&[0]);
    }
    Ok(first(&hasher.finalize()))
}

/// The first eight bytes of a hash.
pub(super) fn first(hash: &blake3::Hash) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

impl Touched {
    fn take(
        &mut self,
        notebook: &Connection,
        name: &str,
        args: &str,
        moment: Moment,
        pending: bool,
    ) -> Result<(), rusqlite::Error> {
        // Arguments of a later form are those of an event that the tables ignore too.
        let about = || serde_json::from_str::<About>(args).unwrap_or_default();
        match name {
            "v1.CellCreated" | "v2.CellCreated" => {
                let id = about().id;
                self.outputs_of(notebook, "cellId", &id)?;
                self.cells.insert(id, Some(moment));
            }
            "v1.CellSourceChanged" => {
                self.cells.insert(about().id, Some(moment));
            }
            "v1.CellDeleted" => {
                let id = about().id;
                self.outputs_of(notebook, "cellId", &id)?;
                self.cells.entry(id).or_default();
            }
            "v1.MultimediaDisplayOutputAdded"
            | "v1.MultimediaResultOutputAdded"
            | "v1.TerminalOutputAdded"
            | "v1.MarkdownOutputAdded"
            | "v1.ErrorOutputAdded" => {
                let about = about();
                // The first output after a clearing that waits takes the others away.
                self.cleared |= pending;
                if let Some(display) = &about.display_id {
                    self.outputs_of(notebook, "displayId", display)?;
                }
                self.outputs.insert(about.id, Some(moment));
            }
            "v1.MultimediaDisplayOutputUpdated" => {
                if let Some(display) = about().display_id {
                    self.outputs_of(notebook, "displayId", &display)?;
                }
            }
            "v1.TerminalOutputAppended"
            | "v2.TerminalOutputAppended"
            | "v1.MarkdownOutputAppended"
            | "v2.MarkdownOutputAppended" => {
                self.outputs.entry(about().output_id).or_default();
            }
            "v1.CellOutputsCleared" | "v1.AllOutputsCleared" => self.cleared = true,
            _ => {}
        }
        Ok(())
    }

    /// The outputs of a cell or a display are to be looked at again.
    fn outputs_of(
        &mut self,
        notebook: &Connection,
        column: &str,
        value: &str,
    ) -> Result<(), rusqlite::Error> {
        let mut statement =
            notebook.prepare_cached(&format!("SELECT id FROM outputs WHERE \"{column}\" = ?"))?;
        let mut rows = statement.query([value])?;
        while let Some(row) = rows.next()? {
            self.outputs.entry(row.get(0)?).or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use purlin_notebook::event::NAMES;

    /// The names are written out above; a typing error would be an event that the search never sees.
    #[test]
    fn every_name_that_is_looked_for_exists() {
        let source = include_str!("touched.rs");
        let above = source.split("#[cfg(test)]").next().unwrap();
        let named: Vec<&str> =
            above.split('"').filter(|word| word.starts_with("v1.") || word.starts_with("v2.")).collect();
        assert!(named.len() > 12);
        for name in named {
            assert!(NAMES.contains(&name), "{name}");
        }
        let missing: Vec<&&str> = NAMES
            .iter()
            .filter(|name| name.contains("Output") && !above.contains(**name))
            .filter(|name| !name.contains("Visibility"))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
