//! `purlin session list` and `purlin session show ID`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use purlin_notebook::Store;
use purlin_runtime_native::sessions::SessionSummary;
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook, sessions};

use crate::report::{Kind, Report};
use crate::session::{self, sentence};
use crate::show;

/// The fewest characters of a short id.
const SHORT: usize = 4;

/// How many characters of the first prompt a line shows.
const PROMPT: usize = 60;

/// Prints the sessions, the newest first.
pub fn list(paths: &Paths) -> Result<(), Report> {
    let zone = TimeZone::system();
    let mut text = String::new();
    let listed = sessions::list(paths);
    let short = short(&listed.iter().map(|session| session.id.as_str()).collect::<Vec<_>>());
    for session in &listed {
        line(&mut text, session, short, &zone);
    }
    print(&text)
}

/// Prints one session as text.
pub fn show(paths: &Paths, id: &str) -> Result<(), Report> {
    let id = session::find(paths, id)?;
    let failed = |error: String| Report::new(Kind::System, sentence(&error));
    let notebook =
        SqliteNotebook::open(paths, id, OpenMode::ReadOnly).map_err(|error| failed(error.to_string()))?;
    let store = notebook.store().map_err(|error| failed(error.to_string()))?;
    let text = show::session(&store as &dyn Store).map_err(|error| failed(error.to_string()))?;
    print(&text)
}

/// How many characters at the end tell these ids apart; ids begin with the time, so their beginnings do not.
fn short(ids: &[&str]) -> usize {
    let longest = ids.iter().map(|id| id.len()).max().unwrap_or(0);
    (SHORT..longest)
        .find(|length| {
            let ends: BTreeSet<&str> = ids.iter().map(|id| end(id, *length)).collect();
            ends.len() == ids.len()
        })
        .unwrap_or(longest)
}

/// The last characters of an id; all of it where it is shorter, or where it would be cut inside of a character.
fn end(id: &str, length: usize) -> &str {
    id.get(id.len().saturating_sub(length)..).unwrap_or(id)
}

fn line(text: &mut String, session: &SessionSummary, short: usize, zone: &TimeZone) {
    let time = Timestamp::from_millisecond(session.updated_at)
        .map(|time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default();
    let title = session.name.as_deref().or(session.first_prompt.as_deref()).unwrap_or("(empty)");
    let flat: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = flat.chars().take(PROMPT).collect();
    if shown.len() < flat.len() {
        shown.push('…');
    }
    let cwd = session.cwd.as_ref().map(|cwd| cwd.display().to_string()).unwrap_or_default();
    // Writing into a string cannot fail.
    let _ = writeln!(
        text,
        "{}  {}  {time}  {:>4}  {shown}  {cwd}",
        session.id,
        end(session.id.as_str(), short),
        session.cells
    );
}

fn print(text: &str) -> Result<(), Report> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Report::new(Kind::System, format!("Standard output cannot be written: {error}.")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_tells_the_listed_sessions_apart() {
        assert_eq!(short(&["0190-aaaa", "0190-aaab"]), 4);
        assert_eq!(short(&["0190-a-1234", "0190-b-1234"]), 6);
        assert_eq!(short(&[]), 0);
        assert_eq!((end("0190-a-1234", 6), end("ab", 6)), ("a-1234", "ab"));
    }
}
