//! Small extensions in an earlier host's style, written for this test: together they call all of its names.

use std::collections::BTreeSet;

use purlin_kernel::{CommandSpec, ExtId, Input, LayoutNode};
use serde_json::json;

use crate::compat::NAMES;
use crate::tools::call_tool;
use crate::world::World;

const MODAL: &str = include_str!("librecode/modal.lua");
const BOARD: &str = include_str!("librecode/board.lua");
const HELPERS: &str = include_str!("librecode/helpers.lua");
const EDITORISH: &str = include_str!("librecode/editorish.lua");
const CLOCK: &str = include_str!("librecode/clock.lua");

/// Stands before an extension's first line: what it calls of the module is written into a buffer.
const SPY: &str = r#"local real = require("librecode")
local function spy(path, inner)
  return setmetatable({}, { __index = function(_, name)
    local found, full = inner[name], path .. name
    if type(found) == "table" then return spy(full .. ".", found) end
    return type(found) == "function" and function(...)
      real.buf.append("called", full .. " ")
      return found(...)
    end or found
  end })
end
package.loaded.librecode = spy("", real)
"#;

/// A world with a layout and the actions of the composer.
fn world() -> World {
    let world = World::new();
    world.kernel.layout().set_stock(LayoutNode::col(vec![
        LayoutNode::win("transcript").grow(1),
        LayoutNode::win("composer").size(1),
    ]));
    world.kernel.buf().create(ExtId::CORE, "status");
    let recall = CommandSpec::new("history.prev", "", |_| Box::pin(async { Ok(None) }));
    world.kernel.command().create(ExtId::CORE, recall);
    world.screen(40, 10);
    world
}

/// Loads an extension with the spy before it.
fn load(world: &World, name: &str, source: &str) {
    world.load(name, &format!("{SPY}{source}"));
}

/// What was called so far.
fn called(world: &World) -> BTreeSet<String> {
    world.kernel.buf().text("called").split_whitespace().map(str::to_owned).collect()
}

/// Edits in two modes; answers what was called.
fn modal() -> BTreeSet<String> {
    let world = world();
    load(&world, "modal", MODAL);
    world.press("o n e escape");
    assert_eq!(world.printed(), ["normal after 3 characters"]);
    let check = |keys: &str, text: &str| {
        world.press(keys);
        assert_eq!(world.composer(), text, "after {keys}");
    };
    check("X", "on");
    check("0 x", "n");
    check("r", "*");
    check("o", "\n*");
    check("d", "");
    check("k q z U", "Z");
    check("S", "");
    check("h i x r", "xr");
    assert_eq!(world.problems(), [""; 0]);
    called(&world)
}

/// Draws a board and takes it away; answers what was called.
fn board() -> BTreeSet<String> {
    let world = world();
    world.kernel.buf().create(ExtId::CORE, "notes");
    load(&world, "board", BOARD);
    let shown = world.screen(40, 10);
    assert!(shown[2].contains("count the seeds"), "{shown:?}");
    assert!(shown[3].contains("mend the fence by the…"), "{shown:?}");
    assert!(shown[4].contains("3 tasks") && shown[5].contains("press n +"), "{shown:?}");
    world.press("n");
    assert!(world.screen(40, 10)[4].contains("4 tasks"));
    assert_eq!(world.kernel.buf().block_count("board"), 4);
    world.press("u w");
    assert!(world.screen(40, 10)[4].starts_with("│3 tasks"), "{:?}", world.screen(40, 10));
    world.press("c");
    assert!(world.kernel.win().get("board").is_none() && !world.kernel.buf().exists("board"));
    assert_eq!(world.composer(), "");
    assert_eq!(world.problems(), [""; 0]);
    called(&world)
}

/// Runs commands and a tool; answers what was called.
fn helpers() -> BTreeSet<String> {
    let world = world();
    load(&world, "helpers", HELPERS);
    assert_eq!(world.command("count", "one two").expect("no error").as_deref(), Some("2 words"));
    assert_eq!(world.command("shout", "hey").expect("no error").as_deref(), Some("HEY"));
    let (outcome, _) = call_tool(&world, "reverse", json!({ "text": "abc" }));
    assert_eq!(outcome.expect("an answer").content, "cba");
    let outcome = world
        .raise("tool_call", json!({ "tool_name": "reverse", "name": "reverse", "args": { "text": "" } }));
    assert_eq!(outcome.get("args"), Some(&json!({ "text": "nothing" })));
    let outcome = world.raise("tool_result", json!({ "tool_name": "reverse", "content": "cba" }));
    assert_eq!(outcome.str("content"), Some("<cba>"));
    assert_eq!(world.problems(), [""; 0]);
    called(&world)
}

/// Observes through autocommands; answers what was called.
fn editorish() -> BTreeSet<String> {
    let world = world();
    load(&world, "editorish", EDITORISH);
    world.kernel.input(Input::Paste("x".into()));
    world.press("y");
    assert_eq!(world.command("Seen", "").expect("no error").as_deref(), Some("paste key"));
    world.command("Forget", "").expect("no error");
    assert_eq!(world.command("Seen", "").expect("no error").as_deref(), Some(""));
    assert_eq!(world.problems(), [""; 0]);
    called(&world)
}

/// Lets time pass; answers what was called.
fn clock() -> BTreeSet<String> {
    let world = world();
    load(&world, "clock", CLOCK);
    for _ in 0..6 {
        world.advance(100);
    }
    assert_eq!(world.kernel.buf().text("status"), "tick 3");
    assert_eq!(world.printed(), ["stopped after 3"]);
    assert_eq!(world.problems(), [""; 0]);
    called(&world)
}

#[test]
fn small_extensions_of_an_earlier_hosts_style_work_and_call_all_its_names() {
    let called: BTreeSet<String> =
        [modal(), board(), helpers(), editorish(), clock()].into_iter().flatten().collect();
    let never: Vec<&str> = NAMES.split_whitespace().filter(|name| !called.contains(*name)).collect();
    assert_eq!(never, [""; 0]);
}
