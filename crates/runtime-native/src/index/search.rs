//! Searching: the newest documents with the words, and what they hold, read from the notebooks.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use purlin_notebook::{CellId, NotebookId, OutputId};
use rusqlite::{Connection, OptionalExtension};

use super::asked::Asked;
use super::reading::Reading;
use super::{stamp, text};
use crate::Paths;

/// One place where what was asked for stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The session.
    pub session: NotebookId,
    /// The name that somebody gave the session.
    pub name: Option<String>,
    /// The cell.
    pub cell: CellId,
    /// The output of the cell; `None` if it is the cell's own text.
    pub output: Option<OutputId>,
    /// What it is: `prompt`, the kind of another cell, an output's role, or else the output's type.
    pub kind: String,
    /// When it was committed, in Unix milliseconds.
    pub at: i64,
    /// A piece of the text around the first words that were found, without line breaks.
    pub snippet: Snippet,
}

/// A piece of a text with the words that were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// Where the words stand in it, as byte ranges in order.
    pub marks: Vec<Range<usize>>,
}

/// How many characters of a text a snippet shows.
pub const SNIPPET: usize = 160;

/// How many documents are looked at for each hit that is wanted, at most: what is found twice in one cell (a tool's
/// output and the answer made from it) is shown once.
const LOOKED_AT: usize = 8;

/// A thread that helps to read is started for each so many sessions, and at most so many threads.
const SHARED: usize = 8;
const HELPERS: usize = 7;

/// Finds the newest documents; at most `limit`.
pub(super) fn search(
    index: &Connection,
    paths: &Paths,
    asked: &Asked,
    limit: usize,
) -> Result<Vec<Hit>, rusqlite::Error> {
    let mut hits: Vec<Hit> = Vec::new();
    if asked.is_empty() {
        return Ok(hits);
    }
    let mut found = index.prepare_cached(
        "SELECT s.id, s.name, d.event FROM words JOIN documents d ON d.id = words.rowid \
         JOIN sessions s ON s.key = d.session WHERE words MATCH ?1 ORDER BY words.rowid DESC LIMIT ?2",
    )?;
    let most = limit.saturating_mul(LOOKED_AT).min(i64::MAX as usize) as i64;
    let mut rows = found.query_map((asked.expression(), most), |row| {
        Ok(Document { session: row.get(0)?, name: row.get(1)?, event: row.get(2)? })
    })?;
    while hits.len() < limit {
        let page: Vec<Document> = rows.by_ref().take(limit).collect::<Result<_, _>>()?;
        if page.is_empty() {
            break;
        }
        for hit in read_all(paths, asked, &page).into_iter().flatten() {
            let is_there = |known: &Hit| {
                known.session == hit.session && known.cell == hit.cell && known.snippet == hit.snippet
            };
            if hits.len() < limit && !hits.iter().rev().take(16).any(is_there) {
                hits.push(hit);
            }
        }
    }
    Ok(hits)
}

/// A text that was found: an event of a session.
struct Document {
    session: String,
    name: Option<String>,
    event: i64,
}

/// Reads what documents stand for. To open a notebook costs much more than to read of it, so each is opened once, and
/// where there are many of them several threads share the work.
fn read_all(paths: &Paths, asked: &Asked, documents: &[Document]) -> Vec<Option<Hit>> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, document) in documents.iter().enumerate() {
        places.entry(&document.session).or_default().push(place);
    }
    let sessions: Vec<(&str, Vec<usize>)> = places.into_iter().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some((session, places)) = sessions.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut notebook = Notebook::open(paths, session);
            found.extend(places.iter().map(|place| (*place, notebook.hit(&documents[*place], asked))));
        }
        found
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let helpers = (sessions.len() / SHARED).min(cores - 1).min(HELPERS);
    let mut hits: Vec<Option<Hit>> = documents.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        let mut found = work();
        // What a helper could not finish is missing among the hits, as what cannot be read is.
        found.extend(helpers.into_iter().flat_map(|helper| helper.join().unwrap_or_default()));
        for (place, hit) in found {
            hits[place] = hit;
        }
    });
    hits
}

/// A notebook that hits were found in.
struct Notebook<'a> {
    paths: &'a Paths,
    id: NotebookId,
    reading: Option<Reading>,
}

impl<'a> Notebook<'a> {
    fn open(paths: &'a Paths, id: &str) -> Self {
        let mut notebook = Self { paths, id: NotebookId::from(id), reading: None };
        notebook.begin(true);
        notebook
    }

    fn begin(&mut self, may_rest: bool) {
        self.reading = stamp::notebook(self.paths, &self.id).and_then(|file| Reading::begin(&file, may_rest));
    }

    /// Reads what a document of the index stands for. `None` if it is not there any more.
    fn hit(&mut self, document: &Document, asked: &Asked) -> Option<Hit> {
        if let Some(hit) = self.find(document, asked) {
            return Some(hit);
        }
        // It may have been written while it was read as one at rest.
        if self.reading.as_ref().is_some_and(|reading| reading.is_of_rest() && !reading.holds()) {
            self.begin(false);
            return self.find(document, asked);
        }
        None
    }

    fn find(&self, document: &Document, asked: &Asked) -> Option<Hit> {
        let notebook = self.reading.as_ref()?.notebook();
        read(notebook, self.id.clone(), document.name.clone(), document.event, asked).ok().flatten()
    }
}

fn read(
    notebook: &Connection,
    session: NotebookId,
    name: Option<String>,
    event: i64,
    asked: &Asked,
) -> Result<Option<Hit>, rusqlite::Error> {
    let mut statement = notebook.prepare_cached("SELECT name, args, at FROM events WHERE rowid = ?")?;
    let added: Option<(String, String, i64)> =
        statement.query_row([event], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((event, args, at)) = added else { return Ok(None) };
    let args: serde_json::Value = serde_json::from_str(&args).unwrap_or_default();
    let id = args["id"].as_str().unwrap_or_default();
    let found = if event.contains("Output") { of_output(notebook, id)? } else { of_cell(notebook, id)? };
    let Some((cell, output, kind, text)) = found else { return Ok(None) };
    let snippet = snippet(&text, &asked.places(&text));
    Ok(snippet.map(|snippet| Hit { session, name, cell, output, kind, at, snippet }))
}

type Found = Option<(CellId, Option<OutputId>, String, String)>;

fn of_output(notebook: &Connection, id: &str) -> Result<Found, rusqlite::Error> {
    let Some(text) = text::of_output(notebook, id)? else { return Ok(None) };
    let mut statement = notebook.prepare_cached(
        "SELECT o.cellId, coalesce(r.role, o.outputType) FROM outputs o LEFT JOIN outputRoles r ON r.outputId = o.id \
         WHERE o.id = ?",
    )?;
    let place: Option<(String, String)> =
        statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(place.map(|(cell, kind)| (cell.into(), Some(OutputId::from(id)), kind, text)))
}

fn of_cell(notebook: &Connection, id: &str) -> Result<Found, rusqlite::Error> {
    let Some(text) = text::of_cell(notebook, id)? else { return Ok(None) };
    let mut statement = notebook.prepare_cached(
        "SELECT coalesce(a.kind, c.cellType) FROM cells c LEFT JOIN cellAnnotations a ON a.cellId = c.id WHERE c.id = ?",
    )?;
    let kind: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    let kind = kind.map(|kind| if kind == "ai" { "prompt".to_owned() } else { kind });
    Ok(kind.map(|kind| (CellId::from(id), None, kind, text)))
}

/// Cuts a piece of a text around the first place; `None` where there is none.
fn snippet(text: &str, places: &[Range<usize>]) -> Option<Snippet> {
    let first = places.first()?;
    // A third of the piece stands before the place, and it begins with a whole word where one is near.
    let before =
        text[..first.start].char_indices().rev().take(SNIPPET / 3).last().map_or(first.start, |(at, _)| at);
    let begin = if before == 0 {
        0
    } else {
        text[before..first.start].find(char::is_whitespace).map_or(before, |space| before + space)
    };
    let mut snippet = Snippet::default();
    let mut count = 0;
    let mut end = text.len();
    for (at, character) in text[begin..].char_indices().map(|(at, character)| (begin + at, character)) {
        if count >= SNIPPET {
            end = at;
            break;
        }
        for place in places.iter().filter(|place| place.start == at) {
            let start = snippet.text.len();
            snippet.marks.push(start..start + place.len());
        }
        if !character.is_whitespace() {
            snippet.text.push(character);
        } else if snippet.text.is_empty() || snippet.text.ends_with(' ') {
            continue;
        } else {
            snippet.text.push(' ');
        }
        count += 1;
        for place in places.iter().filter(|place| place.end == at + character.len_utf8()) {
            if let Some(mark) = snippet.marks.last_mut().filter(|_| place.start >= begin) {
                mark.end = snippet.text.len();
            }
        }
    }
    let trimmed = snippet.text.trim_end().len();
    snippet.text.truncate(trimmed);
    for mark in &mut snippet.marks {
        mark.end = mark.end.min(trimmed);
    }
    snippet.marks.retain(|mark| mark.start < mark.end);
    if begin > 0 {
        snippet.text.insert(0, '…');
        for mark in &mut snippet.marks {
            *mark = mark.start + '…'.len_utf8()..mark.end + '…'.len_utf8();
        }
    }
    if !text[end..].trim().is_empty() {
        snippet.text.push('…');
    }
    Some(snippet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, typed: &str) -> String {
        let Some(found) = snippet(text, &Asked::parse(typed).places(text)) else { return String::new() };
        let mut shown = found.text.clone();
        for mark in found.marks.iter().rev() {
            shown.insert(mark.end, ']');
            shown.insert(mark.start, '[');
        }
        shown
    }

    #[test]
    fn a_snippet_is_one_line_with_its_words_marked() {
        assert_eq!(marked("The disk\n\tis  full.", "disk full"), "The [disk] is [full].");
        assert_eq!(marked("a disk\nfull of dust", "\"disk full\""), "a [disk full] of dust");
        assert_eq!(marked("nothing here", "disk"), "");
    }

    #[test]
    fn a_snippet_of_a_long_text_is_cut_on_both_sides() {
        let text = format!("{} needle {}", "word ".repeat(100), "tail ".repeat(100));
        let shown = marked(&text, "needle");
        assert!(shown.starts_with("…word ") && shown.ends_with('…') && shown.contains("[needle]"), "{shown}");
        assert!(shown.chars().count() <= SNIPPET + 4, "{shown}");
        let wide = format!("{}針{}", "字".repeat(500), "尾".repeat(500));
        assert!(
            marked(&wide, "針").contains("[針尾]") || marked(&wide, "針").contains("[字針"),
            "{}",
            marked(&wide, "針")
        );
    }

    #[test]
    fn a_word_that_is_longer_than_a_snippet_is_marked_as_far_as_it_is_shown() {
        let text = "x".repeat(1_000);
        let shown = marked(&text, &text);
        assert!(shown.starts_with("[x") && shown.ends_with("x]…"), "{shown}");
    }
}
