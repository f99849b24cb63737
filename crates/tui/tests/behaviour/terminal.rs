//! The screen in a real pseudo-terminal: what is typed early, what is left behind.

use purlin_testkit::{Home, Pty, Signal};

/// The demonstration that cargo builds beside the tests.
fn demo() -> String {
    let tests = std::env::current_exe().expect("a test knows where it is");
    let target = tests.parent().and_then(|deps| deps.parent()).expect("tests are built into `deps`");
    target.join("examples/demo").to_string_lossy().into_owned()
}

fn start(arguments: &[&str]) -> Pty {
    Pty::spawn(&demo(), arguments, &Home::new(), 24, 80)
}

#[test]
fn it_draws_answers_and_leaves_everything_as_it_was() {
    let mut pty = start(&[]);
    pty.wait_text("a demonstration of the screen");
    pty.send("hello\r");
    pty.wait_text("Done.");
    pty.send("\x03\x03");
    pty.wait_end();
    pty.assert_restored();
}

#[test]
fn what_is_typed_before_the_screen_is_there_is_taken() {
    let pty = start(&[]);
    pty.send("typed early");
    pty.wait_text("› typed early");
}

#[test]
fn signals_put_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut pty = start(&[]);
        pty.wait_text("a demonstration of the screen");
        pty.send("hello\r");
        pty.signal(signal);
        pty.wait_end();
        pty.assert_restored();
    }
}

#[test]
fn a_program_that_was_stopped_draws_itself_anew() {
    let mut pty = start(&[]);
    pty.wait_text("a demonstration of the screen");
    for round in 1..4 {
        let written = pty.raw().len();
        pty.signal(Signal::STOP);
        pty.signal(Signal::CONT);
        pty.wait_written(written + 100);
        pty.send("x");
        pty.wait_text(&format!("› {}", "x".repeat(round)));
    }
    pty.send("\x03\x03");
    pty.wait_end();
    pty.assert_restored();
}

#[test]
fn a_panic_puts_the_terminal_back_and_is_told() {
    let mut pty = start(&[]);
    pty.wait_text("a demonstration of the screen");
    pty.send("panic\r");
    pty.wait_end();
    pty.assert_restored();
    assert!(String::from_utf8_lossy(&pty.raw()).contains("a panic as the demonstration was asked for"));
}

#[test]
fn resizes_in_the_middle_of_a_stream_lose_nothing() {
    let pty = start(&["--fill", "50"]);
    pty.wait_text("Done.");
    pty.send("hello\r");
    for (rows, columns) in [(5, 20), (1, 1), (60, 200), (2, 2), (24, 80)] {
        pty.resize(rows, columns);
    }
    pty.wait_text("› Ask anything");
    pty.wait_text("Done.");
}

#[test]
fn a_paste_of_any_size_leaves_the_screen_alive() {
    let pty = start(&[]);
    pty.wait_text("a demonstration of the screen");
    pty.paste(&"some words\n".repeat(400_000));
    pty.wait_text("The paste has");
    pty.send("\x03");
    pty.wait_text("Ask anything");
}

/// Starts the demonstration with a variable of its environment naming a script of these lines.
fn start_with(variable: &str, script: &str) -> (Pty, Home) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut home = Home::new();
    let file = home.file("program.sh", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).expect("it exists");
    home.set(variable, &file.to_string_lossy());
    let pty = Pty::spawn(&demo(), &[""; 0], &home, 24, 80);
    pty.wait_text("a demonstration of the screen");
    (pty, home)
}

#[test]
fn the_transcript_opens_in_a_pager_that_has_the_keyboard() {
    let (mut pty, _home) = start_with("PAGER", "cat \"$1\"; echo END-OF-PAGER; read line");
    pty.send("hello\r");
    pty.wait_text("Done.");
    pty.send("\x1bo");
    pty.wait_text("END-OF-PAGER");
    let shown = pty.with_screen(vt100::Screen::contents);
    assert!(shown.contains("hello") && shown.contains("Done."), "{shown}");
    pty.send("typed\n");
    pty.wait_gone("END-OF-PAGER");
    pty.send("back");
    pty.wait_text("› back");
    pty.send("\x03\x03");
    pty.wait_end();
    pty.assert_restored();
}

#[test]
fn ctrl_c_in_a_pager_is_for_the_pager() {
    let (mut pty, _home) = start_with("PAGER", "echo PAGER-IS-HERE; read line");
    pty.send("hello\r");
    pty.wait_text("Done.");
    pty.send("\x1bo");
    pty.wait_text("PAGER-IS-HERE");
    pty.send("\x03");
    pty.wait_text("did not end well");
    pty.send("x");
    pty.wait_text("› x");
    pty.send("\x03\x03");
    pty.wait_end();
    pty.assert_restored();
}

#[test]
fn the_prompt_is_edited_in_an_editor() {
    let (mut pty, _home) = start_with("EDITOR", "sed -i 's/one/two/' \"$1\"");
    pty.send("say one");
    pty.wait_text("› say one");
    pty.send("\x07");
    pty.wait_text("› say two");
    pty.send("\x03\x03");
    pty.wait_end();
    pty.assert_restored();
}
