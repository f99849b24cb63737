//! The standard library as authors know it.

use crate::world::World;

/// Each runs as the body of a file; an `assert` that fails is the test's failure.
const PIECES: &[(&str, &str)] = &[
    (
        "bit",
        "assert(bit.band(0xff, 0x0f) == 15 and bit.bnot(0) == -1 and bit.lshift(1, 31) == -2147483648 and bit.tohex(255) == '000000ff')",
    ),
    (
        "load",
        "assert(load('return 1 + 1')() == 2) local f, e = load('x =', '=here') assert(f == nil and e:find('^here:1:'), e)",
    ),
    ("load env", "local t = {} load('x = 5', 'c', 't', t)() assert(t.x == 5 and x == nil)"),
    (
        "load pieces",
        "local parts = { 'return ', '7' } assert(load(function() return table.remove(parts, 1) end)() == 7)",
    ),
    ("loadstring", "assert(loadstring('return ...')(3) == 3)"),
    ("bytecode is refused", "local f = load('\\5\\1\\2') assert(f == nil)"),
    (
        "pcall answers strings",
        "local ok, e = pcall(purlin.buf.insert) assert(not ok and type(e) == 'string' and e:find('bad argument #1'), e)",
    ),
    ("pcall keeps tables", "local ok, e = pcall(error, { code = 1 }) assert(not ok and e.code == 1)"),
    (
        "xpcall",
        "local ok, e = xpcall(function() purlin.json.decode('{') end, function(m) return 'seen ' .. m end) assert(not ok and e:find('^seen .*bad argument'), e)",
    ),
    (
        "errors have the caller's place",
        "local ok, e = pcall(function() purlin.buf.insert('x') end) assert(e:find('libs.lua:1: bad argument #2'), e)",
    ),
    (
        "coroutines",
        "local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end) local _, x = coroutine.resume(co, 1) local _, y = coroutine.resume(co, 5) assert(x == 2 and y == 10 and coroutine.status(co) == 'dead')",
    ),
    (
        "coroutine errors",
        "local ok, e = coroutine.resume(coroutine.create(function() purlin.buf.insert() end)) assert(not ok and type(e) == 'string')",
    ),
    (
        "getinfo",
        "local i = debug.getinfo(1, 'Sl') assert(i.source:sub(1, 1) == '@' and i.short_src:find('libs.lua') and i.currentline == 1)",
    ),
    ("traceback", "assert(debug.traceback('x'):find('x'))"),
    ("getenv", "assert(os.getenv('PATH') and os.getenv('NOT_THERE_AT_ALL') == nil)"),
    ("os.exit", "local ok, e = pcall(os.exit, 0) assert(not ok and e:find('/quit'), e)"),
    ("io.read", "local ok, e = pcall(io.read) assert(not ok and e:find('purlin.ui.input'), e)"),
    ("os.execute", "assert(os.execute('exit 3') == 3 and os.execute('true') == 0)"),
    (
        "popen",
        "local p = io.popen('printf \"a\\nb\"') assert(p:read('*l') == 'a' and p:read('*a') == 'b' and p:close())",
    ),
    (
        "popen lines",
        "local n = 0 for line in io.popen('seq 3'):lines() do n = n + tonumber(line) end assert(n == 6)",
    ),
    ("time", "assert(os.time() > 1e9 and os.clock() >= 0 and #os.date('%Y') == 4)"),
    ("utf8", "assert(utf8.len('käse') == 4)"),
    (
        "5.1 names",
        "assert(unpack({ 1, 2 }) == 1 and table.getn({ 1 }) == 1 and math.mod(5, 3) == 2 and setfenv and getfenv)",
    ),
    (
        "require answers the libraries",
        "assert(require('string') == string and require('bit') == bit and require('purlin') == purlin and require('librecode') == librecode)",
    ),
    (
        "preload",
        "package.preload.mine = function(name) return name .. '!' end assert(require('mine') == 'mine!')",
    ),
    ("inspect", "assert(purlin.inspect({ 1, a = 'x' }) == '{ 1, a = \"x\" }')"),
    (
        "json",
        "assert(purlin.json.encode({ a = {}, b = purlin.json.decode('[]'), c = purlin.null }) == '{\"a\":{},\"b\":[],\"c\":null}')",
    ),
    (
        "has",
        "assert(purlin.has('buf.insert') and purlin.has('tool_call') and purlin.has('ui') and not purlin.has('buf.fly'))",
    ),
    ("versions", "assert(type(purlin.version) == 'string' and purlin.api_level >= 1)"),
];

#[test]
fn the_restored_libraries_work() {
    for (name, piece) in PIECES {
        let world = World::new();
        if let Err(error) = world.try_load("libs", piece) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn files_are_read_and_written() {
    let world = World::new();
    let folder = world.folder().display().to_string();
    world.load(
        "files",
        &format!(
            r#"
            local path = "{folder}/notes.txt"
            local f = assert(io.open(path, "w"))
            assert(f:write("one\n", 2, "\nthree") == f)
            f:close()
            assert(io.type(f) == "closed file")
            local lines = {{}}
            for line in io.lines(path) do lines[#lines + 1] = line end
            assert(table.concat(lines, ",") == "one,2,three")
            f = io.open(path, "r+")
            assert(f:read("*l") == "one" and f:read("*n") == 2)
            assert(f:seek("set", 4) == 4)
            f:write("9")
            assert(f:seek("cur") == 5)
            assert(f:read("*a") == "\nthree")
            f:close()
            f = io.open(path, "a") f:write("!") f:close()
            assert(io.open(path):read("*a") == "one\n9\nthree!")
            assert(f:read == nil or not pcall(f.read, f))
            local none, why, code = io.open("{folder}/none")
            assert(none == nil and why:find("No such file") and code == 2, why)
            assert(select(2, io.open("{folder}")):find("directory"))
            assert(os.rename(path, path .. ".old") and os.remove(path .. ".old") and not os.remove(path))
            local name = os.tmpname() assert(io.open(name)) assert(os.remove(name))
            "#
        )
        .replace("assert(f:read == nil or not pcall(f.read, f))", "assert(not pcall(f.read, f))"),
    );
}

#[test]
fn blocking_calls_yield_in_a_coroutine_and_are_bounded_elsewhere() {
    let world = World::new();
    world.load(
        "jobs",
        r#"
        purlin.command.create("job", function()
          return os.execute("exit 4") .. io.popen("echo hi"):read("*l")
        end)
        purlin.on("key", function() os.execute("sleep 5") end)
        "#,
    );
    assert_eq!(world.command("job", "").expect("no error").as_deref(), Some("4hi"));
    let start = std::time::Instant::now();
    world.press("x");
    assert!(start.elapsed() < std::time::Duration::from_millis(500));
    assert!(world.problems()[0].contains("was killed at the deadline"), "{:?}", world.problems());
}

#[test]
fn a_pipe_without_a_writer_does_not_freeze() {
    let world = World::new();
    let pipe = world.folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    world.load(
        "pipes",
        &format!("purlin.on('key', function() io.open('{0}', 'r+'):read('*a') end)", pipe.display()),
    );
    let start = std::time::Instant::now();
    world.press("x");
    assert!(start.elapsed() < std::time::Duration::from_millis(500));
    assert_eq!(world.composer(), "x");
}

#[test]
fn an_interval_whose_run_waits_is_not_run_beside_itself() {
    let world = World::new();
    world.load(
        "time",
        r#"
        local n = 0
        purlin.timer.interval(10, function() n = n + 1 print("begun " .. n) purlin.sleep(25) print("ended " .. n) end)
        "#,
    );
    for _ in 0..16 {
        world.advance(5);
    }
    assert_eq!(world.printed(), ["begun 1", "ended 1", "begun 2", "ended 2", "begun 3"]);
}

#[test]
fn timers_tasks_and_debounce_run_in_time() {
    let world = World::new();
    world.load(
        "time",
        r#"
        purlin.timer.defer(20, function() print("deferred") purlin.sleep(5) print("and slept") end)
        local n = 0
        local ticks
        ticks = purlin.timer.interval(10, function() n = n + 1 print("tick " .. n) if n == 2 then ticks:stop() end end)
        local soon = purlin.debounce(function(what) print("debounced " .. what) end, 30)
        soon("a") soon("b")
        local task = purlin.spawn(function(a) purlin.sleep(1) return a, 2 end, 1)
        purlin.spawn(function() print(task:wait()) end)
        local lost = purlin.spawn(function() purlin.sleep(1000) end)
        purlin.spawn(function() print(lost:wait()) end)
        lost:cancel()
        purlin.schedule(function() print("scheduled") end)
        "#,
    );
    world.settle();
    for _ in 0..10 {
        world.advance(5);
    }
    assert_eq!(
        world.printed(),
        ["nil\tcancelled", "scheduled", "1\t2", "tick 1", "deferred", "tick 2", "and slept", "debounced b"]
    );
}

#[test]
fn large_texts_and_lists_are_searched_and_sorted_as_usual() {
    let world = World::new();
    world.load(
        "large",
        r#"
        local hay = string.rep("x", 40000) .. string.rep("y", 40000) .. "needle"
        local wanted = string.rep("y", 39990) .. "needle"
        assert(#hay * #wanted > 1e9)
        local a, b = hay:find(wanted, 1, true)
        assert(a == 40011 and b == #hay, a)
        assert(hay:find(wanted, a + 1, true) == nil and hay:find(wanted .. "z") == nil)
        assert(#hay:split(wanted) == 2 and hay:split(wanted)[2] == "")
        local list = {}
        for i = 1, 30000 do list[i] = (i * 7919) % 30011 end
        table.sort(list)
        for i = 2, #list do assert(list[i - 1] <= list[i]) end
        "#,
    );
}
