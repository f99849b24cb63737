//! Processes: streams, exits, input, time limits, and the end of a whole group.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::StreamExt;
use purlin_kernel::{ProcessEvent, ProcessSpec};
use purlin_runtime_native::process::spawn;

fn sh(script: &str) -> ProcessSpec {
    ProcessSpec {
        program: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        group: true,
        ..ProcessSpec::default()
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// What a process printed and how it ended.
async fn all(spec: ProcessSpec) -> (String, String, Option<i32>, Option<i32>) {
    everything(spawn(spec).unwrap()).await
}

async fn everything(mut process: purlin_kernel::Process) -> (String, String, Option<i32>, Option<i32>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(event) = process.output.next().await {
        match event {
            ProcessEvent::Stdout(bytes) => out.extend(bytes),
            ProcessEvent::Stderr(bytes) => err.extend(bytes),
            ProcessEvent::Exit { code, signal, .. } => {
                assert!(process.output.next().await.is_none());
                return (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), code, signal);
            }
        }
    }
    panic!("the process never ended");
}

/// Tells whether a process exists and has not ended.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

async fn until_dead(pid: &str) {
    for _ in 0..500 {
        if !lives(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {pid} still lives");
}

/// Reads the first line that a process prints.
async fn first_line(process: &mut purlin_kernel::Process) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        match process.output.next().await {
            Some(ProcessEvent::Stdout(bytes)) => line.extend(bytes),
            other => panic!("unexpected {other:?}"),
        }
    }
    String::from_utf8(line).unwrap().trim().to_owned()
}

#[test]
fn output_and_exit_code_are_told() {
    let told = run(all(sh("echo out; echo err >&2; exit 3")));
    assert_eq!(told, ("out\n".to_owned(), "err\n".to_owned(), Some(3), None));
}

#[test]
fn the_last_words_are_told_before_the_exit() {
    run(async {
        for round in 0..200 {
            let told = all(sh("exec 2>&-; echo last words")).await;
            assert_eq!(told.0, "last words\n", "round {round}");
        }
    });
}

#[test]
fn input_is_fed_and_ends() {
    let mut spec = sh("cat; echo done");
    spec.stdin = Some(b"fed ".to_vec());
    assert_eq!(run(all(spec)).0, "fed done\n");
    assert_eq!(run(all(sh("cat; echo none"))).0, "none\n");
}

#[test]
fn what_is_written_before_the_input_is_ended_is_read() {
    for pty in [None, Some((80, 24))] {
        let mut spec = sh("cat");
        (spec.keep_stdin, spec.pty) = (true, pty);
        let told = run(async {
            let process = spawn(spec).unwrap();
            let input = process.input.clone().unwrap();
            // Nobody waits for the writes.
            drop(input.write(b"one ".to_vec()));
            drop(input.write(b"two\n".to_vec()));
            input.close();
            everything(process).await
        });
        assert!(told.0.contains("one two"), "{told:?}");
    }
}

#[test]
fn folder_and_environment_are_those_of_the_spec() {
    let mut spec = sh("pwd; echo $PURLIN_TEST");
    spec.cwd = Some("/".into());
    spec.env = vec![("PURLIN_TEST".to_owned(), "set".to_owned())];
    assert_eq!(run(all(spec)).0, "/\nset\n");
}

#[test]
fn what_cannot_start_says_why() {
    let mut spec = sh("true");
    spec.cwd = Some("/does/not/exist".into());
    run(async {
        let error = spawn(spec).unwrap_err().to_string();
        assert_eq!(error, "cannot work in `/does/not/exist`: there is no such folder");
        let spec = ProcessSpec { program: "does-not-exist-either".to_owned(), ..ProcessSpec::default() };
        let error = spawn(spec).unwrap_err().to_string();
        assert!(error.starts_with("cannot start `does-not-exist-either`: "), "{error}");
    });
}

#[test]
fn a_process_has_no_terminal() {
    let told = run(all(sh("(echo hello > /dev/tty) 2>/dev/null && echo terminal || echo none")));
    assert_eq!(told.0, "none\n");
}

#[test]
fn a_kill_ends_the_whole_group() {
    run(async {
        let mut process = spawn(sh("sleep 1000 & echo $!; wait")).unwrap();
        let child = first_line(&mut process).await;
        assert!(lives(&child));
        (process.kill)();
        let last = process.output.next().await;
        assert_eq!(last, Some(ProcessEvent::Exit { code: None, signal: Some(15), timed_out: false }));
        until_dead(&child).await;
    });
}

#[test]
fn a_group_that_ignores_the_request_is_made_to_end() {
    run(async {
        let mut process = spawn(sh("trap '' TERM; echo $$; while :; do sleep 1000; done")).unwrap();
        let leader = first_line(&mut process).await;
        (process.kill)();
        let last = process.output.next().await;
        assert_eq!(last, Some(ProcessEvent::Exit { code: None, signal: Some(9), timed_out: false }));
        until_dead(&leader).await;
    });
}

#[test]
fn dropping_a_process_ends_its_group() {
    run(async {
        let mut process = spawn(sh("trap '' TERM; sleep 1000 & echo $!; wait")).unwrap();
        let child = first_line(&mut process).await;
        drop(process);
        until_dead(&child).await;
    });
}

#[test]
fn the_end_of_the_runtime_ends_a_group_that_was_asked_to() {
    let child = run(async {
        let mut process =
            spawn(sh("trap '' TERM; sh -c 'trap \"\" TERM; sleep 1000' & echo $!; wait")).unwrap();
        first_line(&mut process).await
    });
    run(until_dead(&child));
}

#[test]
fn the_time_limit_kills() {
    let mut spec = sh("echo begun; sleep 1000");
    spec.timeout = Some(Duration::from_millis(50));
    assert_eq!(run(all(spec)), ("begun\n".to_owned(), String::new(), None, Some(15)));
}

#[test]
fn a_background_child_neither_keeps_the_exit_from_being_told_nor_outlives_the_process() {
    run(async {
        let mut process = spawn(sh("sleep 1000 & echo $!")).unwrap();
        let child = first_line(&mut process).await;
        let last = process.output.next().await;
        assert_eq!(last, Some(ProcessEvent::Exit { code: Some(0), signal: None, timed_out: false }));
        assert!(lives(&child));
        drop(process);
        until_dead(&child).await;
    });
}

#[test]
fn children_that_never_stop_printing_do_not_keep_a_command_from_ending() {
    run(async {
        let (out, _, code, _) = all(sh("yes & echo begun")).await;
        assert!(out.contains("begun"));
        assert_eq!(code, Some(0));
    });
}
