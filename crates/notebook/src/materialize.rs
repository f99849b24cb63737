//! The materializer: the pure function from an event to changes of the tables.
//!
//! [`apply`] is the only one; the memory store and the SQLite store both call it. It reads nothing but the event, who
//! committed it, and how many rows a change touched; a guarded-out event changes nothing.

use crate::event::Event;
use crate::tables::{Bind, DerivedTables, Op, Set, TableError};

mod base;
mod execution;
mod javascript;
mod ours;
mod outputs;

/// Who committed an event: two columns of the log. One guard asks for it (see `materialize/execution.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author<'a> {
    /// The replica's installation.
    pub client_id: &'a str,
    /// The run of its program.
    pub session_id: &'a str,
}

/// Applies an event to the tables. An event this build does not know changes nothing.
///
/// # Example
/// ```
/// use purlin_notebook::{Event, NotebookId, MemoryStore, Store, StoreExt};
/// let store = MemoryStore::new(NotebookId::from("n"), std::rc::Rc::new(|| 0));
/// store.commit(&[Event::NotebookTitleChanged { title: "Plans".into() }])?;
/// assert_eq!(store.metadata()?["title"], "Plans");
/// # Ok::<(), purlin_notebook::StoreError>(())
/// ```
pub fn apply(event: &Event, author: Author<'_>, tables: &mut dyn DerivedTables) -> Result<(), TableError> {
    if let Some(done) = base::apply(event, tables) {
        return done;
    }
    if let Some(done) = execution::apply(event, author, tables) {
        return done;
    }
    if let Some(done) = outputs::apply(event, tables) {
        return done;
    }
    ours::apply(event, tables).unwrap_or(Ok(()))
}

type Done = Option<Result<(), TableError>>;

/// Carries out one change and forgets how many rows it touched.
fn run(tables: &mut dyn DerivedTables, op: &'static Op, binds: &[Bind<'_>]) -> Result<(), TableError> {
    tables.execute(op, binds).map(|_| ())
}

fn json(value: &impl serde::Serialize) -> Bind<'static> {
    // Values of events are JSON already; what is not becomes nothing, as in the base applications.
    serde_json::to_string(value).map_or(Bind::Null, Bind::from)
}

static PRESENCE: Op = Op::new(
    crate::tables::Table::Presence,
    crate::tables::Verb::InsertOrReplace,
    &[Set::Bind("userId"), Set::Bind("cellId")],
    &[],
);

fn presence(tables: &mut dyn DerivedTables, user: &str, cell: Option<&str>) -> Result<(), TableError> {
    run(tables, &PRESENCE, &[user.into(), cell.into()])
}

/// Sets presence where the event says who acted.
fn presence_of(tables: &mut dyn DerivedTables, actor: Option<&String>, cell: &str) -> Result<(), TableError> {
    actor.map_or(Ok(()), |actor| presence(tables, actor, Some(cell)))
}
