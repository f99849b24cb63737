//! `purlin session list`.

use std::collections::BTreeSet;
use std::path::Path;

use purlin_kernel::text::{Span, Style, Token, fit, line_truncate, pad_right, truncate, visible, width};
use purlin_runtime_native::sessions::{self, Listing, SessionSummary};
use serde_json::json;

use super::{Place, moment, title};
use crate::console::{Console, Stop};
use crate::{say, session, start};

/// The fewest characters of a short id.
const SHORT: usize = 4;
/// How many characters of a title a line in a pipe shows.
const TITLE: usize = 60;
/// The head of the last column.
const DIRECTORY: &str = "directory";
/// A terminal that is narrower has no room for directories.
const WITH_DIRECTORY: usize = 72;
/// A terminal that is narrower has no room for the number of cells and for years.
const WITH_CELLS: usize = 52;
/// A terminal that is narrower has no room for the time of day.
const WITH_TIME: usize = 36;
/// The fewest columns of a title; where there are fewer, there are no dates.
const LEAST: usize = 6;

/// Prints the sessions, the newest first.
pub fn run(
    place: &Place<'_>,
    console: &mut Console,
    here: bool,
    limit: Option<usize>,
    json: bool,
) -> Result<u8, Stop> {
    let Listing { sessions: mut listed, unreadable } =
        sessions::listing(&place.paths).map_err(|error| session::unlisted(&error))?;
    // Short ids tell all sessions apart, also those that are not shown.
    let short = short(&listed.iter().map(|session| session.id.as_str()).collect::<Vec<_>>());
    if here {
        let cwd = start::working_directory(place.options.cwd.as_deref())?;
        listed.retain(|session| session.cwd.as_ref() == Some(&cwd));
    }
    listed.truncate(limit.unwrap_or(usize::MAX));
    if json {
        listed.iter().try_for_each(|session| console.json(&object(session)))?;
    } else if console.is_terminal() {
        table(console, &listed, short)?;
    } else {
        listed.iter().try_for_each(|session| line(console, session, short))?;
    }
    console.flush()?;
    if let Some(text) = session::unreadable(&unreadable) {
        say::warning(&text);
    } else if listed.is_empty() && !json {
        let here = if here { " of this directory; without `--here` those of all are listed" } else { "" };
        say::warning(&format!("There are no sessions{here}."));
    }
    Ok(0)
}

fn object(session: &SessionSummary) -> serde_json::Value {
    json!({
        "id": session.id.as_str(), "name": session.name, "cwd": session.cwd, "createdAt": session.created_at,
        "updatedAt": session.updated_at, "cells": session.cells, "firstPrompt": session.first_prompt,
    })
}

/// A line in a pipe: the whole id first, nothing that depends on a width.
fn line(console: &mut Console, session: &SessionSummary, short: usize) -> Result<(), Stop> {
    let title = title(session);
    let shown: String = title.chars().take(TITLE).collect();
    let more = if shown.len() < title.len() { "…" } else { "" };
    let cwd = session.cwd.as_ref().map(|cwd| cwd.display().to_string()).unwrap_or_default();
    let text = format!(
        "{}  {}  {}  {:>4}  {shown}{more}  {cwd}",
        session.id,
        end(session.id.as_str(), short),
        moment(session.updated_at, "%Y-%m-%d %H:%M"),
        session.cells
    );
    // One session is one line, whatever its directory is called.
    console.line(&[Span::from(text.replace('\n', "^J"))])
}

fn table(console: &mut Console, sessions: &[SessionSummary], short: usize) -> Result<(), Stop> {
    let columns = console.width();
    let dim = Style::fg(Token::Dim);
    let wide = columns >= WITH_CELLS;
    let (format, date_room) = match columns {
        WITH_CELLS.. => ("%Y-%m-%d %H:%M", 16),
        WITH_TIME.. => ("%m-%d %H:%M", 11),
        _ if columns >= short + 2 + 5 + 2 + LEAST => ("%m-%d", 5),
        _ => ("", 0),
    };
    let date_columns = if date_room > 0 { date_room + 2 } else { 0 };
    let fixed = short + 2 + date_columns + if wide { 5 + 2 } else { 0 };
    let room = columns.saturating_sub(fixed).max(1);
    let directories: Vec<String> = sessions.iter().map(directory).collect();
    let longest =
        directories.iter().map(|directory| width(directory)).max().unwrap_or(0).max(DIRECTORY.len());
    let directory_room = if columns >= WITH_DIRECTORY { longest.min(room / 2) } else { 0 };
    let title_room = room.saturating_sub(if directory_room > 0 { directory_room + 2 } else { 0 });
    if wide && !sessions.is_empty() {
        let head = format!(
            "{}  {}  {:>5}  {}  {}",
            pad_right("id", short),
            pad_right("changed", 16),
            "cells",
            if directory_room > 0 { pad_right("session", title_room) } else { "session".to_owned() },
            if directory_room > 0 { DIRECTORY } else { "" }
        );
        console.line(&[Span::new(truncate(&head, columns), dim.clone())])?;
    }
    for (session, directory) in sessions.iter().zip(&directories) {
        let title = truncate(&visible(&title(session)), title_room);
        let mut line =
            vec![Span::new(format!("{}  ", end(session.id.as_str(), short)), Style::fg(Token::Accent))];
        if date_room > 0 {
            // A date that is none leaves its column empty.
            let date = pad_right(&moment(session.updated_at, format), date_room);
            line.push(Span::new(format!("{date}  "), dim.clone()));
        }
        if wide {
            line.push(Span::new(format!("{:>5}  ", session.cells), dim.clone()));
        }
        if directory_room > 0 {
            line.push(Span::from(format!("{}  ", pad_right(&title, title_room))));
            line.push(Span::new(shortened(directory, directory_room), dim.clone()));
        } else {
            line.push(Span::from(title));
        }
        console.line(&line_truncate(line, columns))?;
    }
    Ok(())
}

/// The directory of a session on one line, with the home directory as `~`.
fn directory(session: &SessionSummary) -> String {
    let Some(cwd) = &session.cwd else { return String::new() };
    let home = start::variable("HOME");
    let below = home.as_ref().and_then(|home| cwd.strip_prefix(Path::new(home)).ok());
    let shown = match below {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => cwd.display().to_string(),
    };
    visible(&shown).replace(['\n', '\t'], " ")
}

/// A directory in so many columns; its end says more than its beginning.
fn shortened(directory: &str, room: usize) -> String {
    if width(directory) <= room {
        return directory.to_owned();
    }
    let mut rest = directory;
    while width(rest) + 1 > room {
        let Some(first) = rest.chars().next() else { return fit(directory, room).into_owned() };
        rest = &rest[first.len_utf8()..];
    }
    format!("…{rest}")
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
pub fn end(id: &str, length: usize) -> &str {
    id.get(id.len().saturating_sub(length)..).unwrap_or(id)
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

    #[test]
    fn a_directory_is_cut_at_its_beginning() {
        assert_eq!(shortened("~/code/purlin", 20), "~/code/purlin");
        assert_eq!(shortened("~/code/purlin", 8), "…/purlin");
        assert_eq!(shortened("~/作業/東京", 6), "…/東京");
    }
}
