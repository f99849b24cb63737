//! Times of the Lua side, one `name=value` a line; `cargo xtask bench --only lua` reads it.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "it prints, and a bench may fail")]
#![allow(missing_docs, dead_code, reason = "the world is the tests', and a bench uses a part of it")]

#[path = "lua/hunt.rs"]
mod hunt;
#[path = "../tests/lua/world.rs"]
mod world;

use std::time::{Duration, Instant};

use purlin_kernel::hooks::terminal::{KeyPayload, KeyPress};
use purlin_kernel::{CommandSpec, ExtId, Input, Key, KeyEvent, LayoutNode};
use purlin_lua::LuaExtension;

use world::World;

fn main() {
    // Functions of files are called as well.
    let folder = std::env::temp_dir().join(format!("purlin-lua-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::env::set_current_dir(&folder).expect("it is there");
    let parts: [(&str, fn()); 7] = [
        ("floor", floor),
        ("keys", keys),
        ("trie", trie),
        ("calls", calls),
        ("drawing", drawing),
        ("runaways", runaways),
        ("loading", loading),
    ];
    // One part alone, for whoever works on it.
    let only = std::env::var("PURLIN_BENCH_ONLY").unwrap_or_default();
    for (_, run) in parts.iter().filter(|(name, _)| only.is_empty() || only == *name) {
        run();
    }
    // What cannot be removed is the temporary folder's business.
    let _ = std::fs::remove_dir_all(&folder);
}

/// Microseconds of one call, the best of several rounds.
fn best(rounds: usize, calls: u32, mut call: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| call());
            start.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        })
        .fold(f64::MAX, f64::min)
}

/// What a call costs with nothing of ours around it: into an interpreter, and out of one.
fn floor() {
    let lua = mlua::Lua::new();
    let event: mlua::Table = lua.load("return { key = 'x', ctrl = false }").eval().expect("a table");
    let handler: mlua::Function =
        lua.load("return function(ev) local k, c = ev.key, ev.ctrl end").eval().expect("a function");
    let into = best(9, 50_000, || handler.call::<()>((&event, &event)).expect("a call"));
    println!("bare_call={into:.3}");
    let host = lua.create_function(|_, args: mlua::MultiValue| {
        std::hint::black_box(&args);
        Ok(mlua::MultiValue::new())
    });
    let source = "local host = ... return function() for i = 1, 1000 do host('name', 0, 'x') end end";
    let calls: mlua::Function = lua.load(source).call(host.expect("a host function")).expect("a function");
    let out = best(9, 50, || calls.call::<()>(()).expect("a call"));
    println!("bare_host_call={:.3}", out / 1000.0);
}

fn keys() {
    let both = "purlin.on('key', function(ev) local k, c = ev.key, ev.ctrl end)\n";
    for (name, extensions, handlers) in
        [("key_one", 1, 1), ("key_twenty", 1, 20), ("key_twenty_extensions", 20, 1)]
    {
        let world = World::measured();
        // A long text in the composer and a long transcript must not make a key slower.
        world.kernel.buf().set_text("transcript", &"a line of the transcript\n".repeat(20_000));
        for number in 0..extensions {
            world.load(&format!("e{number}"), &both.repeat(handlers));
        }
        let event: KeyEvent = Key::parse_single("x").expect("a key").into();
        let dispatch = || {
            world.kernel.hook().dispatch_with::<KeyPress>(|| KeyPayload(event.clone()));
        };
        println!("{name}={:.3}", best(9, 20_000, dispatch));
    }
}

/// A mapped key among five hundred maps, from the key to the command's code.
fn trie() {
    let world = World::measured();
    let nothing = CommandSpec::new("nothing", "", |_| Box::pin(async { Ok(None) }));
    world.kernel.command().create(ExtId::CORE, nothing);
    let firsts = ('a'..='z').filter(|first| *first != 'c');
    let maps: Vec<String> = firsts
        .flat_map(|first| ('a'..='t').map(move |second| format!("ctrl+{first} {second}")))
        .map(|keys| format!("purlin.keymap.set('global', '{keys}', 'nothing')"))
        .collect();
    assert_eq!(maps.len(), 500);
    world.load("maps", &maps.join("\n"));
    let press = |keys: &str| Input::Key(Key::parse_single(keys).expect("a key").into());
    let (first, second) = (press("ctrl+b"), press("d"));
    let both = best(9, 5_000, || {
        world.kernel.input(first.clone());
        world.kernel.input(second.clone());
    });
    println!("trie_key={:.3}", both / 2.0);
}

fn calls() {
    let world = World::measured();
    world.load(
        "calls",
        r#"
        local text = string.rep("0123456789", 1000)
        purlin.buf.set_text("t", "")
        local function time(name, n, fn)
          local best = math.huge
          for _ = 1, 9 do
            local start = os.clock()
            for i = 1, n do fn(i) end
            best = math.min(best, (os.clock() - start) / n * 1e6)
            purlin.sleep(1)
          end
          print(("%s=%.3f"):format(name, best))
        end
        purlin.spawn(function()
          time("set_text", 300, function() purlin.buf.set_text("t", text) end)
          purlin.buf.set_text("t", "")
          time("insert", 3000, function(i) purlin.buf.insert("t", 0, "x") end)
          local ns = purlin.mark.namespace("bench")
          time("mark_set", 3000, function(i) purlin.mark.set("t", ns, i) end)
          purlin.mark.clear("t", ns)
          time("win_get", 5000, function() return purlin.win.get("composer") end)
        end)
        "#,
    );
    world.settle();
    (0..100).for_each(|_| world.advance(1));
    assert_eq!(world.problems(), [""; 0]);
    for line in world.printed() {
        println!("{line}");
    }
}

fn screened() -> World {
    let world = World::measured();
    let tree = vec![LayoutNode::win("transcript").grow(1), LayoutNode::win("composer").size(3)];
    world.kernel.layout().set_stock(LayoutNode::col(tree));
    world.screen(120, 64);
    world
}

/// A `render` hook that draws sixty lines of four spans.
fn drawing() {
    let world = screened();
    let plain = best(9, 50, || {
        world.kernel.win().mark_dirty("composer");
        drop(world.kernel.frame(120, 64));
    });
    world.load(
        "draws",
        r#"
        local spans = {
          { text = "one two three ", fg = "accent" }, { text = "four five six ", bold = true },
          { text = "seven eight ", fg = "dim" }, { text = "nine ten", fg = "error" },
        }
        purlin.on("render", function()
          for row = 0, 59 do purlin.ui.draw_spans("transcript", row, 0, spans) end
        end)
        "#,
    );
    let drawn = best(9, 50, || {
        world.kernel.win().mark_dirty("composer");
        drop(world.kernel.frame(120, 64));
    });
    println!("render_hook={:.1}", drawn - plain);
}

fn runaways() {
    let world = screened();
    world.load("loops", "purlin.on('key', function() while true do end end)");
    let start = Instant::now();
    world.press("x");
    println!("loop_stop={:.1}", start.elapsed().as_secs_f64() * 1e3);

    // Loops of host functions whose work grows with their argument, and then every function there is, once.
    let mut found = hunt::longest();
    for source in [
        "local s = ('a'):rep(30e6) while true do purlin.buf.set_text('t', s) end",
        "local s = ('a'):rep(20e6) .. 'b' while true do s:find('a-b') end",
        "local s = ('word '):rep(2e5) while true do purlin.ui.wrap(s, 3) end",
        "local t = {} for i = 1, 400000 do t[i] = i end while true do purlin.json.encode(t) end",
        "local s = ('* a\\n'):rep(6e4) while true do purlin.ui.markdown(s, 20) end",
        "local s = ('a\\n'):rep(3e5) local r = s:reverse() .. 'b' while true do purlin.ui.diff(s, r) end",
        "while true do os.execute('sleep 5') end",
    ] {
        let world = screened();
        world.load("host", &format!("purlin.on('key', function() {source} end)"));
        let start = Instant::now();
        world.press("x");
        found.push((start.elapsed(), source.to_owned()));
    }
    found.sort();
    if std::env::var_os("PURLIN_BENCH_VERBOSE").is_some() {
        for (took, call) in found.iter().rev().take(40) {
            println!("  {:.0} ms: {call}", took.as_secs_f64() * 1e3);
        }
    }
    let worst = found.last().map_or(Duration::ZERO, |(took, _)| *took);
    println!("host_calls={}", found.len());
    println!("worst_host_call={:.1}", worst.as_secs_f64() * 1e3);

    let bombs = [
        "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
        "purlin.buf.create('b') local ns = purlin.mark.namespace('n') while true do purlin.mark.set('b', ns, 0) end",
        "local n = 0 while true do n = n + 1 purlin.win.create('w' .. n, { x = 0 }) end",
    ];
    let stopped = bombs.iter().filter(|bomb| screened().try_load("bomb", bomb).is_err()).count();
    println!("bombs_stopped={stopped}");
}

fn loading() {
    let world = World::measured();
    let paths: Vec<_> = (0..200)
        .map(|number| {
            let source = "purlin.on('key', function(ev) return ev.key == 'x' end)";
            world.file(&format!("many/e{number}.lua"), source)
        })
        .collect();
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4.0
    };
    let before = resident();
    let start = Instant::now();
    for path in &paths {
        let extension = LuaExtension::from_path(path).expect("an extension");
        world.kernel.ext().load(Box::new(extension)).expect("it loads");
    }
    println!("load_200={:.0}", start.elapsed().as_secs_f64() * 1e3);
    println!("load_kib_each={:.0}", (resident() - before) / 200.0);
}
