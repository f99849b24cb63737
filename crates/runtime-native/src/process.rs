//! Processes: each leads a session and a process group of its own, its output streams, and dropping it ends the group.
//!
//! A session of its own takes the terminal away from the process: a program that asks for a password fails instead of
//! writing over the screen and waiting for keys that never come.

mod guard;
mod input;

use std::process::Stdio;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream;
use purlin_kernel::host::{HostError, Process, ProcessEvent, ProcessInput, ProcessSpec};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::serve::TOKEN_VARIABLES;
use guard::Line;
use input::{Queue, Terminal};

/// How long a group that was asked to end may take before it is made to.
pub const TERM_GRACE: Duration = Duration::from_millis(700);
/// How long output may still come after the leader has ended, from children that keep its pipes.
const LATE_OUTPUT: Duration = Duration::from_millis(50);
/// How long such children are listened to at most if they are never silent, and how many pieces at least.
const LATE_MOST: Duration = Duration::from_secs(1);
const LATE_PIECES: u32 = 32;
/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// Starts a process. Its output is read only as fast as it is taken, so an endless one stays bounded.
///
/// When the leader has ended, and its last output has been told, [`ProcessEvent::Exit`] follows. What it left running
/// in its group lives on until the answer is dropped. After `spec.timeout` the group is killed, and the exit tells the
/// signal.
pub fn spawn(mut spec: ProcessSpec) -> Result<Process, HostError> {
    let mut command = Command::new(&spec.program);
    // The token is this runtime's own. What a person keeps in the environment for their scripts is theirs, and stays.
    for name in TOKEN_VARIABLES {
        command.env_remove(name);
    }
    command.args(&spec.args).envs(spec.env.iter().map(|(name, value)| (name, value)));
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    let leads = spec.group || spec.pty.is_some();
    let line = leads.then(Line::open).flatten();
    if leads {
        lead_session(&mut command, line.clone());
    }
    let first = spec.stdin.take();
    let attached = match spec.pty {
        Some(size) => on_terminal(&mut command, &spec, first, size),
        None => on_pipes(&mut command, &spec, first),
    };
    let attached = attached.inspect_err(|_| line.iter().for_each(Line::not_started))?;
    let group = Arc::new(Group::of(&attached.child, leads, line.is_some()));
    let running = Running {
        stdout: attached.stdout,
        stderr: attached.stderr,
        child: Some(attached.child),
        group: group.clone(),
        deadline: spec.timeout.map(|limit| Instant::now() + limit),
        timed_out: false,
        ended: None,
        late: None,
        told: false,
    };
    let kill = Rc::new(move || end_gently(&group));
    Ok(Process { output: Box::pin(stream::unfold(running, Running::next)), kill, input: attached.input })
}

/// What a process prints on.
type Output = Option<Box<dyn AsyncRead + Unpin>>;

/// A process that has begun, and what it is attached to.
struct Attached {
    child: Child,
    stdout: Output,
    stderr: Output,
    input: Option<Rc<dyn ProcessInput>>,
}

fn on_pipes(
    command: &mut Command,
    spec: &ProcessSpec,
    first: Option<Vec<u8>>,
) -> Result<Attached, HostError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let reads = first.is_some() || spec.keep_stdin;
    command.stdin(if reads { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(|error| cannot_start(spec, &error))?;
    let pipe = child.stdin.take().map(|stdin| Queue::of_pipe(stdin, first));
    let input = pipe.filter(|_| spec.keep_stdin).map(|pipe| Rc::new(pipe) as Rc<dyn ProcessInput>);
    let stdout = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn AsyncRead + Unpin>);
    let stderr = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn AsyncRead + Unpin>);
    Ok(Attached { child, stdout, stderr, input })
}

fn on_terminal(
    command: &mut Command,
    spec: &ProcessSpec,
    first: Option<Vec<u8>>,
    (columns, rows): (u16, u16),
) -> Result<Attached, HostError> {
    let (terminal, far) = Terminal::open(columns, rows).map_err(|error| cannot_start(spec, &error))?;
    let ends = [far.try_clone(), far.try_clone()];
    let [stdin, stdout] = ends.map(|end| end.map_err(|error| cannot_start(spec, &error)));
    command.stdin(stdin?).stdout(stdout?).stderr(far);
    own_terminal(command);
    let child = command.spawn().map_err(|error| cannot_start(spec, &error))?;
    // The command keeps the far side open, and with it the output, until it is told to keep nothing.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(bytes) = first {
        let (terminal, ends) = (terminal.clone(), !spec.keep_stdin);
        tokio::task::spawn_local(async move {
            // A process that does not read its input to the end is not at fault.
            let _ = terminal.write(bytes).await;
            if ends {
                terminal.close();
            }
        });
    }
    let stdout: Output = Some(Box::new(terminal.output()));
    Ok(Attached { child, stdout, stderr: None, input: Some(Rc::new(terminal)) })
}

/// Makes the process the leader of a session, and thereby of a group, of its own.
#[expect(unsafe_code, reason = "the system offers no other way to leave the terminal")]
fn lead_session(command: &mut Command, line: Option<Line>) {
    // SAFETY: the closure runs between fork and exec and does nothing but system calls, which are async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            // After a kill -9 of ours the guard ends the group.
            if let Some(line) = &line {
                line.sign_on();
            }
            // Where there is no guard, the leader at least ends with the thread that began it.
            #[cfg(target_os = "linux")]
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            Ok(())
        });
    }
}

/// Makes what the process reads from its controlling terminal; it must lead a session already.
#[expect(unsafe_code, reason = "the system offers no other way to take a terminal")]
fn own_terminal(command: &mut Command) {
    // SAFETY: the closure runs between fork and exec and does nothing but a system call, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
}

fn cannot_start(spec: &ProcessSpec, error: &std::io::Error) -> HostError {
    let cwd = spec.cwd.as_deref().filter(|cwd| !cwd.is_dir());
    match cwd {
        Some(cwd) => HostError::io("work in", cwd, "there is no such folder"),
        None => HostError::io("start", spec.program.as_ref(), error),
    }
}

/// What a signal is sent to.
struct Group {
    pid: Option<Pid>,
    whole: bool,
    gone: AtomicBool,
    /// Whether the guard knows it.
    guarded: AtomicBool,
}

impl Group {
    fn of(child: &Child, whole: bool, guarded: bool) -> Self {
        let pid = child.id().and_then(|id| Pid::from_raw(id as i32));
        if let Some(pid) = pid.filter(|_| guarded) {
            guard::note(pid);
        }
        Self { pid, whole, gone: AtomicBool::new(false), guarded: AtomicBool::new(guarded) }
    }

    /// Notes that nobody of the group is left. Its number may soon be another's.
    fn is_gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.release();
    }

    fn release(&self) {
        if let Some(pid) = self.pid.filter(|_| self.guarded.swap(false, Ordering::AcqRel)) {
            guard::release(pid);
        }
    }

    fn signal(&self, signal: Signal) {
        let Some(pid) = self.pid.filter(|_| !self.gone.load(Ordering::Acquire)) else { return };
        let sent = if self.whole {
            rustix::process::kill_process_group(pid, signal)
        } else {
            rustix::process::kill_process(pid, signal)
        };
        if sent == Err(rustix::io::Errno::SRCH) {
            self.is_gone();
        }
    }

    /// Notes that the leader was reaped: its number stands for the group only as long as a member lives.
    fn leader_ended(&self) {
        let Some(pid) = self.pid else { return };
        if !self.whole || rustix::process::test_kill_process_group(pid).is_err() {
            self.is_gone();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whoever held it has killed what was left.
        self.release();
    }
}

/// Asks a group to end, and makes it end after the grace period.
fn end_gently(group: &Arc<Group>) {
    group.signal(Signal::TERM);
    let Ok(runtime) = Handle::try_current() else {
        group.signal(Signal::KILL);
        return;
    };
    let last = LastWord(group.clone());
    runtime.spawn(async move {
        tokio::time::sleep(TERM_GRACE).await;
        drop(last);
    });
}

/// Kills a group when dropped, also if that is because the runtime ends before the grace period does.
struct LastWord(Arc<Group>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.signal(Signal::KILL);
    }
}

struct Running {
    child: Option<Child>,
    stdout: Output,
    stderr: Output,
    group: Arc<Group>,
    deadline: Option<Instant>,
    timed_out: bool,
    ended: Option<ProcessEvent>,
    /// Since when, and how many times, output was waited for after the end.
    late: Option<(Instant, u32)>,
    told: bool,
}

impl Running {
    async fn next(mut self) -> Option<(ProcessEvent, Self)> {
        if self.told {
            return None;
        }
        let event = loop {
            if let Some(event) = self.step().await {
                break event;
            }
        };
        self.told = matches!(event, ProcessEvent::Exit { .. });
        Some((event, self))
    }

    /// Waits for the next thing to happen; answers it if it is to be told.
    async fn step(&mut self) -> Option<ProcessEvent> {
        if let Some(exit) = &self.ended {
            let exit = exit.clone();
            if self.stdout.is_none() && self.stderr.is_none() {
                return Some(exit);
            }
            let (since, pieces) = self.late.unwrap_or_else(|| (Instant::now(), 0));
            self.late = Some((since, pieces.saturating_add(1)));
            if pieces >= LATE_PIECES && since.elapsed() >= LATE_MOST {
                return Some(exit);
            }
            // That one pipe has ended says nothing of the other: only silence, or the end of both, is the end.
            return match timeout(LATE_OUTPUT, read_either(&mut self.stdout, &mut self.stderr)).await {
                Ok(output) => output,
                Err(_silence) => Some(exit),
            };
        }
        let child = self.child.as_mut()?;
        let open = self.stdout.is_some() || self.stderr.is_some();
        tokio::select! {
            output = read_either(&mut self.stdout, &mut self.stderr), if open => output,
            status = child.wait() => {
                self.ended = Some(exit_event(&status, self.timed_out));
                self.group.leader_ended();
                None
            }
            () = reach(self.deadline), if self.deadline.is_some() => {
                self.deadline = None;
                self.timed_out = true;
                end_gently(&self.group);
                None
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (Some(mut child), group) = (self.child.take(), self.group.clone()) else { return };
        if group.gone.load(Ordering::Acquire) {
            return;
        }
        group.signal(Signal::TERM);
        let last = LastWord(group.clone());
        let reaped = self.ended.is_some();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if reaped {
                    tokio::time::sleep(TERM_GRACE).await;
                } else if timeout(TERM_GRACE, child.wait()).await.is_ok() {
                    group.leader_ended();
                }
                drop(last);
                // Only so that no dead process remains; how it ended interests nobody any more.
                let _ = child.wait().await;
            });
        }
    }
}

async fn reach(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        sleep_until(deadline).await;
    }
}

/// Reads from whichever pipe has something; a pipe that ended is closed. Answers nothing if one of them ended.
async fn read_either(stdout: &mut Output, stderr: &mut Output) -> Option<ProcessEvent> {
    let (from_stdout, bytes) = tokio::select! {
        bytes = read(stdout), if stdout.is_some() => (true, bytes),
        bytes = read(stderr), if stderr.is_some() => (false, bytes),
        else => return None,
    };
    match (from_stdout, bytes) {
        (true, Some(bytes)) => Some(ProcessEvent::Stdout(bytes)),
        (false, Some(bytes)) => Some(ProcessEvent::Stderr(bytes)),
        (true, None) => {
            *stdout = None;
            None
        }
        (false, None) => {
            *stderr = None;
            None
        }
    }
}

async fn read(pipe: &mut Output) -> Option<Vec<u8>> {
    let mut bytes = vec![0; PIECE];
    let count = pipe.as_mut()?.read(&mut bytes).await.unwrap_or(0);
    bytes.truncate(count);
    if count * 4 < PIECE {
        bytes.shrink_to_fit();
    }
    (count > 0).then_some(bytes)
}

fn exit_event(status: &std::io::Result<std::process::ExitStatus>, timed_out: bool) -> ProcessEvent {
    use std::os::unix::process::ExitStatusExt as _;
    match status {
        Ok(status) => ProcessEvent::Exit { code: status.code(), signal: status.signal(), timed_out },
        Err(_) => ProcessEvent::Exit { code: None, signal: None, timed_out },
    }
}
