//! What a hook costs that nobody handles: time per dispatch, and allocations, counted.
//!
//! Prints `allocations=… dispatch_ns=… wants_ns=…` for `cargo xtask bench`.
#![expect(unsafe_code, reason = "counting allocations means being the allocator")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    path::PathBuf,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use purlin_kernel::{
    DirEntry, Host, HostError, Kernel, LBF, Process, ProcessSpec, TaskHandle,
    hooks::{Hook, terminal::KeyPress},
};

const ROUNDS: u32 = 5_000_000;

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged; the counter touches no memory it hands out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// A host that a kernel at rest never asks for anything.
struct Nothing;

struct NoTask;

impl TaskHandle for NoTask {
    fn abort(&self) {}
}

impl Host for Nothing {
    fn now_mono(&self) -> u64 {
        0
    }

    fn sleep(&self, _: Duration) -> LBF<()> {
        Box::pin(std::future::pending())
    }

    fn spawn(&self, _: LBF<()>) -> Box<dyn TaskHandle> {
        Box::new(NoTask)
    }

    fn spawn_process(&self, _: ProcessSpec) -> Result<Process, HostError> {
        Err(HostError::Unsupported("a process"))
    }

    fn fs_read(&self, _: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        Box::pin(async { Err(HostError::Unsupported("a file")) })
    }

    fn fs_write(&self, _: PathBuf, _: Vec<u8>) -> LBF<Result<(), HostError>> {
        Box::pin(async { Err(HostError::Unsupported("a file")) })
    }

    fn fs_list(&self, _: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        Box::pin(async { Err(HostError::Unsupported("a folder")) })
    }
}

fn main() {
    let kernel = Kernel::new(Rc::new(Nothing));
    let port = kernel.port();
    // Once before counting, so that nothing that is made on first use is counted.
    dispatch(&kernel);

    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let dispatched = time(|| dispatch(&kernel));
    let asked = time(|| {
        black_box(port.wants(black_box(KeyPress::DECL)));
    });
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    println!("allocations={allocations} dispatch_ns={dispatched:.2} wants_ns={asked:.2}");
}

/// What the kernel does for a key when no extension wants keys.
fn dispatch(kernel: &Kernel) {
    let dispatched = kernel
        .hook()
        .dispatch_with::<KeyPress>(|| unreachable!("nobody handles it, so nobody reads its payload"));
    black_box(dispatched);
}

/// Nanoseconds per round.
fn time(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
}
