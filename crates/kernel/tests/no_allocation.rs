//! A hook nobody handles costs its raiser no allocation (row B1 of the contract, law 4).
#![allow(unsafe_code, missing_docs, clippy::unwrap_used, reason = "a counting allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use purlin_kernel::hooks::terminal::{KeyPayload, KeyPress};
use purlin_kernel::{DirEntry, Host, HostError, Kernel, Key, LBF, Object, Process, ProcessSpec, TaskHandle};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct NoHost;

impl Host for NoHost {
    fn now_mono(&self) -> u64 {
        0
    }
    fn sleep(&self, _: Duration) -> LBF<()> {
        Box::pin(std::future::pending())
    }
    fn spawn(&self, _: LBF<()>) -> Box<dyn TaskHandle> {
        unreachable!("this test spawns nothing")
    }
    fn spawn_process(&self, _: ProcessSpec) -> Result<Process, HostError> {
        Err(HostError::Unsupported("processes"))
    }
    fn fs_read(&self, _: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        Box::pin(std::future::pending())
    }
    fn fs_write(&self, _: PathBuf, _: Vec<u8>) -> LBF<Result<(), HostError>> {
        Box::pin(std::future::pending())
    }
    fn fs_list(&self, _: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        Box::pin(std::future::pending())
    }
}

fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    f();
    COUNT.with(Cell::get) - before
}

#[test]
fn row_b01_an_unhandled_hook_allocates_nothing() {
    let kernel = Kernel::new(Rc::new(NoHost));
    let event: purlin_kernel::KeyEvent = Key::parse_single("x").unwrap().into();
    let sync = allocations(|| {
        let dispatched = kernel.hook().dispatch_with::<KeyPress>(|| KeyPayload(event.clone()));
        assert!(!dispatched.consumed);
    });
    assert_eq!(sync, 0);
    let port = kernel.port();
    let decl = kernel.hook().decl("key").unwrap();
    let from_another_thread = std::thread::spawn(move || {
        allocations(|| {
            assert!(!port.wants(decl));
            drop(port.raise(decl, Object::new()));
        })
    });
    assert_eq!(from_another_thread.join().unwrap(), 0);
}

#[test]
fn an_idle_frame_allocates_nothing() {
    let kernel = Kernel::new(Rc::new(NoHost));
    drop(kernel.frame(200, 60));
    assert_eq!(allocations(|| drop(kernel.frame(200, 60))), 0);
}
