//! Lua typed by a person.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt;
use purlin_lua::{Evaluator, LUA_SERVICE};
use serde_json::json;

use crate::world::World;

fn evaluator(world: &World) -> (Evaluator, Rc<RefCell<Vec<String>>>) {
    let printed: Rc<RefCell<Vec<String>>> = Rc::default();
    let lines = Rc::clone(&printed);
    let print = move |line: &str| lines.borrow_mut().push(line.to_owned());
    (Evaluator::new(&world.kernel, world.folder(), print).expect("an evaluator"), printed)
}

fn eval(world: &World, evaluator: &Evaluator, source: &str) -> Result<Option<String>, String> {
    world.wait(evaluator.eval(source), |world| world.advance(10)).map_err(|error| error.to_string())
}

#[test]
fn values_are_shown_and_globals_stay() {
    let world = World::new();
    let (evaluator, printed) = evaluator(&world);
    let check = |source: &str, expected: Option<&str>| {
        assert_eq!(eval(&world, &evaluator, source).expect(source).as_deref(), expected, "{source}");
    };
    check("1 + 1", Some("2"));
    check("= 'x'", Some("\"x\""));
    check("{ b = 1, 'a' }", Some("{ \"a\", b = 1 }"));
    check("x = 5", None);
    check("x, x * 2, nil", Some("5\n10\nnil"));
    check("local y = x for i = 1, 3 do y = y + i end return y", Some("11"));
    check("purlin.sleep(30) and 'waited'", Some("\"waited\""));
    check("print('seen', 1)", None);
    check("purlin.buf.set_text('composer', 'from here')", None);
    world.file("mine.lua", "return { deep = true }");
    check("require('mine')", Some("{ deep = true }"));
    check("-- a comment", None);
    assert_eq!(*printed.borrow(), ["seen\t1"]);
    assert_eq!(world.composer(), "from here");
}

#[test]
fn errors_have_their_line_and_a_hint() {
    let world = World::new();
    let (evaluator, _) = evaluator(&world);
    let check = |source: &str, expected: &str| {
        let error = eval(&world, &evaluator, source).expect_err(source);
        assert!(error.contains(expected), "{source}: {error}");
    };
    check("local a = 1\nlocal = 2", "lua:2: ");
    check("error('broken')", "lua:1: broken");
    check("error({ code = 7 })", "{ code = 7 }");
    check("\n\npurlin.buf.insert('x')", "lua:3: bad argument #2 to 'buf.insert' (integer expected, got nil)");
    check("while true do end", "interrupted at the deadline");
    check("goto done", "Luau has no `goto`");
    let path = world.file("typo.lua", "local x = 1\nreturn purlin.buf.get_txt('composer')");
    let error = world.wait(evaluator.eval_file(path), |_| ()).expect_err("a typo");
    assert!(
        error.message.ends_with("(there is no `purlin.buf.get_txt`; did you mean `purlin.buf.get_text`?)"),
        "{error}"
    );
    assert_eq!(error.line, Some(2));
    let missing = world.wait(evaluator.eval_file("/nowhere.lua"), |_| ()).expect_err("nothing there");
    assert!(missing.message.contains("cannot read `/nowhere.lua`"), "{missing}");
}

#[test]
fn a_file_is_run_and_its_value_shown() {
    let world = World::new();
    let (evaluator, printed) = evaluator(&world);
    let path = world.file("run.lua", "#!/usr/bin/env purlin lua\nprint('running')\nreturn { done = true }");
    let shown = world.wait(evaluator.eval_file(path), |_| ()).expect("it runs");
    assert_eq!(shown.as_deref(), Some("{ done = true }"));
    assert_eq!(*printed.borrow(), ["running"]);
}

#[test]
fn other_threads_evaluate_through_the_service() {
    let world = World::new();
    let (evaluator, _) = evaluator(&world);
    evaluator.serve();
    let (progress, told) = futures_channel::mpsc::unbounded();
    let port = world.kernel.port();
    let asked = async move {
        let answer =
            port.call(LUA_SERVICE, json!({ "source": "print('one') return 40 + 2" }), Some(progress)).await;
        let wrong = port.call(LUA_SERVICE, json!({ "source": "error('no')" }), None).await;
        (answer, wrong)
    };
    let serving = world.kernel.serve_port();
    let both = futures_util::future::select(asked.boxed_local(), serving);
    let answered = both.map(|ended| match ended {
        futures_util::future::Either::Left((answer, _)) => answer,
        futures_util::future::Either::Right(_) => panic!("the port was closed"),
    });
    let (answer, wrong) = world.wait(answered.boxed_local(), |_| ());
    assert_eq!(answer, Ok(json!({ "shown": "42" })));
    assert_eq!(wrong, Err("lua:1: no".to_owned()));
    let told: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(told).now_or_never().expect("closed");
    assert_eq!(told, [json!("one\n")]);
}

#[test]
fn what_was_registered_is_gone_with_the_evaluator() {
    let world = World::new();
    let (evaluator, _) = evaluator(&world);
    eval(&world, &evaluator, "purlin.command.create('typed', function() return 'yes' end)")
        .expect("no error");
    assert_eq!(world.command("typed", "").expect("runs").as_deref(), Some("yes"));
    drop(evaluator);
    world.settle();
    assert!(world.kernel.command().get("typed").is_none());
}

#[test]
fn a_task_that_waits_for_itself_is_told() {
    let world = World::new();
    let (evaluator, _) = evaluator(&world);
    let check = |source: &str, expected: &str| {
        let shown = eval(&world, &evaluator, source).expect(source).unwrap_or_default();
        assert!(shown.contains(expected), "{source}: {shown}");
    };
    check(
        "local t t = purlin.spawn(function() purlin.sleep(1) return t:wait() end) return t:wait()",
        "waits for itself",
    );
    check(
        "local a, b\n\
         a = purlin.spawn(function() purlin.sleep(1) return b:wait() end)\n\
         b = purlin.spawn(function() purlin.sleep(1) return a:wait() end)\n\
         return a:wait()",
        "waits for itself",
    );
    // Waiting in a row, twice for one, and for one that has ended, is no circle.
    check(
        "local a = purlin.spawn(function() purlin.sleep(5) return 'far' end)\n\
         local b = purlin.spawn(function() return a:wait() end)\n\
         local c = purlin.spawn(function() return a:wait() .. b:wait() end)\n\
         return c:wait() .. a:wait()",
        "farfarfar",
    );
}

#[test]
fn what_is_pending_is_what_ends_by_itself() {
    let world = World::new();
    let (evaluator, _) = evaluator(&world);
    eval(&world, &evaluator, "every = purlin.timer.interval(1000, function() end)").expect("an interval");
    assert_eq!(evaluator.pending(), 0);
    eval(
        &world,
        &evaluator,
        "purlin.defer(function() end, 500) purlin.spawn(function() purlin.sleep(900) end)",
    )
    .expect("two");
    assert_eq!(evaluator.pending(), 2);
}

#[test]
fn memory_and_tables_that_are_raised_have_their_place() {
    let world = World::new();
    let mut limits = world.kernel.guard().limits();
    limits.quotas.memory_bytes = 8 << 20;
    world.kernel.guard().set_limits(limits);
    let (evaluator, _) = evaluator(&world);
    let error = |source: &str| eval(&world, &evaluator, source).expect_err(source);
    let said = error("error({ code = 5 })");
    assert!(said.starts_with("lua:1: ") && !said.contains("in function"), "{said}");
    let said = error("local all = {}\nfor i = 1, 1e9 do\n  all[i] = string.rep('x', 1e6) .. i\nend");
    assert!(said.starts_with("lua:3: ") && said.contains("memory limit"), "{said}");
}
