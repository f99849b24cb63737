//! One answer on its way from the store thread to a thread that waits for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use purlin_notebook::StoreError;

use super::tables::Answer;

/// The side that answers. Dropping it answers that the store thread ended.
pub(super) struct Promise<T>(Arc<Shared<T>>);

/// The side that waits.
pub(super) struct Waiting<T>(Arc<Shared<T>>);

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    answer: Option<Answer<T>>,
    waiter: Option<Thread>,
}

/// Makes both sides.
pub(super) fn promise<T>() -> (Promise<T>, Waiting<T>) {
    let shared = Arc::new(Shared(Mutex::new(State { answer: None, waiter: None })));
    (Promise(Arc::clone(&shared)), Waiting(shared))
}

impl<T> Promise<T> {
    /// Answers.
    pub(super) fn send(self, answer: Answer<T>) {
        self.0.put(answer);
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.0.put(Err(ended()));
    }
}

impl<T> Shared<T> {
    /// Keeps the first answer and wakes who waits for it.
    fn put(&self, answer: Answer<T>) {
        let mut state = self.lock();
        state.answer.get_or_insert(answer);
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    /// Waits for the answer.
    pub(super) fn wait(self) -> Answer<T> {
        loop {
            if let Some(answer) = self.look() {
                return answer;
            }
            thread::park();
        }
    }

    /// Waits for the answer, at most so long; `None` if there was none.
    pub(super) fn wait_for(self, time: Duration) -> Option<Answer<T>> {
        let begun = Instant::now();
        loop {
            if let Some(answer) = self.look() {
                return Some(answer);
            }
            thread::park_timeout(time.checked_sub(begun.elapsed())?);
        }
    }

    /// Takes the answer, or leaves word who waits for it.
    fn look(&self) -> Option<Answer<T>> {
        let mut state = self.0.lock();
        let answer = state.answer.take();
        if answer.is_none() {
            state.waiter = Some(thread::current());
        }
        answer
    }
}

/// What is answered when nobody is left who could.
pub(super) fn ended() -> StoreError {
    StoreError::Closed("the store thread ended".to_owned())
}
