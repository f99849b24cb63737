//! Configuration: defaults, the user's file, the project's file, `PURLIN_*` variables, flags; the later wins.
//!
//! Every setting is declared once in [`options`]; reading, checking, the nearest-name suggestion, the variables and
//! what a project may set all come from that table. A project's file may only set what is marked safe there: a
//! cloned repository must not load code or send a key elsewhere.

mod file;
mod live;
mod options;
mod settings;
mod write;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

pub(crate) use live::{Change, Live};
use options::Setting;
pub use options::{DECLARED, Declared, Shape};
use settings::Origin;
pub use settings::{AgentLimits, Config, KeySetting, Provider};

use crate::report::Report;

/// A configuration and what is to be said about it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Sentences for the person: unknown keys, settings that a project may not make.
    pub notices: Vec<String>,
    /// The settings that somebody made, by their path, as extensions see them.
    pub values: BTreeMap<Vec<String>, Json>,
}

/// Where the layers are read from.
#[derive(Clone, Debug)]
pub struct Sources<'a> {
    /// The user's file.
    pub user: PathBuf,
    /// Whether the user's file was named explicitly, so that its absence is an error.
    pub explicit: bool,
    /// The working directory, where the project's file is looked for.
    pub cwd: &'a Path,
}

/// Reads all layers but the flags.
pub fn load(sources: &Sources<'_>, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Loaded, Report> {
    let mut loaded = Loaded::default();
    if let Some(text) = file::read(&sources.user, sources.explicit)? {
        let layer = file::parse(&sources.user, &text)?;
        loaded.take(layer, &sources.user, true);
    }
    if let Some((path, text)) = project_file(sources)? {
        let layer = file::parse(&path, &text)?;
        loaded.take(layer, &path, false);
    }
    for declared in DECLARED {
        let Some(variable) = declared.variable() else { continue };
        let Some(text) = env(&variable) else { continue };
        let value = declared.variable_value(&variable, &text.to_string_lossy())?;
        let path: Vec<&str> = declared.path.split('.').collect();
        loaded.values.insert(path.iter().map(|part| (*part).to_owned()).collect(), value.to_json());
        loaded.config.set(&path, value, None);
    }
    Ok(loaded)
}

/// Finds the project's file: in the working directory, else in the nearest directory above it up to the repository's
/// root. Without a repository only the working directory counts.
fn project_file(sources: &Sources<'_>) -> Result<Option<(PathBuf, String)>, Report> {
    for path in candidates(sources) {
        if let Some(text) = file::read(&path, false)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// The files that may be the project's, the nearest first.
fn candidates(sources: &Sources<'_>) -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    for directory in sources.cwd.ancestors() {
        candidates.push(directory.join(".purlin").join("config.toml"));
        if directory.join(".git").exists() {
            break;
        }
        if directory.parent().is_none() {
            candidates.truncate(1);
        }
    }
    // A home directory that is itself the project must not be read twice.
    candidates.retain(|path| *path != sources.user);
    candidates
}

impl Loaded {
    fn take(&mut self, layer: file::Layer, path: &Path, trusted: bool) {
        self.notices.extend(layer.unknown);
        let mut refused = Vec::new();
        for Setting { path: key, value, declared, line } in layer.settings {
            if trusted || declared.project {
                let keys: Vec<&str> = key.iter().map(String::as_str).collect();
                self.values.insert(key.clone(), value.to_json());
                self.config.set(&keys, value, Some(Origin { file: path, line }));
            } else {
                refused.push(format!("`{}`", key.join(".")));
            }
        }
        if !refused.is_empty() {
            self.notices.push(format!(
                "{} sets {}, which only your own configuration may set; ignored.",
                path.display(),
                refused.join(", ")
            ));
        }
    }
}

#[cfg(test)]
mod tests;
