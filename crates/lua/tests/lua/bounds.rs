//! Arguments as large and as deep as an author can make them: an error, and never the end of the program.

use crate::world::World;

/// What each call is answered with.
fn refused(table: &[(&str, &str)]) {
    let world = World::new();
    // What is tested is what the call refuses, however slow this build is.
    let mut limits = world.kernel.guard().limits().clone();
    limits.load.hard_ms = 600_000;
    world.kernel.guard().set_limits(limits);
    for (number, (source, expected)) in table.iter().enumerate() {
        let call = format!(
            "local ok, why = pcall(function() {source} end)\nassert(not ok and tostring(why):find([[{expected}]], 1, true), tostring(why))"
        );
        if let Err(error) = world.try_load(&format!("e{number}"), &call) {
            panic!("{source}: {error}");
        }
    }
}

#[test]
fn nested_tables_are_refused_with_the_limit() {
    let deep = "local t = {} for _ = 1, 1e5 do t = { t } end";
    let bush = "local t = { win = 'composer' } for _ = 1, 30 do t = { t, t } end";
    let list = "a list of targets expected, without further lists in it";
    refused(&[
        (&format!("{deep} purlin.keymap.set(t, 'f5', 'help')"), list),
        (&format!("{deep} purlin.keymap.list(t)"), list),
        (&format!("{bush} purlin.keymap.del(t, 'f5')"), list),
        (&format!("{deep} purlin.layout.tree(t)"), "nested deeper than 32 levels"),
        (&format!("{bush} purlin.layout.tree(t)"), "at most 1000 nodes expected"),
        (&format!("{deep} purlin.json.encode(t)"), "tables are nested deeper than 100 levels"),
        (&format!("{bush} purlin.json.encode(t)"), "more than 500000 values"),
        ("local t = {} t.a = t purlin.json.encode(t)", "the table contains itself"),
        (
            "local s = {} for _ = 1, 60 do s = { type = 'object', properties = { a = s } } end purlin.tool.register{ name = 't', description = '', schema = s, execute = print }",
            "tables are nested deeper than 100 levels",
        ),
    ]);
}

#[test]
fn one_text_a_thousand_times_is_not_copied_a_thousand_times() {
    let list = "local s, t = ('word '):rep(2e5), {} for i = 1, 1000 do t[i] = s end";
    let spans = "local s, t = { text = ('word '):rep(2e5) }, {} for i = 1, 1000 do t[i] = s end";
    refused(&[
        (&format!("{list} purlin.json.encode(t)"), "more than 64 MiB for one call"),
        (&format!("{list} purlin.buf.set_lines('b', 0, -1, t)"), "more than 64 MiB for one call"),
        (&format!("{spans} purlin.buf.set_blocks('b', 0, 0, t)"), "more than 64 MiB for one call"),
        (&format!("{list} purlin.ui.draw_lines('composer', 0, 0, t)"), "at most 16 MiB of text in all"),
        (&format!("{spans} purlin.ui.draw_spans('composer', 0, 0, t)"), "at most 16 MiB of text in all"),
        (
            "purlin.ui.draw_box('composer', { url = ('a'):rep(5000) })",
            "field 'url': at most 4096 bytes expected",
        ),
        ("purlin.ui.diff(('a\\n'):rep(1e6), '')", "at most 1024 KiB of text expected"),
    ]);
}

#[test]
fn what_is_filled_when_it_is_used_is_there_for_those_who_look() {
    let world = World::new();
    world.load(
        "s",
        r#"
        local function has(library, ...)
          local found = {}
          for name in pairs(library) do found[name] = true end
          for _, name in ipairs({ ... }) do assert(found[name], name) end
        end
        has(io, "open", "lines", "popen", "stdout", "write")
        has(bit, "band", "tohex")
        has(os, "clock", "date", "getenv", "execute")
        has(purlin, "on", "buf", "win", "ui", "null", "version")
        "#,
    );
    world.load(
        "t",
        r#"
        local found = {}
        for name in os do found[name] = true end
        assert(found.time and found.remove)
        local seen = {}
        for name in purlin do seen[name] = true end
        assert(seen.keymap and seen.on)
        assert(purlin.inspect(bit):find("rshift", 1, true))
        "#,
    );
    world.load(
        "u",
        r"
        io.mine = 1
        assert(io.mine == 1 and io.open and getmetatable(io) == nil)
        assert(os.nothing == nil and os.getenv and bit.band(7, 2) == 2)
        assert(not pcall(setmetatable, purlin, {}))
        ",
    );
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn a_job_that_ran_out_of_time_says_so() {
    let world = World::new();
    world.load(
        "s",
        r#"
        purlin.command.create("late", function()
          local done = purlin.job.run{ cmd = { "printf", "so far" }, timeout_ms = 5 }
          assert(done.timed_out == true and done.stdout == "so far")
          local done = purlin.job.run{ cmd = { "printf", "all" } }
          assert(done.timed_out == false and done.stdout == "all")
          return "done"
        end)
        "#,
    );
    assert_eq!(world.command("late", "").expect("no error").as_deref(), Some("done"));
}

#[test]
fn so_many_keys_are_pressed_at_once() {
    let world = World::new();
    world.load(
        "feeds",
        r#"
        local ok, why = pcall(purlin.keymap.feed, ("a"):rep(4097))
        assert(not ok and why:find("at most 4096 bytes", 1, true), why)
        "#,
    );
    assert_eq!(world.problems(), [""; 0]);
}
