//! What the mouse does on the transcript and elsewhere: selecting, copying, unfolding, the caret, the wheel.

use purlin_kernel::{
    ExtId, MouseKind, Placement, Rect, Window,
    text::{Color, Style, Token},
};
use serde_json::json;

use crate::stage::Stage;

fn is_selected(style: &Style) -> bool {
    style.bg == Color::Token(Token::Selection)
}

#[test]
fn a_drag_selects_and_copies_on_release() {
    let stage = Stage::new(40, 12);
    stage.add("text", "first line here\n\nsecond line", json!({}));
    stage.rows();
    stage.left(MouseKind::Press, 0, 6);
    stage.left(MouseKind::Drag, 2, 5);
    assert_eq!(stage.styled(0, is_selected), "line here");
    assert_eq!(stage.styled(2, is_selected), "second");
    stage.left(MouseKind::Release, 2, 5);
    assert_eq!(stage.copied(), ["line here\n\nsecond"]);
    assert!(
        stage.rows().iter().any(|row| row.starts_with("Copied 3 lines to the terminal")),
        "{:?}",
        stage.rows()
    );
    stage.keys("<escape>");
    assert_eq!(stage.styled(0, is_selected), "");
    assert_eq!(stage.composer(), "", "the composer keeps the keyboard");
}

#[test]
fn a_press_alone_selects_nothing() {
    let stage = Stage::new(40, 12);
    stage.add("text", "some words", json!({}));
    stage.rows();
    stage.left(MouseKind::Press, 0, 2);
    stage.left(MouseKind::Release, 0, 2);
    assert_eq!(stage.copied(), [""; 0]);
    assert_eq!(stage.styled(0, is_selected), "");
}

#[test]
fn two_clicks_select_a_word_and_three_a_line() {
    let stage = Stage::new(40, 12);
    stage.add("text", "see src/main.rs now", json!({}));
    stage.rows();
    for times in 1..=3 {
        stage.left(MouseKind::Press, 0, 6);
        stage.left(MouseKind::Release, 0, 6);
        let expected = ["", "src/main.rs", "see src/main.rs now"][times - 1];
        assert_eq!(stage.styled(0, is_selected), expected);
        assert_eq!(stage.copied().concat(), expected);
    }
    stage.wait(1_000);
    stage.left(MouseKind::Press, 0, 6);
    stage.left(MouseKind::Release, 0, 6);
    assert_eq!(stage.copied(), [""; 0], "a click after a while is the first again");
}

#[test]
fn what_decorates_is_not_copied_and_wrapped_rows_are_joined() {
    let stage = Stage::new(24, 20);
    stage.add("prompt", "a prompt that is longer than the window", json!({}));
    stage.add("text", "```rust\nfn main() {}\n\tlet x;\n```", json!({}));
    stage.rows();
    let rows = stage.transcript();
    let last = rows.iter().rposition(|row| !row.is_empty()).expect("rows") as u16;
    stage.drag((0, 0), (last, 20));
    assert_eq!(stage.copied(), ["a prompt that is longer than the window\n\nrust\nfn main() {}\n    let x;"]);
}

#[test]
fn a_drag_past_the_edge_scrolls_and_selects_what_comes() {
    let stage = Stage::new(30, 10);
    stage.fill(40);
    let before = stage.transcript();
    stage.left(MouseKind::Press, 6, 4);
    stage.left(MouseKind::Drag, 0, 0);
    for _ in 0..20 {
        stage.wait(50);
        stage.rows();
    }
    assert_ne!(stage.transcript(), before);
    stage.left(MouseKind::Release, 0, 0);
    let copied = stage.copied().concat();
    assert!(copied.lines().count() > 20, "{copied:?}");
    let top = stage.transcript();
    stage.wait(500);
    assert_eq!(stage.transcript(), top, "nothing scrolls after the release");
    let first = copied.lines().next().expect("a line").to_owned();
    assert!(top.iter().any(|row| *row == format!("› {first}")), "{first}: {top:?}");
}

#[test]
fn a_click_on_what_is_folded_unfolds_it() {
    let stage = Stage::new(40, 40);
    let output = (0..20).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    stage.add("tool", &output, json!({"name": "bash", "args": {"command": "seq"}, "status": "ok"}));
    assert_eq!(stage.transcript()[1], "  … 15 more lines (ctrl+o)");
    stage.left(MouseKind::Press, 1, 8);
    stage.left(MouseKind::Release, 1, 8);
    assert_eq!(stage.transcript()[1], "  line 0");
}

#[test]
fn a_click_places_the_caret() {
    let stage = Stage::new(20, 12);
    stage.keys("one two three four five");
    let rows = stage.rows();
    let first = rows.iter().position(|row| row == "› one two three four").expect("it is shown") as u16;
    stage.left(MouseKind::Press, first + 1, 4);
    stage.keys("X");
    assert_eq!(stage.composer(), "one two three four fiXve");
    stage.left(MouseKind::Press, first, 19);
    stage.keys("Y");
    assert_eq!(stage.composer(), "one two three fouYr fiXve");
}

#[test]
fn the_wheel_scrolls_the_window_below_it() {
    let stage = Stage::new(40, 12);
    stage.fill(30);
    let kernel = &stage.kernel;
    kernel.buf().create(ExtId::CORE, "notes");
    let lines: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
    kernel.buf().set_text("notes", &lines.join("\n"));
    let window = Window::float("notes", "notes", "notes", Rect::new(20, 0, 10, 5));
    assert!(matches!(window.placement, Placement::Float(_)));
    kernel.win().create(ExtId::CORE, window).expect("a free name");
    let offset = |name: &str| kernel.win().get(name).expect("it is there").scroll.offset;
    stage.rows();
    stage.wheel_at(false, 2, 22);
    stage.rows();
    assert_eq!((offset("notes"), offset("transcript")), (3, 0));
    assert!(stage.rows()[0].ends_with("n3"), "{:?}", stage.rows());
    stage.wheel_at(true, 2, 22);
    stage.wheel_at(true, 2, 2);
    stage.rows();
    assert_eq!(offset("notes"), 0);
    assert!(offset("transcript") > 0);
    stage.left(MouseKind::Press, 2, 22);
    assert_eq!(kernel.win().focused().expect("a window").name, "notes", "a click gives the focus");
}

#[test]
fn a_drag_over_the_composer_selects_and_copies() {
    let stage = Stage::new(40, 12);
    stage.keys("one two");
    let row = stage.rows().iter().position(|row| row.starts_with("› one two")).expect("the composer") as u16;
    stage.left(MouseKind::Press, row, 6);
    stage.left(MouseKind::Drag, row, 9);
    stage.rows();
    assert_eq!(stage.styled(row, is_selected), "two");
    stage.left(MouseKind::Release, row, 9);
    assert_eq!(stage.copied(), ["two"]);
    stage.keys("x");
    stage.rows();
    assert_eq!(stage.styled(row, is_selected), "", "what is typed ends it");
    stage.left(MouseKind::Press, row, 3);
    stage.left(MouseKind::Release, row, 3);
    assert_eq!(stage.copied(), [""; 0], "a click copies nothing");
}

#[test]
fn what_a_tool_or_command_put_out_is_copied_without_its_indentation() {
    let stage = Stage::new(40, 14);
    let output = "91\n  92\n93";
    stage.add("tool", output, json!({"name": "bash", "args": {"command": "seq"}, "status": "ok"}));
    stage.rows();
    stage.drag((0, 0), (3, 20));
    assert_eq!(stage.copied(), ["● bash seq\n91\n  92\n93"]);
    stage.add("shell", output, json!({"command": "ls -la", "status": "ok"}));
    stage.rows();
    stage.drag((5, 0), (8, 20));
    assert_eq!(stage.copied(), ["ls -la\n91\n  92\n93"]);
}
