//! What extensions keep and what people choose for them: state in files, options from the environment.
//!
//! State of the person and of a project lies in one file for each extension below the state directory, written whole and
//! moved into place. State of a session lives as long as the process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use purlin_kernel::{Chosen, HandlerError, Kernel, MemoryState, Scope, StateStore};
use purlin_runtime_native::Paths;
use serde_json::{Map, Value};

/// Says to a kernel where the state of its extensions is kept and where options come from; called before any is loaded.
pub fn wire(kernel: &Kernel, paths: &Paths, cwd: &Path) {
    let root = paths.state.join("extensions");
    let kept = Kept {
        user: root.join("user"),
        project: root.join(format!("project-{:016x}", fingerprint(cwd))),
        session: MemoryState::default(),
        read: RefCell::default(),
    };
    kernel.state().keep_in(Rc::new(kept));
    kernel.option().choose_from(Rc::new(Environment));
}

/// Has the options of extensions chosen by the environment alone, and their state kept as long as the process lives.
pub fn wire_environment(kernel: &Kernel) {
    kernel.option().choose_from(Rc::new(Environment));
}

/// A short name for a folder, the same in every version (FNV-1a).
fn fingerprint(folder: &Path) -> u64 {
    let bytes = folder.as_os_str().as_encoded_bytes();
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The environment of this process.
struct Environment;

impl Chosen for Environment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn configured(&self, _: &str, _: &str) -> Option<Value> {
        None
    }
}

/// State in files, each read once.
struct Kept {
    user: PathBuf,
    project: PathBuf,
    session: MemoryState,
    read: RefCell<BTreeMap<PathBuf, Map<String, Value>>>,
}

impl Kept {
    /// The file of an extension; nothing for the scope that has none.
    fn file(&self, scope: Scope, extension: &str) -> Option<PathBuf> {
        let folder = match scope {
            Scope::Session => return None,
            Scope::Project => &self.project,
            Scope::User => &self.user,
        };
        // A name may hold what a file name must not.
        let safe: String = extension
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
            .collect();
        Some(folder.join(format!("{safe}.json")))
    }

    fn with<T>(
        &self,
        file: &Path,
        use_it: impl FnOnce(&mut Map<String, Value>) -> T,
    ) -> Result<T, HandlerError> {
        let mut read = self.read.borrow_mut();
        if !read.contains_key(file) {
            read.insert(file.to_owned(), load(file)?);
        }
        Ok(use_it(read.entry(file.to_owned()).or_default()))
    }
}

fn failed(what: &str, file: &Path, why: &str) -> HandlerError {
    HandlerError::new(format!("the state in `{}` cannot be {what}: {why}", file.display()))
}

fn load(file: &Path) -> Result<Map<String, Value>, HandlerError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(failed("read", file, &error.to_string())),
    };
    serde_json::from_str(&text).map_err(|error| failed("read", file, &error.to_string()))
}

/// Writes the whole file beside its place and moves it there.
fn save(file: &Path, values: &Map<String, Value>) -> Result<(), HandlerError> {
    let write = || -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let next = file.with_extension(format!("{}.next", std::process::id()));
        fs::write(&next, serde_json::to_vec_pretty(values)?)?;
        fs::rename(&next, file)
    };
    write().map_err(|error| failed("written", file, &error.to_string()))
}

impl StateStore for Kept {
    fn get(&self, scope: Scope, extension: &str, key: &str) -> Result<Option<Value>, HandlerError> {
        match self.file(scope, extension) {
            Some(file) => self.with(&file, |values| values.get(key).cloned()),
            None => self.session.get(scope, extension, key),
        }
    }

    fn set(
        &self,
        scope: Scope,
        extension: &str,
        key: &str,
        value: Option<Value>,
    ) -> Result<(), HandlerError> {
        let Some(file) = self.file(scope, extension) else {
            return self.session.set(scope, extension, key, value);
        };
        let values = self.with(&file, |values| {
            let mut next = values.clone();
            match value {
                Some(value) => drop(next.insert(key.to_owned(), value)),
                None => drop(next.shift_remove(key)),
            }
            next
        })?;
        // What could not be written is not kept either: the next run must not find less than this one.
        save(&file, &values)?;
        self.with(&file, |kept| *kept = values)
    }

    fn keys(&self, scope: Scope, extension: &str) -> Result<Vec<String>, HandlerError> {
        let Some(file) = self.file(scope, extension) else { return self.session.keys(scope, extension) };
        self.with(&file, |values| {
            let mut keys: Vec<String> = values.keys().cloned().collect();
            keys.sort();
            keys
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept(folder: &Path) -> Kept {
        Kept {
            user: folder.join("user"),
            project: folder.join("project"),
            session: MemoryState::default(),
            read: RefCell::default(),
        }
    }

    #[test]
    fn state_of_the_person_and_the_project_is_there_in_the_next_run() {
        let folder = std::env::temp_dir().join(format!("purlin-keep-{}", std::process::id()));
        let first = kept(&folder);
        for scope in [Scope::User, Scope::Project, Scope::Session] {
            first.set(scope, "my/ext", "k", Some(json!([scope.as_str()]))).expect("it is kept");
        }
        first.set(Scope::User, "my/ext", "gone", Some(json!(1))).expect("it is kept");
        first.set(Scope::User, "my/ext", "gone", None).expect("it is forgotten");
        let next = kept(&folder);
        assert_eq!(next.get(Scope::User, "my/ext", "k"), Ok(Some(json!(["user"]))));
        assert_eq!(next.get(Scope::Project, "my/ext", "k"), Ok(Some(json!(["project"]))));
        assert_eq!(next.get(Scope::Session, "my/ext", "k"), Ok(None));
        assert_eq!(next.keys(Scope::User, "my/ext"), Ok(vec!["k".to_owned()]));
        assert_eq!(next.keys(Scope::User, "other"), Ok(Vec::new()));
        fs::write(folder.join("user/broken.json"), "{").expect("a file");
        let error = next.get(Scope::User, "broken", "k").expect_err("a broken file");
        assert!(error.message.contains("broken.json` cannot be read"), "{error}");
        fs::remove_dir_all(&folder).expect("the folder can go");
    }
}
