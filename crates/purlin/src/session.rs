//! Opening a session's notebook: a new one, the newest of a directory, one by its id, or one that is never written.

use std::path::Path;
use std::time::{Duration, Instant};

use purlin_agent::Committer;
use purlin_notebook::{CommitId, Event, NotebookId, StoreError};
use purlin_runtime_core::{Host, new_id};
use purlin_runtime_native::sessions::{self, FindError};
use purlin_runtime_native::{Index, OpenError, OpenMode, Paths, SqliteNotebook, StoreClient};

use futures_util::future::LocalBoxFuture;

use crate::args::Which;
use crate::drafts::{Draft, Drafts};
use crate::report::{Kind, Report};

/// An open notebook and what is known of it.
pub struct Opened {
    /// The notebook.
    pub notebook: SqliteNotebook,
    /// Whether it existed before.
    pub resumed: bool,
    /// Whether a session was to be continued and there was none.
    pub found_none: bool,
}

/// Commits through the store thread, without blocking.
pub struct Client(pub StoreClient);

impl Committer for Client {
    fn post(&self, events: Vec<Event>) -> LocalBoxFuture<'static, Result<CommitId, StoreError>> {
        Box::pin(self.0.post(events))
    }
}

/// Opens the session that was asked for.
pub fn open(paths: &Paths, cwd: &Path, which: &Which, host: &dyn Host) -> Result<Opened, Report> {
    match which {
        Which::New => create(paths, NotebookId::from(new_id(host))),
        Which::Ephemeral => ephemeral(host),
        Which::Id(id) => existing(paths, find(paths, id)?),
        Which::Latest => match latest(paths, cwd) {
            Some(Latest::Stored(id)) => existing(paths, id),
            Some(Latest::Draft(id)) => create(paths, id),
            None => {
                let opened = create(paths, NotebookId::from(new_id(host)))?;
                Ok(Opened { found_none: true, ..opened })
            }
        },
    }
}

/// Opens a notebook that lives in memory only.
pub fn ephemeral(host: &dyn Host) -> Result<Opened, Report> {
    let notebook =
        SqliteNotebook::in_memory(NotebookId::from(new_id(host))).map_err(|error| report(&error))?;
    Ok(Opened { notebook, resumed: false, found_none: false })
}

/// Opens a notebook of this id, which may not exist yet.
pub fn create(paths: &Paths, id: NotebookId) -> Result<Opened, Report> {
    let resumed = paths.notebook(&id).exists();
    let notebook = SqliteNotebook::open(paths, id, OpenMode::Create).map_err(|error| report(&error))?;
    Ok(Opened { notebook, resumed, found_none: false })
}

/// Opens a notebook that exists.
pub fn existing(paths: &Paths, id: NotebookId) -> Result<Opened, Report> {
    let notebook = SqliteNotebook::open(paths, id, OpenMode::Existing).map_err(|error| report(&error))?;
    Ok(Opened { notebook, resumed: true, found_none: false })
}

enum Latest {
    Stored(NotebookId),
    /// A prompt was typed and never sent: its session has no notebook yet.
    Draft(NotebookId),
}

fn latest(paths: &Paths, cwd: &Path) -> Option<Latest> {
    let stored = sessions::latest_for(paths, cwd);
    let draft = Drafts::new(paths.drafts()).latest_for(cwd);
    let later = |draft: &Draft| stored.as_ref().is_none_or(|stored| draft.saved_at > stored.updated_at);
    match draft.filter(later) {
        Some(draft) => {
            let id = NotebookId::from(draft.session);
            let stored = paths.notebook(&id).exists();
            Some(if stored { Latest::Stored(id) } else { Latest::Draft(id) })
        }
        None => stored.map(|stored| Latest::Stored(stored.id)),
    }
}

/// How long the end of a session may be spent on the index; whoever searches next does the rest.
const INDEXING: Duration = Duration::from_millis(150);

/// Brings the index up to date with a session that this process is about to close. Nobody works in it any more.
pub fn index(paths: &Paths, notebook: &SqliteNotebook) {
    if notebook.path().is_some_and(Path::exists) {
        // What is left is said by the answer, and done by whoever searches.
        Index::open(paths).update_one(&notebook.replica().store_id, Some(Instant::now() + INDEXING));
    }
}

/// What is said where a session was to be continued and there was none.
pub const FOUND_NONE: &str = "No session of this directory was found to continue; this is a new one.";

/// Finds the session whose id is this text, or the only one whose id has it in it.
pub fn find(paths: &Paths, id: &str) -> Result<NotebookId, Report> {
    sessions::find(paths, id).map_err(|error| {
        let hint = "`purlin session list` shows the sessions there are.";
        match error {
            FindError::None(_) => {
                Report::new(Kind::System, format!("There is no session `{id}`.")).hint(hint)
            }
            FindError::Many { .. } => Report::new(Kind::System, error.to_string()).hint(hint),
        }
    })
}

fn report(error: &OpenError) -> Report {
    Report::new(Kind::System, sentence(&error.to_string()))
}

/// Makes a sentence of an error's text.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}
