//! Dialogs: keys, the stack, and how waits end.

use purlin_kernel::{ConfirmOptions, DialogBody, ExtId, Input, InputOptions, Reason, SelectOptions};

use crate::host::{editor, poll_once, press};

fn items(labels: &[&str]) -> Vec<purlin_kernel::SelectItem> {
    labels.iter().map(|label| (*label).into()).collect()
}

#[test]
fn confirm_keys() {
    let table = [
        ("y <cr>", Ok(true)),
        ("h <cr>", Ok(true)),
        ("left <cr>", Ok(true)),
        ("n <cr>", Ok(false)),
        ("y l <cr>", Ok(false)),
        ("y right <cr>", Ok(false)),
        ("tab <cr>", Ok(true)),
        ("tab tab <cr>", Ok(false)),
        ("<cr>", Ok(false)),
        ("y esc", Err(Reason::User)),
        ("ctrl+c", Err(Reason::User)),
        ("ctrl+y q x <cr>", Ok(false)),
    ];
    for (keys, expected) in table {
        let (kernel, host) = editor();
        let answer = kernel.ui().confirm(ExtId::CORE, ConfirmOptions::default());
        press(&kernel, keys);
        assert_eq!(host.block_on(answer), expected, "{keys}");
        assert_eq!(kernel.buf().text("main"), "", "the keyboard is the dialog's");
    }
}

#[test]
fn select_keys() {
    let table = [
        ("<cr>", Ok(vec![0])),
        ("down <cr>", Ok(vec![1])),
        ("up <cr>", Ok(vec![0])),
        ("down down down down <cr>", Ok(vec![2])),
        ("end <cr>", Ok(vec![2])),
        ("end home <cr>", Ok(vec![0])),
        ("g a m <cr>", Ok(vec![2])),
        ("A L bs bs <cr>", Ok(vec![0])),
        ("esc", Err(Reason::User)),
        ("z <cr> bs <cr>", Ok(vec![0])),
    ];
    for (keys, expected) in table {
        let (kernel, host) = editor();
        let options = SelectOptions { items: items(&["alpha", "beta", "gamma"]), ..SelectOptions::default() };
        let answer = kernel.ui().select(ExtId::CORE, options);
        press(&kernel, keys);
        assert_eq!(host.block_on(answer).map(|answer| answer.chosen), expected, "{keys}");
    }
    for (keys, filter, multi, expected) in [
        ("j j k <cr>", false, false, vec![1]),
        ("end tab home tab <cr>", true, true, vec![0, 2]),
        ("down <cr>", true, true, vec![1]),
    ] {
        let (kernel, host) = editor();
        let options =
            SelectOptions { items: items(&["a", "b", "c"]), filter, multi, ..SelectOptions::default() };
        let answer = kernel.ui().select(ExtId::CORE, options);
        press(&kernel, keys);
        assert_eq!(host.block_on(answer).unwrap().chosen, expected, "{keys}");
    }
}

#[test]
fn input_keys() {
    let table = [
        ("", "h i <cr>", false, Ok("hi")),
        ("pre", "! <cr>", false, Ok("pre!")),
        ("abc", "left bs <cr>", false, Ok("ac")),
        ("abc", "home X end Y <cr>", false, Ok("XabcY")),
        ("ab cd", "ctrl+w <cr>", false, Ok("ab ")),
        ("ab", "home del <cr>", false, Ok("b")),
        ("a", "ctrl+j b <cr>", false, Ok("ab")),
        ("a", "ctrl+j b alt+enter c <cr>", true, Ok("a\nb\nc")),
        ("x", "esc", false, Err(Reason::User)),
        ("👩‍💻", "bs <cr>", false, Ok("")),
    ];
    for (default, keys, multiline, expected) in table {
        let (kernel, host) = editor();
        let options = InputOptions { default: default.into(), multiline, ..InputOptions::default() };
        let answer = kernel.ui().input(ExtId::CORE, options);
        press(&kernel, keys);
        assert_eq!(host.block_on(answer), expected.map(str::to_owned), "{default:?} {keys}");
    }
    let (kernel, _host) = editor();
    let _answer = kernel.ui().input(ExtId::CORE, InputOptions { secret: true, ..InputOptions::default() });
    kernel.input(Input::Paste("pass\nword".into()));
    let DialogBody::Input(input) = &kernel.ui().dialogs()[0].body else { panic!("an input is open") };
    assert_eq!((input.text.as_str(), input.shown().as_str()), ("pass word", "•••••••••"));
}

#[test]
fn dialogs_stack_and_the_newest_has_the_keyboard() {
    let (kernel, host) = editor();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    let first = kernel.ui().confirm(a, ConfirmOptions::default());
    let second = kernel.ui().confirm(b, ConfirmOptions::default());
    assert_eq!(host.block_on(kernel.ui().confirm(a, ConfirmOptions::default())), Err(Reason::Busy));
    press(&kernel, "y <cr>");
    assert_eq!(host.block_on(second), Ok(true));
    assert_eq!(kernel.ui().dialogs()[0].extension, "a");
    press(&kernel, "n <cr>");
    assert_eq!(host.block_on(first), Ok(false));
    press(&kernel, "x");
    assert_eq!(kernel.buf().text("main"), "x");
}

#[test]
fn every_wait_ends() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let ask =
        || kernel.ui().confirm(ext, ConfirmOptions { timeout_ms: Some(100), ..ConfirmOptions::default() });
    let answer = ask();
    assert_eq!(kernel.next_deadline(), Some(kernel.now() + 100));
    host.advance(100);
    kernel.run_due();
    assert_eq!(host.block_on(answer), Err(Reason::Timeout));
    let answer = ask();
    kernel.ext().unload(ext);
    assert_eq!(host.block_on(answer), Err(Reason::Unload));
    let mut dropped = ask();
    assert!(poll_once(&mut dropped).is_pending());
    drop(dropped);
    assert!(!kernel.ui().has_dialog(), "nobody waits for it");
    let answer = ask();
    kernel.shutdown("user");
    assert_eq!(host.block_on(answer), Err(Reason::Shutdown));
    assert_eq!(host.block_on(ask()), Err(Reason::Shutdown));
    let (kernel, host) = editor();
    kernel.ui().set_interactive(false);
    assert_eq!(host.block_on(kernel.ui().confirm(ExtId::CORE, ConfirmOptions::default())), Err(Reason::NoUi));
}
