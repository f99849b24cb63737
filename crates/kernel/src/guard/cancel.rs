//! Ends the waits of a handler when what it works for has gone away.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::LBF;

/// Says that a turn was closed; every wait of its handlers then ends with `user`.
#[derive(Clone, Default)]
pub struct CancelToken {
    state: Rc<State>,
    about: Option<Rc<str>>,
}

#[derive(Default)]
struct State {
    cancelled: Cell<bool>,
    wakers: RefCell<Vec<Waker>>,
}

impl CancelToken {
    /// Makes a token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a token of the same turn that says what the turn is about.
    #[must_use]
    pub fn with_about(&self, about: &str) -> Self {
        Self { state: Rc::clone(&self.state), about: Some(about.into()) }
    }

    /// Answers what the turn is about, if that was said.
    pub fn about(&self) -> Option<Rc<str>> {
        self.about.clone()
    }

    /// Ends all waits that listen to it, now and later.
    pub fn cancel(&self) {
        self.state.cancelled.set(true);
        let wakers = std::mem::take(&mut *self.state.wakers.borrow_mut());
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state.cancelled.get()
    }

    /// Completes when it is cancelled.
    pub fn cancelled(&self) -> LBF<()> {
        let state = self.state.clone();
        Box::pin(std::future::poll_fn(move |cx| {
            if state.cancelled.get() {
                return Poll::Ready(());
            }
            let mut wakers = state.wakers.borrow_mut();
            if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                wakers.push(cx.waker().clone());
            }
            Poll::Pending
        }))
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}
