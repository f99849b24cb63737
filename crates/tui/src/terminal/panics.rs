//! Panics while the terminal is ours: the message waits until it can be read.
//!
//! A panic that the kernel's guard catches must not touch the screen, and one that ends the program unwinds through
//! [`super::Terminal`], whose drop puts the terminal back. So the hook only keeps the message; it is printed, after the
//! terminal has been put back, when the thread that leaves is unwinding or another thread has died.

use std::{
    io::Write as _,
    panic::{PanicHookInfo, set_hook, take_hook},
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The panic hook is one for the whole process, so is what it needs to know.
static HELD: AtomicBool = AtomicBool::new(false);
static MESSAGES: Mutex<Vec<(bool, String)>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

/// Keeps panic messages back (`true`), or prints those that nobody caught and lets further ones through.
pub fn hold(on: bool) {
    INSTALL.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            tracing::error!(target: "panic", "{info}");
            if HELD.load(Ordering::Acquire) { keep(info) } else { previous(info) }
        }));
    });
    HELD.store(on, Ordering::Release);
    if !on {
        print();
    }
}

fn keep(info: &PanicHookInfo<'_>) {
    let main = std::thread::current().name() == Some("main");
    MESSAGES.lock().unwrap_or_else(PoisonError::into_inner).push((main, info.to_string()));
}

fn print() {
    let kept = std::mem::take(&mut *MESSAGES.lock().unwrap_or_else(PoisonError::into_inner));
    let unwinding = std::thread::panicking();
    for (main, message) in kept {
        if unwinding || !main {
            // Standard error may be closed; the log has the message.
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }
}
