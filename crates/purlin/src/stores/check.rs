//! `purlin store check` and `repair`.

use std::collections::BTreeSet;

use purlin_kernel::text::{Span, Style, Token, visible};
use purlin_notebook::NotebookId;
use purlin_runtime_native::store::{self, Problem, RepairError};
use purlin_runtime_native::{FileArtifacts, Paths};

use super::{all, counted};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::session::{self, sentence};
use crate::sessions::progress;

/// Prints what is wrong with one session or with all, and what to do about it.
pub fn check(paths: &Paths, console: &mut Console, id: Option<&str>) -> Result<u8, Stop> {
    let ids = match id {
        Some(id) => vec![session::find(paths, id)?],
        None => all(paths)?,
    };
    let artifacts = FileArtifacts::new(paths.artifacts());
    let mut progress = progress();
    let (mut sound, mut events, mut references, mut bad) = (0, 0, 0, 0);
    for (number, id) in ids.iter().enumerate() {
        progress(number, ids.len());
        match store::check(&paths.notebook(id), Some(&artifacts)) {
            Ok(checked) => {
                events += checked.events;
                references += checked.references;
                if checked.is_sound() {
                    sound += 1;
                    continue;
                }
                progress(ids.len(), ids.len());
                let found =
                    checked.problems.iter().map(|problem| (problem.to_string(), way_out(problem, id)));
                print(console, id, found)?;
            }
            Err(error) => {
                progress(ids.len(), ids.len());
                // Such an error names the way out itself, which is not the same for all.
                print(console, id, [(sentence(&error.to_string()), String::new())])?;
            }
        }
        bad += 1;
    }
    progress(ids.len(), ids.len());
    for id in kept_aside(paths).into_iter().filter(|kept| id.is_none() && !paths.notebook(kept).exists()) {
        let way = format!("`purlin store repair {id}` saves what can be read of it.");
        print(console, &id, [("Its file was damaged and is kept aside.".to_owned(), way)])?;
        bad += 1;
    }
    let summary = format!(
        "{} sound, with {} and {}",
        counted(sound, "session"),
        counted(events, "event"),
        counted(references, "artifact")
    );
    console.wrapped(&[Span::from(summary)], 2)?;
    if bad > 0 {
        console.line(&[Span::new(format!("{} not", counted(bad, "session")), Style::fg(Token::Error))])?;
    }
    Ok(u8::from(bad > 0))
}

fn print(
    console: &mut Console,
    id: &NotebookId,
    found: impl IntoIterator<Item = (String, String)>,
) -> Result<(), Stop> {
    console.line(&[Span::new(id.to_string(), Style::fg(Token::Error))])?;
    for (what, way) in found {
        let lines = visible(&what).into_owned();
        lines.lines().try_for_each(|line| console.wrapped(&[Span::from(format!("  {line}"))], 2))?;
        if !way.is_empty() {
            console.wrapped(&[Span::new(format!("  {way}"), Style::fg(Token::Dim))], 2)?;
        }
    }
    Ok(())
}

fn way_out(problem: &Problem, id: &NotebookId) -> String {
    match problem {
        Problem::Damaged(_) | Problem::Log(_) => {
            format!("`purlin store repair {id}` saves what can be read of it.")
        }
        Problem::Table { .. } => format!("`purlin store repair {id}` makes the tables anew from the log."),
        Problem::Artifact { .. } => {
            "What the log has of it, its beginning and end, is not affected; a copy of the file mends it."
                .to_owned()
        }
    }
}

/// Saves what can be read of a session.
pub fn repair(paths: &Paths, console: &mut Console, id: &str) -> Result<u8, Stop> {
    let id = find(paths, id)?;
    let path = paths.notebook(&id);
    let repaired = store::repair(&path).map_err(|error| {
        let report = Report::new(Kind::System, sentence(&error.to_string()));
        match error {
            RepairError::Hopeless { .. } => report.hint(format!(
                "A copy of the file may be put in its place; `purlin session delete {id}` removes it."
            )),
            _ => report,
        }
    })?;
    let Some(kept) = repaired.kept else {
        let sound = format!("nothing is wrong with {id}; it was left as it is");
        console.line(&[Span::from(sound)])?;
        return Ok(0);
    };
    let saved = format!("saved {} of {id}", counted(repaired.events, "event"));
    console.line(&[Span::from(saved)])?;
    match &repaired.lost {
        None => console.line(&[Span::from("nothing was lost")])?,
        Some(lost) => {
            let lost = visible(lost).replace('\n', " ");
            console.line(&[Span::new(format!("lost: {lost}"), Style::fg(Token::Warning))])?;
        }
    }
    console.line(&[Span::from(format!("the file as it was is kept: {}", kept.display()))])?;
    Ok(0)
}

/// Finds a session, also one whose file was kept aside.
fn find(paths: &Paths, text: &str) -> Result<NotebookId, Report> {
    session::find(paths, text).or_else(|report| {
        if text.trim().is_empty() {
            return Err(report);
        }
        let mut kept = kept_aside(paths).into_iter().filter(|id| id.as_str().contains(text));
        match (kept.next(), kept.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(report),
        }
    })
}

/// The sessions of which a damaged file was kept aside.
fn kept_aside(paths: &Paths) -> BTreeSet<NotebookId> {
    let entries = std::fs::read_dir(paths.notebooks()).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            entry.file_name().to_str()?.split_once(".db.corrupt").map(|(id, _)| NotebookId::from(id))
        })
        .filter(NotebookId::is_valid)
        .collect()
}
