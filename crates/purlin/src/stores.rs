//! `purlin store …`: the care of the files that sessions are kept in.

mod check;
mod stats;

use purlin_kernel::text::{Span, Style, Token};
use purlin_notebook::NotebookId;
use purlin_runtime_native::artifacts::{SweepOptions, sweep};
use purlin_runtime_native::{Index, Paths, sessions};

use crate::args::StoreCommand;
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::session::{sentence, unlisted};
use crate::sessions::{finish, progress};
use crate::start::{self, variable};

/// Carries out what was asked; the exit code if nothing failed.
pub fn run(command: &StoreCommand) -> Result<u8, Report> {
    let paths = start::paths(&variable)?;
    let mut console = Console::new();
    let done = match command {
        StoreCommand::Check { id } => check::check(&paths, &mut console, id.as_deref()),
        StoreCommand::Repair { id } => check::repair(&paths, &mut console, id),
        StoreCommand::Stats { id: Some(id), json } => stats::one(&paths, &mut console, id, *json),
        StoreCommand::Stats { id: None, json } => stats::all(&paths, &mut console, *json),
        StoreCommand::Gc { dry_run } => gc(&paths, &mut console, *dry_run),
        StoreCommand::Reindex => reindex(&paths, &mut console),
    };
    finish(&mut console, done)
}

/// The ids of all files that are named as sessions are, the oldest first, whether or not they can be read.
fn all(paths: &Paths) -> Result<Vec<NotebookId>, Report> {
    sessions::ids(paths).map_err(|error| unlisted(&error))
}

/// Removes artifacts that nothing refers to.
fn gc(paths: &Paths, console: &mut Console, dry_run: bool) -> Result<u8, Stop> {
    let swept = sweep(paths, &SweepOptions { dry_run, ..SweepOptions::default() })
        .map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?;
    let done = if dry_run { "would be removed" } else { "removed" };
    let lines = [
        format!("{} {done}, {}", counted(swept.removed, "artifact"), bytes(swept.removed_bytes)),
        format!("{} {done} that had been begun and never finished", counted(swept.unfinished, "file")),
        format!("{} kept, {}", counted(swept.kept, "artifact"), bytes(swept.kept_bytes)),
        format!("{} kept because they are less than a day old", counted(swept.young, "artifact")),
    ];
    lines.into_iter().try_for_each(|line| console.wrapped(&[Span::from(line)], 2))?;
    Ok(0)
}

fn reindex(paths: &Paths, console: &mut Console) -> Result<u8, Stop> {
    let mut index = Index::open(paths);
    index
        .rebuild(&mut progress())
        .map_err(|error| Report::new(Kind::System, sentence(&error.to_string())))?;
    let size = index.size();
    let text = format!(
        "indexed {} with {}, {}: {}",
        counted(size.sessions, "session"),
        counted(size.texts, "text"),
        bytes(size.bytes),
        paths.index().display()
    );
    console.line(&[Span::from(text)])?;
    let note = "It may be deleted at any time; the next list or search makes it again.";
    console.line(&[Span::new(note, Style::fg(Token::Dim))])?;
    Ok(0)
}

/// A number of things.
fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// A number of bytes as people read it.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_024 => counted(count, "byte"),
        1_024..1_048_576 => format!("{:.1} KiB", count as f64 / 1_024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.2} GiB", count as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        let shown = [0, 1, 1_023, 1_536, 5 << 20, 3 << 30].map(bytes);
        assert_eq!(shown, ["0 bytes", "1 byte", "1023 bytes", "1.5 KiB", "5.0 MiB", "3.00 GiB"]);
    }
}
