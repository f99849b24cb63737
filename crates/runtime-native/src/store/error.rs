//! What can go wrong with a notebook's file, in words that name the file and the way out.

use std::io;
use std::path::{Path, PathBuf};

use purlin_notebook::{NotebookId, StoreError};
use rusqlite::ErrorCode;

/// Why a notebook cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The id may not name a file.
    #[error("`{0}` cannot be a session's id: letters, digits, `_` and `-` can, at most 128 of them")]
    Id(NotebookId),
    /// There is no such notebook.
    #[error("there is no session `{id}`; `purlin session list` shows those there are")]
    NotFound {
        /// The notebook.
        id: String,
    },
    /// Nothing can be written where notebooks are kept.
    #[error(
        "`{}` cannot be written ({source}); make it writable, set `XDG_DATA_HOME` to a directory that is, or use \
         `--no-session` to work without saving",
        path.display()
    )]
    NotWritable {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged. It was not overwritten.
    #[error(
        "`{}` is damaged ({why}); it was kept as `{}`, and the other sessions are not affected. `purlin store repair {}` \
         saves what can be read of it",
        path.display(), kept.display(), path.file_stem().unwrap_or_default().display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where it is now.
        kept: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file is damaged, and was left where it is: somebody only looked at it.
    #[error(
        "`{}` is damaged ({why}); `purlin store repair {}` saves what can be read of it",
        path.display(), path.file_stem().unwrap_or_default().display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file is a database of some other program. It was left alone.
    #[error("`{}` is not a session of purlin; move it away if its name is wanted", path.display())]
    NotANotebook {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("`{}` cannot be opened: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system gave no thread or no pipe.
    #[error("the store thread could not be started: {0}")]
    Thread(#[source] io::Error),
}

/// Tells what a database error means for whoever committed.
pub(super) fn explain(error: &rusqlite::Error, path: Option<&Path>) -> StoreError {
    let file =
        path.map_or_else(|| "the session in memory".to_owned(), |path| format!("`{}`", path.display()));
    let Some(code) = error.sqlite_error_code() else {
        return StoreError::Backend(format!("{file} could not be written: {error}"));
    };
    let message = match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => return StoreError::Busy,
        ErrorCode::DiskFull => disk_full(&file),
        ErrorCode::SystemIoFailure if is_no_space(error) => disk_full(&file),
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => format!(
            "{file} cannot be written ({error}); make it and its directory writable, or set `XDG_DATA_HOME` to a \
             directory that is"
        ),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(&file, error, path),
        ErrorCode::SystemIoFailure => {
            format!("{file} could not be written ({error}); check the disk, and send again")
        }
        _ => format!("{file} could not be written: {error}"),
    };
    StoreError::Backend(message)
}

fn damaged(file: &str, error: &rusqlite::Error, path: Option<&Path>) -> String {
    let way = path.and_then(Path::file_stem).map_or_else(String::new, |id| {
        format!(
            ". Close the session; `purlin store repair {}` then saves what can be read of it",
            id.display()
        )
    });
    format!("{file} is damaged ({error}); nothing was overwritten{way}")
}

fn disk_full(file: &str) -> String {
    format!(
        "the disk is full: {file} could not be written. Free some space and send again; what was saved before is safe"
    )
}

/// The file that processes share beside the log is grown by writing to it, which fails as an input/output error.
fn is_no_space(error: &rusqlite::Error) -> bool {
    let extended = match error {
        rusqlite::Error::SqliteFailure(failure, _) => failure.extended_code,
        _ => return false,
    };
    extended == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
}
