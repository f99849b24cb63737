//! The transcript: following the end, scrolling, anchors, and what a frame costs.

use purlin_kernel::{Block, ExtId, HandlerFn, OnOptions};
use serde_json::json;

use crate::stage::Stage;

#[test]
fn it_follows_the_end() {
    let stage = Stage::new(30, 8);
    stage.fill(20);
    let rows = stage.transcript();
    assert_eq!(rows.last().map(String::as_str), Some("› p19"));
    stage.add("prompt", "newest", json!({}));
    assert_eq!(stage.transcript().last().map(String::as_str), Some("› newest"));
}

#[test]
fn what_is_read_stays_where_it_is() {
    let stage = Stage::new(30, 10);
    stage.fill(30);
    stage.transcript();
    stage.wheel(true);
    stage.wheel(true);
    let before = stage.transcript();
    assert!(before.iter().any(|row| row == "› p25"), "{before:?}");
    stage.add("prompt", "newest", json!({}));
    let after = stage.transcript();
    assert_eq!(after[..after.len() - 1], before[..before.len() - 1]);
    assert!(after.last().expect("rows").ends_with("new output"), "{after:?}");
    stage.wheel(false);
    stage.wheel(false);
    stage.wheel(false);
    assert_eq!(stage.transcript().last().map(String::as_str), Some("› newest"));
    stage.add("prompt", "followed", json!({}));
    assert_eq!(stage.transcript().last().map(String::as_str), Some("› followed"));
}

#[test]
fn pages_home_and_end() {
    let stage = Stage::new(30, 10);
    stage.fill(50);
    let end = stage.transcript();
    stage.keys("<pgup>");
    let page = stage.transcript();
    assert_eq!(page[page.len() - 2], end[0], "one row stays in sight");
    stage.keys("<ctrl+home>");
    assert_eq!(stage.transcript()[0], "› p0");
    stage.keys("<pgup>");
    assert_eq!(stage.transcript()[0], "› p0");
    stage.keys("<pgdn>");
    assert_ne!(stage.transcript()[0], "› p0");
    stage.keys("<ctrl+end>");
    assert_eq!(stage.transcript(), end);
    stage.keys("<pgdn><pgdn>");
    assert_eq!(stage.transcript(), end);
}

#[test]
fn every_row_can_be_reached_in_both_directions() {
    let stage = Stage::new(20, 9);
    for number in 0..12 {
        let words: String =
            (0..number * 3).fold(String::new(), |words, word| words + &format!("{number}w{word} "));
        stage.add("text", &format!("t{number} {words}"), json!({}));
    }
    let strip = |rows: Vec<String>| rows[..rows.len() - 1].to_vec();
    let mut seen = vec![strip(stage.transcript())];
    for _ in 0..200 {
        stage.keys("<shift+up>");
        let rows = strip(stage.transcript());
        if Some(&rows) == seen.last() {
            break;
        }
        seen.push(rows);
    }
    assert!(seen.last().expect("rows")[0].starts_with("t0"), "{seen:?}");
    for expected in seen.iter().rev().skip(1) {
        stage.keys("<shift+down>");
        assert_eq!(&strip(stage.transcript()), expected);
    }
}

#[test]
fn a_frame_reads_only_what_it_shows() {
    let stage = Stage::new(80, 24);
    stage.fill(10_000);
    stage.transcript();
    stage.talk.read.set(0);
    stage.add("prompt", "one more", json!({}));
    stage.transcript();
    assert!(stage.talk.read.get() < 400, "{} blocks read", stage.talk.read.get());
    stage.talk.read.set(0);
    stage.keys("x");
    stage.rows();
    assert_eq!(stage.talk.read.get(), 0, "a key does not touch the transcript");
}

#[test]
fn a_growing_block_grows() {
    let stage = Stage::new(30, 10);
    stage.add("text", "", json!({}));
    let whole = "# Title\n\nSome *text* that wraps around.\n\n- item\n- item two\n";
    for end in 1..=whole.len() {
        stage.change_last(|block: &mut Block| {
            block.streaming = true;
            whole[..end].clone_into(&mut block.text);
        });
        stage.transcript();
    }
    let streamed = stage.transcript();
    stage.change_last(|block| block.streaming = false);
    assert_eq!(stage.transcript(), streamed);
    assert_eq!(streamed[..6], ["Title", "", "Some text that wraps around.", "", "• item", "• item two"]);
}

#[test]
fn folding_shows_more_and_less() {
    let stage = Stage::new(40, 30);
    let output = (0..20).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    stage.add("tool", &output, json!({"name": "bash", "args": {"command": "seq 20"}, "status": "ok"}));
    let folded = stage.transcript();
    assert_eq!(folded[0], "● bash seq 20");
    assert_eq!(folded[1], "  … 15 more lines (ctrl+o)");
    assert_eq!(folded[6], "  line 19");
    stage.keys("<ctrl+o>");
    assert_eq!(stage.transcript()[1], "  line 0");
    stage.keys("<ctrl+o>");
    assert_eq!(stage.transcript(), folded);
}

#[test]
fn a_handler_may_draw_a_block() {
    let stage = Stage::new(30, 10);
    stage.add("text", "plain", json!({}));
    assert_eq!(stage.transcript()[0], "plain");
    let handler = HandlerFn::sync(|event| {
        let block = event.get("block").unwrap_or_default();
        Ok(json!({ "lines": [[{ "text": "own: ", "fg": "accent" }, block["text"]], "second"] }))
    });
    let handle = stage
        .kernel
        .hook()
        .on(ExtId::CORE, "transcript_render", OnOptions::default(), handler)
        .expect("it is declared");
    stage.screen.refresh();
    assert_eq!(stage.transcript()[..2], ["own: plain", "second"]);
    handle.del();
    stage.screen.refresh();
    assert_eq!(stage.transcript()[0], "plain");
}

#[test]
fn a_resize_keeps_the_place_and_the_end() {
    let mut stage = Stage::new(40, 12);
    for number in 0..30 {
        stage.add("text", &format!("paragraph {number} {}", "some words ".repeat(8)), json!({}));
    }
    let end = stage.transcript().last().cloned();
    for (width, height) in [(20, 5), (1, 1), (200, 60), (80, 24), (7, 3), (40, 12)] {
        stage.size = (width, height);
        stage.rows();
    }
    assert_eq!(stage.transcript().last().cloned(), end);
    stage.keys("<pgup><pgup>");
    let first = |stage: &Stage| {
        stage.transcript().iter().find_map(|row| row.strip_prefix("paragraph ").map(str::to_owned))
    };
    let number = |text: Option<String>| {
        text.and_then(|text| text.split(' ').next().and_then(|n| n.parse::<i32>().ok()))
    };
    let before = number(first(&stage)).expect("a paragraph");
    stage.size = (30, 12);
    let after = number(first(&stage)).expect("a paragraph");
    assert!((before - after).abs() <= 1, "{before} became {after}");
}

#[test]
fn the_marker_of_what_is_below_covers_no_text() {
    let stage = Stage::new(40, 14);
    stage.fill(40);
    stage.keys("<pgup>");
    let rows = stage.transcript();
    let last = rows.last().expect("rows");
    assert!(last.contains("↓") && !last.contains('p'), "{rows:?}");
    stage.keys("<pgdn><pgdn>");
    assert!(stage.transcript().last().expect("rows").contains("p39"), "{:?}", stage.transcript());
}
