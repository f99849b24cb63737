//! The composer, by key sequences.

use purlin_kernel::{ExtId, HandlerFn, Input, OnOptions};
use purlin_tui::history::History;
use serde_json::json;

use crate::stage::Stage;

#[test]
fn typed_text_stands_at_the_caret() {
    let stage = Stage::new(40, 10);
    stage.keys("hi 日本");
    let rows = stage.rows();
    assert_eq!(rows[8], "› hi 日本");
    assert_eq!(stage.cursor(), Some((8, 9)));
}

#[test]
fn enter_sends_and_newlines_do_not() {
    let stage = Stage::new(40, 12);
    stage.keys("one<shift+enter>two<ctrl+j>three");
    assert_eq!(stage.composer(), "one\ntwo\nthree");
    assert_eq!(&stage.rows()[8..11], ["› one", "  two", "  three"]);
    stage.keys("<enter>");
    assert_eq!(*stage.sent.borrow(), ["one\ntwo\nthree"]);
    assert_eq!(stage.composer(), "");
    assert_eq!(stage.rows()[10], "› ask");
}

#[test]
fn nothing_is_sent_from_an_empty_composer() {
    let stage = Stage::new(40, 10);
    stage.keys("<enter>   <enter>");
    assert!(stage.sent.borrow().is_empty());
}

#[test]
fn a_prompt_that_cannot_be_taken_comes_back() {
    let stage = Stage::new(60, 10);
    stage.keys("refuse<enter>");
    assert_eq!(stage.composer(), "refuse");
    assert!(stage.rows().iter().any(|row| row.contains("the store is full")), "{:?}", stage.rows());
}

#[test]
fn readline_motions_and_kills() {
    let table = [
        ("one two<ctrl+a>X", "Xone two"),
        ("one two<ctrl+a><ctrl+e>X", "one twoX"),
        ("one two<alt+b>X", "one Xtwo"),
        ("one two<ctrl+left><ctrl+left><ctrl+right>X", "oneX two"),
        ("one two<ctrl+w>X", "one X"),
        ("one two<ctrl+u>X", "X"),
        ("one two<alt+b><ctrl+k>X", "one X"),
        ("one two<ctrl+w><ctrl+a><ctrl+y>", "twoone "),
        ("one<backspace><left>X", "oXn"),
        ("one<home><delete>", "ne"),
        ("one two<ctrl+w><ctrl+_>", "one two"),
        ("e\u{301}x<left><backspace>", "x"),
    ];
    for (keys, expected) in table {
        let stage = Stage::new(40, 10);
        stage.keys(keys);
        assert_eq!(stage.composer(), expected, "{keys}");
    }
}

#[test]
fn it_grows_to_twelve_rows_and_scrolls_then() {
    let stage = Stage::new(30, 24);
    for number in 0..20 {
        stage.keys(&format!("{number}<ctrl+j>"));
    }
    let height = |stage: &Stage| stage.kernel.win().get("composer").expect("it exists").rect.height;
    stage.rows();
    assert_eq!(height(&stage), 12);
    assert_eq!(stage.rows()[22], "");
    assert_eq!(stage.cursor(), Some((22, 2)));
    stage.keys("<ctrl+c>");
    stage.rows();
    assert_eq!(height(&stage), 1);
}

#[test]
fn up_and_down_move_first_and_recall_then() {
    let mut history = History::in_memory();
    for prompt in ["first", "second"] {
        let _ = history.add(prompt);
    }
    let stage = Stage::with_history(20, 12, history);
    stage.keys("one two three four five");
    stage.keys("<up>");
    assert_eq!(stage.composer(), "one two three four five");
    stage.keys("<up>");
    assert_eq!(stage.composer(), "second");
    stage.keys("<up><up>");
    assert_eq!(stage.composer(), "first");
    stage.keys("<down><down>");
    assert_eq!(stage.composer(), "one two three four five");
}

#[test]
fn what_was_sent_is_recalled() {
    let stage = Stage::new(40, 10);
    stage.keys("a prompt<enter><up>");
    assert_eq!(stage.composer(), "a prompt");
}

#[test]
fn a_handler_may_consume_or_rewrite_a_submission() {
    let stage = Stage::new(40, 10);
    let kernel = stage.kernel.clone();
    let handler = HandlerFn::sync(move |event| {
        let text = event.get("text").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        if text == "stop" {
            return Ok(json!({ "consume": true }));
        }
        kernel.buf().set_text("composer", &format!("{text}!"));
        Ok(json!(null))
    });
    stage
        .kernel
        .hook()
        .on(ExtId::CORE, "prompt_submit", OnOptions::default(), handler)
        .expect("it is declared");
    stage.keys("stop<enter>");
    assert_eq!((stage.composer().as_str(), stage.sent.borrow().len()), ("stop", 0));
    stage.keys("<ctrl+u>go<enter>");
    assert_eq!(*stage.sent.borrow(), ["go!"]);
}

#[test]
fn a_submission_says_how_it_will_be_delivered() {
    let stage = Stage::new(40, 10);
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let heard = std::rc::Rc::clone(&seen);
    let handler = HandlerFn::sync(move |event| {
        heard.borrow_mut().extend(event.get("delivery"));
        Ok(json!(null))
    });
    let hook = stage.kernel.hook();
    hook.on(ExtId::CORE, "prompt_submit", OnOptions::default(), handler).expect("it is declared");
    stage.keys("one<enter>");
    stage.kernel.set_context("working", json!(true));
    stage.keys("two<enter>");
    assert_eq!(*seen.borrow(), [json!("prompt"), json!("steer")]);
}

#[test]
fn ctrl_c_clears_then_quits() {
    let stage = Stage::new(40, 10);
    stage.keys("text<ctrl+c>");
    assert_eq!(stage.composer(), "");
    assert!(!stage.kernel.quit_requested());
    stage.host.now.set(stage.host.now.get() + 5_000);
    stage.keys("<ctrl+c>");
    assert!(!stage.kernel.quit_requested());
    assert!(stage.rows().iter().any(|row| row.contains("ctrl+c again")));
    stage.keys("<ctrl+c>");
    assert!(stage.kernel.quit_requested());
}

#[test]
fn ctrl_d_deletes_or_quits() {
    let stage = Stage::new(40, 10);
    stage.keys("ab<left><ctrl+d>");
    assert_eq!(stage.composer(), "a");
    stage.keys("<backspace><ctrl+d>");
    assert!(stage.kernel.quit_requested());
}

#[test]
fn a_paste_is_inserted_as_it_is() {
    let stage = Stage::new(40, 12);
    stage.keys("a");
    stage.kernel.input(Input::Paste("b\nc\td".into()));
    assert_eq!(stage.composer(), "ab\nc\td");
    assert_eq!(&stage.rows()[9..11], ["› ab", "  c   d"]);
    assert!(stage.sent.borrow().is_empty());
}

#[test]
fn a_paste_of_a_megabyte_is_shown_at_once() {
    let stage = Stage::new(80, 24);
    for text in ["word ".repeat(200_000), "line of text\n".repeat(80_000)] {
        stage.keys("<ctrl+c>");
        stage.host.now.set(stage.host.now.get() + 5_000);
        stage.kernel.input(Input::Paste(text));
        let began = std::time::Instant::now();
        stage.rows();
        // Generous, for an unoptimised build on a busy machine: what must not happen is a minute.
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
    }
}

#[test]
fn control_characters_in_the_composer_are_shown() {
    let stage = Stage::new(40, 10);
    stage.kernel.input(Input::Paste("a\u{1b}[2Jb".into()));
    assert_eq!(stage.rows()[8], "› a^[[2Jb");
}

#[test]
fn recalled_commands_do_not_hold_the_keys_up() {
    let stage = Stage::new(50, 12);
    for name in ["model", "quit"] {
        let spec =
            purlin_kernel::CommandSpec::new(name, "Does it.", |_| Box::pin(std::future::ready(Ok(None))));
        stage.kernel.command().create(purlin_kernel::ExtId::CORE, spec);
    }
    stage.keys("one<enter>/model<enter>/quit<enter>");
    let mut seen = Vec::new();
    for key in ["<up>", "<up>", "<up>", "<down>", "<down>", "<down>"] {
        stage.keys(key);
        seen.push(stage.composer());
        assert!(!stage.rows().iter().any(|row| row.contains("Does it.")), "{:?}", stage.rows());
    }
    assert_eq!(seen, ["/quit", "/model", "one", "/model", "/quit", ""]);
    stage.keys("/q");
    assert!(stage.rows().iter().any(|row| row.contains("Does it.")), "typing opens it");
}
