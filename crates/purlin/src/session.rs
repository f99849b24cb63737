//! Opening a session's notebook: a new one, the newest of a directory, one by its id, or one that is never written.

use std::path::Path;
use std::time::{Duration, Instant};

use purlin_agent::Committer;
use purlin_notebook::{CommitId, Event, NotebookId, StoreError};
use purlin_runtime_core::{Host, new_id};
use purlin_runtime_native::sessions::{self, FindError, FolderError, SessionSummary};
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
    /// What the person should know: a session was to be continued and there was none, or some cannot be read.
    pub notice: Option<String>,
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
        Which::Latest => {
            let listing = sessions::listing(paths).map_err(|error| unlisted(&error))?;
            let unreadable = unreadable(&listing.unreadable);
            let (opened, notice) = match latest(paths, listing.sessions, cwd) {
                Some(Latest::Stored(id)) => (existing(paths, id)?, unreadable),
                Some(Latest::Draft(id)) => (create(paths, id)?, unreadable),
                None => {
                    let said = [Some(FOUND_NONE.to_owned()), unreadable];
                    let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ");
                    (create(paths, NotebookId::from(new_id(host)))?, Some(said))
                }
            };
            Ok(Opened { notice, ..opened })
        }
    }
}

/// Opens a notebook that lives in memory only.
pub fn ephemeral(host: &dyn Host) -> Result<Opened, Report> {
    let notebook =
        SqliteNotebook::in_memory(NotebookId::from(new_id(host))).map_err(|error| report(&error))?;
    Ok(Opened { notebook, resumed: false, notice: None })
}

/// Opens a notebook of this id, which may not exist yet.
pub fn create(paths: &Paths, id: NotebookId) -> Result<Opened, Report> {
    let resumed = paths.notebook(&id).exists();
    let notebook = SqliteNotebook::open(paths, id, OpenMode::Create).map_err(|error| report(&error))?;
    Ok(Opened { notebook, resumed, notice: None })
}

/// Opens a notebook that exists.
pub fn existing(paths: &Paths, id: NotebookId) -> Result<Opened, Report> {
    let notebook = SqliteNotebook::open(paths, id, OpenMode::Existing).map_err(|error| report(&error))?;
    Ok(Opened { notebook, resumed: true, notice: None })
}

enum Latest {
    Stored(NotebookId),
    /// A prompt was typed and never sent: its session has no notebook yet.
    Draft(NotebookId),
}

fn latest(paths: &Paths, listed: Vec<SessionSummary>, cwd: &Path) -> Option<Latest> {
    let stored = listed.into_iter().find(|session| session.cwd.as_deref() == Some(cwd));
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
const FOUND_NONE: &str = "No session of this directory was found to continue; this is a new one.";

/// Says which sessions cannot be read; nothing where all can. At most three are named.
pub fn unreadable(ids: &[NotebookId]) -> Option<String> {
    let named: Vec<String> = ids.iter().take(3).map(|id| format!("`{id}`")).collect();
    let named = named.join(", ");
    match ids.len() {
        0 => None,
        1 => Some(format!("The session {named} cannot be read; `purlin store check` says why.")),
        count @ 2..=3 => {
            Some(format!("{count} sessions cannot be read ({named}); `purlin store check` says why."))
        }
        count => {
            Some(format!("{count} sessions cannot be read ({named}, …); `purlin store check` says why."))
        }
    }
}

/// It is not known which sessions there are.
pub fn unlisted(error: &FolderError) -> Report {
    Report::new(Kind::System, sentence(&error.to_string()))
        .hint("The sessions are not lost by that; they are there again when the folder is.")
}

/// Finds the session whose id is this text, or the only one whose id has it in it.
pub fn find(paths: &Paths, id: &str) -> Result<NotebookId, Report> {
    sessions::find(paths, id).map_err(|error| not_found(id, &error))
}

/// Finds a session that is to be deleted, for which a part of its id has to be long enough.
pub fn find_to_delete(paths: &Paths, id: &str) -> Result<NotebookId, Report> {
    sessions::find_to_delete(paths, id).map_err(|error| not_found(id, &error))
}

fn not_found(id: &str, error: &FindError) -> Report {
    let hint = "`purlin session list` shows the sessions there are.";
    match error {
        FindError::Blank => {
            Report::new(Kind::Usage, "The id of a session is missing: what was given is empty.").hint(hint)
        }
        FindError::None(_) => Report::new(Kind::System, format!("There is no session `{id}`.")).hint(hint),
        FindError::Little { .. } => Report::new(Kind::Usage, sentence(&error.to_string())).hint(hint),
        FindError::Many { .. } => Report::new(Kind::System, error.to_string()).hint(hint),
        FindError::Folder(error) => unlisted(error),
    }
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
