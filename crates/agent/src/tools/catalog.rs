//! The snapshot of extension tools that the agent's thread reads.

use std::sync::{Arc, PoisonError, RwLock};

use super::ToolSpec;

#[derive(Debug, Default)]
struct Snapshot {
    specs: Vec<ToolSpec>,
    active: Option<Vec<String>>,
}

/// Tools of extensions, as the main thread last published them.
#[derive(Clone, Debug, Default)]
pub struct ToolCatalog(Arc<RwLock<Snapshot>>);

impl ToolCatalog {
    /// An empty catalogue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the tools; the next model request offers them.
    pub fn publish(&self, specs: Vec<ToolSpec>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).specs = specs;
    }

    /// Offers only tools of these names; `None` offers all.
    pub fn set_active(&self, names: Option<Vec<String>>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).active = names;
    }

    /// The tools as last published.
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).specs.clone()
    }

    /// The names tools are restricted to, if they are.
    pub fn active(&self) -> Option<Vec<String>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).active.clone()
    }
}
