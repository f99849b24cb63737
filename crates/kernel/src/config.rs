//! The configuration as extensions read and change it; files and their syntax are the host program's business.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::{HandlerError, Kernel};

/// Which file a setting is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfigScope {
    /// The person's.
    #[default]
    User,
    /// The project's.
    Project,
}

/// Keeps the configuration.
pub trait ConfigStore {
    /// Answers the value in force at a dotted path; nothing if nobody set it. A table is an object.
    fn get(&self, path: &str) -> Result<Option<Value>, HandlerError>;

    /// Writes a value at a dotted path; null takes it away.
    fn set(&self, path: &str, value: Value, scope: ConfigScope) -> Result<(), HandlerError>;
}

/// A configuration that lives as long as it does.
#[derive(Debug, Default)]
pub struct MemoryConfig(RefCell<Map<String, Value>>);

impl ConfigStore for MemoryConfig {
    fn get(&self, path: &str) -> Result<Option<Value>, HandlerError> {
        let all = self.0.borrow();
        let mut parts = path.split('.');
        let mut found = parts.next().and_then(|first| all.get(first));
        for part in parts {
            found = found.and_then(|value| value.get(part));
        }
        Ok(found.cloned())
    }

    fn set(&self, path: &str, value: Value, _: ConfigScope) -> Result<(), HandlerError> {
        let mut all = self.0.borrow_mut();
        let mut table = &mut *all;
        let mut parts: Vec<&str> = path.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            let inner = table.entry(part).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else {
                return Err(HandlerError::new(format!("`{path}`: `{part}` is a value and not a table")));
            };
            table = inner;
        }
        if value.is_null() {
            table.remove(last);
        } else {
            table.insert(last.to_owned(), value);
        }
        Ok(())
    }
}

/// Where the configuration is kept.
pub(crate) struct ConfigTable(RefCell<Rc<dyn ConfigStore>>);

impl Default for ConfigTable {
    fn default() -> Self {
        Self(RefCell::new(Rc::new(MemoryConfig::default())))
    }
}

/// Reads and writes the configuration; made by [`Kernel::config`].
#[derive(Clone, Copy, Debug)]
pub struct Config<'k>(&'k Kernel);

impl Config<'_> {
    /// Says where the configuration is kept from now on.
    pub fn keep_in(self, store: Rc<dyn ConfigStore>) {
        *self.0.0.config.0.borrow_mut() = store;
    }

    /// Answers the value in force at a dotted path; nothing if nobody set it.
    pub fn get(self, path: &str) -> Result<Option<Value>, HandlerError> {
        let store = self.0.0.config.0.borrow().clone();
        store.get(path)
    }

    /// Writes a value at a dotted path; null takes it away. A path with an empty part is refused.
    pub fn set(self, path: &str, value: Value, scope: ConfigScope) -> Result<(), HandlerError> {
        if path.split('.').any(str::is_empty) {
            return Err(HandlerError::new(format!(
                "a dotted path such as `ui.theme` expected, got `{path}`"
            )));
        }
        let store = self.0.0.config.0.borrow().clone();
        store.set(path, value, scope)
    }
}

impl Kernel {
    /// Reads and writes the configuration.
    pub fn config(&self) -> Config<'_> {
        Config(self)
    }
}
