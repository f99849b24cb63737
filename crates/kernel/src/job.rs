//! Jobs: processes that extensions started, killed with them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;

use crate::guard::DeadlineClass;
use crate::host::{ProcessEvent, ProcessInput, ProcessSpec};
use crate::{ExtId, Handle, HandlerError, Kernel, LBF, RegId, WeakKernel};

mod whole;

use whole::Whole;

#[derive(Default)]
pub(crate) struct JobTable {
    kill: RefCell<BTreeMap<RegId, Rc<dyn Fn()>>>,
}

/// A started process; deleting the handle kills its group.
pub struct Job {
    /// Names it.
    pub handle: Handle,
    /// What it prints, then its exit.
    pub output: LocalBoxStream<'static, ProcessEvent>,
    /// Its input, where it was asked for.
    pub input: Option<Rc<dyn ProcessInput>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// What a process that has ended left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobResult {
    /// The exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
    /// Everything it wrote on standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote on standard error.
    pub stderr: Vec<u8>,
}

/// Hears of a piece of output.
pub type OutputFn = Rc<dyn Fn(Vec<u8>) -> Result<(), HandlerError>>;
/// Hears of the end.
pub type ExitFn = Rc<dyn Fn(JobExit) -> Result<(), HandlerError>>;

/// What is called while a process runs, each in its owner's stretch.
#[derive(Clone, Default)]
pub struct JobEvents {
    /// For each piece of standard output.
    pub on_stdout: Option<OutputFn>,
    /// For each piece of standard error.
    pub on_stderr: Option<OutputFn>,
    /// Once, when it has ended.
    pub on_exit: Option<ExitFn>,
}

impl std::fmt::Debug for JobEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobEvents").finish_non_exhaustive()
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobExit {
    /// The exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
}

#[derive(Default)]
struct Ended {
    exit: Cell<Option<JobExit>>,
    wakers: RefCell<Vec<Waker>>,
}

/// A process whose output is called back.
#[derive(Clone)]
pub struct RunningJob {
    /// Names it; deleting it kills the process.
    pub handle: Handle,
    input: Option<Rc<dyn ProcessInput>>,
    ended: Rc<Ended>,
}

impl RunningJob {
    /// Writes to its input; an error when it has none, or does not read any more.
    pub fn write(&self, bytes: Vec<u8>) -> LBF<Result<(), HandlerError>> {
        let Some(input) = self.input.clone() else {
            let error = HandlerError::new("the process has no open input; start it with `stdin = true`");
            return Box::pin(std::future::ready(Err(error)));
        };
        // Asked for at once: the order of the calls is the order in which it reads.
        let writing = input.write(bytes);
        Box::pin(async move { writing.await.map_err(|error| HandlerError::new(error.to_string())) })
    }

    /// Ends its input.
    pub fn close_stdin(&self) {
        if let Some(input) = &self.input {
            input.close();
        }
    }

    /// Says that its terminal has another size.
    pub fn resize(&self, cols: u16, rows: u16) {
        if let Some(input) = &self.input {
            input.resize(cols, rows);
        }
    }

    /// Kills it and its group; nothing happens when it has ended.
    pub fn kill(&self) {
        self.handle.del();
    }

    /// Answers how it ended, if it has.
    pub fn exit(&self) -> Option<JobExit> {
        self.ended.exit.get()
    }

    /// Completes with how it ended.
    pub fn wait(&self) -> LBF<JobExit> {
        let ended = self.ended.clone();
        Box::pin(std::future::poll_fn(move |cx| {
            if let Some(exit) = ended.exit.get() {
                return Poll::Ready(exit);
            }
            let mut wakers = ended.wakers.borrow_mut();
            if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                wakers.push(cx.waker().clone());
            }
            Poll::Pending
        }))
    }
}

impl std::fmt::Debug for RunningJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningJob").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Takes what a process tells to whoever listens, until its end.
async fn pump(
    kernel: WeakKernel,
    owner: ExtId,
    mut output: LocalBoxStream<'static, ProcessEvent>,
    events: JobEvents,
    ended: Rc<Ended>,
) {
    let mut exit = JobExit::default();
    // Readers take the pieces for text, so none ends within a character.
    let (mut stdout, mut stderr) = (Whole::default(), Whole::default());
    while let Some(event) = output.next().await {
        let told = match event {
            ProcessEvent::Stdout(bytes) => (&events.on_stdout, stdout.take(bytes)),
            ProcessEvent::Stderr(bytes) => (&events.on_stderr, stderr.take(bytes)),
            ProcessEvent::Exit { code, signal, timed_out } => {
                exit = JobExit { code, signal, timed_out };
                break;
            }
        };
        tell_piece(&kernel, owner, told);
    }
    tell_piece(&kernel, owner, (&events.on_stdout, stdout.rest()));
    tell_piece(&kernel, owner, (&events.on_stderr, stderr.rest()));
    ended.exit.set(Some(exit));
    let wakers = ended.wakers.take();
    wakers.into_iter().for_each(Waker::wake);
    if let Some(f) = &events.on_exit {
        tell(&kernel, owner, || f(exit));
    }
}

fn tell_piece(kernel: &WeakKernel, owner: ExtId, (f, bytes): (&Option<OutputFn>, Vec<u8>)) {
    if let Some(f) = f.as_ref().filter(|_| !bytes.is_empty()) {
        tell(kernel, owner, || f(bytes));
    }
}

fn tell(kernel: &WeakKernel, owner: ExtId, f: impl FnOnce() -> Result<(), HandlerError>) {
    // What was unloaded or suspended is not called any more.
    let awake = |kernel: &Kernel| kernel.ext().is_loaded(owner) && !kernel.guard().is_suspended(owner);
    if let Some(kernel) = kernel.upgrade().filter(awake) {
        // The guard has recorded a failure.
        let _ = kernel.guard().stretch(owner, DeadlineClass::Main, "job", f);
    }
}

/// Starts processes; made by [`Kernel::job`].
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'k>(&'k Kernel);

impl Jobs<'_> {
    /// Starts a process of `owner`; it is killed when the owner is unloaded.
    pub fn spawn(self, owner: ExtId, spec: ProcessSpec) -> Result<Job, HandlerError> {
        self.0.check_quota(owner, "job", "jobs", self.0.guard().limits().quotas.jobs)?;
        let label = spec.program.clone();
        let process =
            self.0.host().spawn_process(spec).map_err(|error| HandlerError::new(error.to_string()))?;
        let input = process.input;
        let id = self.0.next_reg();
        self.0.0.jobs.kill.borrow_mut().insert(id, process.kill);
        let handle = self.0.register(id, owner, "job", label, |_| {}, move |kernel| kernel.job().kill(id));
        let weak = self.0.downgrade();
        let output = process.output.inspect(move |event| {
            if let (ProcessEvent::Exit { .. }, Some(kernel)) = (event, weak.upgrade()) {
                kernel.0.jobs.kill.borrow_mut().remove(&id);
                kernel.forget(id);
            }
        });
        Ok(Job { handle, output: output.boxed_local(), input })
    }

    /// Starts a process whose output is called back; it is killed when the owner is unloaded.
    pub fn start(
        self,
        owner: ExtId,
        spec: ProcessSpec,
        events: JobEvents,
    ) -> Result<RunningJob, HandlerError> {
        let Job { handle, output, input } = self.spawn(owner, spec)?;
        let ended = Rc::new(Ended::default());
        // The kernel's own, so that an end by unloading is told to those who wait.
        self.0.spawn(ExtId::CORE, Box::pin(pump(self.0.downgrade(), owner, output, events, ended.clone())));
        Ok(RunningJob { handle, input, ended })
    }

    /// Runs a process to its end and collects what it prints, at most `limit` bytes a stream.
    pub fn run(
        self,
        owner: ExtId,
        spec: ProcessSpec,
        limit: usize,
    ) -> crate::LBF<Result<JobResult, HandlerError>> {
        let job = self.spawn(owner, spec);
        Box::pin(async move {
            let mut job = job?;
            let mut result = JobResult::default();
            while let Some(event) = job.output.next().await {
                match event {
                    ProcessEvent::Stdout(bytes) => keep(&mut result.stdout, &bytes, limit),
                    ProcessEvent::Stderr(bytes) => keep(&mut result.stderr, &bytes, limit),
                    ProcessEvent::Exit { code, signal, timed_out } => {
                        (result.code, result.signal, result.timed_out) = (code, signal, timed_out);
                        break;
                    }
                }
            }
            Ok(result)
        })
    }

    fn kill(self, id: RegId) {
        let kill = self.0.0.jobs.kill.borrow_mut().remove(&id);
        if let Some(kill) = kill {
            kill();
        }
    }

    /// Kills every process, at the end of the main loop.
    pub fn kill_all(self) {
        let all = std::mem::take(&mut *self.0.0.jobs.kill.borrow_mut());
        for kill in all.into_values() {
            kill();
        }
    }
}

fn keep(into: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = limit.saturating_sub(into.len());
    into.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

impl Kernel {
    /// Starts processes.
    pub fn job(&self) -> Jobs<'_> {
        Jobs(self)
    }
}
