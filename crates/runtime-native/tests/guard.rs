//! Kill -9 of a process that has started others: nothing of them lives on, not even their children.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use purlin_kernel::{ProcessEvent, ProcessSpec};
use purlin_runtime_native::process::spawn;

/// Tells the test's own program that it is the one to be killed.
const ROLE: &str = "PURLIN_GUARD_TEST_CHILD";

/// Not a test: starts the command of each line of its input and answers with what it prints first, until it is killed.
#[test]
fn child_that_starts_processes() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut kept = Vec::new();
        for line in std::io::stdin().lines() {
            let spec = ProcessSpec {
                program: "sh".to_owned(),
                args: vec!["-c".to_owned(), line.unwrap()],
                group: true,
                ..ProcessSpec::default()
            };
            let mut process = spawn(spec).unwrap();
            match process.output.next().await {
                Some(ProcessEvent::Stdout(bytes)) => {
                    // What libtest writes stands on lines of its own.
                    eprintln!("pids {}", String::from_utf8(bytes).unwrap().trim());
                }
                other => panic!("unexpected {other:?}"),
            }
            kept.push(process);
        }
    });
}

/// A process that starts others, on a leash.
struct Starter {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStderr>,
    _out: ChildStdout,
}

impl Starter {
    fn new() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_starts_processes", "--nocapture"])
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stderr.take().unwrap()));
        let out = child.stdout.take().unwrap();
        Self { child, input, output, _out: out }
    }

    /// Starts a command and answers the process ids that it prints first.
    fn start(&mut self, command: &str) -> Vec<u32> {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        while !line.starts_with("pids ") {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the starter ended");
        }
        line.split_whitespace().skip(1).map(|pid| pid.parse().unwrap()).collect()
    }

    /// The process id of its guard.
    fn guard(&self) -> u32 {
        let parent = self.child.id().to_string();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let guards: Vec<u32> = processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                command.ends_with(b"purlin-guard\0") && stat(*pid).get(1) == Some(&parent)
            })
            .collect();
        assert_eq!(guards.len(), 1, "one guard and no more");
        guards[0]
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The fields of a process after its name: its state, its parent, …
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    rest.split_whitespace().map(str::to_owned).collect()
}

fn lives(pid: u32) -> bool {
    stat(pid).first().is_some_and(|state| state != "Z")
}

fn until_dead(pids: &[u32]) {
    for _ in 0..1000 {
        if !pids.iter().any(|pid| lives(*pid)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("still alive: {:?}", pids.iter().filter(|pid| lives(**pid)).collect::<Vec<_>>());
}

/// A command with a child in the background and one in front, which prints the three process ids.
const FAMILY: &str = "sleep 1000 & a=$!; (trap '' TERM HUP; exec sleep 1000) & echo $$ $a $!; sleep 1000";

#[test]
fn after_a_kill_the_children_of_children_are_gone_too() {
    let mut starter = Starter::new();
    let mut pids = starter.start(FAMILY);
    pids.extend(starter.start(FAMILY));
    assert_eq!(pids.len(), 6);
    assert!(pids.iter().all(|pid| lives(*pid)), "{pids:?}");
    let guard = starter.guard();
    starter.kill();
    pids.push(guard);
    until_dead(&pids);
}

#[test]
fn what_left_the_group_on_purpose_lives_on() {
    let mut starter = Starter::new();
    // The one that leaves says so once it has.
    let pids = starter.start(r#"setsid sh -c "echo $$ \$\$; exec sleep 1000" & sleep 1000"#);
    starter.kill();
    until_dead(&pids[..1]);
    assert!(lives(pids[1]));
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pids[1] as i32).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

#[test]
fn a_guard_that_was_killed_has_a_successor_that_knows_all() {
    let mut starter = Starter::new();
    let mut pids = starter.start(FAMILY);
    let guard = starter.guard();
    let raw = rustix::process::Pid::from_raw(guard as i32).unwrap();
    // What asks a terminal's processes to end does not end it.
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::TERM, rustix::process::Signal::INT]
    {
        rustix::process::kill_process(raw, signal).unwrap();
    }
    pids.extend(starter.start(FAMILY));
    assert_eq!(starter.guard(), guard);
    rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
    until_dead(&[guard]);
    pids.extend(starter.start(FAMILY));
    assert_ne!(starter.guard(), guard);
    starter.kill();
    until_dead(&pids);
}

#[test]
fn many_groups_come_and_go_and_the_guard_ends_with_its_owner() {
    let mut starter = Starter::new();
    for _ in 0..50 {
        starter.start("echo 0");
    }
    let pids = starter.start(FAMILY);
    let guard = starter.guard();
    drop(starter.input);
    // Its input has ended: it drops what it kept and leaves by itself.
    starter.child.wait().unwrap();
    until_dead(&pids);
    until_dead(&[guard]);
}
