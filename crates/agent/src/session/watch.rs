//! Following a session: waiting for its end, and sending on what came too late.

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use purlin_notebook::{StoreExt, Tables};

use super::{Session, SessionState, Source};

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
    /// A surface runs it once; `notify` is called whenever the state or the usage is another.
    pub fn follow(&self, notify: impl Fn() + 'static) -> LocalBoxFuture<'static, ()> {
        let session = self.clone();
        async move {
            let mut changes = session.0.read.watch(Tables::QUEUE | Tables::MODEL_USAGE);
            while changes.next().await.is_some() {
                if session.refresh() {
                    notify();
                }
                session.resend().await;
            }
        }
        .boxed_local()
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
            self.0.steers.borrow_mut().retain(|(other, _)| *other != id);
            if steer.taken.is_none()
                && let Err(error) = self.submit(&steer.text, Source::Queue, steer.attachments).await
            {
                tracing::warn!(%error, "a message that came too late could not be sent as a prompt");
            }
        }
    }
}
