//! Hooks: gates, transforms, patches, keys, order, errors.

use serde_json::{Value, json};

use crate::world::{World, object};

fn call(name: &str, command: &str) -> Value {
    json!({
        "tool_name": name, "name": name, "tool_call_id": "c1", "call_id": "c1",
        "args": { "command": command }, "input": format!("{{\"command\":\"{command}\"}}"),
        "kind": "execute", "source": "llm",
    })
}

#[test]
fn a_gate_blocks_with_its_reason_and_the_rest_is_not_called() {
    let world = World::new();
    world.load(
        "a",
        r#"
        purlin.on("tool_call", function(ev)
          print(ev.tool_name, ev.args.command)
          return { block = true, reason = "denied" }
        end)
        purlin.on("tool_call", function() print("second") end)
        "#,
    );
    world.load("b", r#"purlin.on("tool_call", function() print("other") end)"#);
    let outcome = world.raise("tool_call", call("bash", "ls"));
    assert_eq!(outcome.blocked().as_deref(), Some("denied"));
    assert_eq!(world.printed(), ["bash\tls"]);
}

#[test]
fn a_gate_that_does_not_block_goes_on() {
    let world = World::new();
    world.load("a", r#"purlin.on("tool_call", function() return { block = false } end)"#);
    world.load("b", r#"purlin.on("tool_call", function() print("asked") end)"#);
    assert_eq!(world.raise("tool_call", call("bash", "ls")).blocked(), None);
    assert_eq!(world.printed(), ["asked"]);
}

#[test]
fn a_gate_rewrites_the_arguments_and_later_handlers_see_them() {
    let world = World::new();
    world.load(
        "a",
        r#"purlin.on("tool_call", function(ev)
             local args = ev.args
             args.command = args.command .. " -l"
             return { args = args }
           end)"#,
    );
    world
        .load("b", r#"purlin.on("tool_call", { phase = "final" }, function(ev) print(ev.args.command) end)"#);
    let outcome = world.raise("tool_call", call("bash", "ls"));
    assert_eq!(outcome.get("args"), Some(&json!({ "command": "ls -l" })));
    assert_eq!(world.printed(), ["ls -l"]);
}

#[test]
fn a_gate_asks_the_person_and_waits_for_the_answer() {
    let source = r#"
        purlin.on("tool_call", { filter = { tool_name = "bash" } }, function(ev)
          local yes, why = purlin.ui.confirm("Run `" .. ev.args.command .. "`?")
          if not yes then return { block = true, reason = why or "no" } end
        end)
    "#;
    for (key, blocked) in [("y enter", None), ("n enter", Some("no")), ("esc", Some("user"))] {
        let world = World::new();
        world.load("ask", source);
        let outcome = world.raise_with("tool_call", call("bash", "rm x"), |world| {
            assert_eq!(world.kernel.ui().dialogs().len(), 1);
            world.press(key);
        });
        assert_eq!(outcome.blocked().as_deref(), blocked, "{key}");
    }
    let world = World::new();
    world.load("ask", source);
    world.kernel.ui().set_interactive(false);
    assert_eq!(world.raise("tool_call", call("bash", "rm x")).blocked().as_deref(), Some("no_ui"));
    assert_eq!(world.raise("tool_call", call("read", "rm x")).blocked(), None, "the filter");
}

#[test]
fn what_waits_may_be_wrapped_in_pcall_and_in_coroutines() {
    let world = World::new();
    world.load(
        "ask",
        r#"
        purlin.on("tool_call", function(ev)
          local ok, yes = pcall(purlin.ui.confirm, "Sure?")
          local step = coroutine.wrap(function()
            purlin.sleep(10)
            coroutine.yield("one")
            purlin.sleep(10)
            return "two"
          end)
          return { block = true, reason = tostring(ok) .. tostring(yes) .. step() .. step() }
        end)
        "#,
    );
    let outcome = world.raise_with("tool_call", call("bash", "x"), |world| {
        if world.kernel.ui().has_dialog() {
            world.press("y enter");
        } else {
            world.advance(10);
        }
    });
    assert_eq!(outcome.blocked().as_deref(), Some("truetrueonetwo"));
}

#[test]
fn results_are_patched_field_by_field_and_chained() {
    let world = World::new();
    world.load("a", r#"purlin.on("tool_result", function(ev) return { content = "a" } end)"#);
    world.load(
        "b",
        r#"purlin.on("tool_result", function(ev) return { content = ev.content .. "b", is_error = true } end)"#,
    );
    let outcome = world.raise(
        "tool_result",
        json!({ "tool_name": "bash", "args": {}, "content": "x", "details": null, "is_error": false }),
    );
    assert_eq!(outcome.get("content"), Some(&json!("ab")));
    assert_eq!(outcome.get("is_error"), Some(&json!(true)));
}

#[test]
fn input_is_transformed_in_a_chain_and_handled() {
    let world = World::new();
    let add = |name: &str| {
        format!(
            r#"purlin.on("input", function(ev) return {{ action = "transform", text = ev.text .. "[{name}]" }} end)"#
        )
    };
    world.load("a", &add("A"));
    world.load("b", &add("B"));
    let input = || json!({ "text": "t", "source": "interactive", "attachments": [] });
    let outcome = world.raise("input", input());
    assert_eq!(outcome.str("text"), Some("t[A][B]"));
    world
        .load("c", r#"purlin.on("input", { priority = 1 }, function(ev) return { action = "handled" } end)"#);
    let outcome = world.raise("input", input());
    assert_eq!((outcome.str("action"), outcome.str("text")), (Some("handled"), None));
}

#[test]
fn the_prompt_is_rewritten_through_the_composer() {
    let world = World::new();
    world.load(
        "a",
        r#"purlin.on("input", function(ev) end)
           purlin.command.create("shout", function()
             local text = purlin.buf.get_text("composer")
             purlin.buf.set_text("composer", text:upper())
           end)"#,
    );
    world.kernel.buf().set_text("composer", "hello");
    world.command("shout", "").expect("no error");
    assert_eq!(world.composer(), "HELLO");
}

#[test]
fn a_key_is_consumed_or_typed() {
    let world = World::new();
    world.load(
        "a",
        r#"purlin.on("key", function(ev)
             if ev.key == "x" and not ev.ctrl then print(ev.text, ev.name, ev.payload == ev.data) return true end
             if ev.key == "y" then return { handled = true } end
           end)"#,
    );
    world.press("a x b y c");
    assert_eq!(world.composer(), "abc");
    assert_eq!(world.printed(), ["x\tkey\ttrue"]);
}

#[test]
fn order_is_priority_then_load_order_then_registration_and_phases() {
    let world = World::new();
    world.load(
        "a",
        r#"
        purlin.on("key", function() print("a0") end)
        purlin.on("key", { priority = -5 }, function() print("a-5") end)
        purlin.on("key", { phase = "final", priority = 99 }, function(ev) print("a final", ev.consumed) end)
        "#,
    );
    world.load(
        "b",
        r#"
        purlin.on("key", { priority = 10 }, function() print("b10") return true end)
        purlin.on("key", function() print("b0") end)
        purlin.on("key", { phase = "early" }, function() print("b early") end)
        "#,
    );
    world.press("x");
    assert_eq!(world.printed(), ["b early", "b10", "a0", "b0", "a-5", "a final\ttrue"]);
}

#[test]
fn stop_ends_the_phase_once_runs_once_and_del_may_be_called_twice() {
    let world = World::new();
    world.load(
        "a",
        r#"
        local handle
        purlin.on("key", { once = true, priority = 2 }, function() print("once") end)
        handle = purlin.on("key", { priority = 1 }, function(ev) print("stops") ev.stop() end)
        purlin.on("key", function() print("later") end)
        purlin.command.create("drop", function() return tostring(handle:del()) .. tostring(select(2, handle:del())) end)
        "#,
    );
    world.press("x");
    assert_eq!(world.printed(), ["once", "stops"]);
    assert_eq!(world.command("drop", "").expect("no error").as_deref(), Some("truestale"));
    world.press("x");
    assert_eq!(world.printed(), ["once", "stops", "later"]);
}

#[test]
fn an_unknown_hook_is_a_load_error_that_names_the_nearest() {
    let world = World::new();
    let error = world.try_load("a", "\npurlin.on('tool_cal', function() end)").expect_err("an error");
    assert!(error.to_string().contains("did you mean `tool_call`"), "{error}");
    assert_eq!(error.source.line, Some(2), "{error}");
}

#[test]
fn own_events_are_emitted_with_their_fields_and_sender() {
    let world = World::new();
    world.load(
        "a",
        r#"purlin.on("demo:ping", function(ev) print(ev.n, ev.list[2], ev.source, ev.payload.n) end)"#,
    );
    world.load(
        "b",
        r#"
        purlin.on("demo:ping", function(ev) if ev.n < 40 then purlin.emit("demo:ping", { n = 40, list = { 1, 2 } }) end end)
        purlin.command.create("ping", function() purlin.emit("demo:ping", { n = 1, list = { 3, 4 } }) end)
        purlin.command.create("bad", function() purlin.emit("nocolon", {}) end)
        "#,
    );
    world.command("ping", "").expect("no error");
    assert_eq!(world.printed(), ["1\t4\tb\t1", "40\t2\tb\t40"]);
    assert!(world.command("bad", "").expect_err("an error").contains("needs a `:`"));
}

#[test]
fn a_kept_event_is_over_and_a_copy_is_not() {
    let world = World::new();
    world.load(
        "a",
        r#"
        local kept, copy
        purlin.on("key", function(ev) kept, copy = ev, ev:copy() end)
        purlin.command.create("look", function()
          local ok, why = pcall(function() return kept.key end)
          return copy.key .. " " .. tostring(ok) .. " " .. why
        end)
        "#,
    );
    world.press("x");
    let shown = world.command("look", "").expect("no error").expect("text");
    assert!(shown.starts_with("x false ") && shown.contains("keep `ev:copy()`"), "{shown}");
}

#[test]
fn the_context_and_the_views_of_earlier_hosts_are_there() {
    let world = World::new();
    world.kernel.set_context("cwd", json!("/somewhere"));
    world.load(
        "a",
        r#"
        purlin.on("key", function(ev, ctx)
          print(ctx.cwd, ctx.extension, ctx.has_ui, ev.focus.window, ev.buffers.composer.text)
          ev.composer.text = "set"
          return true
        end)
        "#,
    );
    world.kernel.buf().set_text("composer", "old");
    world.press("x");
    assert_eq!(world.printed(), ["/somewhere\ta\ttrue\tcomposer\told"]);
    assert_eq!(world.composer(), "set");
}

#[test]
fn words_of_earlier_hosts_work_in_answers() {
    let world = World::new();
    world.load(
        "a",
        r#"
        librecode.on("tool_call", function(ev)
          return { tool_call = { arguments = '{"command":"pwd"}' } }
        end)
        librecode.on("tool_result", function(ev)
          return { tool_result = { result = "patched", error = "bad" } }
        end)
        librecode.api.nvim_create_autocmd({ "key" }, { callback = function()
          return { consumed = true, buffers = { composer = { text = "hi", cursor = 1 } } }
        end })
        "#,
    );
    assert_eq!(world.raise("tool_call", call("bash", "ls")).get("args"), Some(&json!({ "command": "pwd" })));
    let result = json!({ "tool_name": "bash", "args": {}, "content": "x", "is_error": false });
    let outcome = world.raise("tool_result", result);
    assert_eq!((outcome.str("content"), outcome.get("is_error")), (Some("patched"), Some(&json!(true))));
    world.press("x");
    assert_eq!(world.composer(), "hi");
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn a_sync_handler_that_waits_is_told_what_to_do() {
    let world = World::new();
    world.load("a", "purlin.on('key', function()\n  purlin.sleep(10)\nend)");
    world.press("x");
    assert_eq!(
        world.problems(),
        [
            "a: key: a.lua:2: 'sleep' waits, and this place cannot; start it with purlin.spawn(function() ... end)"
        ]
    );
    let outcome = world.kernel.hook().dispatch_object(
        world.kernel.hook().decl("key").expect("declared"),
        object(json!({ "key": "x", "text": "x" })),
    );
    assert!(!outcome.consumed);
}

#[test]
fn b09_fields_that_were_read_before_are_those_of_this_event() {
    let world = World::new();
    world.load(
        "a",
        "purlin.on('key', function(ev) print(ev.key, ev.ctrl, ev.text) end)\n\
         purlin.on('paste', { priority = 1 }, function(ev) return { text = ev.text .. '!' } end)\n\
         purlin.on('paste', function(ev) if #ev.text ~= 6 then print(#ev.text, ev.text:sub(-2)) end end)",
    );
    world.press("a ctrl+b A");
    for text in ["one", "three", &"x".repeat(100_000), "four"] {
        world.kernel.input(purlin_kernel::Input::Paste(text.to_owned()));
    }
    let printed = ["a\tfalse\ta", "b\ttrue\t", "A\tfalse\tA", "4\te!", "100001\tx!", "5\tr!"];
    assert_eq!(world.printed(), printed);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn b11_the_name_and_sender_of_an_own_event_are_not_its_fields() {
    let world = World::new();
    world.load(
        "a",
        "purlin.on('my:event', function(ev) print(ev.name, ev.source, ev.payload.name, ev.data.other) end)\n\
         purlin.emit('my:event', { name = 'fake', source = 'fake', other = 1 })",
    );
    assert_eq!(world.printed(), ["my:event\ta\tfake\t1"]);
}
