//! A [`Host`] whose clock moves only when told: time, random and tasks are deterministic, the network is scripted.
//!
//! For tests of whatever runs on a [`Host`], natively and as wasm. [`VirtualHost::run`] drives a future and all tasks;
//! when none of them can go on, the clock jumps to the next timer, so a test that waits an hour takes no time.
//!
//! ```
//! use std::time::Duration;
//! use purlin_runtime_core::{virtual_host::VirtualHost, Host};
//!
//! let host = VirtualHost::new();
//! host.run(host.sleep(Duration::from_secs(3600)));
//! assert_eq!(host.mono(), 3_600_000);
//! ```

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::host::{
    Host, HttpError, HttpErrorKind, HttpRequest, HttpResponse, Level, MonoMs, Record, TaskHandle, WallMs,
};

/// The wall clock at the beginning: 2026-01-01T00:00:00Z.
const EPOCH: WallMs = 1_767_225_600_000;
const ROOT: u64 = 0;

/// Answers requests in place of a network.
pub type Network = dyn Fn(HttpRequest) -> Result<HttpResponse, HttpError>;

/// A deterministic host; clones are the same host.
#[derive(Clone, Default)]
pub struct VirtualHost(Rc<World>);

#[derive(Default)]
struct World {
    mono: Cell<MonoMs>,
    wall_shift: Cell<WallMs>,
    random: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, LocalBoxFuture<'static, ()>>>,
    aborted: RefCell<BTreeSet<u64>>,
    last_task: Cell<u64>,
    ready: Arc<Ready>,
    timers: RefCell<BTreeMap<(MonoMs, u64), Rc<Timer>>>,
    last_timer: Cell<u64>,
    log: RefCell<Vec<(Level, String)>>,
    network: RefCell<Option<Rc<Network>>>,
}

#[derive(Default)]
struct Ready(Mutex<VecDeque<u64>>);

struct TaskWaker {
    task: u64,
    ready: Arc<Ready>,
}

#[derive(Default)]
struct Timer {
    fired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

struct Sleep {
    world: Rc<World>,
    key: (MonoMs, u64),
    timer: Rc<Timer>,
}

impl VirtualHost {
    /// Makes a host at 2026-01-01T00:00:00Z with a clock that stands still.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a future, and all tasks beside it, until it ends; moves the clock whenever nothing else can go on.
    ///
    /// # Panics
    ///
    /// Panics if the future can never end, because nothing is ready and no timer is set.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let waker = self.waker(ROOT);
        self.0.ready.push(ROOT);
        loop {
            while let Some(task) = self.0.ready.pop() {
                if task != ROOT {
                    self.poll(task);
                } else if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return value;
                }
            }
            assert!(self.fire_next(), "the future waits for something that will never happen");
        }
    }

    /// Runs all tasks until none can go on without the clock moving.
    pub fn settle(&self) {
        let mut root = false;
        while let Some(task) = self.0.ready.pop() {
            if task == ROOT {
                root = true;
            } else {
                self.poll(task);
            }
        }
        if root {
            self.0.ready.push(ROOT);
        }
    }

    /// Moves the clock by milliseconds, firing timers in their order and running what they wake.
    pub fn advance(&self, millis: u64) {
        let until = self.0.mono.get() + millis;
        self.settle();
        while self.next_timer().is_some_and(|at| at <= until) {
            self.fire_next();
            self.settle();
        }
        self.0.mono.set(until);
    }

    /// Moves the wall clock alone, as a correction of the machine's time does.
    pub fn shift_wall(&self, millis: WallMs) {
        self.0.wall_shift.set(self.0.wall_shift.get() + millis);
    }

    /// Runs a future beside whoever drives the host, until it ends.
    pub fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        self.spawn(Box::pin(future)).detach();
    }

    /// Counts the timers that are set: none, when nothing is to be done.
    pub fn timers(&self) -> usize {
        self.0.timers.borrow().len()
    }

    /// Returns the log so far.
    pub fn logged(&self) -> Vec<(Level, String)> {
        self.0.log.borrow().clone()
    }

    /// Answers requests by a function from now on; without one they fail.
    pub fn serve(&self, network: impl Fn(HttpRequest) -> Result<HttpResponse, HttpError> + 'static) {
        *self.0.network.borrow_mut() = Some(Rc::new(network));
    }

    fn waker(&self, task: u64) -> Waker {
        Waker::from(Arc::new(TaskWaker { task, ready: self.0.ready.clone() }))
    }

    fn poll(&self, task: u64) {
        // The task is taken out while it is polled, so that it may spawn and stop others.
        let future = self.0.tasks.borrow_mut().remove(&task);
        let Some(mut future) = future else { return };
        let waker = self.waker(task);
        let pending = future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        if !self.0.aborted.borrow_mut().remove(&task) && pending {
            self.0.tasks.borrow_mut().insert(task, future);
        }
    }

    fn next_timer(&self) -> Option<MonoMs> {
        self.0.timers.borrow().keys().next().map(|(at, _)| *at)
    }

    fn fire_next(&self) -> bool {
        let Some(((at, _), timer)) = self.0.timers.borrow_mut().pop_first() else { return false };
        self.0.mono.set(self.0.mono.get().max(at));
        timer.fired.set(true);
        if let Some(waker) = timer.waker.take() {
            waker.wake();
        }
        true
    }
}

impl Host for VirtualHost {
    fn now(&self) -> WallMs {
        EPOCH + self.0.wall_shift.get() + self.0.mono.get() as WallMs
    }

    fn mono(&self) -> MonoMs {
        self.0.mono.get()
    }

    /// Fills the buffer from `SplitMix64`, which begins anew with each host.
    fn random(&self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(8) {
            let state = self.0.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.0.random.set(state);
            let mut bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(bits ^ (bits >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let number = self.0.last_timer.get() + 1;
        self.0.last_timer.set(number);
        let key = (self.0.mono.get() + duration.as_millis() as MonoMs, number);
        let timer = Rc::new(Timer::default());
        self.0.timers.borrow_mut().insert(key, timer.clone());
        Box::pin(Sleep { world: self.0.clone(), key, timer })
    }

    fn spawn(&self, future: LocalBoxFuture<'static, ()>) -> TaskHandle {
        let task = self.0.last_task.get() + 1;
        self.0.last_task.set(task);
        self.0.tasks.borrow_mut().insert(task, future);
        self.0.ready.push(task);
        let world = Rc::downgrade(&self.0);
        TaskHandle::new(move || {
            let Some(world) = world.upgrade() else { return };
            let future = world.tasks.borrow_mut().remove(&task);
            if future.is_none() && world.last_task.get() >= task {
                world.aborted.borrow_mut().insert(task);
            }
        })
    }

    fn fetch(&self, request: HttpRequest) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>> {
        let network = self.0.network.borrow().clone();
        Box::pin(async move {
            match network {
                Some(network) => network(request),
                None => Err(HttpError::new(HttpErrorKind::Unsupported, "This host has no network.")),
            }
        })
    }

    fn log(&self, record: &Record<'_>) {
        self.0.log.borrow_mut().push((record.level, record.message.to_owned()));
    }
}

impl std::fmt::Debug for VirtualHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualHost").field("mono", &self.0.mono.get()).finish_non_exhaustive()
    }
}

impl Ready {
    fn push(&self, task: u64) {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&task) {
            ready.push_back(task);
        }
    }

    fn pop(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.task);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.fired.get() {
            return Poll::Ready(());
        }
        *self.timer.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.world.timers.borrow_mut().remove(&self.key);
    }
}
