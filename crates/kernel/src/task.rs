//! Tasks on the kernel's thread, owned by whoever started them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::host::TaskHandle;
use crate::{ExtId, Handle, HandlerError, Kernel, LBF, RegId};

#[derive(Default)]
pub(crate) struct TaskTable {
    running: RefCell<BTreeMap<RegId, Task>>,
    finished: Cell<u64>,
}

struct Task {
    owner: ExtId,
    body: Body,
    /// `None` until the host has answered its handle; a task may end before that.
    handle: Option<Box<dyn TaskHandle>>,
}

/// What a task does; nothing once it has ended.
type Body = Rc<RefCell<Option<LBF<()>>>>;

fn poll(body: &Body, cx: &mut Context<'_>) -> Poll<()> {
    // Whoever ends its own extension is running just now, and has nothing more to hear.
    let Ok(mut slot) = body.try_borrow_mut() else { return Poll::Pending };
    let ended = slot.as_mut().is_none_or(|task| task.as_mut().poll(cx).is_ready());
    if !ended {
        return Poll::Pending;
    }
    *slot = None;
    Poll::Ready(())
}

impl Kernel {
    /// Starts a task of `owner`; it ends when the handle is deleted or the owner is unloaded.
    ///
    /// The kernel does not guard it: code of an extension is wrapped with `guard().future` by its adapter.
    pub fn spawn(&self, owner: ExtId, task: LBF<()>) -> Handle {
        let id = self.next_reg();
        let body: Body = Rc::new(RefCell::new(Some(task)));
        let entry = Task { owner, body: body.clone(), handle: None };
        self.0.tasks.running.borrow_mut().insert(id, entry);
        let weak = self.downgrade();
        let task = async move {
            poll_fn(|cx| poll(&body, cx)).await;
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
                if let Some(handle) = ended.and_then(|task| task.handle) {
                    handle.abort();
                }
            },
        );
        let running = self.0.host.spawn(Box::pin(task));
        // A task that has ended already has nothing to keep its handle.
        if let Some(slot) = self.0.tasks.running.borrow_mut().get_mut(&id) {
            slot.handle = Some(running);
        }
        handle
    }

    /// Runs the tasks of an extension, or of all, once more before they end: a dialog that they waited for has told them
    /// why it closed, and they may still put things in order.
    pub(crate) fn last_words(&self, ext: Option<ExtId>) {
        let speaks = |task: &&Task| ext.map_or(task.owner != ExtId::CORE, |ext| task.owner == ext);
        let bodies: Vec<Body> =
            self.0.tasks.running.borrow().values().filter(speaks).map(|task| task.body.clone()).collect();
        for body in bodies {
            // One that still waits ends all the same.
            let _ = poll(&body, &mut Context::from_waker(Waker::noop()));
        }
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
