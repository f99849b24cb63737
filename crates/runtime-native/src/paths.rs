//! Where things lie: configuration, notebooks, artifacts, drafts, logs, sockets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use purlin_notebook::NotebookId;

/// The directories of one user, by the XDG rules.
///
/// Nothing is made here: each directory appears when something is first written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Configuration and keys.
    pub config: PathBuf,
    /// Notebooks and artifacts: what must not be lost.
    pub data: PathBuf,
    /// Logs and drafts: what is good to have.
    pub state: PathBuf,
    /// Sockets of running processes.
    pub runtime: PathBuf,
}

/// The environment does not say where the user's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither `HOME` nor the `XDG_…_HOME` variables are set, so there is no place for sessions; set `HOME`"
)]
pub struct NoHome;

impl Paths {
    /// Finds the directories from the environment, which is asked through `get`.
    ///
    /// A relative path in an `XDG` variable does not count, as the XDG rules demand. Where there is no runtime
    /// directory, sockets lie beside the logs.
    pub fn from_env(get: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, NoHome> {
        let absolute = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let find = |name: &str, below_home: &str| {
            let base = absolute(name).or_else(|| home.as_ref().map(|home| home.join(below_home)));
            base.map(|base| base.join("purlin")).ok_or(NoHome)
        };
        let state = find("XDG_STATE_HOME", ".local/state")?;
        let runtime = absolute("XDG_RUNTIME_DIR").map_or_else(|| state.join("run"), |dir| dir.join("purlin"));
        Ok(Self {
            config: find("XDG_CONFIG_HOME", ".config")?,
            data: find("XDG_DATA_HOME", ".local/share")?,
            state,
            runtime,
        })
    }

    /// Puts everything below one directory, for tests and for programs that keep their own.
    pub fn below(root: &Path) -> Self {
        Self {
            config: root.join("config"),
            data: root.join("data"),
            state: root.join("state"),
            runtime: root.join("run"),
        }
    }

    /// Returns the directory of the notebooks.
    pub fn notebooks(&self) -> PathBuf {
        self.data.join("notebooks")
    }

    /// Returns the file of a notebook.
    pub fn notebook(&self, id: &NotebookId) -> PathBuf {
        self.notebooks().join(format!("{id}.db"))
    }

    /// Returns the file of the index of all sessions. It stands beside the notebooks' directory rather than in it, so
    /// that a session may have any name.
    pub fn index(&self) -> PathBuf {
        self.data.join("index.db")
    }

    /// Returns the directory of the artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.data.join("artifacts")
    }

    /// Returns the directory of the composers' drafts.
    pub fn drafts(&self) -> PathBuf {
        self.state.join("drafts")
    }

    /// Returns the file of a notebook's draft.
    pub fn draft(&self, id: &NotebookId) -> PathBuf {
        self.drafts().join(format!("{id}.json"))
    }

    /// Returns the file that messages are logged to.
    pub fn log_file(&self) -> PathBuf {
        self.state.join("purlin.log")
    }

    /// Returns the directory of the locks that tell which runtime sessions are alive.
    pub fn locks(&self) -> PathBuf {
        self.data.join("locks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(vars: &[(&str, &str)]) -> Result<Paths, NoHome> {
        Paths::from_env(&|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn home_is_enough() {
        let paths = paths(&[("HOME", "/h")]).unwrap();
        assert_eq!(paths.config, Path::new("/h/.config/purlin"));
        assert_eq!(paths.data, Path::new("/h/.local/share/purlin"));
        assert_eq!(paths.state, Path::new("/h/.local/state/purlin"));
        assert_eq!(paths.runtime, Path::new("/h/.local/state/purlin/run"));
    }

    #[test]
    fn xdg_variables_win_where_they_are_absolute() {
        let paths = paths(&[
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_STATE_HOME", "s"),
            ("XDG_RUNTIME_DIR", "/r"),
        ]);
        let paths = paths.unwrap();
        assert_eq!(paths.notebook(&"n1".into()), Path::new("/d/purlin/notebooks/n1.db"));
        assert_eq!(paths.state, Path::new("/h/.local/state/purlin"));
        assert_eq!(paths.runtime, Path::new("/r/purlin"));
    }

    #[test]
    fn no_home_is_an_error_that_says_what_to_set() {
        assert!(paths(&[]).unwrap_err().to_string().contains("set `HOME`"));
    }
}
