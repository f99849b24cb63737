//! Following a session: waiting for its end, and sending on what came too late.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use purlin_notebook::{StoreExt, Tables};

use super::{Session, SessionState, Source, back};
use crate::hooks::{self, payload};

/// Time between two firings of `session_save`.
const SAVES: Duration = Duration::from_secs(1);

impl Session {
    /// Waits until nothing runs and nothing waits.
    pub fn settled(&self) -> LocalBoxFuture<'static, ()> {
        let session = self.clone();
        async move {
            let mut changes = session.0.read.watch(Tables::QUEUE);
            while changes.next().await.is_some() {
                session.refresh();
                session.resend().await;
                if !session.state().is_busy() {
                    return;
                }
            }
        }
        .boxed_local()
    }

    /// Keeps the state up to date and sends steering messages that came too late as prompts, until the store ends.
    ///
    /// A surface runs it once; `notify` is called whenever the state or the usage is another, and while there is
    /// something for [`Session::take_back`]: what was sent to a prompt that was interrupted is not sent by itself.
    pub fn follow(&self, notify: impl Fn() + 'static) -> LocalBoxFuture<'static, ()> {
        let session = self.clone();
        let saves = session.clone().tell_saves();
        let following = async move {
            let mut changes = session.0.read.watch(Tables::QUEUE | Tables::MODEL_USAGE);
            while changes.next().await.is_some() {
                let moved = session.refresh();
                session.resend().await;
                if moved || session.has_left_over() {
                    notify();
                }
            }
        };
        async move {
            futures_util::join!(following, saves);
        }
        .boxed_local()
    }

    /// Raises `session_save` after commits, at most once a second, where somebody handles it.
    async fn tell_saves(self) {
        let inner = &self.0;
        let mut changes = inner.read.watch(Tables::LOG);
        let mut told = inner.read.last_rowid().unwrap_or(0);
        while changes.next().await.is_some() {
            if !inner.hooks.wants(&hooks::SESSION_SAVE) {
                continue;
            }
            let last = inner.read.last_rowid().unwrap_or(told);
            if last > told {
                told = last;
                let id = self.id();
                inner
                    .hooks
                    .observe::<hooks::SessionSave>(|| payload!({"session_id": id.as_str(), "seq": last}));
                inner.options.host.sleep(SAVES).await;
            }
        }
    }

    /// Sends this surface's steering messages anew whose prompt has ended without taking them.
    async fn resend(&self) {
        if self.0.steers.borrow().is_empty() {
            return;
        }
        let waiting = self.0.steers.borrow().clone();
        for (id, cell) in waiting {
            if matches!(self.state(), SessionState::Working { cell: working, .. } if working == cell) {
                continue;
            }
            let Ok(steers) = self.0.read.steers(&cell) else { continue };
            // One that is not there yet is still on its way to the store.
            let Some(steer) = steers.into_iter().find(|steer| steer.id == id) else { continue };
            if steer.taken.is_none() && self.is_over(&cell) {
                // The person stopped the prompt: what they said to it is theirs again.
                continue;
            }
            self.0.steers.borrow_mut().retain(|(other, _)| *other != id);
            if steer.taken.is_some() {
                continue;
            }
            // Marked first: an agent that reads the cell again must not take up what became a prompt.
            let marked = self.0.committer.post(vec![back::settled_event(&id)]).await;
            if let Err(error) = marked {
                tracing::warn!(%error, "a message that came too late cannot be sent yet");
                self.0.steers.borrow_mut().push((id, cell));
                continue;
            }
            if let Err(error) = self.submit(&steer.text, Source::Queue, steer.attachments).await {
                tracing::warn!(%error, "a message that came too late could not be sent as a prompt");
            }
        }
    }
}
