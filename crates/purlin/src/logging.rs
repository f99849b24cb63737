//! The log: a file, never the terminal. The file is opened by the first line that is worth one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use purlin_runtime_native::private;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Beyond this size a log is begun anew; the one before is kept beside it.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Logs to this file from now on: warnings and errors, or what `PURLIN_LOG` asks for (`off` to `trace`).
pub fn begin(file: PathBuf, level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        // A log that cannot be written would complain on standard error, in the middle of the screen.
        .log_internal_errors(false)
        .with_writer(Lazily { path: file, file: Mutex::new(None) })
        .finish();
    // A program that embeds this one may have a log of its own, which then stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Opens the file when there is something to write.
struct Lazily {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl Lazily {
    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            private::folder(folder)?;
        }
        if fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > LARGEST) {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        private::options().create(true).append(true).open(&self.path)
    }
}

/// One line on its way to the file.
struct Line<'a>(&'a Lazily);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = Some(self.0.open()?);
        }
        match &mut *file {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lazily {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}
