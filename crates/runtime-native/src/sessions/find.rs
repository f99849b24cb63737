//! Finding a session by what a person remembers of its id.

use std::collections::BTreeSet;

use purlin_notebook::NotebookId;

use super::folder::{self, FolderError};
use crate::Paths;

/// The fewest characters of an id's beginning or end that are enough to delete a session.
const ENOUGH: usize = 4;

/// Why a text does not name one session.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// It is empty, or only spaces.
    #[error("the id of a session is missing: what was given is empty; `purlin session list` shows the ids")]
    Blank,
    /// No id has it in it.
    #[error("there is no session `{0}`; `purlin session list` shows those there are")]
    None(String),
    /// It is a part of an id, and not enough of it for what cannot be undone.
    #[error(
        "`{text}` is too little to delete `{id}`; name the whole id, or at least 4 characters of its beginning or end"
    )]
    Little {
        /// What was looked for.
        text: String,
        /// The id that has it in it.
        id: String,
    },
    /// Several ids have.
    #[error("`{text}` is part of the ids of {} sessions:\n{}", ids.len(), ids.join("\n"))]
    Many {
        /// What was looked for.
        text: String,
        /// The ids that have it in them, sorted.
        ids: Vec<String>,
    },
    /// The folder of the sessions cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Finds the session whose id is this text, or else the only one whose id ends with it, begins with it, or has it in it.
///
/// Ends come first: lists show them as short ids, because ids begin with the time and look alike there.
pub fn find(paths: &Paths, text: &str) -> Result<NotebookId, FindError> {
    if text.trim().is_empty() {
        return Err(FindError::Blank);
    }
    let whole = NotebookId::from(text);
    if whole.is_valid() && paths.notebook(&whole).exists() {
        return Ok(whole);
    }
    let ids =
        folder::names(paths)?.into_iter().filter_map(|name| name.strip_suffix(".db").map(str::to_owned));
    one_of(ids.collect(), text)
}

/// Finds a session that is to be deleted, as [`find`] does, but by the whole id or at least four characters of its
/// beginning or end only. One of which nothing but a damaged file is left is found too.
pub fn find_to_delete(paths: &Paths, text: &str) -> Result<NotebookId, FindError> {
    if text.trim().is_empty() {
        return Err(FindError::Blank);
    }
    let names = folder::names(paths)?;
    // Ids have no dots, so what stands before the first one is the id.
    let ids: BTreeSet<String> = names
        .iter()
        .filter_map(|name| name.split_once('.').filter(|(_, rest)| *rest == "db" || folder::is_kept(rest)))
        .map(|(id, _)| id.to_owned())
        .collect();
    if ids.contains(text) {
        return Ok(NotebookId::from(text));
    }
    let id = one_of(ids, text)?;
    let is_enough = text.len() >= ENOUGH && (id.as_str().ends_with(text) || id.as_str().starts_with(text));
    if is_enough { Ok(id) } else { Err(FindError::Little { text: text.to_owned(), id: id.to_string() }) }
}

fn one_of(ids: BTreeSet<String>, text: &str) -> Result<NotebookId, FindError> {
    let ids: Vec<String> = ids.into_iter().filter(|id| id.contains(text)).collect();
    let ways: [&dyn Fn(&&String) -> bool; 2] = [&|id| id.ends_with(text), &|id| id.starts_with(text)];
    for way in ways {
        let mut found = ids.iter().filter(way);
        if let (Some(only), None) = (found.next(), found.next()) {
            return Ok(NotebookId::from(only.as_str()));
        }
    }
    match &ids[..] {
        [] => Err(FindError::None(text.to_owned())),
        [only] => Ok(NotebookId::from(only.as_str())),
        _ => Err(FindError::Many { text: text.to_owned(), ids }),
    }
}
