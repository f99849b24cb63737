//! Tools, commands and keymaps of extensions.

use std::cell::RefCell;
use std::rc::Rc;

use purlin_agent::tools::ToolInvocation;
use purlin_agent::{ToolOutcome, ToolRegistration};
use purlin_kernel::{CancelToken, DeadlineClass};
use serde_json::{Value, json};

use crate::world::World;

/// Calls an extension's tool as the agent would, and answers what it progressed.
pub fn call_tool(world: &World, name: &str, args: Value) -> (Result<ToolOutcome, String>, Vec<Value>) {
    let found = world.kernel.ext().registrations::<ToolRegistration>();
    let (ext, tool) = found.into_iter().find(|(_, tool)| tool.spec.name == name).expect("a tool");
    let progressed = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&progressed);
    let invocation = ToolInvocation {
        call_id: "c1".into(),
        session_id: "s1".into(),
        cwd: "/".into(),
        progress: Rc::new(move |value| seen.borrow_mut().push(value)),
        cancelled: CancelToken::new(),
    };
    let run = (tool.execute)(args, invocation);
    let guarded = world.kernel.guard().future(ext, DeadlineClass::Main, "tool", run);
    let outcome = world.wait(guarded, |world| world.advance(10)).map_err(|error| error.to_string());
    let progressed = progressed.borrow().clone();
    (outcome, progressed)
}

#[test]
fn a_tool_answers_in_every_way_there_is() {
    let world = World::new();
    world.load(
        "t",
        r#"
        local function tool(name, execute)
          purlin.tool.register{ name = name, description = "d", execute = execute,
            schema = { type = "object", properties = { n = { type = "integer" } }, required = {} } }
        end
        tool("text", function(args) return "n is " .. args.n end)
        tool("table", function() return { content = "c", details = { a = { 1 } }, is_error = true } end)
        tool("fails", function() return nil, "no luck" end)
        tool("raises", function() error("broken") end)
        tool("waits", function(args, ctx)
          ctx.progress("one") purlin.sleep(10) ctx.progress{ text = "two" }
          return ctx.call_id .. tostring(ctx.cancelled()) .. ctx.extension
        end)
        "#,
    );
    assert_eq!(call_tool(&world, "text", json!({ "n": 3 })).0, Ok(ToolOutcome::ok("n is 3")));
    let table = ToolOutcome { content: "c".into(), details: Some(json!({ "a": [1] })), is_error: true };
    assert_eq!(call_tool(&world, "table", json!({})).0, Ok(table));
    assert_eq!(call_tool(&world, "fails", json!({})).0, Ok(ToolOutcome::error("no luck")));
    let raised = call_tool(&world, "raises", json!({})).0.expect_err("an error");
    assert!(raised.contains("t.lua:9: broken"), "{raised}");
    let (outcome, progressed) = call_tool(&world, "waits", json!({}));
    assert_eq!(outcome, Ok(ToolOutcome::ok("c1falset")));
    assert_eq!(progressed, [json!("one"), json!({ "text": "two" })]);
}

#[test]
fn a_bad_schema_is_a_load_error_that_names_the_tool() {
    let world = World::new();
    let source = "purlin.tool.register{ name = 'wrong', description = '', execute = print,\n schema = { type = 'nonsense' } }";
    let error = world.try_load("a", source).expect_err("an error");
    assert!(error.source.message.contains("the schema of `wrong` is not valid"), "{error}");
    let error = world
        .try_load("b", "purlin.tool.register{ name = 'a b', description = '', execute = print }")
        .expect_err("an error");
    assert!(error.source.message.contains("letters, digits"), "{error}");
}

#[test]
fn commands_get_their_text_and_show_what_they_answer() {
    let world = World::new();
    world.load(
        "c",
        r#"
        purlin.command.create("hello", function(args, ctx) return "[" .. args .. "] " .. #ctx.words .. ctx.extension end)
        purlin.register_command("old", "An older way.", function(args) return args end)
        purlin.command.create("more", {
          desc = "Does more.", args = "[FILE]", aliases = { "m" },
          complete = function(prefix) return { prefix .. "1", prefix .. "2" } end,
          callback = function() return nil, "it failed" end,
        })
        purlin.command.create("chain", function() return (purlin.command.run("hello", "x")) end)
        "#,
    );
    assert_eq!(world.command("hello", "Bob  x").expect("no error").as_deref(), Some("[Bob  x] 2c"));
    assert_eq!(world.command("hello", "").expect("no error").as_deref(), Some("[] 0c"));
    assert_eq!(world.command("old", "x").expect("no error").as_deref(), Some("x"));
    assert_eq!(world.command("m", ""), Err("it failed".into()));
    assert_eq!(world.kernel.command().complete_args("more", "a"), ["a1", "a2"]);
    assert_eq!(world.command("chain", "").expect("no error").as_deref(), Some("[x] 1c"));
}

#[test]
fn keys_and_sequences_are_mapped() {
    let world = World::new();
    world.load(
        "k",
        r#"
        purlin.keymap.set("global", "ctrl+g", function(ev) print("ctrl+g", ev.key, ev.ctrl) end)
        purlin.keymap.set("composer", "g g", function(ev) print("gg", ev.keys) end, { desc = "twice" })
        purlin.keymap.set({ window = "composer" }, "p", function() return false end)
        purlin.keymap.set({ buffer = "composer" }, "r", function() return { remap = "z" } end)
        purlin.keymap.set("global", "f5", "greet Bob")
        purlin.keymap.set("composer", "w", function() print("never") end, { when = function() return false end })
        purlin.keymap.set("composer", "q", function() print("normal q") end, { mode = "normal" })
        purlin.command.create("greet", function(args) print("hello " .. args) end)
        "#,
    );
    world.press("ctrl+g g g p r w f5 q");
    assert_eq!(world.printed(), ["ctrl+g\tg\ttrue", "gg\tg g", "hello Bob"]);
    assert_eq!(world.composer(), "pzwq");
    world.kernel.buf().set_var("composer", "mode", json!("normal"));
    world.press("q");
    assert_eq!(world.printed().last().map(String::as_str), Some("normal q"));
    world.press("g");
    assert_eq!(world.kernel.keymap().pending(), "g");
    world.advance(600);
    assert_eq!(world.composer(), "pzwqg");
}

#[test]
fn a_wildcard_map_sees_every_key_and_lets_pass_what_it_does_not_take() {
    let world = World::new();
    world.load(
        "k",
        r#"purlin.keymap.set({ buffer = "composer" }, "*", function(ev)
             print(ev.key, ev.text)
             if ev.text == "b" then return true end
           end)"#,
    );
    world.press("a b c");
    assert_eq!(world.composer(), "ac");
    assert_eq!(world.printed(), ["a\ta", "b\tb", "c\tc"]);
}

#[test]
fn keys_that_cannot_be_mapped_are_load_errors() {
    let world = World::new();
    for (keys, expected) in [("<c-c>", "cannot be mapped"), ("hyper+x", "bad argument #2 to 'keymap.set'")] {
        let error = world
            .try_load("k", &format!("purlin.keymap.set('global', '{keys}', function() end)"))
            .expect_err("an error");
        assert!(error.source.message.contains(expected), "{error}");
    }
}

#[test]
fn dialogs_answer_values_and_reasons() {
    let world = World::new();
    world.load(
        "d",
        r#"
        purlin.command.create("pick", function()
          local item, index = purlin.ui.select({ { label = "red" }, { label = "green" } }, { prompt = "Which?" })
          return item.label .. index
        end)
        purlin.command.create("name", function()
          return purlin.ui.input{ prompt = "Name", default = "Bo" }
        end)
        purlin.command.create("late", function()
          local answer, why = purlin.ui.confirm("Now?", { timeout_ms = 50 })
          return tostring(answer) .. why
        end)
        "#,
    );
    let answer = |name: &str, keys: &str| {
        world
            .wait(world.kernel.command().run(name, ""), |world| {
                if keys.is_empty() { world.advance(60) } else { world.answer(keys) }
            })
            .expect("no error")
    };
    assert_eq!(answer("pick", "down enter").as_deref(), Some("green2"));
    assert_eq!(answer("name", "b enter").as_deref(), Some("Bob"));
    assert_eq!(answer("late", "").as_deref(), Some("niltimeout"));
}
