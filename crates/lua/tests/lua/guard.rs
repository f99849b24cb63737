//! Runaway code, errors, rollback, separation.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::World;

#[test]
fn an_error_rolls_its_handlers_changes_back_and_names_file_and_line() {
    let world = World::new();
    world.load(
        "bad",
        "purlin.on('key', { priority = 1 }, function()\n  purlin.buf.set_text('composer', 'bad')\n  error('boom')\nend)",
    );
    world.load("good", "purlin.on('key', function() purlin.buf.set_var('composer', 'good', 1) end)");
    world.kernel.buf().set_text("composer", "kept");
    world.press("x");
    assert_eq!(world.composer(), "keptx");
    assert_eq!(world.kernel.buf().var("composer", "good"), Some(json!(1)));
    assert_eq!(world.problems(), ["bad: key: bad.lua:3: boom"]);
}

#[test]
fn errors_of_any_type_are_told_in_words() {
    for (code, told) in [
        ("error({ message = 'boom' })", "{ message = \"boom\" }"),
        ("pcall(error, {}) error('later', 1)", "later"),
        ("error({ code = 7 })", "7"),
        ("error(setmetatable({}, { __tostring = function() return 'mine' end }))", "mine"),
        ("error(nil)", "nil"),
        ("error(true)", "true"),
        ("error(42)", "42"),
    ] {
        let world = World::new();
        world.load("bad", &format!("purlin.on('key', function() {code} end)"));
        world.press("x");
        let problems = world.problems();
        assert!(problems.len() == 1 && problems[0].contains(told), "{code}: {problems:?}");
        assert!(problems[0].contains("bad.lua:1"), "{code}: {problems:?}");
    }
}

#[test]
fn an_error_in_a_gate_refuses_the_action() {
    let world = World::new();
    world.load("bad", "purlin.on('tool_call', function(ev) return ev.nothing.at_all end)");
    let outcome = world.raise("tool_call", json!({ "tool_name": "bash", "args": {} }));
    let why = outcome.blocked().expect("refused");
    assert!(why.contains("bad.lua:1") && why.contains("attempt to index nil with 'at_all'"), "{why}");
}

#[test]
fn an_error_after_a_wait_rolls_back_only_its_own_stretch() {
    let world = World::new();
    world.load(
        "a",
        "purlin.command.create('go', function()\n  purlin.buf.set_text('composer', 'first')\n  purlin.sleep(5)\n  \
         purlin.buf.set_text('composer', 'second')\n  error({ code = 7 })\nend)",
    );
    assert!(world.command("go", "").is_err());
    assert_eq!(world.composer(), "first");
}

/// Every way to loop that is known; each must stop at its deadline, and typing goes on.
const LOOPS: &[(&str, &str)] = &[
    ("plain", "while true do end"),
    ("pcall", "while true do pcall(function() while true do end end) end"),
    ("xpcall", "xpcall(function() while true do end end, function() while true do end end)"),
    ("coroutine", "coroutine.wrap(function() while true do end end)()"),
    (
        "yielding",
        "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    ),
    ("recursion", "local function f() return (pcall(f)) end while true do f() end"),
    ("find", "local s = string.rep('a', 100) s:find(string.rep('a*', 60) .. 'b')"),
    ("gsub", "local s = string.rep('a', 5000) while true do s:gsub('.-b', '') end"),
    ("plain find", "local s = string.rep('a', 2e7) s:find(string.rep('a', 1e7) .. 'b', 1, true)"),
    ("split", "local s = string.rep('a', 2e7) s:split(string.rep('a', 1e7) .. 'b')"),
    (
        "large sort",
        "local t = table.create(3e6) for i = 1, 3e6 do t[i] = (i * 7919) % 1000003 end table.sort(t)",
    ),
    ("sort", "while true do table.sort({ 3, 2, 1 }, function(a, b) return a < b end) end"),
    ("index", "local t = setmetatable({}, { __index = function() while true do end end }) return t.x"),
];

#[test]
fn every_loop_stops_at_the_deadline_and_keys_arrive_in_order() {
    for (name, code) in LOOPS {
        let world = World::measured();
        world.load("loop", &format!("purlin.on('key', {{ once = true }}, function() {code} end)"));
        world.load("next", "purlin.on('key', function(ev) print(ev.key) end)");
        let start = Instant::now();
        world.press("a b c");
        let took = start.elapsed();
        assert!(took < Duration::from_millis(500), "{name} took {took:?}");
        assert_eq!(world.composer(), "abc", "{name}");
        assert_eq!(world.printed(), ["a", "b", "c"], "{name}");
        let problems = world.problems();
        assert!(problems[0].contains("interrupted at the deadline"), "{name}: {problems:?}");
        assert!(problems[0].starts_with("loop: key: loop.lua:1:"), "{name}: {problems:?}");
    }
}

#[test]
fn the_third_hard_stop_suspends_the_extension_with_a_notice() {
    let world = World::new();
    world.load("loop", "purlin.on('key', function() while true do end end)");
    world.press("a b c d");
    assert_eq!(world.composer(), "abcd");
    let notices = world.kernel.ui().notifications();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].text.contains("Extension `loop` is suspended"), "{}", notices[0].text);
    assert_eq!(world.problems().iter().filter(|line| line.contains("interrupted")).count(), 3);
}

#[test]
fn a_loop_in_a_gate_refuses_the_action() {
    let world = World::new();
    world.load("loop", "purlin.on('tool_call', function() while true do end end)");
    let outcome = world.raise("tool_call", json!({ "tool_name": "bash", "args": {} }));
    assert!(outcome.blocked().expect("refused").contains("interrupted"), "{outcome:?}");
}

#[test]
fn memory_bombs_stop_and_the_extension_works_on() {
    for bomb in [
        "local t = {} while true do t[#t + 1] = string.rep('x', 100000) .. #t end",
        "local s = 'x' while true do s = s .. s end",
        "return string.rep('x', 1e9)",
        "local t = {} while true do pcall(function() t[#t + 1] = string.rep('x', 1e6) .. #t end) end",
    ] {
        let world = World::new();
        world.load(
            "bomb",
            &format!(
                "purlin.command.create('go', function() {bomb} end)\n\
                 purlin.command.create('still', function() return string.rep('y', 10) end)"
            ),
        );
        let start = Instant::now();
        assert!(world.command("go", "").is_err(), "{bomb}");
        assert!(start.elapsed() < Duration::from_secs(3), "{bomb}");
        assert_eq!(world.command("still", "").expect("no error").as_deref(), Some("yyyyyyyyyy"), "{bomb}");
    }
}

#[test]
fn two_extensions_do_not_see_each_others_globals() {
    let world = World::new();
    world.load("a", "shared = 'a' string.mine = 1 purlin.extra = 1");
    world.load("b", "print(tostring(shared), tostring(string.mine), tostring(purlin.extra))");
    assert_eq!(world.printed(), ["nil\tnil\tnil"]);
}

#[test]
fn a_wait_ends_when_its_turn_is_closed() {
    let world = World::new();
    world.load(
        "a",
        r#"purlin.on("tool_call", function()
             local slept, why = purlin.sleep(60000)
             print(tostring(slept), why)
             return { block = true, reason = "cleaned up" }
           end)"#,
    );
    let token = purlin_kernel::CancelToken::new();
    let payload = crate::world::object(json!({ "tool_name": "bash", "args": {} }));
    let raised = world.kernel.hook().raise_cancellable("tool_call", payload, token.clone());
    let outcome = world.wait(raised, |_| token.cancel());
    assert_eq!(world.printed(), ["nil\tuser"]);
    assert_eq!(outcome.blocked().as_deref(), Some("cleaned up"));
}

#[test]
fn b08_a_bomb_stops_also_where_fields_stand_ready() {
    let world = World::new();
    world.load(
        "bomb",
        "purlin.on('key', function(ev)\n  local win = purlin.win.get('composer')\n  \
         if ev.key == 'b' then print(#string.rep('x', 1e9)) end\nend)",
    );
    world.press("a b a b");
    let problems = world.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().all(|line| line.contains("memory limit is reached")), "{problems:?}");
}

#[test]
fn b08_a_runaway_stops_neither_the_screen_nor_ctrl_c() {
    let world = World::new();
    world.load(
        "loop",
        "for _, hook in ipairs{ 'key', 'render' } do purlin.on(hook, function() while true do end end) end",
    );
    world.press("h");
    assert!(world.screen(40, 6).iter().any(|line| line.contains('h')), "what was typed shows");
    world.press("ctrl+c ctrl+c");
    assert!(world.kernel.quit_requested());
}
