use proptest::prelude::*;

use super::*;
use crate::text::{Attrs, Token, line_plain, line_width};

fn shown(text: &str, width: usize) -> Vec<String> {
    markdown(text, width).iter().map(|line| line_plain(line).trim_end().to_owned()).collect()
}

#[test]
fn blocks_are_shown_as_people_expect() {
    let table: &[(&str, usize, &[&str])] = &[
        ("", 20, &[]),
        ("one\ntwo", 20, &["one", "two"]),
        ("# Title\ntext", 20, &["Title", "", "text"]),
        ("- a\n- b\n  - c\n- d", 20, &["• a", "• b", "  • c", "• d"]),
        ("1. a\n2. b", 20, &["1. a", "2. b"]),
        ("9. a\n10. b long enough", 12, &["9. a", "10. b long", "    enough"]),
        ("- a\n\n- b", 20, &["• a", "", "• b"]),
        ("> quote\n> more", 20, &["▎ quote", "▎ more"]),
        ("> a\n>\n> b", 20, &["▎ a", "▎", "▎ b"]),
        ("---", 5, &["─────"]),
        ("```rust\nfn a() {}\n\n\tb\n```", 20, &[" rust", " fn a() {}", "", "     b"]),
        ("    indented", 20, &[" indented"]),
        ("- [ ] open\n- [x] done", 20, &["• ☐ open", "• ☑ done"]),
        ("a long paragraph wraps", 10, &["a long", "paragraph", "wraps"]),
        ("<b>html</b>", 20, &["<b>html</b>"]),
        ("![alt](http://x.test/a.png)", 60, &["[image: alt] (http://x.test/a.png)"]),
        ("[site](http://x.test)", 60, &["site (http://x.test)"]),
        ("<http://x.test>", 60, &["http://x.test"]),
        ("[a]: http://x.test\n\n[a]", 60, &["a (http://x.test)"]),
        ("esc \u{1b}[31m", 20, &["esc ^[[31m"]),
    ];
    for (text, width, expected) in table {
        assert_eq!(shown(text, *width), *expected, "{text:?} at {width}");
    }
}

#[test]
fn tables_fit_shrink_and_stack() {
    let text = "| name | value |\n|---|--:|\n| a | 1 |\n| longer | 22 |";
    assert_eq!(shown(text, 40), ["name   │ value", "───────┼──────", "a      │     1", "longer │    22"]);
    let wide = "| name | value |\n|---|---|\n| alpha | some words that wrap |";
    assert_eq!(
        shown(wide, 20),
        ["name  │ value", "──────┼─────────────", "alpha │ some words", "      │ that wrap"]
    );
    assert_eq!(
        shown("| a | b | c |\n|---|---|---|\n| 1111 | 2222 | 3333 |", 8),
        ["a: 1111", "b: 2222", "c: 3333"]
    );
}

#[test]
fn styles_carry_meaning() {
    let lines = markdown("# T\n\n**b** *i* ~~s~~ `c` [l](http://x.test)", 80);
    assert_eq!(lines[0][0].style.fg, Token::Heading.into());
    let style = |text: &str| {
        lines[2].iter().find(|span| span.text == text).map(|span| span.style.clone()).expect(text)
    };
    assert_eq!(style("b").attrs, Attrs::BOLD);
    assert_eq!(style("i").attrs, Attrs::ITALIC);
    assert_eq!(style("s").attrs, Attrs::STRIKE);
    assert_eq!(style("c").fg, Token::CodeText.into());
    assert_eq!(style("l").url.as_deref(), Some("http://x.test"));
}

#[test]
fn hostile_nesting_is_flat_and_quick() {
    for text in
        [">".repeat(5_000), "- ".repeat(2_000), "[".repeat(5_000), "*a ".repeat(5_000), "`".repeat(5_000)]
    {
        let lines = markdown(&text, 20);
        assert!(lines.iter().all(|line| line_width(line) <= 20));
    }
}

#[test]
fn a_finished_block_is_not_laid_out_again() {
    let mut answer = Markdown::new();
    answer.push("first\n\nsecond\n\nthi");
    answer.lines(40);
    assert_eq!(answer.settled(), 1);
    answer.push("rd\n\nfourth\n");
    answer.lines(40);
    assert_eq!(answer.settled(), 5);
    assert_eq!(answer.lines(40).len(), 7);
}

#[test]
fn update_appends_or_replaces() {
    let mut text = Markdown::of("a\n\nb");
    text.lines(10);
    text.update("a\n\nbc");
    assert_eq!(text.source(), "a\n\nbc");
    text.update("new");
    assert_eq!(text.lines(10).len(), 1);
}

const PIECES: &[&str] = &[
    "word",
    " ",
    "\n",
    "\n\n",
    "# ",
    "## h\n",
    "- ",
    "* item\n",
    "  - sub\n",
    "1. ",
    "2) ",
    "> ",
    "```\n",
    "```rust\n",
    "~~~\n",
    "    code\n",
    "**",
    "*",
    "`",
    "[a]",
    "[a]: http://x\n",
    "[l](http://y)",
    "| a | b |\n",
    "|---|---|\n",
    "| 1 | 2 |\n",
    "---\n",
    "===\n",
    "***",
    "<div>\n",
    "</div>\n",
    "<!-- ",
    "-->\n",
    "\t",
    "\\",
    "日本",
    "- [ ] ",
    "http://z",
    "&amp;",
    "  \n",
    "\r\n",
    "#",
    "+ ",
    "10. ",
    "<b>",
    "\u{1b}",
    "-",
    "=",
];

fn texts() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_lines(text in texts(), cuts in proptest::collection::vec(0usize..120, 0..8), width in 1usize..40) {
        let whole = markdown(&text, width);
        let mut answer = Markdown::new();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts.into_iter().chain([text.len()]) {
            answer.push(&text[from..cut.max(from)]);
            from = cut.max(from);
            answer.lines(width);
        }
        prop_assert_eq!(answer.lines(width), &whole[..], "{:?}", text);
    }

    #[test]
    fn every_line_fits(text in texts(), width in 2usize..40) {
        for line in markdown(&text, width) {
            prop_assert!(line_width(&line) <= width, "{:?} gives {:?}", text, line);
        }
    }
}

#[test]
fn an_indented_line_behind_a_definition_is_laid_out_the_same_however_it_arrives() {
    let text =
        "# [a]: http://x\n    code\n[a]: http://x\n\t  - sub\n[a]: http://x\n\t[l](http://y)word```\n## h\n";
    let whole: Vec<String> = markdown(text, 1).iter().map(|line| line_plain(line)).collect();
    for cut in 0..text.len() {
        let mut answer = Markdown::new();
        answer.push(&text[..cut]);
        answer.lines(1);
        answer.push(&text[cut..]);
        let lines: Vec<String> = answer.lines(1).iter().map(|line| line_plain(line)).collect();
        assert_eq!(lines, whole, "cut at {cut}");
    }
}
