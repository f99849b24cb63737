//! A throw-away home: every directory a program could write to, and an environment that names only them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A home directory with its working directory; both are removed when dropped.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    variables: Vec<(String, String)>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Makes the directories. The path is short: the runtime directory holds sockets, whose names are limited.
    pub fn new() -> Self {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("purlin-{}-{n}", std::process::id()));
        // A leftover of an earlier process with the same id is not ours to keep.
        drop(fs::remove_dir_all(&root));
        for directory in ["home", "config", "data", "state", "cache", "run", "work"] {
            fs::create_dir_all(root.join(directory)).expect("the temporary directory is writable");
        }
        Self { root, variables: Vec::new() }
    }

    /// The directory everything is in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The working directory that programs are started in.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The directory of notebooks, artifacts and drafts.
    pub fn data(&self) -> PathBuf {
        self.root.join("data").join("purlin")
    }

    /// The directory of the configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("config").join("purlin")
    }

    /// Sets a further variable for every program started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes the user's `config.toml`.
    pub fn write_config(&self, text: &str) {
        write_file(&self.config().join("config.toml"), text);
    }

    /// Writes a configuration under which extensions may compute for seconds: the machine that runs the tests may be slow
    /// and busy, and their deadlines are no matter of most tests.
    pub fn be_patient(&self) {
        self.write_config(
            "[extensions.limits]\nkey_hard_ms = 5000\nrender_hard_ms = 5000\nmain_hard_ms = 5000\n",
        );
    }

    /// Writes a file of the working directory and answers its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.work().join(name);
        write_file(&path, text);
        path
    }

    /// Writes a script and answers the `--model` that plays it.
    pub fn script(&self, text: &str) -> String {
        let path = self.root.join(format!("script-{}.toml", NEXT.fetch_add(1, Ordering::Relaxed)));
        write_file(&path, text);
        format!("script:{}", path.display())
    }

    /// The whole environment of a program: nothing of the caller's but the search path.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.root.join(name).display().to_string();
        let mut variables = vec![
            ("HOME".to_owned(), path("home")),
            ("XDG_CONFIG_HOME".to_owned(), path("config")),
            ("XDG_DATA_HOME".to_owned(), path("data")),
            ("XDG_STATE_HOME".to_owned(), path("state")),
            ("XDG_CACHE_HOME".to_owned(), path("cache")),
            ("XDG_RUNTIME_DIR".to_owned(), path("run")),
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ];
        variables.extend(self.variables.iter().cloned());
        variables
    }

    /// A command in the working directory with this environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.work());
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What a test made unwritable stays behind; the system clears its temporary directory.
        drop(fs::remove_dir_all(&self.root));
    }
}

fn write_file(path: &Path, text: &str) {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).expect("inside the temporary directory");
    }
    fs::write(path, text).expect("inside the temporary directory");
}
