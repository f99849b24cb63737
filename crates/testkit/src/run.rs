//! Programs run to their end: what they answered, and what they left behind.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use crate::Home;

/// What one run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The exit code; absent if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), output: text(&output.stdout), errors: text(&output.stderr) }
    }
}

impl Run {
    /// Waits for a program started with [`Home::start`].
    pub fn of(child: Child) -> Self {
        Self::from(child.wait_with_output().expect("a child of ours"))
    }
}

impl Home {
    /// Runs a program to its end with nothing on standard input.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Run {
        self.run_with_input(program, arguments, "")
    }

    /// Runs what must succeed without a complaint, and answers what it printed.
    #[track_caller]
    pub fn printed(&self, program: &str, arguments: &[&str]) -> String {
        let run = self.run(program, arguments);
        assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
        run.output
    }

    /// Runs a program to its end with this on standard input.
    pub fn run_with_input(&self, program: &str, arguments: &[&str], input: &str) -> Run {
        let mut child = self.start(program, arguments);
        if let Some(mut stdin) = child.stdin.take() {
            // A run that needs no input may have ended already.
            drop(stdin.write_all(input.as_bytes()));
        }
        Run::of(child)
    }

    /// Starts a program with all three streams piped.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Child {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }
}

/// Sends a signal to a process.
pub fn signal(id: u32, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_raw(id as i32).expect("a process id");
    rustix::process::kill_process(id, signal).expect("the process runs");
}

/// Every file below a directory, sorted.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
