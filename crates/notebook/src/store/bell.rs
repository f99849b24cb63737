//! Dirty ticks: a commit rings, whoever watches one of the touched tables is woken once.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::task::AtomicWaker;

use crate::tables::Tables;

/// Rings for everybody who watches a store, from any thread.
///
/// Ticks are level-triggered: a listener that was rung any number of times before it looks gets one tick.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Mutex<Vec<Weak<Listener>>>>);

#[derive(Debug)]
struct Listener {
    tables: Tables,
    dirty: AtomicBool,
    closed: AtomicBool,
    waker: AtomicWaker,
}

/// A stream of dirty ticks. It ends when the bell is closed.
#[derive(Debug)]
pub struct Watch(Arc<Listener>);

impl Bell {
    /// Makes a bell that nobody listens to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens for changes of some tables. The first tick comes at once.
    pub fn watch(&self, tables: Tables) -> Watch {
        let listener = Arc::new(Listener {
            tables,
            dirty: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&listener));
        Watch(listener)
    }

    /// Tells the listeners of the touched tables to look again.
    pub fn ring(&self, touched: Tables) {
        for listener in self.listeners() {
            if listener.tables.intersects(touched) && !listener.dirty.swap(true, Ordering::AcqRel) {
                listener.waker.wake();
            }
        }
    }

    /// Ends every stream, after its last tick.
    pub fn close(&self) {
        for listener in self.listeners() {
            listener.closed.store(true, Ordering::Release);
            listener.waker.wake();
        }
    }

    /// Wakers run foreign code, so they are called without the lock.
    fn listeners(&self) -> Vec<Arc<Listener>> {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Stream for Watch {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let listener = &self.0;
        listener.waker.register(cx.waker());
        if listener.dirty.swap(false, Ordering::AcqRel) {
            return Poll::Ready(Some(()));
        }
        if listener.closed.load(Ordering::Acquire) { Poll::Ready(None) } else { Poll::Pending }
    }
}
