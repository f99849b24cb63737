//! `purlin session …`: for people who like to look.

mod artifact;
mod delete;
mod list;
mod log;
mod search;
mod show;
mod tables;

pub use list::end;
pub use search::progress;

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use purlin_notebook::NotebookId;
use purlin_runtime_native::sessions::SessionSummary;
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook, SqliteStore, sessions};

use crate::args::{Options, SessionCommand};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::session::{self, sentence};
use crate::start::{self, variable};

/// Carries out what was asked; the exit code if nothing failed.
pub fn run(command: &SessionCommand, options: &Options) -> Result<u8, Report> {
    let place = Place { paths: start::paths(&variable)?, options };
    let mut console = Console::new();
    let done = match command {
        SessionCommand::List { here, limit, json } => list::run(&place, &mut console, *here, *limit, *json),
        SessionCommand::Show { id, full } => show::run(&place, &mut console, id.as_deref(), *full),
        SessionCommand::Artifact { name: Some(name), output, .. } => {
            artifact::print(&place, &mut console, name, output.as_deref())
        }
        SessionCommand::Artifact { name: None, session, json, .. } => {
            artifact::list(&place, &mut console, session.as_deref(), *json)
        }
        SessionCommand::Log { id, since, follow, json } => {
            let wanted = log::Wanted { since: *since, follow: *follow, json: *json };
            log::run(&place, &mut console, id.as_deref(), &wanted)
        }
        SessionCommand::Dump { id } => tables::dump(&place, &mut console, id.as_deref()),
        SessionCommand::Replay { id } => tables::replay(&place, &mut console, id.as_deref()),
        SessionCommand::Search { words, limit, json } => {
            search::run(&place, &mut console, words, *limit, *json)
        }
        SessionCommand::Delete { ids, yes } => delete::run(&place, &mut console, ids, *yes),
    };
    finish(&mut console, done)
}

/// Hands over what was printed; a reader that has left is no failure.
pub fn finish(console: &mut Console, done: Result<u8, Stop>) -> Result<u8, Report> {
    let code = match done {
        Ok(code) => code,
        Err(Stop::Unread) => return Ok(0),
        Err(Stop::Failed(report)) => {
            // What was printed before belongs before the message; the failure is the one to tell.
            drop(console.flush());
            return Err(report);
        }
    };
    match console.flush() {
        Ok(()) | Err(Stop::Unread) => Ok(code),
        Err(Stop::Failed(report)) => Err(report),
    }
}

/// Where sessions are looked for.
pub struct Place<'a> {
    /// The directories of this installation.
    pub paths: Paths,
    /// The options of the command line.
    pub options: &'a Options,
}

impl Place<'_> {
    /// The session of an id, or else the newest of the working directory.
    pub fn find(&self, id: Option<&str>) -> Result<NotebookId, Report> {
        if let Some(id) = id {
            return session::find(&self.paths, id);
        }
        let cwd = start::working_directory(self.options.cwd.as_deref())?;
        let listing = sessions::listing(&self.paths).map_err(|error| session::unlisted(&error))?;
        let found = listing.sessions.into_iter().find(|session| session.cwd.as_ref() == Some(&cwd));
        found.map(|session| session.id).ok_or_else(|| {
            let unreadable = session::unreadable(&listing.unreadable).map(|text| format!(" {text}"));
            let text =
                format!("No session was begun in `{}`.{}", cwd.display(), unreadable.unwrap_or_default());
            Report::new(Kind::System, text)
                .hint("`purlin session list` shows those of all directories; name one of them.")
        })
    }

    /// Opens a session for reading.
    pub fn open(&self, id: NotebookId) -> Result<(SqliteNotebook, Rc<SqliteStore>), Report> {
        let failed =
            |error: purlin_runtime_native::OpenError| Report::new(Kind::System, sentence(&error.to_string()));
        let notebook = SqliteNotebook::open(&self.paths, id, OpenMode::ReadOnly).map_err(failed)?;
        let store = notebook.store().map_err(failed)?;
        Ok((notebook, Rc::new(store)))
    }
}

/// What a session is called in lists: its name, or else the beginning of its first prompt.
pub fn title(session: &SessionSummary) -> String {
    let title = session.name.as_deref().or(session.first_prompt.as_deref()).unwrap_or("(empty)");
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A moment as people write it, in a format of `strftime`; empty for one that is no date.
pub fn moment(at: i64, format: &str) -> String {
    Timestamp::from_millisecond(at)
        .map(|time| time.to_zoned(TimeZone::system()).strftime(format).to_string())
        .unwrap_or_default()
}

/// The failure of a store.
pub fn unreadable(error: &purlin_notebook::StoreError) -> Report {
    Report::new(Kind::System, sentence(&error.to_string()))
}
