//! Shell commands for `os.execute` and `io.popen`.
//!
//! In a coroutine of the runtime a command is a job that is waited for; elsewhere it is waited
//! for until the deadline of the current stretch and then killed with its process group.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use futures_util::StreamExt;
use purlin_kernel::{ProcessEvent, ProcessSpec};

use crate::env::Env;

/// More output than this is an error, so that a chatty program cannot fill the memory.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;
const POLL: Duration = Duration::from_millis(2);

/// How a command ended and what it wrote.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// The exit code; 128 + n for signal n, as the shell has it.
    pub(crate) code: i64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Runs a command as a job of the kernel's host.
pub(crate) async fn run_as_job(env: &Rc<Env>, command: &str, stdin: Vec<u8>) -> Result<Done, String> {
    let kernel = env.kernel().ok_or("the session has ended")?;
    let spec = ProcessSpec {
        program: "sh".into(),
        args: vec!["-c".into(), command.into()],
        stdin: Some(stdin),
        group: true,
        ..ProcessSpec::default()
    };
    let mut process = kernel.host().spawn_process(spec).map_err(|error| error.to_string())?;
    drop(kernel);
    let mut done = Done::default();
    while let Some(event) = process.output.next().await {
        match event {
            ProcessEvent::Stdout(bytes) => done.stdout.extend(bytes),
            ProcessEvent::Stderr(bytes) => done.stderr.extend(bytes),
            ProcessEvent::Exit { code, signal, .. } => {
                done.code = code.map_or_else(|| 128 + i64::from(signal.unwrap_or(0)), i64::from);
                break;
            }
        }
        if done.stdout.len() + done.stderr.len() > MAX_OUTPUT {
            (process.kill)();
            return Err(too_much(command));
        }
    }
    Ok(done)
}

/// Runs a command and waits for it until the current stretch is overdue.
pub(crate) fn run_until_deadline(env: &Env, command: &str, stdin: &[u8]) -> Result<Done, String> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .process_group(0)
        // The token of a runtime is its own; jobs do not inherit it either.
        .env_remove("RUNT_API_KEY")
        .env_remove("AUTH_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run `sh`: {error}"))?;
    let result = collect(env, &mut child, command, stdin);
    if result.is_err() {
        kill_group(&child);
        // Reaps the process; its status no longer matters.
        let _ = child.wait();
    }
    result
}

fn collect(env: &Env, child: &mut Child, command: &str, stdin: &[u8]) -> Result<Done, String> {
    let (sender, receiver) = mpsc::sync_channel::<(bool, Vec<u8>)>(16);
    if let Some(mut pipe) = child.stdin.take() {
        let bytes = stdin.to_vec();
        // A command that does not read its input is not an error.
        std::thread::spawn(move || pipe.write_all(&bytes).ok());
    }
    if let Some(pipe) = child.stdout.take() {
        read_on_thread(pipe, false, sender.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        read_on_thread(pipe, true, sender);
    }
    let mut done = Done::default();
    loop {
        match receiver.recv_timeout(POLL) {
            Ok((is_error, bytes)) => {
                let target = if is_error { &mut done.stderr } else { &mut done.stdout };
                target.extend(bytes);
                if done.stdout.len() + done.stderr.len() > MAX_OUTPUT {
                    return Err(too_much(command));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        give_up_when_overdue(env, command)?;
    }
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            let signal = || 128 + i64::from(status.signal().unwrap_or(0));
            done.code = status.code().map_or_else(signal, i64::from);
            return Ok(done);
        }
        give_up_when_overdue(env, command)?;
        std::thread::sleep(POLL);
    }
}

fn give_up_when_overdue(env: &Env, command: &str) -> Result<(), String> {
    if env.is_overdue() {
        return Err(format!(
            "`{command}` was killed at the deadline; inside purlin.spawn(function() ... end) it may take its time"
        ));
    }
    Ok(())
}

fn read_on_thread(
    mut pipe: impl Read + Send + 'static,
    is_error: bool,
    sender: mpsc::SyncSender<(bool, Vec<u8>)>,
) {
    std::thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = pipe.read(&mut piece) {
            if sender.send((is_error, piece[..read].to_vec())).is_err() {
                return;
            }
        }
    });
}

fn kill_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // It may have ended by itself in between.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

fn too_much(command: &str) -> String {
    format!("`{command}` wrote more than {} MiB and was killed", MAX_OUTPUT / 1024 / 1024)
}
