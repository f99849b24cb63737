//! A flag that is raised once and wakes whoever waits for it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_util::future::LocalBoxFuture;

/// Tells an execution to stop: raised once, seen by every clone.
#[derive(Clone, Default)]
pub struct Cancellation(Rc<Inner>);

#[derive(Default)]
struct Inner {
    raised: Cell<bool>,
    wakers: RefCell<Vec<Waker>>,
}

impl Cancellation {
    /// Makes a flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells whether the flag is raised.
    pub fn is_raised(&self) -> bool {
        self.0.raised.get()
    }

    /// Raises the flag; tells whether it was this call that did.
    pub fn raise(&self) -> bool {
        if self.0.raised.replace(true) {
            return false;
        }
        for waker in self.0.wakers.take() {
            waker.wake();
        }
        true
    }

    /// Waits until the flag is raised.
    pub fn raised(&self) -> LocalBoxFuture<'static, ()> {
        let this = self.clone();
        Box::pin(poll_fn(move |cx| {
            if this.is_raised() {
                return Poll::Ready(());
            }
            let mut wakers = this.0.wakers.borrow_mut();
            if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                wakers.push(cx.waker().clone());
            }
            Poll::Pending
        }))
    }
}

impl std::fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancellation").field(&self.is_raised()).finish()
    }
}
