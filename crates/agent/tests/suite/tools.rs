//! The built-in tools on real files, and tools of extensions.

use std::rc::Rc;

use futures_util::FutureExt;
use purlin_agent::tools::{EditTool, ReadTool, WriteTool, serve_tools};
use purlin_agent::{Tool, ToolContext, ToolKind, ToolOutcome, ToolRegistration, ToolSpec};
use purlin_kernel::ExtId;
use serde_json::{Value, json};

use crate::world::World;

fn run(world: &World, tool: &dyn Tool, args: Value) -> ToolOutcome {
    let cx = ToolContext {
        cwd: world.dir.path().to_owned(),
        call_id: "c".into(),
        session_id: "n".into(),
        host: world.processes.clone(),
        progress: Rc::new(|_, _| {}),
    };
    world.host.run(tool.run(args, cx))
}

#[test]
fn write_read_edit() {
    let world = World::new("[[turn]]\n");
    let (read, write, edit) = (ReadTool::new(), WriteTool::new(), EditTool::new());
    let made = run(&world, &write, json!({"path": "a/b/c.txt", "content": "one\ntwo\nthree\n"}));
    assert_eq!(made.content, "Created `a/b/c.txt` (3 lines, 14 bytes).");
    let part = run(&world, &read, json!({"path": "a/b/c.txt", "offset": 2, "limit": 1}));
    assert_eq!(part.content, "two\n[… lines 2 to 2 of a file of 14 bytes; go on with `offset` 3 …]");
    let edited = run(&world, &edit, json!({"path": "a/b/c.txt", "old_string": "two", "new_string": "2"}));
    assert!(edited.content.contains("-two\n+2\n"), "{}", edited.content);
    assert_eq!(
        std::fs::read_to_string(world.dir.path().join("a/b/c.txt")).expect("reads"),
        "one\n2\nthree\n"
    );
    let missing = run(&world, &edit, json!({"path": "a/b/c.txt", "old_string": "  one", "new_string": "x"}));
    assert!(
        missing.is_error && missing.content.contains("Line 1 differs only in white space"),
        "{missing:?}"
    );
    let none = run(&world, &read, json!({"path": "nope"}));
    assert!(none.is_error && none.content.starts_with("Error: `nope` cannot be read"), "{none:?}");
    let listed = run(&world, &read, json!({"path": "a"}));
    assert_eq!(listed.content, "b/");
    std::fs::write(world.dir.path().join("bin"), b"a\0b").expect("writes");
    assert_eq!(
        run(&world, &read, json!({"path": "bin"})).content,
        "Error: `bin` is a binary file of 3 bytes"
    );
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_instead_of_waited_for() {
    let world = World::new("[[turn]]\n");
    let (read, write, edit) = (ReadTool::new(), WriteTool::new(), EditTool::new());
    for path in ["/dev/zero", "/dev/tty", "socket"] {
        let _socket = std::os::unix::net::UnixDatagram::bind(world.dir.path().join("socket"));
        let expected = format!("Error: `{path}` is not a regular file");
        let args = json!({"path": path, "old_string": "a", "new_string": "b"});
        assert_eq!(run(&world, &edit, args).content, expected);
        assert_eq!(run(&world, &read, json!({"path": path})).content, expected);
        assert_eq!(run(&world, &write, json!({"path": path, "content": "x"})).content, expected);
    }
}

#[test]
fn a_tilde_is_the_home_directory() {
    let world = World::new("[[turn]]\n");
    let missing = run(&world, &ReadTool::new(), json!({"path": "~/no/such/file"}));
    let home = std::env::home_dir().expect("a home").join("no/such/file");
    assert!(missing.content.contains(&home.display().to_string()), "{missing:?}");
    run(&world, &WriteTool::new(), json!({"path": "~odd", "content": "x"}));
    assert!(world.dir.path().join("~odd").exists(), "only a whole `~` stands for it");
}

#[test]
fn what_is_read_and_its_notice_stay_below_the_inline_limit() {
    let world = World::new("[[turn]]\n");
    // Each of these bytes is shown as three.
    std::fs::write(world.dir.path().join("big"), b"\xff\xff\xff\n".repeat(100_000)).expect("writes");
    let part = run(&world, &ReadTool::new(), json!({"path": "big", "limit": 90_000})).content;
    assert!(part.len() <= purlin_agent::tools::INLINE_LIMIT, "{}", part.len());
    assert!(part.contains("go on with `offset`"));
}

#[test]
fn a_change_of_a_large_file_is_stored_in_bounds() {
    let world = World::new("[[turn]]\n");
    let text = |word: &str| (0..20_000).map(|n| format!("{word} {n}")).collect::<Vec<_>>().join("\n");
    run(&world, &WriteTool::new(), json!({"path": "big", "content": text("a")}));
    let replaced = run(&world, &WriteTool::new(), json!({"path": "big", "content": text("b")}));
    let details = replaced.details.expect("details");
    assert_eq!(details["created"], json!(false));
    let diff = details["diff"].as_str().expect("a diff");
    assert!(diff.contains("bytes left out") && diff.len() < 40_000, "{}", diff.len());
}

#[cfg(unix)]
#[test]
fn writing_through_a_link_makes_the_file_it_names() {
    let world = World::new("[[turn]]\n");
    let link = world.dir.path().join("link");
    std::os::unix::fs::symlink("later", &link).expect("links");
    run(&world, &WriteTool::new(), json!({"path": "link", "content": "new"}));
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(world.dir.path().join("later")).expect("reads"), "new");
}

#[cfg(unix)]
#[test]
fn writing_keeps_links_and_modes() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new("[[turn]]\n");
    let (file, link) = (world.dir.path().join("file"), world.dir.path().join("link"));
    std::fs::write(&file, "old").expect("writes");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("sets");
    std::os::unix::fs::symlink(&file, &link).expect("links");
    run(&world, &WriteTool::new(), json!({"path": "link", "content": "new"}));
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(&file).expect("reads"), "new");
    assert_eq!(std::fs::metadata(&file).expect("reads").permissions().mode() & 0o777, 0o755);
    assert_eq!(std::fs::read_dir(world.dir.path()).expect("lists").count(), 3);
}

#[test]
fn a_command_that_fails_tells_its_exit_code() {
    let world =
        World::playing("[[turn]]\n[[turn.tool]]\nname='bash'\nargs={command='fail'}\n[[turn]]\ntext='ok'\n");
    let cell = world.ask("go");
    assert_eq!(world.outputs(&cell)[2], "tool_result: error no\n[exit code 3]");
}

#[test]
fn a_command_that_does_not_end_is_killed_after_its_time() {
    let world = World::playing(
        "[[turn]]\n[[turn.tool]]\nname='bash'\nargs={command='hang',timeout=5}\n[[turn]]\ntext='ok'\n",
    );
    let cell = world.ask("go");
    assert_eq!(world.outputs(&cell)[2], "tool_result: error begun\n[killed: it had not ended after 5 s]");
    assert_eq!(*world.processes.killed.borrow(), ["hang"]);
}

#[test]
fn a_command_that_prints_without_end_stays_bounded() {
    // 64 MiB; the clip's own test goes to a gigabyte.
    let world = World::playing(
        "[[turn]]\n[[turn.tool]]\nname='bash'\nargs={command='flood 1024'}\n[[turn]]\ntext='ok'\n",
    );
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    let bytes: usize = outputs.iter().map(String::len).sum();
    assert!(bytes < 200_000, "{bytes}");
    let result = outputs.iter().find(|output| output.starts_with("tool_result")).expect("there is a result");
    assert!(result.contains("of 67108864 bytes"), "{}", &result[..200]);
}

#[test]
fn an_extensions_tool_runs_on_the_main_thread() {
    let world = World::new(
        "[[turn]]\n[[turn.tool]]\nname='greet'\nargs={who='you'}\n[[turn.tool]]\nname='greet'\nargs={}\n[[turn]]\ntext='ok'\n",
    );
    let schema = json!({"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]});
    let registration = ToolRegistration {
        spec: ToolSpec::new("greet", "Greets.", schema, ToolKind::Other),
        execute: Rc::new(|args, call| {
            async move {
                (call.progress)(json!("greeting…\n"));
                Ok(ToolOutcome::ok(format!("hello {}", args["who"].as_str().unwrap_or_default())))
            }
            .boxed_local()
        }),
    };
    let handle = serve_tools(&world.kernel, &world.catalog);
    let owner = world.kernel.ext().reserve("greeter");
    let registered = world.kernel.ext().add(owner, registration);
    assert_eq!(world.catalog.specs()[0].extension.as_deref(), Some("greeter"));
    let mut world = world;
    world.start_agent();
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert!(outputs.contains(&"tool_output: greeting…\n".to_owned()), "{outputs:?}");
    assert!(outputs.contains(&"tool_result: success hello you".to_owned()), "{outputs:?}");
    assert!(outputs.iter().any(|o| o.contains("\"who\" is a required property")), "{outputs:?}");
    registered.del();
    assert!(world.catalog.specs().is_empty());
    handle.del();
    let _ = ExtId::CORE;
}
