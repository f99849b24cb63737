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
    assert!(outputs[2].contains("of 67108864 bytes"), "{}", &outputs[2][..200]);
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
