//! Every terminal hook fires when its declaration says so, with the fields it declares: one test a hook, named after it.

use std::{cell::RefCell, rc::Rc};

use purlin_kernel::{
    Block, ConfirmOptions, ExtId, HandlerFn, HookEvent, Input, Kernel, Mods, MouseButton, MouseEvent,
    MouseKind, OnOptions, Shown, Window,
    text::{
        Color, Token,
        theme::{Ink, Theme},
    },
};
use serde_json::{Map, Value, json};

use crate::stage::Stage;

/// What was heard: the payload and the fields that every terminal hook has.
type Heard = Rc<RefCell<Vec<Value>>>;

fn told(event: &HookEvent) -> Value {
    let shared = ["working", "focus", "context"];
    let names = event.fields().into_iter().chain(shared.map(str::to_owned));
    Value::Object(
        names.map(|name| (name.clone(), event.get(&name).unwrap_or(Value::Null))).collect::<Map<_, _>>(),
    )
}

/// Handles a hook with this answer and keeps what it is told.
fn hear(kernel: &Kernel, hook: &str, answer: impl Fn(&Value) -> Value + 'static) -> Heard {
    let heard = Heard::default();
    let into = Rc::clone(&heard);
    let handler = HandlerFn::sync(move |event| {
        let event = told(event);
        let answer = answer(&event);
        into.borrow_mut().push(event);
        Ok(answer)
    });
    kernel.hook().on(ExtId::CORE, hook, OnOptions::default(), handler).expect("it is declared");
    heard
}

fn watch(kernel: &Kernel, hook: &str) -> Heard {
    hear(kernel, hook, |_| Value::Null)
}

/// Takes what was heard, each as the values of these fields.
fn taken(heard: &Heard, fields: &[&str]) -> Vec<Value> {
    let all = std::mem::take(&mut *heard.borrow_mut());
    all.iter().map(|event| fields.iter().map(|field| event[*field].clone()).collect()).collect()
}

/// Tells whether every payload has the fields that all terminal hooks share.
fn assert_shared(heard: &Heard) {
    let heard = heard.borrow();
    assert!(!heard.is_empty(), "it has fired");
    for event in heard.iter() {
        assert!(event["working"].is_boolean() && event["context"].is_object(), "{event}");
        for field in ["kind", "window", "buffer", "role"] {
            assert!(event["focus"][field].is_string(), "{event}");
        }
    }
}

fn stage() -> Stage {
    Stage::new(40, 12)
}

#[test]
fn every_declared_hook_has_a_test_of_its_name() {
    let source = include_str!("hooks.rs");
    let stage = stage();
    let without: Vec<&str> = stage
        .kernel
        .hook()
        .list()
        .into_iter()
        .map(|listing| listing.decl.name)
        .filter(|name| !source.contains(&format!("#[test]\nfn {name}_")))
        .collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn startup_fires_once_before_the_first_frame() {
    let host = Rc::new(crate::stage::StillHost::default());
    let kernel = Kernel::new(host);
    let screen =
        purlin_tui::Screen::install(&kernel, purlin_tui::ScreenOptions::default()).expect("a fresh kernel");
    let rows: Rc<RefCell<Vec<String>>> = Rc::default();
    let (into, seen) = (kernel.clone(), Rc::clone(&rows));
    let started = hear(&kernel, "startup", move |_| {
        // What it changes is part of the first frame.
        into.buf().set_text("composer", "from the handler");
        Value::Null
    });
    for _ in 0..2 {
        let (shown, _) = purlin_tui::snapshot::rows(&screen, 40, 12);
        seen.borrow_mut().extend(shown.into_iter().filter(|row| row.contains("from the handler")));
    }
    assert_eq!(rows.borrow().len(), 2);
    assert_shared(&started);
    assert_eq!(started.borrow().len(), 1);
}

#[test]
fn shutdown_says_why() {
    for reason in ["user", "signal", "error"] {
        let stage = stage();
        let heard = watch(&stage.kernel, "shutdown");
        stage.kernel.shutdown(reason);
        assert_shared(&heard);
        assert_eq!(taken(&heard, &["reason"]), [json!([reason])]);
    }
}

#[test]
fn tick_fires_when_a_timer_is_due_and_not_before() {
    let stage = stage();
    let heard = watch(&stage.kernel, "tick");
    stage.kernel.timer().defer(ExtId::CORE, 50, Rc::new(|| Ok(()))).expect("no quota");
    stage.wait(10);
    assert!(heard.borrow().is_empty());
    stage.wait(40);
    assert_shared(&heard);
    assert_eq!(taken(&heard, &["now"]), [json!([stage.host.now.get()])]);
    stage.wait(1_000);
    assert!(heard.borrow().is_empty(), "nothing is due");
}

#[test]
fn resize_fires_once_for_a_burst_and_once_at_the_start() {
    let stage = stage();
    let heard = watch(&stage.kernel, "resize");
    for size in [(60, 20), (61, 20), (80, 24)] {
        stage.kernel.input(Input::Resize(size.0, size.1));
    }
    assert!(heard.borrow().is_empty(), "it fires with the frame of the new size");
    stage.screen.frame(80, 24);
    stage.screen.frame(80, 24);
    assert_shared(&heard);
    assert_eq!(taken(&heard, &["width", "height"]), [json!([80, 24])]);

    let kernel = Kernel::new(Rc::new(crate::stage::StillHost::default()));
    let screen =
        purlin_tui::Screen::install(&kernel, purlin_tui::ScreenOptions::default()).expect("a fresh kernel");
    let heard = watch(&kernel, "resize");
    screen.frame(40, 12);
    assert_eq!(taken(&heard, &["width", "height"]), [json!([40, 12])]);
}

#[test]
fn key_tells_every_press_with_all_fields() {
    let stage = stage();
    let heard = watch(&stage.kernel, "key");
    stage.keys("A<ctrl+a><alt+x><shift+enter><meta+k><pgup>é<space>");
    assert_shared(&heard);
    let fields = ["key", "text", "ctrl", "alt", "shift", "meta"];
    let told = taken(&heard, &fields);
    let expected = [
        json!(["A", "A", false, false, false, false]),
        json!(["a", "", true, false, false, false]),
        json!(["x", "", false, true, false, false]),
        json!(["enter", "", false, false, true, false]),
        json!(["k", "", false, false, false, true]),
        json!(["pgup", "", false, false, false, false]),
        json!(["é", "é", false, false, false, false]),
        json!(["space", " ", false, false, false, false]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn key_is_consumed_before_keymaps_and_editing() {
    let stage = stage();
    hear(&stage.kernel, "key", |event| json!({ "consume": event["key"] == "x" || event["key"] == "enter" }));
    stage.keys("axb<enter>");
    assert_eq!((stage.composer().as_str(), stage.sent.borrow().len()), ("ab", 0));
}

#[test]
fn key_is_not_told_of_releases() {
    let mut input = purlin_tui::terminal::input::Input::new();
    let mut arrived = Vec::new();
    // The kitty protocol reports press, repetition and release of `a` as 1, 2 and 3.
    for kind in 1..=3 {
        input.feed(format!("\x1b[97;1:{kind}u").as_bytes(), &mut |incoming| arrived.push(incoming));
    }
    let stage = stage();
    let heard = watch(&stage.kernel, "key");
    for incoming in arrived {
        if let purlin_tui::terminal::input::Incoming::Key(event) = incoming {
            stage.kernel.input(Input::Key(event));
        }
    }
    assert_eq!(heard.borrow().len(), 2);
    assert_eq!(stage.composer(), "aa");
}

#[test]
fn paste_is_rewritten_and_consumed() {
    let stage = stage();
    let heard = hear(&stage.kernel, "paste", |event| match event["text"].as_str() {
        Some("secret") => json!({ "consume": true }),
        text => json!({ "text": text.unwrap_or_default().to_uppercase() }),
    });
    stage.kernel.input(Input::Paste("one\r\ntwo".into()));
    stage.kernel.input(Input::Paste("secret".into()));
    assert_shared(&heard);
    assert_eq!(taken(&heard, &["text"]), [json!(["one\ntwo"]), json!(["secret"])]);
    assert_eq!(stage.composer(), "ONE\nTWO");
}

#[test]
fn mouse_tells_kinds_buttons_and_the_window_below() {
    let stage = stage();
    stage.fill(3);
    stage.rows();
    let heard = watch(&stage.kernel, "mouse");
    let composer = stage.kernel.win().get("composer").expect("it exists").rect.y;
    let events = [
        (MouseKind::Press, MouseButton::Left, 0, json!(["press", "left", 0, 5, "transcript"])),
        (MouseKind::Drag, MouseButton::Left, 1, json!(["drag", "left", 1, 5, "transcript"])),
        (MouseKind::Release, MouseButton::Left, 1, json!(["release", "left", 1, 5, "transcript"])),
        (MouseKind::Press, MouseButton::Right, 0, json!(["press", "right", 0, 5, "transcript"])),
        (MouseKind::Press, MouseButton::Middle, 0, json!(["press", "middle", 0, 5, "transcript"])),
        (MouseKind::Move, MouseButton::None, 0, json!(["move", "", 0, 5, "transcript"])),
        (MouseKind::WheelUp, MouseButton::None, composer, json!(["wheel", "up", composer, 5, "composer"])),
        (MouseKind::WheelDown, MouseButton::None, 200, json!(["wheel", "down", 200, 5, null])),
    ];
    for (kind, button, row, expected) in events {
        stage.kernel.input(Input::Mouse(MouseEvent { kind, button, row, col: 5, mods: Mods::NONE }));
        assert_shared(&heard);
        assert_eq!(taken(&heard, &["kind", "button", "row", "col", "window"]), [expected]);
    }
}

#[test]
fn mouse_is_consumed_before_selection_scroll_and_focus() {
    let stage = stage();
    stage.fill(30);
    stage.rows();
    let window = Window::float("notes", "notes", "notes", purlin_kernel::Rect::new(0, 0, 5, 2));
    stage.kernel.win().create(ExtId::CORE, window).expect("a free name");
    stage.rows();
    hear(&stage.kernel, "mouse", |_| json!(true));
    let before = stage.rows();
    stage.wheel_at(true, 4, 20);
    stage.left(MouseKind::Press, 0, 0);
    stage.drag((4, 0), (6, 10));
    assert_eq!(stage.rows(), before);
    assert_eq!(stage.copied(), [""; 0]);
    assert_eq!(stage.kernel.win().focused().expect("a window").name, "composer");
}

#[test]
fn focus_change_tells_windows_and_the_terminal() {
    let stage = stage();
    let heard = watch(&stage.kernel, "focus_change");
    stage.keys("<shift+tab>");
    stage.keys("<shift+tab>");
    stage.kernel.input(Input::Focus(false));
    stage.kernel.input(Input::Focus(true));
    stage.kernel.win().focus("composer");
    assert_shared(&heard);
    let expected = [
        json!(["composer", "transcript"]),
        json!(["transcript", "composer"]),
        json!(["composer", ""]),
        json!(["terminal", "composer"]),
    ];
    assert_eq!(taken(&heard, &["from", "to"]), expected);
}

#[test]
fn render_fires_for_frames_that_are_drawn() {
    let stage = stage();
    let heard = watch(&stage.kernel, "render");
    stage.rows();
    heard.borrow_mut().clear();
    stage.screen.frame(40, 12);
    assert!(heard.borrow().is_empty(), "nothing is drawn where nothing has changed");
    stage.keys("a");
    stage.screen.frame(40, 12);
    stage.keys("b");
    stage.screen.frame(40, 12);
    assert_shared(&heard);
    let told = taken(&heard, &["width", "height", "frame"]);
    let frames: Vec<u64> = told.iter().filter_map(|event| event[2].as_u64()).collect();
    assert!(told.iter().all(|event| event[0] == 40 && event[1] == 12), "{told:?}");
    assert!(frames.len() >= 2 && frames.windows(2).all(|pair| pair[1] == pair[0] + 1), "{told:?}");
}

#[test]
fn prompt_submit_tells_text_key_delivery_and_attachments() {
    let stage = stage();
    let heard = watch(&stage.kernel, "prompt_submit");
    stage.keys("one<enter>");
    stage.kernel.set_context("working", json!(true));
    stage.keys("two<enter>");
    stage.keys("later<alt+q>");
    stage.kernel.buf().set_text("composer", "three");
    stage.kernel.command().invoke("submit", "");
    stage.run();
    assert_shared(&heard);
    let expected = [
        json!(["one", "enter", "prompt", []]),
        json!(["two", "enter", "steer", []]),
        json!(["later", "alt+q", "follow_up", []]),
        json!(["three", "", "steer", []]),
    ];
    assert_eq!(taken(&heard, &["text", "key", "delivery", "attachments"]), expected);
    assert_eq!(*stage.sent.borrow(), ["one", "two", "queue: later", "three"]);
}

#[test]
fn prompt_submit_says_which_key_it_was_mapped_to() {
    let stage = stage();
    let heard = watch(&stage.kernel, "prompt_submit");
    let options = purlin_kernel::KeymapOptions::default();
    let target = purlin_kernel::Target::Role("composer".into());
    let submit = purlin_kernel::Action::command("submit");
    stage.kernel.keymap().set(ExtId::CORE, target, "ctrl+s", submit, options).expect("a key");
    stage.keys("text<ctrl+s>");
    assert_eq!(taken(&heard, &["text", "key"]), [json!(["text", "ctrl+s"])]);
}

#[test]
fn prompt_submit_is_consumed_or_reads_the_composer_again() {
    let stage = stage();
    let kernel = stage.kernel.clone();
    hear(&stage.kernel, "prompt_submit", move |event| {
        if event["text"] == "stop" {
            return json!({ "handled": true });
        }
        kernel.buf().set_text("composer", "rewritten");
        Value::Null
    });
    stage.keys("stop<enter>");
    assert_eq!((stage.composer().as_str(), stage.sent.borrow().len()), ("stop", 0));
    stage.keys("<ctrl+u>go<enter>");
    assert_eq!((stage.composer().as_str(), stage.sent.borrow().concat().as_str()), ("", "rewritten"));
}

#[test]
fn transcript_render_tells_a_block_and_takes_lines_or_text() {
    let stage = stage();
    stage.add("text", "plain", json!({ "own": 1 }));
    stage.add("text", "other", json!({}));
    let heard = hear(&stage.kernel, "transcript_render", |event| match event["block"]["text"].as_str() {
        Some("plain") => json!({ "lines": ["one", [{ "text": "two", "fg": "error" }, " three"]] }),
        _ => json!({ "text": "\u{1b}[1mbold\u{1b}[0m \u{7}" }),
    });
    stage.screen.refresh();
    assert_eq!(stage.transcript()[..4], ["one", "two three", "", "bold ^G"]);
    assert_shared(&heard);
    let told = heard.borrow();
    let first = told.iter().find(|event| event["block"]["text"] == "plain").expect("it was told");
    assert_eq!(first["width"], 40);
    let block = &first["block"];
    assert_eq!(
        (&block["id"], &block["kind"], &block["streaming"]),
        (&json!("b0"), &json!("text"), &json!(false))
    );
    assert_eq!((&block["role"], &block["meta"]), (&json!(""), &json!({ "own": 1 })));
    drop(told);
    assert_eq!(stage.style(1, 0).fg, Color::Token(Token::Error));
}

#[test]
fn transcript_render_is_a_chain() {
    let stage = stage();
    stage.add("text", "plain", json!({}));
    let first = hear(&stage.kernel, "transcript_render", |_| json!({ "text": "first" }));
    hear(
        &stage.kernel,
        "transcript_render",
        |event| json!({ "text": format!("{} and second", event["text"].as_str().unwrap_or("nothing")) }),
    );
    stage.screen.refresh();
    assert_eq!(stage.transcript()[0], "first and second");
    assert!(first.borrow().iter().all(|event| event.get("text").is_none_or(serde_json::Value::is_null)));
}

#[test]
fn transcript_render_is_asked_once_until_block_width_theme_or_handlers_change() {
    let mut stage = stage();
    stage.add("text", "one", json!({}));
    stage.add("text", "two", json!({}));
    let heard = hear(&stage.kernel, "transcript_render", |event| json!({ "text": event["block"]["text"] }));
    let calls = |stage: &Stage| {
        stage.rows();
        heard
            .borrow_mut()
            .drain(..)
            .map(|event| event["block"]["id"].as_str().unwrap_or("").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(calls(&stage), ["b1", "b0"], "each block once");
    stage.keys("typed");
    stage.kernel.win().mark_all_dirty();
    assert_eq!(calls(&stage), [""; 0], "a frame asks nothing again");
    stage.screen.refresh();
    assert_eq!(calls(&stage), [""; 0], "nor does a refresh without changes");
    stage.change_last(|block| block.text.push('!'));
    assert_eq!(calls(&stage), ["b1"], "a block that has changed");
    stage.size = (30, 12);
    assert_eq!(calls(&stage), ["b1", "b0"], "another width");
    let mut theme = Theme::light();
    theme.set_color(Token::Accent, Color::Rgb(1, 2, 3));
    assert_eq!(theme.entry(Token::Accent).rich, Ink::Rgb(1, 2, 3));
    stage.kernel.set_theme(theme);
    assert_eq!(calls(&stage), ["b1", "b0"], "another theme");
    watch(&stage.kernel, "transcript_render");
    assert_eq!(calls(&stage), ["b1", "b0"], "another handler may answer otherwise");
    let shown = Shown::As(Block { kind: "text".into(), text: "instead".into(), ..Block::default() });
    stage.kernel.buf().show_block(ExtId::CORE, "transcript", "b0", shown);
    assert_eq!(calls(&stage), ["b0"], "a block that is shown otherwise");
}

#[test]
fn an_open_dialog_is_the_focus_of_what_is_told() {
    let stage = stage();
    let heard = watch(&stage.kernel, "render");
    let options = ConfirmOptions { message: "Sure?".into(), ..ConfirmOptions::default() };
    let _answer = stage.kernel.ui().confirm(ExtId::CORE, options);
    stage.rows();
    assert_eq!(heard.borrow().last().expect("a frame")["focus"]["kind"], "dialog");
}
