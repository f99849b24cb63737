//! `purlin session log`: the events of a session, and those that come.

use futures_util::StreamExt as _;
use purlin_kernel::text::{Span, Style, Token, truncate, visible};
use purlin_notebook::{LogEntry, Store, StoreExt as _, Tables};
use purlin_runtime_native::signals::Signals;
use serde_json::json;
use tokio::task::LocalSet;

use super::{Place, moment, unreadable};
use crate::console::{Console, Stop, unread};
use crate::report::{Kind, Report};
use crate::runtime;

/// So many events are read at a time.
const PAGE: usize = 256;
/// A terminal that is narrower has no room for dates.
const WITH_DATE: usize = 100;

/// Which events, and how.
pub struct Wanted {
    /// Those after this row of the log.
    pub since: i64,
    /// Whether to go on with those that come.
    pub follow: bool,
    /// Whether as JSON.
    pub json: bool,
}

/// Prints events, one to a line.
pub fn run(place: &Place<'_>, console: &mut Console, id: Option<&str>, wanted: &Wanted) -> Result<u8, Stop> {
    let (_notebook, store) = place.open(place.find(id)?)?;
    let mut row = wanted.since;
    if wanted.follow {
        let runtime = runtime::build()?;
        return runtime.block_on(LocalSet::new().run_until(follow(console, &*store, row, wanted.json)));
    }
    print(console, &*store, &mut row, wanted.json)?;
    Ok(0)
}

/// Prints what is there, then what any process commits, until somebody ends it.
async fn follow(console: &mut Console, store: &dyn Store, mut row: i64, json: bool) -> Result<u8, Stop> {
    let mut signals = Signals::listen()
        .map_err(|error| Report::new(Kind::System, format!("Signals cannot be heard: {error}.")))?;
    let mut changes = store.watch(Tables::LOG);
    loop {
        print(console, store, &mut row, json)?;
        console.flush()?;
        tokio::select! {
            tick = changes.next() => if tick.is_none() {
                return Ok(0);
            },
            asked = signals.next() => return Ok(asked.exit_code()),
            // On a quiet session nothing is written that would fail.
            () = unread() => return Err(Stop::Unread),
        }
    }
}

/// Prints what was committed after a row, and moves the row on.
fn print(console: &mut Console, store: &dyn Store, row: &mut i64, json: bool) -> Result<(), Stop> {
    loop {
        let entries = store.log_since(*row, PAGE).map_err(|error| unreadable(&error))?;
        for entry in &entries {
            *row = entry.rowid;
            if json {
                console.json(&object(entry))?;
            } else {
                line(console, entry)?;
            }
        }
        if entries.len() < PAGE {
            return Ok(());
        }
    }
}

/// An event as `-p --json` prints it.
pub fn object(entry: &LogEntry) -> serde_json::Value {
    json!({
        "rowid": entry.rowid, "seq": entry.seq, "name": entry.event.name(), "args": entry.event.args(),
        "clientId": entry.client_id, "sessionId": entry.session_id, "at": entry.at,
    })
}

fn line(console: &mut Console, entry: &LogEntry) -> Result<(), Stop> {
    let format = if console.width() >= WITH_DATE { "%Y-%m-%d %H:%M:%S.%3f" } else { "%H:%M:%S" };
    let dim = Style::fg(Token::Dim);
    let begin = format!("{:>5}  {}  ", entry.rowid, moment(entry.at, format));
    let name = format!("{}  ", visible(entry.event.name()));
    // JSON has no line breaks of its own.
    let args = visible(&entry.event.args().to_string()).into_owned();
    let mut line = vec![Span::new(begin, dim.clone()), Span::from(name), Span::new(args, dim)];
    if console.is_terminal() {
        let mut room = console.width();
        for span in &mut line {
            span.text = truncate(&span.text, room).into();
            room -= span.width().min(room);
        }
    }
    console.line(&line)
}
