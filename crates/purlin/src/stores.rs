//! `purlin store …`: the care of the files that sessions are kept in.

use purlin_kernel::text::{Span, Style, Token};
use purlin_runtime_native::Index;

use crate::args::StoreCommand;
use crate::console::{Console, Stop};
use crate::report::Report;
use crate::sessions::{finish, progress};
use crate::start::{self, variable};

/// Carries out what was asked; the exit code if nothing failed.
pub fn run(command: &StoreCommand) -> Result<u8, Report> {
    let paths = start::paths(&variable)?;
    let mut console = Console::new();
    let done = match command {
        StoreCommand::Reindex => reindex(&paths, &mut console),
    };
    finish(&mut console, done)
}

fn reindex(paths: &purlin_runtime_native::Paths, console: &mut Console) -> Result<u8, Stop> {
    let mut index = Index::open(paths);
    index.rebuild(&mut progress());
    let size = index.size();
    let text = format!(
        "indexed {} sessions with {} texts, {}: {}",
        size.sessions,
        size.texts,
        bytes(size.bytes),
        paths.index().display()
    );
    console.line(&[Span::from(text)])?;
    console.line(&[Span::new(
        "It may be deleted at any time; the next list or search makes it again.",
        Style::fg(Token::Dim),
    )])?;
    Ok(0)
}

/// A number of bytes as people read it.
fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} bytes"),
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
        let shown = [0, 1_023, 1_536, 5 << 20, 3 << 30].map(bytes);
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1.5 KiB", "5.0 MiB", "3.00 GiB"]);
    }
}
