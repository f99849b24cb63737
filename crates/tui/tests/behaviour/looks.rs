//! What a person sees, whole.

use serde_json::json;

use crate::stage::Stage;

fn conversation(stage: &Stage) {
    stage.add("prompt", "Explain what this crate does,\nand run its tests.", json!({}));
    stage.add(
        "thinking",
        &"The person wants an explanation. I shall read the sources first. ".repeat(8),
        json!({}),
    );
    stage.add(
        "tool",
        "",
        json!({"name": "read", "args": {"path": "src/lib.rs", "limit": 200}, "status": "ok"}),
    );
    let output = (0..12).map(|n| format!("test case_{n} ... ok")).collect::<Vec<_>>().join("\n");
    stage.add(
        "tool",
        &output,
        json!({"name": "bash", "args": {"command": "cargo test\necho done"}, "status": "ok", "duration_ms": 4213}),
    );
    stage.add("tool", "", json!({"name": "edit", "args": {"path": "src/lib.rs", "old_text": "let a = 1;", "new_text": "let a = 2;"}, "status": "ok"}));
    stage.add(
        "tool",
        "blocked by `gate`",
        json!({"name": "bash", "args": {"command": "rm -rf /"}, "status": "blocked"}),
    );
    let text = "It does **two** things:\n\n1. measures `text`, with a long explanation that wraps\n2. draws it\n\n> quoted\n\n```rust\nfn main() {}\n```\n\n| a | b |\n|---|--:|\n| 1 | 22 |\n";
    stage.add("text", text, json!({}));
    stage.add("shell", "one\ntwo\n", json!({"command": "ls -la", "status": "error", "exit_code": 2}));
    stage.add("error", "The provider answered 401.", json!({"hint": "Set `ANTHROPIC_API_KEY`."}));
    stage.add("note", "A note of an extension.", json!({}));
}

#[test]
fn a_conversation() {
    let stage = Stage::new(60, 64);
    conversation(&stage);
    stage.keys("next");
    insta::assert_snapshot!(stage.picture());
}

#[test]
fn a_conversation_unfolded() {
    let stage = Stage::new(60, 76);
    conversation(&stage);
    stage.keys("<ctrl+o>");
    insta::assert_snapshot!(stage.picture());
}

#[test]
fn a_conversation_on_twenty_columns() {
    let stage = Stage::new(20, 70);
    conversation(&stage);
    insta::assert_snapshot!(stage.picture());
}

#[test]
fn nothing_yet() {
    insta::assert_snapshot!(Stage::new(40, 10).picture());
}

#[test]
fn five_rows() {
    let stage = Stage::new(20, 5);
    conversation(&stage);
    stage.keys("a prompt that is long");
    insta::assert_snapshot!(stage.picture());
}

#[test]
fn any_size_is_drawn() {
    let mut stage = Stage::new(80, 24);
    conversation(&stage);
    stage.keys("some text");
    for width in [1, 2, 3, 5, 9, 13, 80, 300] {
        for height in [1, 2, 3, 4, 7, 24, 100] {
            stage.size = (width, height);
            assert_eq!(stage.rows().len(), usize::from(height));
            assert!(stage.cursor().is_some(), "the caret is in sight at {width}×{height}");
        }
    }
}
