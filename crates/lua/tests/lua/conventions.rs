//! The conventions of the API, sentence by sentence.

use std::cell::RefCell;
use std::rc::Rc;

use purlin_kernel::{CommandSpec, ExtId};
use serde_json::json;

use crate::tools::call_tool;
use crate::world::World;

/// Loads a file whose asserts are the test.
fn holds(source: &str) {
    let world = World::new();
    world.load("c", source);
    world.settle();
    world.advance(50);
    assert_eq!(world.problems(), [""; 0], "{source}");
}

#[test]
fn ranges_are_zero_based_and_end_exclusive_and_lists_one_based() {
    holds(
        r#"
        local buf = purlin.buf
        buf.set_text("t", "abc\ndef")
        buf.replace("t", 0, 1, "A")
        assert(buf.get_text("t") == "Abc\ndef")
        assert(buf.get_lines("t", 0, 1)[1] == "Abc" and #buf.get_lines("t", 0, 1) == 1)
        buf.set_blocks("t", { { kind = "a" }, { kind = "b" }, { kind = "c" } })
        local blocks = buf.get_blocks("t", 1, 2)
        assert(#blocks == 1 and blocks[1].kind == "b")
        "#,
    );
}

#[test]
fn positions_count_code_points_and_widths_cells() {
    holds(
        r#"
        purlin.buf.set_text("t", "日本語")
        assert(purlin.buf.get_cursor("t") == 3)
        purlin.buf.insert("t", 1, "é👩")
        assert(purlin.buf.get_text("t") == "日é👩本語")
        purlin.buf.delete_range("t", 1, 3)
        assert(purlin.buf.get_text("t") == "日本語" and purlin.ui.measure("日本語") == 6)
        "#,
    );
}

#[test]
fn lists_maps_and_null_survive_in_both_directions() {
    holds(
        r#"
        local null, json = purlin.null, purlin.json
        local value = json.decode('{"list":[],"map":{},"null":null,"nested":[[],{},[null]]}')
        local text = '{"list":[],"map":{},"nested":[[],{},[null]],"null":null}'
        assert(json.encode(value) == text, json.encode(value))
        assert(value.null == null and value.absent == nil)
        purlin.buf.set_var("t", "v", value)
        assert(json.encode(purlin.buf.get_var("t", "v")) == text)
        purlin.state.set("v", value)
        assert(json.encode(purlin.state.get("v")) == text)
        purlin.on("c:event", function(ev) assert(json.encode(ev.value) == text) end)
        purlin.emit("c:event", { value = value })
        -- An empty table is a list where the declaration says list, else a map.
        purlin.buf.set_blocks("t", {})
        assert(json.encode({}) == "{}")
        purlin.option.define{ name = "names", type = "list", default = {} }
        assert(json.encode(purlin.option.get("names")) == "[]")
        "#,
    );
}

#[test]
fn a_tool_gets_lists_as_lists_and_gives_them_back_as_lists() {
    let world = World::new();
    world.load(
        "t",
        r#"purlin.tool.register{ name = "echo", description = "d", execute = function(args)
             assert(#args.list == 2 and args.none == purlin.null)
             return { content = purlin.json.encode(args), details = args }
           end }"#,
    );
    let args = json!({ "empty": [], "list": [1, { "m": {} }], "none": null });
    let outcome = call_tool(&world, "echo", args.clone()).0.expect("an answer");
    assert_eq!(outcome.content, args.to_string());
    assert_eq!(outcome.details, Some(args));
}

#[test]
fn numbers_are_texts_only_where_marked() {
    holds(
        r#"
        purlin.buf.set_text("t", 42)
        assert(purlin.buf.get_text("t") == "42")
        local ok, why = pcall(purlin.buf.get_text, 42)
        assert(not ok and why:find("bad argument #1 to 'buf.get_text' (string expected, got number)", 1, true), why)
        local ok, why = pcall(purlin.buf.set_cursor, "t", "1")
        assert(not ok and why:find("bad argument #2 to 'buf.set_cursor' (integer expected, got string)", 1, true), why)
        "#,
    );
}

#[test]
fn a_wrong_argument_has_exactly_these_words_and_the_callers_place() {
    let world = World::new();
    world.file("helper.lua", "return function()\n  return purlin.buf.insert('t')\nend");
    let error = world.try_load("a", "\nlocal helper = require('helper')\nhelper()").expect_err("no").source;
    assert_eq!(error.message, "bad argument #2 to 'buf.insert' (integer expected, got nil)");
    assert_eq!(error.line, Some(2));
    assert!(error.file.is_some_and(|file| file.ends_with("/helper.lua")));
    let error =
        world.try_load("b", "purlin.command.create('x', { callbak = print })").expect_err("no").source;
    assert_eq!(
        error.message,
        "bad argument #2 to 'command.create' (field 'callback' is missing: function expected)"
    );
    let error = world
        .try_load("d", "purlin.command.create('x', { callback = print, desk = 'd' })")
        .expect_err("no")
        .source;
    assert_eq!(
        error.message,
        "bad argument #2 to 'command.create' (unknown field 'desk', did you mean 'desc'?)"
    );
}

#[test]
fn the_place_is_the_callers_also_through_pcall_and_coroutines() {
    holds(
        r#"local _, why = pcall(function() purlin.buf.insert("t") end)
        assert(why:find("c.lua:1: bad argument", 1, true), why)
        local co = coroutine.create(function()
          purlin.buf.insert("t")
        end)
        local _, why = coroutine.resume(co)
        assert(why:find("c.lua:4: bad argument", 1, true), why)
        purlin.spawn(function()
          local _, why = pcall(purlin.sleep, "x")
          assert(why:find("bad argument #1 to 'sleep' (integer expected, got string)", 1, true), why)
          local _, why = pcall(function() purlin.sleep("x") end)
          assert(why:find("c.lua:11: bad argument", 1, true), why)
        end)"#,
    );
}

/// What creates something, each answering a handle.
pub const CREATES: &[&str] = &[
    "purlin.on('key', function() end)",
    "purlin.command.create('made', function() end)",
    "purlin.keymap.set('global', 'f9', function() end)",
    "purlin.timer.defer(1000, function() end)",
    "purlin.timer.interval(1000, function() end)",
    "purlin.defer(function() end, 1000)",
    "purlin.buf.create('made')",
    "purlin.buf.attach('made', { on_change = function() end })",
    "purlin.tool.register{ name = 'made', description = 'd', execute = function() end }",
    "purlin.tool.renderer('made', {})",
    "purlin.option.define{ name = 'made' }",
    "purlin.fs.watch('/', function() end)",
    "purlin.register_command('made2', 'd', function() end)",
    "purlin.register_tool('made2', 'd', function() end)",
    "purlin.api.create_autocmd('key', function() end)",
    "purlin.api.create_user_command('made3', function() end)",
    "purlin.win.create('made')",
    "purlin.win.open{ float = {} }",
    "purlin.win.open{ dock = 'footer' }",
    "purlin.win.open{ split = 'above', of = 'transcript' }",
    "purlin.win.render('transcript', function() end)",
    "purlin.hl.set('Made', { bold = true })",
    "purlin.ui.provide('confirm', function() end)",
    "purlin.ui.animate(10, function() end)",
    "purlin.ui.status.set('made', 'text')",
];

#[test]
fn every_create_call_answers_a_handle_that_never_raises() {
    for create in CREATES {
        holds(&format!(
            r#"local handle = {create}
            assert(not handle:is_stale(), tostring(handle))
            assert(handle:del() == true)
            local gone, why = handle:del()
            assert(gone == nil and why == "stale" and handle:is_stale())"#
        ));
    }
}

#[test]
fn handles_of_an_unloaded_generation_are_stale() {
    for create in CREATES {
        let world = World::new();
        let ext = Rc::new(RefCell::new(None));
        let (weak, unloads) = (world.kernel.downgrade(), Rc::clone(&ext));
        let unload = CommandSpec::new("unload", "", move |_| {
            if let (Some(kernel), Some(ext)) = (weak.upgrade(), *unloads.borrow()) {
                kernel.ext().unload(ext);
            }
            Box::pin(async { Ok(None) })
        });
        world.kernel.command().create(ExtId::CORE, unload);
        let source = format!(
            r#"local handle = {create}
            purlin.keymap.set("global", "f2", function()
              purlin.action.run("unload")
              local gone, why = handle:del()
              if gone ~= nil or why ~= "stale" then error("not stale") end
              purlin.action.run("went well")
            end)"#
        );
        let went = Rc::new(RefCell::new(false));
        let tells = Rc::clone(&went);
        let well = CommandSpec::new("went well", "", move |_| {
            *tells.borrow_mut() = true;
            Box::pin(async { Ok(None) })
        });
        world.kernel.command().create(ExtId::CORE, well);
        *ext.borrow_mut() = Some(world.load("gone", &source));
        world.press("f2");
        assert!(*went.borrow(), "{create}: {:?}", world.problems());
    }
}

#[test]
fn buffers_and_windows_can_be_changed_anywhere() {
    let world = World::new();
    world.load(
        "anywhere",
        r#"
        local function change(where)
          purlin.buf.append("places", where .. " ")
          purlin.win.set("transcript", { visible = true })
        end
        change("load")
        purlin.on("key", function() change("hook") end)
        purlin.on("tool_result", function() change("async-hook") end)
        purlin.command.create("run", function() change("command") end)
        purlin.timer.defer(10, function() change("timer") end)
        purlin.keymap.set("global", "f3", function() change("keymap") end)
        purlin.schedule(function() change("schedule") end)
        purlin.tool.register{ name = "t", description = "d", execute = function() change("tool") return "" end }
        "#,
    );
    world.press("f3");
    world.command("run", "").expect("no error");
    call_tool(&world, "t", json!({})).0.expect("no error");
    world.raise("tool_result", json!({ "content": "" }));
    world.advance(20);
    let text = world.kernel.buf().text("places");
    let mut places: Vec<&str> = text.split_whitespace().collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places, ["async-hook", "command", "hook", "keymap", "load", "schedule", "timer", "tool"]);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn nothing_waits_inside_sort_and_metamethods() {
    holds(
        r#"
        purlin.spawn(function()
          local function refused(run)
            local ok, why = pcall(run)
            assert(not ok and why:find("'sleep' waits, and this place cannot", 1, true), tostring(why))
          end
          refused(function() table.sort({ 3, 1, 2 }, function(a, b) purlin.sleep(1) return a < b end) end)
          local waits = setmetatable({}, { __index = function() purlin.sleep(1) return 1 end })
          refused(function() return waits.x end)
          refused(function() return (("x"):gsub("x", function() purlin.sleep(1) end)) end)
          assert(purlin.sleep(1))
        end)
        "#,
    );
}

#[test]
fn an_assignment_to_an_answer_field_answers() {
    let world = World::new();
    world.load(
        "a",
        r#"
        purlin.on("input", function(ev) ev.text = ev.text .. "[A]" assert(ev.text:find("[A]", 1, true)) end)
        purlin.on("input", function(ev) ev.text = ev.text .. "[B]" return { action = "transform" } end)
        purlin.on("tool_result", function(ev) ev.content = "assigned" return { is_error = true } end)
        purlin.on("tool_result", function(ev) ev.content = "lost" error("broken") end)
        purlin.on("paste", function(ev) ev.text = ev.text:upper() end)
        purlin.on("key", function(ev) ev.consumed = true end)
        "#,
    );
    let outcome = world.raise("input", json!({ "text": "t", "source": "interactive" }));
    assert_eq!(outcome.str("text"), Some("t[A][B]"));
    let outcome = world.raise("tool_result", json!({ "content": "c", "is_error": false }));
    assert_eq!(outcome.str("content"), Some("assigned"), "what a failing handler assigned is taken back");
    assert_eq!(outcome.get("is_error"), Some(&json!(true)));
    world.kernel.input(purlin_kernel::Input::Paste("loud".into()));
    world.settle();
    assert_eq!(world.composer(), "LOUD");
    world.press("x");
    assert_eq!(world.composer(), "LOUD");
}

#[test]
fn an_assignment_to_any_other_field_is_said_once() {
    let world = World::new();
    world.load(
        "a",
        r#"
        purlin.on("tool_result", function(ev) local was = ev.tool_name ev.tool_name = "x" ev.contnet = "y" end)
        purlin.on("tool_result", function(ev) local copy = ev:copy() copy.content = "z" end)
        "#,
    );
    for _ in 0..3 {
        assert_eq!(world.raise("tool_result", json!({ "content": "c" })).answer, serde_json::Map::new());
    }
    assert_eq!(
        world.problems(),
        [
            "a: tool_result: assigning to the field `tool_name` of the event has no effect",
            "a: tool_result: assigning to the field `contnet` of the event has no effect; did you mean `content`?",
            "a: tool_result: assigning to the field `content` of the event has no effect; did you mean `content`?",
        ]
    );
}

#[test]
fn print_goes_to_the_log_and_to_messages_and_never_to_the_screen() {
    let world = World::new();
    world.load("p", "print('a', 1, nil, { 1 } ~= nil) io.write('b\\n') io.stderr:write('c\\n')");
    let messages = world.kernel.guard().messages();
    let said: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(said, ["a\t1\tnil\ttrue", "b", "c"]);
    assert_eq!(world.kernel.ui().notifications(), []);
}
