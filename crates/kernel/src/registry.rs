//! What an owner registered, so that a handle, a rollback or an unload can take it away again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::{ErrorKind, ExtId, HandlerError, Kernel, WeakKernel};

/// Numbers one registration; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegId(pub(crate) u64);

type Link = Rc<dyn Fn(&Kernel)>;

struct Entry {
    owner: ExtId,
    kind: &'static str,
    label: String,
    link: Link,
    unlink: Link,
    /// What keeping it costs; paid until nothing can bring it back, the undo log included.
    _kept: Kept,
}

type Account = Rc<RefCell<BTreeMap<ExtId, usize>>>;

/// Bytes that are kept for an extension, until dropped.
struct Kept {
    account: Account,
    owner: ExtId,
    bytes: usize,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(kept) = self.account.borrow_mut().get_mut(&self.owner) {
            *kept = kept.saturating_sub(self.bytes);
        }
    }
}

/// What a registration takes beside its texts.
const EACH: usize = 256;

/// The table of everything registered.
#[derive(Default)]
pub(crate) struct Registry {
    entries: RefCell<BTreeMap<u64, Rc<Entry>>>,
    /// How many there are of each owner and kind: quotas are asked with every registration.
    counts: RefCell<HashMap<(ExtId, &'static str), usize>>,
    /// Bytes that are kept for each extension: names, descriptions, segments.
    kept: Account,
    next: Cell<u64>,
}

impl Registry {
    fn insert(&self, id: u64, entry: Rc<Entry>) {
        *self.counts.borrow_mut().entry((entry.owner, entry.kind)).or_default() += 1;
        self.entries.borrow_mut().insert(id, entry);
    }

    fn remove(&self, id: u64) -> Option<Rc<Entry>> {
        let entry = self.entries.borrow_mut().remove(&id)?;
        if let Some(count) = self.counts.borrow_mut().get_mut(&(entry.owner, entry.kind)) {
            *count = count.saturating_sub(1);
        }
        Some(entry)
    }
}

/// Names one registration and can end it.
///
/// Dropping a handle ends nothing. A handle of something that is already gone is *stale*.
#[derive(Clone)]
pub struct Handle {
    kernel: WeakKernel,
    id: RegId,
}

impl Handle {
    /// Ends the registration; a second call does nothing.
    pub fn del(&self) {
        if let Some(kernel) = self.kernel.upgrade() {
            kernel.unregister(self.id);
        }
    }

    /// Tells whether what it names is gone.
    pub fn is_stale(&self) -> bool {
        self.kernel.upgrade().is_none_or(|kernel| !kernel.is_registered(self.id))
    }

    /// Answers the registration's number.
    pub fn id(&self) -> RegId {
        self.id
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handle").field(&self.id.0).finish()
    }
}

impl Kernel {
    /// Reserves a number, also used to order registrations among themselves.
    pub(crate) fn next_reg(&self) -> RegId {
        let id = self.0.registry.next.get() + 1;
        self.0.registry.next.set(id);
        RegId(id)
    }

    /// Links something in, under a number reserved before.
    pub(crate) fn register(
        &self,
        id: RegId,
        owner: ExtId,
        kind: &'static str,
        label: impl Into<String>,
        link: impl Fn(&Kernel) + 'static,
        unlink: impl Fn(&Kernel) + 'static,
    ) -> Handle {
        let label = label.into();
        match self.keep(owner, kind, label.len()) {
            Some(kept) => self.register_kept(id, owner, kind, label, kept, link, unlink),
            None => self.no_handle(id),
        }
    }

    /// Does the same for something that holds texts of so many bytes beside its label.
    #[expect(clippy::too_many_arguments, reason = "a registration is all of this")]
    pub(crate) fn register_sized(
        &self,
        id: RegId,
        owner: ExtId,
        kind: &'static str,
        label: impl Into<String>,
        bytes: usize,
        link: impl Fn(&Kernel) + 'static,
        unlink: impl Fn(&Kernel) + 'static,
    ) -> Handle {
        let label = label.into();
        match self.keep(owner, kind, label.len() + bytes) {
            Some(kept) => self.register_kept(id, owner, kind, label, kept, link, unlink),
            None => self.no_handle(id),
        }
    }

    /// The handle of what was not registered, stale from the beginning.
    fn no_handle(&self, id: RegId) -> Handle {
        Handle { kernel: self.downgrade(), id }
    }

    #[expect(clippy::too_many_arguments, reason = "a registration is all of this")]
    fn register_kept(
        &self,
        id: RegId,
        owner: ExtId,
        kind: &'static str,
        label: String,
        kept: Kept,
        link: impl Fn(&Kernel) + 'static,
        unlink: impl Fn(&Kernel) + 'static,
    ) -> Handle {
        let entry = Entry { owner, kind, label, link: Rc::new(link), unlink: Rc::new(unlink), _kept: kept };
        (entry.link)(self);
        self.0.registry.insert(id.0, Rc::new(entry));
        self.on_rollback(move |kernel| kernel.unregister(id));
        Handle { kernel: self.downgrade(), id }
    }

    /// Pays for keeping texts of an extension; nothing, and the running stretch is doomed, when that is over its quota.
    fn keep(&self, owner: ExtId, kind: &str, texts: usize) -> Option<Kept> {
        // A label stands in several tables.
        let bytes = EACH + 4 * texts;
        let account = &self.0.registry.kept;
        let most = self.guard().limits().quotas.state_bytes;
        let total = account.borrow().get(&owner).copied().unwrap_or(0).saturating_add(bytes);
        if owner != ExtId::CORE && total > most {
            let name = self.ext().name(owner);
            let text = format!(
                "with this {kind} the names and descriptions of extension `{name}` would take more than {most} bytes, its quota"
            );
            self.guard().doom(HandlerError::of(ErrorKind::Memory, text));
            return None;
        }
        account.borrow_mut().insert(owner, total);
        Some(Kept { account: account.clone(), owner, bytes })
    }

    /// Unlinks what `id` names.
    pub(crate) fn unregister(&self, id: RegId) {
        let entry = self.0.registry.remove(id.0);
        let Some(entry) = entry else { return };
        (entry.unlink)(self);
        self.on_rollback(move |kernel| {
            (entry.link)(kernel);
            kernel.0.registry.insert(id.0, entry);
        });
    }

    /// Forgets a registration whose thing has ended by itself.
    pub(crate) fn forget(&self, id: RegId) {
        let entry = self.0.registry.remove(id.0);
        drop(entry);
    }

    /// Tells whether `id` still names something.
    pub(crate) fn is_registered(&self, id: RegId) -> bool {
        self.0.registry.entries.borrow().contains_key(&id.0)
    }

    /// Unlinks everything of `owner`, newest first.
    pub(crate) fn unregister_all(&self, owner: ExtId) {
        self.unregister_where(owner, |_| true);
    }

    /// Unlinks what `owner` registered of some kinds, newest first.
    pub(crate) fn unregister_where(&self, owner: ExtId, test: impl Fn(&str) -> bool) {
        loop {
            let ids: Vec<u64> = {
                let entries = self.0.registry.entries.borrow();
                let own = |entry: &Entry| entry.owner == owner && test(entry.kind);
                entries.iter().rev().filter(|(_, entry)| own(entry)).map(|(id, _)| *id).collect()
            };
            if ids.is_empty() {
                return;
            }
            for id in ids {
                self.unregister(RegId(id));
            }
        }
    }

    /// Finds the newest registration of a kind under a label.
    pub(crate) fn find_registration(&self, owner: ExtId, kind: &str, label: &str) -> Option<RegId> {
        let entries = self.0.registry.entries.borrow();
        let matches = |e: &Entry| e.owner == owner && e.kind == kind && e.label == label;
        entries.iter().rev().find(|(_, entry)| matches(entry)).map(|(id, _)| RegId(*id))
    }

    /// Counts the registrations of one kind.
    pub(crate) fn count(&self, owner: ExtId, kind: &'static str) -> usize {
        self.0.registry.counts.borrow().get(&(owner, kind)).copied().unwrap_or(0)
    }

    /// Counts what `owner` has registered, by kind.
    pub(crate) fn counts_of(&self, owner: ExtId) -> BTreeMap<&'static str, usize> {
        let counts = self.0.registry.counts.borrow();
        let own = counts.iter().filter(|((ext, _), count)| *ext == owner && **count > 0);
        own.map(|((_, kind), count)| (*kind, *count)).collect()
    }

    /// Lists what `owner` registered of some kinds as (number, kind, label), in order of registration.
    pub(crate) fn registrations_of(
        &self,
        owner: ExtId,
        test: impl Fn(&str) -> bool,
    ) -> Vec<(RegId, &'static str, String)> {
        let entries = self.0.registry.entries.borrow();
        let own = entries.iter().filter(|(_, entry)| entry.owner == owner && test(entry.kind));
        own.map(|(id, entry)| (RegId(*id), entry.kind, entry.label.clone())).collect()
    }

    /// Lists what `owner` registered as (kind, label), in order of registration.
    pub fn registered(&self, owner: ExtId) -> Vec<(&'static str, String)> {
        let entries = self.0.registry.entries.borrow();
        entries.values().filter(|e| e.owner == owner).map(|e| (e.kind, e.label.clone())).collect()
    }
}
