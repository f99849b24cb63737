//! Renewals of our session, where sessions live by them.

use std::time::Duration;

use purlin_notebook::{Event, RUNTIME_SESSION_TIMEOUT_MS, RuntimeSessionId, time};

use crate::agent::{Inner, RETRY_AFTER};
use crate::host::Level;

impl Inner {
    /// Makes the renewal that belongs to a start; none where sessions do not live by renewals.
    pub(super) fn first_renewal(&self, session: &RuntimeSessionId) -> Option<Event> {
        if !self.liveness.renews() {
            return None;
        }
        self.renewed.set(None);
        Some(self.renewal(session))
    }

    /// Writes that our session lives.
    pub(super) fn renew(&self, session: &RuntimeSessionId) {
        let before = self.renewed.get();
        let renewal = self.renewal(session);
        if let Err(error) = self.store.commit(&[renewal]) {
            self.log(Level::Warn, &format!("The runtime session could not be renewed: {error}."));
            // Tried again sooner than the next one is due.
            let late = |(at, mono)| (at, mono + duration_ms(RETRY_AFTER));
            self.renewed.set(before.map(late));
        }
    }

    /// Tells when the next renewal is due.
    pub(super) fn next_renewal(&self) -> Option<Duration> {
        let (_, mono) = self.renewed.get().filter(|_| self.liveness.renews())?;
        let due = mono + duration_ms(self.options.heartbeat);
        Some(Duration::from_millis(due.saturating_sub(self.host.mono()).max(1)))
    }

    /// Makes a renewal of now. The wall clock may jump: what is written never goes back, and goes on with the time that
    /// has passed.
    fn renewal(&self, session: &RuntimeSessionId) -> Event {
        let (now, mono) = (self.host.now(), self.host.mono());
        let passed = |(at, then)| at + i64::try_from(mono.saturating_sub(then)).unwrap_or(i64::MAX);
        let at = self.renewed.get().map_or(now, |before| now.max(passed(before)));
        self.renewed.set(Some((at, mono)));
        self.shared.set_renewed(at);
        let twice = i64::try_from(self.options.heartbeat.as_millis()).unwrap_or(i64::MAX).saturating_mul(2);
        Event::RuntimeSessionRenewal {
            session_id: session.clone(),
            renewed_at: time::iso(at),
            valid_for_ms: twice.max(RUNTIME_SESSION_TIMEOUT_MS),
        }
    }
}

fn duration_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
