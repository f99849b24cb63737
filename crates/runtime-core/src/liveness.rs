//! Who lives: by a lock of the machine, or by renewals in the log.
//!
//! A [`Liveness`] decides two things that belong together: how a session of ours shows that it lives, and how we tell
//! whether a session of others does. On a local store that is a lock which the operating system releases
//! (`runtime-native` has it), and nothing is ever written. Where machines share a log it is [`Renewals`].

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, pending};
use purlin_notebook::{
    RUNTIME_SESSION_TIMEOUT_MS, RuntimeSession, RuntimeSessionId, RuntimeStatus, Store, StoreExt, time,
};

use crate::host::{Host, MonoMs, WallMs};

/// Tells which runtime sessions still live, and shows that ours do.
pub trait Liveness: 'static {
    /// Takes what shows to others that a session of ours lives; dropping the answer gives it up.
    ///
    /// Called once before the session's start is committed. The error is a full sentence for people.
    fn hold(&self, _session: &RuntimeSessionId) -> Result<Box<dyn Any>, String> {
        Ok(Box::new(()))
    }

    /// Tells whether the owner of a session lives.
    fn is_alive(&self, session: &RuntimeSessionId) -> bool;

    /// Waits, without polling, until the owner of a session is gone; may wait for ever if that cannot be told.
    fn gone(&self, _session: &RuntimeSessionId) -> LocalBoxFuture<'static, ()> {
        Box::pin(pending())
    }

    /// Tells whether a session of ours has to write renewals into the log.
    fn renews(&self) -> bool {
        false
    }

    /// Tells how a session is doing, at a time of the wall clock.
    fn health(&self, session: &RuntimeSession, _now: WallMs) -> Health {
        match session.status {
            RuntimeStatus::Terminated => Health::Disconnected,
            RuntimeStatus::Starting => Health::Connecting,
            _ if self.is_alive(&session.session_id) => Health::Healthy,
            _ => Health::Disconnected,
        }
    }
}

/// Takes every session of others to be dead: right where only one process ever opens a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoleProcess;

impl Liveness for SoleProcess {
    fn is_alive(&self, _session: &RuntimeSessionId) -> bool {
        false
    }
}

/// How a runtime session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It began and has not been heard of since.
    Connecting,
    /// It was heard of within 30 s.
    Healthy,
    /// It was heard of last between 30 and 45 s ago. Timers of a tab in the background come late.
    Warning,
    /// It was not heard of for more than 45 s, or it is over.
    Disconnected,
}

/// Up to which gap, in milliseconds, a session is healthy, and up to which it is doubtful.
const HEALTHY_UP_TO: i64 = RUNTIME_SESSION_TIMEOUT_MS;
const WARNING_UP_TO: i64 = 45_000;

impl Health {
    /// Judges by the time since the last renewal, in milliseconds; a renewal of the future counts as one of now.
    pub const fn of_gap(gap: i64) -> Self {
        if gap <= HEALTHY_UP_TO {
            Self::Healthy
        } else if gap <= WARNING_UP_TO {
            Self::Warning
        } else {
            Self::Disconnected
        }
    }

    /// Judges a session by its renewals, at a time of the wall clock.
    pub fn of(session: &RuntimeSession, now: WallMs) -> Self {
        if !session.is_active || session.status == RuntimeStatus::Terminated {
            return Self::Disconnected;
        }
        match session.last_renewed_at.as_deref().and_then(time::parse_iso) {
            Some(renewed) => Self::of_gap(now.saturating_sub(renewed)),
            None if session.status == RuntimeStatus::Starting => Self::Connecting,
            None => Self::Disconnected,
        }
    }
}

/// Liveness by the log: who lives writes a renewal every 15 s, and who has not done so for 30 s is dead.
///
/// An agent on a store with a remote authority uses it by itself.
#[derive(Clone)]
pub struct Renewals(Rc<Inner>);

struct Inner {
    store: Rc<dyn Store>,
    host: Rc<dyn Host>,
    /// When a session that never renewed was seen first: it gets as long as a renewal is valid.
    first_seen: RefCell<BTreeMap<RuntimeSessionId, MonoMs>>,
}

impl Renewals {
    /// Judges the sessions of a store by the clock of a host.
    pub fn new(store: Rc<dyn Store>, host: Rc<dyn Host>) -> Self {
        Self(Rc::new(Inner { store, host, first_seen: RefCell::default() }))
    }

    /// Tells for how many milliseconds a session counts as alive if it is not heard of again; `None` if it is dead.
    fn lease(&self, session: &RuntimeSessionId) -> Option<i64> {
        let Inner { store, host, first_seen } = &*self.0;
        // A store that cannot be read just now says nothing about others, and nobody is taken for dead by mistake.
        let Ok(sessions) = store.runtime_sessions() else { return Some(RUNTIME_SESSION_TIMEOUT_MS) };
        // A session that was terminated by others may still be ending its work, so its last renewal counts all the same.
        let row = sessions.into_iter().find(|row| row.session_id == *session)?;
        let left = if let Some(expires) = row.expires_at.as_deref().and_then(time::parse_iso) {
            expires.saturating_sub(host.now())
        } else {
            let seen = *first_seen.borrow_mut().entry(session.clone()).or_insert_with(|| host.mono());
            RUNTIME_SESSION_TIMEOUT_MS - host.mono().saturating_sub(seen) as i64
        };
        (left >= 0).then_some(left)
    }
}

impl Liveness for Renewals {
    fn is_alive(&self, session: &RuntimeSessionId) -> bool {
        self.lease(session).is_some()
    }

    fn gone(&self, session: &RuntimeSessionId) -> LocalBoxFuture<'static, ()> {
        let (this, session) = (self.clone(), session.clone());
        Box::pin(async move {
            while let Some(left) = this.lease(&session) {
                this.0.host.sleep(Duration::from_millis(left.unsigned_abs() + 1)).await;
            }
        })
    }

    fn renews(&self) -> bool {
        true
    }

    fn health(&self, session: &RuntimeSession, now: WallMs) -> Health {
        Health::of(session, now)
    }
}

impl std::fmt::Debug for Renewals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}
