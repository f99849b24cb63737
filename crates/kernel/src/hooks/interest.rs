//! Which hooks have handlers, readable from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::HookDecl;

const SLOTS: usize = 1024;

/// Answers the counter a hook of this name uses. Two names may share one: a count of zero is always the truth, a
/// positive one leads to the table, which is exact.
pub(super) const fn slot_of(name: &str) -> u16 {
    let bytes = name.as_bytes();
    let mut hash: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    ((hash ^ (hash >> 16)) % SLOTS as u32) as u16
}

/// Counts handlers per hook.
#[derive(Clone)]
pub(crate) struct Interest(Arc<[AtomicU32]>);

impl Interest {
    pub(crate) fn new() -> Self {
        Self((0..SLOTS).map(|_| AtomicU32::new(0)).collect())
    }

    /// One relaxed load.
    pub(crate) fn wants(&self, decl: &HookDecl) -> bool {
        self.0[usize::from(decl.slot) % SLOTS].load(Ordering::Relaxed) != 0
    }

    pub(crate) fn add(&self, slot: u16) {
        self.0[usize::from(slot) % SLOTS].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, slot: u16) {
        self.0[usize::from(slot) % SLOTS].fetch_sub(1, Ordering::Relaxed);
    }
}
