//! Jobs: processes that extensions started, killed with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;

use crate::host::{ProcessEvent, ProcessSpec};
use crate::{ExtId, Handle, HandlerError, Kernel, RegId};

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
    /// Everything it wrote on standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote on standard error.
    pub stderr: Vec<u8>,
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
        Ok(Job { handle, output: output.boxed_local() })
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
                    ProcessEvent::Exit { code, signal } => {
                        (result.code, result.signal) = (code, signal);
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
