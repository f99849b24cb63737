//! A host with virtual time and a small executor.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::StreamExt;
use purlin_kernel::{
    DirEntry, Extension, HandlerError, Host, HostError, Input, Kernel, Key, LBF, Process, ProcessEvent,
    ProcessSpec, Registrar, TaskHandle, Window,
};

pub struct FakeHost {
    now: Cell<u64>,
    next: Cell<u64>,
    tasks: Rc<RefCell<BTreeMap<u64, Task>>>,
    sleepers: Rc<RefCell<Vec<(u64, Waker)>>>,
    pub killed: Rc<Cell<usize>>,
}

struct Task {
    future: Option<LBF<()>>,
    flag: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct FakeTask {
    id: u64,
    tasks: Rc<RefCell<BTreeMap<u64, Task>>>,
}

impl TaskHandle for FakeTask {
    fn abort(&self) {
        let task = self.tasks.borrow_mut().remove(&self.id);
        drop(task);
    }
}

impl Drop for FakeTask {
    fn drop(&mut self) {
        self.abort();
    }
}

impl FakeHost {
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(1_000),
            next: Cell::new(0),
            tasks: Rc::default(),
            sleepers: Rc::default(),
            killed: Rc::default(),
        })
    }

    /// Polls every woken task until none is.
    pub fn settle(&self) {
        loop {
            let ready: Vec<u64> = {
                let tasks = self.tasks.borrow();
                tasks
                    .iter()
                    .filter(|(_, t)| t.flag.0.swap(false, Ordering::Relaxed))
                    .map(|(id, _)| *id)
                    .collect()
            };
            if ready.is_empty() {
                return;
            }
            for id in ready {
                let taken = self
                    .tasks
                    .borrow_mut()
                    .get_mut(&id)
                    .and_then(|t| Some((t.future.take()?, t.flag.clone())));
                let Some((mut future, flag)) = taken else { continue };
                let waker = Waker::from(flag);
                let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                let mut tasks = self.tasks.borrow_mut();
                if done {
                    tasks.remove(&id);
                } else if let Some(task) = tasks.get_mut(&id) {
                    task.future = Some(future);
                }
            }
        }
    }

    pub fn advance(&self, ms: u64) {
        self.now.set(self.now.get() + ms);
        let now = self.now.get();
        let due: Vec<Waker> = {
            let mut sleepers = self.sleepers.borrow_mut();
            let (due, rest) = std::mem::take(&mut *sleepers).into_iter().partition(|(at, _)| *at <= now);
            *sleepers = rest;
            let due: Vec<(u64, Waker)> = due;
            due.into_iter().map(|(_, waker)| waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
        self.settle();
    }

    /// Moves time on to the next sleeper; false when nobody sleeps.
    fn advance_to_next(&self) -> bool {
        let next = self.sleepers.borrow().iter().map(|(at, _)| *at).min();
        if let Some(at) = next {
            self.advance(at.saturating_sub(self.now.get()));
        }
        next.is_some()
    }

    /// Runs a future to its end, moving time on while everything sleeps.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        for _ in 0..10_000 {
            if let Poll::Ready(value) = poll_once(&mut future) {
                return value;
            }
            self.settle();
            if let Poll::Ready(value) = poll_once(&mut future) {
                return value;
            }
            assert!(self.advance_to_next(), "nothing will ever wake this future");
        }
        panic!("the future does not end");
    }
}

pub fn poll_once<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

impl Host for FakeHost {
    fn now_mono(&self) -> u64 {
        self.now.get()
    }

    fn sleep(&self, duration: Duration) -> LBF<()> {
        let due = self.now.get() + duration.as_millis() as u64;
        let sleepers = self.sleepers.clone();
        // The closure cannot see the clock; being woken means that the time has come.
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let armed = Cell::new(false);
        Box::pin(std::future::poll_fn(move |cx| {
            if flag.0.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            if !armed.replace(true) {
                sleepers.borrow_mut().push((due, Waker::from(flag.clone())));
            }
            sleepers.borrow_mut().push((due, cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle> {
        let id = self.next.get() + 1;
        self.next.set(id);
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        self.tasks.borrow_mut().insert(id, Task { future: Some(task), flag });
        Box::new(FakeTask { id, tasks: self.tasks.clone() })
    }

    fn spawn_process(&self, spec: ProcessSpec) -> Result<Process, HostError> {
        let killed = self.killed.clone();
        let kill = Rc::new(move || killed.set(killed.get() + 1));
        let said = ProcessEvent::Stdout(spec.args.join(" ").into_bytes());
        let output = futures_util::stream::iter([said]).chain(if spec.program == "sleep" {
            futures_util::stream::pending().boxed_local()
        } else {
            let exit = ProcessEvent::Exit { code: Some(0), signal: None, timed_out: false };
            futures_util::stream::iter([exit]).boxed_local()
        });
        Ok(Process { output: output.boxed_local(), kill, input: None })
    }

    fn fs_read(&self, _: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        Box::pin(async { Err(HostError::Unsupported("files")) })
    }

    fn fs_write(&self, _: PathBuf, _: Vec<u8>) -> LBF<Result<(), HostError>> {
        Box::pin(async { Err(HostError::Unsupported("files")) })
    }

    fn fs_list(&self, _: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        Box::pin(async { Err(HostError::Unsupported("files")) })
    }
}

/// A kernel with an editable buffer `main` in a focused window of that name and role `editor`.
pub fn editor() -> (Kernel, Rc<FakeHost>) {
    let host = FakeHost::new();
    let kernel = Kernel::new(host.clone());
    kernel.buf().create(purlin_kernel::ExtId::CORE, "main");
    kernel.win().create(purlin_kernel::ExtId::CORE, Window::new("main", "editor", "main")).unwrap();
    kernel.win().focus("main");
    kernel.ui().set_interactive(true);
    (kernel, host)
}

/// Types keys as people write them, such as `"h i <cr>"`.
pub fn press(kernel: &Kernel, keys: &str) {
    for key in Key::parse(keys).unwrap() {
        kernel.input(Input::Key(key.into()));
    }
}

/// An extension made of a closure.
pub struct Ext<F>(pub &'static str, pub F);

impl<F: FnMut(&mut Registrar<'_>) -> Result<(), HandlerError>> Extension for Ext<F> {
    fn name(&self) -> &str {
        self.0
    }

    fn load(&mut self, registrar: &mut Registrar<'_>) -> Result<(), HandlerError> {
        (self.1)(registrar)
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    #[expect(clippy::needless_pass_by_value, reason = "a label reads better by value")]
    pub fn add(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}
