//! State: values that extensions keep, each under its own name, for a session, a project or a person.
//!
//! Where the values are kept is the host program's business: it hands over a [`StateStore`]. Without one they live as long
//! as the kernel. State is not part of a stretch's transaction: like a commit to the store, what was set stays set. What a
//! disk takes is not held against the code that waits for it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use crate::{ErrorKind, ExtId, HandlerError, Kernel};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 256;

/// Whose state it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Scope {
    /// The open session's; it follows the session's forks.
    #[default]
    Session,
    /// The project's, for everyone who works in its folder on this machine.
    Project,
    /// The person's.
    User,
}

impl Scope {
    /// The word that extensions write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Project => "project",
            Self::User => "user",
        }
    }
}

/// Keeps the state of extensions.
pub trait StateStore {
    /// Answers a value; nothing if it is not set.
    fn get(&self, scope: Scope, extension: &str, key: &str) -> Result<Option<Value>, HandlerError>;

    /// Sets a value, or takes it away.
    fn set(&self, scope: Scope, extension: &str, key: &str, value: Option<Value>)
    -> Result<(), HandlerError>;

    /// Lists the keys of an extension, sorted.
    fn keys(&self, scope: Scope, extension: &str) -> Result<Vec<String>, HandlerError>;

    /// Answers how many bytes the keys and values of an extension take as JSON text.
    fn used(&self, scope: Scope, extension: &str) -> Result<usize, HandlerError> {
        let mut bytes = 0;
        for key in self.keys(scope, extension)? {
            let value = self.get(scope, extension, &key)?;
            bytes += key.len() + value.as_ref().map_or(0, size);
        }
        Ok(bytes)
    }
}

/// Bytes of a value as JSON text.
fn size(value: &Value) -> usize {
    value.to_string().len()
}

/// State that lives as long as it does.
#[derive(Debug, Default)]
pub struct MemoryState(RefCell<BTreeMap<(Scope, String, String), Value>>);

impl StateStore for MemoryState {
    fn get(&self, scope: Scope, extension: &str, key: &str) -> Result<Option<Value>, HandlerError> {
        Ok(self.0.borrow().get(&(scope, extension.to_owned(), key.to_owned())).cloned())
    }

    fn set(
        &self,
        scope: Scope,
        extension: &str,
        key: &str,
        value: Option<Value>,
    ) -> Result<(), HandlerError> {
        let place = (scope, extension.to_owned(), key.to_owned());
        match value {
            Some(value) => drop(self.0.borrow_mut().insert(place, value)),
            None => drop(self.0.borrow_mut().remove(&place)),
        }
        Ok(())
    }

    fn keys(&self, scope: Scope, extension: &str) -> Result<Vec<String>, HandlerError> {
        let all = self.0.borrow();
        let own = all.keys().filter(|(at, owner, _)| *at == scope && owner == extension);
        Ok(own.map(|(.., key)| key.clone()).collect())
    }
}

/// Where state is kept.
pub(crate) struct StateTable(RefCell<Rc<dyn StateStore>>);

impl Default for StateTable {
    fn default() -> Self {
        Self(RefCell::new(Rc::new(MemoryState::default())))
    }
}

/// Reads and writes the state of extensions; made by [`Kernel::state`].
#[derive(Clone, Copy, Debug)]
pub struct State<'k>(&'k Kernel);

impl State<'_> {
    /// Says where state is kept from now on.
    pub fn keep_in(self, store: Rc<dyn StateStore>) {
        *self.0.0.state.0.borrow_mut() = store;
    }

    fn store(self) -> Rc<dyn StateStore> {
        self.0.0.state.0.borrow().clone()
    }

    /// Answers a value of `owner`; nothing if it is not set.
    pub fn get(self, owner: ExtId, scope: Scope, key: &str) -> Result<Option<Value>, HandlerError> {
        let (store, name) = (self.store(), self.0.ext().name(owner));
        self.0.guard().waiting(|| store.get(scope, &name, key))
    }

    /// Sets a value of `owner`; null takes it away.
    ///
    /// Refused when the key is empty or longer than 256 bytes, or when the extension would keep more than its quota.
    pub fn set(self, owner: ExtId, scope: Scope, key: &str, value: Value) -> Result<(), HandlerError> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(HandlerError::new(format!("a key of 1 to {LONGEST_KEY} bytes expected")));
        }
        let (store, name) = (self.store(), self.0.ext().name(owner));
        if value.is_null() {
            return self.0.guard().waiting(|| store.set(scope, &name, key, None));
        }
        let before = self.0.guard().waiting(|| store.get(scope, &name, key))?;
        let before = before.as_ref().map_or(0, |value| key.len() + size(value));
        let used = self.0.guard().waiting(|| store.used(scope, &name))? - before + key.len() + size(&value);
        let most = self.0.guard().limits().quotas.state_bytes;
        if used > most {
            let text = format!(
                "extension `{name}` would keep {used} bytes of {} state, and its quota is {most}",
                scope.as_str()
            );
            return Err(HandlerError::of(ErrorKind::Memory, text));
        }
        self.0.guard().waiting(|| store.set(scope, &name, key, Some(value)))
    }

    /// Takes a value of `owner` away; false if there was none.
    pub fn delete(self, owner: ExtId, scope: Scope, key: &str) -> Result<bool, HandlerError> {
        let (store, name) = (self.store(), self.0.ext().name(owner));
        if self.0.guard().waiting(|| store.get(scope, &name, key))?.is_none() {
            return Ok(false);
        }
        self.0.guard().waiting(|| store.set(scope, &name, key, None)).map(|()| true)
    }

    /// Lists the keys of `owner`, sorted.
    pub fn keys(self, owner: ExtId, scope: Scope) -> Result<Vec<String>, HandlerError> {
        let (store, name) = (self.store(), self.0.ext().name(owner));
        self.0.guard().waiting(|| store.keys(scope, &name))
    }
}

impl Kernel {
    /// Reads and writes the state of extensions.
    pub fn state(&self) -> State<'_> {
        State(self)
    }
}
