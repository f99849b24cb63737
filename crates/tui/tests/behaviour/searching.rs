//! Searching the transcript.

use purlin_kernel::text::{Color, Style, Token};
use serde_json::json;

use crate::stage::Stage;

fn is_hit(style: &Style) -> bool {
    style.bg == Color::Token(Token::Search)
}

fn line(stage: &Stage) -> String {
    stage.rows().into_iter().find(|row| row.starts_with("/ ")).unwrap_or_default()
}

#[test]
fn the_newest_hit_is_shown_while_the_pattern_is_typed() {
    let stage = Stage::new(60, 12);
    for number in 0..60 {
        let text = if number % 20 == 7 { format!("needle {number}") } else { format!("straw {number}") };
        stage.add("prompt", &text, json!({}));
    }
    stage.keys("draft<ctrl+f>need");
    let rows = stage.rows();
    let at = rows.iter().position(|row| row == "› needle 47").expect("the newest hit is in sight");
    assert_eq!(stage.styled(at as u16, is_hit), "need");
    assert!(line(&stage).starts_with("/ need"), "{rows:?}");
    assert!(line(&stage).contains("1 of 3"), "{rows:?}");
    stage.keys("le 2");
    assert!(stage.rows().iter().any(|row| row == "› needle 27"), "{:?}", stage.rows());
    stage.keys("<backspace><backspace><enter>n");
    assert!(line(&stage).contains("2 of 3"), "{}", line(&stage));
    stage.keys("n");
    assert!(stage.rows().iter().any(|row| row == "› needle 7"), "{:?}", stage.rows());
    stage.keys("n");
    assert!(line(&stage).contains("1 of 3"), "after the oldest comes the newest: {}", line(&stage));
    stage.keys("N");
    assert!(line(&stage).contains("3 of 3"), "{}", line(&stage));
    stage.keys("<escape>");
    assert_eq!(line(&stage), "");
    assert_eq!(stage.composer(), "draft");
    stage.keys("x");
    assert_eq!(stage.composer(), "draftx", "the composer has the keyboard again");
}

#[test]
fn the_slash_searches_in_the_transcript_and_is_typed_in_the_composer() {
    let stage = Stage::new(60, 12);
    stage.fill(30);
    stage.keys("/");
    assert_eq!(stage.composer(), "/");
    stage.keys("<backspace><shift+tab>/p3");
    assert!(line(&stage).contains("of 1"), "{}", line(&stage));
    stage.keys("<enter>");
    stage.keys("typed");
    assert_eq!(stage.composer(), "typed", "letters that mean nothing there go to the composer");
}

#[test]
fn what_is_not_there_is_said() {
    let stage = Stage::new(60, 12);
    stage.fill(3);
    stage.keys("<ctrl+f>zzz");
    assert!(line(&stage).contains("not found"), "{}", line(&stage));
    stage.keys("<enter>y");
    assert_eq!((line(&stage).as_str(), stage.composer().as_str()), ("", "y"));
}

#[test]
fn a_hit_in_something_folded_unfolds_it() {
    let stage = Stage::new(40, 14);
    let output = (0..30).map(|n| format!("line {n} end")).collect::<Vec<_>>().join("\n");
    stage.add("tool", &output, json!({"name": "bash", "args": {"command": "seq"}, "status": "ok"}));
    stage.fill(10);
    stage.keys("<ctrl+f>line 3 end");
    assert!(stage.rows().iter().any(|row| row == "  line 3 end"), "{:?}", stage.rows());
}

#[test]
fn a_search_takes_a_long_session_in_slices_and_reads_each_block_once() {
    let stage = Stage::new(60, 12);
    stage.add("prompt", "the only needle", json!({}));
    stage.fill(20_000);
    stage.rows();
    stage.talk.read.set(0);
    // The clock goes on with each look at it, so that a slice ends.
    stage.host.ticking.set(true);
    stage.keys("<ctrl+f>needle");
    assert!(line(&stage).contains("searching"), "{}", line(&stage));
    for _ in 0..20_000 {
        if line(&stage).contains("1 of 1") {
            break;
        }
        stage.wait(1);
    }
    assert!(line(&stage).contains("1 of 1"), "{}", line(&stage));
    assert!(stage.rows().iter().any(|row| row == "› the only needle"), "{:?}", stage.rows());
}

#[test]
fn what_arrives_is_counted() {
    let stage = Stage::new(60, 12);
    stage.fill(3);
    stage.keys("<ctrl+f>p");
    assert!(line(&stage).contains("of 3"), "{}", line(&stage));
    stage.add("prompt", "p4 p5", json!({}));
    assert!(line(&stage).contains("of 5"), "{}", line(&stage));
    stage.change_last(|block| block.text.push_str(" p6"));
    assert!(line(&stage).contains("of 6"), "{}", line(&stage));
}

#[test]
fn a_hit_stays_in_sight_when_the_screen_is_resized() {
    let mut stage = Stage::new(60, 12);
    let text = "words in a sentence of some length, ".repeat(40);
    stage.add("text", &format!("{text}\n\nneedle\n\n{text}"), json!({}));
    stage.fill(5);
    stage.rows();
    stage.keys("<ctrl+f>needle");
    assert!(stage.rows().iter().any(|row| row == "needle"));
    for size in [(30, 12), (90, 12), (24, 8), (60, 12)] {
        stage.size = size;
        let rows = stage.rows();
        assert!(rows.iter().any(|row| row.trim_end() == "needle"), "{size:?} {rows:#?}");
    }
}
