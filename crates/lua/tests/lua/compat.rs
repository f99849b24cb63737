//! Extensions of earlier hosts: their names, answers and payloads.

use std::path::PathBuf;

use purlin_kernel::{CommandSpec, ExtId, Extension};
use purlin_lua::LuaExtension;
use serde_json::json;

use crate::world::World;

/// Every name that librecode's documentation lists.
pub const NAMES: &str = "on log register_command register_tool
    api.create_namespace api.create_autocmd api.create_user_command
    api.nvim_create_namespace api.nvim_create_autocmd api.nvim_create_user_command
    autocmd.create command.create keymap.set keymap.del event.consume event.stop action.run
    timer.defer timer.interval timer.stop
    buf.append buf.clear buf.create buf.delete buf.delete_blocks buf.delete_range buf.delete_text buf.get
    buf.get_blocks buf.get_cursor buf.get_lines buf.get_text buf.get_var buf.insert buf.list buf.replace buf.set
    buf.set_blocks buf.set_cursor buf.set_lines buf.set_text buf.set_var
    win.create win.delete win.find win.get win.get_buf win.get_buffer win.get_var win.list win.set win.set_buf
    win.set_buffer win.set_renderer win.set_var
    layout.get layout.set
    ui.clear_region ui.clear_window ui.draw_batch ui.draw_box ui.draw_lines ui.draw_spans ui.draw_text ui.measure
    ui.pad_right ui.set_cursor ui.theme_tokens ui.truncate ui.viewport ui.virtual_list ui.wrap";

#[test]
fn all_72_names_are_there() {
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    assert_eq!(names.len(), 72);
    let world = World::new();
    world.load(
        "names",
        &format!(
            r#"
            local lc = require("librecode")
            assert(lc == librecode and lc == purlin)
            for name in ("{}"):gmatch("%S+") do
              local found = lc
              for part in name:gmatch("[^.]+") do found = found[part] end
              assert(type(found) == "function", name)
            end
            "#,
            names.join(" ")
        ),
    );
}

#[test]
fn answers_change_buffers_windows_layout_and_the_screen() {
    let world = World::new();
    world.kernel.layout().set_stock(purlin_kernel::LayoutNode::col(vec![
        purlin_kernel::LayoutNode::win("transcript").grow(1),
        purlin_kernel::LayoutNode::win("composer").size(1),
    ]));
    world.screen(16, 5);
    let ran = std::rc::Rc::new(std::cell::Cell::new(0));
    let counts = std::rc::Rc::clone(&ran);
    let submit = CommandSpec::new("submit", "", move |_| {
        counts.set(counts.get() + 1);
        Box::pin(async { Ok(None) })
    });
    world.kernel.command().create(ExtId::CORE, submit);
    world.load(
        "answers",
        r#"
        local lc = require("librecode")
        lc.buf.create("gone", { text = "x" })
        lc.win.create("panel", { x = 0, y = 0, width = 4, height = 1 })
        lc.on("key", function(ev)
          if ev.key == "a" then
            return {
              consumed = true,
              buffers = {
                composer = { text = "from the answer", cursor = 4, metadata = { mode = "normal" }, unknown = 1 },
                status = "a text",
                notes = { chars = { "h", "i" }, label = "Notes", blocks = { { kind = "note", text = "b" } } },
              },
              deleted_buffers = { "gone" },
              windows = { transcript = { renderer = "extension", role = "chat" } },
              deleted_windows = { "panel" },
              actions = { "submit", { name = "submit" } },
              ui_draw_ops = {
                { window = "transcript", kind = "text", row = 1, col = 1, text = "drawn", fg = "accent", clear = false },
                { window = "transcript", kind = "spans", row = 2, col = 0, spans = { { text = "two" } } },
              },
              ui_cursor = { window = "transcript", row = 1, col = 2 },
            }
          end
          if ev.key == "b" then
            return { handled = true, layout = { width = 16, height = 5, windows = {
              transcript = { x = 0, y = 3, width = 16, height = 1, visible = true },
              composer = { x = 0, y = 0, width = 0, height = 0, visible = false },
            } } }
          end
          if ev.key == "c" then return { actions = { "no such action" } } end
          if ev.key == "d" then return { stop = true } end
        end)
        lc.on("key", { priority = -1 }, function(ev) print(ev.key) end)
        "#,
    );
    world.press("a");
    assert_eq!(world.composer(), "from the answer");
    assert_eq!(world.kernel.buf().cursor("composer"), 4);
    assert_eq!(world.kernel.buf().get("composer").expect("a buffer").metadata["mode"], json!("normal"));
    assert_eq!(world.kernel.buf().text("status"), "a text");
    assert_eq!((world.kernel.buf().text("notes"), world.kernel.buf().block_count("notes")), ("hi".into(), 1));
    assert!(!world.kernel.buf().exists("gone") && world.kernel.win().get("panel").is_none());
    assert_eq!(ran.get(), 2);
    assert_eq!(world.screen(16, 5), ["", " drawn          ", "two", "", "from the answer"]);
    assert_eq!(world.kernel.win().get("transcript").expect("a window").role, "chat");
    world.press("b");
    let rect = world.kernel.win().get("transcript").expect("a window").rect;
    assert_eq!(world.screen(16, 5).len(), 5);
    assert_ne!(world.kernel.win().get("transcript").expect("a window").rect, rect);
    assert!(!world.kernel.win().get("composer").expect("a window").visible);
    world.press("d");
    assert_eq!(world.printed(), ["a", "b"], "what stops is not seen by later handlers");
    assert_eq!(world.problems(), [""; 0]);
    world.press("c");
    assert!(
        world.problems()[0].contains("the answer's `actions`: unknown action `no such action`"),
        "{:?}",
        world.problems()
    );
}

#[test]
fn events_have_the_fields_of_earlier_hosts() {
    let world = World::new();
    world.kernel.buf().set_text("composer", "hello");
    world.kernel.set_context("session_id", json!("s1"));
    world.screen(20, 5);
    world.load(
        "fields",
        r#"
        local lc = librecode
        lc.on("key", function(ev)
          assert(ev.name == "key" and ev.key == "x" and ev.data.key == "x" and ev.payload.text == "x")
          assert(ev.composer.text == "hello" and ev.composer.chars[1] == "h" and ev.composer.cursor == 5)
          assert(ev.buffers.composer.text == "hello" and ev.windows.composer.buffer == "composer")
          assert(ev.layout.width == 20 and ev.layout.windows.composer and ev.auth_working == false and ev.working == false)
          assert(ev.focus.window == "composer" and ev.context.session_id == "s1")
          ev.composer.text = "rewritten"
          lc.event.consume()
        end)
        "#,
    );
    world.press("x");
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(world.composer(), "rewritten");
}

#[test]
fn agent_hooks_take_the_answers_of_earlier_hosts() {
    let world = World::new();
    world.load(
        "agent",
        r#"
        local lc = librecode
        lc.on("tool_call", function(ev)
          if ev.payload.name == "read" then
            return { tool_call = { arguments = { path = ev.payload.arguments.path, limit = 200 } } }
          end
        end)
        lc.on("tool_result", function(ev)
          return { tool_result = { result = ev.payload.result:upper(), details_json = '{"a":[1]}', error = "bad" } }
        end)
        lc.on("context_build", function(event)
          event.payload.contributions = { { name = "rules", role = "system", content = "Be brief." } }
          return { payload = event.payload }
        end)
        lc.on("before_provider_request", function(event)
          assert(event.payload.provider == "p" and event.payload.headers.a == "1")
          event.payload.payload.metadata = "debug-marker"
          return { payload = event.payload, provider_request = { headers = { ["X-Debug-Run"] = "local" } } }
        end)
        lc.on("turn_start", function(event) print(event.payload.turn, event.data.turn) end)
        "#,
    );
    let args = json!({ "path": "a.txt" });
    let outcome = world.raise("tool_call", json!({ "tool_name": "read", "name": "read", "args": args }));
    assert_eq!(outcome.get("args"), Some(&json!({ "limit": 200, "path": "a.txt" })));
    let outcome =
        world.raise("tool_result", json!({ "tool_name": "bash", "content": "out", "is_error": false }));
    assert_eq!(outcome.str("content"), Some("OUT"));
    assert_eq!(outcome.get("details"), Some(&json!({ "a": [1] })));
    assert_eq!(outcome.get("is_error"), Some(&json!(true)));
    let outcome = world.raise("context_build", json!({ "breakdown": {}, "limit": 10 }));
    assert_eq!(outcome.appended("contributions")[0][0]["content"], json!("Be brief."));
    let request = json!({ "provider": "p", "headers": { "a": "1" }, "payload": { "model": "m" } });
    let outcome = world.raise("model_request", request);
    assert_eq!(outcome.get("payload"), Some(&json!({ "metadata": "debug-marker", "model": "m" })));
    assert_eq!(outcome.get("headers"), Some(&json!({ "X-Debug-Run": "local" })));
    world.raise("turn_start", json!({ "turn": 3 }));
    assert_eq!(world.printed(), ["3\t3"]);
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn a_manifest_table_names_the_extension() {
    let world = World::new();
    world.file(
        "folder/init.lua",
        "-- what it is\nreturn {\n  name = \"vim-mode\",\n  version = \"0.1.0\",\n  api_version = \"v1alpha1\",\n  description = \"Modal editing.\",\n  entry = \"main.lua\",\n}",
    );
    world.file("folder/main.lua", "print(require('text').name)");
    world.file("folder/text.lua", "return { name = 'its own' }");
    world.file("code/init.lua", "return { setup = function() print('set up') end }");
    world.file("loops/init.lua", "return { name = (function() while true do end end)() }");
    let folder = LuaExtension::from_path(world.folder().join("folder")).expect("an extension");
    let told = (folder.name(), folder.version(), folder.description());
    assert_eq!(told, ("vim-mode", "0.1.0", "Modal editing."));
    world.kernel.ext().load(Box::new(folder)).expect("it loads");
    let code = LuaExtension::from_path(world.folder().join("code")).expect("an extension");
    assert_eq!(code.name(), "code");
    world.kernel.ext().load(Box::new(code)).expect("it loads");
    assert_eq!(world.printed(), ["its own", "set up"]);
    let loops = LuaExtension::from_path(world.folder().join("loops")).expect("an extension");
    assert_eq!(loops.name(), "loops");
}

/// Keys, and what the composer then holds: in librecode's vim-mode as a folder, and in the single file it was before.
const MODAL: &[(&str, &str, &str)] = &[
    ("h e l l o space w o r l d", "hello world", "hello world"),
    ("esc 0 x", "ello world", "ello world"),
    ("w D", "ello ", "ello"),
    ("u", "ello world", "ello world"),
    ("0 d w", "orld", " world"),
    ("A ! esc", "orld!", " world!"),
    ("0 i o k space esc", "ok orld!", "ok  world!"),
];

/// librecode's own extensions, from a checkout of it: `LIBRECODE_EXTENSIONS=DIR`, one extension in each folder or file.
#[test]
#[ignore = "needs a checkout of another project"]
fn extensions_of_librecode_run_unmodified() {
    let Some(folder) = std::env::var_os("LIBRECODE_EXTENSIONS").map(PathBuf::from) else {
        panic!("LIBRECODE_EXTENSIONS names a folder");
    };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let mut failed = Vec::new();
    for path in &paths {
        let world = World::new();
        world.kernel.layout().set_stock(purlin_kernel::LayoutNode::col(vec![
            purlin_kernel::LayoutNode::win("transcript").grow(1),
            purlin_kernel::LayoutNode::win("composer").size(3),
        ]));
        for action in ["submit", "history.prev", "history.next", "autocomplete.accept", "interrupt"] {
            let spec = CommandSpec::new(action, "", |_| Box::pin(async { Ok(None) }));
            world.kernel.command().create(ExtId::CORE, spec);
        }
        let extension = LuaExtension::from_path(path).expect("an extension");
        let name = format!("{} ({})", extension.name(), path.display());
        if let Err(error) = world.kernel.ext().load(Box::new(extension)) {
            failed.push(format!("{name}: {error}"));
            continue;
        }
        world.screen(60, 12);
        for (keys, of_folder, of_file) in MODAL {
            let expected = if path.is_dir() { of_folder } else { of_file };
            world.press(keys);
            world.screen(60, 12);
            if world.composer() != *expected {
                failed.push(format!("{name}: `{keys}`: {:?} instead of {expected:?}", world.composer()));
                break;
            }
        }
        failed.extend(world.problems().into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), paths.len(), failed.join("\n"));
}
