//! Marks, text services.

use purlin_kernel::ErrorKind;
use purlin_kernel::mark::VirtPos;
use purlin_kernel::text::Style;
use purlin_kernel::text::{Attrs, Color, Token};

use crate::world::World;

#[test]
fn marks_carry_all_they_can_show_and_move_with_edits() {
    let world = World::new();
    world.load(
        "m",
        r##"
        local buf, mark = purlin.buf, purlin.mark
        buf.set_text("t", "hello world")
        local ns, other = mark.namespace("mine"), mark.namespace("other")
        assert(ns ~= other and mark.namespace("mine") == ns)
        local id = mark.set("t", ns, 6, {
          end_pos = 11, hl = "accent", priority = 7, url = "https://x.test", sign = ">",
          virt_text = { { text = "note", fg = "#ff0000", bold = true }, " and ", { "pair", "dim" } }, virt_text_pos = "right_align",
          virt_lines = { "below", { { text = "styled", italic = true } } },
        })
        mark.set("t", other, 0)
        buf.insert("t", 0, "> ")
        local found = mark.get("t", ns)
        assert(#found == 1 and found[1].id == id and found[1].pos == 8 and found[1].end_pos == 13)
        assert(found[1].hl == "accent" and found[1].url == "https://x.test" and found[1].virt_text_pos == "right_align")
        assert(found[1].virt_text[1].text == "note" and found[1].virt_text[1].bold and found[1].virt_text[1].fg == "#ff0000")
        assert(found[1].virt_text[3].text == "pair" and found[1].virt_text[3].fg == "dim")
        assert(found[1].virt_lines[2][1].italic and found[1].sign[1].text == ">")
        assert(mark.set("t", ns, 0, { id = id }) == id and mark.get("t", ns)[1].pos == 0)
        mark.set("t", ns, 999)
        assert(mark.get("t", ns)[2].pos == 13, "a position behind the text is its end")
        assert(#mark.get("t", ns, 1) == 1 and #mark.get("t", ns, 0, 1) == 1 and #mark.get("t", other) == 1)
        assert(mark.clear("t", ns, 5) == 1 and mark.del("t", ns, id) and not mark.del("t", ns, id))
        assert(#mark.get("t", ns) == 0 and #mark.get("t", other) == 1)
        for source, expected in pairs{
          ["purlin.mark.set('nowhere', 0, 0)"] = "there is no buffer `nowhere`",
          ["purlin.mark.set('t', 0, -1)"] = "bad argument #3 to 'mark.set' (a position from 0 expected, got -1)",
          ["purlin.mark.set('t', -1, 0)"] = "bad argument #2 to 'mark.set' (a namespace from 'mark.namespace' expected, got -1)",
          ["purlin.mark.set('t', 999, 0)"] = "bad argument #2 to 'mark.set' (a namespace from 'mark.namespace' expected, got 999)",
          ["purlin.mark.set('t', 0, 3, { end_pos = 1 })"] = "field 'end_pos': 3 or more expected, as the mark begins there, got 1",
          ["purlin.mark.set('t', 0, 0, { virt_text = { { text = 'x', fg = 'acent' } } })"] = "field 'virt_text': span 1: field 'fg': unknown colour 'acent', did you mean 'accent'?",
          ["purlin.mark.set('t', 0, 0, { virt_text = { { text = 'x', blod = true } } })"] = "unknown field 'blod', did you mean 'bold'?",
        } do
          local ok, why = pcall(load(source))
          assert(not ok and why:find(expected, 1, true), why)
        end
        mark.set("t", ns, 2, { virt_text = "\27[1mbold\27[0m\7" })
        "##,
    );
    let ns = world.kernel.mark().namespace("mine");
    let marks = world.kernel.mark().get("t", ns, 0..99);
    assert_eq!(marks[0].options.virt_text_pos, VirtPos::Eol);
    let spans: Vec<(&str, &Style)> =
        marks[0].options.virt_text.iter().map(|span| (span.text.as_ref(), &span.style)).collect();
    assert_eq!(spans, [("bold", &Style::new().with(Attrs::BOLD)), ("^G", &Style::new())]);
    assert_eq!(Color::parse("accent"), Some(Color::Token(Token::Accent)));
}

#[test]
fn a_mark_bomb_stops_at_the_quota() {
    let world = World::new();
    let mut limits = purlin_kernel::Limits::default();
    limits.quotas.marks = 100;
    world.kernel.guard().set_limits(limits);
    let error = world
        .try_load(
            "bomb",
            "purlin.buf.create('t')\nlocal ns = purlin.mark.namespace('n')\nwhile true do pcall(purlin.mark.set, 't', ns, 0) end",
        )
        .expect_err("stopped")
        .source;
    assert_eq!(error.kind, ErrorKind::Memory, "{error}");
    assert!(error.message.contains("already has 100 marks, its quota"), "{error}");
    let ns = world.kernel.mark().namespace("n");
    assert_eq!(world.kernel.mark().get("t", ns, 0..9).len(), 0, "and takes back what it did");
}

#[test]
fn text_is_measured_cut_padded_wrapped_and_laid_out() {
    let world = World::new();
    world.load(
        "u",
        r##"
        local ui = purlin.ui
        assert(ui.measure("日本") == 4 and ui.measure("") == 0 and ui.measure("\27") == 2)
        assert(ui.truncate("abcd", 3) == "ab…" and ui.truncate("abc", 1) == "…" and ui.truncate("abc", 0) == "" and ui.truncate("abc", -5) == "")
        assert(ui.pad_right("ab", 4) == "ab  " and ui.pad_right("abcd", 3) == "abc" and ui.pad_right("日本", 3) == "日 ")
        local function wrapped(text, width) return table.concat(ui.wrap(text, width), "|") end
        assert(wrapped("one two three", 7) == "one two|three" and wrapped("a  b", 2) == "a|b")
        assert(wrapped("日本語", 1) == "日|本|語" and wrapped("x", 0) == "" and #ui.wrap("x", -1) == 1)
        local lines = ui.markdown("# Title\n\nSome **bold** text", 40)
        assert(lines[1][1].text == "Title" and lines[1][1].bold ~= nil or lines[1][1].fg == "heading")
        local tokens = ui.theme_tokens()
        for _, name in ipairs{ "accent", "bashMode", "codeBg", "userMessageBg", "warning", "cursorLine", "link" } do
          assert(table.find(tokens, name), name)
        end
        "##,
    );
}
