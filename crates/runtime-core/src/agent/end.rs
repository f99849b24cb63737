//! The end of a runtime session, and of the agent.

use purlin_notebook::{Authority, Durability, Event, TerminationReason};

use crate::agent::{Inner, Phase};
use crate::flush;
use crate::host::Level;
use crate::options::Lifecycle;

impl Inner {
    /// Ends our session in the log, if there is one.
    pub(super) fn terminate(&self, reason: TerminationReason) {
        let session = self.session.borrow_mut().take();
        if let Some(session_id) = session {
            let event = Event::RuntimeSessionTerminated { session_id, reason };
            if let Err(error) = self.store.commit(&[event]) {
                self.log(
                    Level::Warn,
                    &format!("The end of the runtime session could not be written: {error}."),
                );
            }
        }
        *self.hold.borrow_mut() = None;
    }

    /// Gives up a session that somebody else terminated.
    pub(super) fn left(&self) {
        let session = self.session.borrow_mut().take();
        self.shared.set_disconnected();
        *self.hold.borrow_mut() = None;
        if let Some(session) = session {
            self.call("on_displaced", |lifecycle| lifecycle.on_displaced(&session));
        }
    }

    /// Ends the agent. Twice is once.
    pub(super) async fn stopped(&self) {
        if self.phase.replace(Phase::Stopped) != Phase::Stopped {
            *self.hold.borrow_mut() = None;
            self.call("on_shutdown", Lifecycle::on_shutdown);
        }
        self.give_up_store().await;
        self.shared.set_stopped();
    }

    /// Flushes and closes the store, if it is ours.
    async fn give_up_store(&self) {
        let close = self.close_store.borrow_mut().take();
        let Some(close) = close else { return };
        let level = match self.store.authority() {
            Authority::Local => Durability::Disk,
            Authority::Remote { .. } => Durability::Authority,
        };
        if let Err(error) = flush::within(&*self.store, &self.host, level, self.options.flush_deadline).await
        {
            self.log(
                Level::Warn,
                &format!("The store is closed without its last events being safe: {error}."),
            );
        }
        self.call("close", |_| close());
    }
}
