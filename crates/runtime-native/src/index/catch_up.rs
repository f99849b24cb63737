//! Catching up with a log: from the last event that was indexed to its end, a stretch at a time.
//!
//! A stretch says which cells and outputs to look at; what they hold now is read from the notebook's tables, so that it
//! does not matter how far those are ahead. Each stretch is one transaction with the place it reached, so a process that
//! is killed, or leaves in the middle, loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};

use super::reading::Reading;
use super::stamp::NotebookFile;
use super::touched::{Last, Moment, Touched, first, mark_of, stretch};
use super::words::words;
use super::{summary, text};

/// Documents of one second have so many places; more of them take those of the following seconds. A document's id is
/// its place, so newer ones have greater ids.
const PLACES: i64 = 32;
/// 2020-01-01 in Unix seconds, so that ids stay short.
const BEGINNING: i64 = 1_577_836_800;

/// What the index knows of a session's log.
struct Reached {
    key: i64,
    stamp: String,
    /// The number of the file that was read.
    number: i64,
    last: i64,
    mark: i64,
    /// Whether outputs of a cell were to go when the next one came.
    pending: bool,
}

/// One cell or output as it is now.
struct Thing {
    key: i64,
    moment: Option<Moment>,
    /// `None` if it is gone.
    text: Option<String>,
}

/// Why a stretch was not indexed.
enum Fault {
    /// The index failed.
    Index(rusqlite::Error),
    /// The notebook cannot be read.
    Notebook(rusqlite::Error),
    /// The notebook was written while it was read as one at rest.
    Moved,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}

/// Indexes what was committed to a notebook since; tells whether the end of its log was reached before the deadline.
pub(super) fn catch_up(
    index: &Connection,
    file: &NotebookFile,
    deadline: Option<Instant>,
) -> Result<bool, rusqlite::Error> {
    if let Some(reached) = reached(index, file)?
        && !file.stamp.is_empty()
        && reached.stamp == file.stamp
    {
        return Ok(true);
    }
    let Some(summary) = summary::of(file) else {
        super::transaction(index, || summary::write(index, file, None))?;
        return forget_unreadable(index, file).map(|()| true);
    };
    super::transaction(index, || summary::write(index, file, Some(&summary)))?;
    // One that is written just now is read under its locks.
    for may_rest in [true, false] {
        let Some(reading) = Reading::begin(file, may_rest) else { break };
        match read(index, file, &reading, deadline) {
            Ok(done) => return Ok(done),
            Err(Fault::Index(error)) => return Err(error),
            Err(Fault::Notebook(error)) if !reading.is_of_rest() => {
                tracing::warn!(%error, path = %file.path.display(), "a session cannot be read");
                break;
            }
            Err(Fault::Notebook(_) | Fault::Moved) => {}
        }
    }
    forget_unreadable(index, file).map(|()| true)
}

/// Takes stretch after stretch.
fn read(
    index: &Connection,
    file: &NotebookFile,
    reading: &Reading,
    deadline: Option<Instant>,
) -> Result<bool, Fault> {
    let notebook = reading.notebook();
    let mut finder = Places::default();
    loop {
        // Another process may be at the same notebook: each stretch begins where the index is by now.
        let Some(mut reached) = reached(index, file)? else { return Ok(true) };
        let mark =
            if reached.last > 0 { mark_of(notebook, reached.last).map_err(Fault::Notebook)? } else { None };
        // A file in the place of another, such as a repaired one, may have other tables although its log ends alike.
        if reached.last > 0 && (mark != Some(reached.mark) || reached.number != file.number) {
            if !reading.holds() {
                return Err(Fault::Moved);
            }
            // Another log has taken this one's place.
            super::transaction(index, || forget(index, reached.key))?;
            reached = Reached { last: 0, pending: false, number: file.number, ..reached };
        }
        let touched = stretch(notebook, reached.last, reached.pending).map_err(Fault::Notebook)?;
        let found = Found::of(notebook, &touched).map_err(Fault::Notebook)?;
        if !reading.holds() {
            return Err(Fault::Moved);
        }
        let Some(last) = touched.last else {
            super::transaction(index, || {
                index.execute(
                    "UPDATE sessions SET text_stamp = ? WHERE key = ?",
                    params![file.stamp, reached.key],
                )
            })?;
            return Ok(true);
        };
        take(index, (&reached, file.number), &found, last, &mut finder)?;
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(false);
        }
    }
}

fn reached(index: &Connection, file: &NotebookFile) -> Result<Option<Reached>, rusqlite::Error> {
    index
        .prepare_cached("SELECT key, text_stamp, last, mark, clears, number FROM sessions WHERE id = ?")?
        .query_row([file.id.as_str()], |row| {
            Ok(Reached {
                key: row.get(0)?,
                stamp: row.get(1)?,
                last: row.get(2)?,
                mark: row.get(3)?,
                pending: row.get(4)?,
                number: row.get(5)?,
            })
        })
        .optional()
}

/// What was read of a stretch.
struct Found {
    things: Vec<Thing>,
    /// All things that the notebook holds, where some may have gone.
    there: Option<BTreeSet<i64>>,
    /// Whether outputs of a cell are to go when the next one comes.
    pending: bool,
}

impl Found {
    fn of(notebook: &Connection, touched: &Touched) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            things: things(notebook, touched)?,
            there: if touched.cleared { Some(there(notebook)?) } else { None },
            pending: notebook
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM pendingClears)")?
                .query_row([], |row| row.get(0))?,
        })
    }
}

/// Takes one stretch into the index.
fn take(
    index: &Connection,
    (reached, number): (&Reached, i64),
    found: &Found,
    last: Last,
    places: &mut Places,
) -> Result<(), rusqlite::Error> {
    super::transaction(index, || {
        let now: Option<i64> = index
            .prepare_cached("SELECT last FROM sessions WHERE key = ?")?
            .query_row([reached.key], |row| row.get(0))
            .optional()?;
        if now != Some(reached.last) {
            // Another process took this stretch, or the session was deleted.
            return Ok(());
        }
        if let Some(there) = &found.there {
            sweep(index, reached.key, there)?;
        }
        for thing in &found.things {
            put(index, reached.key, thing, places)?;
        }
        index
            .prepare_cached("UPDATE sessions SET last = ?, mark = ?, clears = ?, number = ? WHERE key = ?")?
            .execute(params![last.rowid, last.mark, found.pending, number, reached.key])?;
        Ok(())
    })
}

/// Reads what a stretch touched, in the order of the log.
fn things(notebook: &Connection, touched: &Touched) -> Result<Vec<Thing>, rusqlite::Error> {
    let mut things = Vec::with_capacity(touched.cells.len() + touched.outputs.len());
    for (id, moment) in &touched.cells {
        things.push(Thing { key: key_of('c', id), moment: *moment, text: text::of_cell(notebook, id)? });
    }
    for (id, moment) in &touched.outputs {
        things.push(Thing { key: key_of('o', id), moment: *moment, text: text::of_output(notebook, id)? });
    }
    things.sort_by_key(|thing| thing.moment.map(|moment| moment.event));
    Ok(things)
}

/// The things that a notebook holds.
fn there(notebook: &Connection) -> Result<BTreeSet<i64>, rusqlite::Error> {
    let mut all = BTreeSet::new();
    for (letter, sql) in [('c', "SELECT id FROM cells"), ('o', "SELECT id FROM outputs")] {
        let mut statement = notebook.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            all.insert(key_of(letter, row.get_ref(0)?.as_str()?));
        }
    }
    Ok(all)
}

/// Eight bytes that stand for a cell or an output within its notebook.
fn key_of(letter: char, id: &str) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[letter as u8]).update(id.as_bytes());
    first(&hasher.finalize())
}

/// Four bytes that stand for a text, never 0; 0 for a text without words, which is not among the words.
fn hash_of(text: &str) -> i64 {
    if !text.contains(char::is_alphanumeric) {
        return 0;
    }
    (first(&blake3::hash(text.as_bytes())) >> 32) | 1
}

/// Removes the documents of things that are not there any more.
fn sweep(index: &Connection, session: i64, there: &BTreeSet<i64>) -> Result<(), rusqlite::Error> {
    let mut statement = index.prepare_cached("SELECT id, thing, hash FROM documents WHERE session = ?")?;
    let known: Vec<(i64, i64, i64)> = statement
        .query_map([session], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, _, hash) in known.into_iter().filter(|(_, thing, _)| !there.contains(thing)) {
        remove(index, id, hash)?;
    }
    Ok(())
}

/// Brings one document to what its thing holds now.
fn put(index: &Connection, session: i64, thing: &Thing, places: &mut Places) -> Result<(), rusqlite::Error> {
    let known: Option<(i64, i64, i64)> = index
        .prepare_cached("SELECT id, event, hash FROM documents WHERE session = ? AND thing = ?")?
        .query_row([session, thing.key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some(text) = &thing.text else {
        return known.map_or(Ok(()), |(id, _, hash)| remove(index, id, hash));
    };
    let hash = hash_of(text);
    match (known, thing.moment) {
        (Some((id, event, before)), moment) if moment.is_none_or(|moment| moment.event == event) => {
            if before == hash {
                return Ok(());
            }
            if before != 0 {
                index.prepare_cached("DELETE FROM words WHERE rowid = ?")?.execute([id])?;
            }
            index.prepare_cached("UPDATE documents SET hash = ? WHERE id = ?")?.execute([hash, id])?;
            add_words(index, id, hash, text)
        }
        (known, Some(moment)) => {
            if let Some((id, _, before)) = known {
                remove(index, id, before)?;
            }
            let id = places.free(index, moment.at)?;
            index
                .prepare_cached(
                    "INSERT INTO documents (id, session, thing, event, hash) VALUES (?, ?, ?, ?, ?)",
                )?
                .execute([id, session, thing.key, moment.event, hash])?;
            add_words(index, id, hash, text)
        }
        // It was appended to and never added: there is nothing that could be shown of it.
        (_, None) => Ok(()),
    }
}

fn add_words(index: &Connection, id: i64, hash: i64, text: &str) -> Result<(), rusqlite::Error> {
    if hash == 0 {
        return Ok(());
    }
    let mut cut = String::with_capacity(text.len());
    words(text, true, &mut |_, word| {
        cut.push_str(word);
        cut.push(' ');
    });
    index.prepare_cached("INSERT INTO words (rowid, text) VALUES (?, ?)")?.execute(params![id, cut])?;
    Ok(())
}

fn remove(index: &Connection, id: i64, hash: i64) -> Result<(), rusqlite::Error> {
    if hash != 0 {
        index.prepare_cached("DELETE FROM words WHERE rowid = ?")?.execute([id])?;
    }
    index.prepare_cached("DELETE FROM documents WHERE id = ?")?.execute([id])?;
    Ok(())
}

/// Removes all that can be searched of a session; its log is read anew from the beginning.
pub(super) fn forget(index: &Connection, session: i64) -> Result<(), rusqlite::Error> {
    sweep(index, session, &BTreeSet::new())?;
    index
        .prepare_cached("UPDATE sessions SET text_stamp = '', last = 0, mark = 0, clears = 0 WHERE key = ?")?
        .execute([session])?;
    Ok(())
}

fn forget_unreadable(index: &Connection, file: &NotebookFile) -> Result<(), rusqlite::Error> {
    let Some(reached) = reached(index, file)? else { return Ok(()) };
    super::transaction(index, || {
        forget(index, reached.key)?;
        index
            .execute("UPDATE sessions SET text_stamp = ? WHERE key = ?", params![file.stamp, reached.key])?;
        Ok(())
    })
}

/// Finds places for new documents; remembers where it found the last ones, since one second may have thousands.
#[derive(Default)]
struct Places {
    /// By second, the second that had room.
    room: BTreeMap<i64, i64>,
}

impl Places {
    /// Finds the first free place at or after a time, in Unix milliseconds.
    fn free(&mut self, index: &Connection, at: i64) -> Result<i64, rusqlite::Error> {
        let second = (at.div_euclid(1_000) - BEGINNING).clamp(0, i64::MAX / PLACES / 2);
        let mut room = self.room.get(&second).copied().unwrap_or(second);
        let mut statement =
            index.prepare_cached("SELECT max(id) FROM documents WHERE id >= ?1 AND id < ?1 + ?2")?;
        loop {
            let begin = room * PLACES;
            let last: Option<i64> = statement.query_row([begin, PLACES], |row| row.get(0))?;
            let next = last.map_or(begin, |last| last + 1);
            if next < begin + PLACES {
                self.room.insert(second, room);
                return Ok(next);
            }
            room += 1;
        }
    }
}
