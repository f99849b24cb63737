//! The harness itself, with a shell as the program.

use purlin_testkit::{Ended, Home, Pty};

#[test]
fn a_program_is_typed_at_seen_and_ended() {
    let home = Home::new();
    let mut pty = Pty::spawn("sh", &["-c", "read line; echo \"<$line>\"; stty size; exit 3"], &home, 24, 80);
    pty.resize(10, 40);
    pty.send("hello\n");
    pty.wait_text("<hello>");
    pty.wait_text("10 40");
    assert_eq!(pty.wait_end(), Ended::Code(3));
    pty.assert_restored();
}

#[test]
fn questions_are_answered_as_a_terminal_does() {
    let home = Home::new();
    let script =
        "stty raw -echo; printf '\\033[c'; dd bs=1 count=9 2>/dev/null | tr '\\033' E; stty cooked echo";
    let mut pty = Pty::spawn("sh", &["-c", script], &home, 24, 80);
    pty.wait_text("E[?62;22c");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}
