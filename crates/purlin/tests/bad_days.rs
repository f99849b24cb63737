//! Days on which the machine fails: one clear message each, nothing hangs.

use std::process::Command;

use purlin_testkit::{Home, Run};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

/// Whether a small file system can be mounted here without being its owner.
fn can_mount() -> bool {
    Command::new("unshare").args(["-Urm", "true"]).status().is_ok_and(|status| status.success())
}

/// Runs `purlin` with all its data on a file system of `size`, which exists for this run only.
fn run_on_a_small_disk(home: &Home, size: &str, arguments: &str) -> Run {
    let data = home.data();
    std::fs::create_dir_all(&data).expect("a folder to mount on");
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs '{}' && cd '{}' && exec '{PURLIN}' {arguments}",
        data.display(),
        home.work().display(),
    );
    home.run("unshare", &["-Urm", "sh", "-c", &script])
}

#[test]
fn a_disk_that_fills_in_mid_stream_is_one_message_and_the_end() {
    if !can_mount() {
        println!("not tried: user namespaces are switched off here");
        return;
    }
    let home = Home::new();
    let model = home.script(&format!("[[turn]]\nchunk = 200\ntext = '{}'", "word ".repeat(60_000)));
    let run = run_on_a_small_disk(&home, "900k", &format!("-p hi --model '{model}'"));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.output.starts_with("word word"), "what had come is shown: {run:?}");
    assert_eq!(run.errors.lines().count(), 1, "{}", run.errors);
    assert!(run.errors.starts_with("purlin: The disk is full: `"), "{}", run.errors);
}

#[test]
fn a_disk_that_is_full_already_is_one_message() {
    if !can_mount() {
        println!("not tried: user namespaces are switched off here");
        return;
    }
    let home = Home::new();
    let run = run_on_a_small_disk(&home, "16k", "-p hi");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.errors.lines().count(), 1, "{}", run.errors);
}
