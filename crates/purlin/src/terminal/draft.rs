//! Keeping the composer's text on disk while it is being typed.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use purlin_kernel::{ExtId, Handle, Kernel};
use purlin_tui::composer::COMPOSER;

use super::desk::Desk;
use crate::drafts::{Draft, Drafts, Ownership};

/// How long typing must pause, at most, before it is saved.
const PAUSE: Duration = Duration::from_millis(150);

/// Saves the draft of one session shortly after each change. Nothing runs while nothing is typed.
pub struct Keeper {
    shared: Rc<Shared>,
    attached: Handle,
}

struct Shared {
    kernel: Kernel,
    drafts: Drafts,
    session: String,
    cwd: PathBuf,
    own: RefCell<Own>,
    waiting: Cell<bool>,
    /// Whether the composer belongs to another session by now.
    ended: Cell<bool>,
}

enum Own {
    /// Nobody has asked yet.
    Unknown,
    Ours(Arc<Ownership>),
    /// The disk refuses.
    Not,
}

impl Keeper {
    /// Puts the session's draft into the composer and keeps it from now on.
    pub fn begin(desk: &Desk, drafts: Drafts, session: String) -> Self {
        let kernel = desk.kernel().clone();
        let own = if drafts.exists(&session) { take(&drafts, &session) } else { Own::Unknown };
        let shared = Rc::new(Shared {
            kernel: kernel.clone(),
            drafts,
            session,
            cwd: desk.cwd(),
            own: RefCell::new(own),
            waiting: Cell::new(false),
            ended: Cell::new(false),
        });
        shared.restore();
        let weak = Rc::downgrade(&shared);
        let attached = kernel.buf().attach(
            ExtId::CORE,
            COMPOSER,
            Rc::new(move |_| {
                if let Some(shared) = weak.upgrade() {
                    shared.changed();
                }
                Ok(())
            }),
        );
        // What was typed before the session was open is a change too.
        if !kernel.buf().text(COMPOSER).is_empty() {
            shared.changed();
        }
        Self { shared, attached }
    }

    /// Saves at once, on this thread.
    pub fn save_now(&self, text: &str, cursor: usize) {
        let draft = self.shared.draft(text.to_owned(), cursor);
        if let Some(own) = self.shared.ownership(!text.is_empty()) {
            save(&own, &draft);
        }
    }

    /// Lets go of the composer, which is another session's from now on: this one is left without a draft.
    pub fn end(&self) {
        self.attached.del();
        self.shared.ended.set(true);
        self.save_now("", 0);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.attached.del();
    }
}

impl Shared {
    fn restore(&self) {
        let own = self.own.borrow();
        let Own::Ours(own) = &*own else { return };
        let Some(draft) = own.read() else { return };
        let typed = self.kernel.buf().text(COMPOSER);
        if typed.is_empty() {
            self.kernel.buf().set_text(COMPOSER, &draft.text);
            self.kernel.buf().set_cursor(COMPOSER, draft.cursor);
        } else if typed != draft.text {
            // What was typed since the start goes on where the draft ended.
            self.kernel.buf().set_text(COMPOSER, &(draft.text + &typed));
        }
    }

    fn changed(self: &Rc<Self>) {
        if self.waiting.replace(true) {
            return;
        }
        let shared = Rc::clone(self);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(PAUSE).await;
            shared.waiting.set(false);
            if shared.ended.get() {
                return;
            }
            let text = shared.kernel.buf().text(COMPOSER);
            let draft = shared.draft(text, shared.kernel.buf().cursor(COMPOSER));
            let Some(own) = shared.ownership(!draft.text.is_empty()) else { return };
            // A disk may be slow, and the next key must not wait for it.
            let saved = Arc::clone(&own);
            if let Err(error) = tokio::task::spawn_blocking(move || save(&saved, &draft)).await {
                tracing::warn!(%error, "the draft could not be saved");
            }
            if shared.ended.get() {
                // It may have been saved behind the end.
                save(&own, &shared.draft(String::new(), 0));
            }
        });
    }

    fn draft(&self, text: String, cursor: usize) -> Draft {
        let saved_at = Timestamp::now().as_millisecond();
        Draft { session: self.session.clone(), cwd: self.cwd.clone(), text, cursor, saved_at }
    }

    /// The right to the draft; taken when there is something to save.
    fn ownership(&self, wanted: bool) -> Option<Arc<Ownership>> {
        let mut own = self.own.borrow_mut();
        if wanted && matches!(*own, Own::Unknown) {
            *own = take(&self.drafts, &self.session);
        }
        match &*own {
            Own::Ours(own) => Some(Arc::clone(own)),
            Own::Unknown | Own::Not => None,
        }
    }
}

fn take(drafts: &Drafts, session: &str) -> Own {
    match drafts.own(session) {
        Ok(Some(own)) => Own::Ours(Arc::new(own)),
        Ok(None) => Own::Not,
        Err(error) => {
            tracing::warn!(%error, "drafts cannot be kept");
            Own::Not
        }
    }
}

fn save(own: &Ownership, draft: &Draft) {
    if let Err(error) = own.save(draft) {
        tracing::warn!(%error, "the draft could not be saved");
    }
}
