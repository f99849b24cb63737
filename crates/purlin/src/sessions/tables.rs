//! `purlin session dump` and `replay`: the tables that follow from a log.

use std::rc::Rc;

use purlin_kernel::text::{Span, Style, Token, visible};
use purlin_notebook::{MemoryStore, Store, StoreError, StoreExt as _, dump as canonical};
use purlin_runtime_native::store::replayed;

use super::{Place, unreadable};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::session::sentence;

/// So many events are read at a time.
const PAGE: usize = 4_096;
/// How many characters of a line that differs are shown.
const SHOWN: usize = 400;

/// Prints the tables in canonical form.
pub fn dump(place: &Place<'_>, console: &mut Console, id: Option<&str>) -> Result<u8, Stop> {
    let (_notebook, store) = place.open(place.find(id)?)?;
    let text = canonical::canonical(&*store).map_err(|error| unreadable(&error))?;
    console.raw(&text)?;
    Ok(0)
}

/// Makes the tables anew from the log, twice, and says whether they are those of the file.
pub fn replay(place: &Place<'_>, console: &mut Console, id: Option<&str>) -> Result<u8, Stop> {
    let id = place.find(id)?;
    let (_notebook, store) = place.open(id.clone())?;
    let failed = |error| Stop::from(unreadable(&error));
    let InMemory { store: memory, events, last } = in_memory(&*store).map_err(failed)?;
    // A session may grow meanwhile: all three are held against the log as it was.
    let file = canonical::canonical(&*store).map_err(failed)?;
    if store.last_rowid().map_err(failed)? != last {
        return Err(Report::new(
            Kind::System,
            "The session grew while it was replayed; try again when it is at rest.",
        )
        .into());
    }
    let sqlite = replayed(&place.paths.notebook(&id))
        .map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?;
    let memory = canonical::canonical(&memory).map_err(failed)?;
    let mut code = 0;
    for (where_, tables) in [("in memory", &memory), ("in SQLite", &sqlite)] {
        match difference(&file, tables) {
            None => {
                let rows = tables.lines().filter(|line| line.starts_with('{')).count();
                let text =
                    format!("equal: {events} events replayed {where_} give the {rows} rows of the file");
                console.line(&[Span::from(text)])?;
            }
            Some(found) => {
                code = 1;
                found.print(console, where_)?;
            }
        }
    }
    Ok(code)
}

/// A log replayed in memory.
struct InMemory {
    store: MemoryStore,
    /// How many events it has; fewer than the last one's place where a repair left a gap.
    events: usize,
    /// The place of the last of them.
    last: i64,
}

fn in_memory(store: &dyn Store) -> Result<InMemory, StoreError> {
    let mut entries = Vec::new();
    let mut last = 0;
    loop {
        let page = store.log_since(last, PAGE)?;
        let Some(entry) = page.last() else { break };
        last = entry.rowid;
        entries.extend(page);
    }
    let events = entries.len();
    Ok(InMemory { store: MemoryStore::from_log(store.identity(), Rc::new(|| 0), entries)?, events, last })
}

/// The first line in which two dumps differ.
struct Difference {
    table: String,
    file: Option<String>,
    replayed: Option<String>,
}

fn difference(file: &str, replayed: &str) -> Option<Difference> {
    let mut table = "";
    let (mut file, mut replayed) = (file.lines(), replayed.lines());
    loop {
        let (a, b) = (file.next(), replayed.next());
        if a != b {
            let owned = |line: Option<&str>| line.map(|line| line.chars().take(SHOWN).collect());
            return Some(Difference { table: table.to_owned(), file: owned(a), replayed: owned(b) });
        }
        table = a?.strip_prefix('{').map_or(a?, |_| table);
    }
}

impl Difference {
    fn print(&self, console: &mut Console, where_: &str) -> Result<(), Stop> {
        let error = Style::fg(Token::Error);
        let after = if self.table.is_empty() {
            String::new()
        } else {
            format!(" in the table `{}` or after it", self.table)
        };
        let text = format!(
            "different: replayed {where_}, the log gives other tables than the file has; the first difference{after}:"
        );
        console.line(&[Span::new(text, error)])?;
        for (mark, line) in [("file:     ", &self.file), ("replayed: ", &self.replayed)] {
            let line = line.as_deref().unwrap_or("(nothing more)");
            console.line(&[Span::from(format!("{mark}{}", visible(line)))])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_with_its_table() {
        let file = "cells\n{\"id\":\"a\"}\noutputs\n{\"id\":\"o\"}\n";
        assert!(difference(file, file).is_none());
        let found = difference(file, "cells\n{\"id\":\"a\"}\noutputs\n{\"id\":\"x\"}\n").unwrap();
        assert_eq!(found.table, "outputs");
        assert_eq!(
            (found.file.as_deref(), found.replayed.as_deref()),
            (Some("{\"id\":\"o\"}"), Some("{\"id\":\"x\"}"))
        );
        let found = difference(file, "cells\n{\"id\":\"a\"}\n").unwrap();
        assert_eq!(
            (found.table.as_str(), found.file.as_deref(), found.replayed),
            ("cells", Some("outputs"), None)
        );
    }
}
