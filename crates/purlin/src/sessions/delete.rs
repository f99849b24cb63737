//! `purlin session delete`.

use std::io::{self, BufRead as _, IsTerminal as _};

use purlin_kernel::text::Span;
use purlin_notebook::NotebookId;
use purlin_runtime_native::sessions::{self, SessionSummary};

use super::{Place, title};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::session::sentence;
use crate::{say, session};

/// Deletes sessions; all ids must be good before the first is deleted.
pub fn run(place: &Place<'_>, console: &mut Console, ids: &[String], yes: bool) -> Result<u8, Stop> {
    let mut found: Vec<NotebookId> = Vec::new();
    for id in ids {
        let id = session::find_to_delete(&place.paths, id)?;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    let listed = sessions::list(&place.paths);
    let described: Vec<String> = found.iter().map(|id| describe(id, &listed)).collect();
    if !yes && !confirmed(&described)? {
        say::warning("Nothing was deleted.");
        return Ok(1);
    }
    let mut code = 0;
    for (id, described) in found.iter().zip(&described) {
        match sessions::delete(&place.paths, id) {
            Ok(()) => console.line(&[Span::from(format!("deleted {described}"))])?,
            Err(error) => {
                // The others are deleted all the same.
                console.flush()?;
                say::error(sentence(&error.to_string()));
                code = 1;
            }
        }
    }
    // The list forgets them at once, and the search with it.
    sessions::list(&place.paths);
    Ok(code)
}

fn describe(id: &NotebookId, listed: &[SessionSummary]) -> String {
    match listed.iter().find(|session| session.id == *id) {
        Some(session) => {
            let cells =
                if session.cells == 1 { "1 cell".to_owned() } else { format!("{} cells", session.cells) };
            format!("{id} ({cells}): {}", title(session))
        }
        None => format!("{id} (it cannot be read)"),
    }
}

/// Asks a person; where there is none, `--yes` is needed.
fn confirmed(described: &[String]) -> Result<bool, Stop> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let report = Report::new(Kind::Usage, "There is no terminal to ask on, so nothing was deleted.");
        return Err(report.hint("`--yes` deletes without asking.").into());
    }
    for session in described {
        say::plain(session);
    }
    let what = if described.len() == 1 { "this session" } else { "these sessions" };
    say::ask(&format!("Delete {what}? It cannot be undone. [y/N] "));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Report::new(Kind::System, format!("Standard input cannot be read: {error}.")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
