//! Tasks on the kernel's thread, owned by whoever started them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::host::TaskHandle;
use crate::{ExtId, Handle, HandlerError, Kernel, LBF, RegId};

#[derive(Default)]
pub(crate) struct TaskTable {
    /// `None` until the host has answered its handle; a task may end before that.
    running: RefCell<BTreeMap<RegId, Option<Box<dyn TaskHandle>>>>,
    finished: Cell<u64>,
}

impl Kernel {
    /// Starts a task of `owner`; it ends when the handle is deleted or the owner is unloaded.
    ///
    /// The kernel does not guard it: code of an extension is wrapped with `guard().future` by its adapter.
    pub fn spawn(&self, owner: ExtId, task: LBF<()>) -> Handle {
        let id = self.next_reg();
        self.0.tasks.running.borrow_mut().insert(id, None);
        let weak = self.downgrade();
        let task = async move {
            task.await;
            if let Some(kernel) = weak.upgrade() {
                kernel.0.tasks.finished.set(kernel.0.tasks.finished.get() + 1);
                let ended = kernel.0.tasks.running.borrow_mut().remove(&id);
                kernel.forget(id);
                // Aborting a task from inside itself is the host's to bear; it has nothing left to do.
                drop(ended);
            }
        };
        let handle = self.register(
            id,
            owner,
            "task",
            "task",
            |_| {},
            move |kernel| {
                let ended = kernel.0.tasks.running.borrow_mut().remove(&id);
                if let Some(Some(task)) = ended {
                    task.abort();
                }
            },
        );
        let running = self.0.host.spawn(Box::pin(task));
        // A task that has ended already has nothing to keep its handle.
        if let Some(slot) = self.0.tasks.running.borrow_mut().get_mut(&id) {
            *slot = Some(running);
        }
        handle
    }

    /// Starts a task unless its owner already runs as many as its quota allows.
    pub fn spawn_within_quota(&self, owner: ExtId, task: LBF<()>) -> Result<Handle, HandlerError> {
        self.check_quota(owner, "task", "tasks", self.guard().limits().quotas.tasks)?;
        Ok(self.spawn(owner, task))
    }

    /// Refuses when `owner` already has `most` registrations of a kind; what is built in has no quota.
    pub(crate) fn check_quota(
        &self,
        owner: ExtId,
        kind: &'static str,
        plural: &str,
        most: usize,
    ) -> Result<(), HandlerError> {
        if owner != ExtId::CORE && self.count(owner, kind) >= most {
            let name = self.ext().name(owner);
            return Err(HandlerError::of(
                crate::ErrorKind::Memory,
                format!("extension `{name}` already has {most} {plural}, its quota"),
            ));
        }
        Ok(())
    }
}
