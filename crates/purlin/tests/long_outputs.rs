//! Outputs that are too long for the log: what is said of them, and how all of one is had.

use purlin_testkit::{Ended, Home, Pty, Run, files};
use serde_json::Value;

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

fn run(home: &Home, arguments: &[&str]) -> Run {
    home.run(PURLIN, arguments)
}

#[track_caller]
fn output(home: &Home, arguments: &[&str]) -> String {
    home.printed(PURLIN, arguments)
}

/// A home with a session in which a person has run a command that printed `seq 1 100000`, and what that is.
fn home_with_a_long_output() -> (Home, String) {
    let home = Home::new();
    let mut pty = Pty::spawn(PURLIN, &["--model", "echo"], &home, 24, 100);
    pty.wait_text("›");
    pty.send("!seq 1 100000\r");
    pty.wait_text("purlin session artifact");
    pty.send("\x03");
    pty.send("\x03");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    let lines: Vec<String> = (1..=100_000).map(|n| n.to_string()).collect();
    let whole = lines.join("\n") + "\n";
    (home, whole)
}

/// The name of the only artifact of the session.
fn artifact(home: &Home) -> String {
    let listed = output(home, &["session", "artifact", "--json"]);
    let artifact: Value = serde_json::from_str(listed.trim()).expect("one artifact");
    artifact["name"].as_str().expect("a name").to_owned()
}

#[test]
fn the_fold_says_how_much_there_is_and_how_to_have_all_of_it() {
    let (home, whole) = home_with_a_long_output();
    let name = artifact(&home);
    for columns in [120, 60] {
        let mut pty = Pty::spawn(PURLIN, &["session", "show"], &home, 40, columns);
        assert_eq!(pty.wait_end(), Ended::Code(0));
        let shown = pty.dump();
        assert!(shown.contains("KiB (--full)"), "the lines alone are not all: {shown}");
        assert!(shown.contains(&format!("all of it: purlin session artifact {}", &name[..12])), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= usize::from(columns)), "{shown}");
    }
    assert_eq!(output(&home, &["session", "artifact", &name[..12]]), whole);
}

#[test]
fn the_transcript_names_the_command_on_the_screen() {
    let (home, _) = home_with_a_long_output();
    let name = artifact(&home);
    let pty = Pty::spawn(PURLIN, &["--continue"], &home, 24, 60);
    pty.wait_text(&format!("all of it: purlin session artifact {}", &name[..12]));
    pty.wait_text("(ctrl+o)");
    // Unfolded it is longer than a screen should lay out.
    pty.send("\x0f");
    pty.wait_gone("(ctrl+o)");
    pty.send("\x1b[1;5H");
    pty.wait_text("! seq 1 100000");
    pty.wait_text("all of it: purlin session artifact");
    assert!(pty.dump().contains(" more lines and 512."), "{}", pty.dump());
}

#[test]
fn shown_in_full_every_line_of_the_log_is_there() {
    let (home, _) = home_with_a_long_output();
    let full = output(&home, &["session", "show", "--full"]);
    assert!(!full.contains("more line") && !full.contains("--full"), "nothing is folded");
    let shown = full.lines().filter(|line| line.trim().parse::<u32>().is_ok()).count();
    assert!(shown > 9_000, "the log has 63 KiB of it: {shown} lines");
    assert!(full.contains("left out here") && full.contains("all of it: purlin session artifact"), "{shown}");
}

#[test]
fn artifacts_are_listed_printed_and_written_to_files() {
    let (home, whole) = home_with_a_long_output();
    let name = artifact(&home);
    let listed = output(&home, &["session", "artifact"]);
    assert_eq!(listed, format!("{name}  575.1 KiB   seq 1 100000\n"));
    let file = home.work().join("all.txt");
    assert_eq!(output(&home, &["session", "artifact", &name, "-o", "all.txt"]), "");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), whole);
    for columns in [120, 60, 20] {
        let mut pty = Pty::spawn(PURLIN, &["session", "artifact"], &home, 10, columns);
        assert_eq!(pty.wait_end(), Ended::Code(0));
        assert_eq!(pty.dump().trim().lines().count(), 1, "{}", pty.dump());
        assert!(pty.dump().starts_with(&name[..12]), "{}", pty.dump());
    }
    let refused = run(&home, &["session", "artifact", &name, "-o", "no/such/folder"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.errors.contains("`no/such/folder` cannot be written"), "{refused:?}");
}

#[test]
fn what_is_no_artifact_is_one_message_with_a_way_out() {
    let (home, _) = home_with_a_long_output();
    let name = artifact(&home);
    for (asked, expected) in [
        ("abc", "`abc` names no artifact: a name is 64 hexadecimal digits"),
        ("nonesuch", "`nonesuch` names no artifact"),
        ("0123456789", "There is no artifact `0123456789` on this machine"),
    ] {
        let refused = run(&home, &["session", "artifact", asked]);
        assert_eq!((refused.code, refused.output.as_str()), (Some(1), ""), "{refused:?}");
        assert!(refused.errors.contains(expected), "{refused:?}");
        assert!(refused.errors.contains("`purlin session artifact` lists those"), "{refused:?}");
    }
    let kept = files(&home.data().join("artifacts"));
    let path = kept.iter().find(|path| path.ends_with(&name)).expect("the artifact's file");
    std::fs::write(path, "something else").expect("writable");
    let refused = run(&home, &["session", "artifact", &name]);
    assert!(refused.code == Some(1) && refused.errors.contains("is damaged"), "{refused:?}");
    assert_eq!(refused.output, "", "nothing of it is printed");
    std::fs::remove_file(path).expect("removable");
    assert!(output(&home, &["session", "artifact"]).contains("  missing     seq 1 100000"));
}

#[test]
fn a_session_without_artifacts_says_so() {
    let home = Home::new();
    assert_eq!(run(&home, &["-p", "hi", "--model", "echo"]).code, Some(0));
    let none = run(&home, &["session", "artifact"]);
    assert_eq!((none.code, none.output.as_str()), (Some(0), ""), "{none:?}");
    assert!(none.errors.contains("The session has no artifacts"), "{none:?}");
    let wrong = run(&home, &["session", "artifact", "0123abcd", "--session", "x"]);
    assert!(wrong.code == Some(2) && wrong.errors.contains("exclude each other"), "{wrong:?}");
}

#[test]
fn bytes_that_are_no_text_are_kept_from_a_terminal() {
    let home = Home::new();
    let mut pty = Pty::spawn(PURLIN, &["--model", "echo"], &home, 24, 100);
    pty.wait_text("›");
    pty.send("!head -c 200000 /dev/zero\r");
    pty.wait_text("purlin session artifact");
    pty.send("\x03");
    pty.send("\x03");
    pty.wait_end();
    let name = artifact(&home);
    let mut pty = Pty::spawn(PURLIN, &["session", "artifact", &name], &home, 10, 100);
    assert_eq!(pty.wait_end(), Ended::Code(1));
    assert!(pty.dump().contains("is no text") && pty.dump().contains("`-o FILE`"), "{}", pty.dump());
    let run = run(&home, &["session", "artifact", &name]);
    assert_eq!((run.code, run.output.len()), (Some(0), 200_000));
}
