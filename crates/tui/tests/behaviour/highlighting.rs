//! Code in colours: in answers, in changes, for extensions.

use std::time::Duration;

use purlin_kernel::text::{Color, Style, Token};
use serde_json::json;

use crate::stage::Stage;

/// A machine may be busy: the grammars are read by the first that asks.
const PATIENCE: Duration = Duration::from_secs(60);

fn has(token: Token) -> impl Fn(&Style) -> bool {
    move |style| style.fg == Color::Token(token)
}

fn settle(stage: &Stage) {
    stage.rows();
    assert!(stage.screen.syntax().settle(PATIENCE), "the highlighter answers");
    stage.rows();
}

#[test]
fn fenced_code_gets_its_colours_when_they_are_ready() {
    let stage = Stage::new(60, 14);
    stage.add("text", "See:\n\n```rust\nfn main() { let x = \"hi\"; }\n```\n", json!({}));
    assert_eq!(stage.styled(3, has(Token::SyntaxKeyword)), "", "the first frame does not wait");
    settle(&stage);
    assert_eq!(stage.styled(3, has(Token::SyntaxKeyword)), "fnlet");
    assert_eq!(stage.styled(3, has(Token::SyntaxString)), "\"hi\"");
    assert_eq!(stage.transcript()[3], " fn main() { let x = \"hi\"; }");
}

#[test]
fn streamed_code_keeps_the_colours_of_its_lines() {
    let stage = Stage::new(60, 14);
    stage.add("text", "", json!({}));
    let whole = "```python\ndef f():\n    return 1\n```\n\nDone.\n";
    for end in (1..=whole.len()).step_by(3).chain([whole.len()]) {
        stage.change_last(|block| {
            block.streaming = true;
            whole[..end].clone_into(&mut block.text);
        });
        settle(&stage);
    }
    let streamed: Vec<String> = (0..4).map(|row| stage.styled(row, has(Token::SyntaxKeyword))).collect();
    stage.change_last(|block| block.streaming = false);
    settle(&stage);
    let finished: Vec<String> = (0..4).map(|row| stage.styled(row, has(Token::SyntaxKeyword))).collect();
    assert_eq!(streamed, finished);
    assert_eq!(finished[1..3], ["def", "return"]);
}

#[test]
fn code_that_ended_while_it_was_highlighted_gets_its_colours() {
    let stage = Stage::new(60, 14);
    stage.add("text", "", json!({}));
    let whole = "```python\ndef f():\n    return 1\n```\n\nDone.\n\nAnd more.\n";
    for end in (1..=whole.len()).chain([whole.len()]) {
        stage.change_last(|block| {
            block.streaming = true;
            whole[..end].clone_into(&mut block.text);
        });
        stage.rows();
    }
    settle(&stage);
    settle(&stage);
    assert_eq!(stage.styled(1, has(Token::SyntaxKeyword)), "def");
    assert_eq!(stage.styled(2, has(Token::SyntaxKeyword)), "return");
}

#[test]
fn a_change_is_shown_in_the_language_of_its_file() {
    let stage = Stage::new(60, 14);
    let args =
        json!({"path": "src/a.rs", "old_text": "let a = 1;\nkeep();", "new_text": "let a = 2;\nkeep();"});
    stage.add("tool", "", json!({"name": "edit", "args": args, "status": "ok"}));
    settle(&stage);
    assert_eq!(stage.transcript()[1..4], ["  - let a = 1;", "  + let a = 2;", "    keep();"]);
    assert_eq!(stage.styled(1, has(Token::DiffDelete)), "- let a = 1;");
    assert_eq!(stage.styled(2, has(Token::SyntaxKeyword)), "let");
    assert_eq!(stage.styled(2, has(Token::DiffAdd)), "+ ");
}

#[test]
fn extensions_get_colours_and_plain_lines_for_what_nobody_knows() {
    let stage = Stage::new(60, 14);
    stage.kernel.highlight("local x = 1\n", "lua");
    assert!(stage.screen.syntax().settle(PATIENCE));
    let lines = stage.kernel.highlight("local x = 1\n", "lua");
    assert!(lines[0].iter().any(|span| span.style.fg == Color::Token(Token::SyntaxKeyword)), "{lines:?}");
    stage.kernel.highlight("x", "no-such-language");
    assert!(stage.screen.syntax().settle(PATIENCE));
    let plain = stage.kernel.highlight("x", "no-such-language");
    assert_eq!(plain[0][0].style, Style::fg(Token::CodeText));
}

#[test]
fn giant_lines_hold_nothing_up() {
    let stage = Stage::new(60, 14);
    let giant = "(".repeat(500_000);
    stage.add("text", &format!("```rust\n{giant}\n```\n"), json!({}));
    stage.add("text", "```rust\nlet x;\n```\n", json!({}));
    settle(&stage);
    let rows = stage.transcript();
    let row = rows.iter().position(|row| row == " let x;").expect("it is shown") as u16;
    assert_eq!(stage.styled(row, has(Token::SyntaxKeyword)), "let");
}

#[test]
fn code_in_an_overlay_gets_its_colours_when_they_are_ready() {
    use purlin_kernel::{ExtId, OverlayBody, OverlayOptions};
    let stage = Stage::new(60, 20);
    let body = OverlayBody::Markdown("See:\n\n```rust\nlet x = 1;\n```\n".to_owned());
    let _answer =
        stage.kernel.ui().overlay(ExtId::CORE, OverlayOptions { body, ..OverlayOptions::default() });
    let row = stage.rows().iter().position(|row| row.contains("let x")).expect("it is shown") as u16;
    assert_eq!(stage.styled(row, has(Token::SyntaxKeyword)), "", "the first frame does not wait");
    settle(&stage);
    assert_eq!(stage.styled(row, has(Token::SyntaxKeyword)), "let");
    assert!(stage.rows()[usize::from(row)].contains("let x = 1;"));
}

#[test]
fn code_that_a_handler_shows_gets_its_colours_when_they_are_ready() {
    use purlin_kernel::{ExtId, HandlerFn, OnOptions};
    let stage = Stage::new(60, 14);
    let weak = stage.kernel.downgrade();
    let run = HandlerFn::sync(move |event| {
        let text = event.get("block").map(|block| block["text"].as_str().unwrap_or("").to_owned());
        let lines = weak.upgrade().map(|kernel| kernel.markdown(&text.unwrap_or_default(), 40));
        let line = |line: &Vec<purlin_kernel::text::Span>| {
            let colour = |style: &Style| match style.fg {
                Color::Token(token) => token.name(),
                _ => "text",
            };
            let span =
                |span: &purlin_kernel::text::Span| json!({"text": span.text, "fg": colour(&span.style)});
            json!(line.iter().map(span).collect::<Vec<_>>())
        };
        Ok(json!({ "lines": lines.unwrap_or_default().iter().map(line).collect::<Vec<_>>() }))
    });
    stage.kernel.hook().on(ExtId::CORE, "transcript_render", OnOptions::default(), run).expect("a hook");
    stage.add("tool", "```rust\nlet x = 1;\n```\n", json!({"name": "mine"}));
    assert_eq!(stage.styled(1, has(Token::SyntaxKeyword)), "");
    settle(&stage);
    assert_eq!(stage.styled(1, has(Token::SyntaxKeyword)), "let");
}
