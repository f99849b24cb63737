//! What is kept and chosen, files, the network, tools that an extension runs.

use serde_json::{Value, json};

use crate::world::{World, object};

#[test]
fn state_keeps_json_values_by_scope_and_survives_a_reload() {
    let world = World::new();
    let ext = world.load(
        "s",
        r#"
        local state = purlin.state
        state.set("list", {}, "user")
        state.set("value", { 1, { a = purlin.null }, purlin.json.decode("[]") })
        local value = state.get("value")
        assert(value[1] == 1 and value[2].a == purlin.null and purlin.json.encode(value[3]) == "[]")
        state.set(7, "numbers are keys as their text")
        assert(state.get("7") ~= nil and table.concat(state.keys(), " ") == "7 value")
        state.set("7", nil)
        assert(not state.delete("7") and state.get("value", "project") == nil)
        local ok, why = pcall(state.set, "f", { run = print })
        assert(not ok and why:find("a function cannot be stored (at 'run')", 1, true), why)
        local ok, why = pcall(state.set, "big", ("x"):rep(5 * 1024 * 1024))
        assert(not ok and why:find("its quota is 4194304", 1, true), why)
        "#,
    );
    world.kernel.ext().unload(ext);
    world.load("s", "assert(purlin.state.get('value')[1] == 1)");
    world.load("other", "assert(purlin.state.get('value') == nil)");
}

#[test]
fn options_are_declared_read_and_set() {
    let world = World::new();
    world.load(
        "o",
        r#"
        local option = purlin.option
        option.define{ name = "names", type = "list", default = {} }
        assert(purlin.json.encode(option.get("names")) == "[]")
        option.define{ name = "key", secret = true, default = "sesame", desc = "a key" }
        option.define{ name = "size", choices = { "small", "large" }, default = "small" }
        option.set("size", "large")
        assert(option.get("size") == "large" and option.get("key") == "sesame")
        for _, listed in ipairs(option.list()) do
          assert(listed.extension == "o" and listed.desc)
          if listed.name == "key" then assert(listed.secret and listed.value == purlin.null) end
          if listed.name == "size" then assert(listed.source == "runtime" and listed.value == "large") end
        end
        for source, expected in pairs{
          ["purlin.option.set('size', 'huge')"] = "one of \"small\", \"large\" expected",
          ["purlin.option.get('sise')"] = "did you mean `size`?",
          ["purlin.option.define{ name = 'n', type = 'integer', default = 'x' }"] = "the default: a integer expected",
        } do
          local ok, why = pcall(load(source))
          assert(not ok and why:find(expected, 1, true), why)
        end
        "#,
    );
}

#[test]
fn settings_are_read_and_written() {
    let world = World::new();
    world.load(
        "c",
        r#"
        purlin.config.set("ui.theme", "light")
        purlin.config.set("ui.mouse", false, "project")
        assert(purlin.config.get("ui.theme") == "light" and purlin.config.get("ui").mouse == false)
        purlin.config.set("ui.theme", nil)
        assert(purlin.config.get("ui.theme") == nil)
        "#,
    );
}

#[test]
fn files_are_reached_off_the_main_thread() {
    let world = World::new();
    let folder = world.folder().display().to_string();
    world.kernel.set_context("cwd", json!(folder));
    world.load(
        "f",
        r#"
        purlin.command.create("files", function()
          local fs = purlin.fs
          assert(fs.write("note.txt", "h\0llo\n"))
          assert(fs.read("note.txt") == "h\0llo\n", "bytes stay as they are")
          local found = fs.stat("note.txt")
          assert(not found.is_dir and found.size == 6 and found.modified_ms > 0)
          assert(select(2, fs.stat("nothing")) == "missing")
          local names = {}
          for _, entry in ipairs(fs.list(".")) do names[entry.name] = entry.is_dir end
          assert(names["note.txt"] == false and names["f.lua"] == false)
          local nothing, why = fs.read("missing.txt")
          assert(nothing == nil and why:find("cannot read `", 1, true) and why:find("missing.txt", 1, true), why)
          assert(select(2, fs.list("missing")):find("cannot list", 1, true))
          assert(#fs.glob("*.lua") == 2 and #fs.glob("*.lua", { limit = 1 }) == 1)
          return "done"
        end)
        purlin.fs.watch("x", function(path, change) print(path:match("[^/]*$"), change) end)
        local ok, why = pcall(purlin.fs.read, "x")
        assert(not ok and why:find("this place cannot", 1, true), why)
        "#,
    );
    assert_eq!(world.command("files", "").expect("no error").as_deref(), Some("done"));
    assert_eq!(world.printed(), ["new\tcreated"]);
}

#[test]
fn requests_are_answered_whatever_the_status() {
    let world = World::new();
    world.load(
        "h",
        r#"
        purlin.command.create("ask", function()
          local request = { url = "https://x.test/a", method = "post", headers = { b = "2", a = 1 }, body = "hello" }
          local answer = purlin.http.request(request)
          assert(answer.status == 418 and answer.headers["x-a"] == "1, 2")
          assert(answer.body == 'POST https://x.test/a [("a", "1"), ("b", "2")] hello', answer.body)
          local pieces = {}
          request.on_chunk = function(piece) purlin.sleep(1) pieces[#pieces + 1] = piece end
          assert(purlin.http.request(request).body == "" and pieces[2] == "hello")
          local nothing, why = purlin.http.request{ url = "http://127.0.0.1:1/" }
          assert(nothing == nil and why:find("nobody listens", 1, true))
          local ok, why = pcall(purlin.http.request, { url = "ftp://x" })
          assert(not ok and why:find("bad argument #1 to 'http.request' (field 'url'", 1, true), why)
          return "done"
        end)
        "#,
    );
    assert_eq!(world.command("ask", "").expect("no error").as_deref(), Some("done"));
}

#[test]
fn an_extension_runs_a_tool_through_the_same_hooks() {
    let world = World::new();
    world.load(
        "t",
        r#"
        purlin.tool.register{
          name = "add", description = "Adds.", kind = "read",
          schema = { type = "object", properties = { a = { type = "number" }, b = { type = "number" } }, required = { "a", "b" } },
          execute = function(args, ctx) ctx.progress("adding") return { content = tostring(args.a + args.b), details = { sum = args.a + args.b } } end,
        }
        "#,
    );
    world.load(
        "gate",
        r#"
        for _, name in ipairs{ "tool_call", "tool_execution_start", "tool_delta", "tool_execution_end", "tool_result", "tool_error" } do
          purlin.on(name, function(ev)
            print(name, ev.tool_name, ev.source)
            if name == "tool_call" and ev.args.a == 13 then return { block = true, reason = "unlucky" } end
            if name == "tool_call" and ev.args.a == 2 then return { args = { a = 20, b = ev.args.b } } end
            if name == "tool_result" then return { content = ev.content .. "!" } end
          end)
        end
        "#,
    );
    world.load(
        "user",
        r#"
        purlin.command.create("add", function(_, ctx)
          local done, why = purlin.tool.run(ctx.words[1], { a = tonumber(ctx.words[2]), b = tonumber(ctx.words[3]) })
          if not done then return nil, why end
          return purlin.json.encode(done)
        end)
        "#,
    );
    let add = |args: &str| world.command("add", args);
    assert_eq!(
        add("add 2 3").expect("ran").as_deref(),
        Some(r#"{"content":"23!","details":{"sum":23},"is_error":false}"#)
    );
    assert_eq!(
        world.printed(),
        [
            "tool_call\tadd\textension",
            "tool_execution_start\tadd\tnil",
            "tool_delta\tadd\tnil",
            "tool_execution_end\tadd\tnil",
            "tool_result\tadd\tnil"
        ]
    );
    let blocked = add("add 13 1").expect("an outcome").expect("text");
    assert_eq!(blocked, r#"{"content":"Error: unlucky","is_error":true}"#);
    assert_eq!(world.printed().len(), 6, "a blocked call fires `tool_call` only");
    let wrong = add("add 1").expect("an outcome").expect("text");
    assert!(wrong.contains(r#"\"b\" is a required property"#), "{wrong}");
    let missing = add("ad 1 2").expect_err("no such tool");
    assert!(missing.contains("there is no tool `ad`; did you mean `add`?"), "{missing}");
}

#[test]
fn c20_only_active_tools_are_on_offer_until_their_extension_is_gone() {
    let world = World::new();
    let ext = world.load(
        "only",
        r#"
        local names = function()
          local found = {}
          for _, tool in ipairs(purlin.tool.list()) do found[#found + 1] = tool.name end
          return table.concat(found, " ")
        end
        assert(names() == "read write edit bash", names())
        purlin.tool.set_active{ "read", "bash" }
        assert(names() == "read bash")
        purlin.tool.set_active{ "read" }
        assert(names() == "read")
        purlin.tool.set_active(nil)
        assert(names() == "read write edit bash")
        purlin.tool.set_active{ "read" }
        purlin.command.create("other", function()
          local done, why = purlin.tool.run("bash", { command = "true" })
          return tostring(done) .. " " .. why
        end)
        "#,
    );
    let refused = world.command("other", "").expect("ran").expect("text");
    assert!(refused.starts_with("nil there is no tool `bash`"), "{refused}");
    world.kernel.ext().unload(ext);
    assert_eq!(purlin_agent::tools::offered(&world.kernel).len(), 4);
}

#[test]
fn c18_a_schema_that_is_none_is_a_load_error_that_names_the_tool() {
    let world = World::new();
    for (schema, expected) in [
        ("{ type = 'objekt' }", "/type"),
        ("{ properties = { a = { pattern = '(' } } }", "\"(\" is not a \"regex\""),
        ("{ required = { 1 } }", "/required"),
        ("{ type = 'string' }", "arguments are an object"),
    ] {
        let source = format!(
            "purlin.tool.register{{ name = 'mine', description = 'd', schema = {schema}, execute = print }}"
        );
        let error = world.try_load("bad", &source).expect_err(schema).source;
        assert!(error.message.contains("the schema of `mine` is not valid: "), "{error}");
        assert!(error.message.contains(expected), "{schema}: {error}");
        assert_eq!(error.line, Some(1));
    }
}

fn shown(world: &World, meta: &Value, text: &str) -> Option<Vec<String>> {
    let decl = world.kernel.hook().decl("transcript_render").expect("declared");
    let block = json!({ "kind": "tool", "text": text, "meta": meta });
    let outcome = world.kernel.hook().dispatch_object(decl, object(json!({ "block": block, "width": 20 })));
    let lines = outcome.get("lines")?.as_array()?.clone();
    let plain = |line: &Value| -> String {
        let spans = line.as_array().map(Vec::as_slice).unwrap_or_default();
        spans.iter().filter_map(|span| span["text"].as_str()).collect()
    };
    Some(lines.iter().map(plain).collect())
}

#[test]
fn a_tool_looks_as_its_renderer_says_and_as_usual_where_that_fails() {
    let world = World::new();
    world.load(
        "look",
        r#"
        purlin.tool.renderer("bash", { display_name = "Old" })
        local look = purlin.tool.renderer("bash", {
          display_name = "Shell", border = "accent", background = '#101010',
          header = function(args, width) return args.command and { { { text = "$ " .. args.command, bold = true } } } end,
          body = function(result, is_error, width)
            if result == "" then return "" end
            return (is_error and "failed: " or "") .. result .. " " .. width
          end,
        })
        purlin.command.create("gone", function() look:del() end)
        purlin.tool.renderer("read", { body = function() error("broken") end })
        "#,
    );
    let meta = json!({ "name": "bash", "args": { "command": "ls" }, "status": "ok" });
    assert_eq!(
        shown(&world, &meta, "one").as_deref(),
        Some(&["▌ $ ls              ".to_owned(), "▌ one 18            ".to_owned()][..])
    );
    let failed = json!({ "name": "bash", "args": {}, "status": "error" });
    assert_eq!(
        shown(&world, &failed, "no").as_deref(),
        Some(&["▌ Shell             ".to_owned(), "▌ failed: no 18     ".to_owned()][..])
    );
    assert_eq!(shown(&world, &json!({ "name": "write" }), "x"), None, "others look as usual");
    assert_eq!(shown(&world, &json!({ "name": "read" }), "x"), None, "what fails looks as usual");
    assert!(world.problems().iter().any(|problem| problem.contains("broken")), "{:?}", world.problems());
    world.command("gone", "").expect("no error");
    assert_eq!(shown(&world, &meta, "one").map(|lines| lines[0].clone()).as_deref(), Some("▌ Old"));
    let error =
        world.try_load("wrong", "purlin.tool.renderer('x', { border = 'accnt' })").expect_err("no colour");
    assert!(error.source.message.contains("field 'border': unknown colour 'accnt', did you mean 'accent'?"));
}

#[test]
fn a_process_is_run_to_its_end() {
    let world = World::new();
    world.load(
        "j",
        r#"
        purlin.command.create("run", function()
          local job = purlin.job
          local done = job.run{ cmd = "echo out; echo err >&2; exit 3" }
          assert(done.code == 3 and done.stdout == "out\n" and done.stderr == "err\n")
          assert(job.run{ cmd = "echo", args = { "a b", "$HOME" } }.stdout == "a b $HOME\n")
          assert(job.run{ cmd = { "printf", "%s|", "x", "y" } }.stdout == "x|y|")
          local nothing, why = job.run{ cmd = { "no-such-program-at-all" } }
          assert(nothing == nil and why:find("no-such-program-at-all", 1, true), why)
          local ok, why = pcall(job.run, { cmd = {} })
          assert(not ok and why:find("field 'cmd': a program expected", 1, true), why)
          return "done"
        end)
        "#,
    );
    assert_eq!(world.command("run", "").expect("no error").as_deref(), Some("done"));
}

#[test]
fn a_process_runs_beside_and_calls_back() {
    let world = World::new();
    world.load(
        "s",
        r#"
        local job = purlin.job.spawn{
          cmd = { "printf", "one" },
          on_stdout = function(text) purlin.sleep(1) print("out", text) end,
          on_exit = function(...) print("exit", ...) end,
        }
        purlin.command.create("wait", function()
          local code, signal, late = job:wait()
          assert(code == 0 and signal == nil and late == false and not job:is_running())
          local gone, why = job:kill()
          assert(gone == nil and why == "stale")
          assert(select(2, job:write("x")) == "stale" and select(2, job:close()) == "stale")
          return "done"
        end)
        local ok, why = pcall(purlin.job.spawn, { cmd = { "no-such-program-at-all" } })
        assert(not ok and why:find("no-such-program-at-all", 1, true), why)
        local ok, why = pcall(purlin.job.spawn, { cmd = "true", pty = { cols = "wide" } })
        assert(not ok and why:find("field 'pty': field 'cols'", 1, true), why)
        "#,
    );
    world.settle();
    assert_eq!(world.command("wait", "").expect("no error").as_deref(), Some("done"));
    world.advance(10);
    let mut printed = world.printed();
    printed.sort();
    assert_eq!(printed, ["exit\t0\tnil\tfalse", "out\tone"]);
    assert_eq!(world.problems(), [""; 0]);
}
