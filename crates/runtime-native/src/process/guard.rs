//! The guard: a small process beside ours that ends what we started when we are killed and cannot do it ourselves.
//!
//! It holds one end of a socket. Each process that is about to lead a group says so there itself, between fork and
//! exec, so that there is no moment in which a group exists that the guard does not know; when the group is gone we
//! say that. If the socket closes while groups are left, its owner is dead, by `kill -9` or for want of memory, and
//! the guard kills them: the leader, its children and theirs. It is a shell that reads lines, so that any program
//! that uses this library has it, and costs nothing while nothing happens.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::{SendFlags, send};
use rustix::process::Pid;

/// What the guard runs: `+ GROUP` and `- GROUP` note a group's begin and end, `?` forgets those that are gone already.
///
/// Only words of the shell itself are used, so nothing else is ever started. The signals of a terminal or of a
/// service manager do not end it; only the end of its input does.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
set --
while read -r word group; do
    case $word in
    +) set -- "$@" "$group" ;;
    -) for known do shift; [ "$known" = "$group" ] || set -- "$@" "$known"; done ;;
    *) for known do shift; kill -s 0 -- "-$known" && set -- "$@" "$known"; done ;;
    esac
done
for known do kill -s KILL -- "-$known"; done
"#;

/// A closed socket is an error, not a signal; nobody ever waits for the guard to read.
#[cfg(not(target_vendor = "apple"))]
const FLAGS: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);
/// The standard library turns the signal off for its sockets there.
#[cfg(target_vendor = "apple")]
const FLAGS: SendFlags = SendFlags::DONTWAIT;

/// One guard serves the whole process, because what it watches for is the end of the whole process.
static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

struct Guard {
    child: Child,
    line: Arc<OwnedFd>,
    /// The groups it was told of, for the one that takes its place if somebody kills it.
    groups: BTreeSet<i32>,
}

/// The way to the guard for a process that is about to begin.
#[derive(Clone)]
pub(super) struct Line(Arc<OwnedFd>);

impl Line {
    /// Opens the way, and starts the guard if it does not run. Without one the process is started all the same.
    pub(super) fn open() -> Option<Self> {
        let mut guard = lock();
        if let Some(guard) = &mut *guard
            && matches!(guard.child.try_wait(), Ok(None))
        {
            return Some(Self(Arc::clone(&guard.line)));
        }
        let groups = guard.take().map(|dead| dead.groups).unwrap_or_default();
        match Guard::start(groups) {
            Ok(started) => Some(Self(Arc::clone(&guard.insert(started).line))),
            Err(error) => {
                tracing::warn!(%error, "what is started here may outlive a kill: its guard cannot be started");
                None
            }
        }
    }

    /// Tells the guard that the calling process leads a group now.
    ///
    /// Called between fork and exec: it makes system calls and nothing else.
    pub(super) fn sign_on(&self) {
        // Without its guard a command is still better run than refused.
        let _ = tell(&self.0, b'+', rustix::process::getpid().as_raw_pid());
    }

    /// Lets the guard forget a process that was signed on and could not be started.
    pub(super) fn not_started(&self) {
        // A guard that is gone has forgotten everything.
        let _ = send(&*self.0, b"? 0\n", FLAGS);
    }
}

/// Notes the group of a process that was started.
pub(super) fn note(group: Pid) {
    if let Some(guard) = &mut *lock() {
        guard.groups.insert(group.as_raw_pid());
    }
}

/// Tells the guard that a group is gone, or was killed. Each group is released once.
pub(super) fn release(group: Pid) {
    if let Some(guard) = &mut *lock()
        && guard.groups.remove(&group.as_raw_pid())
    {
        // A guard that is gone has forgotten everything.
        let _ = tell(&guard.line, b'-', group.as_raw_pid());
    }
}

fn lock() -> MutexGuard<'static, Option<Guard>> {
    GUARD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Guard {
    fn start(groups: BTreeSet<i32>) -> io::Result<Self> {
        let (ours, its) = UnixStream::pair()?;
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "purlin-guard"]).current_dir("/").env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.stdin(Stdio::from(OwnedFd::from(its))).stdout(Stdio::null()).stderr(Stdio::null());
        leave(&mut command);
        let child = command.spawn()?;
        let line = Arc::new(OwnedFd::from(ours));
        for group in &groups {
            tell(&line, b'+', *group)?;
        }
        Ok(Self { child, line, groups })
    }
}

/// Takes the guard out of our session: what ends our terminal's processes must not end it.
#[expect(unsafe_code, reason = "the system offers no other way to leave the session")]
fn leave(command: &mut Command) {
    // SAFETY: the closure runs between fork and exec and makes one system call, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(Into::into));
    }
}

/// Sends one line. Allocates nothing: it is also called between fork and exec.
fn tell(line: &OwnedFd, word: u8, group: i32) -> rustix::io::Result<()> {
    let mut text = [b' '; 16];
    let mut at = text.len() - 1;
    text[at] = b'\n';
    let mut number = group;
    while number > 0 && at > 2 {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text[at - 2] = word;
    send(line, &text[at - 2..], FLAGS).map(drop)
}
