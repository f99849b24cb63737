//! Waiting until what was committed is safe, and never longer than the options say.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use purlin_notebook::{Durability, Store, StoreError};

use crate::host::Host;

/// Asks a store to bring everything to a level, and waits at most until the deadline: a store knows the deadline too,
/// but one that another program hands in may never answer.
pub(crate) fn within(
    store: &dyn Store,
    host: &Rc<dyn Host>,
    level: Durability,
    deadline: Duration,
) -> LocalBoxFuture<'static, Result<(), StoreError>> {
    let (mut flushed, host) = (store.flush(level, deadline), host.clone());
    // Made only if the store does not answer at once, as it does nearly always.
    let mut over = None;
    Box::pin(poll_fn(move |cx| {
        if let Poll::Ready(answer) = flushed.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        let over = over.get_or_insert_with(|| host.sleep(deadline));
        over.as_mut().poll(cx).map(|()| {
            let millis = deadline.as_millis();
            Err(StoreError::Backend(format!(
                "the store did not say within {millis} ms that the session is saved"
            )))
        })
    }))
}
