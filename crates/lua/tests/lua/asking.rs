//! Overlays, pickers, provided dialogs, the status line, what moves.

use crate::world::World;

/// Runs a command; `keys` are pressed whenever it waits for the person, one entry a time.
fn asked(world: &World, command: &str, keys: &[&str]) -> Option<String> {
    let mut keys = keys.iter();
    let run = world.kernel.command().run(command, "");
    world
        .wait(run, |world| match keys.next() {
            Some(keys) => world.answer(keys),
            None => world.advance(1_000),
        })
        .expect("no error")
}

#[test]
fn an_overlay_answers_the_action_and_its_place() {
    let world = World::new();
    world.screen(80, 24);
    world.load(
        "o",
        r#"
        local function show(options) return purlin.json.encode(purlin.ui.overlay(options)) end
        purlin.command.create("choose", function()
          return show{ title = "News", markdown = "**bold**", actions = { "Fine", "More" }, style = { border_color = "accent" } }
        end)
        purlin.command.create("read", function() return show{ text = { { { text = "a", bold = true } } } } end)
        purlin.command.create("late", function() return select(2, purlin.ui.overlay{ text = "x", timeout_ms = 50 }) end)
        "#,
    );
    let table = [
        ("choose", "right enter", r#"{"action":"More","cancelled":false,"index":1}"#),
        ("choose", "esc", r#"{"action":"","cancelled":true,"index":-1}"#),
        ("read", "enter", r#"{"action":"","cancelled":false,"index":-1}"#),
    ];
    for (command, keys, expected) in table {
        assert_eq!(asked(&world, command, &[keys]).as_deref(), Some(expected), "{command} {keys}");
    }
    assert_eq!(asked(&world, "late", &[]).as_deref(), Some("timeout"));
    world.kernel.ui().set_interactive(false);
    let refused = asked(&world, "late", &[]);
    assert_eq!(refused.as_deref(), Some("no_ui"));
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn a_picker_answers_the_items_it_was_given() {
    let world = World::new();
    world.load(
        "p",
        r#"
        purlin.command.create("pick", function()
          local item = purlin.ui.picker{ prompt = "Which?", items = { { id = 1, label = "one" } }, source = function(query, feed)
            feed:add({ { id = 2, label = "two" } })
            purlin.sleep(10)
            return { { id = 3, label = "three" } }
          end }
          return item and tostring(item.id)
        end)
        purlin.command.create("format", function()
          return tostring(purlin.ui.picker{ items = { { 5 }, { 6 } }, format = function(item) return "n" .. item[1] end }[1])
        end)
        "#,
    );
    assert_eq!(asked(&world, "pick", &["end enter"]).as_deref(), Some("3"));
    assert_eq!(asked(&world, "format", &["down enter"]).as_deref(), Some("6"));
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn an_extension_asks_in_place_of_the_built_in_dialogs() {
    let world = World::new();
    world.load(
        "mine",
        r#"
        purlin.ui.provide("confirm", function(request) return request.message == "Sure?" end)
        purlin.ui.provide("select", function(request)
          assert(request.extension == "asks" and request.items[2].label == "green")
          return 2
        end)
        local input = purlin.ui.provide("input", function(request) return nil, "timeout" end)
        purlin.command.create("gone", function() input:del() end)
        "#,
    );
    world.load(
        "asks",
        r#"
        purlin.command.create("ask", function()
          local item, index = purlin.ui.select({ "red", "green" })
          local text, why = purlin.ui.input{ prompt = "Name" }
          return tostring(purlin.ui.confirm("Sure?")) .. item .. index .. tostring(text) .. (why or "")
        end)
        "#,
    );
    assert_eq!(asked(&world, "ask", &[]).as_deref(), Some("truegreen2niltimeout"));
    world.command("gone", "").expect("no error");
    assert_eq!(asked(&world, "ask", &["B o enter"]).as_deref(), Some("truegreen2Bo"));
    world.load("fails", "purlin.ui.provide('confirm', function() error('broken') end)");
    assert_eq!(asked(&world, "ask", &["B enter", "y enter"]).as_deref(), Some("truegreen2B"));
    assert!(world.problems().iter().any(|problem| problem.contains("broken")), "{:?}", world.problems());
}

#[test]
fn who_waits_for_an_answer_hears_why_there_is_none_and_may_put_things_in_order() {
    let source = r#"
        purlin.spawn(function()
          local yes, why = purlin.ui.confirm("Sure?")
          print(yes, why)
          purlin.sleep(1)
          print("never")
        end)
        "#;
    let world = World::new();
    let ext = world.load("asks", source);
    world.settle();
    world.kernel.ext().unload(ext);
    assert_eq!(world.printed(), ["nil\tunload"]);
    world.load("asks", source);
    world.settle();
    world.kernel.shutdown("exit");
    assert_eq!(world.printed(), ["nil\tunload", "nil\tshutdown"]);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn the_status_line_has_segments_and_what_moves_has_one_clock() {
    let world = World::new();
    let ext = world.load(
        "s",
        r#"
        purlin.ui.status.set("b", { { text = "two", fg = "accent" } }, 2)
        purlin.ui.status.set("a", "one", 1)
        purlin.ui.status.set("gone", "x")
        assert(purlin.ui.status.del("gone") and not purlin.ui.status.del("gone") and purlin.has("ui.status"))
        local count = 0
        local spin
        spin = purlin.ui.animate(10, function()
          count = count + 1
          if count == 3 then spin:stop() print("stopped") end
        end)
        local ok, why = pcall(purlin.ui.animate, 0, print)
        assert(not ok and why:find("a number above 0 expected", 1, true), why)
        "#,
    );
    let shown: Vec<String> = world.kernel.ui().status().iter().map(|segment| segment.key.clone()).collect();
    assert_eq!(shown, ["b", "a"], "the higher priority first");
    for _ in 0..20 {
        world.advance(100);
    }
    assert_eq!(world.printed(), ["stopped"]);
    world.kernel.ext().unload(ext);
    assert_eq!(world.kernel.ui().status().len(), 0);
    assert_eq!(world.problems(), [""; 0]);
}
