//! Times of the Lua side, as information: `cargo test --release -p purlin-lua --test lua -- --ignored bench --nocapture`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::Instant;

use purlin_kernel::hooks::terminal::{KeyPayload, KeyPress};
use purlin_kernel::{Extension, HandlerFn, Key, KeyEvent, OnOptions};
use purlin_lua::LuaExtension;

use crate::world::World;

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

#[test]
#[ignore = "prints times; needs a release build to mean anything"]
fn bench() {
    keys();
    calls();
    loading();
}

fn dispatch(world: &World) {
    let event: KeyEvent = Key::parse_single("x").expect("a key").into();
    world.kernel.hook().dispatch_with::<KeyPress>(|| KeyPayload(event));
}

/// What the kernel costs without an interpreter.
fn kernel_alone() {
    let world = World::new();
    let ext = world.kernel.ext().reserve("rust");
    let handler = HandlerFn::sync(|event| {
        std::hint::black_box((event.get("key"), event.get("ctrl")));
        Ok(serde_json::Value::Null)
    });
    world.kernel.hook().on(ext, "key", OnOptions::default(), handler).expect("a hook");
    println!("key to 1 Rust handler that reads two fields: {:.2} µs", best(5, 20_000, || dispatch(&world)));
}

fn keys() {
    kernel_alone();
    let handler = "purlin.on('key', function(ev) if ev.key == 'a' and ev.ctrl then return true end end)\n";
    let both = "purlin.on('key', function(ev) local k, c = ev.key, ev.ctrl end)\n";
    for (name, extensions, handlers, source) in [
        ("key to 1 handler that reads two fields", 1, 1, both),
        ("key to 1 handler that reads one", 1, 1, handler),
        ("key to 1 handler that reads none", 1, 1, "purlin.on('key', function() end)"),
        ("key to 20 handlers in one extension", 1, 20, both),
        ("key to 20 handlers in twenty", 20, 1, both),
    ] {
        let world = World::new();
        for number in 0..extensions {
            world.load(&format!("e{number}"), &source.repeat(handlers));
        }
        println!("{name}: {:.2} µs", best(5, 20_000, || dispatch(&world)));
    }
}

fn calls() {
    let world = World::new();
    world.load(
        "calls",
        r#"
        local text = string.rep("0123456789", 1000)
        purlin.buf.set_text("t", "")
        local function time(name, n, fn)
          local best = math.huge
          for _ = 1, 5 do
            local start = os.clock()
            for i = 1, n do fn(i) end
            best = math.min(best, (os.clock() - start) / n * 1e6)
          end
          print(("%s: %.2f µs"):format(name, best))
        end
        purlin.spawn(function()
          time("an empty loop's turn", 100000, function() end)
          time("buf.set_text of 10 KB", 300, function() purlin.buf.set_text("t", text) end)
          purlin.sleep(1)
          purlin.buf.set_text("t", "")
          time("buf.insert", 5000, function(i) purlin.buf.insert("t", 0, "x") end)
          purlin.sleep(1)
          time("buf.get_cursor", 20000, function() return purlin.buf.get_cursor("t") end)
          purlin.sleep(1)
          time("win.get", 5000, function() return purlin.win.get("composer") end)
          purlin.sleep(1)
          time("buf.get", 5000, function() return purlin.buf.get("t") end)
          purlin.sleep(1)
          time("pcall", 50000, function() return pcall(type, 1) end)
        end)
        "#,
    );
    world.settle();
    (0..10).for_each(|_| world.advance(1));
    for line in world.printed() {
        println!("{line}");
    }
    for line in world.problems() {
        println!("{line}");
    }
}

fn loading() {
    let world = World::new();
    let paths: Vec<_> = (0..200)
        .map(|number| {
            world.file(
                &format!("many/e{number}.lua"),
                "purlin.on('key', function(ev) return ev.key == 'x' end)",
            )
        })
        .collect();
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4.0
    };
    let before = resident();
    let start = Instant::now();
    let mut used = 0;
    for path in &paths {
        let extension = LuaExtension::from_path(path).expect("an extension");
        assert_eq!(extension.used_memory(), 0);
        assert!(!extension.name().is_empty());
        world.kernel.ext().load(Box::new(extension)).expect("it loads");
        used += 1;
    }
    let took = start.elapsed();
    println!(
        "{used} extensions with one handler each: {:.0} ms, {:.0} KiB resident each",
        took.as_secs_f64() * 1e3,
        (resident() - before) / f64::from(used)
    );
}
