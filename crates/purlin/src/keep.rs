//! What extensions keep: in files for a person and a project, in the store for a session.
//!
//! State of the person and of a project lies in one file for each extension below the state directory, written whole and
//! moved into place. State of a session is part of its notebook. Before the session is open it is answered from the store
//! alone, and what is set waits until then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use purlin_agent::Session;
use purlin_kernel::{Chosen, ExtId, HandlerError, Kernel, MemoryState, Scope, StateStore, WeakKernel};
use purlin_notebook::{Store, StoreExt};
use purlin_runtime_native::Paths;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Map, Value};

use crate::files;
use crate::start::variable;

/// Where the state of the open session is kept. Clones are the same place.
#[derive(Clone, Default)]
pub struct SessionState(Rc<RefCell<Place>>);

/// What is known of the session.
#[derive(Default)]
struct Place {
    /// The open session.
    session: Option<Session>,
    /// The store of one that is about to be opened.
    store: Option<Rc<dyn Store>>,
    /// What was set while there was no session.
    early: MemoryState,
    /// The order in which that happened, by extension and key.
    order: Vec<(String, String)>,
}

/// Says to a kernel where the state of its extensions is kept; called before any is loaded.
///
/// Without `writes` nothing is written: what is set lives as long as the process.
pub fn wire(kernel: &Kernel, paths: &Paths, cwd: &Path, writes: bool) -> SessionState {
    let root = paths.state.join("extensions");
    let session = SessionState::default();
    let kept = Kept {
        kernel: kernel.downgrade(),
        user: root.join("user"),
        project: root.join(format!("project-{:016x}", fingerprint(cwd))),
        session: session.clone(),
        writes,
        read: RefCell::default(),
    };
    kernel.state().keep_in(Rc::new(kept));
    session
}

/// The environment of this process.
struct Environment;

impl Chosen for Environment {
    fn variable(&self, name: &str) -> Option<String> {
        variable(name).and_then(|value| value.into_string().ok())
    }

    fn configured(&self, _: &str, _: &str) -> Option<Value> {
        None
    }
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

impl SessionState {
    /// Reads from this store until the session is open.
    pub fn attach(&self, store: Rc<dyn Store>) {
        self.0.borrow_mut().store = Some(store);
    }

    /// Keeps state in this session from now on, beginning with what was set before.
    pub fn open(&self, session: &Session) {
        let early = {
            let mut place = self.0.borrow_mut();
            place.store = None;
            place.session = Some(session.clone());
            (std::mem::take(&mut place.order), std::mem::take(&mut place.early))
        };
        for (extension, key) in early.0 {
            // What is in memory can always be read.
            let value = early.1.get(Scope::Session, &extension, &key).ok().flatten();
            commit(session, None, &extension, &key, value);
        }
    }

    /// Lets go of the session.
    pub fn close(&self) {
        self.0.take();
    }

    fn get(&self, extension: &str, key: &str) -> Result<Option<Value>, HandlerError> {
        let place = self.0.borrow();
        if let Some(session) = &place.session {
            return session.kept(extension, key).map_err(unreadable);
        }
        if place.order.iter().any(|(owner, name)| owner == extension && name == key) {
            return place.early.get(Scope::Session, extension, key);
        }
        let Some(store) = &place.store else { return Ok(None) };
        let rows = store.state(extension, Some(key)).map_err(unreadable)?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    fn set(
        &self,
        kernel: &WeakKernel,
        extension: &str,
        key: &str,
        value: Option<Value>,
    ) -> Result<(), HandlerError> {
        let mut place = self.0.borrow_mut();
        if let Some(session) = &place.session {
            commit(session, Some(kernel.clone()), extension, key, value);
            return Ok(());
        }
        place.early.set(Scope::Session, extension, key, value)?;
        let name = (extension.to_owned(), key.to_owned());
        if !place.order.contains(&name) {
            place.order.push(name);
        }
        Ok(())
    }

    fn keys(&self, extension: &str) -> Result<Vec<String>, HandlerError> {
        let place = self.0.borrow();
        if let Some(session) = &place.session {
            return session.kept_keys(extension).map_err(unreadable);
        }
        let mut keys = place.early.keys(Scope::Session, extension)?;
        if let Some(store) = &place.store {
            let early =
                |key: &String| place.order.iter().any(|(owner, name)| owner == extension && name == key);
            let stored = store.state(extension, None).map_err(unreadable)?;
            keys.extend(stored.into_iter().map(|row| row.key).filter(|key| !early(key)));
            keys.sort();
        }
        Ok(keys)
    }
}

fn unreadable(error: impl std::fmt::Display) -> HandlerError {
    HandlerError::new(format!("the state of the session cannot be read: {error}"))
}

/// Commits a value; who asks does not wait for it, and hears of a failure as of any other.
fn commit(session: &Session, kernel: Option<WeakKernel>, extension: &str, key: &str, value: Option<Value>) {
    let kept = session.keep(extension, key, value);
    let (extension, key) = (extension.to_owned(), key.to_owned());
    tokio::task::spawn_local(async move {
        let Err(error) = kept.await else { return };
        tracing::warn!(extension, key, %error, "state of a session cannot be kept");
        if let Some(kernel) = kernel.and_then(|kernel| kernel.upgrade()) {
            let owner = kernel.ext().find(&extension).unwrap_or(ExtId::CORE);
            kernel.guard().warn(owner, "state", format!("`{key}` is not kept: {error}"));
        }
    });
}

/// State in files, each read anew when it has changed, and in the session.
struct Kept {
    kernel: WeakKernel,
    user: PathBuf,
    project: PathBuf,
    session: SessionState,
    writes: bool,
    read: RefCell<BTreeMap<PathBuf, Read>>,
}

/// What a file held when it was as its stamp says.
type Read = (Stamp, Map<String, Value>);

/// What tells that another process has written a file: every writing makes a new one.
type Stamp = Option<(u64, SystemTime)>;

fn stamp(file: &Path) -> Stamp {
    let found = fs::metadata(file).ok()?;
    Some((found.ino(), found.modified().ok()?))
}

impl Kept {
    /// The file of an extension; nothing for the scope that has none.
    fn file(&self, scope: Scope, extension: &str) -> Option<PathBuf> {
        let folder = match scope {
            Scope::Session => return None,
            Scope::Project => &self.project,
            Scope::User => &self.user,
        };
        Some(folder.join(format!("{}.json", file_name(extension))))
    }

    fn with<T>(
        &self,
        file: &Path,
        use_it: impl FnOnce(&mut Map<String, Value>) -> T,
    ) -> Result<T, HandlerError> {
        let mut read = self.read.borrow_mut();
        let now = stamp(file);
        let is_old = |then: &Stamp| self.writes && *then != now;
        if read.get(file).is_none_or(|(then, _)| is_old(then)) {
            read.insert(file.to_owned(), (now, load(file)?));
        }
        let (_, values) = read.entry(file.to_owned()).or_default();
        Ok(use_it(values))
    }
}

/// Keeps other processes from writing below a folder until the answer is dropped.
fn lock(folder: &Path) -> std::io::Result<fs::File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(".lock"))?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// The longest name of a file, without its ending.
const LONGEST: usize = 200;

/// A name of a file that no other extension's is: what a file name must not hold is escaped, and what is too long ends in a
/// fingerprint.
fn file_name(extension: &str) -> String {
    let mut safe = String::new();
    for byte in extension.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            safe.push(char::from(byte));
        } else {
            safe = format!("{safe}%{byte:02X}");
        }
    }
    if safe.len() > LONGEST {
        safe.truncate(LONGEST - 17);
        safe = format!("{safe}~{:016x}", fingerprint(Path::new(extension)));
    }
    safe
}

fn change(values: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(values.insert(key.to_owned(), value)),
        None => drop(values.shift_remove(key)),
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

/// Writes the whole file.
fn save(file: &Path, values: &Map<String, Value>) -> Result<(), HandlerError> {
    let written = serde_json::to_vec_pretty(values).map_err(std::io::Error::from);
    let written = written.and_then(|bytes| files::replace(file, &bytes));
    written.map_err(|error| failed("written", file, &error.to_string()))
}

impl StateStore for Kept {
    fn get(&self, scope: Scope, extension: &str, key: &str) -> Result<Option<Value>, HandlerError> {
        match self.file(scope, extension) {
            Some(file) => self.with(&file, |values| values.get(key).cloned()),
            None => self.session.get(extension, key),
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
            return self.session.set(&self.kernel, extension, key, value);
        };
        if !self.writes {
            return self.with(&file, |values| change(values, key, value));
        }
        let folder = file.parent().unwrap_or(&self.user);
        let _held = lock(folder).map_err(|error| failed("written", &file, &error.to_string()))?;
        let values = self.with(&file, |values| {
            let mut next = values.clone();
            change(&mut next, key, value);
            next
        })?;
        // What could not be written is not kept either: the next run must not find less than this one.
        save(&file, &values)?;
        self.read.borrow_mut().insert(file.clone(), (stamp(&file), values));
        Ok(())
    }

    fn keys(&self, scope: Scope, extension: &str) -> Result<Vec<String>, HandlerError> {
        let Some(file) = self.file(scope, extension) else { return self.session.keys(extension) };
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
        let kernel = Kernel::new(Rc::new(purlin_runtime_native::KernelHost::new()));
        Kept {
            kernel: kernel.downgrade(),
            user: folder.join("user"),
            project: folder.join("project"),
            session: SessionState::default(),
            writes: true,
            read: RefCell::default(),
        }
    }

    #[test]
    fn each_extension_has_a_file_of_its_own() {
        assert_eq!(file_name("vim-mode_2"), "vim-mode_2");
        assert_eq!(file_name("my/ext é"), "my%2Fext%20%C3%A9");
        let long = |end: &str| file_name(&("x".repeat(300) + end));
        assert!(long("a").len() <= LONGEST && long("a") != long("b"));
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
        // Two processes that keep different things do not lose each other's.
        first.set(Scope::User, "my/ext", "a", Some(json!(1))).expect("it is kept");
        next.set(Scope::User, "my/ext", "b", Some(json!(2))).expect("it is kept");
        assert_eq!(
            first.keys(Scope::User, "my/ext"),
            Ok(vec!["a".to_owned(), "b".to_owned(), "k".to_owned()])
        );
        // A run that writes nothing finds what there is and keeps its own to itself.
        let quiet = Kept { writes: false, ..kept(&folder) };
        quiet.set(Scope::User, "my/ext", "c", Some(json!(3))).expect("it is kept");
        assert_eq!(quiet.get(Scope::User, "my/ext", "a"), Ok(Some(json!(1))));
        assert_eq!(quiet.get(Scope::User, "my/ext", "c"), Ok(Some(json!(3))));
        assert_eq!(next.get(Scope::User, "my/ext", "c"), Ok(None));
        fs::write(folder.join("user/broken.json"), "{").expect("a file");
        let error = next.get(Scope::User, "broken", "k").expect_err("a broken file");
        assert!(error.message.contains("broken.json` cannot be read"), "{error}");
        fs::remove_dir_all(&folder).expect("the folder can go");
    }
}
