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
