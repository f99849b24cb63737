//! Finding a session by what a person remembers of its id.

use std::fs;

use purlin_notebook::NotebookId;

use crate::Paths;

/// Why a text does not name one session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No id has it in it.
    #[error("there is no session `{0}`; `purlin session list` shows those there are")]
    None(String),
    /// Several ids have.
    #[error("`{text}` is part of the ids of {} sessions:\n{}", ids.len(), ids.join("\n"))]
    Many {
        /// What was looked for.
        text: String,
        /// The ids that have it in them, sorted.
        ids: Vec<String>,
    },
}

/// Finds the session whose id is this text, or else the only one whose id ends with it, begins with it, or has it in it.
///
/// Ends come first: lists show them as short ids, because ids begin with the time and look alike there.
pub fn find(paths: &Paths, text: &str) -> Result<NotebookId, FindError> {
    let whole = NotebookId::from(text);
    if whole.is_valid() && paths.notebook(&whole).exists() {
        return Ok(whole);
    }
    let mut ids: Vec<String> = fs::read_dir(paths.notebooks())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".db").map(str::to_owned))
        .filter(|id| id.contains(text))
        .collect();
    ids.sort();
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
