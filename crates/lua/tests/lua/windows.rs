//! Windows, layout, drawing and renderers.

use purlin_kernel::LayoutNode;

use crate::world::World;

/// A transcript above a composer, twenty cells wide.
fn world() -> World {
    let world = World::new();
    world.kernel.layout().set_stock(LayoutNode::col(vec![
        LayoutNode::win("transcript").grow(1),
        LayoutNode::win("composer").size(1),
    ]));
    world.kernel.buf().set_text("composer", "typed");
    world.screen(20, 6);
    world
}

fn check(world: &World, source: &str, expected: [&str; 6]) {
    world.load("w", source);
    let shown = world.screen(20, 6);
    assert_eq!(shown, expected, "{:?}", world.problems());
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn what_is_drawn_is_clipped_in_order_and_stays_until_the_window_is_redrawn() {
    let world = world();
    check(
        &world,
        r#"
        local ui = purlin.ui
        ui.draw_text("transcript", 0, 0, "first")
        ui.draw_text("transcript", 0, 2, "second and far too long for it")
        ui.draw_spans("transcript", 1, -2, { { text = "abcdef" }, { "gh", "accent" } })
        ui.draw_lines("transcript", 2, 1, { "one", { { text = "t", bold = true }, "wo" } })
        ui.clear_region("transcript", 2, 2, 1, 1)
        ui.draw_text("transcript", 4, 0, "last\27[2J")
        ui.draw_text("transcript", 9, 0, "below")
        ui.draw_text("transcript", -1, 0, "above")
        purlin.command.create("again", function() ui.redraw("transcript") end)
        purlin.command.create("more", function() ui.draw_text("transcript", 3, 10, "X") end)
        "#,
        ["fisecond and far too", "cdefgh", " o e", " two", "last^[[2J", "typed"],
    );
    world.kernel.buf().insert("composer", 0, "re");
    assert_eq!(world.screen(20, 6)[0], "fisecond and far too", "another window's change leaves it");
    world.command("more", "").expect("no error");
    assert_eq!(world.screen(20, 6)[3], " two      X");
    world.command("again", "").expect("no error");
    assert_eq!(world.screen(20, 6), ["", "", "", "", "", "retyped"]);
}

#[test]
fn a_batch_draws_in_order_and_names_what_it_does_not_understand() {
    let world = world();
    world.kernel.win().focus("transcript");
    world.screen(20, 6);
    check(
        &world,
        r#"
        purlin.ui.draw_batch({
          { op = "clear_window", window = "transcript" },
          { op = "draw_box", window = "transcript", style = { fg = "accent" } },
          { op = "draw_spans", window = "transcript", row = 1, col = 2, spans = { "in", { text = "side", bold = true } } },
          { kind = "text", window = "transcript", row = 3, col = 2, text = "older", fg = "dim" },
          { op = "set_cursor", window = "transcript", row = 1, col = 3 },
        })
        for source, expected in pairs{
          ["purlin.ui.draw_batch({ { op = 'draw_txt', window = 'transcript' } })"] = "operation 1: field 'op': ",
          ["purlin.ui.draw_batch({ { op = 'draw_text' } })"] = "operation 1: field 'window' is missing",
          ["purlin.ui.draw_batch({ { op = 'draw_text', window = 'nowhere', text = '' } })"] = "there is no window `nowhere`",
          ["purlin.ui.draw_batch({ 1 })"] = "operation 1: a table expected",
          ["purlin.ui.draw_text('transcript', 0, 0, 'x', { fg = 'nothing' })"] = "field 'fg': ",
          ["purlin.ui.draw_text('transcript', 0, 0, 'x', { blod = true })"] = "unknown field 'blod', did you mean 'bold'?",
        } do
          local ok, why = pcall(load(source))
          assert(not ok and why:find(expected, 1, true), source .. ": " .. tostring(why))
        end
        "#,
        [
            "╭──────────────────╮",
            "│ inside           │",
            "│                  │",
            "│ older             ",
            "╰──────────────────╯",
            "typed",
        ],
    );
    assert_eq!(world.kernel.frame(20, 6).cursor, Some((1, 3)));
}

#[test]
fn an_owned_window_shows_only_what_is_drawn() {
    let world = world();
    world.kernel.buf().set_text("transcript", "stock text");
    assert_eq!(world.screen(20, 6)[0], "stock text");
    check(
        &world,
        r#"
        purlin.win.set_renderer("transcript", "extension")
        assert(purlin.win.get("transcript").renderer == "extension")
        purlin.on("render", function()
          purlin.ui.draw_text("transcript", 1, 0, "mine")
        end)
        "#,
        ["", "mine", "", "", "", "typed"],
    );
    world.load("back", "purlin.win.set('transcript', { renderer = 'default' })");
    world.screen(20, 6);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn a_function_draws_a_window_and_what_it_answers_is_shown() {
    let world = world();
    world.kernel.buf().set_text("transcript", "one\ntwo");
    check(
        &world,
        r##"
        local calls = 0
        purlin.win.render("transcript", function(win, prev)
          calls = calls + 1
          assert(prev[1][1].text == "one" and win.name == "transcript" and win.width == 20 and win.height == 5)
          return { "# " .. calls, { { text = prev[2][1].text:upper(), fg = "accent" }, "!" } }
        end, { wrap = true })
        assert(purlin.win.get("transcript").renderer == "extension")
        "##,
        ["# 1", "TWO!", "", "", "", "typed"],
    );
    world.load("over", "purlin.win.render('transcript', function(win) purlin.ui.draw_text(win.name, 4, 0, 'drawn') end, { wrap = true })");
    assert_eq!(world.screen(20, 6)[..5], ["# 2", "TWO!", "", "", "drawn"]);
}

#[test]
fn a_renderer_that_fails_is_recorded_and_the_window_looks_as_without_it() {
    let world = world();
    world.kernel.buf().set_text("transcript", "stock");
    world.screen(20, 6);
    world.load(
        "bad",
        "purlin.win.render('transcript', function() error('broken') end)\npurlin.win.render('composer', function() while true do end end)",
    );
    let shown = world.screen(20, 6);
    assert_eq!((shown[0].as_str(), shown[5].as_str()), ("stock", "typed"));
    let problems = world.problems().join("\n");
    assert!(problems.contains("renderer of `transcript`: bad.lua:1: broken"), "{problems}");
    assert!(problems.contains("interrupted at the deadline"), "{problems}");
}

#[test]
fn windows_open_as_splits_floats_and_docks_and_close_with_their_handle() {
    let world = world();
    world.kernel.buf().set_text("transcript", "main");
    check(
        &world,
        r#"
        purlin.buf.set_text("notes", "note")
        local split = purlin.win.open{ buffer = "notes", split = "right", of = "transcript", size = 5 }
        local float = purlin.win.open{ name = "hover", buffer = "notes", enter = true, float = {
          anchor = "center", width = 8, height = 3, border = "single", title = "T",
        } }
        assert(split.name == "w-1" and float.name == "hover" and purlin.win.focused() == "hover")
        local view = purlin.win.get("hover")
        assert(view.float and view.border == "single" and view.title[1].text == "T" and view.zindex == 100)
        purlin.command.create("close", function() float:del() split:del() end)
        "#,
        [
            "main           │note",
            "      ┌─ T ──┐ │",
            "      │note  │ │",
            "      └──────┘ │",
            "               │",
            "typed",
        ],
    );
    world.command("close", "").expect("no error");
    assert_eq!(world.screen(20, 6), ["main", "", "", "", "", "typed"]);
    world.load(
        "wrong",
        r#"
        for source, expected in pairs{
          ["purlin.win.open{ buffer = 'x' }"] = "one of the fields 'split', 'float' and 'dock' expected",
          ["purlin.win.open{ split = 'left', dock = 'header' }"] = "one of the fields 'split', 'float' and 'dock' expected",
          ["purlin.win.open{ split = 'left', of = 'nowhere' }"] = "splits a window that is not there",
          ["purlin.win.open{ name = 'composer', dock = 'header' }"] = "there is already a window `composer`",
          ["purlin.win.open{ float = { anchor = 'middle' } }"] = "field 'float': field 'anchor': ",
          ["purlin.win.open{ split = 'left', of = 'composer', size = '300%' }"] = "field 'size': cells, or a share such as '30%', expected",
        } do
          local ok, why = pcall(load(source))
          assert(not ok and why:find(expected, 1, true), source .. ": " .. tostring(why))
        end
        "#,
    );
}

#[test]
fn docks_queue_up_and_an_exclusive_one_hides_the_others() {
    let world = World::new();
    world.kernel.layout().set_stock(LayoutNode::col(vec![
        LayoutNode::dock(purlin_kernel::DockSide::Header),
        LayoutNode::win("transcript").grow(1),
    ]));
    world.load(
        "d",
        r#"
        for name, priority in pairs{ low = 1, high = 5 } do
          purlin.buf.set_text(name, name)
          purlin.win.open{ name = name, buffer = name, dock = "header", priority = priority }
        end
        purlin.win.open{ name = "drawn", dock = "header", priority = 9 }
        purlin.win.render("drawn", function(win) return { "two", "rows " .. win.width } end)
        purlin.command.create("alone", function()
          purlin.buf.set_text("alone", "alone")
          purlin.win.open{ buffer = "alone", dock = "header", exclusive = true }
        end)
        "#,
    );
    assert_eq!(world.screen(12, 6)[..4], ["low", "high", "two", "rows 12"]);
    world.command("alone", "").expect("no error");
    assert_eq!(world.screen(12, 6)[..2], ["alone", ""]);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn windows_are_created_changed_hidden_and_reset() {
    let world = world();
    world.load(
        "c",
        r#"
        local win = purlin.win
        purlin.buf.set_text("p", "panel")
        local panel = win.create("panel", { buffer = "p", x = 3, y = 1, width = 9, height = 3, border = "single", metadata = { mine = true } })
        assert(panel.name == "panel" and win.get("panel").metadata.mine and win.get("panel").float)
        win.set("panel", { x = 1 })
        win.create("panel", { y = 0 })
        assert(#win.list() == 3 and win.list()[3] == "panel" and win.find{ buffer = "p" } == "panel" and win.find{ role = "nothing" } == nil)
        assert(win.set_buf("panel", "p") and win.get_buf("panel") == "p" and not win.set("nowhere", { visible = true }))
        win.set("composer", { visible = false })
        assert(win.delete("transcript") and not win.get("transcript").visible)
        assert(win.reset("transcript") and win.get("transcript").visible)
        win.set("panel", win.get("panel"))
        local view = win.get("panel")
        view.zindex = 7
        win.set("panel", view)
        assert(win.get("panel").zindex == 7)
        local ok, why = pcall(win.create, "composer", {})
        assert(not ok and why:find("there is already a window `composer`", 1, true), why)
        "#,
    );
    assert_eq!(world.screen(20, 6)[..3], [" ┌───────┐", " │panel  │", " └───────┘"]);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn the_layout_is_read_fixed_replaced_and_reset() {
    let world = world();
    world.kernel.buf().set_text("transcript", "main");
    check(
        &world,
        r#"
        local layout = purlin.layout
        local found = layout.get()
        assert(found.width == 20 and found.height == 6 and found.windows.composer.y == 5)
        assert(found.tree[1].win == "transcript" and found.tree[1].grow == 1 and found.tree[2].size == 1)
        layout.tree({ dir = "row", { win = "composer", size = "50%" }, { win = "transcript", grow = 1 } })
        assert(layout.get().tree.dir == "row" and layout.get().tree[1].size == "50%")
        purlin.command.create("back", function() layout.reset() end)
        purlin.command.create("fix", function() layout.set({ windows = { transcript = { y = 2, height = 2 } } }) end)
        for source, expected in pairs{
          ["purlin.layout.tree({ dir = 'diagonal' })"] = "tree: field 'dir': 'row' or 'col' expected, got 'diagonal'",
          ["purlin.layout.tree({ { win = 'x', gorw = 1 } })"] = "tree[1]: unknown field 'gorw', did you mean 'grow'?",
          ["purlin.layout.tree({ { { max = -1 } } })"] = "tree[1][1]: field 'max': a number from 0 expected",
          ["purlin.layout.set({ composer = { x = 100 } })"] = "the screen has 20×6",
          ["purlin.layout.set({ nowhere = { x = 1 } })"] = "there is no window `nowhere`",
          ["local t = {} t[1] = t purlin.layout.tree(t)"] = "contains itself",
        } do
          local ok, why = pcall(load(source))
          assert(not ok and why:find(expected, 1, true), source .. ": " .. tostring(why))
        end
        "#,
        ["typed     main", "", "", "", "", ""],
    );
    world.command("back", "").expect("no error");
    assert_eq!(world.screen(20, 6), ["main", "", "", "", "", "typed"]);
    world.command("fix", "").expect("no error");
    assert_eq!(world.screen(20, 6), ["", "", "main", "", "", "typed"]);
}

#[test]
fn a_window_bomb_and_a_drawing_bomb_stop() {
    let world = world();
    let error = world
        .try_load(
            "many",
            "local n = 0 while true do n = n + 1 pcall(purlin.win.create, 'w' .. n, { x = 0 }) end",
        )
        .expect_err("stopped")
        .source;
    assert!(error.kind.is_hard_stop(), "{error:?}");
    assert_eq!(world.kernel.win().list().len(), 2, "and what it opened is gone");
    let error = world
        .try_load("draws", "while true do pcall(purlin.ui.draw_text, 'transcript', 0, 0, 'x') end")
        .expect_err("stopped")
        .source;
    assert!(error.kind.is_hard_stop(), "{error:?}");
    assert_eq!(world.screen(20, 6)[0], "");
}

#[test]
fn what_a_failing_handler_drew_opened_and_moved_is_taken_back() {
    let world = world();
    world.kernel.buf().set_text("transcript", "main");
    world.load(
        "fails",
        r##"
        purlin.on("key", function()
          purlin.ui.draw_text("transcript", 0, 0, "drawn")
          purlin.win.create("panel", { x = 0, y = 0 })
          purlin.layout.tree({ { win = "composer" } })
          purlin.hl.set("accent", { fg = "#ff0000" })
          purlin.mark.set("composer", purlin.mark.namespace("m"), 0)
          purlin.win.focus("transcript")
          error("no")
        end)
        "##,
    );
    world.press("x");
    assert_eq!(world.screen(20, 6), ["main", "", "", "", "", "typedx"]);
    assert_eq!(world.kernel.win().list().len(), 2);
    assert_eq!(world.kernel.win().focused().expect("a focus").name, "composer");
    assert_eq!(world.kernel.mark().all("composer", 0..9).len(), 0);
}

#[test]
fn highlight_groups_are_set_linked_and_used() {
    let world = world();
    world.load(
        "h",
        r##"
        local hl = purlin.hl
        local todo = hl.set("Todo", { fg = "#112233", bold = true })
        hl.set("Later", { link = "Todo", italic = true })
        assert(hl.get("Todo").fg == "#112233" and hl.get("Todo").bold and hl.get("Later").link == "Todo")
        assert(table.find(hl.list(), "Later") and hl.get("nothing") == nil)
        purlin.ui.draw_text("transcript", 0, 0, "x", "Later")
        purlin.ui.draw_spans("transcript", 1, 0, { { text = "y", fg = "Todo" }, { "z", "Todo" } })
        local ok, why = pcall(hl.set, "Todo", { link = "Later" })
        assert(not ok and why:find("bad argument #2 to 'hl.set'", 1, true), why)
        local ok, why = pcall(hl.set, "Todo", { fg = "acent" })
        assert(not ok and why:find("did you mean 'accent'?", 1, true), why)
        "##,
    );
    let frame = world.kernel.frame(20, 6);
    let lines = frame.grid.lines(&world.kernel.atlas());
    let blue = purlin_kernel::text::Color::Rgb(0x11, 0x22, 0x33);
    let look = |row: usize| world.kernel.hl().theme().flatten(&lines[row][0].style).into_owned();
    assert_eq!(look(0).fg, blue);
    assert_eq!(look(1).fg, blue);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn what_was_drawn_has_the_look_its_group_has_now() {
    use purlin_kernel::text::{Attrs, Color, Style, theme::Theme};
    let world = world();
    world.load(
        "kept",
        r##"
        local hl, ui = purlin.hl, purlin.ui
        hl.set("Mine", { fg = "#112233" })
        hl.set("accent", { fg = "#010101" })
        purlin.win.set_renderer("transcript", "extension")
        ui.draw_spans("transcript", 0, 0, { { "kept", "Mine" }, { text = "part", bg = "Mine", fg = "accent" } })
        ui.draw_text("transcript", 1, 0, "row", { hl = "Mine", bold = true })
        ui.status.set("seg", { { "status", "Mine" } })
        purlin.command.create("again", function()
          hl.set("Mine", { fg = "#445566", bg = "#010203" })
          hl.set("accent", { fg = "#020202", underline = true })
        end)
        "##,
    );
    let look = |row: usize, span: usize| {
        let frame = world.kernel.frame(20, 6);
        let lines = frame.grid.lines(&world.kernel.atlas());
        world.kernel.hl().theme().flatten(&lines[row][span].style).into_owned()
    };
    let (before, after) = (Color::Rgb(0x11, 0x22, 0x33), Color::Rgb(0x44, 0x55, 0x66));
    assert_eq!(look(0, 0), Style::fg(before));
    assert_eq!(look(1, 0), Style::fg(before).with(Attrs::BOLD));
    let segment = || world.kernel.ui().status()[0].spans[0].style.clone();
    assert_eq!(world.kernel.hl().theme().flatten(&segment()).fg, before);
    world.command("again", "").expect("no error");
    assert_eq!(world.screen(20, 6)[..2], ["keptpart", "row                 "], "nothing was drawn again");
    assert_eq!(look(0, 0), Style::fg(after).on(Color::Rgb(1, 2, 3)));
    assert_eq!(look(0, 1).bg, Color::Rgb(1, 2, 3));
    assert_eq!(look(1, 0).fg, after);
    assert_eq!(world.kernel.hl().theme().flatten(&segment()).fg, after);
    let accent = world.kernel.hl().theme().resolve(&look(0, 1), purlin_kernel::text::theme::Depth::TrueColor);
    assert_eq!(accent.fg, purlin_kernel::text::theme::Ink::Rgb(2, 2, 2), "a token as well");
    assert!(accent.attrs.contains(Attrs::UNDERLINE));
    world.kernel.set_theme(Theme::light());
    assert_eq!(look(0, 0).fg, after, "what an extension sets goes before a theme");
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn spans_show_what_would_act_and_take_sequences_for_styles() {
    let world = world();
    world.load(
        "s",
        r##"
        local ui = purlin.ui
        purlin.hl.set("Mine", { fg = "#112233" })
        ui.draw_spans("transcript", 0, 0, { { text = "a\nb\27[1mc\7", fg = "accent" }, "d\ne" })
        ui.draw_text("transcript", 1, 0, "x\ny")
        purlin.win.set("composer", { title = { { "t", { hl = "Mine", bold = true } } } })
        local back = purlin.win.get("composer").title
        assert(back[1].hl == "Mine" and back[1].bold and back[1].fg == nil, purlin.inspect(back))
        purlin.win.set("composer", { title = back })
        assert(purlin.json.encode(purlin.win.get("composer").title) == purlin.json.encode(back))
        "##,
    );
    assert_eq!(world.screen(20, 6)[..2], ["a^Jbc^Gd^Je", "x^Jy"], "{:?}", world.problems());
    let frame = world.kernel.frame(20, 6);
    let lines = frame.grid.lines(&world.kernel.atlas());
    let accent = purlin_kernel::text::Style::fg(purlin_kernel::text::Token::Accent);
    let bold = accent.clone().with(purlin_kernel::text::Attrs::BOLD);
    assert_eq!((&lines[0][0].style, &lines[0][1].style), (&accent, &bold));
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn long_lists_code_and_differences() {
    let world = world();
    world.load(
        "l",
        r#"
        local ui = purlin.ui
        local view = ui.viewport({ "a", "b", "c", "d" }, 2, 1)
        assert(table.concat(view.lines) == "bc" and view.start == 1 and view["end"] == 3 and view.offset == 1 and view.max_offset == 2 and view.total == 4)
        assert(ui.viewport({ "a" }, 5, 9).offset == 0 and #ui.viewport({}, 3).lines == 0)
        local list = ui.virtual_list({ 3, { height = 2 }, {} }, 4)
        assert(#list.items == 3 and list.items[1].row_offset == -2 and list.items[3].lua_index == 3 and list.items[3].height == 1 and list.total == 3, purlin.inspect(list))
        local hunks = ui.diff("a\nb\nc\n", "a\nx\nc\n")
        assert(#hunks == 1 and hunks[1].old_count == 3 and hunks[1].lines[2].kind == "delete" and hunks[1].lines[3].text == "x")
        assert(#ui.diff("same", "same") == 0)
        local code = ui.highlight("local x = 1\nreturn x", "lua")
        assert(#code == 2 and code[2][1].text:find("return"))
        "#,
    );
}
